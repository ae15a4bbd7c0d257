"""Unusual mixes: as many flights as ever, but not the usual ones.

Of the flights in a sector over the last hour each has traits (`traits.py`): where it flies to, from
where, by what rules, in what, how high. A trait that far more of them have than usual is tested
with a beta-binomial tail, which is exact for few flights, times the number of traits looked at; how
often such a score comes in ordinary hours is counted (`calibration.py`). Usual is the larger of the
sector's own share over the last weeks and that of the same hour of the week before, so what comes
every Thursday night is unusual once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.anomalies.calibration import Calibration, kept, size_class
from sectorwatch.forecast.anomalies.load import FALSE_SHARE, P_LIMIT
from sectorwatch.forecast.anomalies.tails import share_at_least
from sectorwatch.forecast.anomalies.traits import DIMENSIONS, TRAITS, Traits
from sectorwatch.forecast.discoveries import q_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.anomalies.present import Present

__all__ = ["LEAST_ALIKE", "LEAST_FLIGHTS", "MixFound", "MixLook", "MixWatch"]

LEAST_FLIGHTS = 6
"""Fewer flights in an hour are too few to speak of a mix."""
LEAST_ALIKE = 4
"""So many must have a trait in common, and three more than usual."""
_LEAST_MORE = 3.0
_EVERY_S = 300
_WINDOW_S = 3_600
_HOUR_S = 3_600
_HOURS = 168
_LEARNED_FLIGHTS = 100.0
_LEARNED_HOURS = 48.0
_HALF_LIFE_H = 28 * 24.0
# What a share of one hour is worth: it is drawn as from so many flights (measured on us2001).
_WEIGHT = 25.0
_PRIOR_FLIGHTS = 10.0
_REMEMBERED = 8
_P_GOES_ON = 0.05


@dataclass(frozen=True, slots=True)
class MixFound:
    """A sector's most striking trait: `alike` of `flights` have it where `expected` would.

    `what` says it; of airports that share a trait that of the most flights, and these are `alike`.
    """

    sector: int
    trait: int
    what: str
    alike: int
    flights: int
    expected: float
    p: float
    q: float
    begins: bool
    goes_on: bool


@dataclass(frozen=True, slots=True)
class MixLook:
    """All that was found at a look; `q` of shape (sectors,), NaN where nothing can be told."""

    q: NDArray[np.float64]
    found: tuple[MixFound, ...]


class MixWatch:
    """The last hour's flights, and what was usual; memory does not grow."""

    def __init__(
        self, sectors: int, parts: Mapping[str, NDArray[np.generic]] | None = None
    ) -> None:
        parts = parts or {}
        self.traits = Traits()
        self._sectors = sectors
        self._samples: deque[tuple[int, NDArray[np.int64], NDArray[np.int16]]] = deque(maxlen=16)
        self._looked_s = 0
        self._hour_s: int | None = None
        self._ordinary = Calibration(kept(parts, "ordinary_mix"))
        usual, flights = kept(parts, "mix"), kept(parts, "mix_flights")
        fits = usual is not None and usual.shape == (sectors, TRAITS)
        fits = fits and flights is not None and flights.shape == (sectors, 2)
        self._usual = np.asarray(usual if fits else np.zeros((sectors, TRAITS)), np.float32)
        # Flights, and hours in which they were learned.
        self._flights = np.array(flights if fits else np.zeros((sectors, 2)), np.float64)
        share = kept(parts, "mix_hour_share")
        trait = parts.get("mix_hour_trait")
        shape = (sectors, _HOURS, _REMEMBERED)
        fits = share is not None and share.shape == shape and trait is not None
        fits = fits and trait is not None and trait.shape == shape and trait.dtype == np.int16
        self._hour_share = np.asarray(share if fits else np.zeros(shape), np.float32)
        self._hour_trait = np.array(trait if fits else np.full(shape, -1), np.int16)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """What was learned, to be given to another one after a restart."""
        return {
            "ordinary_mix": self._ordinary.counts,
            "mix": self._usual,
            "mix_flights": self._flights,
            "mix_hour_share": self._hour_share,
            "mix_hour_trait": self._hour_trait,
        }

    def look(self, now: Present, hour_of_week: int, *, learns: bool = True) -> MixLook | None:
        """Look at the last hour's flights; None where it is no time to (every 5 min it is).

        Without `learns` nothing of it is taken into what is usual.
        """
        if 0 <= now.now_s - self._looked_s < _EVERY_S:
            return None
        if not 0 <= now.now_s - self._looked_s <= _HOUR_S:
            self._samples.clear()
            self._hour_s = now.now_s
        elapsed_s = min(now.now_s - self._looked_s, _HOUR_S) if learns else 0
        self._looked_s = now.now_s
        self._samples.append(self._sample(now))
        while self._samples[0][0] <= now.now_s - _WINDOW_S:
            self._samples.popleft()
        flight_id, sector, traits = self._flights_of_hour()
        looked = self._judge(flight_id, sector, traits, hour_of_week, elapsed_s)
        if not learns:
            return looked
        if self._hour_s is None or now.now_s - self._hour_s >= _HOUR_S:
            self._hour_s = now.now_s
            self._learn(sector, traits, hour_of_week)
        return looked

    def _sample(self, now: Present) -> tuple[int, NDArray[np.int64], NDArray[np.int16]]:
        """Who is in which sector: keys (flight, sector), and traits."""
        partition, row = np.nonzero(now.live.sector >= 0)
        sector = now.live.sector[partition, row].astype(np.int64)
        rows, inverse = np.unique(row, return_inverse=True)
        traits = self.traits.of(now.live, rows)[inverse]
        return now.now_s, np.stack([now.flight_id[row], sector], axis=1), traits

    def _flights_of_hour(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int16]]:
        """Each flight once for each sector it was in, as seen last.

        Its id and sectors (n,), traits (n, 6).
        """
        keys = np.concatenate([each[1] for each in reversed(self._samples)])
        traits = np.concatenate([each[2] for each in reversed(self._samples)])
        order = np.lexsort((np.arange(len(keys)), keys[:, 1], keys[:, 0]))
        ordered = keys[order]
        first = np.ones(len(keys), np.bool_)
        first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        chosen = order[first]
        return keys[chosen, 0], keys[chosen, 1], traits[chosen]

    def _counted(
        self, sector: NDArray[np.int64], traits: NDArray[np.int16]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """How many flights of which sector have which trait: (sector, trait, count)."""
        key = np.repeat(sector, DIMENSIONS) * TRAITS + traits.ravel()
        key = key[traits.ravel() >= 0]
        found, count = np.unique(key, return_counts=True)
        return found // TRAITS, found % TRAITS, count

    def _judge(
        self,
        flight_id: NDArray[np.int64],
        sector: NDArray[np.int64],
        traits: NDArray[np.int16],
        hour_of_week: int,
        elapsed_s: int,
    ) -> MixLook:
        flights = np.bincount(sector, minlength=self._sectors)
        where, what, count = self._counted(sector, traits)
        share = self._share(where, what, hour_of_week)
        tested = (count >= LEAST_ALIKE) & (flights[where] >= LEAST_FLIGHTS)
        looked_at = np.bincount(where[tested], minlength=self._sectors)
        known = (
            (self._flights[:, 0] >= _LEARNED_FLIGHTS)
            & (self._flights[:, 1] >= _LEARNED_HOURS)
            & (flights >= LEAST_FLIGHTS)
        )
        expected = share * flights[where]
        # Further off than this nothing can be striking, and most of the work is saved.
        tested &= known[where] & (count >= expected + _LEAST_MORE)
        where, what, count = where[tested], what[tested], count[tested]
        share, expected = share[tested], expected[tested]
        p = share_at_least(count, flights[where], share, np.full(share.shape, _WEIGHT))
        p = np.minimum(p * np.maximum(looked_at[where], 1), 1.0)

        def exactly(row: int, trait: int) -> tuple[str, int]:
            alike = (sector == row) & (traits == trait).any(axis=1)
            return self.traits.most(trait, flight_id[alike].tolist())

        return self._told(where, what, p, expected, flights, known, elapsed_s, exactly)

    def _share(
        self, where: NDArray[np.int64], what: NDArray[np.int64], hour_of_week: int
    ) -> NDArray[np.float64]:
        whole = float(self._flights[:, 0].sum())
        of_network = self._usual.sum(axis=0)[what] / max(whole, 1.0)
        own = (self._usual[where, what] + _PRIOR_FLIGHTS * of_network) / (
            self._flights[where, 0] + _PRIOR_FLIGHTS
        )
        remembered = self._hour_trait[where, hour_of_week] == what[:, None]
        of_hour = (self._hour_share[where, hour_of_week] * remembered).max(axis=1, initial=0.0)
        return np.asarray(np.clip(np.maximum(own, of_hour), 1e-4, 1 - 1e-4), np.float64)

    def _told(
        self,
        where: NDArray[np.int64],
        what: NDArray[np.int64],
        p: NDArray[np.float64],
        expected: NDArray[np.float64],
        flights: NDArray[np.int64],
        known: NDArray[np.bool_],
        elapsed_s: int,
        exactly: Callable[[int, int], tuple[str, int]],
    ) -> MixLook:
        from scipy.special import ndtri  # noqa: PLC0415

        best = np.ones(self._sectors)
        np.minimum.at(best, where, p)
        scores = np.where(known, -ndtri(np.clip(best, 1e-30, 1 - 1e-3)), np.nan)
        classes = size_class(flights.astype(np.float64))
        p_sector = self._ordinary.p(classes, scores)
        q = np.minimum(np.maximum(q_values(p_sector), FALSE_SHARE / P_LIMIT * p_sector), 1.0)
        weight = np.where(q <= FALSE_SHARE, 0.1, 1.0) * elapsed_s / 60
        self._ordinary.learn(classes, scores, weight, elapsed_s)
        found = []
        order = np.argsort(p, kind="stable")
        seen: set[int] = set()
        for each in order.tolist():
            sector = int(where[each])
            if sector in seen or p_sector[sector] > _P_GOES_ON:
                continue
            seen.add(sector)
            words, alike = exactly(sector, int(what[each]))
            if alike < max(LEAST_ALIKE, expected[each] + _LEAST_MORE):
                # Several airports that share a trait, and none of them is more than usual.
                q[sector] = 1.0
                continue
            found.append(
                MixFound(
                    sector=sector,
                    trait=int(what[each]),
                    what=words,
                    alike=alike,
                    flights=int(flights[sector]),
                    expected=float(expected[each]),
                    p=float(p_sector[sector]),
                    q=float(q[sector]),
                    begins=bool(q[sector] <= FALSE_SHARE),
                    goes_on=True,
                )
            )
        return MixLook(q, tuple(found))

    def _learn(
        self, sector: NDArray[np.int64], traits: NDArray[np.int16], hour_of_week: int
    ) -> None:
        """Take the last hour into what is usual."""
        self._usual *= 0.5 ** (1 / _HALF_LIFE_H)
        self._flights *= 0.5 ** (1 / _HALF_LIFE_H)
        where, what, count = self._counted(sector, traits)
        flights = np.bincount(sector, minlength=self._sectors)
        striking = (count >= LEAST_ALIKE - 1) & (flights[where] >= LEAST_ALIKE)
        share = count / np.maximum(flights[where], 1)
        more = share - self._share(where, what, hour_of_week)
        self._usual[where, what] += count
        self._flights[:, 0] += flights
        self._flights[:, 1] += 1
        self._hour_share[:, hour_of_week] *= 0.5
        for each in np.flatnonzero(striking & (more > 0)).tolist():
            row, trait = int(where[each]), int(what[each])
            shares, names = self._hour_share[row, hour_of_week], self._hour_trait[row, hour_of_week]
            same = np.flatnonzero(names == trait)
            place = int(same[0]) if same.size else int(shares.argmin())
            if share[each] > shares[place]:
                shares[place], names[place] = share[each], trait
        self._ordinary.settle()
