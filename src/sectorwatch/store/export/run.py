"""An export from beginning to end: what there is, row by row into a file, and what to say of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sectorwatch.clock import format_s
from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.export import rows
from sectorwatch.store.export.wanted import COLUMNS
from sectorwatch.store.files import FILE_MODE, TEMPORARY_SUFFIX, disk_errors, publish
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.segments import DEMAND, POSITIONS, VISITS

if TYPE_CHECKING:
    from sectorwatch.store import Store
    from sectorwatch.store.export.wanted import Wanted
    from sectorwatch.store.sources import Sources

__all__ = ["Exported", "export"]

_SLOW_S = 60.0
_READERS = {"tracks": rows.tracks, "visits": rows.visits, "demand": rows.demand}
_SEGMENTS = {"tracks": POSITIONS, "visits": VISITS, "demand": DEMAND}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows, bytes, and in words what is missing in the period."""

    rows: int
    bytes: int
    remarks: list[str]


def export(store: Store, wanted: Wanted) -> Exported:
    """Writes what is `wanted` to its file, whole or not at all; it has its name when it is whole.

    Raises StoreError where there is nothing in the period (it says which period there is), where
    the file is there already and `force` is not given, and where it cannot be written.
    """
    from sectorwatch.store.export.files import open_sink  # noqa: PLC0415 - brings pyarrow

    out = wanted.out.absolute()
    _require_new(wanted)
    kept = _kept(store.sources, wanted)
    unread: list[str] = []
    count = 0
    temporary = out.with_name(f".{out.name}{TEMPORARY_SUFFIX}")
    with disk_errors(f"writing {out}"):
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        try:
            with os.fdopen(handle, "wb") as file:
                sink = open_sink(wanted, file)
                try:
                    for batch in _READERS[wanted.kind](store.sources, wanted, unread):
                        sink.write(batch)
                        count += len(batch[COLUMNS[wanted.kind][0].name])
                finally:
                    sink.finish()
            _require_some(count, _nothing(wanted, kept, unread))
            _require_new(wanted)
            publish(temporary, out)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return Exported(count, out.stat().st_size, [*unread, *_gaps(store.sources, wanted)])


def _require_some(count: int, otherwise: str) -> None:
    if not count:
        raise StoreError(otherwise)


def _require_new(wanted: Wanted) -> None:
    if wanted.out.is_dir():
        raise StoreError(f"{wanted.out} is a folder: name a file")
    if wanted.out.exists() and not wanted.force:
        raise StoreError(f"{wanted.out} is there already: give --force to replace it")


def _kept(sources: Sources, wanted: Wanted) -> tuple[int, int]:
    """From when to when there is something of this kind. Raises StoreError where there is not."""
    segment, tick = schema.segment.c, schema.tick.c
    kind = _SEGMENTS[wanted.kind]
    table = {
        "tracks": (tick.snapshot_time_us / 1_000_000, tick.snapshot_time_us / 1_000_000),
        "visits": (schema.visit.c.entry_s, func.coalesce(schema.visit.c.exit_s, wanted.from_s)),
        "demand": (schema.demand.c.minute_s, schema.demand.c.minute_s),
    }[wanted.kind]
    with sources.database.read("asking what there is", _SLOW_S) as connection:
        known = known_times(connection, wanted.from_s, wanted.to_s)
        sealed = connection.execute(
            select(func.min(segment.first_s), func.max(segment.last_s)).where(
                segment.kind == kind.name, segment.replaced_at_us.is_(None)
            )
        ).one()
        chosen = select(func.min(table[0]), func.max(table[1]))
        if wanted.kind == "tracks":
            chosen = chosen.where(tick.positions.is_not(None))
        unsealed = connection.execute(chosen).one()
    times = [int(each) for each in (*sealed, *unsealed) if each is not None]
    if not times or known.first_s is None or known.last_s is None:
        raise StoreError(f"there are no {wanted.kind} yet: nothing has been taken in")
    first_s, last_s = min(times), max(*times, known.last_s)
    if wanted.to_s <= first_s or wanted.from_s > last_s:
        raise StoreError(_nothing(wanted, (first_s, last_s), []))
    return first_s, last_s


def _nothing(wanted: Wanted, kept: tuple[int, int], unread: list[str]) -> str:
    period = f"{format_s(wanted.from_s)} to {format_s(wanted.to_s)}"
    filters = (wanted.airport, wanted.callsign, wanted.sector)
    asked = [repr(each) for each in filters if each is not None]
    of = f" of {', '.join(asked)}" if asked else ""
    there = f"there are {wanted.kind} from {format_s(kept[0])} to {format_s(kept[1])}"
    return " ".join([f"nothing{of} from {period}: {there}", *unread])


def _gaps(sources: Sources, wanted: Wanted) -> list[str]:
    """What of the period nothing is known of."""
    with sources.database.read("asking for gaps") as connection:
        known = known_times(connection, wanted.from_s, wanted.to_s)
    said = []
    if known.first_s is not None and known.first_s > wanted.from_s:
        said.append(f"Before {format_s(known.first_s)} nothing is known.")
    if known.last_s is not None and known.last_s + 1 < wanted.to_s:
        said.append(f"After {format_s(known.last_s)} nothing is known yet.")
    said += [
        f"From {format_s(gap.start_s)} to {format_s(gap.end_s)} there was no snapshot."
        for gap in known.gaps
    ]
    return said
