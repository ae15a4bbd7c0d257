"""Take-offs of the last weeks: when, and between which airports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.bins import STEP_S
from sectorwatch.forecast.now import place_of
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.forecast.history import History
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.store import Store

__all__ = [
    "KEPT_S",
    "Covered",
    "Day",
    "Departures",
    "days_before",
    "kept_take_offs",
    "keys_of",
    "pair_keys",
    "pairs_flown",
]

_DAYS = 28
KEPT_S = (_DAYS + 1) * 86_400
_SAME_DAY, _SAME_KIND = 2.0, 1.0
"""What a day of the same name tells, and another of the same kind: an event is on one of them."""
_MOST, _LATEST_S = 4_000_000, 1 << 40
_SILENT_S = 86_400
"""Where nobody at all took off for so long nobody looked: that is not a day without traffic."""


class Covered(Protocol):
    """A past that knows of which of its minutes there were feeds."""

    def known_steps(self, from_s: int, steps: int) -> NDArray[np.bool_]:
        """Which of so many steps of 5 min are known, from the mark at or before `from_s` on."""


class Day(NamedTuple):
    """Take-offs around a time of a day, since `from_s`, and what that day weighs.

    Take-offs of steps of 5 min that are not `known` are left out.
    """

    from_s: int
    weight: float
    time_s: NDArray[np.int64]
    key: NDArray[np.uint64]
    known: NDArray[np.bool_]

    def weights(self, slots: int) -> NDArray[np.float64]:
        """What it weighs in each of `slots` of equal length: nothing where most is not known."""
        known = self.known.reshape(slots, -1)
        return np.where(2 * known.sum(axis=1) >= known.shape[1], self.weight, 0.0)


def pair_keys(origin: NDArray[Any], destination: NDArray[Any]) -> NDArray[np.uint64]:
    """One number a pair of ICAO codes (as `S4` arrays), the same in every program; 0 for none."""
    both = np.stack([np.asarray(each, dtype="S4") for each in (origin, destination)], axis=-1)
    keys = np.ascontiguousarray(both).view("<u8").reshape(len(both))
    return np.where((both == b"").any(axis=-1), np.uint64(0), keys)


class Departures:
    """Take-offs of the last weeks: when, and between which airports; in order of time."""

    def __init__(self, kept_s: int = KEPT_S) -> None:
        self._kept_s = kept_s
        self._time_s = np.empty(0, dtype=np.int64)
        self._key = np.empty(0, dtype=np.uint64)

    def add(self, time_s: NDArray[np.int64], key: NDArray[np.uint64]) -> None:
        """Take-offs between known airports; what is too old for a forecast is let go of."""
        counts = key != 0
        if not counts.any():
            return
        time_s = np.concatenate([self._time_s, time_s[counts]])
        key = np.concatenate([self._key, key[counts]])
        order = np.argsort(time_s, kind="stable")
        first = np.searchsorted(time_s[order], time_s.max(initial=0) - self._kept_s)
        self._time_s, self._key = time_s[order][first:], key[order][first:]

    def replace(
        self, after_s: int, until_s: int, time_s: NDArray[np.int64], key: NDArray[np.uint64]
    ) -> None:
        """All take-offs after `after_s` until `until_s`, in place of those that were noted."""
        kept = (self._time_s <= after_s) | (self._time_s > until_s)
        self._time_s, self._key = self._time_s[kept], self._key[kept]
        self.add(time_s, key)

    def forget_after(self, time_s: int) -> None:
        """Let go of take-offs after that, which a wrong clock has noted."""
        if self.until_s > time_s:
            end = np.searchsorted(self._time_s, time_s, side="right")
            self._time_s, self._key = self._time_s[:end], self._key[:end]

    @property
    def until_s(self) -> int:
        """The last of them, 0 where there is none."""
        return int(self._time_s[-1]) if self._time_s.size else 0

    @property
    def from_s(self) -> int:
        """The first of them, 0 where there is none."""
        return int(self._time_s[0]) if self._time_s.size else 0

    def between(self, from_s: int, to_s: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Those from `from_s` until before `to_s`."""
        begin, end = np.searchsorted(self._time_s, (from_s, to_s))
        return self._time_s[begin:end], self._key[begin:end]

    def is_known(self, from_s: int, to_s: int) -> bool:
        """Whether anybody took off within a day that has the time from `from_s` to `to_s` in it."""
        around_s = max(0, _SILENT_S - (to_s - from_s)) // 2
        return bool(self.between(from_s - around_s, to_s + around_s)[0].size)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name."""
        return {"time_s": self._time_s, "key": self._key}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Departures:
        """What `to_arrays` gave; raises ModelFileError where it is something else."""
        time_s, key = (arrays.get(name, np.empty(0)) for name in ("time_s", "key"))
        if time_s.ndim != 1 or time_s.shape != key.shape:
            raise ModelFileError("its take-offs are not of one length")
        if time_s.dtype != np.int64 or key.dtype != np.uint64:
            raise ModelFileError("its take-offs are not whole numbers")
        if time_s.size > _MOST or time_s.min(initial=0) < 0 or time_s.max(initial=0) > _LATEST_S:
            raise ModelFileError(f"its {time_s.size} take-offs are too many, or at no time")
        made = cls()
        made.add(time_s, key)
        return made


def keys_of(
    icao: Sequence[str], origin: NDArray[np.integer[Any]], destination: NDArray[np.integer[Any]]
) -> NDArray[np.uint64]:
    """`pair_keys` of places by their index, UNKNOWN for none; no other place is looked at."""
    codes = np.zeros(len(icao) + 1, dtype="S4")
    for place in np.unique(np.concatenate([origin, destination])).tolist():
        if place >= 0:
            codes[place] = icao[place].encode("ascii", "replace")
    return pair_keys(codes[origin], codes[destination])


def pairs_flown(history: History, chosen: NDArray[np.bool_], as_of_s: int) -> NDArray[np.uint64]:
    """`pair_keys` of the flights of `history.flights` chosen, by their plans then."""
    plans = history.plans
    plan, _ = history.revisions.at(np.flatnonzero(chosen).astype(np.int64), as_of_s)
    found = np.zeros(plan.size, dtype=np.uint64)
    filed = plan != UNKNOWN
    origin, destination = plans.origin[plan[filed]], plans.destination[plan[filed]]
    found[filed] = keys_of(history.places.icao, origin, destination)
    return found


def kept_take_offs(
    store: Store, airports: Airports, from_s: int, to_s: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """When flights took off in a period, and their `pair_keys` by the plans filed last."""
    known: dict[str, int] = {}
    rows = [
        (time_s, place_of(plan.departure, airports, known), place_of(plan.arrival, airports, known))
        for time_s, plan in store.history.take_offs(from_s, to_s)
    ]
    time_s, origin, destination = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return time_s, keys_of(airports.icao, origin, destination)


def days_before(
    departures: Departures,
    as_of_s: int,
    local: LocalTime,
    before_s: int,
    length_s: int,
    covered: Covered | None,
) -> list[Day]:
    """What took off around this time by the clock on the wall on the last days of the same kind.

    Those of the four weeks that take-offs are kept of, the latest first; of each, `length_s`, whole
    steps of 5 min, from `before_s` before that time on. Days of which nothing is known are left
    out; of the others a gap is no time without flights, as `covered` knows, where there is such.
    """
    number = np.arange(1, _DAYS + 1)
    days_s = local.days_before(as_of_s, number)
    weight = np.where(number % 7 == 0, _SAME_DAY, _SAME_KIND)
    alike = local.kind_of_day(days_s) == local.kind_of_day(as_of_s)
    begun_s = departures.from_s
    steps = length_s // STEP_S
    known = np.ones(steps, np.bool_)
    found = []
    for day_s, of_day in zip(days_s[alike].tolist(), weight[alike].tolist(), strict=True):
        from_s = day_s - before_s
        if not (0 < begun_s <= from_s and departures.is_known(from_s, from_s + length_s)):
            continue
        if covered is not None:
            known = covered.known_steps(from_s, steps)
            if not known.any():
                continue
        time_s, key = departures.between(from_s, from_s + length_s)
        there = known[(time_s - from_s) // STEP_S]
        found.append(Day(from_s, of_day, time_s[there], key[there], known))
    return found
