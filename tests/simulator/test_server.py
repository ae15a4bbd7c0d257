"""The made network over real HTTP: what it answers, and what the real client makes of it."""

from __future__ import annotations

import asyncio
import gzip
import http.client
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sectorwatch.clock import SystemClock
from sectorwatch.errors import FetchError, SimulatorError
from sectorwatch.feed.client import Paces, Retries, VatsimClient
from sectorwatch.feed.fetch import FetchLimits
from sectorwatch.feed.records import Kind
from sectorwatch.simulator.server import FAULTS, Fault, NetworkServer
from simulator.flown import START_S, network, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sectorwatch.feed.records import RawFeed

FEED, RADIOS, STATUS = "/v3/vatsim-data.json", "/v3/transceivers-data.json", "/status.json"


class StillClock(SystemClock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.at_s = 1_000.0

    def monotonic_s(self) -> float:
        """Where the test put it."""
        return self.at_s


@pytest.fixture
def clock() -> StillClock:
    """The paced network's clock."""
    return StillClock()


@pytest.fixture
def paced(clock: StillClock) -> Iterator[NetworkServer]:
    """A network whose time runs twice as fast as the clock."""
    with NetworkServer(network(), speed=2.0, clock=clock, slow_s=3.0) as server:
        yield server


@pytest.fixture
def lockstep() -> Iterator[NetworkServer]:
    """A network that waits for its reader."""
    with NetworkServer(network(), lockstep=True) as server:
        yield server


def get(
    server: NetworkServer,
    path: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of one request."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def time_of(body: bytes) -> int:
    """The network's time in a feed, seconds since the network began."""
    return snapshot_of(body).time_s - START_S


def client_of(server: NetworkServer, **changes: Any) -> VatsimClient:
    """The real client, asking as fast as it can."""
    options: dict[str, Any] = {
        "url": server.url,
        "paces": Paces.standard(SystemClock(), feed_s=0.0, transceivers_s=0.0),
        "limits": FetchLimits.within(20.0),
        "retries": Retries(attempts=1),
    }
    return VatsimClient(**{**options, **changes})


def fetched(server: NetworkServer, *kinds: Kind) -> list[RawFeed | None]:
    """What the real client gets for these fetches one after another."""

    async def fetch_all() -> list[RawFeed | None]:
        client = client_of(server)
        try:
            return [await client.fetch(kind) for kind in kinds]
        finally:
            await client.close()

    return asyncio.run(fetch_all())


def test_status_names_the_addresses_and_says_simulated(paced: NetworkServer) -> None:
    """`status.json` is as the real one, with one member more that a v3 client ignores."""
    status, headers, body = get(paced, STATUS)
    document = orjson.loads(body)
    assert status == 200
    assert document["simulated"] is True
    assert headers["X-Simulated"] == "true"
    assert document["data"]["v3"] == [paced.feed_url]
    assert document["data"].keys() >= {"transceivers", "servers", "servers_all"}


def test_feeds_move_every_15_s_of_network_time(paced: NetworkServer, clock: StillClock) -> None:
    """At twice the speed a new feed is there after 7.5 s, and none before."""
    assert time_of(get(paced, FEED)[2]) == 0
    clock.at_s += 7.4
    assert time_of(get(paced, FEED)[2]) == 0
    clock.at_s += 0.2
    assert time_of(get(paced, FEED)[2]) == 15
    clock.at_s += 60.0
    assert time_of(get(paced, FEED)[2]) == 135
    assert paced.time_s == START_S + 135


def test_one_that_is_started_again_goes_on(paced: NetworkServer, clock: StillClock) -> None:
    """From where it was, and at its pace: its time does not stand still until it is made up for."""
    clock.at_s += 300.0
    assert time_of(get(paced, FEED)[2]) == 600
    paced.stop()
    paced.start()
    assert time_of(get(paced, FEED)[2]) == 600
    clock.at_s += 7.6
    assert time_of(get(paced, FEED)[2]) == 615


def test_what_has_not_changed_is_not_sent_again(paced: NetworkServer, clock: StillClock) -> None:
    """By tag and by time, as the real network answers; a tag that does not fit wins over a time."""
    _, headers, _ = get(paced, FEED)
    tag, modified = headers["ETag"], headers["Last-Modified"]
    assert get(paced, FEED, {"If-None-Match": tag})[0] == 304
    assert get(paced, FEED, {"If-None-Match": f'"other", W/{tag}'})[0] == 304
    assert get(paced, FEED, {"If-Modified-Since": modified})[0] == 304
    assert get(paced, FEED, {"If-None-Match": '"x"', "If-Modified-Since": modified})[0] == 200
    clock.at_s += 10
    assert get(paced, FEED, {"If-None-Match": tag, "If-Modified-Since": modified})[0] == 200


def test_compressed_where_the_client_takes_it(paced: NetworkServer) -> None:
    """Compressed when asked for, plain when not, and the same in both."""
    _, headers, plain = get(paced, FEED)
    assert "Content-Encoding" not in headers
    _, headers, body = get(paced, FEED, {"Accept-Encoding": "gzip, deflate"})
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < len(plain) / 3
    assert gzip.decompress(body) == plain


def test_in_lockstep_each_fetch_brings_the_next(lockstep: NetworkServer) -> None:
    """However fast it is read, no feed is left out; transceivers are those of the last feed."""
    kinds = [Kind.FEED, Kind.FEED, Kind.TRANSCEIVERS, Kind.FEED]
    feeds = fetched(lockstep, *kinds)
    times = [time_of(raw.payload) for raw in feeds if raw is not None and raw.kind is Kind.FEED]
    assert times == [0, 15, 30]
    radios = feeds[2]
    assert radios is not None
    assert radios.payload == network().transceivers(START_S + 15)


def test_in_lockstep_transceivers_asked_first_take_no_feed(lockstep: NetworkServer) -> None:
    """They are those of the first feed, which is still to be given."""
    assert get(lockstep, RADIOS)[2] == network().transceivers(START_S)
    assert [time_of(get(lockstep, FEED)[2]) for _ in range(2)] == [0, 15]


def test_in_lockstep_what_did_not_arrive_is_given_again(lockstep: NetworkServer) -> None:
    """A client that asks with an older tag than the last answer's has missed that answer."""
    _, first, _ = get(lockstep, FEED)
    assert time_of(get(lockstep, FEED, {"If-None-Match": first["ETag"]})[2]) == 15
    assert time_of(get(lockstep, FEED, {"If-None-Match": first["ETag"]})[2]) == 15
    assert time_of(get(lockstep, FEED)[2]) == 30


def test_who_asks_for_headers_alone_takes_no_feed(lockstep: NetworkServer) -> None:
    """A HEAD is not allowed, so that none is lost to it in lockstep."""
    assert get(lockstep, FEED, method="HEAD")[0] == 405
    assert time_of(get(lockstep, FEED)[2]) == 0


def test_at_its_end_the_network_stands_still() -> None:
    """After its last feed it is over, and says that nothing changed."""
    made = network()
    made.end_s = START_S + 31
    with NetworkServer(made, lockstep=True) as server:
        times = [raw and time_of(raw.payload) for raw in fetched(server, *[Kind.FEED] * 5)]
        assert times == [0, 15, 30, None, None]
        assert server.is_over


def test_the_same_seed_serves_the_same_bytes(paced: NetworkServer) -> None:
    """What comes over HTTP is what the network makes."""
    assert get(paced, FEED)[2] == network().feed(START_S)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("down", "disconnected"),
        ("error", "server_error"),
        ("slow", "timeout"),
    ],
)
def test_a_server_at_fault_fails_the_client_and_recovers(
    paced: NetworkServer, fault: Fault, reason: str
) -> None:
    """Told to at run time, it fails as real servers do, and is well again when told to be."""
    get(paced, FEED)  # Made once, it is answered at once.

    async def ask() -> None:
        client = client_of(paced, limits=FetchLimits.within(1.5))
        try:
            assert await client.fetch(Kind.FEED) is not None
            paced.fault = fault
            assert paced.fault == fault
            with pytest.raises(FetchError) as error:
                await client.fetch(Kind.FEED)
            assert error.value.reason == reason
            paced.fault = None
            assert await client.fetch(Kind.FEED) is None
        finally:
            await client.close()

    asyncio.run(ask())


def test_what_is_no_feed_comes_with_a_good_status(paced: NetworkServer) -> None:
    """Garbage, halves and old feeds are answered as if all were well."""
    whole = get(paced, FEED)[2]
    paced.fault = "garbage"
    status, _, body = get(paced, FEED)
    assert (status, body[:5]) == (200, b"<!DOC")
    paced.fault = "truncated"
    status, _, body = get(paced, FEED)
    assert (status, body) == (200, whole[: len(whole) // 2])


def test_a_stale_network_does_not_move(paced: NetworkServer, clock: StillClock) -> None:
    """It gives the same feed again and again until the fault ends."""
    assert time_of(get(paced, FEED)[2]) == 0
    paced.fault = "stale"
    clock.at_s += 60
    assert time_of(get(paced, FEED)[2]) == 0
    paced.fault = None
    assert time_of(get(paced, FEED)[2]) == 120


def test_one_address_may_be_at_fault_alone(paced: NetworkServer) -> None:
    """The transceivers can be away while the feed is well."""
    paced.fail("transceivers", "error")
    assert get(paced, RADIOS)[0] == 503
    assert get(paced, FEED)[0] == 200
    assert paced.fault is None
    with pytest.raises(ValueError, match="'sleepy' is no fault"):
        paced.fail("feed", "sleepy")  # type: ignore[arg-type]
    assert set(FAULTS) >= {"down", "slow", "garbage", "truncated", "stale"}


def test_it_is_for_this_machine_alone() -> None:
    """It listens on loopback, and says which port is taken."""
    with pytest.raises(ValueError, match="no address of this machine alone"):
        NetworkServer(network(), host="0.0.0.0")  # noqa: S104 - that is the point
    with (
        NetworkServer(network()) as server,
        pytest.raises(SimulatorError, match=f"port {server.port}"),
    ):
        NetworkServer(network(), port=server.port).start()


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_at_which_nothing_moves_is_refused(speed: float) -> None:
    """Neither at none, nor at all at once."""
    with pytest.raises(ValueError, match="serves nothing new"):
        NetworkServer(network(), speed=speed)


def test_a_hurried_client_asks_nobody_but_this_machine(lockstep: NetworkServer) -> None:
    """Whatever a status.json on this machine names, others are not asked more often than 15 s."""

    async def ask() -> None:
        client = client_of(lockstep, transceivers_url="http://192.0.2.1/radios.json")
        try:
            assert await client.fetch(Kind.FEED) is not None
            with pytest.raises(FetchError, match="elsewhere than on this machine") as error:
                await client.fetch(Kind.TRANSCEIVERS)
            assert error.value.reason == "no_address"
        finally:
            await client.close()

    asyncio.run(ask())


def test_a_hurried_client_asks_no_status_elsewhere(lockstep: NetworkServer) -> None:
    """The address that it is given is as little hurried as those that a status.json names."""

    async def ask() -> None:
        client = client_of(lockstep, url="http://192.0.2.1/status.json")
        try:
            with pytest.raises(FetchError, match="elsewhere than on this machine"):
                await client.fetch(Kind.FEED)
        finally:
            await client.close()

    asyncio.run(ask())
