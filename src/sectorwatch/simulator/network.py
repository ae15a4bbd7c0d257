"""The made network: what it would answer at any moment, from a schedule and a seed.

Flights come into view block by block and leave it when they are over, so that a schedule of months
costs no more than the day around now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from sectorwatch.simulator.behaviour import Behaviour
from sectorwatch.simulator.control import ControlRoom
from sectorwatch.simulator.controlling import Controlling
from sectorwatch.simulator.draws import Draws
from sectorwatch.simulator.encode import Encoder
from sectorwatch.simulator.members import (
    LONGEST_DELAY_S,
    NEVER,
    OVERNIGHT_S,
    members_of,
    nobody,
)
from sectorwatch.simulator.motion import Movements, flights_of
from sectorwatch.simulator.names import callsigns, name_of
from sectorwatch.simulator.outages import Outages
from sectorwatch.simulator.radios import Radios
from sectorwatch.simulator.records import TICKS_A_SECOND, Radio, Transceivers
from sectorwatch.simulator.stations_feed import StationsFeed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from msgspec import Raw
    from numpy.typing import NDArray

    from sectorwatch.airspace import Airspace
    from sectorwatch.simulator.members import Members
    from sectorwatch.simulator.motion import PilotStates
    from sectorwatch.simulator.radios import Contact
    from sectorwatch.simulator.records import PilotRecord
    from sectorwatch.simulator.schedule import Schedule, ScheduleAirports

__all__ = ["Network", "Present", "Timetable"]

_BLOCK_S = 6 * 3_600
_UNICOM_HZ = 122_800_000
_AIRBORNE_SHARE = 0.67
"""Of those online. The real feeds."""
_FEWEST_STATIONS = 6.0
_FEET_A_METRE = 0.3048


class Timetable(Protocol):
    """Flights by when they take off: a `Schedule`, or one that is made as it goes on."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def airports(self) -> ScheduleAirports:
        """All airports that it ever uses."""

    def taking_off(self, start_s: int, end_s: int) -> Schedule:
        """The flights that take off at `start_s` <= t < `end_s`."""

    def airport_weights(self) -> NDArray[np.float64]:
        """How much is flown at each airport, shape (airports,); only ratios count."""

    def mean_airborne(self) -> float:
        """How many are in the air in the mean."""


class Present(NamedTuple):
    """A moment of the network: who is where, `pilots` in the order of `states`, and who has filed.

    A pilot's record stays the same object while nothing but numbers that move changes; those
    numbers are not in it. `ticks` is the feed's time, in ten-millionths of a second.
    """

    states: PilotStates
    pilots: Sequence[PilotRecord]
    prefiles: Sequence[Raw]
    ticks: int


class Network:
    """A made network between `start_s` and `end_s` (None: it goes on).

    Asked in ascending order of time, by one thread. Over an `airspace` it has controllers, of whom
    `stations` are online in the mean (without, as many for so many pilots as the real network has,
    six at least), and staged handovers; without airspace everybody is on UNICOM. The same
    timetable, airspace, behaviour and seed give the same pilots, controllers and prefiles at the
    same moment, whenever it began and whatever was asked before; who is on which channel does so
    once the handovers under way when it began are over. `truth` only grows: one that goes on for
    weeks is made with `keep_truth=False`.
    """

    def __init__(
        self,
        timetable: Timetable,
        airspace: Airspace | None = None,
        *,
        behaviour: Behaviour | None = None,
        seed: int = 1,
        start_s: int,
        end_s: int | None = None,
        stations: float | None = None,
        keep_truth: bool = True,
    ) -> None:
        self.timetable = timetable
        self.airspace = airspace
        self.behaviour = behaviour or Behaviour()
        self.seed = seed
        self.start_s = start_s
        self.end_s = end_s
        self.airports = timetable.airports
        self._draws = Draws(seed)
        self._outages = Outages(self._draws, self.behaviour)
        self._encoder = Encoder(self.airports, self._draws, self.behaviour)
        self._movements: Movements | None = None
        self._loaded: tuple[int, int] | None = None
        early_s, late_s = _reach_s(self.behaviour)
        self._before_s, self._after_s = late_s, early_s
        self._states: tuple[PilotStates, NDArray[np.int64]] | None = None
        self.room: ControlRoom | None = None
        if airspace is not None:
            self.room = ControlRoom(
                airspace,
                seed=seed,
                aerodromes=self.airports,
                weights=timetable.airport_weights(),
                stations=self._usual_stations() if stations is None else stations,
                pilot_near=self._pilot_near,
            )
            self._radios = Radios(self.room, keep_truth=keep_truth)
            self._stations = StationsFeed()

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"a network that flies {self.timetable.name}"

    def states(self, time_s: int) -> PilotStates:
        """Where everybody who is online is."""
        return self._at(time_s)[0]

    def feed(self, time_s: int) -> bytes:
        """The v3 data feed of that moment."""
        states, logon_s = self._at(time_s)
        if self.room is None:
            return self._encoder.feed(time_s, states, logon_s)
        staffing = self.room.at(time_s)
        self._radios.stage(time_s, states, staffing)
        controllers, atis = self._stations.records(staffing, time_s)
        return self._encoder.feed(time_s, states, logon_s, controllers=controllers, atis=atis)

    def present(self, time_s: int) -> Present:
        """What a feed of that moment would be made of, but for controllers; nothing is encoded."""
        states, logon_s = self._at(time_s)
        encoder = self._encoder
        return Present(
            states=states,
            pilots=encoder.standing(time_s, states, logon_s),
            prefiles=encoder.prefiled(time_s),
            ticks=time_s * TICKS_A_SECOND + encoder.fraction(time_s),
        )

    def transceivers(self, time_s: int) -> bytes:
        """The transceivers feed of that moment."""
        states = self.states(time_s)
        if self.room is None:
            return self._encoder.transceivers(_on_unicom(states))
        staffing = self.room.at(time_s)
        radios = self._radios.tune(time_s, states, staffing)
        return self._encoder.transceivers(
            self._stations.stations(staffing, radios, states.callsign)
        )

    @property
    def truth(self) -> list[Contact]:
        """Who was in contact with whom, as it was staged: the contacts that are over."""
        return [] if self.room is None else self._radios.truth

    def truth_until(self, time_s: int) -> list[Contact]:
        """The same with those that go on, as if they ended at `time_s`."""
        return [] if self.room is None else self._radios.truth_until(time_s)

    def movements(self, time_s: int) -> Movements:
        """The tables of everybody who may be online, or prefiled, at that moment."""
        first = (time_s - self._before_s) // _BLOCK_S
        last = (time_s + self._after_s) // _BLOCK_S
        if self._movements is None or self._loaded != (first, last):
            have = range(first, first) if self._loaded is None else range(*self._loaded_range())
            parts, kept = [], []
            if self._movements is not None:
                parts.append(self._movements)
                kept.append(~_is_over(self._movements, time_s))
            for block in range(first, last + 1):
                if block not in have:
                    for part in self._block(block):
                        parts.append(part)
                        kept.append(~_is_over(part, time_s))
            if not parts:
                parts, kept = [self._made(nobody())], [np.zeros(0, dtype=np.bool_)]
            self._movements = Movements.together(parts, kept)
            _make_unique(self._movements)
            self._loaded = first, last
        self._encoder.look_at(self._movements)
        return self._movements

    def _pilot_near(self, time_s: int, u: float) -> tuple[int, str] | None:
        """Number and name of somebody who takes off within the hour, None where nobody does."""
        schedule = self.timetable.taking_off(time_s, time_s + 3_600)
        if not len(schedule):
            return None
        members = members_of(
            schedule.rows(np.array([int(u * len(schedule))])), self._draws, self.behaviour
        )[0]
        cid, home = int(members.cid[0]), self.airports.icao[int(members.origin[0])]
        return cid, name_of(cid, home, self._draws, self.behaviour)

    def _usual_stations(self) -> float:
        pilots = self.timetable.mean_airborne() / _AIRBORNE_SHARE
        return max(_FEWEST_STATIONS, pilots * Controlling().stations_per_pilot)

    def _loaded_range(self) -> tuple[int, int]:
        assert self._loaded is not None  # noqa: S101 - asked only where something is loaded
        return self._loaded[0], self._loaded[1] + 1

    def _at(self, time_s: int) -> tuple[PilotStates, NDArray[np.int64]]:
        if self._states is None or self._states[0].time_s != time_s:
            movements = self.movements(time_s)
            members = movements.members
            online = movements.online(time_s)
            back_s = self._outages.back_s(members, time_s)
            if back_s is not None:
                online &= back_s <= time_s
            rows = np.flatnonzero(online)
            logon_s = members.logon_s[rows]
            gap_to_s = members.gap_to_s[rows]
            logon_s = np.where(gap_to_s <= time_s, gap_to_s, logon_s)
            if back_s is not None:
                logon_s = np.maximum(logon_s, back_s[rows])
            fraction_s = self._encoder.fraction(time_s) / TICKS_A_SECOND
            self._states = movements.at(time_s, rows, fraction_s=fraction_s), logon_s
        return self._states

    def _block(self, number: int) -> Iterator[Movements]:
        start_s = number * _BLOCK_S
        schedule = self.timetable.taking_off(start_s, start_s + _BLOCK_S)
        if not len(schedule):
            return
        for made in members_of(schedule, self._draws, self.behaviour):
            members = self._outages.with_quitters(
                made, start_s - self._after_s, start_s + _BLOCK_S + self._before_s
            )
            yield self._made(members)

    def _made(self, members: Members) -> Movements:
        flights = flights_of(members, self.airports, self._draws, self.behaviour)
        names = callsigns(members, flights.type, self.airports, self._draws, self.behaviour)
        return Movements(members, flights, names, self._draws, self.behaviour)


def _reach_s(behaviour: Behaviour) -> tuple[int, int]:
    """How long before its take-off, and after it, a session can be seen at most."""
    gate_s = 60 * max(table[-1] for table in behaviour.gate_min)
    notice_min = max(table[-1] for table in behaviour.prefile_notice_min)
    lead_s = 60 * max(behaviour.prefile_lead_min[-1], notice_min)
    after_s = 60 * max(table[-1] for table in behaviour.after_min)
    stays_s = gate_s + 60 * behaviour.prefile_stays_min[-1]
    if behaviour.overnight_share:
        stays_s += OVERNIGHT_S
    return (
        round(gate_s + lead_s + LONGEST_DELAY_S + 3_600),
        round(max(86_400 + after_s, stays_s) + 3_600),
    )


def _is_over(movements: Movements, time_s: int) -> NDArray[np.bool_]:
    members = movements.members
    gone = (members.logoff_s <= time_s) | (members.logon_s == NEVER)
    return np.asarray(gone & ((members.prefile_to_s <= time_s) | (members.prefile_to_s == NEVER)))


def _make_unique(movements: Movements) -> None:
    """Give a callsign that somebody has already another letter, as its second bearer would."""
    seen: set[str] = set()
    for row, callsign in enumerate(movements.callsigns.tolist()):
        name = callsign
        while name in seen:
            name += "X"
        seen.add(name)
        if name is not callsign:
            movements.callsigns[row] = name


def _on_unicom(states: PilotStates) -> Iterator[Transceivers]:
    """Everybody on the common frequency: nobody controls here."""
    for callsign, lat, lon, altitude in zip(
        states.callsign,
        states.latitude.tolist(),
        states.longitude.tolist(),
        states.altitude_ft.tolist(),
        strict=True,
    ):
        height_m = altitude * _FEET_A_METRE
        yield Transceivers(callsign, [Radio(0, _UNICOM_HZ, lat, lon, height_m, max(height_m, 0.0))])
