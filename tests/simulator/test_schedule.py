from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace import Airports
from sectorwatch.errors import ScheduleError
from sectorwatch.simulator.schedule import COLUMNS, LEFT_OUT, read_schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OFF = datetime(2026, 3, 1, 10, 0)  # noqa: DTZ001 - a schedule's times have no zone: they are UTC
GOOD: dict[str, Any] = {
    "flight_id": 1,
    "origin": "YSSY",
    "destination": "YMML",
    "filed_off_at": OFF - timedelta(minutes=10),
    "off_at": OFF,
    "on_at": OFF + timedelta(minutes=65),
    "distance_nm": 381.0,
}
TYPES = {
    "flight_id": pa.int32(),
    "origin": pa.string(),
    "destination": pa.string(),
    "filed_off_at": pa.timestamp("ms"),
    "off_at": pa.timestamp("ms"),
    "on_at": pa.timestamp("ms"),
    "distance_nm": pa.float32(),
}


@pytest.fixture(scope="module")
def airports() -> Airports:
    """All that are known, read once."""
    return Airports.load()


def rows_of(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Good rows, each changed."""
    return [{**GOOD, "flight_id": number, **change} for number, change in enumerate(changes)]


def write(path: Path, rows: list[dict[str, Any]], **types: pa.DataType) -> Path:
    """Rows as a Parquet file."""
    kinds = {**TYPES, **types}
    columns = {
        name: pa.array([row.get(name) for row in rows], type=kinds[name]) for name in COLUMNS
    }
    pq.write_table(pa.table(columns), path)
    return path


def test_flights_come_in_the_order_in_which_they_take_off(tmp_path: Path) -> None:
    """Rows may stand in any order; times are whole seconds, airports those that are used."""
    later = {"off_at": OFF + timedelta(minutes=5), "origin": "YMML", "destination": "YSSY"}
    file = write(tmp_path / "s.parquet", rows_of(later, {}))
    schedule = read_schedule(file)
    assert schedule.flight_id.tolist() == [1, 0]
    assert schedule.airports.icao == ("YMML", "YSSY")
    assert schedule.origin.tolist() == [1, 0]
    assert int(schedule.off_s[0]) == int(np.datetime64(OFF, "s").astype(np.int64))
    assert schedule.left_out == {}


BAD: dict[str, dict[str, Any]] = {
    "missing_value": {"origin": None},
    "duplicate_id": {"flight_id": 0},
    "unknown_airport": {"destination": "ZZZZ"},
    "time_out_of_range": {"off_at": datetime(1970, 1, 1)},  # noqa: DTZ001
    "backwards": {"on_at": OFF - timedelta(minutes=1)},
    "filed_far_off": {"filed_off_at": OFF - timedelta(days=3)},
    "too_long": {"on_at": OFF + timedelta(hours=25)},
    "too_short": {"on_at": OFF + timedelta(seconds=100)},
    "too_fast": {"on_at": OFF + timedelta(minutes=20)},
    "too_slow": {"on_at": OFF + timedelta(hours=20)},
    "distance_differs": {"distance_nm": 900.0},
}


def test_every_reason_to_leave_a_row_out_is_tried() -> None:
    """The table below has each reason that there is."""
    assert list(BAD) == list(LEFT_OUT)


@pytest.mark.parametrize("reason", BAD)
def test_a_row_that_cannot_be_flown_is_left_out_alone_and_counted(
    tmp_path: Path, airports: Airports, reason: str
) -> None:
    """One good row and one bad one give one flight and one count."""
    file = write(tmp_path / "s.parquet", rows_of({}, BAD[reason]))
    schedule = read_schedule(file, airports=airports)
    assert len(schedule) == 1
    assert schedule.left_out == {reason: 1}


def test_no_two_flights_become_one_member(tmp_path: Path) -> None:
    """Of two ids that differ in their highest bits alone, one is left out and counted."""
    same = {"flight_id": 5 + (1 << 60)}
    file = write(tmp_path / "s.parquet", rows_of({"flight_id": 5}, same), flight_id=pa.int64())
    schedule = read_schedule(file)
    assert schedule.flight_id.tolist() == [5]
    assert schedule.left_out == {"duplicate_id": 1}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, name: str) -> None:
    """The error has the file, the column, and what a schedule needs."""
    table = pq.read_table(write(tmp_path / "s.parquet", rows_of({})))
    pq.write_table(table.drop_columns([name]), tmp_path / "less.parquet")
    with pytest.raises(ScheduleError, match=rf"less\.parquet has no column '{name}'"):
        read_schedule(tmp_path / "less.parquet")


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("flight_id", pa.string(), "one"),
        ("origin", pa.int64(), 7),
        ("off_at", pa.string(), "10:00"),
        ("distance_nm", pa.string(), "far"),
    ],
)
def test_a_column_of_another_kind_is_named_with_what_it_has_to_be(
    tmp_path: Path, name: str, kind: pa.DataType, value: Any
) -> None:
    """Nothing is guessed from text."""
    file = write(tmp_path / "s.parquet", rows_of({name: value}), **{name: kind})
    with pytest.raises(ScheduleError, match=rf"column '{name}' .* has to be a {COLUMNS[name]}"):
        read_schedule(file)


def _nothing(folder: Path) -> Path:
    return folder / "none.parquet"


def _text(folder: Path) -> Path:
    (folder / "s.parquet").write_text("flight_id,origin\n1,YSSY\n")
    return folder / "s.parquet"


def _empty_file(folder: Path) -> Path:
    (folder / "s.parquet").touch()
    return folder / "s.parquet"


def _no_rows(folder: Path) -> Path:
    return write(folder / "s.parquet", [])


def _cut(folder: Path) -> Path:
    whole = write(folder / "whole.parquet", rows_of(*({} for _ in range(500)))).read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.parquet"


def _twice(folder: Path) -> Path:
    table = pq.read_table(write(folder / "s.parquet", rows_of({})))
    names = [*table.column_names, "origin"]
    twice = pa.Table.from_arrays([*table.columns, table["origin"]], names=names)
    pq.write_table(twice, folder / "s.parquet")
    return folder / "s.parquet"


def _no_text(folder: Path) -> Path:
    table = pq.read_table(write(folder / "s.parquet", rows_of({})))
    ends = pa.py_buffer(np.array([0, 2], dtype=np.int32).tobytes())
    text = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(b"\xff\xfe")])
    pq.write_table(table.set_column(1, "origin", text), folder / "s.parquet")
    return folder / "s.parquet"


def _only_bad(folder: Path) -> Path:
    return write(folder / "s.parquet", rows_of(BAD["backwards"], BAD["unknown_airport"]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_nothing, "there is no .*none.parquet"),
        (_text, "cannot be read as Parquet"),
        (_empty_file, "cannot be read as Parquet"),
        (_cut, "cannot be read as Parquet"),
        (_no_rows, "no flight that can be flown, it is empty"),
        (_twice, "column 'origin' 2 times"),
        (_no_text, "Invalid UTF8"),
        (_only_bad, "left out: unknown_airport 1, backwards 1"),
        (lambda folder: folder, "holds no .parquet file"),
    ],
)
def test_what_is_no_schedule_is_refused_in_words(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    """The error says what was wrong with which file."""
    with pytest.raises(ScheduleError, match=words):
        read_schedule(make(tmp_path))


times = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "flight_id": st.integers(-3, 3),
                "origin": st.sampled_from(["YSSY", "YMML", "", "KJFK", "ZZZZ", None]),
                "destination": st.sampled_from(["YSSY", "YMML", "KLAX", None]),
                "filed_off_at": st.one_of(st.none(), times, st.just(OFF)),
                "off_at": st.one_of(times, st.just(OFF)),
                "on_at": st.one_of(times, st.just(OFF + timedelta(minutes=65))),
                "distance_nm": st.one_of(st.floats(), st.just(381.0), st.none()),
            }
        ),
        max_size=12,
    )
)
def test_every_row_is_flown_or_counted(
    tmp_path_factory: pytest.TempPathFactory, airports: Airports, rows: list[dict[str, Any]]
) -> None:
    """Nothing is lost silently, and what remains can be flown."""
    file = tmp_path_factory.mktemp("rows") / "s.parquet"
    write(file, rows, distance_nm=pa.float64())
    try:
        schedule = read_schedule(file, airports=airports)
    except ScheduleError as error:
        if "no flight that can be flown" not in str(error):
            raise
        return
    assert len(schedule) + sum(schedule.left_out.values()) == len(rows)
    assert (schedule.on_s > schedule.off_s).all()
    assert (np.diff(schedule.off_s) >= 0).all()
    assert len(set(schedule.flight_id.tolist())) == len(schedule)


@pytest.mark.real_data
def test_the_real_schedules_are_flown_whole(real_data: Path) -> None:
    """No flight of three months of 2013 is left out: no limit is tighter than real flights are."""
    files = sorted((real_data / "schedules").glob("nyc2013-2013-0[1-3].parquet"))
    schedule = read_schedule(files)
    assert len(schedule) == 77_800
    assert schedule.left_out == {}
