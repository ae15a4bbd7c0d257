"""What is expected at airports in the next 4 h: one moment's forecast of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.airports.counts import count_quantiles
from sectorwatch.forecast.airports.rates import KINDS
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.airports.fields import KnownMovements

__all__ = ["AirportOutlook", "Expected", "outlook_of"]

# How far whole quarters of an hour are off at once, beside chance: of the flights known, whose
# delays go together, and of those that nobody has filed yet. Measured on three days of us2001.
_KNOWN_OFF, _UNSEEN_OFF = 0.18, 0.3


@dataclass(frozen=True, slots=True)
class Expected:
    """One airport's movements of one kind by bin, shape (leads,): `known` and `unseen` of `mean`.

    `quantiles` (leads, q) are those of `issued.QUANTILES`.
    """

    mean: NDArray[np.float32]
    known: NDArray[np.float32]
    unseen: NDArray[np.float32]
    quantiles: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AirportOutlook:
    """Movements expected from `as_of_s` on, of the airports `place` (a,), ordered.

    `known` (a, kinds, leads) are of the flights known, `variance` likewise, `unseen` those that
    nobody has filed yet. `level` is how busy it is today beside what is usual.
    """

    as_of_s: int
    place: NDArray[np.int32]
    known: NDArray[np.float32]
    variance: NDArray[np.float32]
    unseen: NDArray[np.float32]
    level: float

    def of(self, place: int, kind: int) -> Expected:
        """What is expected at one airport; nothing where it is not among these."""
        at = int(np.searchsorted(self.place, place))
        if at >= self.place.size or self.place[at] != place:
            none = np.zeros(LEADS.size, np.float32)
            quantiles, _ = count_quantiles(none, none)
            return Expected(none, none, none, quantiles)
        known, unseen = self.known[at, kind], self.unseen[at, kind]
        variance = _spread(known, self.variance[at, kind], unseen)
        quantiles, _ = count_quantiles(known + unseen, variance)
        return Expected(known + unseen, known, unseen, quantiles)

    def quantiles(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.float32], ...]:
        """(mean, quantiles, probability of none) of rows, shapes (n, kinds, leads[, q])."""
        mean = self.known[rows] + self.unseen[rows]
        variance = _spread(self.known[rows], self.variance[rows], self.unseen[rows])
        quantiles, none = count_quantiles(mean.ravel(), variance.ravel())
        return mean, quantiles.reshape(*mean.shape, quantiles.shape[-1]), none.reshape(mean.shape)


def outlook_of(
    as_of_s: int,
    movements: KnownMovements,
    places: NDArray[np.integer],
    unseen: NDArray[np.floating],
    level: float,
) -> AirportOutlook:
    """The outlook for the airports that plans name, and `places` (p,), of which `unseen` is known.

    `unseen` has shape (p, kinds, leads).
    """
    named = movements.place != UNKNOWN
    at, kind, chance = movements.place[named], movements.kind[named], movements.chance[named]
    place = np.unique(np.concatenate([at, np.asarray(places)])).astype(np.int32)
    shape = place.size, len(KINDS), LEADS.size
    known, variance, more = (np.zeros(shape) for _ in range(3))
    row = np.searchsorted(place, at)
    np.add.at(known, (row, kind), chance)
    np.add.at(variance, (row, kind), chance * (1 - chance))
    more[np.searchsorted(place, places)] = unseen
    return AirportOutlook(
        as_of_s=as_of_s,
        place=place,
        known=known.astype(np.float32),
        variance=variance.astype(np.float32),
        unseen=more.astype(np.float32),
        level=level,
    )


def _spread(
    known: NDArray[np.float32], variance: NDArray[np.float32], unseen: NDArray[np.float32]
) -> NDArray[np.float32]:
    off = (_KNOWN_OFF * known) ** 2 + (_UNSEEN_OFF * unseen) ** 2
    return np.asarray(variance + unseen + off)
