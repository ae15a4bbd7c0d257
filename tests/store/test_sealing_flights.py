"""Flights that ended are sealed by the day, as a copy: their rows stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from made_ticks import START_S, flight, plan, tick
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.parquet import read_segment
from sectorwatch.store.segments import DAY_S, FLIGHTS, HOUR_S

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import Flight

NOW_S = START_S + 3 * DAY_S


def flown(number: int, ended_s: int | None) -> Flight:
    """A flight that took off, landed and is gone, or still here."""
    times = {} if ended_s is None else {"ended_s": ended_s, "arrived_s": ended_s - 60}
    landed = {} if ended_s is None else {"arrived_at": "YMML"}
    return flight(
        number,
        f"ÄB{number}",
        START_S + 60,
        plan=plan() if number % 2 else None,
        departed_s=START_S + 600,
        departed_from="YSSY",
        **times,
        **landed,
    )


def three_days(store: Store) -> None:
    """Four flights: two that ended on the first day, one on the second, one that is here."""
    ends = (START_S + 2 * HOUR_S, START_S + 3 * HOUR_S, START_S + DAY_S + 5, None)
    flights = [flown(1_000 + n, end) for n, end in enumerate(ends)]
    store.commit(tick(1, time_s=START_S, flights=flights))
    store.commit(tick(2, time_s=NOW_S))


def files(store: Store) -> list[str]:
    """Paths of the files in use."""
    with store.database.read("asking") as connection:
        found = store.manifest.files(connection, FLIGHTS.name, 0, 2**40)
    return [path.removeprefix(f"{store.directory.segments}/") for path in found]


def test_flights_of_a_day_are_copied_whole(either: Store) -> None:
    """Every field as it is in the table, null where nothing is known; the rows are still there."""
    three_days(either)
    made = either.seal_due(NOW_S)
    assert [f.path for f in made if f.kind == "flights"] == files(either)
    assert files(either) == ["flights/date=2023-11-14/flights.parquet"]
    columns = read_segment(either.directory.segments / files(either)[0], FLIGHTS)
    assert columns["flight_id"].tolist() == [1_000, 1_001]
    assert columns["callsign"].tolist() == ["ÄB1000", "ÄB1001"]
    assert columns["aircraft_short"].tolist() == [None, "B738"]
    assert columns["arrived_s"].tolist() == [START_S + 2 * HOUR_S - 60, START_S + 3 * HOUR_S - 60]
    assert either.flights.find().total == 4
    assert either.seal_due(NOW_S) == []
    found = either.statistics.flights.flown(START_S, NOW_S)
    assert sorted(found.flight_id.tolist()) == [1_000, 1_001, 1_002, 1_003]


def test_what_is_not_known_is_null(either: Store) -> None:
    """A flight that never took off is in the file with what there is of it, and is none that flew."""
    parked = flight(1, "PARKED", START_S, ended_s=START_S + 60)
    either.commit(tick(1, time_s=START_S, flights=[parked]))
    either.commit(tick(2, time_s=NOW_S))
    either.seal_due(NOW_S)
    columns = read_segment(either.directory.segments / files(either)[0], FLIGHTS)
    assert columns["departed_s"].tolist() == [None]
    assert columns["departed_from"].tolist() == [None]
    assert len(either.statistics.flights.flown(START_S, NOW_S).flight_id) == 0


def test_a_flight_that_came_late_makes_a_new_edition(store: Store) -> None:
    """A row more than the file has: it is made again of all of them, each once."""
    three_days(store)
    store.seal_due(NOW_S)
    late = flown(2_000, START_S + 4 * HOUR_S)
    store.commit(tick(3, time_s=NOW_S + DAY_S, flights=[late]))
    store.seal_due(NOW_S + DAY_S)
    assert files(store) == [
        "flights/date=2023-11-14/flights-1.parquet",
        "flights/date=2023-11-15/flights.parquet",
    ]
    found = store.statistics.flights.flown(START_S, NOW_S).flight_id.tolist()
    assert sorted(found) == [1_000, 1_001, 1_002, 1_003, 2_000]


def test_a_file_that_is_gone_is_made_again(store: Store) -> None:
    """The rows are there still: until it is made again they answer, and afterwards the new file."""
    three_days(store)
    store.seal_due(NOW_S)
    (store.directory.segments / files(store)[0]).unlink()
    path = store.directory.path
    store.close()
    store.directory.close()
    with DataDirectory.open(path) as directory, Store.open(directory) as again:
        assert again.found.missing
        everybody = [1_000, 1_001, 1_002, 1_003]
        assert sorted(again.statistics.flights.flown(START_S, NOW_S).flight_id) == everybody
        again.seal_due(NOW_S)
        assert len(files(again)) == 1
        assert sorted(again.statistics.flights.flown(START_S, NOW_S).flight_id) == everybody
