"""Questions over long periods: who controlled what, and when a sector had an owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import func, select

from sectorwatch.store import schema
from sectorwatch.store.sources import chunks_of, columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sectorwatch.store.sources import Sources

__all__ = ["Owned", "Sessions", "StaffQueries"]

_LIMIT_S = 30.0
_SESSION = schema.session.c
_OWNERSHIP = schema.ownership.c


@dataclass(frozen=True, slots=True)
class Sessions:
    """Controllers' sessions of which some part lies in a period, cut to it; arrays of shape (n,).

    `member` tells members apart and names nobody. One that lasts ends with the last snapshot.
    """

    session_id: NDArray[np.int64]
    member: NDArray[np.int64]
    facility: NDArray[np.int64]
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]
    callsign: Sequence[str]

    def take(self, chosen: NDArray[np.bool_]) -> Sessions:
        """Only those that are chosen."""
        return Sessions(
            self.session_id[chosen],
            self.member[chosen],
            self.facility[chosen],
            self.start_s[chosen],
            self.end_s[chosen],
            [self.callsign[number] for number in np.flatnonzero(chosen).tolist()],
        )


@dataclass(frozen=True, slots=True)
class Owned:
    """When sectors had an owner, cut to a period; arrays of shape (n,)."""

    sector_id: NDArray[np.int64]
    session_id: NDArray[np.int64]
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]


class StaffQueries:
    """Asks over long periods; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def sessions(self, from_s: int, to_s: int) -> Sessions:
        """Who controlled at some time of the period."""
        with self._sources.database.read("asking who controlled", limit_s=_LIMIT_S) as connection:
            last_s = _last_s(connection, to_s)
            question = select(
                _SESSION.session_id,
                _SESSION.cid,
                _SESSION.facility,
                _SESSION.first_seen_s,
                func.coalesce(_SESSION.ended_s, last_s),
                _SESSION.callsign,
            ).where(
                _SESSION.first_seen_s < to_s,
                func.coalesce(_SESSION.ended_s, last_s) >= from_s,
            )
            rows = [row for chunk in chunks_of(connection, question) for row in chunk]
        ids, members, facility, start_s, end_s = columns_of([row[:5] for row in rows], 5)
        return Sessions(
            session_id=ids,
            member=np.unique(members, return_inverse=True)[1].astype(np.int64),
            facility=facility,
            start_s=np.maximum(start_s, from_s),
            end_s=np.minimum(np.maximum(end_s, start_s), to_s),
            callsign=[row[5] for row in rows],
        )

    def owned(self, from_s: int, to_s: int) -> Owned:
        """Who owned which sector at some time of the period."""
        with self._sources.database.read("asking for owners", limit_s=_LIMIT_S) as connection:
            last_s = _last_s(connection, to_s)
            question = select(
                _OWNERSHIP.sector_id,
                _OWNERSHIP.session_id,
                _OWNERSHIP.start_s,
                func.coalesce(_OWNERSHIP.end_s, last_s),
            ).where(
                _OWNERSHIP.start_s < to_s,
                func.coalesce(_OWNERSHIP.end_s, last_s) > from_s,
            )
            rows = [row for chunk in chunks_of(connection, question) for row in chunk]
        sector, session, start_s, end_s = columns_of(rows, 4)
        start_s = np.maximum(start_s, from_s)
        return Owned(sector, session, start_s, np.clip(end_s, start_s, max(to_s, from_s)))


def _last_s(connection: Connection, to_s: int) -> int:
    """When the last snapshot was; what lasts was last seen then."""
    last_us = connection.scalar(select(func.max(schema.tick.c.snapshot_time_us)))
    return to_s if last_us is None else int(last_us) // 1_000_000
