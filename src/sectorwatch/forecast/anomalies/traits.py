"""What sort of flight each is: where from and to, by what rules, in what, how high.

Traits are small numbers, so that a sector's usual mix is a row of an array of fixed size. Airports
and their pairs are hashed into places; two that share one are taken together, which makes a share
that is usual larger, never smaller. What is told of one is counted and named by the flights' own
plans (`Traits.most`): sharing a place can hide an unusual mix, and makes none up.
"""

from __future__ import annotations

import zlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.traffic.rotorcraft import is_helicopter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.traffic.tick import Live

__all__ = ["DIMENSIONS", "TRAITS", "Traits"]

_TO, _FROM, _PAIR = 2_048, 2_048, 2_048
_RULES = ("fly by visual rules", "fly by instrument rules", "have no plan filed")
_CLASSES = ("are jets", "are turboprops", "are light aircraft", "are helicopters", "are of no type")
_LEVELS = (
    "are below 10,000 ft",
    "are at 10,000 to 24,500 ft",
    "are at 24,500 to 35,000 ft",
    "are above 35,000 ft",
)
_SAID = (*_RULES, *_CLASSES, *_LEVELS)
_STARTS = np.cumsum([0, _TO, _FROM, _PAIR, len(_RULES), len(_CLASSES), len(_LEVELS)])
DIMENSIONS = 6
"""To, from, the pair, rules, aircraft, level: every flight has one trait of each, -1 for none."""
TRAITS = int(_STARTS[-1])
_LEVEL_EDGES_FT = np.array([10_000, 24_500, 35_000])
_JET_KT, _PROP_KT = 330, 180
_MOST_KEPT = 20_000


class Traits:
    """Works out traits, remembering them by flight, and says them in words."""

    def __init__(self) -> None:
        self._by_flight: dict[int, tuple[FlightPlan | None, tuple[int, ...]]] = {}

    def of(self, live: Live, rows: NDArray[np.intp]) -> NDArray[np.int16]:
        """The traits of these flights, shape (rows, dimensions)."""
        found = np.empty((rows.size, DIMENSIONS), np.int16)
        if len(self._by_flight) > _MOST_KEPT:
            self._by_flight.clear()
        for place, row in enumerate(rows.tolist()):
            flight = live.flights[row]
            known = self._by_flight.get(flight.flight_id)
            if known is None or known[0] is not flight.plan:
                known = (flight.plan, self._of_plan(flight.plan))
                self._by_flight[flight.flight_id] = known
            found[place, :-1] = known[1]
        level = np.searchsorted(_LEVEL_EDGES_FT, live.altitude_ft[rows], side="right")
        found[:, -1] = _STARTS[5] + level
        return found

    def most(self, trait: int, flight_ids: Sequence[int]) -> tuple[str, int]:
        """A trait of these flights as what most of them do or are, and how many do just that."""
        said = Counter(self._words(trait, each) for each in flight_ids)
        said.pop(None, None)
        if not said:
            return "are of the same kind", 0
        words, count = said.most_common(1)[0]
        return words or "", count

    def _words(self, trait: int, flight_id: int) -> str | None:
        if trait >= _STARTS[3]:
            return _SAID[trait - int(_STARTS[3])]
        plan = self._by_flight.get(flight_id, (None, ()))[0]
        if plan is None:
            return None
        to, from_ = _ends(plan)
        if trait < _STARTS[1]:
            return f"are inbound to {to}"
        return f"come from {from_}" if trait < _STARTS[2] else f"fly from {from_} to {to}"

    def _of_plan(self, plan: FlightPlan | None) -> tuple[int, ...]:
        if plan is None:
            return (-1, -1, -1, int(_STARTS[3]) + 2, int(_STARTS[4]) + 4)
        to, from_ = _ends(plan)
        by_instruments = plan.flight_rules[:1].upper() in {"I", "Y"}
        return (
            _place(0, to) if to else -1,
            _place(1, from_) if from_ else -1,
            _place(2, f"{from_} {to}") if to and from_ else -1,
            int(_STARTS[3]) + by_instruments,
            int(_STARTS[4]) + _class_of(plan),
        )


def _ends(plan: FlightPlan) -> tuple[str, str]:
    return plan.arrival.strip().upper(), plan.departure.strip().upper()


def _place(dimension: int, name: str) -> int:
    start, end = int(_STARTS[dimension]), int(_STARTS[dimension + 1])
    return start + zlib.crc32(name.encode("utf-8", "replace")) % (end - start)


def _class_of(plan: FlightPlan) -> int:
    if is_helicopter(plan):
        return 3
    speed_kt = plan.cruise_tas_kt
    if not speed_kt:
        return 4
    return 0 if speed_kt >= _JET_KT else 1 if speed_kt >= _PROP_KT else 2
