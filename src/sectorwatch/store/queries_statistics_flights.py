"""Questions over long periods: who flew what, from where to where.

A period may be a month of a whole network, half a million flights, so rows become arrays as they
come, a few thousand at a time, and nothing is asked of the database that an index does not answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import BigInteger, case, cast, func, or_, select, true

from sectorwatch.store import schema
from sectorwatch.store.known_spans import KnownSpans, known_spans
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.segments import DAY_S, FLIGHTS, VISITS
from sectorwatch.store.sources import chunks_of, columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Connection

    from sectorwatch.store.sources import Sources

__all__ = ["Flown", "FlownQueries"]

_LIMIT_S = 30.0
_UNKNOWN = -1
_KINDS = (np.int64,) * 4 + (np.bool_,) + (np.int32,) * 3
_INSTRUMENT_RULES = ("I", "Y", "Z")
_FLIGHT = schema.flight.c
_FLOWN = select(
    _FLIGHT.flight_id,
    _FLIGHT.departed_s,
    func.coalesce(_FLIGHT.arrived_s, _UNKNOWN),
    func.coalesce(_FLIGHT.arrived_s, _FLIGHT.ended_s, _UNKNOWN),
    func.coalesce(_FLIGHT.flight_rules, ""),
    func.coalesce(_FLIGHT.departed_from, ""),
    func.coalesce(_FLIGHT.arrived_at, _FLIGHT.arrival, ""),
    func.coalesce(_FLIGHT.aircraft_short, ""),
)
_IN_FILES = (
    "SELECT flight_id, departed_s, coalesce(arrived_s, -1) AS arrived_s, "
    "coalesce(arrived_s, ended_s) AS until_s, "
    "coalesce(flight_rules, '') IN ('I', 'Y', 'Z') AS by_instruments, "
    "coalesce(departed_from, '') AS origin, coalesce(arrived_at, arrival, '') AS destination, "
    "coalesce(aircraft_short, '') AS aircraft "
    "FROM read_parquet($files, hive_partitioning = false) "
    "WHERE departed_s >= $from_s AND departed_s < $to_s"
)
_MOVEMENT = schema.movement.c


@dataclass(frozen=True, slots=True)
class Flown:
    """Flights that took off in a period, arrays of shape (n,), in no order.

    `origin` and `destination` index `airports`, `aircraft` indexes `types`; -1 is unknown.
    `by_instruments` says whose plan last filed is one by instrument rules. A flight that was seen
    to land has `arrived_s`, else -1, and its destination is then the one it filed. `until_s` is the
    landing, else the last position, -1 where it is still there.
    """

    flight_id: NDArray[np.int64]
    departed_s: NDArray[np.int64]
    arrived_s: NDArray[np.int64]
    until_s: NDArray[np.int64]
    by_instruments: NDArray[np.bool_]
    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    aircraft: NDArray[np.int32]
    airports: Sequence[str]
    types: Sequence[str]

    @property
    def landed(self) -> NDArray[np.bool_]:
        """Which were seen to land."""
        return self.arrived_s >= 0

    def take(self, chosen: NDArray[np.bool_]) -> Flown:
        """Only those that are chosen."""
        return Flown(
            self.flight_id[chosen],
            self.departed_s[chosen],
            self.arrived_s[chosen],
            self.until_s[chosen],
            self.by_instruments[chosen],
            self.origin[chosen],
            self.destination[chosen],
            self.aircraft[chosen],
            self.airports,
            self.types,
        )


class FlownQueries:
    """Asks over long periods; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def known(self, from_s: int, to_s: int) -> KnownSpans:
        """Of which times of a period flights, movements and sessions are known.

        Not before what is kept of them: what was let go of is not nothing.
        """
        with self._sources.database.read("asking what is known") as connection:
            spans = known_spans(known_times(connection, from_s, to_s), from_s, to_s)
            oldest_s = connection.scalar(select(func.min(_MOVEMENT.time_s)))
        if oldest_s is None:
            return spans
        # History is let go of by whole days.
        return spans.without(from_s, oldest_s // DAY_S * DAY_S)

    def flown(self, from_s: int, to_s: int) -> Flown:
        """Flights that took off in the period: of sealed days from their files, else from rows."""
        airports, types = _Codes(), _Codes()
        chunks: list[Sequence[NDArray[Any]]] = []
        with self._sources.database.read("asking who flew", limit_s=_LIMIT_S) as connection:
            files = self._sources.manifest.files(connection, FLIGHTS.name, from_s, to_s)
            question = _FLOWN.where(
                _FLIGHT.departed_s >= from_s,
                _FLIGHT.departed_s < to_s,
                _in_no_file(_sealed_days(connection)),
            )
            for chunk in chunks_of(connection, question):
                ids, off, on, until, rules, *texts = zip(*chunk, strict=True)
                chunks.append(
                    (
                        *(np.array(each, np.int64) for each in (ids, off, on, until)),
                        np.isin(rules, _INSTRUMENT_RULES),
                        airports.of(texts[0]),
                        airports.of(texts[1]),
                        types.of(texts[2]),
                    )
                )
        if files:
            chunks += self._in_files(files, from_s, to_s, airports, types)
        whole = [_joined(chunks, number, kind) for number, kind in enumerate(_KINDS)]
        return Flown(
            flight_id=whole[0],
            departed_s=whole[1],
            arrived_s=whole[2],
            until_s=whole[3],
            by_instruments=whole[4],
            origin=whole[5],
            destination=whole[6],
            aircraft=whole[7],
            airports=airports.names,
            types=types.names,
        )

    def _in_files(
        self, files: Sequence[str], from_s: int, to_s: int, airports: _Codes, types: _Codes
    ) -> list[list[NDArray[Any]]]:
        """The same of sealed days, texts as numbers: half a million of them are never made."""
        period = {"from_s": from_s, "to_s": to_s}

        def ask(question: str, more: dict[str, Any]) -> dict[str, NDArray[Any]] | None:
            return self._sources.ask(
                f"WITH flown AS ({_IN_FILES}) {question}", files, period | more, limit_s=_LIMIT_S
            )

        fields = ask("SELECT origin AS name FROM flown UNION SELECT destination FROM flown", {})
        kinds = ask("SELECT DISTINCT aircraft AS name FROM flown", {})
        if fields is None or kinds is None:
            return []
        named: dict[str, list[Any]] = {}
        for what, codes, found in (("airport", airports, fields), ("type", types, kinds)):
            names = sorted(found["name"].tolist())
            named |= {f"{what}_names": names, f"{what}_numbers": codes.of(names).tolist()}
        columns = ask(
            ", airport AS (SELECT unnest($airport_names) AS name, "
            "unnest($airport_numbers)::INTEGER AS number), "
            "type AS (SELECT unnest($type_names) AS name, "
            "unnest($type_numbers)::INTEGER AS number) "
            "SELECT flight_id, departed_s, arrived_s, until_s, by_instruments, a.number AS origin, "
            "b.number AS destination, type.number AS aircraft FROM flown "
            "JOIN airport AS a ON a.name = origin JOIN airport AS b ON b.name = destination "
            "JOIN type ON type.name = aircraft",
            named,
        )
        return [] if columns is None else [list(columns.values())]

    def by_instruments(self, from_s: int, to_s: int) -> NDArray[np.int64]:
        """The flights of the period, by their numbers in order, whose plan is by instrument rules.

        Those that were online in it, whether or not a take-off was seen.
        """
        # The sum keeps SQLite from going through all flights there ever were by when they began:
        # those that are in no file are few, and found by their end.
        begun = _FLIGHT.first_seen_s + 0
        period = (begun < to_s, func.coalesce(_FLIGHT.ended_s, to_s) >= from_s)
        with self._sources.database.read("asking who flew by instruments", _LIMIT_S) as connection:
            files = self._sources.manifest.files(connection, FLIGHTS.name, from_s, to_s)
            question = select(_FLIGHT.flight_id).where(
                *period,
                _FLIGHT.flight_rules.in_(_INSTRUMENT_RULES),
                _in_no_file(_sealed_days(connection)),
            )
            parts = [columns_of(chunk, 1)[0] for chunk in chunks_of(connection, question)]
        if files:
            columns = self._sources.ask(
                "SELECT flight_id FROM read_parquet($files, hive_partitioning = false) "
                "WHERE first_seen_s < $to_s AND ended_s >= $from_s "
                "AND flight_rules IN ('I', 'Y', 'Z')",
                files,
                {"from_s": from_s, "to_s": to_s},
                limit_s=_LIMIT_S,
            )
            parts += [] if columns is None else [columns["flight_id"]]
        return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))

    def visitors(
        self, from_s: int, to_s: int, sector_ids: Sequence[int] | None = None
    ) -> NDArray[np.int64]:
        """The flights that were in a sector at some time of the period, each once, in order.

        With `sector_ids` only those that were in one of these.
        """
        visit = schema.visit.c
        with self._sources.database.read("asking who visited", limit_s=_LIMIT_S) as connection:
            files = self._sources.manifest.files(connection, VISITS.name, from_s, to_s)
            wanted = [visit.entry_s < to_s, or_(visit.exit_s.is_(None), visit.exit_s > from_s)]
            if sector_ids is not None:
                wanted.append(visit.sector_id.in_(sector_ids))
            question = select(visit.flight_id).where(*wanted).distinct()
            parts = [columns_of(chunk, 1)[0] for chunk in chunks_of(connection, question)]
        if files:
            of_these = "" if sector_ids is None else "AND sector_id IN (SELECT unnest($sectors))"
            columns = self._sources.ask(
                "SELECT DISTINCT flight_id FROM read_parquet($files, hive_partitioning = false) "  # noqa: S608 - our own words
                f"WHERE entry_s < $to_s AND exit_s > $from_s {of_these}",
                files,
                {"from_s": from_s, "to_s": to_s}
                | ({} if sector_ids is None else {"sectors": list(sector_ids)}),
                limit_s=_LIMIT_S,
            )
            parts += [] if columns is None else [columns["flight_id"]]
        return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))

    def movements(self, from_s: int, to_s: int) -> dict[str, tuple[int, int]]:
        """(departures, arrivals) of each airport that had any in the period."""
        with self._sources.database.read("asking for movements", limit_s=_LIMIT_S) as connection:
            return _movements(connection, from_s, to_s)


def _movements(connection: Connection, from_s: int, to_s: int) -> dict[str, tuple[int, int]]:
    # One airport after another, each by its own piece of the index (airport, time): what lies
    # outside the period is not touched, and nothing is sorted.
    first = select(func.min(_MOVEMENT.airport).label("airport")).cte("fields", recursive=True)
    following = (
        select(func.min(_MOVEMENT.airport))
        .where(_MOVEMENT.airport > first.c.airport)
        .scalar_subquery()
    )
    fields = first.union_all(select(following).where(first.c.airport.is_not(None)))
    departures = cast(func.sum(case((_MOVEMENT.kind == "departure", 1), else_=0)), BigInteger)
    rows = connection.execute(
        select(fields.c.airport, departures, func.count())
        .select_from(fields)
        .join(
            schema.movement,
            (_MOVEMENT.airport == fields.c.airport)
            & (_MOVEMENT.time_s >= from_s)
            & (_MOVEMENT.time_s < to_s),
        )
        .group_by(fields.c.airport)
    ).all()
    return {airport: (departed, total - departed) for airport, departed, total in rows}


def _sealed_days(connection: Connection) -> list[tuple[int, int]]:
    """From when until when flights that ended are in files, as few spans as there can be."""
    file = schema.segment.c
    rows = connection.execute(
        select(file.start_s, file.end_s)
        .where(file.kind == FLIGHTS.name, file.replaced_at_us.is_(None), file.missing.is_(False))
        .order_by(file.start_s)
    )
    spans: list[tuple[int, int]] = []
    for start_s, end_s in rows:
        if spans and spans[-1][1] == start_s:
            spans[-1] = (spans[-1][0], end_s)
        else:
            spans.append((start_s, end_s))
    return spans


def _in_no_file(spans: Sequence[tuple[int, int]]) -> ColumnElement[bool]:
    """Flights that still last, or ended outside these spans; each part is found by an index."""
    if not spans:
        return true()
    ended = _FLIGHT.ended_s
    between = [(ended >= end_s) & (ended < start_s) for (_, end_s), (start_s, _) in pairwise(spans)]
    return or_(ended.is_(None), ended < spans[0][0], *between, ended >= spans[-1][1])


def _joined(chunks: Sequence[Sequence[NDArray[Any]]], number: int, kind: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *(chunk[number] for chunk in chunks)], dtype=kind)


class _Codes(dict[str, int]):
    """Numbers for texts, as they come; the empty text is unknown."""

    def __init__(self) -> None:
        super().__init__({"": _UNKNOWN})

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self) - 1
        return number

    def of(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Their numbers."""
        return np.array([self[text] for text in texts], np.int32)

    @property
    def names(self) -> tuple[str, ...]:
        """The texts in the order of their numbers."""
        return tuple(self)[1:]
