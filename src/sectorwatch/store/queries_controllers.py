"""Questions about controllers: their sessions, and who owned which sector when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, tuple_

from sectorwatch.store import schema
from sectorwatch.store.rows import clean
from sectorwatch.store.sources import END_OF_TIME_S, Page, is_number
from sectorwatch.traffic.tick import Ownership, Session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from sqlalchemy import Column, ColumnElement, Row

    from sectorwatch.store.sources import Sources

__all__ = ["ControllerQueries", "ownership_of", "session_of", "those_with"]

_SESSION = schema.session.c
_OWNERSHIP = schema.ownership.c
_MOST_IDS = 10_000


class ControllerQueries:
    """Asks about controllers; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def session(self, session_id: int) -> Session | None:
        """The session of this number, None where there is none."""
        if not is_number(session_id):
            return None
        with self._sources.database.read("asking for a session") as connection:
            row = connection.execute(
                select(schema.session).where(_SESSION.session_id == session_id)
            ).one_or_none()
        return None if row is None else session_of(row)

    def sessions(
        self,
        *,
        callsign: str | None = None,
        from_s: int = 0,
        to_s: int = END_OF_TIME_S,
        limit: int = 1000,
        offset: int = 0,
    ) -> Page[Session]:
        """Sessions of which some part lies in the period, newest first."""
        wanted: list[ColumnElement[bool]] = [
            _SESSION.first_seen_s < to_s,
            or_(_SESSION.ended_s.is_(None), _SESSION.ended_s >= from_s),
        ]
        if callsign is not None:
            wanted.append(_SESSION.callsign == clean(callsign))
        with self._sources.database.read("asking for sessions") as connection:
            total = connection.scalar(
                select(func.count()).select_from(schema.session).where(*wanted)
            )
            rows = connection.execute(
                select(schema.session)
                .where(those_with(_SESSION.session_id, wanted=wanted))
                .order_by(_SESSION.first_seen_s.desc(), _SESSION.session_id)
                .limit(limit)
                .offset(offset)
            ).all()
        return Page(int(total or 0), [session_of(row) for row in rows])

    def callsigns(self, session_ids: Iterable[int]) -> dict[int, str]:
        """The callsigns of sessions, by number, as far as they are kept."""
        wanted = sorted(set(session_ids))[:_MOST_IDS]
        with self._sources.database.read("asking for callsigns") as connection:
            rows = connection.execute(
                select(_SESSION.session_id, _SESSION.callsign).where(
                    _SESSION.session_id.in_(wanted)
                )
            ).all()
        return {row.session_id: row.callsign for row in rows}

    def owners(self, from_s: int, to_s: int, *, sector_id: int | None = None) -> list[Ownership]:
        """Who owned which sector, of what lies in the period in part at least, oldest first."""
        wanted: list[ColumnElement[bool]] = [
            _OWNERSHIP.start_s < to_s,
            or_(_OWNERSHIP.end_s.is_(None), _OWNERSHIP.end_s > from_s),
        ]
        if sector_id is not None:
            wanted.append(_OWNERSHIP.sector_id == sector_id)
        with self._sources.database.read("asking for owners") as connection:
            rows = connection.execute(
                select(schema.ownership)
                .where(those_with(_OWNERSHIP.sector_id, _OWNERSHIP.start_s, wanted=wanted))
                .order_by(_OWNERSHIP.start_s, _OWNERSHIP.sector_id)
            ).all()
        return [ownership_of(row) for row in rows]


def those_with(*key: Column[Any], wanted: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    """That a row is one of those for which all that is `wanted` holds; `key` tells rows apart.

    Who was there in a period is found by an index of ends. Asked for in an order besides, SQLite
    walks through all there ever were instead, for they lie in that order already.
    """
    found = select(*key).where(*wanted)
    return (key[0] if len(key) == 1 else tuple_(*key)).in_(found)


def ownership_of(row: Row[Any]) -> Ownership:
    """A row of `ownership` as the tracker gave it."""
    return Ownership(
        sector_id=row.sector_id,
        start_s=row.start_s,
        session_id=row.session_id,
        callsign=row.callsign,
        why=row.why,
        end_s=row.end_s,
    )


def session_of(row: Row[Any]) -> Session:
    """A row of `session` as the tracker gave it."""
    return Session(
        session_id=row.session_id,
        cid=row.cid,
        callsign=row.callsign,
        frequency=row.frequency,
        facility=row.facility,
        rating=row.rating,
        server=row.server,
        visual_range=row.visual_range,
        logon_time_s=row.logon_time_s,
        first_seen_s=row.first_seen_s,
        ended_s=row.ended_s,
    )
