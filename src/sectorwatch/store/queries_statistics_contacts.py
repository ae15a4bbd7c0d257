"""Questions over long periods: when radios were heard, and who was in contact with whom.

A month of a whole network is a million contacts and several million visits, so both come a sealed
day at a time; what is not sealed yet is read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import exists, func, literal, or_, select

from sectorwatch.store import schema
from sectorwatch.store.known_spans import KnownSpans
from sectorwatch.store.lost import lost_spans
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.segments import CONTACTS, DEMAND, VISITS
from sectorwatch.store.sources import chunks_of, columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Connection, Table

    from sectorwatch.store.segments import SegmentKind
    from sectorwatch.store.sources import Sources

__all__ = ["HeardQueries", "Intervals"]

_LIMIT_S = 30.0
_MINUTE_S = 60


class Intervals:
    """Rows of one kind with a start and an end, to be had a period at a time.

    `between` gives the columns `flight_id`, `other` (the session or the sector), `start_s` and
    `end_s` of the rows of which some part lies in a period, none of them cut to it.
    """

    def __init__(
        self,
        sources: Sources,
        kind: SegmentKind,
        recent: dict[str, NDArray[np.int64]],
        chosen: str,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        self._sources = sources
        self._kind = kind
        self._recent = recent
        self._chosen = chosen
        self._parameters = parameters or {}

    def between(self, from_s: int, to_s: int) -> dict[str, NDArray[np.int64]]:
        """The rows of a period, of tables and files together."""
        with self._sources.database.read("asking for sealed days") as connection:
            files = self._sources.manifest.files(connection, self._kind.name, from_s, to_s)
        here = (self._recent["start_s"] < to_s) & (self._recent["end_s"] > from_s)
        found = {name: column[here] for name, column in self._recent.items()}
        if not files:
            return found
        other = "session_id" if self._kind is CONTACTS else "sector_id"
        columns = self._sources.ask(
            f"SELECT flight_id, {other} AS other, {self._kind.time} AS start_s, "  # noqa: S608 - names of our own
            f"{self._kind.until} AS end_s FROM read_parquet($files, hive_partitioning = false) "
            f"WHERE {self._kind.time} < $to_s AND {self._kind.until} > $from_s {self._chosen}",
            files,
            {"from_s": from_s, "to_s": to_s} | self._parameters,
            limit_s=_LIMIT_S,
        )
        if columns is None:
            return found
        return {name: np.concatenate([column, columns[name]]) for name, column in found.items()}


class HeardQueries:
    """Asks over long periods; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def known(self, from_s: int, to_s: int, *, visits: bool = False) -> KnownSpans:
        """When radios were heard: the minutes of which it is known who was in contact.

        Not where contacts are kept no longer, or with `visits` visits: nobody is not nothing left.
        """
        with self._sources.database.read("asking when radios were heard", _LIMIT_S) as connection:
            files = self._sources.manifest.files(connection, DEMAND.name, from_s, to_s)
            rows = _heard_minutes(connection, from_s, to_s)
            lost = [
                each
                for kind in ((CONTACTS, VISITS) if visits else (CONTACTS,))
                for each in lost_spans(connection, kind.name, from_s, to_s)
            ]
        parts = [np.array(rows, np.int64)]
        if files:
            columns = self._sources.ask(
                # Files of earlier versions have no such column: nobody listened then.
                "SELECT DISTINCT minute_s FROM (SELECT NULL::INTEGER AS in_contact WHERE false "
                "UNION ALL BY NAME SELECT * FROM read_parquet($files, hive_partitioning = false, "
                "union_by_name = true)) "
                "WHERE minute_s >= $from_s AND minute_s < $to_s AND in_contact IS NOT NULL",
                files,
                {"from_s": from_s, "to_s": to_s},
                limit_s=_LIMIT_S,
            )
            parts += [] if columns is None else [columns["minute_s"]]
        minutes = np.unique(np.concatenate(parts))
        begins = np.diff(minutes, prepend=minutes[:1] - 2 * _MINUTE_S) > _MINUTE_S
        ends = np.diff(minutes, append=minutes[-1:] + 2 * _MINUTE_S) > _MINUTE_S
        spans = KnownSpans(minutes[begins], minutes[ends] + _MINUTE_S)
        for each in lost:
            spans = spans.without(each.start_s, each.end_s)
        return spans

    def contacts(self, from_s: int, to_s: int) -> Intervals:
        """Contacts in the air, `other` being the session; what lasts, lasts until now."""
        chosen = schema.contact.c.airborne
        names = ("session_id", "start_s", "end_s")
        with self._sources.database.read("asking for contacts", _LIMIT_S) as connection:
            recent = _recent(connection, schema.contact, names, from_s, to_s, chosen)
        return Intervals(self._sources, CONTACTS, recent, "AND airborne")

    def visits(self, from_s: int, to_s: int, sector_ids: Sequence[int]) -> Intervals:
        """Visits to these sectors, `other` being the sector; what lasts, lasts until now."""
        chosen = schema.visit.c.sector_id.in_(sector_ids)
        names = ("sector_id", "entry_s", "exit_s")
        with self._sources.database.read("asking for visits", _LIMIT_S) as connection:
            recent = _recent(connection, schema.visit, names, from_s, to_s, chosen)
        here = "AND sector_id IN (SELECT unnest($sectors))"
        return Intervals(self._sources, VISITS, recent, here, {"sectors": list(sector_ids)})


def _heard_minutes(connection: Connection, from_s: int, to_s: int) -> list[int]:
    """Minutes of the table with a row that says who was in contact: of each, one is enough."""
    table = schema.demand.c
    # Each by itself: SQLite finds the first and the last by the key, but not both in one question.
    first_s, last_s = connection.execute(
        select(
            select(func.min(table.minute_s)).scalar_subquery(),
            select(func.max(table.minute_s)).scalar_subquery(),
        )
    ).one()
    if first_s is None:
        return []
    begin = max(-(-from_s // _MINUTE_S) * _MINUTE_S, first_s)
    end = min(to_s, last_s + _MINUTE_S)
    wanted = select(literal(begin).label("minute_s")).cte("wanted", recursive=True)
    following = wanted.c.minute_s + _MINUTE_S
    wanted = wanted.union_all(select(following).where(following < end))
    heard = exists().where(table.minute_s == wanted.c.minute_s, table.in_contact.is_not(None))
    minutes = connection.scalars(select(wanted.c.minute_s).where(wanted.c.minute_s < end, heard))
    return [int(minute) for minute in minutes]


def _recent(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    from_s: int,
    to_s: int,
    chosen: ColumnElement[bool],
) -> dict[str, NDArray[np.int64]]:
    """What the tables hold of a period."""
    last_s = known_times(connection, from_s, to_s).last_s
    other, start, end = (table.c[name] for name in names)
    question = select(
        table.c.flight_id, other, start, func.coalesce(end, to_s if last_s is None else last_s)
    ).where(start < to_s, or_(end.is_(None), end > from_s), chosen)
    chunks = [columns_of(chunk, 4) for chunk in chunks_of(connection, question)]
    return {
        name: np.concatenate([np.empty(0, np.int64), *(chunk[number] for chunk in chunks)])
        for number, name in enumerate(("flight_id", "other", "start_s", "end_s"))
    }
