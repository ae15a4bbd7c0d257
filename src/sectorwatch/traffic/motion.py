"""What new positions mean: who took off or landed, and who passed from which sector to which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM, distance_nm
from sectorwatch.traffic.airborne import airborne_now, heights_ft
from sectorwatch.traffic.crossings import Steps, find_crossings
from sectorwatch.traffic.identity import reach_nm
from sectorwatch.traffic.table import NEVER_S
from sectorwatch.traffic.tick import Movement
from sectorwatch.traffic.visits import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.feed.records import PilotColumns
    from sectorwatch.traffic.contract import Fields, Space
    from sectorwatch.traffic.roster import Roster
    from sectorwatch.traffic.rules import Rules
    from sectorwatch.traffic.table import FlightTable
    from sectorwatch.traffic.visits import VisitBook

__all__ = ["Motion"]

# Of the sphere that distances are on: a great circle's minute of arc is a hair more than 1 NM.
_NM_PER_DEGREE = EARTH_RADIUS_NM * np.pi / 180


@dataclass(frozen=True, slots=True)
class _News:
    """The positions that are new, arrays of shape (m,), and what was known before them.

    `slot` is the flight's, `known` says where there was a position before, `jumps` where nothing
    could have flown from there to here.
    """

    slot: NDArray[np.intp]
    before: Places
    after: Places
    known: NDArray[np.bool_]
    jumps: NDArray[np.bool_]
    was_airborne: NDArray[np.bool_]
    airborne: NDArray[np.bool_]
    field: NDArray[np.intp]
    height_ft: NDArray[np.float64]


class Motion:
    """Takes positions into the table and keeps the visits; no flight begins or ends here."""

    def __init__(
        self,
        airspace: Space,
        airports: Fields,
        rules: Rules,
        table: FlightTable,
        visits: VisitBook,
    ) -> None:
        self._airspace = airspace
        self._airports = airports
        self._rules = rules
        self._table = table
        self._visits = visits

    def lose(self, slots: NDArray[np.intp]) -> None:
        """Where these flights are is known no longer: their visits end at their last positions."""
        table = self._table
        lost = slots[table.tracked[slots]]
        if lost.size:
            self._visits.close(self._places(lost), table.flight_id)
            table.tracked[lost] = False

    def lose_silent(self, time_s: int) -> None:
        """The same for all whose last position is too old to say where they are at `time_s`."""
        table = self._table
        too_old = table.time_s <= time_s - self._rules.final_after_s
        self.lose(np.flatnonzero(table.tracked & too_old))

    def move(
        self, slots: NDArray[np.intp], columns: PilotColumns, time_s: int, roster: Roster
    ) -> tuple[NDArray[np.intp], list[Movement]]:
        """Take over a snapshot's positions; which of its records had a new one, and movements.

        `slots` are the flights of its records.
        """
        table = self._table
        self._visits.reserve(table.capacity)
        moved = np.flatnonzero(columns.time_s > table.time_s[slots])
        news = self._news(slots[moved], columns, moved)
        movements = self._movements(news, roster)
        self._follow(news, columns.groundspeed_kt[moved], time_s)
        table.heading_deg[news.slot] = columns.heading_deg[moved]
        return moved, movements

    def retrace(
        self,
        after: Places,
        groundspeed_kt: NDArray[np.int32],
        airborne: NDArray[np.bool_],
        time_s: int,
    ) -> None:
        """Take positions that were judged before, each of another flight and later than its last.

        Visits come of them as of a snapshot's by `move`, and nothing else does.
        """
        table, slot = self._table, after.slot
        self._visits.reserve(table.capacity)
        before = self._places(slot)
        nobody_asks = np.full(slot.size, -1, dtype=np.intp)
        news = _News(
            slot,
            before,
            after,
            known=before.time_s != NEVER_S,
            jumps=self._jumps(before, after, groundspeed_kt),
            was_airborne=table.airborne[slot],
            airborne=airborne,
            field=nobody_asks,
            height_ft=nobody_asks.astype(np.float64),
        )
        self._follow(news, groundspeed_kt, time_s)

    def _follow(self, news: _News, groundspeed_kt: NDArray[np.int32], time_s: int) -> None:
        """Take over where flights are now, and what visits come of it."""
        table, visits = self._table, self._visits
        slot, before, after = news.slot, news.before, news.after
        tracked = table.tracked[slot]
        near = after.time_s - before.time_s <= self._rules.interpolate_within_s
        flown = tracked & near & ~news.jumps
        broken = np.flatnonzero(tracked & ~flown)
        visits.close(before.take(broken), table.flight_id)
        self._fly(news, np.flatnonzero(flown))
        fresh = after.time_s > time_s - self._rules.final_after_s
        found = np.flatnonzero(news.airborne & fresh & ~flown)
        if found.size:
            places = after.take(found)
            sector = self._airspace.locate(
                places.longitude, places.latitude, places.altitude_ft.astype(np.float64)
            )
            visits.open(places, sector, table.flight_id)
        table.tracked[slot] = news.airborne & (fresh | flown)
        table.time_s[slot] = after.time_s
        table.latitude[slot] = after.latitude
        table.longitude[slot] = after.longitude
        table.altitude_ft[slot] = after.altitude_ft
        table.groundspeed_kt[slot] = groundspeed_kt
        table.airborne[slot] = news.airborne

    def _places(self, slots: NDArray[np.intp]) -> Places:
        table = self._table
        return Places(
            slots,
            table.time_s[slots],
            table.latitude[slots],
            table.longitude[slots],
            table.altitude_ft[slots],
        )

    def _news(
        self, slot: NDArray[np.intp], columns: PilotColumns, moved: NDArray[np.intp]
    ) -> _News:
        table, rules = self._table, self._rules
        before = self._places(slot)
        after = Places(
            slot,
            columns.time_s[moved],
            columns.latitude[moved],
            columns.longitude[moved],
            columns.altitude_ft[moved],
        )
        groundspeed_kt = columns.groundspeed_kt[moved]
        known = before.time_s != NEVER_S
        jumps = self._jumps(before, after, groundspeed_kt)
        was_airborne = table.airborne[slot]
        helicopter = table.helicopter[slot]
        # For the others nothing can change, so nobody need know how high they are.
        doubtful = np.where(
            was_airborne, groundspeed_kt < rules.off_speed_kt, groundspeed_kt >= rules.on_speed_kt
        )
        asked = np.flatnonzero(helicopter | doubtful)
        height_ft = np.full(slot.size, np.nan)
        field = np.full(slot.size, -1, dtype=np.intp)
        if asked.size:
            height_ft[asked], field[asked] = heights_ft(
                self._airports,
                after.latitude[asked],
                after.longitude[asked],
                after.altitude_ft[asked],
                rules,
            )
        airborne = was_airborne.copy()
        airborne[asked] = airborne_now(
            was_airborne[asked], helicopter[asked], groundspeed_kt[asked], height_ft[asked], rules
        )
        return _News(slot, before, after, known, jumps, was_airborne, airborne, field, height_ft)

    def _jumps(
        self, before: Places, after: Places, groundspeed_kt: NDArray[np.int32]
    ) -> NDArray[np.bool_]:
        """Where nothing could have flown from one place to the other."""
        faster_kt = np.maximum(self._table.groundspeed_kt[after.slot], groundspeed_kt)
        reach = reach_nm(after.time_s - before.time_s, faster_kt, self._rules)
        jumps = _further_than(reach, before, after)
        jumps &= before.time_s != NEVER_S
        return jumps

    def _movements(self, news: _News, roster: Roster) -> list[Movement]:
        """Take-offs and landings, at the airport where the flight was on the ground."""
        table, rules = self._table, self._rules
        changed = np.flatnonzero(news.known & (news.was_airborne != news.airborne))
        departs = changed[news.airborne[changed]]
        height_ft, field = news.height_ft.copy(), news.field.copy()
        if departs.size:
            height_ft[departs], field[departs] = heights_ft(
                self._airports,
                news.before.latitude[departs],
                news.before.longitude[departs],
                news.before.altitude_ft[departs],
                rules,
            )
        # A height that nobody knows (NaN) is no reason against.
        real = (field >= 0) & ~news.jumps & ~(np.abs(height_ft) > rules.movement_height_ft)
        movements = []
        for at in changed.tolist():
            slot = int(news.slot[at])
            flight = table.flight(slot)
            airport = self._airports.icao[int(field[at])] if real[at] else None
            time_s = int(news.after.time_s[at])
            if news.airborne[at]:
                now = msgspec.structs.replace(flight, arrived_s=None, arrived_at=None)
                if airport is not None and flight.departed_s is None:
                    now = msgspec.structs.replace(now, departed_s=time_s, departed_from=airport)
            elif airport is not None:
                now = msgspec.structs.replace(flight, arrived_s=time_s, arrived_at=airport)
            else:
                now = flight
            if now != flight:
                roster.put(slot, now)
            if airport is not None:
                kind: Literal["departure", "arrival"]
                kind = "departure" if news.airborne[at] else "arrival"
                movements.append(Movement(flight.flight_id, kind, airport, time_s, flight.callsign))
        return sorted(movements, key=_movement_key)

    def _fly(self, news: _News, flown: NDArray[np.intp]) -> None:
        """Follow the flights at `flown` along their steps; who lands, leaves at the end."""
        if not flown.size:
            return
        table, visits = self._table, self._visits
        before, after = news.before.take(flown), news.after.take(flown)
        lands = ~news.airborne[flown]
        steps = Steps(
            time_s=before.time_s,
            longitude=before.longitude,
            latitude=before.latitude,
            altitude_ft=before.altitude_ft.astype(np.float64),
            time2_s=after.time_s,
            longitude2=after.longitude,
            latitude2=after.latitude,
            altitude2_ft=after.altitude_ft.astype(np.float64),
            lands=lands,
        )
        sector = visits.sector[:, before.slot]
        crossings = find_crossings(self._airspace, steps, sector)
        visits.cross(crossings, before.slot, table.flight_id)
        visits.close(after.take(lands), table.flight_id)


def _further_than(reach: NDArray[np.float64], before: Places, after: Places) -> NDArray[np.bool_]:
    """Where it is further from one place to the other than `reach` nautical miles."""
    # North and east one after the other, as if at the equator, is no shorter than the great circle;
    # nearly all are settled by that.
    north, east = after.latitude - before.latitude, after.longitude - before.longitude
    further = (np.abs(north) + np.abs(east)) * _NM_PER_DEGREE > reach
    at = np.flatnonzero(further)
    further[at] = reach[at] < distance_nm(
        before.latitude[at], before.longitude[at], after.latitude[at], after.longitude[at]
    )
    return further


def _movement_key(movement: Movement) -> tuple[int, int]:
    return movement.flight_id, movement.time_s
