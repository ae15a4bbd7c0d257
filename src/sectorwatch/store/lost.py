"""Of which times something was kept and is no longer: answers say so, for it is not nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from sectorwatch.clock import format_s, parse_us
from sectorwatch.store import schema
from sectorwatch.store.rows import upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Lost", "lost_spans", "lost_times", "note_let_go"]

_KEPT_FROM = "kept_from:"


class Lost(NamedTuple):
    """A time of which nothing is left, half-open, and why in words."""

    start_s: int
    end_s: int
    why: str


def lost_times(connection: Connection, kind: str, from_s: int, to_s: int) -> list[Lost]:
    """What of a kind of segments is lost in a period, oldest first: let go, or damaged."""
    segment, meta = schema.segment.c, schema.meta.c
    found = []
    kept_from = connection.scalar(select(meta.value).where(meta.name == _KEPT_FROM + kind))
    if kept_from is not None:
        kept_s = parse_us(kept_from) // 1_000_000
        first_us = connection.scalar(select(func.min(schema.tick.c.snapshot_time_us)))
        start_s = max(from_s, 0 if first_us is None else first_us // 1_000_000)
        if start_s < min(kept_s, to_s):
            words = f"let go: {kind} are kept from {kept_from} on"
            found.append(Lost(start_s, min(kept_s, to_s), words))
    rows = connection.execute(
        select(segment.path, segment.start_s, segment.end_s)
        .where(
            segment.kind == kind,
            segment.replaced_at_us.is_(None),
            segment.missing.is_(True),
            segment.start_s < to_s,
            segment.end_s > from_s,
        )
        .order_by(segment.start_s)
    )
    found += [
        Lost(
            max(row.start_s, from_s),
            min(row.end_s, to_s),
            f"the sealed file {row.path} is missing or damaged: restore it from a backup, or "
            "rebuild it from the journal",
        )
        for row in rows
    ]
    return found


def lost_spans(connection: Connection, kind: str, from_s: int, to_s: int) -> list[Lost]:
    """The same of what lasts, visits and contacts: of a file's from when the first of it began."""
    segment = schema.segment.c
    rows = connection.execute(
        select(segment.path, segment.first_s, segment.end_s).where(
            segment.kind == kind,
            segment.replaced_at_us.is_(None),
            segment.missing.is_(True),
            segment.first_s < to_s,
            segment.end_s > from_s,
        )
    )
    damaged = [
        Lost(each.first_s, each.end_s, f"the sealed file {each.path} is missing or damaged")
        for each in rows
    ]
    return [*damaged, *lost_times(connection, kind, from_s, to_s)]


def note_let_go(connection: Connection, kind: str, end_s: int) -> None:
    """Notes that of `kind` nothing is kept from before `end_s`."""
    name = _KEPT_FROM + kind
    before = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == name))
    row = (name, max(before or "", format_s(end_s)))
    connection.exec_driver_sql(upsert(schema.meta, connection.dialect), [row])
