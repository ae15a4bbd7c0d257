"""Contact time as a union of intervals, against seconds counted one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.traffic.coverage import Spans, contact_time_s

rows = st.lists(
    st.tuples(
        st.sampled_from([-3, 5, 2**62, 7]), st.integers(1_000, 1_060), st.integers(-2, 40)
    ).map(lambda row: (row[0], row[1], row[1] + row[2])),
    max_size=12,
)


def spans(given_rows: list[tuple[int, int, int]]) -> Spans:
    """Rows of (flight, start, end) as columns."""
    return Spans(*np.array(given_rows, np.int64).reshape(-1, 3).T)


@given(rows, rows)
def test_each_second_of_contact_counts_once(
    stays: list[tuple[int, int, int]], contacts: list[tuple[int, int, int]]
) -> None:
    """However intervals overlap, and in whatever order they come."""
    heard = {(flight, s) for flight, start, end in contacts for s in range(start, end)}
    expected = [
        sum((flight, second) in heard for second in range(start, end))
        for flight, start, end in stays
    ]
    assert contact_time_s(spans(stays), spans(contacts)).tolist() == expected
    assert contact_time_s(spans(stays), spans(contacts[::-1])).tolist() == expected


def test_a_month_of_many_flights_stays_within_the_numbers() -> None:
    """Flights lie one behind the other on one line of seconds, which is long, but not too long."""
    count, month_s = 200_000, 30 * 86_400
    flight = np.arange(count, dtype=np.int64) * 2**45
    start = np.full(count, 1_700_000_000)
    stays = Spans(flight, start, start + month_s)
    contacts = Spans(flight, start + month_s // 2, start + 2 * month_s)
    assert (contact_time_s(stays, contacts) == month_s // 2).all()
