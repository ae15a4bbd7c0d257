"""What forecasts of airports are held against: whose number a series has, and what was counted."""

from __future__ import annotations

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

    What is kept is but a number, which was made of the two: it is looked for among all airports,
    once for each number.
    """

    def __init__(self, airports: Airports) -> None:
        self._airports = airports
        self._known: dict[int, tuple[str, str] | None] = {}

    def of(self, numbers: Iterable[int]) -> list[tuple[str, str] | None]:
        """(airport, kind) of each number; None where no airport that is known has it."""
        wanted = list(numbers)
        if not self._known.keys() >= set(wanted):
            made = {
                series_id(icao, kind): (icao, kind)
                for icao in self._airports.icao
                for kind in KINDS
            }
            self._known |= {each: made.get(each) for each in wanted}
        return [self._known[each] for each in wanted]


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
