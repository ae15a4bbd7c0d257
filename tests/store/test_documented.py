from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import pyarrow.dataset as ds
import pytest

from made_forecasts import issued
from made_ticks import START_S, demand, flight, full_tick, tick
from sectorwatch.clock import format_s
from sectorwatch.forecast.kept import keep_issued
from sectorwatch.store.schema import metadata
from sectorwatch.store.segments import DAY_S, KINDS
from sectorwatch.traffic.tick import Contact

if TYPE_CHECKING:
    from sectorwatch.store import DataDirectory, Store
    from sectorwatch.traffic.tick import Visit

PAGE = Path(__file__).resolve().parents[2] / "docs" / "store.md"


def section(title: str) -> list[list[str]]:
    """The rows of the table under the heading `title`: a list of cells each."""
    text = PAGE.read_text()
    assert f"\n### {title}\n" in text, f"{PAGE} has no section {title!r}"
    body = re.split(r"\n##", text.split(f"\n### {title}\n", 1)[1])[0]
    rows = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_each_table_is_documented(name: str) -> None:
    """The page has every column of every table, in order, each with its meaning."""
    rows = section(f"`{name}`")
    assert [row[0] for row in rows] == [column.name for column in metadata.tables[name].columns]
    assert all(len(row[1]) > 3 for row in rows)


def test_no_table_is_documented_that_is_not_there() -> None:
    """The page names no other tables and no other kinds of segments."""
    titles = re.findall(r"^### (?:Segment )?`(\w+)`$", PAGE.read_text(), re.MULTILINE)
    assert sorted(titles) == sorted([*metadata.tables, *KINDS])


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_segment_is_documented(name: str) -> None:
    """The page has every column of every kind of file, as it is called there, with its type."""
    kind = KINDS[name]
    rows = section(f"Segment `{name}`")
    assert [row[:2] for row in rows] == [
        [kind.name_in_file(column), stored.type] for column, stored in kind.columns.items()
    ]
    assert all(len(row[2]) > 3 for row in rows)


def test_each_path_is_documented(directory: DataDirectory) -> None:
    """The page names everything that the data directory holds."""
    text = PAGE.read_text()
    paths = [
        directory.database,
        directory.segments,
        directory.journal,
        directory.refused,
        directory.observations,
        directory.masking_key,
        directory.operator_key,
        *directory.path.iterdir(),
    ]
    for path in paths:
        assert f"| `{path.name}" in text, path.name


@pytest.fixture
def sealed(store: Store) -> Store:
    """An hour of positions and a day of everything else, sealed."""
    for seq in range(1, 242):
        store.commit(tick(seq, count=5, demand=full_tick(1).demand if seq == 1 else demand()))
    store.commit(
        tick(
            242,
            visits=[replace_exit(each) for each in full_tick(1).visits],
            contacts=(Contact(1_000, 42, START_S, 124_550, True, START_S + 600),),
            flights=(flight(1_000, "QFA12", ended_s=START_S + 900),),
        )
    )
    keep_issued(store.forecasts, issued(START_S))
    store.commit(tick(243, time_s=START_S + 4 * DAY_S))
    assert {each.kind for each in store.seal_due(START_S + 4 * DAY_S)} == set(KINDS)
    return store


def replace_exit(visit: Visit) -> Visit:
    """The same, ended."""
    return msgspec.structs.replace(
        visit, exit_s=START_S + 900, exit_latitude=1.0, exit_longitude=2.0, exit_altitude_ft=3
    )


def examples(language: str, store: Store) -> list[str]:
    """The page's pieces in a language, with the folder that the store has."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [each.replace("data/segments", str(store.directory.segments)) for each in found]


def expected(flight_number: int) -> list[tuple[int, Any]]:
    """Time and latitude of a flight, as they went in."""
    steps = [tick(seq, count=5).positions for seq in range(1, 241)]
    number = flight_number - 1_000
    return [
        (int(each.time_s[number]), pytest.approx(each.latitude[number], abs=1e-9)) for each in steps
    ]


def test_duckdb_reads_every_kind(sealed: Store) -> None:
    """By the page's own SQL, with the date of the folder as a column; positions as they were."""
    (views,) = examples("sql duckdb", sealed)
    folder = sealed.directory.segments
    day = format_s(START_S)[:10]
    with duckdb.connect() as connection:
        connection.execute(views)
        rows = connection.execute(
            "SELECT time_s, latitude FROM positions "
            "WHERE date = $day AND flight_id = 1002 AND time_s < $last_s ORDER BY time_s",
            {"day": day, "last_s": START_S + 3_597},
        ).fetchall()
        assert rows == expected(1_002)
        (visit, *_) = connection.execute(
            "SELECT entry_time, date, entry_s FROM visits ORDER BY flight_id"
        ).fetchall()
        entered = visit[0].replace(tzinfo=UTC).timestamp()
        assert (entered, str(visit[1])) == (visit[2], day)
        assert connection.execute("SELECT count(*), sum(occupancy) FROM demand").fetchone() == (
            2,
            3,
        )
        for kind in KINDS.values():
            (count,) = connection.execute(
                f"SELECT count(*) FROM read_parquet('{folder}/{kind.name}/*/*.parquet', "  # noqa: S608 - our own
                "hive_partitioning = true) WHERE date IS NOT NULL"
            ).fetchone() or (0,)
            assert count > 0


def test_pyarrow_reads_every_kind(sealed: Store) -> None:
    """As a data set with dates, by the page's own lines; every column has the type that is told."""
    (lines,) = examples("python", sealed)
    found: dict[str, Any] = {}
    exec(compile(lines, str(PAGE), "exec"), found)  # noqa: S102 - the page's own example
    assert found["busy"].num_rows == 2
    rows = zip(
        found["hour"]["flight_id"].to_pylist(), found["time_s"], found["latitude"], strict=True
    )
    assert [(time, lat) for number, time, lat in rows if number == 1_003] == expected(1_003)
    for kind in KINDS.values():
        folder = sealed.directory.segments / kind.name
        data = ds.dataset(folder, partitioning="hive", exclude_invalid_files=True)
        assert data.schema.names == [*map(kind.name_in_file, kind.columns), "date"]
        for column, stored in kind.columns.items():
            assert str(data.schema.field(kind.name_in_file(column)).type) == stored.type
        assert data.count_rows() > 0


def test_the_manifest_says_which_files_count(sealed: Store) -> None:
    """By the page's own SQL, in the database itself."""
    (question,) = examples("sql", sealed)
    with sealed.database.read("a test") as connection:
        (path,) = connection.exec_driver_sql(question).scalars().all()
    assert Path(path).is_file()
    assert Path(path).parent.parent.name == "visits"
