"""The control room: who controls what at any moment, for any airspace.

Controllers come for a shift and go; a position further back in sectors' lists works them all while
it is alone (bandbox), and gives them up as others open (split). A member who goes may be relieved
by another on the same position, with both online for a while or nobody for a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sectorwatch.simulator.atis import AtisDesk
from sectorwatch.simulator.chance import key_of, lot
from sectorwatch.simulator.channels import HF_KHZ
from sectorwatch.simulator.controlling import Controlling
from sectorwatch.simulator.masts import Masts, joined, sector_masts, tower_mast
from sectorwatch.simulator.observing import Observers
from sectorwatch.simulator.people import (
    controller_cid,
    controller_name,
    rating_of,
    server_of,
    text_of,
    visual_range_of,
)
from sectorwatch.simulator.positions import aerodromes_of, positions
from sectorwatch.simulator.shifts import VARIANTS, Shifts
from sectorwatch.simulator.stations import Station

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.airspace import Airspace
    from sectorwatch.simulator.positions import AerodromesLike, Positions
    from sectorwatch.simulator.shifts import DayShifts

__all__ = ["ControlRoom", "Staffing"]

Seconds = NDArray[np.int64]

_FSS = 1


@dataclass(frozen=True, slots=True, eq=False)
class Staffing:
    """Who is online to control; the same object is given while nothing changes.

    `controllers` holds observers too, as the feed does. `worked_by` has for each position the index
    of the controller who works it, -1 where nobody does. It holds until `until_s`.
    """

    since_s: int
    until_s: int
    controllers: tuple[Station, ...]
    atis: tuple[Station, ...]
    worked_by: NDArray[np.int32]


class _Online(NamedTuple):
    shift: DayShifts
    row: int
    callsign: str


class ControlRoom:
    """Who controls what, at any moment: `at(time_s)`.

    `aerodromes` are the network's airports (without, those that positions are named after), of
    which `weights` says how busy each is. `stations` are online at once in the mean over a week;
    without, a quarter of what can be worked by its own name, at most 75. `pilot_near(time_s, u)`
    gives number and name of one who flies about then, for those who do both at once. Begins
    nowhere and ends nowhere: the same seed gives the same staffing at a moment, whatever was asked
    before.
    """

    def __init__(
        self,
        airspace: Airspace,
        *,
        seed: int,
        aerodromes: AerodromesLike | None = None,
        weights: NDArray[np.float64] | None = None,
        stations: float | None = None,
        numbers: Controlling | None = None,
        pilot_near: Callable[[int, float], tuple[int, str] | None] | None = None,
    ) -> None:
        self.airspace = airspace
        self.seed = seed
        self.numbers = numbers or Controlling()
        self.aerodromes: AerodromesLike = aerodromes or aerodromes_of(airspace)
        self.positions: Positions = positions(airspace, self.aerodromes, weights, seed=seed)
        if stations is None:
            stations = min(75.0, 0.25 * len(self.positions))
        self._shifts = Shifts(self.positions, self.numbers, seed=seed, stations=stations)
        self._atis = AtisDesk(self.numbers, seed=seed)
        self._observers = Observers(
            self.numbers,
            self.positions,
            seed=seed,
            online=stations * self.numbers.observers_per_station,
        )
        self._callsigns = frozenset(self.positions.callsign)
        self._pilot_near = pilot_near
        self._masts: dict[int, Masts] = {}
        self._stations: dict[tuple[int, tuple[int, ...]], Station] = {}
        self._last: Staffing | None = None

    def at(self, time_s: int) -> Staffing:
        """Who is online at `time_s`, and who works which position then."""
        last = self._last
        if last is not None and last.since_s <= time_s < last.until_s:
            return last
        self._last = self._staffing(time_s)
        return self._last

    def workers(self, working: NDArray[np.bool_]) -> NDArray[np.int32]:
        """For each sector the position that works it where these do, shape (sectors,), or -1.

        `working` has shape (positions,): the first of the sector's list of which it is true.
        """
        lists = self.positions.lists
        there = (lists >= 0) & working[lists]
        first = there.argmax(axis=1)
        rows = np.arange(len(lists))
        return np.where(there[rows, first], lists[rows, first], -1).astype(np.int32)

    def _staffing(self, time_s: int) -> Staffing:
        online: list[_Online] = []
        changes = [time_s + 3_600]
        taken: set[str] = set()
        worked_by = np.full(len(self.positions), -1, dtype=np.int32)
        begun = np.full(len(self.positions), -1, dtype=np.int64)
        for shift in self._shifts.near(time_s):
            edges = (shift.start_s, shift.active_s, shift.until_s, shift.end_s)
            later = np.concatenate([edge[edge > time_s] for edge in edges])
            if len(later):
                changes.append(int(later.min()))
            # Whoever came first keeps the callsign, so it never changes while they are online.
            there = np.flatnonzero((shift.start_s <= time_s) & (time_s < shift.end_s))
            for row in there[np.argsort(shift.start_s[there], kind="stable")].tolist():
                callsign = self._callsign(shift, row, taken)
                taken.add(callsign)
                position = int(shift.position[row])
                works = shift.active_s[row] <= time_s < shift.until_s[row]
                if works and shift.active_s[row] > begun[position]:
                    worked_by[position], begun[position] = len(online), shift.active_s[row]
                online.append(_Online(shift, row, callsign))
        sectors = self._sectors_of(worked_by)
        controllers = [
            self._station(each, sectors.get(number, ())) for number, each in enumerate(online)
        ]
        atis, atis_change_s = self._atis.at(controllers, time_s)
        observers, observer_change_s = self._observers.at(time_s, taken)
        return Staffing(
            since_s=time_s,
            until_s=min(*changes, atis_change_s, observer_change_s),
            controllers=(*controllers, *observers),
            atis=tuple(atis),
            worked_by=worked_by,
        )

    def _sectors_of(self, worked_by: NDArray[np.int32]) -> dict[int, tuple[int, ...]]:
        """The sectors that each of those who work a position has, by index of the controller."""
        position = self.workers(worked_by >= 0)
        found: dict[int, list[int]] = {}
        for sector in np.flatnonzero(position >= 0).tolist():
            found.setdefault(int(worked_by[position[sector]]), []).append(sector)
        return {number: tuple(sectors) for number, sectors in found.items()}

    def _callsign(self, shift: DayShifts, row: int, taken: set[str]) -> str:
        """The position's callsign with what stands between, one that nobody else has."""
        own = self.positions.callsign[shift.position[row]]
        prefix, _, suffix = own.rpartition("_")
        variant = VARIANTS[shift.variant[row]]
        for middle in (variant, "_2", "_3"):
            callsign = f"{prefix}{middle}_{suffix}"
            if callsign not in taken and (not middle or callsign not in self._callsigns):
                return callsign
        return f"{prefix}_4_{suffix}"

    def _station(self, online: _Online, sectors: tuple[int, ...]) -> Station:
        shift, row, callsign = online
        position, start_s = int(shift.position[row]), int(shift.start_s[row])
        session = key_of(f"{self.positions.callsign[position]} {start_s}")
        key = (session, sectors)
        found = self._stations.get(key)
        if found is not None and found.callsign == callsign:
            return found
        if len(self._stations) > 4 * len(self.positions) + 1_000:
            self._stations.clear()
        seed, numbers = self.seed, self.numbers
        facility = int(self.positions.facility[position])
        place = int(self.positions.key[position])
        member = controller_cid(int(shift.member[row]))
        cid, name = self._also_flies(session, start_s) or (member, controller_name(seed, member))
        khz = int(self.positions.channel_khz[position])
        frequency = f"{khz // 1_000}.{khz % 1_000:03d}"
        student = VARIANTS[shift.variant[row]] == "_T"
        rating = rating_of(seed, member, facility)
        second = 0
        if lot(seed, "cross-coupled", session) < numbers.cross_coupled:
            second = self._neighbouring_khz(position, sectors)
        made = Station(
            session=session,
            position=position,
            callsign=callsign,
            channel_khz=khz,
            facility=facility,
            # Students work a position under the rating below it.
            rating=max(2, rating - 1) if student else rating,
            cid=cid,
            name=name,
            server=server_of(seed, cid),
            visual_range=visual_range_of(seed, place, facility),
            logon_s=start_s,
            active_s=int(shift.active_s[row]),
            until_s=int(shift.until_s[row]),
            text_atis=text_of(seed, numbers, session, callsign, frequency, name),
            masts=self._masts_of(position, sectors),
            sectors=sectors,
            second_khz=second,
            hf_khz=HF_KHZ[place % len(HF_KHZ)] if facility == _FSS else 0,
            is_relieved=bool(shift.is_relieved[row]),
            is_announced=lot(seed, "announced", session) < numbers.announced_share,
        )
        self._stations[key] = made
        return made

    def _also_flies(self, session: int, start_s: int) -> tuple[int, str] | None:
        """Number and name of a pilot, where it is one who controls as well; mostly None."""
        if self._pilot_near is None:
            return None
        if lot(self.seed, "also flies", session) >= self.numbers.also_pilot_share:
            return None
        return self._pilot_near(start_s, lot(self.seed, "which pilot", session))

    def _neighbouring_khz(self, position: int, sectors: Sequence[int]) -> int:
        """The channel of somebody whose sectors they cover; 0 where they cover nobody."""
        for sector in sectors:
            first = int(self.positions.lists[sector, 0])
            if first != position:
                return int(self.positions.channel_khz[first])
        return 0

    def _masts_of(self, position: int, sectors: tuple[int, ...]) -> Masts:
        home = int(self.positions.home[position])
        if home >= 0:
            aerodromes = self.aerodromes
            return tower_mast(
                self.seed,
                int(self.positions.key[position]),
                float(aerodromes.latitude[home]),
                float(aerodromes.longitude[home]),
                float(aerodromes.elevation_ft[home]),
            )
        if not sectors:
            # Nobody left them anything to work: their own antennas stand there all the same.
            rows = np.flatnonzero((self.positions.lists == position).any(axis=1))[:1]
            sectors = tuple(rows.tolist())
        return joined([self._sector_masts(sector) for sector in sectors])

    def _sector_masts(self, sector: int) -> Masts:
        if sector not in self._masts:
            self._masts[sector] = sector_masts(
                self.seed, self.airspace.sectors[sector], self.aerodromes
            )
        return self._masts[sector]
