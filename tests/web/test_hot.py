"""Answers encoded once a tick."""

from __future__ import annotations

import asyncio
import gzip
import threading

from starlette.requests import Request

from sectorwatch.web.hot import HotAnswers


def request(**headers: str) -> Request:
    """A GET with these headers."""
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": lines})


def test_a_hundred_requests_after_a_tick_cost_one_encoding() -> None:
    """Whoever asks while the answer is built waits for it instead of building another."""
    built = []

    def build() -> bytes:
        built.append(threading.get_ident())
        return b"{}"

    async def ask() -> list[bytes]:
        hot = HotAnswers()
        answers = await asyncio.gather(
            *(hot.get(request(), "flights", 1, build) for _ in range(100))
        )
        return [bytes(answer.body) for answer in answers]

    assert asyncio.run(ask()) == [b"{}"] * 100
    assert len(built) == 1
    assert built[0] != threading.get_ident(), "encoding must not hold up the event loop"


def test_the_next_tick_is_encoded_anew() -> None:
    """An answer is as old as its version, never older."""

    async def ask() -> list[bytes]:
        hot = HotAnswers()
        first = await hot.get(request(), "flights", 1, lambda: b"one")
        second = await hot.get(request(), "flights", 2, lambda: b"two")
        return [bytes(first.body), bytes(second.body)]

    assert asyncio.run(ask()) == [b"one", b"two"]


def test_what_the_client_holds_is_not_sent_again() -> None:
    """A request with the answer's ETag gets 304 and no body."""

    async def ask() -> None:
        hot = HotAnswers()
        first = await hot.get(request(), "flights", 1, lambda: b"one")
        etag = first.headers["etag"]
        for sent in (etag, f'"x", {etag}', "*", etag.removeprefix("W/")):
            again = await hot.get(request(if_none_match=sent), "flights", 1, lambda: b"one")
            assert again.status_code == 304
            assert again.body == b""
            assert again.headers["etag"] == etag
        other = await hot.get(request(if_none_match='W/"x"'), "flights", 1, lambda: b"one")
        assert other.status_code == 200

    asyncio.run(ask())


def test_a_long_answer_goes_out_compressed_to_those_who_take_it() -> None:
    """Compression is done once; who does not take gzip, or refuses it, gets plain bytes."""
    body = b"x" * 10_000

    async def ask() -> None:
        hot = HotAnswers()
        packed = await hot.get(request(accept_encoding="br, gzip"), "a", 1, lambda: body)
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(bytes(packed.body)) == body
        for refused in ("", "gzip;q=0", "gzip; q=0.0", "br"):
            plain = await hot.get(request(accept_encoding=refused), "a", 1, lambda: body)
            assert "content-encoding" not in plain.headers
            assert bytes(plain.body) == body
        assert packed.headers["etag"] == plain.headers["etag"]

    asyncio.run(ask())


def test_a_builder_that_fails_spoils_nothing() -> None:
    """The error reaches who asked; the next one builds again."""

    def fail() -> bytes:
        raise ValueError("no")

    async def ask() -> bytes:
        hot = HotAnswers()
        try:
            await hot.get(request(), "a", 1, fail)
        except ValueError:
            pass
        else:
            raise AssertionError("the error was swallowed")
        return bytes((await hot.get(request(), "a", 1, lambda: b"good")).body)

    assert asyncio.run(ask()) == b"good"
