"""Which record is which flight: attendance from snapshot to snapshot, and the flights' rows."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import repeat
from operator import attrgetter, is_not
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.feed.plans import decode_plan
from sectorwatch.traffic.identity import may_continue, new_departure_filed, reach_nm
from sectorwatch.traffic.ids import flight_id
from sectorwatch.traffic.present import pressure_mb, squawk_number
from sectorwatch.traffic.rotorcraft import is_helicopter
from sectorwatch.traffic.table import NEVER_S
from sectorwatch.traffic.tick import Flight, PlanRevision

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.records import FlightPlan, Pilot, Snapshot
    from sectorwatch.traffic.rules import Rules
    from sectorwatch.traffic.table import FlightTable, Key

__all__ = ["Attendance", "Roster", "Step"]

_KEY = attrgetter("cid", "callsign")
_CID = attrgetter("cid")
_SECOND_US = 1_000_000
_TO_THE_SECOND = len("2023-03-12T17:24:18")


@dataclass(frozen=True, slots=True)
class Step:
    """From the snapshot before to this one; `last_s` is None for the first of all."""

    time_us: int
    received_at_us: int
    last_s: int | None
    length_us: int
    gap: bool

    @classmethod
    def to(
        cls, time_us: int, *, before_us: int | None, received_at_us: int, gap_after_s: int
    ) -> Step:
        """The step to the snapshot of `time_us` from that of `before_us`, None where none was."""
        last_s = None if before_us is None else before_us // _SECOND_US
        # In whole seconds, as everything is kept: feeds every 5 min are some milliseconds early
        # and late, and no gap.
        length_s = 0 if last_s is None else time_us // _SECOND_US - last_s
        return cls(
            time_us=time_us,
            received_at_us=received_at_us,
            last_s=last_s,
            length_us=0 if before_us is None else time_us - before_us,
            gap=length_s > gap_after_s,
        )

    @property
    def time_s(self) -> int:
        """The snapshot's time in whole seconds."""
        return self.time_us // _SECOND_US


@dataclass(slots=True)
class Attendance:
    """Who is in `snapshot`: `slot` of shape (n,) in its order, -1 for pairs we do not know.

    `gone` are the slots of those who were in the last one and are not in this. The others are
    indices of records: `changed` of those that are not as they were, `back` of flights that were
    absent or have logged on anew, `other` of those among them that are another flight.
    """

    snapshot: Snapshot
    slot: NDArray[np.intp]
    gone: NDArray[np.intp]
    changed: list[int]
    back: list[int]
    other: list[int] = field(default_factory=list)


class Roster:
    """Keeps flights by the rules; rows that changed are collected until they are taken."""

    def __init__(self, table: FlightTable, rules: Rules) -> None:
        self._table = table
        self._rules = rules
        self._changed: dict[int, Flight] = {}
        self._plans: dict[int, PlanRevision] = {}
        # Flights that were under way before the first snapshot, until that has been taken.
        self._expected: dict[Key, Flight] = {}

    def expect(self, flights: Iterable[Flight]) -> None:
        """Have those of `flights` go on that the first snapshot has; of two the later one."""
        for flight in sorted(flights, key=attrgetter("first_seen_s")):
            self._expected[flight.cid, flight.callsign] = flight

    def attend(self, snapshot: Snapshot, step: Step) -> Attendance:
        """Find the flights of a snapshot's records; changes nothing but how long who was absent."""
        table, pilots = self._table, snapshot.pilots
        slot, changed = self._find(pilots)
        known = slot[slot >= 0]
        now = np.zeros(table.capacity, dtype=bool)
        now[known] = True
        strangers = [_KEY(pilots[at]) for at in changed if slot[at] < 0]
        if np.count_nonzero(now) < known.size or len(set(strangers)) < len(strangers):
            # Decoding leaves one record a member and callsign; this is for whoever decodes not.
            return self.attend(_without_duplicates(snapshot), step)
        gone = np.flatnonzero(table.present & ~now)
        if not step.gap:
            table.absent_us[table.taken & ~(table.present & now)] += step.length_us
        back = ~table.present[slot] & (slot >= 0)
        for at in changed:
            record = table.records[slot[at]] if slot[at] >= 0 else None
            if record is not None and record.logon_time != pilots[at].logon_time:
                back[at] = True
        attendance = Attendance(snapshot, slot, gone, changed, np.flatnonzero(back).tolist())
        attendance.other = [
            at for at in attendance.back if not self._continues(snapshot, at, int(slot[at]), step)
        ]
        return attendance

    def _find(self, pilots: Sequence[Pilot]) -> tuple[NDArray[np.intp], list[int]]:
        """(slot of each record, -1 for pairs we do not know; which are not as they were)."""
        table = self._table
        # Most records are, to the last field, what they were: then the member is enough to find
        # the flight, and one comparison tells that nothing is to be done. Decoding mostly hands
        # out the very same value again.
        likely = list(map(table.slot_of_cid.get, map(_CID, pilots), repeat(-1)))
        others = map(is_not, pilots, map(table.records.__getitem__, likely))
        maybe: list[int] = np.flatnonzero(np.fromiter(others, bool, len(pilots))).tolist()
        changed = [at for at in maybe if pilots[at] != table.records[likely[at]]]
        slot = np.array(likely, dtype=np.intp)
        for at in changed:
            slot[at] = table.slot_of.get(_KEY(pilots[at]), -1)
        return slot, changed

    def admit(self, attendance: Attendance, step: Step) -> None:
        """End who is gone, go on with who is back, begin who is new; fills `attendance.slot`."""
        table, snapshot = self._table, attendance.snapshot
        for slot in attendance.gone.tolist():
            self._end(slot)
            table.present[slot] = False
        other = set(attendance.other)
        for at in attendance.back:
            slot = int(attendance.slot[at])
            if at in other:
                self._begin(snapshot, at, slot, step)
            else:
                self._go_on(snapshot.pilots[at], slot)
        for at in np.flatnonzero(attendance.slot < 0).tolist():
            pilot = snapshot.pilots[at]
            slot = table.take((pilot.cid, pilot.callsign))
            attendance.slot[at] = slot
            self._begin(snapshot, at, slot, step)
        for at in {*attendance.changed, *attendance.back}:
            self._note(snapshot.pilots[at], int(attendance.slot[at]))
        slots = attendance.slot
        table.present[slots] = True
        table.last_seen_s[slots] = step.time_s
        table.absent_us[slots] = 0
        self._expected = {}
        limit_us = self._rules.reconnect_within_s * _SECOND_US
        for slot in np.flatnonzero(table.taken & (table.absent_us > limit_us)).tolist():
            table.release(slot)

    def take_plans(self, attendance: Attendance, step: Step) -> None:
        """Take over plans that changed; a new departure filed after a landing begins a flight.

        A plan that vanished from the feed is kept: it is the last one known.
        """
        for at in attendance.changed:
            slot, raw = int(attendance.slot[at]), attendance.snapshot.pilots[at].flight_plan
            if raw and raw != self._table.raw_plan[slot]:
                self._take_plan(slot, raw, step)

    def put(self, slot: int, flight: Flight) -> None:
        """A changed flight: its row will be in the next ones taken."""
        self._table.flights[slot] = flight
        self._changed[flight.flight_id] = flight

    def rows(self) -> tuple[list[Flight], list[PlanRevision]]:
        """The rows that changed since this was last asked, by flight."""
        flights = sorted(self._changed.values(), key=attrgetter("flight_id"))
        plans = sorted(self._plans.values(), key=attrgetter("flight_id"))
        self._changed, self._plans = {}, {}
        return flights, plans

    def _note(self, pilot: Pilot, slot: int) -> None:
        """Take over what a record says beside the position and the plan."""
        table = self._table
        table.records[slot] = pilot
        table.transponder[slot] = squawk_number(pilot.transponder)
        table.qnh_mb[slot] = pressure_mb(pilot.qnh_mb)
        table.has_plan[slot] = bool(pilot.flight_plan)

    def _continues(self, snapshot: Snapshot, at: int, slot: int, step: Step) -> bool:
        table, columns, rules = self._table, snapshot.columns, self._rules
        before_s, now_s = int(table.time_s[slot]), int(columns.time_s[at])
        # A position that is no news says nothing about where the flight has come.
        reachable = now_s <= before_s
        if not reachable:
            way_nm = distance_nm(
                table.latitude[slot],
                table.longitude[slot],
                columns.latitude[at],
                columns.longitude[at],
            )
            speed_kt = max(int(table.groundspeed_kt[slot]), int(columns.groundspeed_kt[at]))
            reachable = bool(way_nm <= reach_nm(now_s - before_s, speed_kt, rules))
        before = table.records[slot]
        return may_continue(
            same_logon=before is not None and before.logon_time == snapshot.pilots[at].logon_time,
            absent_s=int(table.absent_us[slot]) / _SECOND_US,
            elapsed_s=step.time_s - int(table.last_seen_s[slot]),
            reachable=reachable,
            rules=rules,
        )

    def _begin(self, snapshot: Snapshot, at: int, slot: int, step: Step) -> None:
        """Begin a flight with this record, in a slot that another may have had until now."""
        table, pilot = self._table, snapshot.pilots[at]
        before = table.flights[slot]
        expected = self._expected.get((pilot.cid, pilot.callsign))
        logon_s = _whole_s(pilot.logon_time)
        # One that has logged on later than now has come back since.
        if expected is not None and (
            expected.logon_time_s == logon_s or expected.logon_time_s > step.time_s
        ):
            now = msgspec.structs.replace(expected, logon_time_s=logon_s, ended_s=None)
            self._write(slot, now)
            if pilot.flight_plan:
                self._file(slot, pilot.flight_plan, decode_plan(pilot.flight_plan), step)
            return
        # A position can be ancient; a flight that came up now was not there then.
        first_seen_s = max(
            int(snapshot.columns.time_s[at]), step.time_s - self._rules.reconnect_within_s
        )
        if before is not None:
            if before.ended_s is None:
                self._end(slot)
            first_seen_s = max(first_seen_s, before.first_seen_s + 1)
            table.clear(slot)
            table.taken[slot] = True
        self._write(
            slot,
            Flight(
                flight_id=flight_id(pilot.cid, pilot.callsign, first_seen_s),
                cid=pilot.cid,
                callsign=pilot.callsign,
                first_seen_s=first_seen_s,
                logon_time_s=_whole_s(pilot.logon_time),
                server=pilot.server,
                pilot_rating=pilot.pilot_rating,
                plan=None,
            ),
        )
        if pilot.flight_plan:
            self._file(slot, pilot.flight_plan, decode_plan(pilot.flight_plan), step)

    def _write(self, slot: int, flight: Flight) -> None:
        """Put a flight that begins into its slot; of its plan nothing is known yet."""
        table = self._table
        table.flight_id[slot] = flight.flight_id
        table.raw_plan[slot] = b""
        table.plan_since_s[slot] = NEVER_S
        table.helicopter[slot] = False
        self.put(slot, flight)

    def _go_on(self, pilot: Pilot, slot: int) -> None:
        flight = self._table.flight(slot)
        before = self._table.records[slot]
        same_logon = before is not None and before.logon_time == pilot.logon_time
        now = msgspec.structs.replace(
            flight,
            logon_time_s=_whole_s(pilot.logon_time),
            server=pilot.server,
            pilot_rating=pilot.pilot_rating,
            ended_s=None,
            reconnects=flight.reconnects + (not same_logon),
        )
        self.put(slot, now)

    def _end(self, slot: int) -> None:
        """Say that a flight is over, at its last position."""
        flight = self._table.flight(slot)
        last_s = max(int(self._table.time_s[slot]), flight.first_seen_s)
        self.put(slot, msgspec.structs.replace(flight, ended_s=last_s))

    def _file(self, slot: int, raw: bytes, plan: FlightPlan, step: Step) -> None:
        table = self._table
        flight = table.flight(slot)
        table.raw_plan[slot] = raw
        table.helicopter[slot] = is_helicopter(plan)
        if plan == flight.plan:
            return
        # Known from the first whole second on at which it had been received.
        table.plan_since_s[slot] = -(-step.received_at_us // _SECOND_US)
        self.put(slot, msgspec.structs.replace(flight, plan=plan))
        self._plans[flight.flight_id] = PlanRevision(
            flight.flight_id, step.received_at_us, step.time_us, plan
        )

    def _take_plan(self, slot: int, raw: bytes, step: Step) -> None:
        table = self._table
        flight, plan = table.flight(slot), decode_plan(raw)
        landed = flight.arrived_s is not None and not table.airborne[slot]
        if landed and new_departure_filed(flight.plan, plan, flight.arrived_at):
            self._end(slot)
            # The position is the flight's that has ended; the new one begins a second later, so
            # that none has it twice.
            first_seen_s = int(table.time_s[slot]) + 1
            self._write(
                slot,
                Flight(
                    flight_id=flight_id(flight.cid, flight.callsign, first_seen_s),
                    cid=flight.cid,
                    callsign=flight.callsign,
                    first_seen_s=first_seen_s,
                    logon_time_s=flight.logon_time_s,
                    server=flight.server,
                    pilot_rating=flight.pilot_rating,
                    plan=None,
                ),
            )
        self._file(slot, raw, plan, step)


def _whole_s(text: str) -> int:
    """A logon time such as `2023-03-12T17:24:18.67Z` in whole seconds, 0 where it is no time."""
    try:
        moment = datetime.fromisoformat(text[:_TO_THE_SECOND])
    except ValueError:
        return 0
    return int(moment.replace(tzinfo=UTC).timestamp())


def _without_duplicates(snapshot: Snapshot) -> Snapshot:
    """The snapshot with one record a member and callsign, the first of them."""
    first: dict[tuple[int, str], int] = {}
    for at, pilot in enumerate(snapshot.pilots):
        first.setdefault(_KEY(pilot), at)
    keep = list(first.values())
    columns = {
        each.name: getattr(snapshot.columns, each.name)[keep] for each in fields(snapshot.columns)
    }
    return replace(
        snapshot,
        pilots=[snapshot.pilots[at] for at in keep],
        columns=replace(snapshot.columns, **columns),
    )
