"""Mass disconnections: more flights gone from the air at once than ever leave by themselves.

Who flew at one look, is not there at the next and still not a look later, and was not about to land
has left the network. That is held against the usual rate of leaving (negative binomial) and, for a
sector, against how many left elsewhere in the same minute: a server that goes takes flights from
everywhere, and that is told once, of the network. Looks more than 5 min apart tell nothing: who
left in a gap of ours, or while positions stood still, left one by one. But where many fewer are
there behind it than before, what is missing is no lull either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.anomalies.calibration import kept
from sectorwatch.forecast.anomalies.load import FALSE_SHARE
from sectorwatch.forecast.anomalies.tails import at_least, normal_score
from sectorwatch.forecast.discoveries import q_values
from sectorwatch.forecast.horizon import BIN_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.forecast.anomalies.present import Present
    from sectorwatch.traffic.tick import Flight

__all__ = ["Vanished", "VanishingWatch"]

LEAST_GONE = 5
"""Fewer flights are too few to tell: members leave."""
_LEAST_SHARE = 0.3
_NETWORK_SHARE = 0.1
_LOOKS_A_DAY = 1_440
_LONGEST_STEP_S = 300
_CONFIRMED_S = 45
_HALF_LIFE_S = 14 * 86_400
_HELD_S = 3_600
_BACK = 0.9
# Fewer than this share of those before a gap of at most an hour is not the time of day.
_LEFT_IN_GAP = 0.7
# Of real feeds up to half an hour apart: above 20,000 ft and far from where they were bound, 67
# flights were gone in 617 h of flight.
_FIRST_RATE_H, _FIRST_WEIGHT_H = 0.11, 200.0
_FIRST_RATIO = 2.0
_NEAR_NM, _NEAR_NM_A_S = 4.0, 0.06
_LOW_FT, _LOW_FT_A_S = 1_500, 25


@dataclass(frozen=True, slots=True)
class Vanished:
    """Flights that left at once: from `sector` (an index), or `is_network` from everywhere.

    `sector` is then the one that lost most. `of_flights` is how many flew there before.
    """

    time_s: int
    sector: int
    is_network: bool
    flights: tuple[Flight, ...]
    of_flights: int
    expected: float
    p: float
    q: float


class VanishingWatch:
    """Compares each look with the one before; remembers only the rate of leaving."""

    def __init__(
        self, airports: Airports, parts: Mapping[str, NDArray[np.generic]] | None = None
    ) -> None:
        self._airports = airports
        found = kept(parts or {}, "leaving")
        first = [_FIRST_RATE_H * _FIRST_WEIGHT_H, _FIRST_WEIGHT_H, 4.0 * _FIRST_RATIO, 4.0]
        self._sums = np.array(first) if found is None or found.shape != (4,) else found
        self._last: Present | None = None
        self._pending: tuple[Present, NDArray[np.intp], int] | None = None
        # Since when how many are missing, and since when they are back, -1 while they are not.
        self._held = _held_of(kept(parts or {}, "held"))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """What was learned: flights that left, hours flown, squared errors and what they are of.

        And how long ago of how many the network was lost, where that is not over.
        """
        return {"leaving": self._sums, "held": np.array(self._held or (), np.float64)}

    @property
    def rate_h(self) -> float:
        """How often a flight leaves in the air, per hour of flight."""
        return float(self._sums[0] / self._sums[1])

    def is_held(self, now: Present) -> bool:
        """Whether much of the network is away: what is not there now is no lull.

        Until nine tenths are back, an hour at the most, and a quarter of an hour more: so long what
        was missing is in the means.
        """
        if self._held is None:
            return False
        since_s, were, back_s = self._held
        if back_s < 0 and (
            not 0 <= now.now_s - since_s <= _HELD_S or now.live.airborne.sum() >= _BACK * were
        ):
            back_s = now.now_s
        over = back_s >= 0 and not 0 <= now.now_s - back_s < BIN_S
        self._held = None if over else (since_s, were, back_s)
        return not over

    def look(self, now: Present, sectors: int) -> list[Vanished]:
        """Who left at once, confirmed by this look."""
        last, pending, self._pending = self._last, self._pending, None
        if now.is_stalled:
            return []
        self._last = now
        if last is None:
            return []
        step_s = now.now_s - last.now_s
        if not 0 < step_s <= _LONGEST_STEP_S:
            were = int(last.live.airborne.sum())
            if 0 < step_s <= _HELD_S and now.live.airborne.sum() < _LEFT_IN_GAP * were:
                self._held = (now.now_s, were, -1)
            return []
        found: list[Vanished] = []
        if pending is not None:
            before, rows, gone_s = pending
            if now.now_s - gone_s < _CONFIRMED_S:
                self._pending = pending
                return []
            rows = rows[~np.isin(before.flight_id[rows], now.flight_id)]
            found = self._judge(before, rows, gone_s, sectors)
        # What left since the look before this one waits for the next to say so too.
        gone = np.flatnonzero(last.live.airborne & ~np.isin(last.flight_id, now.flight_id))
        gone = gone[~self._landing(last, gone, now.now_s - last.now_s)]
        self._pending = (last, gone, now.now_s)
        return found

    def _landing(self, before: Present, rows: NDArray[np.intp], step_s: int) -> NDArray[np.bool_]:
        live = before.live
        within = _NEAR_NM + _NEAR_NM_A_S * step_s
        place = np.asarray(
            self._airports.nearest(live.latitude[rows], live.longitude[rows], within)
        )
        low = live.altitude_ft[rows] <= _LOW_FT + _LOW_FT_A_S * step_s + self._elevation(place)
        return (place >= 0) & low

    def _elevation(self, place: NDArray[np.int_]) -> NDArray[np.float64]:
        elevation = np.asarray(self._airports.elevation_ft, np.float64)
        return np.nan_to_num(np.where(place >= 0, elevation[place], 0.0))

    def _judge(
        self, before: Present, rows: NDArray[np.intp], gone_s: int, sectors: int
    ) -> list[Vanished]:
        live, step_s = before.live, gone_s - before.now_s
        flying = int(live.airborne.sum())
        share = self.rate_h * step_s / 3_600
        ratio = max(1.0, self._sums[2] / self._sums[3])
        expected = share * flying
        p_network = float(at_least(normal_score(rows.size, expected, ratio)))
        lost, held = (
            self._by_sector(live.sector[:, rows], sectors),
            self._by_sector(live.sector[:, live.airborne], sectors),
        )
        # What leaves elsewhere in the same minute is to be expected here.
        elsewhere = (rows.size - lost) / np.maximum(flying - held, 1)
        usual = held * np.maximum(elsewhere, share)
        p = at_least(normal_score(lost, usual, ratio))
        most = int(lost.argmax())
        # What a single sector lost is that sector's; the network is everybody else too.
        others, of_others = rows.size - int(lost[most]), flying - int(held[most])
        is_network = (
            others >= max(LEAST_GONE, _NETWORK_SHARE * of_others)
            and p_network * _LOOKS_A_DAY <= FALSE_SHARE
        )
        enough = (lost >= LEAST_GONE) & (lost >= _LEAST_SHARE * held)
        q = np.where(enough, q_values(p, tests=sectors * _LOOKS_A_DAY), 1.0)
        found = []
        if is_network:
            self._held = (gone_s, flying, -1)
            gone = tuple(live.flights[row] for row in rows.tolist())
            q_network = min(1.0, p_network * _LOOKS_A_DAY)
            found.append(Vanished(gone_s, most, True, gone, flying, expected, p_network, q_network))
        for sector in np.flatnonzero(q <= FALSE_SHARE).tolist():
            inside = rows[(live.sector[:, rows] == sector).any(axis=0)]
            gone = tuple(live.flights[row] for row in inside.tolist())
            found.append(
                Vanished(
                    gone_s,
                    sector,
                    False,
                    gone,
                    int(held[sector]),
                    float(usual[sector]),
                    float(p[sector]),
                    float(q[sector]),
                )
            )
        if not found:
            self._learn(rows.size, flying, step_s, expected)
        return found

    def _learn(self, gone: int, flying: int, step_s: int, expected: float) -> None:
        self._sums *= 0.5 ** (step_s / _HALF_LIFE_S)
        self._sums += (gone, flying * step_s / 3_600, (gone - expected) ** 2, expected)

    @staticmethod
    def _by_sector(sector: NDArray[np.int32], sectors: int) -> NDArray[np.int64]:
        return np.bincount(sector[sector >= 0], minlength=sectors)[:sectors]


def _held_of(found: NDArray[np.float64] | None) -> tuple[int, int, int] | None:
    if found is None or found.shape != (3,):
        return None
    since_s, were, back_s = (int(each) for each in found)
    return since_s, were, back_s
