"""Controllers' sessions, and who owned which sector from when until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sectorwatch.traffic.ids import session_id
from sectorwatch.traffic.tick import Owner, Ownership, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.feed.records import Controller
    from sectorwatch.traffic.contract import Space
    from sectorwatch.traffic.known import Known

__all__ = ["ControllerLog", "ControllerLogState"]

_Key = tuple[int, str, int]


class ControllerLogState(msgspec.Struct, array_like=True):
    """What a `ControllerLog` has to remember."""

    online: list[Session] = []
    gone: list[tuple[Session, int]] = []
    owned: dict[int, tuple[Ownership, str]] = {}


class ControllerLog:
    """Follows controllers from snapshot to snapshot; times are those of snapshots, whole seconds.

    Sessions that ended are remembered for as long as a record may be missing by mistake, so that
    one that comes back on the same connection goes on. Who comes back later, from a break without
    a frequency say, begins another session: the one before stays as it was.
    """

    def __init__(self, airspace: Space, remember_s: int) -> None:
        self._airspace = airspace
        self._remember_s = remember_s
        # (member, callsign, logon time) -> number, of all who are online.
        self._numbers: dict[_Key, int] = {}
        self._online: dict[int, Session] = {}
        self._gone: dict[int, tuple[Session, int]] = {}
        # sector index -> (row, frequency of the owner)
        self._owned: dict[int, tuple[Ownership, str]] = {}
        self._asked: tuple[tuple[int, str, str], ...] | None = None
        self._owners: list[Owner | None] = [None] * len(airspace.sectors)

    def expect(self, known: Known, time_s: int) -> None:
        """Have those who were online before the first snapshot, that of `time_s`, go on."""
        # As if they had just gone: who is back goes on, of the others nothing is said.
        self._gone = {
            each.session_id: (msgspec.structs.replace(each, ended_s=time_s), time_s)
            for each in known.sessions
        }
        number_of = {each.sector_id: n for n, each in enumerate(self._airspace.sectors)}
        self._owned = {
            number_of[row.sector_id]: (row, known.frequency_of.get(row.session_id, ""))
            for row in known.ownerships
            if row.sector_id in number_of
        }

    @property
    def ownerships(self) -> list[Ownership]:
        """The rows of who owns what now."""
        return [row for row, _ in self._owned.values()]

    @property
    def sessions(self) -> list[Session]:
        """All who are online, in the order they came."""
        return list(self._online.values())

    @property
    def owners(self) -> Sequence[Owner | None]:
        """Each sector's owner, in the airspace's order; a list that nobody writes to again."""
        return self._owners

    def advance(
        self, atc: Sequence[Controller], time_s: int, last_s: int | None, *, gap: bool
    ) -> tuple[list[Session], list[Ownership]]:
        """Take over who controls at `time_s`; the rows that changed.

        `atc` holds real controllers alone. `last_s` is the time of the snapshot before; what ended,
        ended there, as far as anybody saw. After a `gap` owners are found anew.
        """
        ids = self._ids(atc, time_s)
        sessions = self._advance_sessions(atc, ids, time_s, last_s)
        ownerships: dict[tuple[int, int], Ownership] = {}
        if gap and last_s is not None:
            self._end_all(last_s, ownerships)
        self._advance_owners(atc, ids, time_s, ownerships)
        return sessions, sorted(ownerships.values(), key=_ownership_key)

    def _ids(self, atc: Sequence[Controller], time_s: int) -> list[int]:
        """The session numbers: those of who was online or is back, new ones of all others."""
        keys = [(each.cid, each.callsign, each.logon_time_s) for each in atc]
        known = self._numbers
        if not known.keys() >= set(keys):
            back = {_key(each): number for number, (each, _) in self._gone.items()}
            known = back | known
        self._numbers = {
            key: known[key] if key in known else session_id(*key, time_s) for key in keys
        }
        return [self._numbers[key] for key in keys]

    def _advance_sessions(
        self, atc: Sequence[Controller], ids: Sequence[int], time_s: int, last_s: int | None
    ) -> list[Session]:
        changed: dict[int, Session] = {}
        online: dict[int, Session] = {}
        for number, controller in zip(ids, atc, strict=True):
            if number in online:
                continue
            before = self._online.get(number)
            if before is None and number in self._gone:
                before = self._gone.pop(number)[0]
            first_seen_s = time_s if before is None else before.first_seen_s
            now = _session(number, controller, first_seen_s)
            online[number] = now if before is None or before != now else before
            if before is None or before != now:
                changed[number] = now
        for number, session in self._online.items():
            if number not in online:
                # Online sessions are there only after a first snapshot.
                ended_s = session.first_seen_s if last_s is None else last_s
                ended = msgspec.structs.replace(session, ended_s=ended_s)
                changed[number] = ended
                self._gone[number] = (ended, time_s)
        self._online = online
        self._gone = {
            number: (session, since_s)
            for number, (session, since_s) in self._gone.items()
            if time_s - since_s <= self._remember_s
        }
        return sorted(changed.values(), key=_session_key)

    def _end_all(self, time_s: int, rows: dict[tuple[int, int], Ownership]) -> None:
        for row, _ in self._owned.values():
            ended = msgspec.structs.replace(row, end_s=time_s)
            rows[_ownership_key(ended)] = ended
        self._owned = {}
        self._asked = None

    def _advance_owners(
        self,
        atc: Sequence[Controller],
        ids: Sequence[int],
        time_s: int,
        rows: dict[tuple[int, int], Ownership],
    ) -> None:
        asked = tuple(
            (number, each.callsign, each.frequency) for number, each in zip(ids, atc, strict=True)
        )
        if asked == self._asked:
            return
        self._asked = asked
        sectors = self._airspace.sectors
        for index, match in enumerate(self._airspace.owners(atc)):
            before = self._owned.get(index)
            now: tuple[Ownership, str] | None = None
            if match is not None:
                controller = atc[match.controller]
                number = ids[match.controller]
                start_s = time_s
                if before is not None and before[0].session_id == number:
                    start_s = before[0].start_s
                row = Ownership(
                    sectors[index].sector_id, start_s, number, controller.callsign, match.why
                )
                now = (row, controller.frequency)
            if now == before:
                continue
            if before is not None and (now is None or now[0].start_s != before[0].start_s):
                ended = msgspec.structs.replace(before[0], end_s=time_s)
                rows[_ownership_key(ended)] = ended
            if now is None:
                self._owned.pop(index, None)
            else:
                rows[_ownership_key(now[0])] = now[0]
                self._owned[index] = now
        self._owners = self._present()

    def _present(self) -> list[Owner | None]:
        owners: list[Owner | None] = [None] * len(self._airspace.sectors)
        for index, (row, frequency) in self._owned.items():
            owners[index] = Owner(row.callsign, row.session_id, frequency, row.start_s, row.why)
        return owners

    def dump(self) -> ControllerLogState:
        """What has to be remembered."""
        return ControllerLogState(
            online=list(self._online.values()),
            gone=list(self._gone.values()),
            owned=dict(self._owned),
        )

    def load(self, state: ControllerLogState) -> None:
        """Go on from what `dump` gave."""
        self._online = {session.session_id: session for session in state.online}
        self._numbers = {_key(session): session.session_id for session in state.online}
        self._gone = {session.session_id: (session, since) for session, since in state.gone}
        self._owned = dict(state.owned)
        self._owners = self._present()


def _session(number: int, controller: Controller, first_seen_s: int) -> Session:
    return Session(
        session_id=number,
        cid=controller.cid,
        callsign=controller.callsign,
        frequency=controller.frequency,
        facility=controller.facility,
        rating=controller.rating,
        server=controller.server,
        visual_range=controller.visual_range,
        logon_time_s=controller.logon_time_s,
        first_seen_s=first_seen_s,
    )


def _key(session: Session) -> _Key:
    return session.cid, session.callsign, session.logon_time_s


def _session_key(session: Session) -> int:
    return session.session_id


def _ownership_key(row: Ownership) -> tuple[int, int]:
    return row.sector_id, row.start_s
