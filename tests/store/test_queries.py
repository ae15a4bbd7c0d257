"""What every question shares: the same answer from the tables, from sealed files, and from both."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_ticks import START_S, demand, flight, plan, session, tick
from sectorwatch.errors import QueryTooLongError, StoreError
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.queries_sectors import Minutes
from sectorwatch.store.schema import HEAD
from sectorwatch.store.segments import DAY_S, HOUR_S
from sectorwatch.traffic.tick import Gap, Movement, Ownership, PlanRevision, Visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

SYDNEY = (-33.94612, 151.17723, 9_000)
MELBOURNE = (-37.67333, 144.84333, 8_000)
DAYS = 4
LAST_S = START_S + DAYS * DAY_S


def hourly(store: Store) -> None:
    """Four days, a tick an hour.

    Flight 1000+k is of hour k, from YSSY to YMML, in sector 5 from minute 10 to 40; flight 1 is there
    all the time, in sector 6, and so is its position, a degree further east every hour. In each hour
    minutes 10 to 39 of sector 5 have demand 1, of sector 6 always 2. Between 30 h and 33 h there is
    a gap.
    """
    seq = 0
    for hour in range(DAYS * 24 + 1):
        if hour in {31, 32}:
            continue
        seq += 1
        now = START_S + hour * HOUR_S
        number = 1000 + hour
        filed = plan("YSSY", "YMML", revision_id=hour)
        there: dict[str, Any] = {
            "departed_s": now + 60,
            "departed_from": "YSSY",
            "ended_s": now + 3000,
        }
        store.commit(
            tick(
                seq,
                time_s=now,
                count=1,
                flights=[
                    flight(1, "LONG1", START_S, plan=None),
                    flight(number, f"QFA{hour % 10}", now, plan=filed, **there),
                ],
                plans=[PlanRevision(number, now * 1_000_000, now * 1_000_000, filed)],
                visits=[
                    Visit(number, 5, now + 600, *SYDNEY, now + 2400, *MELBOURNE),
                    Visit(1, 6, START_S, *SYDNEY, None),
                ],
                movements=[
                    Movement(number, "departure", "YSSY", now + 60, f"QFA{hour % 10}"),
                    Movement(number, "arrival", "YMML", now + 2900, f"QFA{hour % 10}"),
                ],
                sessions=[
                    session(hour // 12, "SY_APP", START_S + hour // 12 * 12 * HOUR_S, ended_s=now)
                ],
                ownerships=[
                    Ownership(5, START_S, 1, "SY_APP", "first", None if hour < 90 else now)
                ],
                demand=demand(
                    *[
                        row
                        for minute in range(60)
                        for at in [now - HOUR_S + minute * 60]
                        for row in (
                            (at, 5, int(10 <= minute < 40), int(minute == 10)),
                            (at, 6, 2, 0),
                        )
                        if hour
                    ]
                ),
                final_minute_s=now - 60,
                gap=Gap(START_S + 30 * HOUR_S, now) if hour == 33 else None,
            )
        )
    store.seal_due(LAST_S)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store with four days in it, of which two are sealed; nobody writes to it."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database("asked")
    with (
        DataDirectory.open(tmp_path_factory.mktemp("asked")) as directory,
        Store.open(directory, url) as store,
    ):
        hourly(store)
        yield store


def test_flights_are_found_whatever_is_asked(asked: Store) -> None:
    """By callsign, airport, period and sector, newest first, a page at a time with the total."""
    flights = asked.flights
    page = flights.find(callsign="QFA7", limit=3, offset=1)
    assert page.total == 9
    assert [each.flight_id for each in page.items] == [1077, 1067, 1057]
    assert flights.find(airport="YMML").total == 95
    assert flights.find(airport="KJFK").total == 0
    latest = flights.latest("QFA7")
    assert latest is not None
    assert (latest.flight_id, latest.departed_from) == (1087, "YSSY")
    assert latest.plan == plan("YSSY", "YMML", revision_id=87)
    assert flights.latest("NOBODY") is None
    assert flights.by_id(1087) == latest
    assert flights.by_id(2) is None
    # The one still open was online in every period since it was first seen.
    online = flights.find(from_s=START_S + HOUR_S, to_s=START_S + 2 * HOUR_S)
    assert [each.flight_id for each in online.items] == [1001, 1]
    # Sector and period, from sealed files and from the table.
    for hour in (3, 90):
        now = START_S + hour * HOUR_S
        inside = flights.find(sector_id=5, from_s=now, to_s=now + HOUR_S)
        assert [each.flight_id for each in inside.items] == [1000 + hour]


def test_flights_detail_is_whole(asked: Store) -> None:
    """Plans, movements and visits of one flight, sealed or not, come as the tracker gave them."""
    for hour in (3, 90):
        now, number = START_S + hour * HOUR_S, 1000 + hour
        assert asked.flights.plans(number) == [
            PlanRevision(
                number, now * 1_000_000, now * 1_000_000, plan("YSSY", "YMML", revision_id=hour)
            )
        ]
        assert [each.kind for each in asked.flights.movements(number)] == ["departure", "arrival"]
        assert asked.flights.visits(number) == [
            Visit(number, 5, now + 600, *SYDNEY, now + 2400, *MELBOURNE)
        ]
    assert asked.flights.visits(1) == [Visit(1, 6, START_S, *SYDNEY, None)]
    assert asked.flights.visits(2) == []


def test_visits_of_a_sector_are_those_of_the_period(asked: Store) -> None:
    """A visit counts where any part of it lies in the period, from table and files alike."""
    whole = asked.sectors.visits(5, START_S, LAST_S, limit=10)
    assert (whole.total, len(whole.items)) == (94, 10)
    assert whole.items[0].flight_id == 1095
    now = START_S + 5 * HOUR_S
    assert asked.sectors.visits(5, now + 2400, now + 4200).total == 0
    assert asked.sectors.visits(5, now + 2399, now + 4201).total == 2


def test_occupancy_tells_nothing_from_unknown(asked: Store) -> None:
    """Every minute is there; in gaps, before the first snapshot and after the last, unknown."""
    minutes = asked.sectors.occupancy(5, START_S - HOUR_S, LAST_S + HOUR_S)
    assert len(minutes.minute_s) == (DAYS * 24 + 2) * 60
    hours = minutes.known.reshape(-1, 60).sum(axis=1)
    assert hours[0] == 0
    assert hours[-1] == 0
    # The gap begins in the first minute of its first hour: of that the tracker gives no rows.
    assert hours[30:36].tolist() == [60, 0, 0, 0, 60, 60]
    assert minutes.final_minute_s == LAST_S - 60
    for hour in (3, 60, 95):
        part = asked.sectors.occupancy(5, START_S + hour * HOUR_S, START_S + (hour + 1) * HOUR_S)
        assert part.occupancy.tolist() == [0] * 10 + [1] * 30 + [0] * 20
        assert part.entries.tolist() == [0] * 10 + [1] + [0] * 49
    assert asked.sectors.occupancy(5, START_S, START_S - 60).minute_s.size == 0


def test_quarters_have_mean_and_peak_of_known_minutes(asked: Store) -> None:
    """A bin of 15 min has the mean and the peak of its known minutes, and how many those are."""
    start = START_S + 3 * HOUR_S
    quarters = asked.sectors.occupancy(5, start + 600, start + HOUR_S).quarters()
    assert quarters.start_s.tolist() == [start, start + 900, start + 1800, start + 2700]
    assert quarters.minutes_known.tolist() == [5, 15, 15, 15]
    assert quarters.mean_occupancy.tolist() == [1.0, 1.0, 10 / 15, 0.0]
    assert quarters.peak_occupancy.tolist() == [1, 1, 1, 0]
    assert quarters.entries.tolist() == [1, 0, 0, 0]


@given(
    first=st.integers(0, 30),
    minutes=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 9), st.booleans()), min_size=1, max_size=50
    ),
)
def test_quarters_are_what_the_minutes_say(
    first: int, minutes: list[tuple[int, int, bool]]
) -> None:
    """Worked out one minute after another the same comes out; of none known it says so."""
    counts = [each if each[2] else (0, 0, False) for each in minutes]
    occupancy, entries, known = np.array(counts, np.int32).T
    minute_s = START_S + 60 * (first + np.arange(len(counts)))
    made = Minutes(minute_s, occupancy, entries, known.astype(np.bool_), None)
    bins: dict[int, list[tuple[int, int, bool]]] = {}
    for time_s, each in zip(minute_s.tolist(), counts, strict=True):
        bins.setdefault(time_s // 900 * 900, []).append(each)
    quarters = made.quarters()
    assert quarters.start_s.tolist() == list(bins)
    for number, of_bin in enumerate(bins.values()):
        mine = [each for each in of_bin if each[2]]
        assert quarters.minutes_known[number] == len(mine)
        assert quarters.entries[number] == sum(begun for _, begun, _ in mine)
        assert quarters.peak_occupancy[number] == max((open_ for open_, _, _ in mine), default=0)
        mean = sum(open_ for open_, _, _ in mine) / max(len(mine), 1)
        assert quarters.mean_occupancy[number] == pytest.approx(mean)


def test_hourly_demand_of_all_sectors(asked: Store) -> None:
    """Mean, peak and entries of every sector and hour, sealed and not, in one answer."""
    hours = asked.sectors.hourly_demand(START_S, LAST_S)
    assert np.unique(hours.sector_id).tolist() == [5, 6]
    of_five = hours.sector_id == 5
    # The hours that ended at 31 h and 32 h were never reported.
    assert of_five.sum() == DAYS * 24 - 2
    assert set(hours.mean_occupancy[of_five]) == {0.5}
    assert set(hours.peak_occupancy[~of_five]) == {2}
    assert set(hours.entries[of_five]) == {1}
    assert np.all(np.diff(hours.hour_s[of_five]) > 0)


def test_movements_by_airport(asked: Store) -> None:
    """Take-offs and landings by airport and period, newest first, with the total of all pages."""
    page = asked.airports.movements("YSSY", START_S, LAST_S, limit=2)
    assert page.total == 94
    assert [each.flight_id for each in page.items] == [1095, 1094]
    assert asked.airports.movements("YSSY", START_S, LAST_S, kind="arrival").total == 0
    counts = asked.airports.counts(START_S, START_S + 10 * HOUR_S)
    assert counts == {"YMML": (0, 10), "YSSY": (10, 0)}


def test_airport_hours_tell_nothing_from_unknown(asked: Store) -> None:
    """Each hour has its counts, and says whether anything was known of it."""
    hours = asked.airports.by_hour("YSSY", START_S + 29 * HOUR_S + 5, START_S + 35 * HOUR_S - 5)
    assert ((hours.hour_s - START_S) // HOUR_S).tolist() == [29, 30, 31, 32, 33, 34]
    assert hours.departures.tolist() == [1, 1, 0, 0, 1, 1]
    assert hours.arrivals.sum() == 0
    assert hours.known.tolist() == [True, True, False, False, True, True]
    assert asked.airports.by_hour("YSSY", START_S, START_S - HOUR_S).hour_s.size == 0


def test_sessions_and_owners(asked: Store) -> None:
    """Controllers' sessions and sectors' owners are found by the period they touch."""
    page = asked.controllers.sessions(callsign="SY_APP", from_s=START_S, to_s=START_S + DAY_S)
    assert [each.session_id for each in page.items] == [1, 0]
    assert page.total == 2
    assert asked.controllers.session(1) == page.items[0]
    assert asked.controllers.session(99) is None
    assert asked.controllers.sessions(from_s=LAST_S + 1).total == 0
    (owner,) = asked.controllers.owners(START_S, LAST_S, sector_id=5)
    assert (owner.callsign, owner.end_s) == ("SY_APP", LAST_S)
    assert asked.controllers.owners(START_S, LAST_S, sector_id=6) == []
    assert len(asked.controllers.owners(START_S, LAST_S)) == 1


def test_network_history_and_gaps(asked: Store) -> None:
    """Counts of every snapshot or the first of each step, from files and table, and the gaps."""
    whole = asked.network.history(START_S, LAST_S)
    assert len(whole.time_s) == DAYS * 24 - 2
    assert np.all(np.diff(whole.time_s) > 0)
    assert set(whole.counts["pilots"]) == {1}
    daily = asked.network.history(START_S, LAST_S, DAY_S)
    assert daily.time_s.tolist() == [START_S + day * DAY_S for day in range(DAYS)]
    assert asked.network.history(0, 10).time_s.size == 0
    known = asked.network.known(START_S, LAST_S)
    assert known.gaps == (Gap(START_S + 30 * HOUR_S, START_S + 33 * HOUR_S),)
    assert (known.first_s, known.last_s) == (START_S, LAST_S)


def test_an_empty_store_knows_nothing(either: Store) -> None:
    """Before the first tick every question has an empty answer."""
    assert either.flights.find().total == 0
    assert either.tracks.track(1) is None
    assert not either.sectors.occupancy(5, START_S, START_S + HOUR_S).known.any()
    assert either.sectors.hourly_demand(0, LAST_S).hour_s.size == 0
    assert either.network.known(0, LAST_S).first_s is None
    assert either.airports.counts(0, LAST_S) == {}
    status = either.status()
    assert (status.last_seq, status.segments, status.rows["tick"]) == (None, 0, 0)


def test_hostile_questions_have_empty_answers(asked: Store) -> None:
    """Numbers past 64 bits and text that no database takes are nobody's."""
    for number in (2**63, -(2**70)):
        assert asked.flights.by_id(number) is None
        assert asked.flights.plans(number) == []
        assert asked.flights.movements(number) == []
        assert asked.flights.visits(number) == []
        assert asked.tracks.track(number) is None
        assert asked.controllers.session(number) is None
    for name in ("\0", "\ud800", "'; DROP TABLE flight; --"):
        assert asked.flights.find(callsign=name, airport=name).total == 0
        assert asked.airports.movements(name, START_S, LAST_S).total == 0
        assert asked.airports.by_hour(name, START_S, LAST_S).departures.sum() == 0
        assert asked.controllers.sessions(callsign=name).total == 0
    assert asked.flights.find().total == 96


def test_status_says_how_things_are(asked: Store) -> None:
    """Engine, sizes, rows, what is not sealed yet, and how long the last writes took."""
    status = asked.status()
    assert status.engine in {"sqlite", "postgresql"}
    assert status.version is not None
    assert status.version[0] in "13"
    assert (status.schema_revision, status.away) == (HEAD, None)
    assert status.size_bytes is not None
    assert status.size_bytes > 50_000
    assert status.segments == len(list(asked.directory.segments.rglob("*.parquet")))
    assert status.segment_bytes == sum(
        path.stat().st_size for path in asked.directory.segments.rglob("*.parquet")
    )
    assert (status.last_seq, status.unsealed_ticks, status.missing_segments) == (95, 1, 0)
    assert status.last_snapshot_time_us == LAST_S * 1_000_000 + 123_456
    assert status.rows["movement"] == 190
    assert status.free_bytes > 0
    assert status.directory_bytes >= status.segment_bytes
    assert status.writes.count > 90
    assert status.writes.median_s is not None
    assert status.writes.p95_s is not None
    assert status.writes.p95_s >= status.writes.median_s > 0


def test_row_estimates_come_from_statistics_where_there_are_any(asked: Store) -> None:
    """After an analysis the tables are not counted again."""
    with asked.database.write("analysing") as connection:
        connection.exec_driver_sql("ANALYZE")
    rows = asked.status().rows
    assert rows["movement"] == 190
    assert rows["api_key"] == 0


def test_question_to_files_is_bounded_in_time(asked: Store) -> None:
    """A question that takes too long ends, and the thread's next one is answered."""
    with asked.database.read("asking") as connection:
        files = asked.manifest.files(connection, "demand", 0, LAST_S)
    reader = asked._reader
    with pytest.raises(QueryTooLongError, match=r"takes more than 0\.1 s: ask for a shorter"):
        reader.ask(
            "SELECT count(*) FROM range(100000000000) a, read_parquet($files) b", files, limit_s=0.1
        )
    with pytest.raises(QueryTooLongError, match="more memory than it may"):
        reader.ask(
            "SELECT list(a.range ORDER BY hash(a.range)) FROM range(100000000) a, "
            "(SELECT count(*) FROM read_parquet($files)) b",
            files,
            limit_s=60,
        )
    answer = reader.ask("SELECT count(*) AS n FROM read_parquet($files)", files)
    assert answer["n"][0] > 0


def test_questions_to_files_reach_no_other_file(asked: Store) -> None:
    """The files of the machine are out of reach, and so is the network."""
    for where in ("/etc/passwd", str(asked.directory.database), "https://127.0.0.1/x"):
        with pytest.raises(StoreError, match=r"Permission Error|disabled"):
            asked._reader.ask("SELECT $files, * FROM read_text($where)", [], {"where": where})


def test_many_threads_ask_at_once(asked: Store) -> None:
    """Each thread has a cursor of its own, and all get the same answer."""
    answers: list[int] = []

    def ask() -> None:
        answers.extend(len(asked.sectors.hourly_demand(START_S, LAST_S).hour_s) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [2 * (DAYS * 24 - 2)] * 30
