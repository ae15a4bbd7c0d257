"""What was kept and is no longer is said, and costs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made_ticks import START_S, STEP_S, demand, flight, tick
from sectorwatch.errors import StoreError
from sectorwatch.observe import Telemetry
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.budget import Retention
from sectorwatch.store.segments import DAY_S, HOUR_S
from sectorwatch.traffic.tick import Visit

if TYPE_CHECKING:
    from pathlib import Path

    from made_ticks import SetClock

SECTOR = 5
HOUR_TICKS = HOUR_S // STEP_S


def fill(store: Store) -> None:
    """Two hours, every 5 min a tick, and one four days later; all that can be is sealed."""
    for seq in range(1, 26):
        now = START_S + (seq - 1) * 300
        store.commit(
            tick(
                seq,
                count=2,
                time_s=now,
                flights=[flight(1_000, "ALL"), flight(1_001, "OTHER")],
                demand=demand((now, SECTOR, 2, 1)),
                visits=(
                    Visit(1_000, SECTOR, START_S, 1.0, 2.0, 9_000, START_S + 900, 1.0, 2.0, 1),
                ),
                final_minute_s=now,
            )
        )
    store.commit(tick(26, count=2, time_s=START_S + 4 * DAY_S, final_minute_s=START_S + 4 * DAY_S))
    store.seal_due(START_S + 4 * DAY_S)


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with sealed hours and days."""
    fill(store)
    return store


def cut(store: Store, pattern: str) -> Path:
    """Cuts a sealed file in half; gives its path."""
    (path,) = store.directory.segments.glob(pattern)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def test_a_track_goes_on_around_a_damaged_hour(filled: Store) -> None:
    """The other hours are there; the lost one is named, with what to do."""
    cut(filled, "positions/*/positions-00.parquet")
    for _ in range(2):
        track = filled.tracks.track(1_000)
        assert track is not None
        assert len(track.positions.time_s) == 12 + 1 + 1
        (lost,) = track.lost
        assert (lost.start_s, lost.end_s) == (START_S, START_S + HOUR_S)
        assert "positions-00.parquet" in lost.why
        assert "rebuild" in lost.why
    assert filled.lost("positions", START_S + HOUR_S, START_S + DAY_S) == []


def test_a_file_found_damaged_is_told_once_and_counted(
    directory: DataDirectory, clock: SetClock
) -> None:
    """In the log, and among those missing; restored, it is there again at the next start."""
    telemetry = Telemetry.null()
    with Store.open(directory, clock=clock, telemetry=telemetry) as store:
        fill(store)
        (path,) = store.directory.segments.glob("positions/*/positions-00.parquet")
        whole = path.read_bytes()
        # The same size, so that only reading it tells.
        path.write_bytes(bytes(len(whole)))
        store.tracks.track(1_000)
        assert store.status().missing_segments == 1
    path.write_bytes(whole[:-1])
    with Store.open(directory, clock=clock) as store:
        assert store.found.missing == [str(path.relative_to(directory.segments))]
        assert store.found.removed == []
    path.write_bytes(whole)
    with Store.open(directory, clock=clock) as store:
        assert store.found.missing == []
        track = store.tracks.track(1_000)
        assert track is not None
        assert len(track.positions.time_s) == 26
        assert track.lost == []


def test_whoever_only_joins_marks_nothing(filled: Store) -> None:
    """Beside a running instance a damaged file is left out, and the database is left alone."""
    cut(filled, "positions/*/positions-00.parquet")
    with (
        DataDirectory.open(filled.directory.path, lock=False) as joined,
        Store.open(joined) as beside,
    ):
        track = beside.tracks.track(1_000)
        assert track is not None
        assert len(track.positions.time_s) == 14
        assert beside.status().missing_segments == 0


def test_minutes_of_a_damaged_day_are_not_known(filled: Store) -> None:
    """They are no zeros: nobody knows."""
    cut(filled, "demand/*/*.parquet")
    minutes = filled.sectors.occupancy(SECTOR, START_S, START_S + HOUR_S)
    assert not minutes.known.any()
    assert minutes.lost[0].end_s == START_S + HOUR_S
    later = filled.sectors.occupancy(SECTOR, START_S + DAY_S, START_S + DAY_S + HOUR_S)
    assert later.known.all()
    assert later.lost == []


def test_visits_of_a_damaged_day_are_said(filled: Store) -> None:
    """A flight has those that are left; which lack is asked beside."""
    assert len(filled.flights.visits(1_000)) == 1
    cut(filled, "visits/*/*.parquet")
    assert filled.flights.visits(1_000) == []
    (lost,) = filled.lost("visits", START_S, START_S + DAY_S)
    assert "visits.parquet" in lost.why


def test_what_was_let_go_is_said(filled: Store) -> None:
    """Positions and demand past their age: from when on they are kept is known, over a restart."""
    freed = filled.enforce(Retention(positions_days=2, demand_days=2), START_S + 4 * DAY_S)
    assert len(freed.segments) == 4
    track = filled.tracks.track(1_000)
    assert track is not None
    assert len(track.positions.time_s) == 1
    assert "let go" in track.lost[0].why
    assert track.lost[0].start_s == START_S
    minutes = filled.sectors.occupancy(SECTOR, START_S, START_S + 2 * DAY_S)
    assert not minutes.known[: DAY_S // 60].any()
    assert minutes.known[DAY_S // 60 :].all()
    found = filled.moments.flights(filled.moments.moment(START_S + 600))
    assert not found.known


def test_a_question_to_all_sectors_fails_once(filled: Store) -> None:
    """It says what is wrong; asked again it is answered by what is left, and the rest is lost."""
    cut(filled, "demand/*/*.parquet")
    with pytest.raises(StoreError, match="cannot be read"):
        filled.sectors.hourly_demand(START_S, START_S + 5 * DAY_S)
    assert len(filled.sectors.hourly_demand(START_S, START_S + 5 * DAY_S).hour_s) == 0
    (lost,) = filled.lost("demand", START_S, START_S + 5 * DAY_S)
    assert (lost.start_s, lost.end_s) == (START_S, START_S + DAY_S)


def test_a_question_that_is_wrong_sets_nothing_aside(filled: Store) -> None:
    """A file is damaged only where nothing can read it."""
    with filled.database.read("a test") as connection:
        files = filled.manifest.files(connection, "demand", 0, START_S + 5 * DAY_S)
    with pytest.raises(StoreError):
        filled.sources.reader.ask("SELECT nothing FROM read_parquet($files)", files)
    assert filled.lost("demand", START_S, START_S + 5 * DAY_S) == []
