"""The client as a whole, against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import random
import socket
import zlib
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pytest
import zstandard

from sectorwatch.clock import SystemClock
from sectorwatch.errors import FetchError
from sectorwatch.feed.addresses import VATSIM, FeedAddresses
from sectorwatch.feed.client import USER_AGENT, Paces, Retries, VatsimClient
from sectorwatch.feed.fetch import FetchLimits, fetch
from sectorwatch.feed.pace import Pace
from sectorwatch.feed.quarantine import Quarantine
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.observe import LogCorrelationContext, Telemetry, span_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    Serving = Callable[[Callable[[Any, Any], Awaitable[None]]], AbstractAsyncContextManager[Any]]

BODY = b'{"general":{"version":3},"pilots":[]}'


def packed(data: bytes) -> bytes:
    """As gzip does, but for the time, so that a test has the same name in every process."""
    return gzip.compress(data, mtime=0)


def client_of(url: str, *, interval_s: float = 0.0, attempts: int = 1, **more: Any) -> VatsimClient:
    """A client in a hurry: no time between fetches, no jitter, one try."""
    clock = SystemClock()
    paces = Paces(Pace(interval_s, clock, jitter_s=0), Pace(interval_s, clock, jitter_s=0))
    settings: dict[str, Any] = {
        "clock": clock,
        "paces": paces,
        "limits": FetchLimits(connect_s=5, read_s=5, total_s=10, max_bytes=100_000),
        "retries": Retries(attempts=attempts, first_s=0.02, most_s=0.05, jitter_s=0.0),
        "rng": random.Random(1),
        "open_s": 60,
    }
    return VatsimClient(url=url, **(settings | more))


def running(serving: Serving, script: Any, test: Callable[[Any], Awaitable[None]]) -> None:
    """Run `test(server)` beside a server with this script."""

    async def run() -> None:
        async with serving(script) as server, asyncio.timeout(60):
            await test(server)

    asyncio.run(run())


def status(server: Any, *feeds: str, transceivers: tuple[str, ...] = ()) -> bytes:
    """A status.json that names these paths."""
    lists = {
        "v3": [server.url(f) for f in feeds],
        "transceivers": [server.url(t) for t in transceivers],
    }
    return json.dumps({"data": lists}).encode()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", packed),
        ("deflate", zlib.compress),
        ("zstd", zstandard.compress),
        ("identity", bytes),
    ],
)
def test_a_feed_comes_decompressed(
    serving: Serving, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """Whatever the server chose, with the time when it was here."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(pack(BODY), Content_Encoding=encoding)

    async def test(server: Any) -> None:
        client = client_of(server.url())
        before = SystemClock().now_us()
        raw = await client.fetch(Kind.FEED)
        assert raw is not None
        assert (raw.kind, raw.payload, raw.masked, raw.snapshot_time_us) == (
            Kind.FEED,
            BODY,
            False,
            None,
        )
        assert before <= raw.received_at_us <= SystemClock().now_us()
        assert client.last_success_us(Kind.FEED) is not None
        assert client.last_success_us(Kind.TRANSCEIVERS) is None
        await client.close()

    running(serving, script, test)


def test_addresses_come_from_status_json_and_are_all_used(serving: Serving) -> None:
    """One is chosen at random for each fetch; the status is asked once."""

    async def script(request: Any, reply: Any) -> None:
        if request.path == "/status.json":
            await reply.send(status(server_of[0], "/a", "/b", "/c", transceivers=("/t",)))
        else:
            assert request.headers["User-Agent"] == USER_AGENT
            await reply.send(b"[]" if request.path == "/t" else BODY)

    server_of: list[Any] = []

    async def test(server: Any) -> None:
        server_of.append(server)
        client = client_of(server.url("/status.json"))
        for _ in range(20):
            await client.fetch(Kind.FEED)
        raw = await client.fetch(Kind.TRANSCEIVERS)
        assert raw is not None
        assert (raw.kind, raw.payload) == (Kind.TRANSCEIVERS, b"[]")
        await client.close()
        paths = Counter(request.path for request in server.requests)
        assert paths["/status.json"] == paths["/t"] == 1
        assert min(paths["/a"], paths["/b"], paths["/c"]) >= 3

    running(serving, script, test)


def test_the_user_agent_names_the_project_and_its_version() -> None:
    """Whoever reads the server's log sees whom to ask."""
    assert USER_AGENT.startswith("sectorwatch/0.")


def test_a_feed_s_own_address_costs_no_fetch_to_find_out(serving: Serving) -> None:
    """Given a feed instead of a status, the first answer is the first feed."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(json.dumps({"general": {"n": next(numbers)}}).encode())

    numbers = itertools.count()

    async def test(server: Any) -> None:
        client = client_of(server.url())
        got = [await client.fetch(Kind.FEED) for _ in range(3)]
        assert [json.loads(raw.payload)["general"]["n"] for raw in got if raw] == [0, 1, 2]
        assert client.addresses == FeedAddresses((server.url(),))
        with pytest.raises(FetchError) as caught:
            await client.fetch(Kind.TRANSCEIVERS)
        assert caught.value.reason == "no_address"
        await client.close()

    running(serving, script, test)


def test_an_unchanged_feed_is_asked_for_conditionally(serving: Serving) -> None:
    """With what the server gave along; answered 304, nothing is handed on."""

    async def script(request: Any, reply: Any) -> None:
        given.append(
            (request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
        )
        if request.headers.get("If-None-Match") == tag[0]:
            await reply.send(status="304 Not Modified")
        else:
            await reply.send(BODY, ETag=tag[0], Last_Modified="Sun, 12 Mar 2023 17:24:18 GMT")

    given: list[tuple[str | None, str | None]] = []
    tag = ['"one"']

    async def test(server: Any) -> None:
        telemetry = Telemetry.open(sinks=())
        client = client_of(server.url(), telemetry=telemetry)
        assert await client.fetch(Kind.FEED) is not None
        assert await client.fetch(Kind.FEED) is None
        tag[0] = '"two"'
        assert await client.fetch(Kind.FEED) is not None
        assert await client.fetch(Kind.FEED) is None
        await client.close()
        stamp = "Sun, 12 Mar 2023 17:24:18 GMT"
        assert given == [(None, None), ('"one"', stamp), ('"one"', stamp), ('"two"', stamp)]
        for result, count in (("new", 2), ("unchanged", 2)):
            counter = telemetry.metrics.counter(
                "feed_fetches_total", {"what": "feed", "result": result}
            )
            assert counter.total == count
        telemetry.close()

    running(serving, script, test)


def test_a_cache_that_hangs_is_asked_anew(serving: Serving) -> None:
    """After two minutes of "not modified" it is asked without conditions."""

    async def script(request: Any, reply: Any) -> None:
        conditional = "If-None-Match" in request.headers
        asked.append(conditional)
        if conditional:
            await reply.send(status="304 Not Modified")
        else:
            await reply.send(BODY, ETag='"x"')

    asked: list[bool] = []

    async def test(server: Any) -> None:
        client = client_of(server.url())
        for _ in range(12):
            await client.fetch(Kind.FEED)
        await client.close()
        assert asked == [False] + [True] * 8 + [False] + [True] * 2

    running(serving, script, test)


@pytest.mark.parametrize(
    ("body", "encoding", "reason"),
    [
        (packed(bytes(5_000_000)), "gzip", "bomb"),
        (zstandard.compress(bytes(5_000_000)), "zstd", "bomb"),
        (packed(BODY)[:-9], "gzip", "truncated"),
        (BODY, "gzip", "bad_encoding"),
        (BODY, "br", "bad_encoding"),
    ],
)
def test_what_cannot_be_decompressed_is_an_error_and_kept_aside(
    serving: Serving, body: bytes, encoding: str, reason: str
) -> None:
    """The validators that came with it are not believed: the next request asks for all of it."""

    async def script(request: Any, reply: Any) -> None:
        assert "If-None-Match" not in request.headers
        await reply.send(body, Content_Encoding=encoding, ETag='"x"')

    async def test(server: Any) -> None:
        quarantine = Quarantine(None)
        client = client_of(server.url(), quarantine=quarantine)
        for _ in range(2):
            with pytest.raises(FetchError) as caught:
                await client.fetch(Kind.FEED)
            assert caught.value.reason == reason
        await client.close()
        assert [(e["reason"], e["size"]) for e in quarantine.entries()] == [(reason, len(body))] * 2

    running(serving, script, test)


def test_a_web_page_is_handed_on_to_be_refused(serving: Serving) -> None:
    """Acceptance says what it is; the address is looked at again until it is a feed or a status."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(next(bodies))

    bodies = iter([b"<html>busy</html>", BODY, BODY])

    async def test(server: Any) -> None:
        client = client_of(server.url())
        got = [await client.fetch(Kind.FEED) for _ in range(3)]
        assert [raw.payload for raw in got if raw] == [b"<html>busy</html>", BODY, BODY]
        await client.close()

    running(serving, script, test)


def test_a_passing_fault_is_tried_again(serving: Serving) -> None:
    """A 500 and a broken connection, then the feed: one fetch, three requests."""

    async def script(_: Any, reply: Any) -> None:
        step = next(steps)
        if step == 0:
            await reply.send(status="500 Oops")
        elif step == 1:
            reply.reset()
        else:
            await reply.send(BODY)

    steps = itertools.count()

    async def test(server: Any) -> None:
        client = client_of(server.url(), attempts=3)
        raw = await client.fetch(Kind.FEED)
        assert raw is not None
        assert len(server.requests) == 3
        await client.close()

    running(serving, script, test)


@pytest.mark.parametrize("line", ["404 Not Found", "429 Slow down", "403 Forbidden"])
def test_what_another_try_cannot_mend_is_not_tried_again(serving: Serving, line: str) -> None:
    """The server was clear; asking at once again would be rude."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(status=line)

    async def test(server: Any) -> None:
        client = client_of(server.url(), attempts=3)
        with pytest.raises(FetchError):
            await client.fetch(Kind.FEED)
        assert len(server.requests) == 1
        await client.close()

    running(serving, script, test)


def test_requests_that_reach_a_server_keep_the_pace(serving: Serving) -> None:
    """Retries, new clients over the same paces, failures: none comes sooner than the interval."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(BODY if next(steps) % 3 else b"", status="200 OK")

    steps = itertools.count()

    async def test(server: Any) -> None:
        clock = SystemClock()
        turns = []

        class Noting(Pace):
            # When a request arrives says nothing: on a busy machine one is longer under way.
            def take(self) -> None:
                turns.append(clock.monotonic_s())
                super().take()

        paces = Paces(Noting(0.1, clock, jitter_s=0.02), Pace(0.1, clock))
        for _ in range(4):
            client = client_of(server.url(), attempts=2, paces=paces)
            for _ in range(2):
                await client.fetch(Kind.FEED)
            await client.close()
        assert len(turns) == len(server.requests) > 8
        arrived = [request.at_s for request in server.requests]
        assert all(turn <= at for turn, at in zip(turns, arrived, strict=True))
        assert min(after - before for before, after in itertools.pairwise(turns)) >= 0.1

    running(serving, script, test)


def test_a_server_s_wish_for_patience_holds_all_fetches(serving: Serving) -> None:
    """After a Retry-After no request comes before its time, also from a new client."""

    async def script(_: Any, reply: Any) -> None:
        if next(steps):
            await reply.send(BODY)
        else:
            await reply.send(status="503 Busy", Retry_After="1")

    steps = itertools.count()

    async def test(server: Any) -> None:
        first = client_of(server.url(), attempts=3)
        with pytest.raises(FetchError) as caught:
            await first.fetch(Kind.FEED)
        assert caught.value.retry_after_s == 1
        await first.close()
        second = client_of(server.url(), paces=first._paces)
        assert await second.fetch(Kind.FEED) is not None
        await second.close()
        before, after = (request.at_s for request in server.requests)
        assert after - before > 0.95

    running(serving, script, test)


def test_a_connection_that_was_refused_may_be_tried_again_sooner() -> None:
    """It bothered nobody; but the fetch after it waits its full turn."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def run() -> None:
        client = client_of(f"http://127.0.0.1:{port}/", interval_s=30, attempts=3)
        async with asyncio.timeout(60):
            with pytest.raises(FetchError) as caught:
                await client.fetch(Kind.FEED)
        assert caught.value.reason == "connect_refused"
        assert client.breakers[2].state.failures == 3
        assert client._paces.feed.wait_s() > 29
        await client.close()

    asyncio.run(run())


def test_the_breaker_leaves_a_failing_server_alone_and_tries_again(serving: Serving) -> None:
    """After five failures nothing is sent, until its time has come and one trial goes well."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(BODY if well[0] else b"", status="200 OK")

    well = [True]

    async def test(server: Any) -> None:
        client = client_of(server.url())
        await client.fetch(Kind.FEED)
        well[0] = False
        for _ in range(5):
            with pytest.raises(FetchError):
                await client.fetch(Kind.FEED)
        assert len(server.requests) == 6
        feed = client.breakers[0]
        assert (feed.name, feed.state.state, feed.state.last_failure) == (
            "vatsim_feed",
            "open",
            "empty",
        )
        with pytest.raises(FetchError, match="left alone") as caught:
            await client.fetch(Kind.FEED)
        assert caught.value.reason == "circuit_open"
        assert len(server.requests) == 6
        well[0] = True
        feed._until_s = SystemClock().monotonic_s()
        assert await client.fetch(Kind.FEED) is not None
        assert feed.state.state == "closed"
        await client.close()

    running(serving, script, test)


def test_a_trial_that_was_interrupted_does_not_block(serving: Serving) -> None:
    """Stopped while the half-open breaker's trial was under way, the next start tries at once."""

    async def script(_: Any, reply: Any) -> None:
        if slow[0]:
            await asyncio.sleep(5)
        await reply.send(BODY)

    slow = [False]

    async def test(server: Any) -> None:
        client = client_of(server.url())
        await client.fetch(Kind.FEED)
        feed = client.breakers[0]
        for _ in range(5):
            feed.failed("timeout")
        feed._until_s = SystemClock().monotonic_s()
        slow[0] = True
        task = asyncio.create_task(client.fetch(Kind.FEED))
        while len(server.requests) < 2:
            await asyncio.sleep(0.01)
        assert feed.state.state == "half_open"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        slow[0] = False
        assert await client.fetch(Kind.FEED) is not None
        await client.close()

    running(serving, script, test)


def test_addresses_are_looked_up_again_where_they_keep_failing(serving: Serving) -> None:
    """The feed moved: after three failures the status is asked, and the new address used."""

    async def script(request: Any, reply: Any) -> None:
        if request.path == "/status.json":
            await reply.send(status(server_of[0], where[0]))
        elif request.path == where[0]:
            await reply.send(BODY)
        else:
            await reply.send(status="404 Gone")

    server_of: list[Any] = []
    where = ["/old"]

    async def test(server: Any) -> None:
        server_of.append(server)
        client = client_of(server.url("/status.json"))
        client._book._again_s = 0
        await client.fetch(Kind.FEED)
        where[0] = "/new"
        for _ in range(3):
            with pytest.raises(FetchError):
                await client.fetch(Kind.FEED)
        assert await client.fetch(Kind.FEED) is not None
        assert client.addresses == FeedAddresses((server.url("/new"),))
        assert len(server.asked("/status.json")) == 2
        await client.close()

    running(serving, script, test)


def test_a_status_that_is_away_costs_nothing_that_was_known(serving: Serving) -> None:
    """The daily look fails; the feeds go on from the last good addresses."""

    async def script(request: Any, reply: Any) -> None:
        if request.path == "/status.json":
            await reply.send(status(server_of[0], "/feed") if well[0] else b"<html>")
        else:
            await reply.send(BODY)

    server_of: list[Any] = []
    well = [True]

    async def test(server: Any) -> None:
        server_of.append(server)
        client = client_of(server.url("/status.json"))
        await client.fetch(Kind.FEED)
        well[0] = False
        client._book._next_s = float("-inf")
        for _ in range(3):
            assert await client.fetch(Kind.FEED) is not None
        assert len(server.asked("/status.json")) == 2
        await client.close()

    running(serving, script, test)


def test_without_a_status_at_the_start_it_keeps_asking(serving: Serving) -> None:
    """A status of one's own that is away is an error; for VATSIM's there are known addresses."""

    async def script(request: Any, reply: Any) -> None:
        if request.path == "/status.json" and next(steps) > 0:
            await reply.send(status(server_of[0], "/feed"))
        elif request.path == "/feed":
            await reply.send(BODY)

    server_of: list[Any] = []
    steps = itertools.count()

    async def test(server: Any) -> None:
        server_of.append(server)
        client = client_of(server.url("/status.json"))
        with pytest.raises(FetchError) as caught:
            await client.fetch(Kind.FEED)
        assert caught.value.reason == "disconnected"
        assert await client.fetch(Kind.FEED) is not None
        await client.close()

    running(serving, script, test)


def test_vatsim_s_own_addresses_serve_where_its_status_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing was ever known, the names cannot be found: what is asked next are those of 2025."""
    asked: list[str] = []

    def unknown(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    async def run() -> None:
        client = client_of("https://status.vatsim.net/status.json", interval_s=15.0)
        with pytest.raises(FetchError) as caught:
            await client.fetch(Kind.FEED)
        assert caught.value.reason == "dns"
        assert client.addresses == VATSIM
        await client.close()

    asyncio.run(run())
    assert asked == ["status.vatsim.net", "data.vatsim.net"]


def test_running_hands_on_both_feeds_and_survives_all_failures(serving: Serving) -> None:
    """For as long as it is let; stopped, it lets go of everything, and may be run again."""

    async def script(request: Any, reply: Any) -> None:
        number = next(steps)
        if request.path == "/status.json":
            await reply.send(status(server_of[0], "/feed", transceivers=("/t",)))
        elif number % 4 == 1:
            reply.reset()
        elif number % 4 == 2:
            await reply.send(status="500 Oops")
        else:
            await reply.send(b"[]" if request.path == "/t" else BODY)

    server_of: list[Any] = []
    steps = itertools.count()

    async def test(server: Any) -> None:
        server_of.append(server)
        client = client_of(server.url("/status.json"), interval_s=0.01)
        for _ in range(2):
            got: list[RawFeed] = []
            task = asyncio.create_task(client.run(got.append))
            while len({raw.kind for raw in got}) < 2 or len(got) < 8:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert client._session is None
        assert len(server.asked("/status.json")) == 1

    running(serving, script, test)


def test_transceivers_wait_until_it_is_known_where_they_are(serving: Serving) -> None:
    """A feed's own address names none: none are asked for, and nothing fails."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(BODY)

    async def test(server: Any) -> None:
        telemetry = Telemetry.open(sinks=())
        client = client_of(server.url(), interval_s=0.01, telemetry=telemetry)
        got: list[RawFeed] = []
        task = asyncio.create_task(client.run(got.append))
        while len(got) < 5:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert {raw.kind for raw in got} == {Kind.FEED}
        assert client.breakers[1].state.failures == 0
        telemetry.close()

    running(serving, script, test)


def test_a_sink_that_fails_ends_the_run_with_its_error(serving: Serving) -> None:
    """What the pipeline raises is no failure of the network's: whoever runs it hears of it."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(BODY)

    def sink(_: RawFeed) -> None:
        raise ZeroDivisionError

    async def test(server: Any) -> None:
        client = client_of(server.url())
        with pytest.raises(ExceptionGroup) as caught:
            await client.run(sink)
        assert caught.group_contains(ZeroDivisionError)

    running(serving, script, test)


def test_failures_are_counted_by_what_and_why(serving: Serving) -> None:
    """With the reason as a tag, and a line in the log that says whose trouble it is."""

    async def script(_: Any, reply: Any) -> None:
        await reply.send(status="500 Oops")

    async def test(server: Any) -> None:
        telemetry = Telemetry.open(sinks=())
        client = client_of(server.url(), telemetry=telemetry)
        for _ in range(6):
            with pytest.raises(FetchError):
                await client.fetch(Kind.FEED)
        await client.close()
        for result, count in (("server_error", 5), ("circuit_open", 1)):
            tags = {"what": "feed", "result": result}
            assert telemetry.metrics.counter("feed_fetches_total", tags).total == count
        # Asked for was where the feed is, and no more.
        answers = {"what": "status", "status": "500"}
        assert telemetry.metrics.counter("feed_responses_total", answers).total == 5
        tags = {"what": "feed", "reason": "server_error", "blame": "server"}
        assert telemetry.metrics.counter("feed_fetch_failures_total", tags).total == 5
        lines = telemetry.log.search(text="server_error", service="data_service")
        assert any(line.get("blame") == "server" for line in lines)
        telemetry.close()

    running(serving, script, test)


def test_an_address_that_is_none_is_refused_at_once() -> None:
    """Before anything is started."""
    with pytest.raises(ValueError, match="must begin with http"):
        VatsimClient(url="data.vatsim.net")


@pytest.mark.parametrize("is_traced", [True, False])
def test_a_server_here_is_told_which_fetch_it_is(serving: Serving, *, is_traced: bool) -> None:
    """By both headers, each fetch by an id of its own, which the feed keeps; others are not."""
    asked: list[Any] = []

    async def script(request: Any, reply: Any) -> None:
        asked.append(request.headers)
        await reply.send(BODY)

    async def test(server: Any) -> None:
        telemetry = Telemetry.open(sinks=[])
        client = client_of(server.url(), telemetry=telemetry, is_traced=is_traced)
        raws = [await client.fetch(Kind.FEED) for _ in range(2)]
        await client.close()
        ids = [raw.correlation_id for raw in raws if raw is not None]
        assert len(set(ids)) == 2
        for headers, made in zip(asked, ids, strict=True):
            assert headers["X-Correlation-ID"] == made
            (span,) = telemetry.spans.of(made)
            assert headers["traceparent"] == f"00-{made}-{span_text(span.number)}-01"
            # An address of the feed itself is first asked as one of a status.json would be.
            assert span.operation in {"fetch_status", "fetch_feed"}
        telemetry.close()
        assert len(asked) == 2

    running(serving, script, test)
    assert _told("https://data.vatsim.net/v3", is_traced=is_traced) == (
        {"traceparent"} if is_traced else set()
    )


def _told(url: str, *, is_traced: bool) -> set[str]:
    """The headers that say which fetch it is, in a request to `url`, which is not sent."""
    sent: list[Any] = []

    class NotSentError(Exception):
        pass

    class Session:
        def get(self, _url: str, *, headers: Any, **_more: Any) -> Any:
            sent.append(headers)
            raise NotSentError

    async def ask() -> None:
        with LogCorrelationContext(), suppress(NotSentError):
            await fetch(cast("Any", Session()), url, FetchLimits(), is_traced=is_traced)

    asyncio.run(ask())
    return {name for name in sent[0] if name in {"traceparent", "X-Correlation-ID"}}
