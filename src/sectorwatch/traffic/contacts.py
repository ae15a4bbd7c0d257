"""Radio contact: which flight was in contact with which controller, from when until when.

Radios are heard in samples, once a minute or so, and a sample speaks for the time that is nearest
to it: from halfway after the one before until halfway to the next, but for no more than half of
`Rules.contact_holds_s` on either side. Further away nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.traffic.radio import Radios, pairs_in_range
from sectorwatch.traffic.tick import Contact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.records import TransceiverSnapshot
    from sectorwatch.traffic.roster import Step
    from sectorwatch.traffic.rules import Rules
    from sectorwatch.traffic.table import FlightTable
    from sectorwatch.traffic.tick import Session

__all__ = ["ContactLog", "ContactState"]

_SECOND_US = 1_000_000
_FOREVER_S = 2**62
_ABSENT, _IN_THE_AIR = -1, 1
_NONE = -1
# name: (type, value of a slot without a flight)
_COLUMNS: dict[str, tuple[str, int]] = {
    "flight_id": ("<i8", 0),
    "phase": ("|i1", _ABSENT),
    "since_s": ("<i8", 0),
    "before_s": ("<i8", 0),
    "last_s": ("<i8", 0),
}

# flight -> its slot, and session -> channel
_Heard = dict[int, tuple[int, dict[int, int]]]


class ContactState(msgspec.Struct, array_like=True):
    """A log to be kept: rows one by one, numbers by slot as little-endian bytes."""

    heard_us: int | None
    samples_s: list[int]
    open: list[tuple[int, list[Contact]]]
    closed: list[tuple[int, int, int]]
    rows: list[Contact]
    online: list[tuple[int, int]]
    columns: dict[str, bytes]


class ContactLog:
    """Follows contacts from sample to sample; rows that changed are collected until `rows`.

    By slot: `phase` is what a flight was at the last snapshot (absent, on the ground, in the air),
    `since_s` since when it has been that, `before_s` since when the other thing before it (the same
    where nothing is known before), `last_s` its last position, and `session` whom it is in contact
    with now.
    """

    flight_id: NDArray[np.int64]
    phase: NDArray[np.int8]
    since_s: NDArray[np.int64]
    before_s: NDArray[np.int64]
    last_s: NDArray[np.int64]

    def __init__(self, capacity: int, rules: Rules) -> None:
        self._holds_s = rules.contact_holds_s
        self._half_s = rules.contact_holds_s // 2
        self._heard_us: int | None = None
        # The samples that a minute not final yet may ask for, and the last one.
        self._samples_s: list[int] = []
        # flight -> session -> open row; and the slot of each of these flights.
        self._open: dict[int, dict[int, Contact]] = {}
        self._slot: dict[int, int] = {}
        # (flight, start, end) of contacts in the air, for the minutes that are not final.
        self._closed: list[tuple[int, int, int]] = []
        self._rows: dict[tuple[int, int, int], Contact] = {}
        # session -> since when it has been online.
        self._online: dict[int, int] = {}
        self._intervals: NDArray[np.int64] | None = None
        self._is_fresh = False
        # (flight, session, airborne) -> start of a contact of before the first sample.
        self._expected: dict[tuple[int, int, bool], int] = {}
        self._expected_until_s = 0
        for name, (kind, empty) in _COLUMNS.items():
            setattr(self, name, np.full(capacity, empty, dtype=kind))
        self.session = np.full(capacity, _NONE, dtype=np.int64)

    def expect(self, contacts: Iterable[Contact], time_s: int) -> None:
        """Have those of `contacts`, open at `time_s`, go on that the first sample has.

        If that is soon enough: what was heard before speaks of no later time.
        """
        self._expected_until_s = time_s + self._holds_s
        self._expected = {(c.flight_id, c.session_id, c.airborne): c.start_s for c in contacts}

    def standing(self) -> list[Contact]:
        """All that are open now, as far as they have been heard."""
        return list(self._rows_open())

    @property
    def heard_s(self) -> int | None:
        """The time of the last sample, None where it is too long ago to speak of now."""
        return self._samples_s[-1] if self._samples_s and self._is_fresh else None

    def hear(
        self, sample: TransceiverSnapshot, table: FlightTable, sessions: Sequence[Session]
    ) -> bool:
        """Take who is tuned to what now, `table` and `sessions` being those of this moment.

        False where it was heard before, or cannot be meant.
        """
        if self._heard_us is not None and sample.time_us <= self._heard_us:
            return False
        self._heard_us = sample.time_us
        heard = self._match(sample, table, sessions)
        if heard is None:
            return False
        now_s = sample.time_us // _SECOND_US
        if now_s > self._expected_until_s:
            self._expected = {}
        until_s = from_s = now_s - self._half_s
        if self._samples_s:
            before_s = self._samples_s[-1]
            if now_s - before_s <= self._holds_s:
                until_s = from_s = (before_s + now_s) // 2
            else:
                self._end_all(before_s + self._half_s)
        nothing: dict[int, int] = {}
        for flight, rows in list(self._open.items()):
            channels = heard[flight][1] if flight in heard else nothing
            for session in sorted(rows.keys() - channels.keys()):
                self._stop(rows[session], until_s)
        for flight, (slot, channels) in heard.items():
            self._go_on(flight, slot, channels, from_s, now_s)
        self._samples_s.append(now_s)
        self._expected = {}
        return True

    def attend(self, table: FlightTable, sessions: Sequence[Session], step: Step) -> None:
        """Take over who is present, airborne and online; `sessions` are those that changed."""
        self._reserve(table.capacity)
        now_s = step.time_s
        last_s = self._samples_s[-1] if self._samples_s else now_s
        limit_s = last_s + self._half_s
        if step.gap and step.last_s is not None:
            limit_s = min(limit_s, step.last_s)
        self._is_fresh = bool(self._samples_s) and not step.gap and now_s <= last_s + self._holds_s
        # First who is gone: where several ends come at once, a flight's last position is the first.
        self._attend_flights(table, limit_s)
        if not self._is_fresh:
            self._end_all(limit_s)
        for session in sessions:
            if session.ended_s is None:
                self._online.setdefault(session.session_id, now_s)
            elif self._online.pop(session.session_id, None) is not None:
                self._end_session(session.session_id, min(session.ended_s, limit_s))
        if step.gap:
            self.since_s[table.present] = self.before_s[table.present] = now_s
            self._online = dict.fromkeys(self._online, now_s)

    def rows(self) -> list[Contact]:
        """The rows that changed since this was last asked, one a key, by flight, session, time."""
        changed = [self._rows[key] for key in sorted(self._rows)]
        self._rows = {}
        return changed

    def at(self, minute_s: int) -> NDArray[np.int64] | None:
        """The flights that were in contact in the air at a time, each once, in order.

        None where no sample speaks for that time. To be asked of final minutes.
        """
        near = (s for s in self._samples_s if s - self._half_s <= minute_s < s + self._half_s)
        if next(near, None) is None:
            return None
        if self._intervals is None:
            of_open = (
                (row.flight_id, row.start_s, _FOREVER_S)
                for row in self._rows_open()
                if row.airborne
            )
            self._intervals = np.array([*of_open, *self._closed], dtype=np.int64).reshape(-1, 3)
        flight, start_s, end_s = self._intervals.T
        return np.unique(flight[(start_s <= minute_s) & (minute_s < end_s)])

    def forget(self, minute_s: int) -> None:
        """Forget what no minute later than this one needs."""
        self._closed = [each for each in self._closed if each[2] > minute_s]
        old = [s for s in self._samples_s[:-1] if s + self._half_s <= minute_s]
        self._samples_s = self._samples_s[len(old) :]
        self._intervals = None

    def _match(
        self, sample: TransceiverSnapshot, table: FlightTable, sessions: Sequence[Session]
    ) -> _Heard | None:
        """All who are in contact now; None where nobody has a radio, or too many to be meant."""
        if not sample.stations:
            # The voice network is away: that says of nobody that they are silent.
            return None
        # Of two with one callsign the station is the one's whose number is lower, always.
        station_of = {
            each.callsign: each
            for each in sorted(sessions, key=lambda each: each.session_id, reverse=True)
        }
        slots = np.flatnonzero(table.present)
        slots = slots[np.argsort(table.flight_id[slots])[::-1]].tolist()
        slot_of = {table.flight(slot).callsign: slot for slot in slots}
        online = list(station_of.values())
        number_of = {each.callsign: number for number, each in enumerate(online)}
        pilots, masts = [], []
        for station in sample.stations:
            number = number_of.get(station.callsign)
            if number is not None:
                masts.append((number, station.transceivers))
            elif station.callsign in slot_of:
                pilots.append((slot_of[station.callsign], station.transceivers))
        found = pairs_in_range(Radios.of(pilots), Radios.of(masts))
        if found is None:
            return None
        heard: _Heard = {}
        for slot, number, channel in zip(*(each.tolist() for each in found), strict=True):
            flight, session = table.flight(slot), online[number]
            # Whoever flies and controls at once is in contact with others.
            if flight.cid != session.cid:
                heard.setdefault(flight.flight_id, (slot, {}))[1][session.session_id] = channel
        return heard

    def _attend_flights(self, table: FlightTable, limit_s: int) -> None:
        """Take over who has come, gone, taken off or landed; contact may last until `limit_s`."""
        phase = np.where(table.present, table.airborne.astype(np.int8), np.int8(_ABSENT))
        other = self.flight_id != table.flight_id
        for slot in np.flatnonzero(other | (phase != self.phase)).tolist():
            stays = not other[slot] and _ABSENT not in (phase[slot], self.phase[slot])
            was_airborne = bool(self.phase[slot] == _IN_THE_AIR)
            moment_s = int(table.time_s[slot])
            for row in list(self._open.get(int(self.flight_id[slot]), {}).values()):
                if not stays:
                    self._end(row, min(int(self.last_s[slot]), limit_s))
                elif row.airborne != was_airborne:
                    # Off and down again since anything was heard: too much to say when.
                    self._end(row, limit_s)
                elif moment_s < limit_s:
                    self._turn(row, moment_s)
                # Else it is the next sample that says whether it went on until then.
            now = table.flights[slot]
            first_s = 0 if now is None else now.first_seen_s
            since_s = max(moment_s, first_s)
            self.before_s[slot] = self.since_s[slot] if stays else since_s
            self.since_s[slot] = since_s
        self.flight_id[:] = table.flight_id
        self.phase[:] = phase
        self.last_s[:] = table.time_s

    def _go_on(
        self, flight: int, slot: int, channels: dict[int, int], from_s: int, now_s: int
    ) -> None:
        """Go on with a flight's contacts that are heard now, from `from_s` on with those new."""
        turned_s, airborne = int(self.since_s[slot]), bool(self.phase[slot] == _IN_THE_AIR)
        rows = self._open.get(flight, {})
        for row in [each for each in rows.values() if each.airborne != airborne]:
            self._turn(row, turned_s)
        for session in sorted(channels.keys() - self._open.get(flight, {}).keys()):
            start_s = max(from_s, int(self.before_s[slot]), self._online.get(session, now_s))
            first = airborne if start_s >= turned_s else not airborne
            start_s = self._expected.get((flight, session, first), start_s)
            row = Contact(flight, session, start_s, channels[session], first)
            self._begin(slot, row)
            if first != airborne:
                self._turn(row, turned_s)

    def _begin(self, slot: int, row: Contact) -> None:
        self._slot[row.flight_id] = slot
        self._open.setdefault(row.flight_id, {})[row.session_id] = row
        self._put(row)

    def _end(self, row: Contact, time_s: int) -> None:
        """End a contact; what took no time and was told to nobody has not been."""
        rows = self._open[row.flight_id]
        del rows[row.session_id]
        end_s = max(time_s, row.start_s)
        if end_s == row.start_s and _key(row) in self._rows:
            del self._rows[_key(row)]
            self._point(row.flight_id)
        else:
            self._put(msgspec.structs.replace(row, end_s=end_s))
        if row.airborne and end_s > row.start_s:
            self._closed.append((row.flight_id, row.start_s, end_s))
        if not rows:
            del self._open[row.flight_id], self._slot[row.flight_id]

    def _stop(self, row: Contact, time_s: int) -> None:
        """End a contact while its flight is still here: no later than where that was last seen."""
        self._end(row, min(time_s, int(self.last_s[self._slot[row.flight_id]])))

    def _put(self, row: Contact) -> None:
        self._rows[_key(row)] = row
        self._point(row.flight_id)

    def _point(self, flight: int) -> None:
        """Say in `session` whom a flight is in contact with: the one begun last."""
        rows = self._open.get(flight, {}).values()
        last = max(((row.start_s, -row.session_id) for row in rows), default=(0, -_NONE))
        self.session[self._slot[flight]] = -last[1]
        self._intervals = None

    def _turn(self, row: Contact, time_s: int) -> None:
        """End a contact where its flight took off or landed, and begin it anew from there."""
        slot = self._slot[row.flight_id]
        self._end(row, time_s)
        start_s = max(time_s, row.start_s)
        self._begin(slot, msgspec.structs.replace(row, start_s=start_s, airborne=not row.airborne))

    def _end_session(self, session: int, time_s: int) -> None:
        for rows in list(self._open.values()):
            if session in rows:
                self._stop(rows[session], time_s)

    def _end_all(self, time_s: int) -> None:
        for row in list(self._rows_open()):
            self._stop(row, time_s)

    def _rows_open(self) -> Iterator[Contact]:
        return (row for rows in self._open.values() for row in rows.values())

    def _reserve(self, capacity: int) -> None:
        more = capacity - self.session.size
        if more > 0:
            for name, (kind, empty) in (*_COLUMNS.items(), ("session", ("<i8", _NONE))):
                room = np.full(more, empty, dtype=kind)
                setattr(self, name, np.concatenate((getattr(self, name), room)))

    def dump(self) -> ContactState:
        """What has to be remembered."""
        return ContactState(
            heard_us=self._heard_us,
            samples_s=list(self._samples_s),
            open=[(self._slot[flight], list(rows.values())) for flight, rows in self._open.items()],
            closed=list(self._closed),
            rows=list(self._rows.values()),
            online=list(self._online.items()),
            columns={name: getattr(self, name).tobytes() for name in _COLUMNS},
        )

    def load(self, state: ContactState) -> None:
        """Go on from what `dump` gave for a log of this size; ValueError if it is of another."""
        for name, (kind, _) in _COLUMNS.items():
            column = np.frombuffer(state.columns.get(name, b""), dtype=kind)
            setattr(self, name, column.reshape(self.session.shape).copy())
        self._heard_us = state.heard_us
        self._samples_s = list(state.samples_s)
        self._closed = list(state.closed)
        self._rows = {_key(row): row for row in state.rows}
        self._online = dict(state.online)
        for slot, rows in state.open:
            for row in rows:
                self._open.setdefault(row.flight_id, {})[row.session_id] = row
                self._slot[row.flight_id] = slot
                self._point(row.flight_id)


def _key(row: Contact) -> tuple[int, int, int]:
    return row.flight_id, row.session_id, row.start_s
