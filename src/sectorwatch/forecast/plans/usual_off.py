"""When flights between two airports usually take off, beside what their own plans say.

A filed time is off by half an hour as often as not, on the network and by whoever makes a schedule;
but who flies to another place does so at the same times of the day, day after day. So the
probabilities that a plan's state gives to its take-off are multiplied by how many took off then
between its two airports on the last days: two witnesses of one time. How much the second one is
believed is learned (`learned.LearnedPlans`): nothing, where traffic does not recur.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.forecast.departed import days_before, keys_of
from sectorwatch.forecast.plans.hazards import OFF_STEPS, STEP_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.departed import Covered, Departures
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.situation import Situation

__all__ = ["UsualOff", "UsualTakeOffs", "rates", "sharpened"]

_BEFORE, _AFTER = 36, 6
"""Steps before and after those that are asked about, which a spread take-off still reaches from."""
_SLOTS = _BEFORE + OFF_STEPS + _AFTER
_LATE_S = 7_200.0


class UsualOff(NamedTuple):
    """Take-offs a day of `pair` (n,), an index into `counts` (pairs, slots) of steps of 5 min.

    The first pair is that of flights of which nothing is known: it never flew.
    """

    pair: NDArray[np.intp]
    counts: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class UsualTakeOffs:
    """The take-offs of the last weeks, to be asked what is usual.

    `departures` may hold later ones, which are not looked at. `covered` knows of which times there
    were feeds; without it all times are known on which anybody took off within a day.
    """

    departures: Departures
    local: LocalTime
    covered: Covered | None = None

    def of(self, situation: Situation, rows: NDArray[np.intp]) -> UsualOff:
        """How often flights like those in `rows` took off at this time on the days before."""
        key = keys_of(situation.places.icao, situation.origin[rows], situation.destination[rows])
        # No pair is 0, so that it comes first and is there.
        keys, pair = np.unique(np.append(key, np.uint64(0)), return_inverse=True)
        counts = np.zeros(keys.size * _SLOTS)
        days = days_before(
            self.departures,
            situation.as_of_s,
            self.local,
            _BEFORE * STEP_S,
            _SLOTS * STEP_S,
            self.covered,
        )
        seen = np.zeros(_SLOTS)
        for day in days:
            at = np.minimum(np.searchsorted(keys, day.key), keys.size - 1)
            ours = (keys[at] == day.key) & (day.key != 0)
            cell = at[ours] * _SLOTS + (day.time_s[ours] - day.from_s) // STEP_S
            counts += day.weight * np.bincount(cell, minlength=counts.size)
            seen += day.weights(_SLOTS)
        # A step known of no day would look like one in which nobody ever leaves.
        counts *= float(seen.all())
        counts = counts.reshape(keys.size, _SLOTS) / np.maximum(seen, 1.0)
        return UsualOff(pair[:-1].astype(np.intp), counts)


def rates(counts: NDArray[np.float64], spread_s: float, late: float) -> NDArray[np.float64]:
    """Take-offs expected in each of the next steps, (pairs, steps).

    Each as often as on the days before, give or take `spread_s`; but for a share `late` that goes
    later, by two hours on the mean: who has not gone when he usually does is not one who goes next.
    """
    slots = np.arange(_SLOTS)[:, None] - _BEFORE
    after_s = (np.arange(OFF_STEPS) - slots) * float(STEP_S)
    near = np.exp(-0.5 * (after_s / spread_s) ** 2) / (spread_s * np.sqrt(2 * np.pi))
    later = np.where(after_s >= 0, np.exp(-after_s / _LATE_S), 0.0) / _LATE_S
    return np.asarray(counts @ (((1 - late) * near + late * later) * STEP_S), dtype=np.float64)


def sharpened(
    off: NDArray[np.floating], rate: NDArray[np.float64], floor: float, weight: float
) -> NDArray[np.float64]:
    """Take-offs `off` (n, steps + 1) when those of their pairs come at `rate` (n, steps).

    That of never, the last, stays as it is. `floor` is what any step has besides; with `weight` 0
    nothing changes.
    """
    likely = off[:, :OFF_STEPS] * (rate + floor) ** weight
    total = likely.sum(axis=1, keepdims=True)
    some = np.where(total > 0, total, 1.0)
    ever = off[:, :OFF_STEPS].sum(axis=1, keepdims=True, dtype=np.float64)
    made = np.where(total > 0, likely * (ever / some), off[:, :OFF_STEPS])
    return np.concatenate([made, off[:, OFF_STEPS:]], axis=1, dtype=np.float64)
