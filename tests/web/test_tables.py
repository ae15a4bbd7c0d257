from __future__ import annotations

import csv
import io

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.web.tables import csv_bytes


class Row(msgspec.Struct, frozen=True):
    """A row of every kind of value."""

    name: str | None
    count: int
    share: float | None
    known: bool


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ROWS = st.lists(
    st.builds(
        Row,
        st.none() | TEXT | st.sampled_from(["=1+1", "+1", "-1", "@A1", "\t=1", "\r", 'a"b,c\r\nd']),
        st.integers(-(2**63), 2**63),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
    ),
    max_size=5,
)


@given(ROWS)
def test_what_is_written_is_read_again(rows: list[Row]) -> None:
    """Any text, number and null survives a strict reader; what looks like a formula is disarmed."""
    text = csv_bytes(Row, rows).decode()
    head, *read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert head == ["name", "count", "share", "known"]
    assert len(read) == len(rows)
    for row, (name, count, share, known) in zip(rows, read, strict=True):
        assert name[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
        assert name.removeprefix("'") == (row.name or "").removeprefix("'")
        assert int(count) == row.count
        assert (float(share) if share else None) == row.share
        assert known == str(row.known).lower()


def test_lines_end_as_the_standard_has_it() -> None:
    """CR LF after each line, the last one too; a table without rows has its head."""
    assert csv_bytes(Row, []) == b"name,count,share,known\r\n"
    assert csv_bytes(Row, [Row("Zürich", 1, 0.5, known=True)]) == (
        "name,count,share,known\r\nZürich,1,0.5,true\r\n".encode()
    )
