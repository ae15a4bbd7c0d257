"""Those in `controllers[]` who control nothing: observers and supervisors."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.simulator.chance import key_of, lot
from sectorwatch.simulator.masts import Masts
from sectorwatch.simulator.people import (
    controller_cid,
    controller_name,
    observer_callsign,
    rating_of,
    server_of,
    visual_range_of,
)
from sectorwatch.simulator.stations import Station

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.simulator.controlling import Controlling
    from sectorwatch.simulator.positions import Positions

__all__ = ["Observers"]

_DAY_S = 86_400
_DAYS_KEPT = 4
_SUPERVISOR = 11
_TUNED_SHARE = 0.25
"""Those who listen to a channel: of 8 observers in the real transceivers feed 4 had one."""
_HEIGHT_M = 100.0
_FIRST_MEMBER = 280_000


class _Day(NamedTuple):
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]
    stations: dict[int, Station]


class Observers:
    """Observers of a network, `online` at once in the mean, drawn day by day like shifts."""

    def __init__(
        self, numbers: Controlling, positions: Positions, *, seed: int, online: float
    ) -> None:
        self._numbers = numbers
        self._positions = positions
        self._seed = seed
        mean_s = 60 * numbers.observing_median_min * np.exp(numbers.observing_sigma**2 / 2)
        self._a_day = online * _DAY_S / mean_s
        self._days: OrderedDict[int, _Day] = OrderedDict()

    def at(self, time_s: int, taken: set[str]) -> tuple[list[Station], int]:
        """Who observes at `time_s`, and when that changes; callsigns are none of `taken`."""
        found: list[Station] = []
        change_s = (time_s // _DAY_S + 1) * _DAY_S
        for day in (time_s // _DAY_S - 1, time_s // _DAY_S):
            drawn = self._of(day)
            edges = np.concatenate([drawn.start_s, drawn.end_s])
            change_s = int(min([change_s, *edges[edges > time_s].tolist()]))
            for number in np.flatnonzero((drawn.start_s <= time_s) & (time_s < drawn.end_s)):
                station = drawn.stations.get(int(number))
                if station is None:
                    station = self._station(day, int(number), drawn)
                    drawn.stations[int(number)] = station
                if station.callsign not in taken:
                    taken.add(station.callsign)
                    found.append(station)
        return found, change_s

    def _of(self, day: int) -> _Day:
        found = self._days.get(day)
        if found is not None:
            return found
        rng = np.random.Generator(np.random.Philox(key=[(self._seed + 1) % 2**64, day % 2**64]))
        numbers, count = self._numbers, int(rng.poisson(self._a_day))
        start_s = np.sort(rng.integers(0, _DAY_S, count)) + day * _DAY_S
        minutes = numbers.observing_median_min * np.exp(
            numbers.observing_sigma * rng.standard_normal(count)
        )
        # None is longer than a day, so two days hold all that can be online.
        length_s = np.clip(minutes * 60, 60, _DAY_S - 1).astype(np.int64)
        found = self._days[day] = _Day(start_s, start_s + length_s, {})
        if len(self._days) > _DAYS_KEPT:
            self._days.popitem(last=False)
        return found

    def _station(self, day: int, number: int, drawn: _Day) -> Station:
        seed = self._seed
        session = key_of(f"observer {day} {number}")
        cid = controller_cid(_FIRST_MEMBER + 2 * number + day % 2)
        callsign = observer_callsign(seed, self._numbers, session)
        near = int(lot(seed, "near", session) * len(self._positions))
        tuned = lot(seed, "listens", session) < _TUNED_SHARE
        height = np.array([_HEIGHT_M])
        return Station(
            session=session,
            position=-1,
            callsign=callsign,
            channel_khz=int(self._positions.channel_khz[near]) if tuned else 0,
            facility=0,
            rating=_SUPERVISOR if callsign.endswith("SUP") else rating_of(seed, cid, 0),
            cid=cid,
            name=controller_name(seed, cid),
            server=server_of(seed, cid),
            visual_range=visual_range_of(seed, session, 0),
            logon_s=int(drawn.start_s[number]),
            active_s=int(drawn.start_s[number]),
            until_s=int(drawn.end_s[number]),
            text_atis=None,
            masts=Masts(
                self._positions.latitude[near : near + 1],
                self._positions.longitude[near : near + 1],
                height,
                height,
            ),
        )
