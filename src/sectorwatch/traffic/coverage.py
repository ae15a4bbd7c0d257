"""How much of a flight's time in the air it was in contact: unions of intervals, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Spans", "contact_time_s"]


@dataclass(frozen=True, slots=True)
class Spans:
    """Half-open intervals of flights, arrays of shape (n,), in any order, overlapping or not."""

    flight_id: NDArray[np.int64]
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]


def contact_time_s(stays: Spans, contacts: Spans) -> NDArray[np.int64]:
    """Of each stay, in its order, the seconds in which its flight was in any of `contacts`.

    However many contacts there are at once, a second counts once.

    >>> one = Spans(np.array([7, 7]), np.array([0, 100]), np.array([100, 200]))
    >>> two = Spans(np.array([7, 7, 8]), np.array([50, 60, 0]), np.array([90, 130, 200]))
    >>> contact_time_s(one, two).tolist()
    [50, 30]
    """
    lasting = contacts.end_s > contacts.start_s
    if not stays.flight_id.size or not lasting.any():
        return np.zeros(stays.flight_id.size, np.int64)
    # All flights one behind the other on one line, each with room for all of time.
    first_s = min(int(stays.start_s.min()), int(contacts.start_s.min()))
    room_s = max(int(stays.end_s.max()), int(contacts.end_s.max())) - first_s + 1
    flights = np.unique(contacts.flight_id)
    place = np.searchsorted(flights, contacts.flight_id) * room_s - first_s
    order = np.argsort(contacts.start_s + place, kind="stable")
    start, end = (contacts.start_s + place)[order], (contacts.end_s + place)[order]
    # What of each contact none before it has: together their union.
    before = np.concatenate(([np.iinfo(np.int64).min], np.maximum.accumulate(end)[:-1]))
    start = np.maximum(start, before)
    new = end > start
    start, length = start[new], (end - start)[new]
    total = np.cumsum(length) - length

    def until(moment: NDArray[np.int64]) -> NDArray[np.int64]:
        """How much of the line up to a moment is contact."""
        at = np.searchsorted(start, moment, "right") - 1
        return np.where(at >= 0, total[at] + np.minimum(moment - start[at], length[at]), 0)

    at = np.minimum(np.searchsorted(flights, stays.flight_id), flights.size - 1)
    place = at * room_s - first_s
    begin, end = stays.start_s + place, stays.end_s + place
    # In order, so that looking them up walks the line once.
    order = np.argsort(begin)
    time_s = np.empty(begin.size, np.int64)
    time_s[order] = until(end[order]) - until(begin[order])
    return np.where((flights[at] == stays.flight_id) & (time_s > 0), time_s, 0)
