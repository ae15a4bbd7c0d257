"""All alerts and silences there are: those that go on in memory, all of them in `observe.db`."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.alerting.records import (
    AlertKey,
    Labels,
    Record,
    from_plain,
    key_of,
    to_plain,
)
from sectorwatch.observe.alerting.silences import Silence, silence_from_plain, silence_to_plain
from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.enums import AlertState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.results import Alert
    from sectorwatch.observe.store import ObserveStore

__all__ = ["AlertBook"]

_DAY_S = 86_400
_HISTORY_KEPT_S = 90 * _DAY_S
_SILENCES_KEPT_S = 30 * _DAY_S
_MOST_ROWS = 20_000
_MOST_UNSAVED = 2_000
_MOST_ENDED = 500


class AlertBook:
    """Alerts and silences, and their tables; whoever uses it holds `lock`.

    What changes is written at once and reaches the disk before anything else is; what cannot be
    written is tried again each minute, and is in memory as long as it can be.
    """

    tables = """
        CREATE TABLE IF NOT EXISTS alert (
            id TEXT PRIMARY KEY, type TEXT NOT NULL, service TEXT NOT NULL, state TEXT NOT NULL,
            owed INTEGER NOT NULL, began_us INTEGER NOT NULL, ended_us INTEGER,
            data TEXT NOT NULL);
        CREATE INDEX IF NOT EXISTS alert_began ON alert (began_us);
        CREATE TABLE IF NOT EXISTS alert_silence (
            id TEXT PRIMARY KEY, starts_us INTEGER NOT NULL, ends_us INTEGER NOT NULL,
            data TEXT NOT NULL);
    """

    def __init__(self, store: ObserveStore, drops: Drops) -> None:
        self.lock = threading.RLock()
        self.silences: dict[str, Silence] = {}
        self._drops = drops
        self._store = store
        self._active: dict[str, Record] = {}
        self._by_key: dict[AlertKey, Record] = {}
        self._ended: deque[Record] = deque(maxlen=_MOST_ENDED)
        self._unsaved: dict[str, Record] = {}
        self._unsaved_silences: dict[str, Silence] = {}
        self._was_loaded = False
        store.attach(self)

    # Alerts that go on.

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._active.values()))

    def __len__(self) -> int:
        return len(self._active)

    def find(self, key: AlertKey) -> Record | None:
        """The alert that goes on of this type, service and labels."""
        return self._by_key.get(key)

    def active(self, id_: str) -> Record | None:
        """The alert that goes on of this id."""
        return self._active.get(id_)

    def held_by(self, rule_name: str, labels: Labels) -> Record | None:
        """The alert that goes on because a rule's condition is met for these labels."""
        holder = (rule_name, labels)
        return next((each for each in self._active.values() if holder in each.holders), None)

    def owed(self) -> list[Record]:
        """The alerts that have ended, whose end is yet to be told."""
        return [record for record in self._ended if record.is_owed]

    def put(self, record: Record) -> None:
        """Keep an alert as it stands now; one that is resolved goes on no more."""
        id_ = record.alert.id
        if record.alert.state is AlertState.RESOLVED:
            if self._active.pop(id_, None) is not None:
                self._by_key.pop(key_of(record.alert), None)
                self._ended.append(record)
        else:
            self._active[id_] = self._by_key[key_of(record.alert)] = record
        record.changes += 1
        self._unsaved[id_] = record
        if len(self._unsaved) > _MOST_UNSAVED:
            # Nothing can be written for long: the oldest that ended make room.
            oldest = next((each for each in self._unsaved if each not in self._active), id_)
            del self._unsaved[oldest]
            self._drops.count("history_lost")

    def put_silence(self, silence: Silence) -> None:
        """Keep a silence as it stands now."""
        self.silences[silence.id] = self._unsaved_silences[silence.id] = silence

    def write(self) -> None:
        """Have all that is new written soon; not with `lock` held."""
        with self.lock:
            is_new = bool(self._unsaved or self._unsaved_silences)
        if is_new:
            self._store.submit(self._write, synced=True)

    # All there were.

    def get(self, id_: str) -> Alert | None:
        """The alert of this id, going on or ended; None where there is none."""
        with self.lock:
            for records in (self._active, self._unsaved):
                if id_ in records:
                    return records[id_].alert
        rows = self._read("SELECT data FROM alert WHERE id = ?", (id_,))
        return rows[0].alert if rows else self._ended_here(id_)

    def history(
        self, since: datetime, service: str | None, type_: str | None, limit: int, offset: int
    ) -> list[Alert]:
        """Alerts that went on after `since`, the youngest first."""
        since_us = round(since.timestamp() * 1e6)
        with self.lock:
            here = {record.alert.id: record.alert for record in (*self._ended, *self)}
        here = {
            id_: alert
            for id_, alert in here.items()
            if service in {None, alert.service}
            and type_ in {None, alert.type.value}
            and (alert.resolved_at is None or alert.resolved_at >= since)
        }
        rows = self._read(
            "SELECT data FROM alert WHERE (ended_us IS NULL OR ended_us >= ?)"
            " AND service = coalesce(?, service) AND type = coalesce(?, type)"
            " ORDER BY began_us DESC, id LIMIT ?",
            (since_us, service, type_, limit + offset + len(here)),
        )
        found = {record.alert.id: record.alert for record in rows} | here
        ordered = sorted(found.values(), key=lambda alert: alert.id)
        ordered.sort(key=lambda alert: alert.timestamp, reverse=True)
        return ordered[offset : offset + limit]

    # What follows is the store's: `Part`.

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Take up what an earlier run left; with a new file, all that is known is new to it."""
        del now_s
        with self.lock:
            if self._was_loaded:
                self._unsaved |= {each.alert.id: each for each in (*self._ended, *self)}
                self._unsaved_silences |= self.silences
                return
            self._was_loaded = True
            for (data,) in connection.execute(
                "SELECT data FROM alert WHERE state <> 'resolved' OR owed = 1 ORDER BY began_us"
            ):
                record = self._parsed(data)
                if record is None:
                    continue
                if record.alert.state is AlertState.RESOLVED:
                    record.is_owed = True
                    self._ended.append(record)
                else:
                    self._active[record.alert.id] = self._by_key[key_of(record.alert)] = record
            for id_, starts_us, ends_us, data in connection.execute(
                "SELECT id, starts_us, ends_us, data FROM alert_silence"
            ):
                try:
                    silence = silence_from_plain(id_, starts_us, ends_us, orjson.loads(data))
                except (ValueError, KeyError, TypeError):
                    self._drops.count("row_unreadable")
                else:
                    self.silences[id_] = silence

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None] | None:
        """Write what could not be written when it was new."""
        del now_s
        return self._write(connection)

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete alerts that ended 90 days ago, and silences that did 30 days ago."""
        connection.execute(
            "DELETE FROM alert WHERE ended_us < ?", ((now_s - _HISTORY_KEPT_S) * 1e6,)
        )
        connection.execute(
            "DELETE FROM alert WHERE ended_us IS NOT NULL AND id IN"
            " (SELECT id FROM alert ORDER BY began_us DESC LIMIT -1 OFFSET ?)",
            (_MOST_ROWS,),
        )
        before = as_datetime(now_s - _SILENCES_KEPT_S)
        with self.lock:
            gone = [each.id for each in self.silences.values() if each.ends_at < before]
            for id_ in gone:
                del self.silences[id_]
                self._unsaved_silences.pop(id_, None)
        connection.executemany("DELETE FROM alert_silence WHERE id = ?", [(id_,) for id_ in gone])

    def _write(self, connection: sqlite3.Connection) -> Callable[[], None] | None:
        with self.lock:
            rows = [row for each in self._unsaved.values() if (row := self._row(each))]
            written = {id_: each.changes for id_, each in self._unsaved.items()}
            silences = dict(self._unsaved_silences)
        if not rows and not silences:
            return None
        connection.executemany("INSERT OR REPLACE INTO alert VALUES (?,?,?,?,?,?,?,?)", rows)
        connection.executemany(
            "INSERT OR REPLACE INTO alert_silence VALUES (?,?,?,?)",
            [row for each in silences.values() if (row := self._silence_row(each))],
        )

        def committed() -> None:
            with self.lock:
                for id_, changes in written.items():
                    record = self._unsaved.get(id_)
                    if record is not None and record.changes == changes:
                        del self._unsaved[id_]
                for id_, silence in silences.items():
                    if self._unsaved_silences.get(id_) is silence:
                        del self._unsaved_silences[id_]

        return committed

    def _read(self, statement: str, parameters: Iterable[Any]) -> list[Record]:
        try:
            with self._store.read() as reader:
                rows = reader.execute(statement, tuple(parameters)).fetchall()
        except (sqlite3.Error, UnicodeError):
            self._drops.count("history_unreadable")
            return []
        return [record for (data,) in rows if (record := self._parsed(data)) is not None]

    def _parsed(self, data: str) -> Record | None:
        try:
            return from_plain(orjson.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError):
            self._drops.count("row_unreadable")
            return None

    def _row(self, record: Record) -> tuple[Any, ...] | None:
        try:
            return _row(record)
        except (ValueError, TypeError):
            # One that has no form on the disk must not keep the others from it.
            self._drops.count("row_unwritable")
            return None

    def _silence_row(self, silence: Silence) -> tuple[Any, ...] | None:
        try:
            data = orjson.dumps(silence_to_plain(silence)).decode()
        except (ValueError, TypeError):
            self._drops.count("row_unwritable")
            return None
        ends = _microseconds(silence.starts_at), _microseconds(silence.ends_at)
        return silence.id, *ends, data

    def _ended_here(self, id_: str) -> Alert | None:
        with self.lock:
            return next((each.alert for each in self._ended if each.alert.id == id_), None)


def ended(silence: Silence, at: datetime) -> Silence:
    """The same silence, over at `at`; one that had not begun never does."""
    return replace(silence, starts_at=min(silence.starts_at, at), ends_at=at)


def _row(record: Record) -> tuple[Any, ...]:
    alert = record.alert
    return (
        alert.id,
        alert.type.value,
        alert.service,
        alert.state.value,
        int(record.is_owed),
        _microseconds(alert.timestamp),
        None if alert.resolved_at is None else _microseconds(alert.resolved_at),
        orjson.dumps(to_plain(record)).decode(),
    )


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1e6)
