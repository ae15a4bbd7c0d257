"""What sort of flight each is: where from and to, by what rules, in what, how high.

Traits are small numbers, so that a sector's usual mix is a row of an array of fixed size. Airports
and their pairs are hashed into places; two that share one are taken together, which makes a share
that is usual larger, never smaller: it can hide an unusual mix, and makes none up.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.traffic.rotorcraft import is_helicopter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.traffic.tick import Live

__all__ = ["DIMENSIONS", "TRAITS", "Traits"]

_TO, _FROM, _PAIR = 1_024, 1_024, 2_048
_RULES = ("fly by visual rules", "fly by instrument rules", "have no plan filed")
_CLASSES = ("are jets", "are turboprops", "are light aircraft", "are helicopters", "are of no type")
_LEVELS = (
    "are below 10,000 ft",
    "are at 10,000 to 24,500 ft",
    "are at 24,500 to 35,000 ft",
    "are above 35,000 ft",
)
_STARTS = np.cumsum([0, _TO, _FROM, _PAIR, len(_RULES), len(_CLASSES), len(_LEVELS)])
DIMENSIONS = 6
"""To, from, the pair, rules, aircraft, level: every flight has one trait of each, -1 for none."""
TRAITS = int(_STARTS[-1])
_LEVEL_EDGES_FT = np.array([10_000, 24_500, 35_000])
_JET_KT, _PROP_KT = 330, 180
_MOST_KEPT = 20_000


class Traits:
    """Works out traits, remembering them by plan, and says them in words."""

    def __init__(self) -> None:
        self._by_flight: dict[int, tuple[FlightPlan | None, tuple[int, ...]]] = {}
        self._said: dict[int, str] = {}
        for start, words in zip(_STARTS[3:], (_RULES, _CLASSES, _LEVELS), strict=False):
            self._said.update({int(start) + number: each for number, each in enumerate(words)})

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

    def say(self, trait: int) -> str:
        """A trait as what flights do or are."""
        return self._said.get(trait, "are of the same kind")

    def _of_plan(self, plan: FlightPlan | None) -> tuple[int, ...]:
        if plan is None:
            return (-1, -1, -1, int(_STARTS[3]) + 2, int(_STARTS[4]) + 4)
        to, from_ = plan.arrival.strip().upper(), plan.departure.strip().upper()
        by_instruments = plan.flight_rules[:1].upper() in {"I", "Y"}
        return (
            self._place(0, to, f"are inbound to {to}") if to else -1,
            self._place(1, from_, f"come from {from_}") if from_ else -1,
            self._place(2, f"{from_} {to}", f"fly from {from_} to {to}") if to and from_ else -1,
            int(_STARTS[3]) + by_instruments,
            int(_STARTS[4]) + _class_of(plan),
        )

    def _place(self, dimension: int, name: str, words: str) -> int:
        start, end = int(_STARTS[dimension]), int(_STARTS[dimension + 1])
        place = start + zlib.crc32(name.encode("utf-8", "replace")) % (end - start)
        self._said[place] = words
        return place


def _class_of(plan: FlightPlan) -> int:
    if is_helicopter(plan):
        return 3
    speed_kt = plan.cruise_tas_kt
    if not speed_kt:
        return 4
    return 0 if speed_kt >= _JET_KT else 1 if speed_kt >= _PROP_KT else 2
