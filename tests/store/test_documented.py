from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from made_ticks import START_S, tick
from sectorwatch.store.schema import metadata
from sectorwatch.store.segments import KINDS

if TYPE_CHECKING:
    from sectorwatch.store import DataDirectory, Store

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


def test_the_example_reads_a_segment(store: Store) -> None:
    """The page's SQL gives the positions as they were, by DuckDB on the files themselves."""
    for seq in range(1, 242):
        store.commit(tick(seq, count=5))
    store.seal(START_S)
    (example,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    question = example.replace("data/segments", str(store.directory.segments))
    with duckdb.connect() as connection:
        rows = connection.execute(f"{question} ORDER BY flight_id, time_s").fetchall()
    assert len(rows) == 240 * 5
    track = [row for row in rows if row[0] == 1_002]
    steps = [tick(seq, count=5) for seq in range(1, 241)]
    assert [row[1] for row in track] == [int(each.positions.time_s[2]) for each in steps]
    assert [row[2] for row in track] == pytest.approx(
        [each.positions.latitude[2] for each in steps], abs=1e-9
    )
