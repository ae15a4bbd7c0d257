"""For which airspace a day was computed again, where sectors were drawn anew since it was flown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from sectorwatch.clock import format_s
from sectorwatch.store import schema
from sectorwatch.store.rows import upsert
from sectorwatch.store.segments import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = ["airspace_noted", "airspaces_counted", "forget_airspaces", "note_airspace"]

_NOTE = "airspace_of:"


def airspace_noted(connection: Connection, time_s: int) -> str | None:
    """The fingerprint of the airspace that a day was computed for again, None where it was not."""
    found: str | None = connection.scalar(
        select(schema.meta.c.value).where(schema.meta.c.name == _note_of(time_s))
    )
    return found


def airspaces_counted(
    connection: Connection, spans: Sequence[tuple[int, str]]
) -> list[tuple[int, str]]:
    """From when on which airspace is counted for: `spans` of those flown over, in order of time.

    A day that was computed again is one of the airspace that it was computed for.
    """
    table = schema.meta.c
    rows = connection.execute(
        select(table.name, table.value)
        .where(table.name.startswith(_NOTE, autoescape=True))
        .order_by(table.name)
    )
    found = list(spans)
    for name, fingerprint in rows:
        day_s = int(datetime.fromisoformat(f"{name[len(_NOTE) :]}T00:00:00Z").timestamp())
        before = [each for each in found if each[0] < day_s]
        of_day = [each for each in found if day_s <= each[0] < day_s + DAY_S]
        after = [each for each in found if each[0] >= day_s + DAY_S]
        found = [*before, (day_s, fingerprint)]
        # What was flown over at the end of the day goes on after it.
        then = (of_day or before or [(day_s, fingerprint)])[-1]
        if not after or after[0][0] > day_s + DAY_S:
            found.append((day_s + DAY_S, then[1]))
        found += after
    return found


def forget_airspaces(connection: Connection, from_s: int) -> None:
    """Forgets for which airspaces days from `from_s` on were computed again."""
    name = schema.meta.c.name
    connection.execute(
        delete(schema.meta).where(name.startswith(_NOTE, autoescape=True), name >= _note_of(from_s))
    )


def _note_of(time_s: int) -> str:
    return f"{_NOTE}{format_s(time_s)[:10]}"


def note_airspace(connection: Connection, day_s: int, fingerprint: str) -> None:
    """Notes for which airspace the day that begins at `day_s` was computed again."""
    row = (_note_of(day_s), fingerprint)
    connection.exec_driver_sql(upsert(schema.meta, connection.dialect), [row])
