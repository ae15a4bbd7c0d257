"""Questions about radio contact: whom a flight was in contact with, and what each position did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import case, func, or_, select

from sectorwatch.store import schema
from sectorwatch.store.queries_flights import flight_by_id
from sectorwatch.store.queries_network import known_times
from sectorwatch.store.segments import CONTACTS
from sectorwatch.store.sources import END_OF_TIME_S, is_number, merged
from sectorwatch.traffic.tick import Contact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import NDArray
    from sqlalchemy import Row

    from sectorwatch.store.sources import Sources

__all__ = ["ContactQueries", "SessionContact"]

_CONTACT = schema.contact.c
_LIMIT_S = 20.0
_SUMS = ("session_id", "airborne", "seconds", "count")


@dataclass(frozen=True, slots=True)
class SessionContact:
    """What one controller's session was in contact with in a period.

    `airborne_s` and `ground_s` are summed over flights, so two at once count twice; `contacts` is
    how many came into contact in the air (rows, of which a flight that came back has two).
    """

    airborne_s: int
    ground_s: int
    contacts: int


class ContactQueries:
    """Asks about contact; times are seconds, periods half-open. What lasts, lasts until now."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def of_flight(self, flight_id: int) -> list[Contact]:
        """A flight's contacts, on the ground and in the air, oldest first."""
        if not is_number(flight_id):
            return []
        with self._sources.database.read("asking for a flight's contacts") as connection:
            flight = flight_by_id(connection, flight_id)
            if flight is None:
                return []
            until_s = END_OF_TIME_S if flight.ended_s is None else flight.ended_s + 1
            files = self._sources.manifest.files(
                connection, CONTACTS.name, flight.first_seen_s, until_s
            )
            rows = connection.execute(
                select(schema.contact).where(_CONTACT.flight_id == flight_id)
            ).all()
        found = [_contact_of(row) for row in rows]
        found += _contacts_of(self._sources.of_flight(files, flight_id))
        return sorted(found, key=lambda row: (row.start_s, row.session_id))

    def at(self, moment_s: int) -> dict[int, int]:
        """Whom each flight was in contact with at a moment, flight to session: the one begun last.

        Empty where nobody was in contact, or nobody knows.
        """
        with self._sources.database.read("asking who was in contact") as connection:
            files = self._sources.manifest.files(connection, CONTACTS.name, moment_s, moment_s + 1)
            rows = connection.execute(
                select(_CONTACT.flight_id, _CONTACT.session_id, _CONTACT.start_s).where(
                    _CONTACT.start_s <= moment_s,
                    or_(_CONTACT.end_s.is_(None), _CONTACT.end_s > moment_s),
                )
            ).all()
        found = [(row.start_s, -row.session_id, row.flight_id) for row in rows]
        if files:
            columns = self._sources.ask(
                "SELECT start_s, -session_id AS session, flight_id "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE start_s <= $moment_s AND end_s > $moment_s",
                files,
                {"moment_s": moment_s},
            )
            found += zip(*(each.tolist() for each in (columns or {}).values()), strict=True)
        return {flight_id: -session for _, session, flight_id in sorted(found)}

    def by_session(self, from_s: int, to_s: int) -> dict[int, SessionContact]:
        """What each session was in contact with in the period, by its number."""
        with self._sources.database.read("asking for contacts", limit_s=_LIMIT_S) as connection:
            files = self._sources.manifest.files(connection, CONTACTS.name, from_s, to_s)
            last_s = known_times(connection, from_s, to_s).last_s
            end = func.coalesce(_CONTACT.end_s, from_s if last_s is None else last_s)
            start = case((_CONTACT.start_s > from_s, _CONTACT.start_s), else_=from_s)
            rows = connection.execute(
                select(
                    _CONTACT.session_id,
                    _CONTACT.airborne,
                    func.sum(case((end < to_s, end), else_=to_s) - start),
                    func.sum(case((_CONTACT.start_s >= from_s, 1), else_=0)),
                )
                .where(_CONTACT.start_s < to_s, end > from_s)
                .group_by(_CONTACT.session_id, _CONTACT.airborne)
            ).all()
        columns = list(zip(*rows, strict=True)) or [() for _ in _SUMS]
        parts: list[dict[str, NDArray[Any]]] = [
            {name: np.array(values, np.int64) for name, values in zip(_SUMS, columns, strict=True)}
        ]
        if files:
            sealed = self._sources.ask(
                "SELECT session_id, airborne::BIGINT AS airborne, "
                "sum(least(end_s, $to_s) - greatest(start_s, $from_s))::BIGINT AS seconds, "
                "count(*) FILTER (start_s >= $from_s) AS count "
                "FROM read_parquet($files, hive_partitioning = false) "
                "WHERE start_s < $to_s AND end_s > $from_s GROUP BY ALL",
                files,
                {"from_s": from_s, "to_s": to_s},
                limit_s=_LIMIT_S,
            )
            parts += [] if sealed is None else [sealed]
        whole = merged(parts, _SUMS, ("int64",) * len(_SUMS))
        found: dict[int, SessionContact] = {}
        nothing = SessionContact(0, 0, 0)
        for session, airborne, seconds, count in zip(
            *(whole[name].tolist() for name in _SUMS), strict=True
        ):
            before = found.get(session, nothing)
            found[session] = (
                SessionContact(
                    before.airborne_s + seconds, before.ground_s, before.contacts + count
                )
                if airborne
                else SessionContact(before.airborne_s, before.ground_s + seconds, before.contacts)
            )
        return found


def _contact_of(row: Row[Any]) -> Contact:
    return Contact(
        flight_id=row.flight_id,
        session_id=row.session_id,
        start_s=row.start_s,
        channel_khz=row.channel_khz,
        airborne=row.airborne,
        end_s=row.end_s,
    )


def _contacts_of(columns: Mapping[str, NDArray[Any]]) -> list[Contact]:
    if not columns:
        return []
    names = Contact.__struct_fields__
    rows = zip(*(columns[name].tolist() for name in names), strict=True)
    return [Contact(*row) for row in rows]
