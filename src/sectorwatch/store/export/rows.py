"""What an export reads, piece by piece: whole tracks as flights end, visits and demand by day."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import and_, func, or_, select

from sectorwatch.clock import format_s
from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.blobs import PER_DEGREE, StoredPositions
from sectorwatch.store.export.wanted import texts
from sectorwatch.store.hours import read_hour
from sectorwatch.store.queries_flights import touches
from sectorwatch.store.rows import clean
from sectorwatch.store.sealing import table_columns
from sectorwatch.store.segments import DEMAND, HOUR_S, VISITS
from sectorwatch.store.steps import first_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Row

    from sectorwatch.store.export.wanted import Batch, Wanted
    from sectorwatch.store.segments import SegmentKind
    from sectorwatch.store.sources import Sources

__all__ = ["demand", "tracks", "visits"]

_SLOW_S = 120.0
_LAG_S = 600
"""A position is at most so much older than the snapshot that brought it (177 s were seen)."""
_MOST_IDS = 10_000


def tracks(sources: Sources, wanted: Wanted, unread: list[str]) -> Iterator[Batch]:
    """Whole tracks, each flight's rows together in order of time; flights as they end.

    Held meanwhile are the flights that are online, as far as they have come. What cannot be read
    is said in `unread`.
    """
    chosen = _flights_wanted(sources, wanted)
    hours = _hours(sources, wanted)
    online: dict[int, list[StoredPositions]] = {}
    known: dict[int, Row[Any]] = {}
    for number, hour_s in enumerate(hours):
        here = set()
        for flight_id, rows in _by_flight(_hour(sources, hour_s, wanted, chosen, unread)):
            online.setdefault(flight_id, []).append(rows)
            here.add(flight_id)
        with sources.database.read("asking whose positions these are", _SLOW_S) as connection:
            known |= _flight_rows(connection, here - known.keys())
        end_s = hour_s + HOUR_S
        over = [each for each in online if _is_over(each, known.get(each), end_s, here)]
        if over:
            yield _track_batch(over, online, known)
        for each in over:
            del online[each]
            known.pop(each, None)
        wanted.progress((number + 1) / len(hours))
    if online:
        yield _track_batch(list(online), online, known)


def visits(sources: Sources, wanted: Wanted, unread: list[str]) -> Iterator[Batch]:
    """Visits of which some part lies in the period, by the day in which they ended."""
    table = schema.visit.c
    chosen = _flights_wanted(sources, wanted)
    sectors = _sectors_wanted(sources, wanted)
    within = and_(
        table.entry_s < wanted.to_s, or_(table.exit_s.is_(None), table.exit_s > wanted.from_s)
    )
    question = "entry_s < $to_s AND exit_s > $from_s"
    for columns in _by_day(sources, VISITS, schema.visit, within, question, wanted, unread):
        keep = np.isin(columns["sector_id"], sectors) if sectors is not None else None
        if chosen is not None:
            mine = np.isin(columns["flight_id"], chosen)
            keep = mine if keep is None else keep & mine
        rows = columns if keep is None else {name: c[keep] for name, c in columns.items()}
        if len(rows["flight_id"]):
            yield _visit_batch(sources, rows)


def demand(sources: Sources, wanted: Wanted, unread: list[str]) -> Iterator[Batch]:
    """Minutes that are final, by day, sector and time; those in which all is zero have no row."""
    table = schema.demand.c
    sectors = _sectors_wanted(sources, wanted)
    within = and_(table.minute_s >= wanted.from_s, table.minute_s < wanted.to_s)
    question = "minute_s >= $from_s AND minute_s < $to_s"
    for columns in _by_day(sources, DEMAND, schema.demand, within, question, wanted, unread):
        keep = np.isin(columns["sector_id"], sectors) if sectors is not None else slice(None)
        rows = {name: column[keep] for name, column in columns.items()}
        if len(rows["minute_s"]):
            order = np.lexsort([rows["minute_s"], rows["sector_id"]])
            rows = {name: column[order] for name, column in rows.items()}
            others = {n: c for n, c in rows.items() if n not in {"sector_id", "minute_s"}}
            names = _sector_names(sources, rows["sector_id"])
            yield {**names, "minute_utc": rows["minute_s"], **others}


class _Sealed(NamedTuple):
    path: str
    start_s: int


def _by_day(
    sources: Sources,
    kind: SegmentKind,
    table: Any,
    within: Any,
    question: str,
    wanted: Wanted,
    unread: list[str],
) -> Iterator[dict[str, NDArray[Any]]]:
    """What matches, file by file, and last what is still in the table.

    Table and manifest are read at one moment, so that a day that is being sealed is neither missed
    nor doubled; the table holds two to three days, so it fits.
    """
    segment = schema.segment.c
    with sources.database.read(f"reading {kind.name}", _SLOW_S) as connection:
        rest = table_columns(connection, kind, table, within)
        listed = connection.execute(
            select(segment.path, segment.start_s, segment.missing)
            .where(
                segment.kind == kind.name,
                segment.replaced_at_us.is_(None),
                segment.first_s < wanted.to_s,
                segment.last_s >= wanted.from_s,
            )
            .order_by(segment.start_s)
        ).all()
    for number, file in enumerate(listed):
        wanted.progress(number / (len(listed) + 1))
        words = f"{kind.name} of {format_s(file.start_s)[:10]} left out"
        if file.missing:
            unread.append(f"{words}: {file.path} is missing, restore it from a backup.")
            continue
        try:
            found = _read(sources, kind, _Sealed(file.path, file.start_s), question, wanted)
        except StoreError as error:
            unread.append(f"{words}: {error}.")
        else:
            yield found
    yield rest


def _read(
    sources: Sources, kind: SegmentKind, file: _Sealed, question: str, wanted: Wanted
) -> dict[str, NDArray[Any]]:
    path = sources.manifest.root / file.path
    if not path.exists():
        # Replaced more than ten minutes ago, while this was reading others: its newer edition.
        with sources.database.read("reading the manifest") as connection:
            now = sources.manifest.of_period(connection, kind, file.start_s)
        path = sources.manifest.root / now[-1].path if now else path
    found = sources.reader.ask(
        f"SELECT * FROM read_parquet($files, hive_partitioning = false) WHERE {question}",  # noqa: S608 - our own
        [str(path)],
        {"from_s": wanted.from_s, "to_s": wanted.to_s},
        limit_s=_SLOW_S,
    )
    # A column that came later is in no older file: there it is unknown.
    unknown = np.ma.MaskedArray(np.zeros(len(found[kind.time]), np.int32), mask=True)
    return {name: found.get(name, unknown) for name in kind.columns}


def _hours(sources: Sources, wanted: Wanted) -> list[int]:
    """The hours whose snapshots may have brought positions of the period."""
    tick = schema.tick.c.snapshot_time_us
    with sources.database.read("asking for hours") as connection:
        first_us, last_us = connection.execute(select(func.min(tick), func.max(tick))).one()
    if first_us is None:
        return []
    first_s = max(wanted.from_s, first_us // 1_000_000) // HOUR_S * HOUR_S
    last_s = min(wanted.to_s + _LAG_S, last_us // 1_000_000 + 1)
    return list(range(first_s, last_s, HOUR_S))


def _hour(
    sources: Sources,
    hour_s: int,
    wanted: Wanted,
    chosen: NDArray[np.int64] | None,
    unread: list[str],
) -> StoredPositions:
    """The positions of an hour's snapshots that are wanted."""
    hour = read_hour(sources, hour_s, None if chosen is None else chosen.tolist())
    if hour.problem is not None:
        unread.append(f"left out: {hour.problem}.")
    whole = hour.positions
    rows = np.flatnonzero((whole.time_s >= wanted.from_s) & (whole.time_s < wanted.to_s))
    return whole.take(rows[np.lexsort([whole.time_s[rows], whole.flight_id[rows]])])


def _by_flight(positions: StoredPositions) -> Iterator[tuple[int, StoredPositions]]:
    edges = [*first_rows(positions.flight_id).tolist(), len(positions.flight_id)]
    for start, end in pairwise(edges):
        # A copy: a slice would keep the whole hour alive for as long as one flight is online.
        yield int(positions.flight_id[start]), positions.take(np.arange(start, end))


def _is_over(flight_id: int, row: Row[Any] | None, end_s: int, here: set[int]) -> bool:
    if row is None:
        return flight_id not in here
    return row.ended_s is not None and row.ended_s < end_s


def _flights_wanted(sources: Sources, wanted: Wanted) -> NDArray[np.int64] | None:
    """The numbers of the flights that are asked for; None for all."""
    if not wanted.is_filtered:
        return None
    flight = schema.flight.c
    asked = [
        flight.first_seen_s < wanted.to_s,
        or_(flight.ended_s.is_(None), flight.ended_s >= wanted.from_s),
    ]
    if wanted.callsign is not None:
        prefix = clean(wanted.callsign.strip().upper())
        asked.append(func.upper(flight.callsign).startswith(prefix, autoescape=True))
    if wanted.airport is not None:
        airport = clean(wanted.airport.strip().upper())
        asked.append(touches(airport, wanted.from_s, wanted.to_s))
    with sources.database.read("asking for flights", _SLOW_S) as connection:
        found = connection.scalars(select(flight.flight_id).where(*asked)).all()
    return np.array(sorted(found), np.int64)


def _sectors_wanted(sources: Sources, wanted: Wanted) -> NDArray[np.int64] | None:
    """The numbers of the sectors of the name asked for; None for all. Raises StoreError."""
    if wanted.sector is None:
        return None
    from sectorwatch.store.catalog import kept_sectors_named  # noqa: PLC0415

    found = kept_sectors_named(sources.database, wanted.sector)
    if not found:
        raise StoreError(f"there is no sector named {wanted.sector!r}, nor ever was one")
    return np.array([each.sector_id for each in found], np.int64)


def _flight_rows(connection: Connection, flight_ids: Iterable[int]) -> dict[int, Row[Any]]:
    columns = schema.flight.c["flight_id", "callsign", "departure", "arrival", "aircraft_short"]
    chosen = select(*columns, schema.flight.c.ended_s)
    ids = sorted(flight_ids)
    found: dict[int, Row[Any]] = {}
    for start in range(0, len(ids), _MOST_IDS):
        some = schema.flight.c.flight_id.in_(ids[start : start + _MOST_IDS])
        found |= {row.flight_id: row for row in connection.execute(chosen.where(some))}
    return found


def _flight_columns(flight_id: NDArray[np.int64], known: dict[int, Row[Any]]) -> Batch:
    def of(name: str) -> NDArray[Any]:
        return texts(flight_id, {number: getattr(row, name) for number, row in known.items()})

    return {
        "flight_id": flight_id,
        "callsign": of("callsign"),
        "departure": of("departure"),
        "arrival": of("arrival"),
        "aircraft": of("aircraft_short"),
    }


def _track_batch(
    flights: list[int], online: dict[int, list[StoredPositions]], known: dict[int, Row[Any]]
) -> Batch:
    here = StoredPositions.join([part for each in flights for part in online[each]])
    codes = np.unique(here.transponder).tolist()
    return {
        **_flight_columns(here.flight_id, {n: known[n] for n in flights if n in known}),
        "time_utc": here.time_s,
        "latitude_deg": here.latitude_e5 / PER_DEGREE,
        "longitude_deg": here.longitude_e5 / PER_DEGREE,
        "altitude_ft": here.altitude_ft,
        "groundspeed_kt": here.groundspeed_kt,
        "heading_deg": here.heading_deg,
        "squawk": texts(here.transponder, {c: f"{c:04d}" for c in codes if c >= 0}),
        "qnh_mb": np.ma.masked_less(here.qnh_mb, 0),
        "airborne": here.airborne,
    }


def _visit_batch(sources: Sources, rows: dict[str, NDArray[Any]]) -> Batch:
    order = np.lexsort([rows["flight_id"], rows["entry_s"], rows["sector_id"]])
    rows = {name: column[order] for name, column in rows.items()}
    with sources.database.read("asking whose visits these are", _SLOW_S) as connection:
        known = _flight_rows(connection, set(rows["flight_id"].tolist()))
    batch = {
        **_flight_columns(rows["flight_id"], known),
        **_sector_names(sources, rows["sector_id"]),
    }
    for end in ("entry", "exit"):
        batch[f"{end}_time_utc"] = rows[f"{end}_s"]
        for name in ("latitude", "longitude"):
            batch[f"{end}_{name}_deg"] = rows[f"{end}_{name}_e5"] / PER_DEGREE
        batch[f"{end}_altitude_ft"] = rows[f"{end}_altitude_ft"]
    batch["duration_s"] = rows["exit_s"] - rows["entry_s"]
    return batch


def _sector_names(sources: Sources, sector_id: NDArray[np.int64]) -> Batch:
    from sectorwatch.store.catalog import kept_sectors  # noqa: PLC0415

    kept = kept_sectors(sources.database, np.unique(sector_id).tolist())
    return {
        "sector": texts(sector_id, {number: each.name for number, each in kept.items()}),
        "partition": texts(sector_id, {number: each.partition for number, each in kept.items()}),
    }
