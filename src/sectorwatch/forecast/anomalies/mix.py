"""Unusual mixes: as many flights as ever, but not the usual ones.

Of the flights in a sector over the last hour each has traits (`traits.py`): where it flies to, from
where, by what rules, in what, how high. A trait that far more of them have than usual has a score,
the tail of a negative binomial. How often the highest score of a sector is as high in ordinary
hours is counted (`calibration.py`), apart for traits that hardly any flight has, some, and many:
common ones scatter more, and must not hide the rare. Usual is the larger of the sector's own share
over the last weeks and that of the same hour of the week before, so what comes every Thursday night
is unusual once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.anomalies.calibration import Calibration, Dispersion, kept, size_class
from sectorwatch.forecast.anomalies.load import FALSE_SHARE
from sectorwatch.forecast.anomalies.rates import ALARMS_A_MONTH, AlarmRate
from sectorwatch.forecast.anomalies.tails import normal_score
from sectorwatch.forecast.anomalies.traits import DIMENSIONS, TRAITS, Traits
from sectorwatch.forecast.discoveries import q_values

if TYPE_CHECKING:
    from collections.abc import Mapping

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
# Expected flights that part traits that hardly any flight has from some, and those from many.
_RARITIES = np.array([0.5, 4.0])
# About so many traits of a sector have a count that could be striking.
_TRAITS_TESTED = 50
# So many sectors at once are held against what was usual: all of them would take much memory.
_AT_ONCE = 64
_PRIOR_FLIGHTS = 10.0
_UNSEEN_FLIGHTS = 0.5
_LEAST_MEAN = 0.002
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
        kinds = range(len(_RARITIES) + 1)
        self._ordinary = [Calibration(kept(parts, f"ordinary_mix_{each}")) for each in kinds]
        self._scatter = Dispersion(kept(parts, "scatter_mix"), first_ratio=1.0)
        self._rates = [
            AlarmRate(sectors, f"mix_{each}", parts, tests=_TRAITS_TESTED) for each in kinds
        ]
        usual, flights = kept(parts, "mix"), kept(parts, "mix_flights")
        fits = usual is not None and usual.shape == (sectors, TRAITS)
        fits = fits and flights is not None and flights.shape == (sectors, 2)
        self._usual = np.asarray(usual if fits else np.zeros((sectors, TRAITS)), np.float32)
        # Flights, and hours in which they were learned.
        self._flights = np.array(flights if fits else np.zeros((sectors, 2)), np.float64)
        self._of_network = self._usual.sum(axis=0)
        share = kept(parts, "mix_hour_share")
        trait = parts.get("mix_hour_trait")
        shape = (sectors, _HOURS, _REMEMBERED)
        # Where the traits are others than ours, those of the hours are too.
        fits = fits and share is not None and share.shape == shape
        fits = fits and trait is not None and trait.shape == shape and trait.dtype == np.int16
        self._hour_share = np.asarray(share if fits else np.zeros(shape), np.float32)
        self._hour_trait = np.array(trait if fits else np.full(shape, -1), np.int16)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """What was learned, to be given to another one after a restart."""
        return {
            **{f"ordinary_mix_{at}": each.counts for at, each in enumerate(self._ordinary)},
            "scatter_mix": self._scatter.sums,
            **{name: a for rate in self._rates for name, a in rate.to_arrays().items()},
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
        # What was learned of an hour is of sixty minutes that began at another minute than these,
        # so some of it is said of the hour before or behind.
        hours = tuple((hour_of_week + beside) % _HOURS for beside in (-1, 0, 1))
        expected = self._share(where, what, hours) * flights[where]
        known = (
            (self._flights[:, 0] >= _LEARNED_FLIGHTS)
            & (self._flights[:, 1] >= _LEARNED_HOURS)
            & (flights >= LEAST_FLIGHTS)
        )
        # Nearer than this nothing can be striking, and most of the work is saved.
        tested = known[where] & (count >= LEAST_ALIKE) & (count >= expected + _LEAST_MORE)
        where, what = where[tested], what[tested]
        count, expected = count[tested], expected[tested]
        classes = size_class(flights.astype(np.float64))
        p, often = self._chance(where, count, expected, classes, known, elapsed_s)

        def exactly(row: int, trait: int) -> tuple[str, int]:
            alike = (sector == row) & (traits == trait).any(axis=1)
            return self.traits.most(trait, flight_id[alike].tolist())

        striking: dict[int, tuple[int, str, int]] = {}
        for each in np.argsort(p, kind="stable").tolist():
            row = int(where[each])
            if p[each] > _P_GOES_ON:
                break
            if row in striking:
                continue
            words, alike = exactly(row, int(what[each]))
            # Else several airports share a trait, and none of them is more than usual.
            if alike >= max(LEAST_ALIKE, expected[each] + _LEAST_MORE):
                striking[row] = (each, words, alike)
        p_sector = np.where(known, 1.0, np.nan)
        for row, (each, _, _) in striking.items():
            p_sector[row] = p[each]
        limited = np.where(known, 1.0, np.nan)
        for row, (each, _, _) in striking.items():
            limited[row] = FALSE_SHARE / ALARMS_A_MONTH * often[each]
        q = np.minimum(np.maximum(q_values(p_sector), limited), 1.0)
        found = [
            MixFound(
                sector=row,
                trait=int(what[each]),
                what=words,
                alike=alike,
                flights=int(flights[row]),
                expected=float(expected[each]),
                p=float(p_sector[row]),
                q=float(q[row]),
                begins=bool(q[row] <= FALSE_SHARE),
                goes_on=True,
            )
            for row, (each, words, alike) in striking.items()
        ]
        return MixLook(q, tuple(found))

    def _chance(
        self,
        where: NDArray[np.int64],
        count: NDArray[np.int64],
        expected: NDArray[np.float64],
        classes: NDArray[np.intp],
        known: NDArray[np.bool_],
        elapsed_s: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How likely the most striking trait of a sector of that size is as striking, shape (n,).

        And how often a sector-month that begins.
        """
        ratio = self._scatter.ratio()[size_class(expected)]
        scores = normal_score(count, expected, ratio, least_mean=_LEAST_MEAN)
        kind = np.searchsorted(_RARITIES, expected, side="right")
        p, often = np.ones(where.size), np.ones(where.size)
        for number, (ordinary, rate) in enumerate(zip(self._ordinary, self._rates, strict=True)):
            mine = kind == number
            p[mine] = ordinary.p(classes[where[mine]], scores[mine])
            often[mine] = rate.a_month(classes[where[mine]], scores[mine])
            # Sectors of which nothing stood out are in it, as nought.
            best = np.where(known, 0.0, np.nan)
            np.maximum.at(best, where[mine], scores[mine])
            if elapsed_s:
                ordinary.learn(classes, best, np.full(best.shape, elapsed_s / 60), elapsed_s)
                rate.learn(self._looked_s, elapsed_s, classes, best)
        kinds = len(self._ordinary)
        return np.minimum(p * kinds, 1.0), often * kinds

    def _share(
        self, where: NDArray[np.int64], what: NDArray[np.int64], hours: tuple[int, ...]
    ) -> NDArray[np.float64]:
        whole = float(self._flights[:, 0].sum())
        of_network = self._of_network[what] / max(whole, 1.0)
        # Half a flight more than was seen: what never came in a hundred flights may in the next.
        own = (self._usual[where, what] + _UNSEEN_FLIGHTS + _PRIOR_FLIGHTS * of_network) / (
            self._flights[where, 0] + _PRIOR_FLIGHTS
        )
        largest = own
        for hour in hours:
            remembered = self._hour_trait[where, hour] == what[:, None]
            of_hour = (self._hour_share[where, hour] * remembered).max(axis=1, initial=0.0)
            largest = np.maximum(largest, of_hour)
        return np.asarray(np.clip(largest, 1e-4, 1 - 1e-4), np.float64)

    def _learn(
        self, sector: NDArray[np.int64], traits: NDArray[np.int16], hour_of_week: int
    ) -> None:
        """Take the last hour into what is usual."""
        self._learn_scatter(sector, traits)
        self._usual *= 0.5 ** (1 / _HALF_LIFE_H)
        self._flights *= 0.5 ** (1 / _HALF_LIFE_H)
        where, what, count = self._counted(sector, traits)
        flights = np.bincount(sector, minlength=self._sectors)
        striking = (count >= LEAST_ALIKE - 1) & (flights[where] >= LEAST_ALIKE)
        share = count / np.maximum(flights[where], 1)
        more = share - self._share(where, what, (hour_of_week,))
        self._usual[where, what] += count
        self._of_network = self._usual.sum(axis=0)
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
        for ordinary in self._ordinary:
            ordinary.settle()
        for rate in self._rates:
            rate.settle()

    def _learn_scatter(self, sector: NDArray[np.int64], traits: NDArray[np.int16]) -> None:
        """How far the counts of all traits are off what is usual, those that nobody has too."""
        where, what, count = self._counted(sector, traits)
        flights = np.bincount(sector, minlength=self._sectors)
        learned = self._flights[:, 0] >= _LEARNED_FLIGHTS
        rows = np.flatnonzero(learned & (flights >= LEAST_FLIGHTS))
        for start in range(0, rows.size, _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            mean = self._usual[part] * (flights[part] / self._flights[part, 0])[:, None]
            seen = np.zeros(mean.shape)
            inside = np.isin(where, part)
            seen[np.searchsorted(part, where[inside]), what[inside]] = count[inside]
            elapsed_s = 0 if start else _HOUR_S
            # What is far off is what is looked for, and would hide the next of its kind.
            far = 1.0 + 3.0 * np.sqrt(mean)
            error = np.clip(seen - mean, -far, far).ravel()
            self._scatter.learn(size_class(mean).ravel(), error, mean.ravel(), elapsed_s)
