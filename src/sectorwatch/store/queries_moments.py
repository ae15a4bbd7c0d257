"""Who was where at a moment of the past: flights, controllers and owners as they were then.

A moment is answered by the newest snapshot at or before it. Where nothing is known of it, that is
said in words, with the bounds of what is not known: nothing known is not the same as nobody there.
What is read is the one or two hours around the moment, never what lies before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from sqlalchemy import func, or_, select

from sectorwatch.clock import format_s, format_us
from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.blobs import StoredPositions, decode_positions
from sectorwatch.store.hours import sealed_positions
from sectorwatch.store.lost import lost_times
from sectorwatch.store.noted_airspaces import airspace_noted
from sectorwatch.store.queries_controllers import ownership_of, session_of, those_with
from sectorwatch.store.queries_flights import flights_numbered
from sectorwatch.store.rows import read_plan
from sectorwatch.store.segments import HOUR_S, POSITIONS, VISITS
from sectorwatch.traffic.rules import Rules
from sectorwatch.traffic.tick import Gap

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Flight, Ownership, Session

__all__ = ["Moment", "MomentQueries", "PastFlights", "PastOwners", "as_it_was", "plans_at"]

_SECOND_US = 1_000_000
_OLDEST_S = Rules().final_after_s


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment, and the newest snapshot at or before it: what is known of it.

    `statement` says it in words. Where `known` is False nothing is, and `gap` has the bounds of the
    time without snapshots where the moment lies in one. `before_us` is the snapshot before that
    one, `airspace` the fingerprint of the airspace it was made with. `is_last` says that a gap
    follows: what ended at this snapshot was there as far as anybody saw.
    """

    at_s: int
    known: bool
    statement: str
    gap: Gap | None = None
    snapshot_us: int = 0
    before_us: int | None = None
    airspace: str | None = None
    is_last: bool = False

    @property
    def snapshot_s(self) -> int:
        """The snapshot's time in whole seconds."""
        return self.snapshot_us // _SECOND_US


@dataclass(frozen=True, slots=True)
class PastFlights:
    """Flights that were online, and the last position of each, both of length n, by flight_id.

    `unread` says in words what could not be read; where `known` is False that is all there was.
    """

    known: bool
    flights: list[Flight]
    positions: StoredPositions
    unread: list[str]


@dataclass(frozen=True, slots=True)
class PastOwners:
    """Controllers' sessions that lasted, and who owned which sector."""

    sessions: list[Session]
    owners: list[Ownership]


class MomentQueries:
    """Asks what was so at a moment; times are seconds."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def moment(self, at_s: int) -> Moment:
        """What is known of `at_s`, in words, and by which snapshot."""
        table = schema.tick.c
        end_us = (at_s + 1) * _SECOND_US
        with self._sources.database.read("asking for a moment") as connection:
            rows = connection.execute(
                select(table.seq, table.snapshot_time_us)
                .where(table.snapshot_time_us < end_us)
                .order_by(table.snapshot_time_us.desc())
                .limit(2)
            ).all()
            following = connection.execute(
                select(table.snapshot_time_us)
                .where(table.snapshot_time_us >= end_us)
                .order_by(table.snapshot_time_us)
                .limit(1)
            ).scalar()
            if not rows:
                return _nothing_before(at_s, following)
            seq, snapshot_us = rows[0]
            snapshot_s = snapshot_us // _SECOND_US
            gap = _gap_from(connection, snapshot_s)
            airspace = airspace_noted(connection, snapshot_s) or _airspace_at(connection, seq)
        if snapshot_s < at_s and following is None:
            return Moment(
                at_s,
                known=False,
                statement=f"{format_s(at_s)} is later than the newest snapshot, that of "
                f"{format_us(snapshot_us)}: nothing is known of it yet.",
            )
        if gap is not None and gap.start_s < at_s < gap.end_s:
            return Moment(
                at_s,
                known=False,
                statement=f"{format_s(at_s)} lies in a gap: from {format_s(gap.start_s)} to "
                f"{format_s(gap.end_s)} there was no snapshot, so nothing is known of it.",
                gap=gap,
            )
        return Moment(
            at_s,
            known=True,
            statement=f"As it was at the snapshot of {format_us(snapshot_us)}.",
            snapshot_us=snapshot_us,
            before_us=rows[1].snapshot_time_us if len(rows) > 1 else None,
            airspace=airspace,
            is_last=gap is not None,
        )

    def flights(self, moment: Moment) -> PastFlights:
        """Who was online at a moment that is known, each at its last position.

        A flight counts as online until its last position is as old as a position may be to say
        where somebody is, or until the first snapshot that no longer had it.
        """
        positions, unread, known = self._positions(moment)
        if not known:
            return PastFlights(False, [], positions, unread)
        with self._sources.database.read("asking who was online") as connection:
            found = flights_numbered(connection, positions.flight_id.tolist())
            plans = plans_at(connection, list(found), moment.snapshot_us)
        gone_s = -1 if moment.before_us is None else moment.before_us // _SECOND_US
        rows, flights = [], []
        lost = 0
        for row, number in enumerate(positions.flight_id.tolist()):
            flight = found.get(number)
            if flight is None:
                lost += 1
            elif flight.ended_s is None or flight.ended_s > gone_s:
                rows.append(row)
                flights.append(as_it_was(flight, plans.get(number), moment.snapshot_s))
        if lost:
            unread.append(
                f"{lost} flights are left out: their positions are kept, but who they were was "
                "let go (retention, or the disk budget)."
            )
        return PastFlights(True, flights, positions.take(np.array(rows, np.intp)), unread)

    def visits(self, moment: Moment) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Whose visits to which sectors lasted at a moment: flights and sectors, shape (n,)."""
        table, at_s = schema.visit.c, moment.snapshot_s
        with self._sources.database.read("asking who was in which sector") as connection:
            files = self._sources.manifest.files(connection, VISITS.name, at_s, at_s + 1)
            rows = connection.execute(
                select(table.flight_id, table.sector_id).where(
                    table.entry_s <= at_s, or_(table.exit_s.is_(None), table.exit_s > at_s)
                )
            ).all()
        flights = np.array([row.flight_id for row in rows], np.int64)
        sectors = np.array([row.sector_id for row in rows], np.int64)
        sealed = None
        if files:
            sealed = self._sources.ask(
                "SELECT flight_id, sector_id FROM read_parquet($files, hive_partitioning = false) "
                "WHERE entry_s <= $at_s AND exit_s > $at_s",
                files,
                {"at_s": at_s},
            )
        # Asked last: what was found damaged just now is among it.
        with self._sources.database.read("asking what is lost") as connection:
            for each in lost_times(connection, VISITS.name, at_s, at_s + 1):
                raise StoreError(each.why)
        if sealed is not None:
            flights = np.concatenate([flights, sealed["flight_id"]])
            sectors = np.concatenate([sectors, sealed["sector_id"]])
        return flights, sectors

    def owners(self, moment: Moment) -> PastOwners:
        """Which controllers were online at a moment that is known, and what they owned."""
        session, ownership, at_s = schema.session.c, schema.ownership.c, moment.snapshot_s
        # What ended with the last snapshot before a gap was still there in that snapshot.
        ended = ownership.end_s >= at_s if moment.is_last else ownership.end_s > at_s
        with self._sources.database.read("asking who controlled") as connection:
            sessions = connection.execute(
                select(schema.session)
                .where(
                    those_with(
                        session.session_id,
                        wanted=(
                            session.first_seen_s <= at_s,
                            or_(session.ended_s.is_(None), session.ended_s >= at_s),
                        ),
                    )
                )
                .order_by(session.callsign, session.session_id)
            ).all()
            owners = connection.execute(
                select(schema.ownership)
                .where(
                    those_with(
                        ownership.sector_id,
                        ownership.start_s,
                        wanted=(ownership.start_s <= at_s, or_(ownership.end_s.is_(None), ended)),
                    )
                )
                .order_by(ownership.sector_id, ownership.start_s)
            ).all()
        return PastOwners([session_of(row) for row in sessions], [ownership_of(r) for r in owners])

    def _positions(self, moment: Moment) -> tuple[StoredPositions, list[str], bool]:
        """The last position of every flight at a moment; what was not read; whether enough was."""
        last_s = moment.snapshot_s
        first_s = last_s - _OLDEST_S + 1
        table, manifest = schema.tick.c, self._sources.manifest
        with self._sources.database.read("asking for positions") as connection:
            ticks = connection.execute(
                select(table.snapshot_time_us, table.position_count, table.positions).where(
                    table.snapshot_time_us >= first_s * _SECOND_US,
                    table.snapshot_time_us <= moment.snapshot_us,
                )
            ).all()
            sealed = {
                each.snapshot_time_us // _SECOND_US // HOUR_S * HOUR_S
                for each in ticks
                if each.positions is None and each.position_count
            }
            files = {
                hour_s: [each.path for each in manifest.of_period(connection, POSITIONS, hour_s)]
                for hour_s in sorted(sealed)
            }
        parts: list[StoredPositions] = []
        unread: list[str] = []
        lost: set[int] = set()
        for hour_s, paths in files.items():
            try:
                parts += [
                    _latest(sealed_positions(self._sources, path), first_s, last_s)
                    for path in paths
                ]
            except StoreError as error:
                unread.append(f"{_hour(hour_s)}: {error}.")
                lost.add(hour_s)
            else:
                if not paths:
                    unread.append(
                        f"The positions from {_hour(hour_s)} are no longer there: let go "
                        "(retention, or the disk budget), or their file is missing."
                    )
                    lost.add(hour_s)
        for each in ticks:
            if each.positions is not None:
                try:
                    parts.append(decode_positions(each.positions))
                except StoreError as error:
                    unread.append(f"{format_us(each.snapshot_time_us)}: {error}.")
                    lost.add(each.snapshot_time_us // _SECOND_US // HOUR_S * HOUR_S)
        whole = StoredPositions.join(parts)
        known = last_s // HOUR_S * HOUR_S not in lost
        return _latest(whole, first_s, last_s), unread, known


def _latest(positions: StoredPositions, first_s: int, last_s: int) -> StoredPositions:
    """Of each flight the last row from `first_s` to `last_s`, by flight."""
    rows = np.flatnonzero((positions.time_s >= first_s) & (positions.time_s <= last_s))
    rows = rows[np.lexsort([positions.time_s[rows], positions.flight_id[rows]])]
    flights = positions.flight_id[rows]
    is_last = np.append(np.diff(flights) != 0, True)[: len(rows)]
    return positions.take(rows[is_last])


def _nothing_before(at_s: int, following_us: int | None) -> Moment:
    if following_us is None:
        return Moment(at_s, known=False, statement="No snapshot has been taken in yet.")
    return Moment(
        at_s,
        known=False,
        statement=f"{format_s(at_s)} is before the first snapshot, that of "
        f"{format_us(following_us)}: nothing is known of it.",
    )


def _gap_from(connection: Connection, start_s: int) -> Gap | None:
    row = connection.execute(select(schema.gap).where(schema.gap.c.start_s == start_s)).first()
    return None if row is None else Gap(row.start_s, row.end_s)


def _airspace_at(connection: Connection, seq: int) -> str | None:
    table = schema.identity.c
    newest = select(func.max(table.from_seq)).where(table.from_seq <= seq).scalar_subquery()
    found: str | None = connection.scalar(select(table.airspace).where(table.from_seq == newest))
    return found


def plans_at(
    connection: Connection, flight_ids: list[int], snapshot_us: int
) -> dict[int, FlightPlan]:
    """The plans that flights had at a snapshot, by flight; who had none is not in it."""
    revision, plan = schema.plan_revision.c, schema.flight_plan.c
    rows = connection.execute(
        select(revision.flight_id, plan.plan)
        .join(schema.flight_plan, plan.plan_id == revision.plan_id)
        .where(revision.flight_id.in_(flight_ids), revision.snapshot_time_us <= snapshot_us)
        .order_by(revision.flight_id, revision.snapshot_time_us)
    )
    texts: dict[int, Any] = {row.flight_id: row.plan for row in rows}
    return {number: read_plan(text) for number, text in texts.items()}


def as_it_was(flight: Flight, plan: FlightPlan | None, at_s: int) -> Flight:
    """A flight without what came later: its plan then, and what had happened by then."""
    departed = flight.departed_s is not None and flight.departed_s <= at_s
    arrived = flight.arrived_s is not None and flight.arrived_s <= at_s
    return msgspec.structs.replace(
        flight,
        plan=plan,
        departed_s=flight.departed_s if departed else None,
        departed_from=flight.departed_from if departed else None,
        arrived_s=flight.arrived_s if arrived else None,
        arrived_at=flight.arrived_at if arrived else None,
        ended_s=None,
    )


def _hour(hour_s: int) -> str:
    return f"{format_s(hour_s)} to {format_s(hour_s + HOUR_S)}"
