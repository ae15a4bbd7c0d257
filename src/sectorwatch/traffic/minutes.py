"""Which minutes become final with a snapshot, and of which nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorwatch.traffic.roster import Step

__all__ = ["due_minutes", "last_final_s"]

_MINUTE_S = 60


def last_final_s(time_s: int, final_after_s: int) -> int:
    """The last minute whose hh:mm:00 is long enough ago at `time_s`.

    >>> last_final_s(1_000, 180)
    780
    """
    return (time_s - final_after_s) // _MINUTE_S * _MINUTE_S


def due_minutes(step: Step, next_s: int, final_after_s: int) -> tuple[range, int]:
    """The minutes that are final with this step and were not before; and the next one after them.

    `next_s` is the first that no step has dealt with. Minutes that a gap touches are nobody's.
    """
    # Of a minute nothing is known unless feeds cover it whole.
    whole_from_s = -(-step.time_s // _MINUTE_S) * _MINUTE_S
    if step.last_s is None:
        next_s = whole_from_s
    until_s = last_final_s(step.time_s, final_after_s)
    if step.gap and step.last_s is not None:
        until_s = min(until_s, step.last_s // _MINUTE_S * _MINUTE_S - _MINUTE_S)
    minutes = range(next_s, until_s + 1, _MINUTE_S)
    next_s += _MINUTE_S * len(minutes)
    return minutes, max(next_s, whole_from_s) if step.gap else next_s
