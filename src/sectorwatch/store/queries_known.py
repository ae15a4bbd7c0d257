"""What was open at a moment, as rows: for a tracker that begins there, in the midst of history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from sectorwatch.store import schema
from sectorwatch.store.queries_controllers import ownership_of, session_of
from sectorwatch.store.queries_flights import flight_of, flights_with_plans, visit_of, visits_of
from sectorwatch.store.queries_moments import as_it_was, plans_at
from sectorwatch.store.rows import read_plan
from sectorwatch.store.segments import CONTACTS, VISITS
from sectorwatch.traffic.known import Known
from sectorwatch.traffic.tick import Contact, PrefileRow

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import ColumnElement, Connection

    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Visit

__all__ = ["known_before"]

_SLOW_S = 60.0
_CONTACT = ("flight_id", "session_id", "start_s", "channel_khz", "airborne")
_ENDED_WITHIN_S = 900
"""A flight that is back is the one it was, where it was gone for no longer than this."""


def known_before(sources: Sources, time_s: int) -> Known:
    """What was open just before the snapshot of `time_s`.

    Visits and contacts that only a damaged file has are not in it: such a file is set aside.
    """
    flight, session, owner = schema.flight.c, schema.session.c, schema.ownership.c
    with sources.database.read("asking what was open", _SLOW_S) as connection:
        flights = connection.execute(
            flights_with_plans().where(
                flight.first_seen_s < time_s,
                _open(flight.ended_s, time_s - _ENDED_WITHIN_S),
            )
        ).all()
        plans = plans_at(connection, [row.flight_id for row in flights], time_s * 1_000_000 - 1)
        sessions = connection.execute(
            select(schema.session).where(
                session.first_seen_s < time_s, _open(session.ended_s, time_s - _ENDED_WITHIN_S)
            )
        ).all()
        owners = connection.execute(
            select(schema.ownership).where(owner.start_s < time_s, _open(owner.end_s, time_s))
        ).all()
        prefiles = _prefiles(connection, time_s)
    return Known(
        flights=[
            as_it_was(flight_of(row), plans.get(row.flight_id), time_s - 1) for row in flights
        ],
        visits=_visits(sources, time_s),
        sessions=[session_of(row) for row in sessions],
        ownerships=[ownership_of(row) for row in owners],
        prefiles=prefiles,
        contacts=_contacts(sources, time_s),
        frequency_of={row.session_id: row.frequency for row in sessions},
    )


def _open(end: ColumnElement[int | None], time_s: int) -> ColumnElement[bool]:
    return or_(end.is_(None), end >= time_s)


def _visits(sources: Sources, time_s: int) -> list[Visit]:
    table = schema.visit.c
    with sources.database.read("asking for open visits", _SLOW_S) as connection:
        files = sources.manifest.files(connection, VISITS.name, time_s - 1, time_s)
        rows = connection.execute(
            select(schema.visit).where(table.entry_s < time_s, _open(table.exit_s, time_s))
        )
        found = [visit_of(row) for row in rows.mappings()]
    if files:
        columns = sources.ask(
            "SELECT * FROM read_parquet($files, hive_partitioning = false) "
            "WHERE entry_s < $time_s AND exit_s >= $time_s",
            files,
            {"time_s": time_s},
        )
        if columns is not None:
            found += visits_of(columns)
    return found


def _contacts(sources: Sources, time_s: int) -> list[Contact]:
    table = schema.contact.c
    with sources.database.read("asking for open contacts", _SLOW_S) as connection:
        files = sources.manifest.files(connection, CONTACTS.name, time_s - 1, time_s)
        rows: list[tuple[Any, ...]] = [
            tuple(row)
            for row in connection.execute(
                select(*table[_CONTACT]).where(table.start_s < time_s, _open(table.end_s, time_s))
            )
        ]
    if files:
        columns = sources.ask(
            "SELECT * FROM read_parquet($files, hive_partitioning = false) "
            "WHERE start_s < $time_s AND end_s >= $time_s",
            files,
            {"time_s": time_s},
        )
        if columns is not None:
            rows += zip(*(columns[name].tolist() for name in _CONTACT), strict=True)
    return [Contact(*row) for row in rows]


def _prefiles(connection: Connection, time_s: int) -> list[PrefileRow]:
    table, plan = schema.prefile.c, schema.flight_plan.c
    rows = connection.execute(
        select(schema.prefile, plan.plan)
        .join(schema.flight_plan, plan.plan_id == table.plan_id)
        .where(table.first_seen_s < time_s, _open(table.gone_s, time_s))
    )
    return [
        PrefileRow(
            prefile_id=row.prefile_id,
            cid=row.cid,
            callsign=row.callsign,
            first_seen_s=row.first_seen_s,
            received_at_us=row.received_at_us,
            plan=read_plan(row.plan),
        )
        for row in rows
    ]
