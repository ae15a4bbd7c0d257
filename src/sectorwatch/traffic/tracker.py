"""The tracker: from snapshots in time order to flights, visits, movements, sessions and demand.

Pure: no clock, no I/O; what comes out depends on what went in alone. `docs/traffic.md` has the
definitions in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import TrackerStateError
from sectorwatch.traffic import present
from sectorwatch.traffic.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from sectorwatch.traffic.contacts import ContactLog
from sectorwatch.traffic.controllers import ControllerLog
from sectorwatch.traffic.known import Standing
from sectorwatch.traffic.minutes import due_minutes, last_final_s
from sectorwatch.traffic.motion import Motion
from sectorwatch.traffic.prefiles import PrefileLog
from sectorwatch.traffic.roster import Roster, Step
from sectorwatch.traffic.rules import Rules
from sectorwatch.traffic.table import FlightTable
from sectorwatch.traffic.tick import Gap, Tick
from sectorwatch.traffic.visits import VisitBook

if TYPE_CHECKING:
    from sectorwatch.feed.records import Snapshot, TransceiverSnapshot
    from sectorwatch.traffic.contract import Fields, Space
    from sectorwatch.traffic.known import Known
    from sectorwatch.traffic.tick import Demand

__all__ = ["Tracker"]


class Tracker:
    """Follows every flight through every sector of one airspace.

    `advance` takes one snapshot and gives what changed; `hear`, between two of them, who is tuned
    to what. `dump` gives all it has to remember, and `load` a tracker that goes on exactly as the
    dumped one would have. `known` is what was so before its first snapshot, where it begins in the
    middle of a history.
    """

    def __init__(
        self,
        airspace: Space,
        airports: Fields,
        rules: Rules | None = None,
        *,
        known: Known | None = None,
        _table: FlightTable | None = None,
    ) -> None:
        self._airspace = airspace
        self._rules = Rules() if rules is None else rules
        self._table = FlightTable() if _table is None else _table
        ids = [sector.sector_id for sector in airspace.sectors]
        self._visits = VisitBook(len(airspace.partitions), self._table.capacity, ids)
        self._roster = Roster(self._table, self._rules)
        self._motion = Motion(airspace, airports, self._rules, self._table, self._visits)
        self._controllers = ControllerLog(airspace, self._rules.reconnect_within_s)
        self._prefiles = PrefileLog()
        self._contacts = ContactLog(self._table.capacity, self._rules)
        self._known = known
        self._seq = 0
        self._time_us: int | None = None
        # The first minute that no tick has dealt with, and the first of all that were known.
        self._next_minute_s = 0
        self._first_minute_s = 0

    @property
    def rules(self) -> Rules:
        """The rules by which it judges."""
        return self._rules

    @property
    def seq(self) -> int:
        """How many ticks it has given."""
        return self._seq

    @property
    def time_us(self) -> int | None:
        """The time of the last snapshot it took, None before the first."""
        return self._time_us

    def advance(self, snapshot: Snapshot) -> Tick | None:
        """Take the next snapshot; None where its time is not later than the last one's."""
        if self._time_us is not None and snapshot.time_us <= self._time_us:
            return None
        step = Step.to(
            snapshot.time_us,
            before_us=self._time_us,
            received_at_us=snapshot.received_at_us,
            gap_after_s=self._rules.gap_after_s,
        )
        table, visits, motion = self._table, self._visits, self._motion
        if self._known is not None:
            self._expect(self._known, step.time_s)
        attendance = self._roster.attend(snapshot, step)
        snapshot = attendance.snapshot
        motion.lose(attendance.gone)
        motion.lose(attendance.slot[attendance.other])
        if step.gap:
            motion.lose(np.flatnonzero(table.tracked))
        self._roster.admit(attendance, step)
        slots = attendance.slot
        moved, movements = motion.move(slots, snapshot.columns, step.time_s, self._roster)
        motion.lose_silent(step.time_s)
        positions = present.new_positions(table, slots[moved])
        self._roster.take_plans(attendance, step)
        atc = [each for each in snapshot.controllers if each.is_atc]
        sessions, ownerships = self._controllers.advance(
            atc, step.time_s, step.last_s, gap=step.gap
        )
        self._contacts.attend(table, sessions, step)
        demand = self._demand(step)
        flights, plans = self._roster.rows()
        prefiles = self._prefiles.advance(snapshot.prefiles, step.time_s, snapshot.received_at_us)
        self._seq += 1
        self._time_us = snapshot.time_us
        last_s = step.last_s
        return Tick(
            seq=self._seq,
            time_us=snapshot.time_us,
            received_at_us=snapshot.received_at_us,
            positions=positions,
            flights=flights,
            plans=plans,
            prefiles=prefiles,
            visits=visits.rows(),
            movements=movements,
            sessions=sessions,
            ownerships=ownerships,
            contacts=self._contacts.rows(),
            demand=demand,
            final_minute_s=self._final_minute_s(step.time_s),
            gap=Gap(last_s, step.time_s) if step.gap and last_s is not None else None,
            network=present.network_counts(table, snapshot, slots, len(atc)),
            live=present.live(
                table,
                visits,
                self._controllers,
                self._contacts,
                snapshot,
                slots,
                atc,
                self._prefiles.rows,
            ),
            repaired=snapshot.repaired,
            dropped=snapshot.dropped,
        )

    def hear(self, transceivers: TransceiverSnapshot) -> bool:
        """Take who is tuned to what at the time of the last snapshot; the next tick tells of it.

        False where that changes nothing: heard before, or of another time than the last snapshot's.
        """
        if transceivers.time_us != self._time_us:
            return False
        return self._contacts.hear(transceivers, self._table, self._controllers.sessions)

    def dump(self) -> bytes:
        """All that has to be remembered, for `load`; never kept open to other versions."""
        return encode_checkpoint(
            Checkpoint(
                airspace=self._airspace.fingerprint,
                rules=self._rules.fingerprint,
                seq=self._seq,
                time_us=self._time_us,
                next_minute_s=self._next_minute_s,
                first_minute_s=self._first_minute_s,
                table=self._table.dump(),
                visits=self._visits.dump(),
                controllers=self._controllers.dump(),
                contacts=self._contacts.dump(),
                prefiles=self._prefiles.dump(),
            )
        )

    @classmethod
    def load(
        cls, data: bytes, airspace: Space, airports: Fields, rules: Rules | None = None
    ) -> Tracker:
        """A tracker that goes on from what `dump` gave.

        Raises TrackerStateError where `data` is damaged, of another format, or was dumped over
        another airspace or by other rules: then the state is to be made again from the journal.
        """
        rules = Rules() if rules is None else rules
        kept = decode_checkpoint(data, airspace.fingerprint, rules.fingerprint)
        try:
            tracker = cls(airspace, airports, rules, _table=FlightTable.load(kept.table))
            tracker._visits.load(kept.visits)
            tracker._contacts.load(kept.contacts)
        except (ValueError, LookupError) as error:
            raise TrackerStateError(
                f"the tracker state does not agree with itself ({error}): the journal makes it "
                "again (sectorwatch rebuild)"
            ) from error
        tracker._controllers.load(kept.controllers)
        tracker._prefiles.load(kept.prefiles)
        tracker._seq = kept.seq
        tracker._time_us = kept.time_us
        tracker._next_minute_s = kept.next_minute_s
        tracker._first_minute_s = kept.first_minute_s
        return tracker

    def standing(self) -> Standing:
        """What is open now, all of it, as rows."""
        table = self._table
        return Standing(
            flights=[table.flight(slot) for slot in np.flatnonzero(table.present).tolist()],
            visits=self._visits.standing(table.flight_id),
            sessions=self._controllers.sessions,
            ownerships=self._controllers.ownerships,
            prefiles=self._prefiles.rows,
            contacts=self._contacts.standing(),
        )

    def _expect(self, known: Known, time_s: int) -> None:
        self._known = None
        self._roster.expect(known.flights)
        self._visits.expect(known.visits)
        self._controllers.expect(known, time_s)
        self._prefiles.expect(known.prefiles)
        self._contacts.expect(known.contacts, time_s)

    def _demand(self, step: Step) -> Demand:
        """The demand of the minutes that have become final and are known."""
        minutes, next_s = due_minutes(step, self._next_minute_s, self._rules.final_after_s)
        if step.last_s is None:
            self._first_minute_s = minutes.start
        heard = [self._contacts.at(minute) for minute in minutes]
        demand = self._visits.demand(minutes, self._table.flight_id, heard)
        if minutes:
            self._contacts.forget(minutes[-1])
        self._next_minute_s = next_s
        return demand

    def _final_minute_s(self, time_s: int) -> int | None:
        final_s = last_final_s(time_s, self._rules.final_after_s)
        return final_s if final_s >= self._first_minute_s else None
