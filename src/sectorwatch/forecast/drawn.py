"""Since when a sector has been there, as far as can be known of what is kept.

One that was drawn, or renamed, last week had no traffic before: not because nobody flew there, but
because nobody counted. What is not known must not be taken for empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.queries_history import HistoryQueries

__all__ = ["drawn_since", "since_of"]

_LOOKED_AROUND_S = 56 * 86_400


def drawn_since(
    history: HistoryQueries, sector_ids: NDArray[np.int64], fingerprint: str, from_s: int, to_s: int
) -> NDArray[np.int64]:
    """Since when each of the sectors of the airspace `fingerprint` has been there; 0: all along.

    For a period; whether anybody flew in a sector is looked up eight weeks around it too, so that
    one that was only quiet is not taken for one that is new.
    """
    end_s = to_s + _LOOKED_AROUND_S
    spans = history.airspaces(end_s)
    if all(each == fingerprint for _, each in spans):
        return np.zeros(sector_ids.size, np.int64)
    first_s = history.first_demand(sector_ids.tolist(), from_s - _LOOKED_AROUND_S, end_s)
    return since_of(first_s, spans, fingerprint, to_s)


def since_of(
    first_s: NDArray[np.int64], spans: Sequence[tuple[int, str]], fingerprint: str, to_s: int
) -> NDArray[np.int64]:
    """The same by when anybody was first in each sector, -1 for never, and `spans` of airspaces.

    A sector was there from when the airspace began in whose time the first was seen in it; where
    nobody ever was, since the present airspace began, and not until `to_s` where that was never
    flown over.

    >>> since_of(np.array([70, 150, -1]), [(50, "old"), (100, "new")], "new", 900).tolist()
    [0, 100, 100]
    """
    changes = [
        (time_s, each)
        for number, (time_s, each) in enumerate(spans)
        if not number or each != spans[number - 1][1]
    ]
    if len(changes) < 2 and (not changes or changes[0][1] == fingerprint):  # noqa: PLR2004
        return np.zeros(first_s.size, np.int64)
    begun_s = np.array([time_s for time_s, _ in changes], np.int64)
    last_s, last = changes[-1]
    span = np.searchsorted(begun_s, first_s, side="right") - 1
    since_s = np.where(span > 0, begun_s[np.maximum(span, 0)], 0)
    return np.where(first_s < 0, last_s if last == fingerprint else to_s, since_s)
