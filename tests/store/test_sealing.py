from __future__ import annotations

import stat
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from made_ticks import START_S, STEP_S, demand, tick
from sectorwatch.errors import DatabaseAwayError, DiskFullError, StoreError
from sectorwatch.observe import Telemetry
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.blobs import to_e5
from sectorwatch.store.parquet import read_segment
from sectorwatch.store.segments import DAY_S, DEMAND, HOUR_S, KINDS, POSITIONS, VISITS
from sectorwatch.traffic.tick import Visit
from store.dump import dump

if TYPE_CHECKING:
    from pathlib import Path

    from made_ticks import SetClock
    from postgres_server import PostgresServer

SYDNEY = (-33.94612, 151.17723, 9_000)
SLOW_STEP_S = 300


def fly(store: Store, hours: int, *, step_s: int = SLOW_STEP_S, count: int = 6) -> int:
    """Commits ticks over `hours` from START_S on, one more than fills them; gives their number."""
    ticks = hours * HOUR_S // step_s + 1
    for seq in range(1, ticks + 1):
        store.commit(tick(seq, count=count, time_s=START_S + (seq - 1) * step_s))
    return ticks


def blobs(store: Store) -> int:
    """How many ticks have their positions in the database."""
    return sum(row[-1] is not None for row in dump(store)["tick"])


def test_what_is_written_and_sealed_is_counted(directory: DataDirectory, clock: SetClock) -> None:
    """Rows by table as they are committed, files, rows and bytes by kind as they are sealed."""
    telemetry = Telemetry.open(sinks=[])
    with Store.open(directory, clock=clock, telemetry=telemetry) as store:
        ticks = fly(store, 1)
        file = store.seal(START_S)
        assert file is not None
        metrics = telemetry.metrics
        assert metrics.counter("store_rows_written_total", {"table": "tick"}).total == ticks
        assert (
            metrics.counter("store_rows_written_total", {"table": "network_count"}).total == ticks
        )
        assert metrics.counter("store_position_bytes_total").total > 100
        tags = {"kind": "positions"}
        assert metrics.counter("store_sealed_files_total", tags).total == 1
        assert metrics.counter("store_sealed_rows_total", tags).total == file.row_count
        assert metrics.counter("store_sealed_bytes_total", tags).total == file.size_bytes
        assert store.segment_totals() == {"positions": (1, file.size_bytes)}
    telemetry.close()


def test_hour_that_closed_becomes_a_file(store: Store) -> None:
    """Sealing moves every position of the hour from the blobs into one private, sorted file."""
    fly(store, 2)
    file = store.seal(START_S)
    assert file is not None
    assert file.path == "positions/date=2023-11-14/positions-00.parquet"
    assert (file.row_count, file.first_s, file.last_s) == (72, START_S - 3, START_S + 3297)
    path = store.directory.segments / file.path
    assert file.size_bytes == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    rows = read_segment(path, POSITIONS)
    assert list(rows) == list(KINDS["positions"].columns)
    assert np.all(np.diff(rows["flight_id"]) >= 0)
    expected = tick(1, count=6)
    first = rows["time_s"] == START_S - 3
    assert np.array_equal(rows["latitude_e5"][first], to_e5(expected.positions.latitude))
    assert blobs(store) == 13


def test_sealing_again_changes_nothing(store: Store) -> None:
    """An hour that is sealed, or had nothing, gives no second file."""
    fly(store, 1)
    assert store.seal(START_S) is not None
    before = dump(store)
    assert store.seal(START_S) is None
    assert store.seal(START_S - HOUR_S) is None
    assert dump(store) == before


def test_open_hour_is_not_sealed(store: Store) -> None:
    """An hour in which ticks may still come cannot be sealed, nor what is no hour."""
    fly(store, 1)
    with pytest.raises(StoreError, match="hour of 2023-11-14T01:00:00Z is not over"):
        store.seal(START_S + HOUR_S)
    with pytest.raises(StoreError, match="is no full hour"):
        store.seal(START_S + 60)
    assert store.seal_due(START_S + HOUR_S - 1) == []


def test_hour_of_empty_skies_leaves_no_file(store: Store) -> None:
    """Ticks without a position are forgotten without a file."""
    fly(store, 1, count=0)
    assert store.seal(START_S) is None
    assert blobs(store) == 1
    assert dump(store)["segment"] == []


def test_everything_due_is_sealed_once(store: Store) -> None:
    """All closed hours are sealed in order, and asking again costs no file."""
    last = fly(store, 3)
    now_s = START_S + (last - 1) * SLOW_STEP_S
    made = store.seal_due(now_s)
    assert [file.path[-10:-8] for file in made] == ["00", "01", "02"]
    assert store.seal_due(now_s) == []
    assert store.seal_due(now_s + HOUR_S - 1) == []
    assert blobs(store) == 1


def test_columns_are_laid_out_as_told(store: Store) -> None:
    """Steps of coordinates with their bytes apart, the rest by dictionary, all under zstd."""
    fly(store, 1, count=300, step_s=STEP_S * 4)
    file = store.seal(START_S)
    assert file is not None
    group = pq.read_metadata(store.directory.segments / file.path).row_group(0)
    found = [group.column(i) for i in range(group.num_columns)]
    by_name = {column.path_in_schema: column for column in found}
    assert list(by_name) == [POSITIONS.name_in_file(name) for name in POSITIONS.columns]
    assert {column.compression for column in found} == {"ZSTD"}
    for name in ("step_latitude_e5", "step_longitude_e5"):
        assert "BYTE_STREAM_SPLIT" in by_name[name].encodings
        assert by_name[name].physical_type == "INT32"
    for name in ("flight_id", "step_time_s", "step_altitude_ft", "qnh_mb"):
        assert "RLE_DICTIONARY" in by_name[name].encodings
    assert file.size_bytes / file.row_count < 6


def days(store: Store) -> int:
    """Three days of visits, demand and counts, an hour a step; the last tick's time."""
    seq, now_s = 0, START_S
    while now_s <= START_S + 3 * DAY_S:
        seq += 1
        minute = now_s - 180
        visits = [Visit(seq, 5, now_s - 600, *SYDNEY, now_s, *SYDNEY)]
        if seq in {1, 70}:
            visits.append(Visit(seq + 1000, 5, now_s, *SYDNEY))
        if seq == 70:
            # It was left open on the first day by a tracker that then was lost.
            visits.append(Visit(1001, 5, START_S, *SYDNEY, START_S + 60, None, None, None))
        rows = demand((minute, 5, seq % 7, 1), (minute, 6, 1, 0))
        store.commit(tick(seq, count=1, time_s=now_s, visits=visits, demand=rows))
        now_s += HOUR_S
    return now_s - HOUR_S


def test_what_leaves_the_window_is_sealed_by_the_day(store: Store) -> None:
    """Visits, demand and counts of a day go to one file each when two days have passed since."""
    now_s = days(store)
    made = [file for file in store.seal_due(now_s) if file.kind != "positions"]
    assert [(file.path, file.row_count) for file in made] == [
        # One an hour ended on that day, and one that was opened then and closed long after.
        ("visits/date=2023-11-14/visits.parquet", 25),
        ("demand/date=2023-11-13/demand.parquet", 2),
        ("demand/date=2023-11-14/demand.parquet", 48),
        ("network/date=2023-11-14/network.parquet", 24),
    ]
    tables = dump(store)
    assert min(row[0] for row in tables["demand"]) >= START_S + DAY_S
    assert min(row[6] for row in tables["visit"] if row[6] is not None) >= START_S + DAY_S
    assert any(row[6] is None for row in tables["visit"])
    assert store.seal_due(now_s) == []


def test_what_comes_late_joins_its_day(store: Store, clock: SetClock) -> None:
    """A visit that ended on a sealed day makes a new edition; the old file goes ten minutes later."""
    now_s = days(store)
    store.seal_due(now_s)
    late = Visit(9999, 5, START_S + 100, *SYDNEY, START_S + 200, *SYDNEY)
    store.commit(tick(74, time_s=now_s + DAY_S, visits=[late]))
    made = [file for file in store.seal_due(now_s + DAY_S) if file.kind == "visits"]
    assert [(file.path.split("/")[-1], file.row_count) for file in made] == [
        ("visits-1.parquet", 26),
        ("visits.parquet", 24),
    ]
    root = store.directory.segments
    rows = read_segment(root / made[0].path, VISITS)
    assert np.ma.is_masked(rows["exit_latitude_e5"])
    assert rows["flight_id"].tolist().count(9999) == 1
    old = root / "visits/date=2023-11-14/visits.parquet"
    assert old.exists()
    clock.advance(599)
    store.seal_due(now_s + DAY_S)
    assert old.exists()
    clock.advance(2)
    store.seal_due(now_s + DAY_S)
    assert not old.exists()
    assert len(store.sectors.visits(5, START_S, START_S + DAY_S).items) == 26


def test_full_disk_leaves_the_blobs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file cannot be written, nothing of it stays and the hour is sealed later."""
    fly(store, 1)
    before = dump(store)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(DiskFullError, match="while sealing positions/date"):
            store.seal(START_S)
    assert not [path for path in store.directory.segments.rglob("*") if path.is_file()]
    assert dump(store) == before
    assert store.seal(START_S) is not None


def test_file_that_breaks_off_is_removed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk fills up in the middle of a file, its half is removed at once."""
    fly(store, 1)

    def full(_: object, file: IO[bytes], **__: object) -> None:
        file.write(b"PAR1")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(pq, "write_table", full)
        with pytest.raises(DiskFullError):
            store.seal(START_S)
    assert not [path for path in store.directory.segments.rglob("*") if path.is_file()]
    assert blobs(store) == 13


def test_file_that_could_not_be_named_is_taken_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the manifest refuses the file, it goes again; the next try is as good as the first."""
    fly(store, 1)

    def away(*_: object) -> None:
        raise DatabaseAwayError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(store.manifest, "add", away)
        with pytest.raises(DatabaseAwayError):
            store.seal(START_S)
    assert not list(store.directory.segments.rglob("*.parquet"))
    assert blobs(store) == 13
    assert store.seal(START_S) is not None


def test_file_of_unknown_fate_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can tell whether the manifest has it, the file is left to the next start."""
    fly(store, 1)

    def away(*_: object) -> None:
        raise DatabaseAwayError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(store.manifest, "add", away)
        patched.setattr(store.manifest, "names", away)
        with pytest.raises(DatabaseAwayError):
            store.seal(START_S)
    assert len(list(store.directory.segments.rglob("*.parquet"))) == 1
    again = store.seal(START_S)
    assert again is not None
    assert again.path.endswith("positions-00-1.parquet")


def test_damaged_segment_is_told(tmp_path: Path) -> None:
    """A file that is no Parquet is named, with what to do."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(StoreError, match=r"x.parquet cannot be read, restore it"):
        read_segment(tmp_path / "x.parquet", DEMAND)


def test_damaged_blob_is_told(store: Store) -> None:
    """A blob that was damaged stops its hour's sealing, and is still there."""
    fly(store, 1)
    with store.database.write("damaging") as connection:
        connection.execute(text("UPDATE tick SET positions = x'00' WHERE seq = 3"))
    with pytest.raises(StoreError, match="holds no positions"):
        store.seal(START_S)
    assert blobs(store) == 13


def test_an_hour_that_cannot_be_sealed_keeps_no_other_back(store: Store) -> None:
    """The hours behind a damaged one are sealed; it is told of, and tried again."""
    last = fly(store, 3)
    now_s = START_S + (last - 1) * SLOW_STEP_S
    with store.database.write("damaging") as connection:
        connection.execute(text("UPDATE tick SET positions = x'00' WHERE seq = 3"))
    for _ in range(2):
        with pytest.raises(StoreError, match="holds no positions"):
            store.seal_due(now_s)
        paths = sorted(path.name for path in store.directory.segments.rglob("*.parquet"))
        assert paths == ["positions-01.parquet", "positions-02.parquet"]
    assert blobs(store) == 13


@pytest.mark.postgres
def test_postgresql_seals_the_same_files(
    store: Store, tmp_path: Path, postgres: PostgresServer
) -> None:
    """The same ticks make the same files, whatever database they lay in."""
    with (
        DataDirectory.open(tmp_path / "other") as other,
        Store.open(other, postgres.new_database("seal")) as second,
    ):
        made = []
        for each in (store, second):
            each.seal_due(days(each))
            made.append({row[0]: row[2:7] for row in dump(each)["segment"]})
        assert made[0] == made[1]
        for path in made[0]:
            kind = KINDS[path.split("/")[0]]
            one = read_segment(store.directory.segments / path, kind)
            two = read_segment(second.directory.segments / path, kind)
            assert all(np.array_equal(one[name], two[name]) for name in one)
