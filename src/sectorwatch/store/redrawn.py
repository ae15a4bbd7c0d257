"""A day's visits and demand of some sectors in the place of those that are kept, in one step.

Rows of other sectors stay as they are. A sealed day gets new editions of its files; what of it
still lies in tables is replaced there. Either all of a day is replaced or nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import and_, delete, or_, select

from sectorwatch.clock import format_s
from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.blobs import to_e5
from sectorwatch.store.lost import lost_spans
from sectorwatch.store.noted_airspaces import note_airspace
from sectorwatch.store.rows import upsert
from sectorwatch.store.sealing import joined_columns, table_columns
from sectorwatch.store.segments import CONTACTS, DAY_S, DEMAND, VISITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Connection, Table

    from sectorwatch.store.segments import SegmentFile, SegmentKind
    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Visit

__all__ = [
    "Contacts",
    "Day",
    "read_contacts",
    "replace_day",
    "visit_columns",
]

_SLOW_S = 120.0
_IN = 500
_TABLES: tuple[tuple[SegmentKind, Table, str], ...] = (
    (VISITS, schema.visit, "exit_s"),
    (DEMAND, schema.demand, "minute_s"),
)


class Day(NamedTuple):
    """What a day has: visits that ended in it and demand, columns by the names of their tables.

    `open` are the visits that last, where the day is the last one; None where it is not.
    """

    day_s: int
    visits: Mapping[str, NDArray[Any]]
    demand: Mapping[str, NDArray[Any]]
    open: Sequence[Visit] | None = None


class Contacts(NamedTuple):
    """Contacts in the air that touch a day, shape (n,), and the minutes of which they are known.

    `lost` says in words why of some minutes they are known no longer, None where they all are.
    """

    flight_id: NDArray[np.int64]
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]
    minutes_s: frozenset[int]
    lost: str | None = None

    def at(self, minute_s: int) -> NDArray[np.int64] | None:
        """The flights in contact at a minute, sorted; None where nobody knows."""
        if minute_s not in self.minutes_s:
            return None
        return np.unique(self.flight_id[(self.start_s <= minute_s) & (minute_s < self.end_s)])


def visit_columns(visits: Sequence[Visit]) -> dict[str, NDArray[Any]]:
    """Visits that have ended, as columns of a segment."""
    left = np.array([each.exit_latitude is None for each in visits], np.bool_)
    exits = [
        np.array([getattr(each, name) or 0.0 for each in visits], np.float64)
        for name in ("exit_latitude", "exit_longitude", "exit_altitude_ft")
    ]
    known = [np.ma.MaskedArray(to_e5(exits[n]), left) for n in range(2)]
    return {
        "sector_id": np.array([each.sector_id for each in visits], np.int64),
        "entry_s": np.array([each.entry_s for each in visits], np.int64),
        "flight_id": np.array([each.flight_id for each in visits], np.int64),
        "entry_latitude_e5": to_e5(np.array([v.entry_latitude for v in visits], np.float64)),
        "entry_longitude_e5": to_e5(np.array([v.entry_longitude for v in visits], np.float64)),
        "entry_altitude_ft": np.array([v.entry_altitude_ft for v in visits], np.int32),
        "exit_s": np.array([each.exit_s for each in visits], np.int64),
        "exit_latitude_e5": known[0],
        "exit_longitude_e5": known[1],
        "exit_altitude_ft": np.ma.MaskedArray(exits[2].astype(np.int32), left),
    }


def replace_day(sources: Sources, day: Day, sector_ids: Sequence[int], fingerprint: str) -> None:
    """Puts a day's rows of these sectors in the place of those kept.

    Raises StoreError where those kept cannot be read; then nothing is changed.
    `fingerprint` is that of the airspace they are of; it is noted beside them.
    """
    from sectorwatch.store.parquet import read_segment, write_segment  # noqa: PLC0415 - pyarrow

    manifest, database = sources.manifest, sources.database
    wanted = np.unique(np.array(sector_ids, np.int64))
    words = f"replacing what was seen on {format_s(day.day_s)[:10]}"
    with database.read(words) as connection:
        _require_all(connection, day.day_s)
    made: list[SegmentFile] = []
    dropped: list[SegmentFile] = []
    sealed: set[str] = set()
    for kind, table, time in _TABLES:
        with database.read(words, _SLOW_S) as connection:
            files = manifest.of_period(connection, kind, day.day_s)
            edition = manifest.free_edition(connection, kind, day.day_s)
            rest = table_columns(connection, kind, table, _within(table, time, day.day_s))
        if not files:
            continue
        sealed.add(kind.name)
        parts = [read_segment(manifest.root / each.path, kind) for each in files]
        others = [_without(part, wanted) for part in (*parts, rest)]
        new = day.visits if kind is VISITS else day.demand
        whole = {
            name: joined_columns([*(part[name] for part in others), new[name]])
            for name in kind.columns
        }
        dropped += files
        if len(whole["sector_id"]):
            made.append(write_segment(manifest.root, kind, day.day_s, whole, edition))
    with database.write(words) as connection:
        for file in made:
            manifest.add(connection, file)
        manifest.drop(connection, dropped)
        for kind, table, time in _TABLES:
            new = day.visits if kind is VISITS else day.demand
            if kind.name in sealed:
                # All of it lies in the file now.
                connection.execute(delete(table).where(_within(table, time, day.day_s)))
            else:
                _delete_of(connection, table, _within(table, time, day.day_s), wanted)
                _insert(connection, table, new)
        if day.open is not None:
            _delete_of(connection, schema.visit, schema.visit.c.exit_s.is_(None), wanted)
            _insert_open(connection, day.open)
        note_airspace(connection, day.day_s, fingerprint)


def read_contacts(sources: Sources, from_s: int, to_s: int) -> Contacts:
    """Contacts in the air of a period, and of which minutes they are known: by the demand kept.

    Not of those of which contacts are lost: nobody found in contact is not nobody in contact.
    Raises StoreError where the demand cannot be read.
    """
    table, demand = schema.contact.c, schema.demand.c
    with sources.database.read("asking for contacts", _SLOW_S) as connection:
        files = sources.manifest.files(connection, CONTACTS.name, from_s, to_s)
        counted = sources.manifest.files(connection, DEMAND.name, from_s, to_s)
        rows = connection.execute(
            select(table.flight_id, table.start_s, table.end_s).where(
                table.airborne.is_(True),
                table.start_s < to_s,
                or_(table.end_s.is_(None), table.end_s > from_s),
            )
        ).all()
        minutes = set(
            connection.scalars(
                select(demand.minute_s)
                .where(
                    demand.minute_s >= from_s,
                    demand.minute_s < to_s,
                    demand.in_contact.is_not(None),
                )
                .distinct()
            )
        )
    period = {"from_s": from_s, "to_s": to_s}
    parts = [
        np.array([(r.flight_id, r.start_s, r.end_s or 2**62) for r in rows], np.int64).reshape(
            -1, 3
        )
    ]
    if files:
        found = sources.ask(
            "SELECT flight_id, start_s, end_s FROM read_parquet($files, hive_partitioning = false) "
            "WHERE airborne AND start_s < $to_s AND end_s > $from_s",
            files,
            period,
            limit_s=_SLOW_S,
        )
        if found is not None:
            parts.append(np.column_stack([found["flight_id"], found["start_s"], found["end_s"]]))
    for file in counted:
        minutes |= _minutes_known(sources, file, period)
    # Asked last: what was found damaged just now is among it.
    with sources.database.read("asking what is lost") as connection:
        lost = lost_spans(connection, CONTACTS.name, from_s, to_s)
    for each in lost:
        minutes -= {minute for minute in minutes if each.start_s <= minute < each.end_s}
    whole = np.concatenate(parts)
    why = lost[0].why if lost else None
    return Contacts(whole[:, 0], whole[:, 1], whole[:, 2], frozenset(minutes), why)


def _require_all(connection: Connection, day_s: int) -> None:
    """Raise StoreError where a file of the day is missing: once restored, it would be had twice."""
    for kind, _, _ in _TABLES:
        segment = schema.segment.c
        path = connection.scalar(
            select(segment.path).where(
                segment.kind == kind.name,
                segment.start_s == day_s,
                segment.replaced_at_us.is_(None),
                segment.missing.is_(True),
            )
        )
        if path is not None:
            raise StoreError(
                f"the sealed file {path} is missing or damaged: restore it from a backup, or "
                "rebuild it from the journal"
            )


def _minutes_known(sources: Sources, file: str, period: dict[str, int]) -> set[int]:
    found = sources.reader.ask(
        "SELECT * FROM read_parquet($files, hive_partitioning = false) "
        "WHERE minute_s >= $from_s AND minute_s < $to_s",
        [file],
        period,
        limit_s=_SLOW_S,
    )
    if "in_contact" not in found:
        # Sealed before contact was known at all.
        return set()
    known = ~np.ma.getmaskarray(found["in_contact"])
    return set(np.unique(np.ma.getdata(found["minute_s"])[known]).tolist())


def _within(table: Table, time: str, day_s: int) -> ColumnElement[bool]:
    return and_(table.c[time] >= day_s, table.c[time] < day_s + DAY_S)


def _without(
    columns: Mapping[str, NDArray[Any]], sectors: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    keep = ~np.isin(columns["sector_id"], sectors)
    return {name: column[keep] for name, column in columns.items()}


def _delete_of(
    connection: Connection, table: Table, within: ColumnElement[bool], sectors: NDArray[np.int64]
) -> None:
    for start in range(0, len(sectors), _IN):
        some = sectors[start : start + _IN].tolist()
        connection.execute(delete(table).where(within, table.c.sector_id.in_(some)))


def _insert(connection: Connection, table: Table, columns: Mapping[str, NDArray[Any]]) -> None:
    names = [column.name for column in table.columns]
    rows = list(zip(*(np.ma.asarray(columns[name]).tolist() for name in names), strict=True))
    if rows:
        connection.exec_driver_sql(upsert(table, connection.dialect), rows)


def _insert_open(connection: Connection, visits: Iterable[Visit]) -> None:
    rows = [
        (
            each.entry_s,
            each.flight_id,
            each.sector_id,
            int(to_e5(np.array(each.entry_latitude))),
            int(to_e5(np.array(each.entry_longitude))),
            each.entry_altitude_ft,
            *(None,) * 4,
        )
        for each in visits
    ]
    if rows:
        connection.exec_driver_sql(upsert(schema.visit, connection.dialect), rows)
