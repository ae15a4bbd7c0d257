"""What a tick says, as rows for the tables, and the statements that put them there.

A statement is compiled once and given plain tuples afterwards: a steady tick then spends its time
in the database, not in making SQL.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sectorwatch.feed.records import FlightPlan
from sectorwatch.store import schema
from sectorwatch.store.blobs import PER_DEGREE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from sqlalchemy import Dialect, Table

    from sectorwatch.traffic.tick import (
        Contact,
        Demand,
        Flight,
        Movement,
        Ownership,
        PlanRevision,
        PrefileRow,
        Session,
        Tick,
        Visit,
    )

    Rows: TypeAlias = list[tuple[Any, ...]]

__all__ = ["Upserts", "clean", "plan_id_of", "plan_text", "read_plan", "tick_rows", "upsert"]

_INT32 = 2**31 - 1
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(FlightPlan)

_TICK_TABLES = (
    schema.flight_plan,
    schema.flight,
    schema.plan_revision,
    schema.prefile,
    schema.visit,
    schema.movement,
    schema.session,
    schema.ownership,
    schema.contact,
    schema.demand,
    schema.gap,
    schema.network_count,
)


class _KeptPlan(FlightPlan, frozen=True, gc=False, omit_defaults=True):
    """A plan as it is kept."""


class Upserts:
    """The `upsert` of each table that a tick changes, and the statement for the tick itself."""

    def __init__(self, dialect: Dialect) -> None:
        self.by_table = {table.name: upsert(table, dialect) for table in _TICK_TABLES}
        self.tick = str(schema.tick.insert().compile(dialect=dialect))

    def __getitem__(self, table: Table) -> str:
        return self.by_table[table.name]


def upsert(table: Table, dialect: Dialect) -> str:
    """The SQL that puts a row into `table`, or in the place of the one with the same key.

    Parameters go in by position, in the order of the table's columns.
    """
    insert: Any = sqlite_insert if dialect.name == "sqlite" else postgresql_insert
    statement = insert(table).values({column.name: None for column in table.columns})
    others = [column.name for column in table.columns if not column.primary_key]
    if table is schema.flight_plan:
        # Named after its content: the one that is there says the same.
        others.remove("plan")
    statement = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in others},
    )
    compiled = statement.compile(dialect=dialect)
    if list(compiled.positiontup or ()) != [column.name for column in table.columns]:
        raise AssertionError(f"{table.name}: parameters are not in the order of its columns")
    return str(compiled)


def tick_rows(tick: Tick) -> Iterator[tuple[Table, Rows]]:
    """The rows that `tick` changes, table by table, each in the order of its table's columns."""
    plans = _Plans()
    flights: Rows = [_flight(each, plans) for each in tick.flights]
    revisions: Rows = [_revision(each, plans) for each in tick.plans]
    prefiles: Rows = [_prefile(each, plans) for each in tick.prefiles]
    now_s = tick.time_us // 1_000_000
    yield schema.flight_plan, [(number, now_s, text) for number, text in plans.texts.items()]
    yield schema.flight, flights
    yield schema.plan_revision, revisions
    yield schema.prefile, prefiles
    yield schema.visit, [_visit(each) for each in tick.visits]
    yield schema.movement, [_movement(each) for each in tick.movements]
    yield schema.session, [_session(each) for each in tick.sessions]
    yield schema.ownership, [_ownership(each) for each in tick.ownerships]
    yield schema.contact, [_contact(each) for each in tick.contacts]
    yield schema.demand, _demand(tick.demand)
    yield schema.gap, [] if tick.gap is None else [(tick.gap.start_s, tick.gap.end_s)]
    counts = (_small(each) for each in msgspec.structs.astuple(tick.network))
    yield schema.network_count, [(now_s, *counts)]


def plan_text(plan: FlightPlan) -> str:
    """A plan as the JSON that is kept: without the fields that say nothing."""
    values = msgspec.structs.astuple(plan)
    try:
        return _encoder.encode(_KeptPlan(*values)).decode()
    except UnicodeEncodeError:
        said: Any = (clean(value) if isinstance(value, str) else value for value in values)
        return _encoder.encode(_KeptPlan(*said)).decode()


def read_plan(text: str) -> FlightPlan:
    """The plan that `plan_text` was given."""
    return _decoder.decode(text)


def plan_id_of(text: str) -> int:
    """The 63-bit number by which a plan is kept once, however many flights filed it."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def clean(text: str) -> str:
    """`text` as every database takes it: no NUL, and no half of a surrogate pair."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _small(number: int) -> int:
    # What the feed says may be any number; a column of 32 bits must not stop the tick.
    return max(-_INT32, min(number, _INT32))


def _e5(degrees: float | None) -> int | None:
    return None if degrees is None else round(degrees * PER_DEGREE)


def _known(text: str | None) -> str | None:
    return None if text is None else clean(text)


class _Plans:
    """The plans of one tick, each written once though flight and revision both have it."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self._numbers: dict[int, int] = {}

    def number_of(self, plan: FlightPlan) -> int:
        # By identity: the tick keeps every plan alive for as long as this lives.
        number = self._numbers.get(id(plan))
        if number is None:
            text = plan_text(plan)
            number = self._numbers[id(plan)] = plan_id_of(text)
            self.texts[number] = text
        return number


def _flight(flight: Flight, plans: _Plans) -> tuple[Any, ...]:
    plan = flight.plan
    filed: tuple[int | str | None, ...] = (None,) * 5
    if plan is not None:
        texts = (plan.flight_rules, plan.aircraft_short, plan.departure, plan.arrival)
        filed = (plans.number_of(plan), *(clean(each) or None for each in texts))
    return (
        flight.flight_id,
        flight.cid,
        clean(flight.callsign),
        flight.first_seen_s,
        flight.logon_time_s,
        clean(flight.server),
        _small(flight.pilot_rating),
        *filed,
        flight.departed_s,
        _known(flight.departed_from),
        flight.arrived_s,
        _known(flight.arrived_at),
        flight.ended_s,
        flight.reconnects,
    )


def _revision(revision: PlanRevision, plans: _Plans) -> tuple[Any, ...]:
    return (
        revision.flight_id,
        revision.snapshot_time_us,
        revision.received_at_us,
        plans.number_of(revision.plan),
    )


def _prefile(prefile: PrefileRow, plans: _Plans) -> tuple[Any, ...]:
    return (
        prefile.prefile_id,
        prefile.cid,
        clean(prefile.callsign),
        prefile.first_seen_s,
        prefile.received_at_us,
        plans.number_of(prefile.plan),
        prefile.gone_s,
    )


def _visit(visit: Visit) -> tuple[Any, ...]:
    return (
        visit.entry_s,
        visit.flight_id,
        visit.sector_id,
        _e5(visit.entry_latitude),
        _e5(visit.entry_longitude),
        visit.entry_altitude_ft,
        visit.exit_s,
        _e5(visit.exit_latitude),
        _e5(visit.exit_longitude),
        visit.exit_altitude_ft,
    )


def _movement(movement: Movement) -> tuple[Any, ...]:
    return (
        movement.flight_id,
        movement.kind,
        movement.time_s,
        clean(movement.airport),
        clean(movement.callsign),
    )


def _session(session: Session) -> tuple[Any, ...]:
    return (
        session.session_id,
        session.cid,
        clean(session.callsign),
        clean(session.frequency),
        _small(session.facility),
        _small(session.rating),
        clean(session.server),
        _small(session.visual_range),
        session.logon_time_s,
        session.first_seen_s,
        session.ended_s,
    )


def _contact(contact: Contact) -> tuple[Any, ...]:
    return (
        contact.start_s,
        contact.flight_id,
        contact.session_id,
        contact.channel_khz,
        contact.airborne,
        contact.end_s,
    )


def _demand(demand: Demand) -> Rows:
    columns = (demand.minute_s, demand.sector_id, demand.occupancy, demand.entries)
    in_contact = (None if each < 0 else each for each in demand.in_contact.tolist())
    return list(zip(*(column.tolist() for column in columns), in_contact, strict=True))


def _ownership(ownership: Ownership) -> tuple[Any, ...]:
    return (
        ownership.sector_id,
        ownership.start_s,
        ownership.session_id,
        clean(ownership.callsign),
        clean(ownership.why),
        ownership.end_s,
    )
