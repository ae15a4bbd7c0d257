"""Rows collected over ticks as a database would keep them, and what must hold of them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.traffic.demand import MINUTE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sectorwatch.airspace import Airspace
    from sectorwatch.traffic.tick import (
        Contact,
        Flight,
        Gap,
        Movement,
        Ownership,
        PlanRevision,
        PrefileRow,
        Session,
        Tick,
        Visit,
    )

Row = tuple[Any, ...]


class Ledger:
    """All rows by key, the newest of each; `take` checks every tick as it comes."""

    def __init__(self, airspace: Airspace) -> None:
        self.airspace = airspace
        self.partition_of = {
            sector.sector_id: number
            for number, part in enumerate(airspace.partitions)
            for sector in airspace.sectors[part.first : part.first + part.count]
        }
        self.ticks = 0
        self.time_us = 0
        self.first_s: int | None = None
        self.final_minute_s: int | None = None
        self.flights: dict[int, Flight] = {}
        self.visits: dict[tuple[int, int, int], Visit] = {}
        self.movements: dict[tuple[int, str, int], Movement] = {}
        self.plans: dict[tuple[int, int], PlanRevision] = {}
        self.prefiles: dict[int, PrefileRow] = {}
        self.sessions: dict[int, Session] = {}
        self.ownerships: dict[tuple[int, int], Ownership] = {}
        self.contacts: dict[tuple[int, int, int], Contact] = {}
        self.demand: dict[tuple[int, int], tuple[int, int, int]] = {}
        self.gaps: list[Gap] = []
        self.last_position_s: dict[int, int] = {}

    def take(self, tick: Tick) -> None:
        """Keep a tick's rows; asserts what must hold of it by itself and after those before it."""
        self.ticks += 1
        assert tick.seq == self.ticks
        assert tick.time_us > self.time_us
        self.time_us = tick.time_us
        now_s = tick.time_us // 1_000_000
        if self.first_s is None:
            self.first_s = now_s
        _keep(self.flights, tick.flights, lambda row: row.flight_id)
        _keep(self.visits, tick.visits, lambda row: (row.flight_id, row.sector_id, row.entry_s))
        _keep(self.movements, tick.movements, lambda row: (row.flight_id, row.kind, row.time_s))
        _keep(self.plans, tick.plans, lambda row: (row.flight_id, row.snapshot_time_us))
        _keep(self.prefiles, tick.prefiles, lambda row: row.prefile_id)
        _keep(self.sessions, tick.sessions, lambda row: row.session_id)
        _keep(self.ownerships, tick.ownerships, lambda row: (row.sector_id, row.start_s))
        _keep(
            self.contacts, tick.contacts, lambda row: (row.flight_id, row.session_id, row.start_s)
        )
        self._take_demand(tick)
        self._take_positions(tick)
        self._check_live(tick)
        if tick.gap is not None:
            self.gaps.append(tick.gap)

    def rows(self) -> dict[str, Any]:
        """Everything, to be compared with another ledger's."""
        names = [
            "flights",
            "visits",
            "movements",
            "plans",
            "prefiles",
            "sessions",
            "ownerships",
            "contacts",
            "demand",
            "gaps",
        ]
        return {name: getattr(self, name) for name in names}

    def check(self) -> None:
        """Assert what must hold of all rows together."""
        self._check_visits()
        self._check_flights()
        self._check_contacts()
        assert {key: row[:2] for key, row in self.demand.items()} == self.demand_of_visits()
        self._check_in_contact()

    def demand_of_visits(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Demand worked out anew from all visits, of the minutes that are known and final."""
        known = self.known_minutes()
        occupancy: Counter[tuple[int, int]] = Counter()
        entries: Counter[tuple[int, int]] = Counter()
        for visit in self.visits.values():
            minute_s = visit.entry_s // MINUTE_S * MINUTE_S
            entries[minute_s, visit.sector_id] += 1
            until_s = max(known, default=0) + 1 if visit.exit_s is None else visit.exit_s
            for minute in range(-(-visit.entry_s // MINUTE_S) * MINUTE_S, until_s, MINUTE_S):
                occupancy[minute, visit.sector_id] += 1
        keys = {key for key in occupancy.keys() | entries.keys() if key[0] in known}
        return {key: (occupancy[key], entries[key]) for key in keys}

    def known_minutes(self) -> set[int]:
        """The minutes that are final and that no gap touches."""
        if self.final_minute_s is None or self.first_s is None:
            return set()
        first_s = -(-self.first_s // MINUTE_S) * MINUTE_S
        minutes = set(range(first_s, self.final_minute_s + 1, MINUTE_S))
        for gap in self.gaps:
            start_s = gap.start_s // MINUTE_S * MINUTE_S
            minutes -= {
                minute
                for minute in range(start_s - MINUTE_S, gap.end_s, MINUTE_S)
                if minute + MINUTE_S > gap.start_s
            }
        return minutes

    def _take_demand(self, tick: Tick) -> None:
        demand = tick.demand
        columns = (
            demand.minute_s,
            demand.sector_id,
            demand.occupancy,
            demand.entries,
            demand.in_contact,
        )
        for minute_s, sector_id, occupancy, entries, in_contact in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            assert (minute_s, sector_id) not in self.demand, "a final minute was given again"
            assert occupancy or entries
            assert tick.final_minute_s is not None
            assert minute_s <= tick.final_minute_s
            assert self.final_minute_s is None or tick.gap or minute_s > self.final_minute_s
            assert -1 <= in_contact <= occupancy
            self.demand[minute_s, sector_id] = (occupancy, entries, in_contact)
        if tick.final_minute_s is not None:
            assert self.final_minute_s is None or tick.final_minute_s >= self.final_minute_s
            assert tick.final_minute_s <= tick.time_us // 1_000_000 - 180
            self.final_minute_s = tick.final_minute_s
        else:
            assert self.final_minute_s is None

    def _take_positions(self, tick: Tick) -> None:
        positions = tick.positions
        ids = positions.flight_id.tolist()
        assert ids == sorted(set(ids)), "one position a flight and tick, by flight"
        for flight_id, time_s in zip(ids, positions.time_s.tolist(), strict=True):
            assert self.last_position_s.get(flight_id, -(2**62)) < time_s
            assert flight_id in self.flights
            self.last_position_s[flight_id] = time_s

    def _check_live(self, tick: Tick) -> None:
        live = tick.live
        assert tick.network.pilots == len(live.flights) == len(set(map(id, live.flights)))
        for flight in live.flights:
            assert self.flights[flight.flight_id] == flight
            assert flight.ended_s is None
        open_visits = Counter(
            visit.sector_id for visit in self.visits.values() if visit.exit_s is None
        )
        for sector, count in zip(self.airspace.sectors, live.occupancy.tolist(), strict=True):
            assert count == open_visits[sector.sector_id]
        counted = np.bincount(live.sector[live.sector >= 0], minlength=len(self.airspace.sectors))
        assert counted.tolist() == live.occupancy.tolist()
        # Whoever is in a sector is where the airspace says that sector is.
        found = self.airspace.locate(live.longitude, live.latitude, live.altitude_ft)
        assert ((live.sector == -1) | (live.sector == found)).all()
        assert (live.airborne | (live.sector == -1).all(axis=0)).all()

        open_contacts = {
            (row.flight_id, row.session_id): row.start_s
            for row in self.contacts.values()
            if row.end_s is None
        }
        for flight, session in zip(live.flights, live.contact.tolist(), strict=True):
            mine = {key[1]: at for key, at in open_contacts.items() if key[0] == flight.flight_id}
            assert (session == -1) == (not mine)
            assert not mine or mine[session] == max(mine.values())
            assert not mine or live.heard_s is not None
        assert {flight for flight, _ in open_contacts} <= {each.flight_id for each in live.flights}

    def _check_contacts(self) -> None:
        stays: dict[tuple[int, int], list[Contact]] = {}
        for row in self.contacts.values():
            flight, session = self.flights[row.flight_id], self.sessions[row.session_id]
            assert flight.first_seen_s <= row.start_s
            assert session.first_seen_s <= row.start_s
            assert flight.cid != session.cid
            if row.end_s is None:
                assert flight.ended_s is None
                assert session.ended_s is None
            else:
                assert row.start_s <= row.end_s
                for end_s in (flight.ended_s, session.ended_s):
                    assert end_s is None or row.end_s <= max(row.start_s, end_s)
                for gap in self.gaps:
                    assert row.end_s <= gap.start_s or gap.end_s <= row.start_s
            stays.setdefault((row.flight_id, row.session_id), []).append(row)
        for rows in stays.values():
            rows.sort(key=lambda row: (row.start_s, row.end_s or 2**62))
            for before, after in pairwise(rows):
                assert before.end_s is not None
                assert before.end_s <= after.start_s, "in contact with one controller twice"

    def _check_in_contact(self) -> None:
        """Each minute has those of its visits whose flights were in contact in the air."""
        for (minute_s, sector_id), (_, _, in_contact) in self.demand.items():
            if in_contact == -1:
                continue
            inside = [
                visit.flight_id
                for visit in self.visits.values()
                if visit.sector_id == sector_id and _holds(visit.entry_s, visit.exit_s, minute_s)
            ]
            heard = {
                row.flight_id
                for row in self.contacts.values()
                if row.airborne and _holds(row.start_s, row.end_s, minute_s)
            }
            assert in_contact == sum(flight in heard for flight in inside)

    def _check_visits(self) -> None:
        stays: dict[tuple[int, int], list[Visit]] = {}
        for visit in self.visits.values():
            assert visit.exit_s is None or visit.exit_s >= visit.entry_s
            key = visit.flight_id, self.partition_of[visit.sector_id]
            stays.setdefault(key, []).append(visit)
        for visits in stays.values():
            visits.sort(key=lambda visit: (visit.entry_s, visit.exit_s or 2**62))
            for before, after in pairwise(visits):
                assert before.exit_s is not None
                assert before.exit_s <= after.entry_s, "two visits at once in one partition"

    def _check_flights(self) -> None:
        by_key: dict[tuple[int, str], list[Flight]] = {}
        for flight in self.flights.values():
            by_key.setdefault((flight.cid, flight.callsign), []).append(flight)
            assert flight.ended_s is None or flight.ended_s >= flight.first_seen_s
        for flights in by_key.values():
            flights.sort(key=lambda flight: flight.first_seen_s)
            for before, after in pairwise(flights):
                assert before.ended_s is not None, "two flights at once of one member and callsign"
                assert before.first_seen_s < after.first_seen_s
        for visit in self.visits.values():
            assert visit.flight_id in self.flights
        for movement in self.movements.values():
            assert movement.flight_id in self.flights


def collect(airspace: Airspace, ticks: Iterable[Tick | None]) -> Ledger:
    """A checked ledger of these ticks; those that are None were skipped."""
    ledger = Ledger(airspace)
    for tick in ticks:
        if tick is not None:
            ledger.take(tick)
    ledger.check()
    return ledger


def _holds(start_s: int, end_s: int | None, moment_s: int) -> bool:
    return start_s <= moment_s and (end_s is None or moment_s < end_s)


def _keep(kept: dict[Any, Any], rows: Iterable[Any], key: Callable[[Any], Any]) -> None:
    keys = [key(row) for row in rows]
    assert len(keys) == len(set(keys)), "a tick has two rows of one key"
    kept.update(zip(keys, rows, strict=True))
