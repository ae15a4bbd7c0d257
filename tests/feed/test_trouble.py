"""Whether the network is down or we are, told by real servers on loopback."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import pytest

from observe.made import ManualClock
from sectorwatch.clock import SystemClock
from sectorwatch.config import Settings
from sectorwatch.errors import FetchError
from sectorwatch.feed.client import Paces, Retries, VatsimClient
from sectorwatch.feed.fetch import BLAME, FetchLimits
from sectorwatch.feed.pace import Pace
from sectorwatch.feed.reachability import Reachability
from sectorwatch.feed.records import Kind
from sectorwatch.feed.trouble import Cause, FeedTrouble
from sectorwatch.observe import Telemetry
from sectorwatch.simulator.server import Fault, NetworkServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Network:
    """A network that nobody flies in."""

    start_s = 1_700_000_000
    end_s: int | None = None

    def feed(self, time_s: int) -> bytes:
        return json.dumps({"general": {"version": 3, "at": time_s}, "pilots": []}).encode()

    def transceivers(self, time_s: int) -> bytes:
        del time_s
        return b"[]"


@contextmanager
def listening() -> Iterator[str]:
    """Somebody who can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def nobody() -> str:
    """A port on which nothing listens."""
    with listening() as host:
        return host


def client_of(url: str, *hosts: str, telemetry: Telemetry | None = None) -> VatsimClient:
    """A client that tries once."""
    clock = SystemClock()
    return VatsimClient(
        url=url,
        clock=clock,
        paces=Paces(Pace(0, clock, jitter_s=0), Pace(0, clock, jitter_s=0)),
        limits=FetchLimits(connect_s=20, read_s=20, total_s=60),
        retries=Retries(attempts=1),
        rng=random.Random(1),
        reachability_hosts=hosts,
        telemetry=telemetry,
    )


async def fetched(client: VatsimClient) -> None:
    """One fetch, however it ends."""
    with suppress(FetchError):
        await client.fetch(Kind.FEED)


def causes(client: VatsimClient) -> dict[str, bool]:
    """Which of the causes counts seconds."""
    return {cause: client.trouble.seconds(cause) > 0 for cause in get_args(Cause)}


@pytest.mark.parametrize(
    ("fault", "others_answer", "cause"),
    [
        (None, True, None),
        ("down", True, "vatsim_down"),
        ("error", True, "vatsim_down"),
        ("truncated", True, "vatsim_down"),
        ("garbage", True, None),  # An answer: what it holds is for `accept` to see.
        ("stale", True, None),
        ("slow", True, "vatsim_slow"),
        ("error", False, "vatsim_down"),  # It was reached, whoever else is not.
        ("down", False, "our_network_down"),
        ("slow", False, "our_network_down"),
    ],
)
def test_each_fault_of_a_server_has_its_cause(
    fault: Fault | None, others_answer: bool, cause: Cause | None
) -> None:
    """By what the server did, and where that says nothing, by whether others can be reached."""
    server = NetworkServer(Network(), slow_s=5)
    server.start()
    server.fail("feed", fault)

    async def run(host: str) -> None:
        client = client_of(server.feed_url, host)
        patient = client._limits
        if fault == "slow":
            # Only where it is to be waited for: a busy machine is slow enough for little patience.
            client._limits = replace(patient, read_s=0.2)
        try:
            await fetched(client)
            client._limits = patient
            state = client.trouble.state
            assert (None if state is None else state.cause) == cause
            assert causes(client) == {each: each == cause for each in get_args(Cause)}
            assert ("Our network is fine: 127.0.0.1" in client.trouble.words()) == (
                cause is not None and others_answer
            )
            server.fail("feed", None)
            await fetched(client)
            assert client.trouble.state is None
            assert client.trouble.words() == ""
            assert not any(causes(client).values())
        finally:
            await client.close()

    try:
        with listening() as host:
            asyncio.run(run(host if others_answer else nobody()))
    finally:
        server.stop()


def test_who_reaches_nobody_is_cut_off_and_learns_when_that_ends() -> None:
    """A refused connection is the network's, or ours, by whether others answer; both are told."""

    async def run() -> None:
        telemetry = Telemetry.open(sinks=[])
        with listening() as host:
            reached = client_of(f"http://{nobody()}/", host, telemetry=telemetry)
            await fetched(reached)
            assert causes(reached)["vatsim_down"]
            told = reached.trouble.explain({"cause": "vatsim_down"})
            assert told is not None
            text, evidence = told
            assert text.startswith("VATSIM does not answer as it should: http://127.0.0.1:")
            assert "/: no connection: connection refused; since " in text
            assert evidence["reason"] == "connect_refused"
            assert evidence["reached"]["127.0.0.1"] < 2
            telemetry.metrics.collect()
            latest = telemetry.metrics.get_metric_summary(
                "feed_failing_seconds", tags={"cause": "vatsim_down"}
            )
            assert latest["latest"] > 0
            await reached.close()
        cut_off = client_of(f"http://{nobody()}/", nobody())
        await fetched(cut_off)
        assert causes(cut_off)["our_network_down"]
        assert "Nobody else answers either: 127.0.0.1 (" in cut_off.trouble.words()
        await cut_off.close()
        assert cut_off.trouble.state is None
        assert cut_off.trouble.explain({}) is None
        telemetry.close()

    asyncio.run(run())


def failing(clock: Any, *hosts: str) -> FeedTrouble:
    """A trouble of its own, with a limit of ten seconds."""
    return FeedTrouble(
        Reachability(hosts, clock), clock, limit_s=10, telemetry=Telemetry.null(), source="the net"
    )


def test_without_anybody_to_ask_the_kind_of_failure_decides() -> None:
    """What never left this machine is ours, everything else the server's."""
    expected = {"dns": "our_network_down", "unreachable": "our_network_down"}
    expected |= {"connect_timeout": "our_network_down", "timeout": "vatsim_slow"}
    for reason in BLAME:
        trouble = failing(ManualClock())
        asyncio.run(trouble.failed(FetchError(reason, "no"), 1.0))
        assert trouble.state is not None
        assert trouble.state.cause == expected.get(reason, "vatsim_down"), reason


def test_seconds_count_from_the_first_fetch_that_failed() -> None:
    """They grow between fetches and go on where the cause turns out to be another."""
    clock = ManualClock()
    trouble = failing(clock)
    asyncio.run(trouble.failed(FetchError("server_error", "it answered 503"), 2.0))
    clock.advance(28)
    assert trouble.seconds("vatsim_down") == 30
    asyncio.run(trouble.failed(FetchError("dns", "no such host"), 1.0))
    assert (trouble.seconds("vatsim_down"), trouble.seconds("our_network_down")) == (0, 30)
    assert trouble.state is not None
    assert trouble.state.failures == 2
    # Nobody was asked, so nothing new is known.
    asyncio.run(trouble.failed(FetchError("circuit_open", "left alone"), 0.0))
    assert trouble.seconds("our_network_down") == 30
    trouble.went_well(1.0)
    assert trouble.seconds("our_network_down") == 0


def test_an_answer_near_its_limit_is_slow_although_it_came() -> None:
    """From six tenths of the limit on; the next quick one ends it."""
    clock = ManualClock()
    trouble = failing(clock)
    trouble.went_well(5.9)
    assert trouble.state is None
    trouble.went_well(6.1)
    clock.advance(15)
    assert trouble.seconds("vatsim_slow") == pytest.approx(21.1)
    assert trouble.words().startswith("The net answers too slowly: an answer took 6.1 s; since ")
    trouble.went_well(0.2)
    assert trouble.seconds("vatsim_slow") == 0


def test_others_are_asked_seldom() -> None:
    """However often fetches fail: at most every fifteen seconds."""
    clock = ManualClock()

    async def run() -> None:
        asked = 0

        async def take(reader: Any, writer: asyncio.StreamWriter) -> None:
            del reader
            nonlocal asked
            asked += 1
            writer.close()

        async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reachability = Reachability([f"127.0.0.1:{port}"], clock)
            for _ in range(4):
                (found,) = await reachability.look()
                assert found.took_s is not None
                clock.advance(7.5)
            await asyncio.sleep(0.05)
            assert asked == 2

    asyncio.run(run())


@pytest.mark.parametrize("host", ["one.one.one.one:443", "1.1.1.1", "1.1.1.1:0", "1.1.1.1:x", ""])
def test_a_host_that_is_no_address_is_refused(host: str) -> None:
    """Names would need DNS, which may be what is away; the setting says so at the start."""
    with pytest.raises(ValueError, match=r"is no address with a port, such as 1\.1\.1\.1:443"):
        Reachability([host], SystemClock())
    with pytest.raises(ValueError, match="is no address with a port"):
        Settings(reachability_hosts=(host,))
    assert Settings(reachability_hosts=()).reachability_hosts == ()
