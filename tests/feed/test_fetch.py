"""One fetch, from a server that misbehaves in every way we could think of."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from sectorwatch.errors import FetchError
from sectorwatch.feed.fetch import (
    BLAME,
    NEVER_ARRIVED,
    TRANSIENT,
    Fetched,
    FetchLimits,
    Validators,
    _connect_reason,
    _reason,
    fetch,
    open_session,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    Serving = Callable[[Callable[[Any, Any], Awaitable[None]]], AbstractAsyncContextManager[Any]]

# Patient where nothing is to be waited for, so that a busy machine fails no test.
LIMITS = FetchLimits(connect_s=5, read_s=5, total_s=10, max_bytes=200_000)
# Long enough for the server of the test to have been asked, also on a busy machine.
IMPATIENT = FetchLimits(connect_s=5, read_s=0.6, total_s=2, max_bytes=200_000)
BODY = b'{"general":{"version":3},"pilots":[]}'


async def get(
    url: str, validators: Validators | None = None, limits: FetchLimits = LIMITS
) -> Fetched:
    """One fetch in a session of its own."""
    async with open_session("sectorwatch-test", limits) as session:
        return await fetch(session, url, limits, validators=validators)


def fetched(
    serving: Serving,
    script: Any,
    validators: Validators | None = None,
    limits: FetchLimits = LIMITS,
) -> Fetched:
    """What comes of a fetch from a server with this script."""

    async def run() -> Fetched:
        async with serving(script) as server:
            return await get(server.url(), validators, limits)

    return asyncio.run(run())


def failure(serving: Serving, script: Any, limits: FetchLimits = LIMITS) -> FetchError:
    """What a fetch from a server with this script raises."""
    with pytest.raises(FetchError) as caught:
        fetched(serving, script, limits=limits)
    assert "http://127.0.0.1" in str(caught.value)
    return caught.value


def test_a_good_answer_comes_as_it_was_sent(serving: Serving) -> None:
    """Body, encoding and validators; the body is not decompressed here."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(
            b"\x1f\x8bwhatever", Content_Encoding="gzip", ETag='"abc"', Last_Modified="yesterday"
        )

    assert fetched(serving, script) == Fetched(
        b"\x1f\x8bwhatever", "gzip", Validators('"abc"', "yesterday")
    )


def test_it_says_who_asks_and_what_it_understands(serving: Serving) -> None:
    """And takes no cookies, nor sends any."""
    seen: list[dict[str, str]] = []

    async def script(request: Any, reply: Any) -> None:
        seen.append(request.headers)
        await reply.send(BODY, Set_Cookie="a=b")

    async def run() -> None:
        async with serving(script) as server, open_session("sectorwatch/1", LIMITS) as session:
            for _ in range(2):
                await fetch(session, server.url(), LIMITS)

    asyncio.run(run())
    for headers in seen:
        assert headers["User-Agent"] == "sectorwatch/1"
        assert headers["Accept-Encoding"] == "gzip, deflate, zstd"
        assert "Cookie" not in headers
        assert "If-None-Match" not in headers


def test_an_unchanged_feed_is_not_sent_again(serving: Serving) -> None:
    """Asked with both validators, a 304 says that nothing changed."""

    async def script(request: Any, reply: Any) -> None:
        assert request.headers["If-None-Match"] == '"abc"'
        assert request.headers["If-Modified-Since"] == "yesterday"
        await reply.raw(b"HTTP/1.1 304 Not Modified\r\n\r\n")

    asked = Validators('"abc"', "yesterday")
    assert fetched(serving, script, asked) == Fetched(None, "", asked)


def test_not_modified_is_no_answer_to_an_unconditional_request(serving: Serving) -> None:
    """Nothing was asked with, so nothing can be unchanged."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(status="304 Not Modified")

    assert failure(serving, script).reason == "status"


async def slow_headers(_: Any, reply: Any) -> None:
    """Half a header, then nothing."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Le")
    await asyncio.sleep(5)


async def never_a_word(_: Any, reply: Any) -> None:
    """A connection that stands."""
    del reply
    await asyncio.sleep(5)


async def drip(_: Any, reply: Any) -> None:
    """A byte now and then: never silent, never done."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        await reply.raw(b"x")
        await asyncio.sleep(0.05)


async def header_drip(_: Any, reply: Any) -> None:
    """Headers without end, slowly."""
    await reply.raw(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000):
        await reply.raw(b"X-%d: y\r\n" % number)
        await asyncio.sleep(0.05)


async def stall(_: Any, reply: Any) -> None:
    """Half a body, then nothing."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)
    await asyncio.sleep(5)


async def informational(_: Any, reply: Any) -> None:
    """100 Continue, for ever."""
    while True:
        await reply.raw(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.02)


async def reset_midway(_: Any, reply: Any) -> None:
    """A reset amid the body."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)
    await asyncio.sleep(0.05)
    reply.reset()


async def reset_at_once(_: Any, reply: Any) -> None:
    """A reset instead of an answer."""
    reply.reset()


async def close_at_once(_: Any, reply: Any) -> None:
    """The end instead of an answer."""
    del reply


async def too_short(_: Any, reply: Any) -> None:
    """Less than its own Content-Length."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)


async def chunks_cut(_: Any, reply: Any) -> None:
    """Chunks that end without the last one."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")


async def chunk_cut(_: Any, reply: Any) -> None:
    """A chunk that ends before its end."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello")


async def chunk_garbage(_: Any, reply: Any) -> None:
    """A chunk whose length is none."""
    await reply.raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"
    )


async def garbage(_: Any, reply: Any) -> None:
    """Something that is not HTTP."""
    await reply.raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


async def tls_alert(_: Any, reply: Any) -> None:
    """What a TLS server says to plain HTTP."""
    await reply.raw(b"\x15\x03\x03\x00\x02\x02\x28")


async def bad_status(_: Any, reply: Any) -> None:
    """A status that is no number."""
    await reply.raw(b"HTTP/1.1 ABC Wat\r\n\r\n")


async def huge_header(_: Any, reply: Any) -> None:
    """One header of 100 kB."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 100_000 + b"\r\n\r\n")


async def many_headers(_: Any, reply: Any) -> None:
    """Five thousand headers."""
    lines = b"".join(b"X-%d: y\r\n" % number for number in range(5_000))
    await reply.raw(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")


async def two_lengths(_: Any, reply: Any) -> None:
    """Two that disagree."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello")


async def negative_length(_: Any, reply: Any) -> None:
    """Less than nothing."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")


async def too_long(_: Any, reply: Any) -> None:
    """More than its own Content-Length."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more")


async def endless(_: Any, reply: Any) -> None:
    """A body without end, as fast as it goes."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await reply.raw(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


async def endless_without_length(_: Any, reply: Any) -> None:
    """A body until the connection ends, which it does not."""
    await reply.raw(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await reply.raw(b"x" * 65_536)


async def said_too_large(_: Any, reply: Any) -> None:
    """A length beyond all feeds: it is not waited for."""
    await reply.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    await asyncio.sleep(5)


async def no_content(_: Any, reply: Any) -> None:
    """204."""
    await reply.raw(b"HTTP/1.1 204 No Content\r\n\r\n")


async def empty(_: Any, reply: Any) -> None:
    """200 with nothing."""
    await reply.send()


async def not_found(_: Any, reply: Any) -> None:
    """404."""
    await reply.send(b"no", status="404 Not Found")


async def partial(_: Any, reply: Any) -> None:
    """A part that nobody asked for."""
    await reply.send(BODY[:10], status="206 Partial Content")


async def broken_server(_: Any, reply: Any) -> None:
    """500."""
    await reply.send(b"<html>", status="500 Oops")


async def bad_gateway(_: Any, reply: Any) -> None:
    """502 without a reason phrase."""
    await reply.raw(b"HTTP/1.1 502\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (slow_headers, "timeout"),
        (never_a_word, "timeout"),
        (drip, "timeout"),
        (header_drip, "timeout"),
        (stall, "timeout"),
        (informational, "timeout"),
        (reset_midway, "truncated"),
        (reset_at_once, "disconnected"),
        (close_at_once, "disconnected"),
        (too_short, "truncated"),
        (chunks_cut, "truncated"),
        (chunk_cut, "truncated"),
        (chunk_garbage, "protocol"),
        (garbage, "protocol"),
        (tls_alert, "protocol"),
        (bad_status, "protocol"),
        (huge_header, "protocol"),
        (many_headers, "protocol"),
        (two_lengths, "protocol"),
        (negative_length, "protocol"),
        (too_long, "protocol"),
        (endless, "too_large"),
        (endless_without_length, "too_large"),
        (said_too_large, "too_large"),
        (no_content, "empty"),
        (empty, "empty"),
        (not_found, "status"),
        (partial, "status"),
        (broken_server, "server_error"),
        (bad_gateway, "server_error"),
    ],
)
def test_each_misbehaviour_has_a_word(serving: Serving, script: Any, reason: str) -> None:
    """Whatever the server does, it ends within the limits, with a reason from the list."""
    asked = []

    async def counted(request: Any, reply: Any) -> None:
        asked.append(request)
        await script(request, reply)

    error = failure(serving, counted, IMPATIENT if reason == "timeout" else LIMITS)
    assert error.reason == reason
    assert BLAME[reason] == "server"
    assert len(asked) == 1, "one fetch is one request"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<html></html",
        b"HTTP/1.0 200 OK\r\n\r\n<html></html",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<html>\r\n6\r\n</html\r\n0\r\n\r\n",
    ],
)
def test_what_the_body_is_does_not_matter_here(serving: Serving, answer: bytes) -> None:
    """Another type, another document: acceptance refuses it, and it is seen there."""

    async def script(_: Any, reply: Any) -> None:
        await reply.raw(answer)

    assert fetched(serving, script).body == b"<html></html"


def test_redirects_are_followed_only_so_far(serving: Serving) -> None:
    """Three are; a loop is an error."""

    async def script(request: Any, reply: Any) -> None:
        step = int(request.path.removeprefix("/feed") or 0)
        if step == 3:
            await reply.send(BODY)
        else:
            await reply.send(status="302 Found", Location=f"/feed{step + 1}")

    async def loop(_: Any, reply: Any) -> None:
        await reply.send(status="301 Moved", Location="/feed")

    assert fetched(serving, script).body == BODY
    assert failure(serving, loop).reason == "redirect"


@pytest.mark.parametrize(
    "location", ["", "ftp://example.org/", "http://", "http://a b/", "file:///etc/passwd"]
)
def test_a_redirect_to_nowhere_is_an_error(serving: Serving, location: str) -> None:
    """Only to what an address may be."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(status="307 Temporary", Location=location)

    assert failure(serving, script).reason == "redirect"


@pytest.mark.parametrize(
    ("status", "header", "seconds", "reason"),
    [
        ("429 Slow down", {"Retry_After": "7"}, 7, "rate_limited"),
        ("429 Slow down", {"Retry_After": "999999999999"}, 600, "rate_limited"),
        ("429 Slow down", {"Retry_After": "soon"}, 60, "rate_limited"),
        ("429 Slow down", {"Retry_After": "-5"}, 60, "rate_limited"),
        ("429 Slow down", {}, 60, "rate_limited"),
        ("503 Busy", {"Retry_After": " 30 "}, 30, "server_error"),
        ("503 Busy", {}, None, "server_error"),
        ("500 Oops", {"Retry_After": "30"}, None, "server_error"),
        (
            "503 Busy",
            {
                "Retry_After": "Sun, 12 Mar 2023 17:25:00 GMT",
                "Date": "Sun, 12 Mar 2023 17:24:18 GMT",
            },
            42,
            "server_error",
        ),
        (
            "429 Slow down",
            {
                "Retry_After": "Sun, 12 Mar 2023 17:20:00 -0000",
                "Date": "Sun, 12 Mar 2023 17:24:18 GMT",
            },
            0,
            "rate_limited",
        ),
        ("429 Slow down", {"Retry_After": "Sun, 12 Mar 2023 17:20:00 GMT"}, 0, "rate_limited"),
        ("429 Slow down", {"Retry_After": "Sun, 12 Mar 2990 17:20:00 GMT"}, 600, "rate_limited"),
        ("429 Slow down", {"Retry_After": "Sun, 99 Mar 2023 17:20:00 GMT"}, 60, "rate_limited"),
    ],
)
def test_a_server_that_asks_for_patience_gets_it(
    serving: Serving, status: str, header: dict[str, str], seconds: float | None, reason: str
) -> None:
    """In both forms of Retry-After, counted by the server's own clock, never longer than 10 min."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(status=status, **header)

    error = failure(serving, script)
    assert (error.reason, error.retry_after_s) == (reason, seconds)


def test_tls_on_a_plain_port_is_said_to_be_that() -> None:
    """Asked by https, a server that knows only http answers in plain words."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> None:
        listening = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with listening:
            await get(f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/")

    with pytest.raises(FetchError) as caught:
        asyncio.run(run())
    assert caught.value.reason == "tls"


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """TLS is checked; who answers with a certificate of their own is not the network."""
    import ssl  # noqa: PLC0415 - here alone

    key, certificate = tmp_path / "k.pem", tmp_path / "c.pem"
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is not installed: no certificate to be refused")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def run() -> None:
        listening = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        async with listening:
            await get(f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/")

    with pytest.raises(FetchError) as caught:
        asyncio.run(run())
    assert caught.value.reason == "tls"


def test_a_closed_port_refuses() -> None:
    """The machine is there, the server is not."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match=f"127.0.0.1:{port}") as caught:
        asyncio.run(get(f"http://127.0.0.1:{port}/feed"))
    assert caught.value.reason == "connect_refused"


def test_a_connection_that_never_comes_about_times_out() -> None:
    """A listener whose queue is full drops who comes next, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for sock in waiting:
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())
            limits = replace(IMPATIENT, connect_s=0.4)
            with pytest.raises(FetchError) as caught:
                asyncio.run(get(f"http://127.0.0.1:{listener.getsockname()[1]}/", limits=limits))
        finally:
            for sock in waiting:
                sock.close()
    assert caught.value.reason == "connect_timeout"
    assert BLAME["connect_timeout"] == "network"


def test_a_name_that_is_not_found_is_our_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without names there is no way to anybody."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError) as caught:
        asyncio.run(get("http://data.example.invalid/feed"))
    assert caught.value.reason == "dns"
    assert BLAME["dns"] == "network"
    assert ": its name was not found (" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENETUNREACH, "unreachable"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ETIMEDOUT, "connect_timeout"),
        (errno.ECONNREFUSED, "connect_refused"),
        (None, "connect_refused"),
    ],
)
def test_the_system_s_own_words_are_understood(code: int | None, reason: str) -> None:
    """No route is our network, refused is the server."""
    inner = OSError() if code is None else OSError(code, os.strerror(code))
    error = connecting(inner)
    assert _connect_reason(error) == reason
    assert _reason(error) == reason


def connecting(inner: OSError) -> aiohttp.ClientConnectorError:
    """What aiohttp makes of an error while connecting."""
    key = ConnectionKey("data.example.invalid", 80, False, True, None, None, None)
    return aiohttp.ClientConnectorError(key, inner)


def test_other_errors_have_a_word_too() -> None:
    """What a library may raise besides is put where it belongs."""
    assert _reason(connecting(socket.gaierror(2, "no"))) == "dns"
    assert _reason(ConnectionResetError()) == "disconnected"
    assert _reason(TimeoutError()) == "timeout"
    assert _reason(ValueError("odd")) == "protocol"


def test_a_password_in_an_address_is_in_no_message(serving: Serving) -> None:
    """Nor is what follows the question mark."""

    async def run() -> None:
        async with serving(not_found) as server:
            await get(f"http://user:secret@127.0.0.1:{server.port}/feed?key=secret")

    with pytest.raises(FetchError) as caught:
        asyncio.run(run())
    assert "secret" not in str(caught.value)
    assert "/feed" in str(caught.value)


def test_a_secure_address_is_not_left_for_an_open_one() -> None:
    """From https only to https."""

    class Response:
        """As little as is looked at."""

        headers = {"Location": "http://plain.example/"}  # noqa: RUF012 - a stand-in

    from sectorwatch.feed.fetch import _redirected  # noqa: PLC0415 - here alone

    with pytest.raises(FetchError, match="from https to http"):
        _redirected(Response(), "https://secure.example/")  # type: ignore[arg-type]


def test_the_environment_s_proxy_is_not_taken(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What surrounds the process does not decide whom it asks; a setting may."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")

    async def script(request: Any, reply: Any) -> None:
        await reply.send(request.path.encode())

    assert fetched(serving, script).body == b"/feed"

    async def through() -> Fetched:
        async with (
            serving(script) as server,
            open_session("x", LIMITS, proxy=server.url("")) as session,
        ):
            return await fetch(session, "http://data.example.invalid/feed", LIMITS)

    assert asyncio.run(through()).body == b"http://data.example.invalid/feed"


def test_limits_can_be_made_for_a_time_in_all() -> None:
    """The parts fit into the whole."""
    limits = FetchLimits.within(10)
    assert (limits.connect_s, limits.read_s, limits.total_s) == (4, 6, 10)


def test_the_words_are_few_and_known() -> None:
    """Those worth another try and those that never arrived are among them."""
    assert TRANSIENT >= NEVER_ARRIVED
    assert set(BLAME) >= TRANSIENT
    assert {reason for reason, blame in BLAME.items() if blame == "network"} <= NEVER_ARRIVED
