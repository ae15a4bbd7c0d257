"""Periods that a caller asks for: `from` and `to`, bounded and in whole steps."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from sectorwatch.clock import format_s
from sectorwatch.clock import moment_s as read_moment
from sectorwatch.web.problems import ApiError

__all__ = ["At", "From", "To", "moment", "period"]

_EXAMPLE = "UTC, such as 2025-08-06T21:00:00Z, or a time before now such as -4h or -30min or -7d"
From = Annotated[str | None, Query(alias="from", max_length=40, description=_EXAMPLE)]
To = Annotated[str | None, Query(alias="to", max_length=40, description=f"{_EXAMPLE}; else now")]
At = Annotated[
    str | None, Query(max_length=40, description=f"As it was at a moment: {_EXAMPLE}; else now")
]

# Before this there was no network, after it no datetime.
_FIRST_S, _LAST_S = 946_684_800, 4_102_444_800


def period(
    start: str | None,
    end: str | None,
    *,
    now_s: int,
    default_s: int,
    longest_s: int,
    step_s: int,
) -> tuple[int, int]:
    """Read a period as seconds since 1970, widened to whole steps.

    Without `end` it ends at the end of the step that `now_s` is in; without `start` it is
    `default_s` long. Raises ApiError 422 with what to do.
    """
    end_s = _moment("to", end, now_s) if end is not None else now_s + 1
    start_s = _moment("from", start, now_s) if start is not None else end_s - default_s
    start_s -= start_s % step_s
    end_s += -end_s % step_s
    if start_s >= end_s:
        raise ApiError(
            422, f"from={start!r} is not before to={format_s(end_s)}: give an earlier 'from'."
        )
    if end_s - start_s > longest_s + 2 * step_s:
        raise ApiError(
            422,
            f"from={format_s(start_s)} to={format_s(end_s)} is longer than "
            f"{longest_s // 3_600} h: ask for shorter periods, one after another.",
        )
    return start_s, end_s


def moment(at: str, *, now_s: int) -> int:
    """Read a moment as seconds since 1970. Raises ApiError 422 with what to do."""
    return _moment("at", at, now_s)


def _moment(name: str, text: str, now_s: int) -> int:
    try:
        # A "+" in a query is a space unless it is escaped; nobody means a space there.
        moment_s = read_moment(text.replace(" ", "+") if "T" in text else text, now_s=now_s)
    except ValueError as error:
        raise ApiError(422, f"{name}={text!r}: give {_EXAMPLE}.") from error
    if not _FIRST_S <= moment_s <= _LAST_S:
        raise ApiError(422, f"{name}={text!r} is no time that this could know anything about.")
    return moment_s
