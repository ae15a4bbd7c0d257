"""What forecasts of airports are held against: whose number a series has, and what was counted."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.airports.forecaster import series_id
from sectorwatch.forecast.airports.rates import KINDS
from sectorwatch.forecast.scoring import CountScoring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.forecast.scoring.ledger import LocalHours
    from sectorwatch.observe import Telemetry
    from sectorwatch.store import Store

__all__ = ["SeriesNames", "airport_scoring"]


class SeriesNames:
    """Which airport and kind a `series_id` is of, for airports that are known; asked by any thread.

    What is kept is but a number, which was made of the two: those of all airports are made once,
    when first asked for, in order (half a megabyte for all of the world's).
    """

    def __init__(self, airports: Airports) -> None:
        self._airports = airports

    def of(self, numbers: Iterable[int]) -> list[tuple[str, str] | None]:
        """(airport, kind) of each number; None where no airport that is known has it."""
        wanted = np.fromiter(numbers, np.int64)
        made, order = self._made
        if not made.size:
            return [None] * wanted.size
        at = np.minimum(np.searchsorted(made, wanted), made.size - 1)
        found = np.where(made[at] == wanted, order[at], -1)
        return [self._name(each) if each >= 0 else None for each in found.tolist()]

    @cached_property
    def _made(self) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """The numbers of all airports and kinds in order, and the place of each among them."""
        made = [series_id(icao, kind) for icao in self._airports.icao for kind in KINDS]
        numbers = np.array(made, np.int64)
        order = np.argsort(numbers)
        return numbers[order], order

    def _name(self, place: int) -> tuple[str, str]:
        airport, kind = divmod(place, len(KINDS))
        return self._airports.icao[airport], KINDS[kind]


def airport_scoring(
    names: SeriesNames, local: LocalHours, *, telemetry: Telemetry | None = None
) -> CountScoring:
    """Keeps and scores what an `AirportForecaster` issues, by the movements that are kept."""
    return CountScoring("airports", local, _movements_of(names), telemetry=telemetry)


def _movements_of(
    names: SeriesNames,
) -> Callable[[Store, NDArray[np.int64], int, int], tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    def read(
        store: Store, numbers: NDArray[np.int64], from_s: int, to_s: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        named = names.of(numbers.tolist())
        rows = [row for row, each in enumerate(named) if each is not None]
        asked = [each for each in named if each is not None]
        seen = store.history.movement_minutes(asked, from_s, to_s)
        # Of an airport that is gone from the data nobody can say what there was; zero it was not.
        counts = np.full((len(named), seen.known.size), np.nan, np.float32)
        counts[rows] = seen.occupancy
        return counts, seen.known

    return read
