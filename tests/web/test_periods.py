"""Periods that a caller asks for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.clock import format_s, parse_us
from sectorwatch.web.periods import period
from sectorwatch.web.problems import ApiError

NOW_S = parse_us("2025-08-06T21:07:13Z") // 1_000_000


def asked(start: str | None = None, end: str | None = None) -> tuple[str, str]:
    """A period of sectors' occupancy, as text."""
    found = period(start, end, now_s=NOW_S, default_s=4 * 3_600, longest_s=86_400, step_s=900)
    return format_s(found[0]), format_s(found[1])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, ("2025-08-06T17:00:00Z", "2025-08-06T21:15:00Z")),
        ("-1h", None, ("2025-08-06T20:00:00Z", "2025-08-06T21:15:00Z")),
        ("-30min", "-1min", ("2025-08-06T20:30:00Z", "2025-08-06T21:15:00Z")),
        ("-1d", None, ("2025-08-05T21:00:00Z", "2025-08-06T21:15:00Z")),
        (None, "2025-08-06T12:00:00Z", ("2025-08-06T08:00:00Z", "2025-08-06T12:00:00Z")),
        (
            "2025-08-06T10:00:00 10:00",
            "2025-08-06T12:00:00+10:00",
            ("2025-08-06T00:00:00Z", "2025-08-06T02:00:00Z"),
        ),
    ],
)
def test_a_period_is_widened_to_whole_steps(
    start: str | None, end: str | None, expected: tuple[str, str]
) -> None:
    """Absolute, relative, with a zone whose plus became a space, or left out."""
    assert asked(start, end) == expected


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("-1h", "-2h"),
        ("2025-08-06T21:00:00Z", "2025-08-06T20:00:00Z"),
        ("-2d", None),
        ("now", None),
        ("", None),
        ("-4", None),
        ("-4H", None),
        ("-9999999h", None),
        ("-9999999d", None),
        ("0001-01-01T00:00:00+23:59", None),
        (None, "9999-12-31T23:59:59-23:59"),
        ("1969-12-31T00:00:00Z", None),
        ("2025-02-30T00:00:00Z", None),
        ("-٤h", None),
        (None, "9999-12-31T23:59:59Z"),
    ],
)
def test_what_makes_no_period_is_refused(start: str | None, end: str | None) -> None:
    """With 422 and what was sent."""
    with pytest.raises(ApiError) as caught:
        asked(start, end)
    assert caught.value.status == 422
    assert "from=" in caught.value.detail or "to=" in caught.value.detail


@given(st.text(max_size=40) | st.none(), st.text(max_size=40) | st.none())
def test_no_text_gets_a_period_that_is_too_long(start: str | None, end: str | None) -> None:
    """Whatever is sent, what comes out is whole, forward and bounded, or a refusal."""
    with contextlib.suppress(ApiError):
        first, last = period(start, end, now_s=NOW_S, default_s=3_600, longest_s=7_200, step_s=60)
        assert 0 < last - first <= 7_200 + 120
        assert first % 60 == last % 60 == 0
