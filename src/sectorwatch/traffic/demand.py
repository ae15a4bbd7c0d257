"""Of which minutes demand is known for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sectorwatch.traffic.tick import Gap

__all__ = ["MINUTE_S", "known_minutes"]

MINUTE_S = 60


def known_minutes(
    start_s: int, end_s: int, *, first_s: int, final_minute_s: int | None, gaps: Iterable[Gap]
) -> NDArray[np.bool_]:
    """Of which minutes from `start_s` until before `end_s` the demand is known for good.

    `first_s` is the time of the first snapshot of all, `final_minute_s` the last final minute. A
    minute that a gap touches is unknown: nothing in it is not the same as nothing seen.

    >>> known_minutes(0, 300, first_s=30, final_minute_s=180, gaps=[]).tolist()
    [False, True, True, True, False]
    """
    if start_s % MINUTE_S:
        raise ValueError(f"{start_s} is no whole minute: give hh:mm:00")
    minute_s = np.arange(start_s, end_s, MINUTE_S, dtype=np.int64)
    if final_minute_s is None:
        return np.zeros(minute_s.size, dtype=bool)
    known = (minute_s >= first_s) & (minute_s <= final_minute_s)
    for gap in gaps:
        known &= (minute_s + MINUTE_S <= gap.start_s) | (minute_s >= gap.end_s)
    return known
