"""The densest runs of real feeds, kept and asked about, against plain counts of the files."""

from __future__ import annotations

import gzip
import json
import statistics
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.clock import format_s, parse_us, time_zone
from sectorwatch.feed.decode import decode_feed
from sectorwatch.store import DataDirectory, Store
from sectorwatch.traffic import Tracker
from sectorwatch.web.present.statistics import Question
from sectorwatch.web.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.traffic.tick import Flight

pytestmark = pytest.mark.real_data

RUNS = ("20220507", "20220624")
FROM_S, TO_S = (parse_us(f"2022-{day}T00:00:00Z") // 1_000_000 for day in ("05-07", "06-25"))
KINDS = {"DEP": "APP"} | {kind: kind for kind in ("DEL", "GND", "TWR", "APP", "CTR", "FSS")}


class World:
    """The runs: raw documents with their times, the flights of the tracker, and a store of both."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.airspace = load_airspace([f"vatspy:{folder}/airspace/vatspy"])
        self.airports = Airports.load()
        self.store = store
        self.feeds: list[tuple[int, Any]] = []
        self.flights: dict[int, Flight] = {}
        self.movements: Counter[tuple[str, str]] = Counter()
        tracker = Tracker(self.airspace, self.airports)
        for path in sorted(p for run in RUNS for p in (folder / "feed").glob(f"*{run}*")):
            raw = gzip.decompress(path.read_bytes())
            document = json.loads(raw)
            time_us = parse_us(document["general"]["update_timestamp"])
            self.feeds.append((time_us // 1_000_000, document))
            tick = tracker.advance(decode_feed(raw, time_us, time_us))
            assert tick is not None
            store.commit(tick)
            self.flights |= {flight.flight_id: flight for flight in tick.flights}
            self.movements.update((each.airport, each.kind) for each in tick.movements)
        self.last_s = self.feeds[-1][0]

    def ask(self, topic: str, **more: Any) -> Any:
        """What is answered about both runs."""
        question: dict[str, Any] = {
            "scope": "network",
            "partition": None,
            "by": next(iter(TOPICS[topic].by), None),
            "airport": None,
        }
        return TOPICS[topic].build(
            Question(
                queries=self.store.statistics,
                airspace=self.airspace,
                airports=self.airports,
                from_s=FROM_S,
                to_s=TO_S,
                zone=time_zone("UTC"),
                zone_name="UTC",
                as_of_s=self.last_s,
                **question | more,
            )
        )


@pytest.fixture(scope="module")
def world(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """24 real feeds of two days, through tracker and store."""
    with (
        DataDirectory.open(tmp_path_factory.mktemp("real")) as directory,
        Store.open(directory) as store,
    ):
        yield World(real_data, store)


def is_atc(record: Any) -> bool:
    """A controller, as the feed's records say it."""
    return (
        record["facility"] > 0
        and record["frequency"] not in {"199.998", ""}
        and not record["callsign"].endswith(("_OBS", "_SUP"))
    )


def test_peaks_are_counted_in_the_files(world: World) -> None:
    """The most pilots and the most controllers that any file has, and the time of the file."""
    period = world.ask("peaks").period
    pilots = [(len(document["pilots"]), -time_s) for time_s, document in world.feeds]
    controllers = [
        (sum(map(is_atc, document["controllers"])), -time_s) for time_s, document in world.feeds
    ]
    for name, counts in (("pilots", pilots), ("controllers", controllers)):
        most, when = max(counts)
        assert getattr(period, f"peak_{name}") == most
        assert getattr(period, f"peak_{name}_time") == format_s(-when)
    days = {row.date: row for row in world.ask("peaks").rows if row.peak_pilots}
    assert set(days) == {"2022-05-07", "2022-06-24"}
    assert days["2022-06-24"].peak_pilots == 700


def test_known_is_what_lies_between_close_feeds(world: World) -> None:
    """Of steps of more than five minutes nothing is known."""
    times = [time_s for time_s, _ in world.feeds]
    steps = [after - before for before, after in pairwise(times)]
    known_s = sum(step for step in steps if step <= 300)
    for topic in ("peaks", "routes", "hours"):
        assert world.ask(topic).known_s == known_s


def test_hours_are_counted_in_the_files(world: World) -> None:
    """Each member's time on a callsign, from the first file to the last of a connection."""
    seen: dict[tuple[int, str, str], list[int]] = {}
    for number, (_, document) in enumerate(world.feeds):
        for record in filter(is_atc, document["controllers"]):
            key = (record["cid"], record["callsign"], record["logon_time"])
            numbers = seen.setdefault(key, [])
            if not numbers or numbers[-1] != number:
                numbers.append(number)
    spent: Counter[str] = Counter()
    sessions: Counter[str] = Counter()
    for (_, callsign, _), numbers in seen.items():
        kind = KINDS.get(callsign.rpartition("_")[2])
        if kind is None:
            continue
        parts = [[numbers[0]]]
        for number in numbers[1:]:
            # Missing in a file or more: back within 15 min of the first of them, it goes on.
            missing_s = world.feeds[number][0] - world.feeds[parts[-1][-1] + 1][0]
            if missing_s > 900:
                parts.append([])
            parts[-1].append(number)
        spent[kind] += sum(world.feeds[part[-1]][0] - world.feeds[part[0]][0] for part in parts)
        sessions[kind] += len(parts)
    rows = {row.position_type: row for row in world.ask("hours").rows}
    assert set(rows) - {"OTHER"} == set(spent)
    for kind, seconds in spent.items():
        assert rows[kind].sessions == sessions[kind], kind
        assert rows[kind].hours == pytest.approx(seconds / 3_600, abs=6e-4), kind
    assert sum(sessions.values()) > 300


def test_flights_are_counted_in_the_trackers_rows(world: World) -> None:
    """Routes, types and airports, one flight after another."""
    flown = [each for each in world.flights.values() if each.departed_s is not None]
    assert len(flown) > 200
    pairs = Counter(
        (each.departed_from, each.arrived_at or (each.plan.arrival if each.plan else "") or None)
        for each in flown
    )
    answer = world.ask("routes")
    assert {(row.origin, row.destination): row.flights for row in answer.rows} == pairs
    assert answer.totals.landed == sum(each.arrived_s is not None for each in flown)
    types = Counter((each.plan.aircraft_short if each.plan else "") or None for each in flown)
    assert {row.aircraft: row.flights for row in world.ask("aircraft").rows} == types
    movements: Counter[tuple[str, str]] = Counter()
    for row in world.ask("airports").rows:
        movements[row.airport, "departure"] += row.departures
        movements[row.airport, "arrival"] += row.arrivals
    assert +movements == world.movements


def test_only_moments_that_feeds_saw_are_timed(world: World) -> None:
    """What was seen after a gap happened at some time within it: that is no flight time."""
    times = [time_s for time_s, _ in world.feeds]
    gaps = [(before, after) for before, after in pairwise(times) if after - before > 300]
    gaps += [(0, times[0]), (times[-1], 2**40)]

    def seen(moment: int | None) -> bool:
        return moment is not None and not any(
            start < moment and moment - 300 < end for start, end in gaps
        )

    durations: dict[tuple[str | None, str | None], list[int]] = {}
    for each in world.flights.values():
        if seen(each.departed_s) and seen(each.arrived_s):
            assert each.departed_s is not None
            assert each.arrived_s is not None
            pair = (each.departed_from, each.arrived_at)
            durations.setdefault(pair, []).append(each.arrived_s - each.departed_s)
    answer = world.ask("flight_times")
    assert answer.totals.timed == sum(map(len, durations.values()))
    found = {(row.origin, row.destination): row.median_time_s for row in answer.rows}
    assert found == {pair: round(statistics.median(its), 1) for pair, its in durations.items()}


def test_the_world_is_an_airspace_too(world: World) -> None:
    """With the whole world's FIRs loaded, the airspace's flights are the network's."""
    network, airspace = (world.ask("routes", scope=scope) for scope in ("network", "airspace"))
    assert airspace.totals.flights >= 0.99 * network.totals.flights
    part = world.ask("hours", scope="airspace")
    assert part.sessions >= 0.9 * world.ask("hours").sessions
