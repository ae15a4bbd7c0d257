"""Visits and demand over again, from positions that were kept: for sectors that are drawn anew.

By the very rules by which they come of snapshots. What a position does not say is not known: a
flight that was missing in a snapshot or two, and came back within the time over which positions
are interpolated, was never gone; and a position counts as having come with the first snapshot that
is not earlier, though the network may have sent it later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.traffic.minutes import due_minutes
from sectorwatch.traffic.motion import Motion
from sectorwatch.traffic.roster import Step
from sectorwatch.traffic.rules import Rules
from sectorwatch.traffic.table import FlightTable
from sectorwatch.traffic.visits import Places, VisitBook

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.traffic.contract import Fields, Space
    from sectorwatch.traffic.tick import Demand, Positions, Visit

__all__ = ["Retrace"]

_FORGET_AFTER_S = 3_600


class Retrace:
    """Follows positions through an airspace; `step` takes those of one snapshot after another.

    `in_contact` gives the flights that were in contact in the air at a minute, sorted, or None
    where nobody knows.
    """

    def __init__(
        self,
        airspace: Space,
        airports: Fields,
        rules: Rules | None = None,
        in_contact: Callable[[int], NDArray[np.int64] | None] = lambda _: None,
    ) -> None:
        self._rules = Rules() if rules is None else rules
        self._table = FlightTable()
        ids = [sector.sector_id for sector in airspace.sectors]
        self._visits = VisitBook(len(airspace.partitions), self._table.capacity, ids)
        self._motion = Motion(airspace, airports, self._rules, self._table, self._visits)
        self._in_contact = in_contact
        self._last_us: int | None = None
        self._next_minute_s = 0

    def step(self, time_us: int, positions: Positions) -> tuple[list[Visit], Demand]:
        """Take the positions of the snapshot of `time_us`; the visits that changed, and demand.

        Snapshots come in order of time; of a flight there may be several positions in one.
        """
        step = Step.to(
            time_us,
            before_us=self._last_us,
            received_at_us=time_us,
            gap_after_s=self._rules.gap_after_s,
        )
        table, motion = self._table, self._motion
        if step.gap:
            motion.lose(np.flatnonzero(table.tracked))
        order = np.lexsort([positions.time_s, positions.flight_id])
        ids = positions.flight_id[order]
        slots = self._slots(ids)
        # One flight's positions one after another, different flights' at once.
        first = np.flatnonzero(np.append(True, np.diff(ids) != 0)[: len(ids)])
        turn = np.arange(len(ids)) - np.repeat(first, np.diff(np.append(first, len(ids))))
        for number in range(int(turn.max(initial=-1)) + 1):
            self._take(positions, order[turn == number], slots[turn == number], step.time_s)
        motion.lose_silent(step.time_s)
        minutes, self._next_minute_s = due_minutes(
            step, self._next_minute_s, self._rules.final_after_s
        )
        heard = [self._in_contact(minute) for minute in minutes]
        demand = self._visits.demand(minutes, table.flight_id, heard)
        self._last_us = time_us
        self._forget(step.time_s)
        return self._visits.rows(), demand

    def standing(self) -> list[Visit]:
        """The visits that are open now."""
        return self._visits.standing(self._table.flight_id)

    def lose_all(self) -> None:
        """Nothing is known from here on: what comes next is not joined to what was."""
        self._motion.lose(np.flatnonzero(self._table.tracked))

    def _slots(self, flight_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        table, found = self._table, np.empty(len(flight_ids), np.intp)
        for at, number in enumerate(flight_ids.tolist()):
            slot = table.slot_of.get((number, ""))
            if slot is None:
                slot = table.take((number, ""))
                table.flight_id[slot] = number
            found[at] = slot
        return found

    def _take(
        self,
        positions: Positions,
        rows: NDArray[np.intp],
        slots: NDArray[np.intp],
        time_s: int,
    ) -> None:
        later = positions.time_s[rows] > self._table.time_s[slots]
        rows, slots = rows[later], slots[later]
        after = Places(
            slots,
            positions.time_s[rows],
            positions.latitude[rows],
            positions.longitude[rows],
            positions.altitude_ft[rows],
        )
        speeds = positions.groundspeed_kt[rows]
        self._motion.retrace(after, speeds, positions.airborne[rows], time_s)

    def _forget(self, time_s: int) -> None:
        """Let go of flights that have not been heard of for an hour."""
        table = self._table
        silent = table.taken & ~table.tracked & (table.time_s < time_s - _FORGET_AFTER_S)
        for slot in np.flatnonzero(silent).tolist():
            number = int(table.flight_id[slot])
            del table.slot_of[number, ""], table.slot_of_cid[number]
            table.clear(slot)
            table.free.append(slot)
