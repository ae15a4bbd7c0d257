"""How many log lines of which kind there were, hour by hour, counted as they are written."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.enums import LogLevel

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

__all__ = ["LogAnalytics"]

_HOUR_S = 3_600
_KEPT_HOURS = 7 * 24
_MOST_KINDS = 2_000
_OTHER = ("other", LogLevel.INFO.value, "service")
Kind = tuple[str, str, str]
"""Service, level, category."""


class _Hour:
    """The counts of one hour."""

    __slots__ = ("durations", "lines")

    def __init__(self) -> None:
        self.lines: dict[Kind, int] = {}
        self.durations: dict[str, tuple[int, float]] = {}


class LogAnalytics:
    """Counts by hour, service, level and category, and durations by hour and service."""

    tables = """
        CREATE TABLE IF NOT EXISTS log_hour (
            hour INTEGER, service TEXT, level TEXT, category TEXT, lines INTEGER,
            PRIMARY KEY (hour, service, level, category)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS log_duration_hour (
            hour INTEGER, service TEXT, count INTEGER, total_s REAL,
            PRIMARY KEY (hour, service)) WITHOUT ROWID;
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hours: dict[int, _Hour] = {}
        self._unsaved: set[int] = set()
        self._number = -1
        self._current = _Hour()
        self.before_read: Callable[[], None] | None = None
        """Called before each question, to hand over what still waits elsewhere."""

    def count(self, now_s: float, kind: Kind, duration_s: float | None = None) -> None:
        """Count one line."""
        with self._lock:
            if now_s // _HOUR_S != self._number:
                self._turn(now_s)
            lines = self._current.lines
            if kind not in lines and len(lines) >= _MOST_KINDS:
                kind = _OTHER
            lines[kind] = lines.get(kind, 0) + 1
            if duration_s is not None:
                self._add_duration(kind[0], 1, duration_s)

    def count_performance(self, now_s: float, service: str, n: int, total_s: float) -> None:
        """Count `n` performance entries that were not written, as nothing was wrong with them."""
        kind = (service, LogLevel.INFO.value, "performance")
        with self._lock:
            if now_s // _HOUR_S != self._number:
                self._turn(now_s)
            lines = self._current.lines
            if kind not in lines and len(lines) >= _MOST_KINDS:
                kind = _OTHER
            lines[kind] = lines.get(kind, 0) + n
            self._add_duration(kind[0], n, total_s)

    def summary(self, now_s: float, hours: float, service: str | None) -> dict[str, Any]:
        """The counts of this hour and the `hours` before it, of one service or (None) of all."""
        if self.before_read is not None:
            self.before_read()
        by_level = {level.value: 0 for level in LogLevel}
        by_category: dict[str, int] = {}
        measured, measured_s = 0, 0.0
        first = (now_s - min(max(hours, 0), _KEPT_HOURS) * _HOUR_S) // _HOUR_S
        with self._lock:
            for number, hour in self._hours.items():
                # What a clock that was ahead left behind is of no hour that was.
                if not first <= number <= now_s // _HOUR_S:
                    continue
                for (of, level, category), n in hour.lines.items():
                    if service is None or of == service:
                        by_level[str(level)] = by_level.get(level, 0) + n
                        by_category[str(category)] = by_category.get(category, 0) + n
                for of, (n, total_s) in hour.durations.items():
                    if service is None or of == service:
                        measured, measured_s = measured + n, measured_s + total_s
        total = sum(by_level.values())
        errors = by_level["ERROR"] + by_level["CRITICAL"]
        return {
            "service": service or "global",
            "hours": hours,
            "total_entries": total,
            "entries_by_level": {level: n for level, n in by_level.items() if n},
            "entries_by_category": dict(sorted(by_category.items())),
            "error_rate": errors / total if total else 0.0,
            "average_performance": measured_s / measured if measured else 0.0,
            "performance_entries_count": measured,
        }

    def services(self) -> list[str]:
        """Every service that was counted, sorted."""
        if self.before_read is not None:
            self.before_read()
        with self._lock:
            return sorted({kind[0] for hour in self._hours.values() for kind in hour.lines})

    # What follows is the store's: `Part`.

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Add what an earlier run counted."""
        first = now_s // _HOUR_S - _KEPT_HOURS
        with self._lock:
            self._unsaved = set(self._hours)
            for number, *kind, n in connection.execute(
                "SELECT hour, service, level, category, lines FROM log_hour WHERE hour >= ?",
                (first,),
            ):
                lines = self._hours.setdefault(number, _Hour()).lines
                key = (kind[0], kind[1], kind[2])
                lines[key] = lines.get(key, 0) + n
            for number, service, n, total_s in connection.execute(
                "SELECT hour, service, count, total_s FROM log_duration_hour WHERE hour >= ?",
                (first,),
            ):
                durations = self._hours.setdefault(number, _Hour()).durations
                before = durations.get(service, (0, 0.0))
                durations[service] = (before[0] + n, before[1] + total_s)
            # The hour may be among those just read.
            self._number = -1

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write the hours that changed."""
        if self.before_read is not None:
            self.before_read()
        with self._lock:
            # The current hour changes all the time.
            unsaved = self._unsaved | {self._number} & self._hours.keys()
            lines = [
                (number, *map(str, kind), n)
                for number in unsaved
                for kind, n in self._hours[number].lines.items()
            ]
            durations = [
                (number, service, n, total_s)
                for number in unsaved
                for service, (n, total_s) in self._hours[number].durations.items()
            ]
        connection.executemany("INSERT OR REPLACE INTO log_hour VALUES (?,?,?,?,?)", lines)
        connection.executemany(
            "INSERT OR REPLACE INTO log_duration_hour VALUES (?,?,?,?)", durations
        )
        del now_s

        def committed() -> None:
            with self._lock:
                self._unsaved -= unsaved - {self._number}

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete hours older than a week."""
        first = now_s // _HOUR_S - _KEPT_HOURS
        connection.execute("DELETE FROM log_hour WHERE hour < ?", (first,))
        connection.execute("DELETE FROM log_duration_hour WHERE hour < ?", (first,))

    def _add_duration(self, service: str, n: int, total_s: float) -> None:
        before = self._current.durations.get(service, (0, 0.0))
        self._current.durations[service] = (before[0] + n, before[1] + total_s)

    def _turn(self, now_s: float) -> None:
        """Begin, or go back to, the hour of `now_s`."""
        self._number = int(now_s // _HOUR_S)
        self._current = self._hours.setdefault(self._number, _Hour())
        self._unsaved.add(self._number)
        for number in [n for n in self._hours if n < self._number - _KEPT_HOURS]:
            del self._hours[number]
            self._unsaved.discard(number)
