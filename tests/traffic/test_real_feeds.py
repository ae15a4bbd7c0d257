"""The 68 real feeds, through real airspaces."""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.clock import parse_us
from sectorwatch.feed.decode import decode_feed
from sectorwatch.traffic import Tracker, estimates
from sectorwatch.traffic.estimates import entries_on
from sectorwatch.traffic.paths import paths_ahead
from traffic.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.airspace import Airspace
    from sectorwatch.feed.records import Snapshot

pytestmark = pytest.mark.real_data


class General(msgspec.Struct):
    """What is needed of the feed's head."""

    update_timestamp: str


class Head(msgspec.Struct):
    """The feed, as far as its time goes."""

    general: General


@lru_cache(maxsize=1)
def snapshots(folder: Path) -> list[Snapshot]:
    """All real feeds, in order of time."""
    found = []
    for path in (folder / "feed").glob("*.json.gz"):
        document = gzip.decompress(path.read_bytes())
        time_us = parse_us(msgspec.json.decode(document, type=Head).general.update_timestamp)
        found.append(decode_feed(document, time_us, time_us + 2_000_000))
    return sorted(found, key=lambda snapshot: snapshot.time_us)


@lru_cache(maxsize=2)
def world(folder: Path, name: str) -> tuple[Airspace, Airports]:
    """A real airspace and the airports of the world."""
    specs = {
        "vatspy": [f"vatspy:{folder}/airspace/vatspy"],
        "vatsys": [f"vatsys:{folder}/airspace/vatsys-australia"],
    }
    return load_airspace(specs[name]), Airports.load()


@pytest.mark.parametrize("name", ["vatspy", "vatsys"])
def test_all_rows_hold_together(real_data: Path, name: str) -> None:
    """68 feeds over five years: no overlap, no double, demand as the visits say, rows by their keys.

    Dumped and loaded before every seventh feed, the tracker gives the same rows as one that is not.
    """
    airspace, airports = world(real_data, name)
    plain, dumped = Tracker(airspace, airports), Tracker(airspace, airports)
    one, other = Ledger(airspace), Ledger(airspace)
    feeds = snapshots(real_data)
    assert len(feeds) == 68
    for number, feed in enumerate(feeds):
        if number % 7 == 3:
            dumped = Tracker.load(dumped.dump(), airspace, airports)
        tick, again = plain.advance(feed), dumped.advance(feed)
        assert tick is not None
        assert again is not None
        one.take(tick)
        other.take(again)
    one.check()
    assert one.rows() == other.rows()
    assert plain.dump() == dumped.dump()
    assert len(one.flights) > 20_000
    assert len(one.sessions) > 2_000
    assert len(one.demand) > 0


def test_a_real_step_of_15_seconds(real_data: Path) -> None:
    """2023-08-07 23:29:29 to :44, as counted in the files: 4 pilots new, 1 gone, 4 plans changed."""
    airspace, airports = world(real_data, "vatspy")
    tracker = Tracker(airspace, airports)
    before, after = (
        next(
            feed
            for feed in snapshots(real_data)
            if feed.time_us // 10**6 == parse_us(text) // 10**6
        )
        for text in ("2023-08-07T23:29:29Z", "2023-08-07T23:29:44Z")
    )
    first, second = tracker.advance(before), tracker.advance(after)
    assert first is not None
    assert second is not None
    assert (first.network.pilots, second.network.pilots) == (754, 757)
    known = {flight.flight_id for flight in first.flights}
    new = [flight for flight in second.flights if flight.flight_id not in known]
    gone = [flight for flight in second.flights if flight.ended_s is not None]
    revised = {plan.flight_id for plan in second.plans} & known
    assert (len(new), len(gone), len(revised)) == (4, 1, 4)
    # Those that are new, and all others but the 1 whose position did not move on.
    assert len(second.positions.flight_id) == 752 + 4
    counts = second.network
    assert counts.controllers + counts.observers == len(after.controllers)
    assert counts.airborne + counts.on_ground == 757


def test_dense_hours_fly_through_sectors(real_data: Path) -> None:
    """Of 45 s between two feeds, crossings are found, and lie between the feeds."""
    airspace, airports = world(real_data, "vatspy")
    tracker = Tracker(airspace, airports)
    before, after = (
        feed
        for feed in snapshots(real_data)
        if feed.time_us // 10**6
        in (parse_us("2022-05-07T17:54:54Z") // 10**6, parse_us("2022-05-07T17:55:39Z") // 10**6)
    )
    first, second = tracker.advance(before), tracker.advance(after)
    assert first is not None
    assert second is not None
    ended = [visit for visit in second.visits if visit.exit_s is not None]
    begun = [visit for visit in second.visits if visit.exit_s is None]
    assert len(ended) > 20
    assert len(begun) > 20
    for visit in begun:
        assert before.time_us // 10**6 - 180 < visit.entry_s <= after.time_us // 10**6


def test_flights_passed_over_would_not_have_entered(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Great circles that are not looked at closely lead nobody into the sector."""
    airspace, airports = world(real_data, "vatspy")
    feed = next(feed for feed in snapshots(real_data) if len(feed.pilots) == 1706)
    tick = Tracker(airspace, airports).advance(feed)
    assert tick is not None
    now_s = feed.time_us // 10**6
    paths = paths_ahead(tick.live, airports, now_s)
    sectors = range(0, len(airspace.sectors), 61)
    quick = [entries_on(paths, tick.live, airspace, sector, now_s) for sector in sectors]
    monkeypatch.setattr(estimates, "_pass_near", lambda _, which, __: np.ones(which.shape, bool))
    thorough = [entries_on(paths, tick.live, airspace, sector, now_s) for sector in sectors]
    assert quick == thorough
    assert sum(map(len, quick)) > 50


def test_real_flights_have_ways_ahead(real_data: Path) -> None:
    """Most of those in the air file where they go; their entries lie ahead and in order."""
    airspace, airports = world(real_data, "vatspy")
    feed = next(feed for feed in snapshots(real_data) if len(feed.pilots) == 1706)
    tick = Tracker(airspace, airports).advance(feed)
    assert tick is not None
    now_s = feed.time_us // 10**6
    paths = paths_ahead(tick.live, airports, now_s)
    flying = int(tick.live.airborne.sum())
    known = sum("great circle" in basis for basis in paths.basis)
    assert known > 0.85 * flying
    sector = next(k for k, each in enumerate(airspace.sectors) if each.name == "KZDC")
    found = entries_on(paths, tick.live, airspace, sector, now_s)
    assert len(found) > 20
    times = [each.entry_s for each in found]
    assert times == sorted(times)
    assert now_s < times[0] <= times[-1] <= now_s + 4 * 3600
