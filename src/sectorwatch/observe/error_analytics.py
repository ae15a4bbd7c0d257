"""Which errors there were: counts by type, service, operation and hour, and the last examples."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.clock import Clock, SystemClock, as_text, wall_of
from sectorwatch.observe.redaction import scrub

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

__all__ = ["ErrorAnalytics", "message_of", "type_of"]

_HOUR_S = 3_600
_KEPT_HOURS = 7 * 24
_MOST_KINDS = 5_000
_LONGEST_MESSAGE = 1_000
Kind = tuple[int, str, str, str]
"""Hour, type, service, operation."""


class ErrorAnalytics:
    """Counts errors; the last `examples` of them are kept with message and stack.

    Counts survive in a store that this is attached to, for a week.
    """

    tables = """
        CREATE TABLE IF NOT EXISTS error_hour (
            hour INTEGER, type TEXT, service TEXT, operation TEXT, errors INTEGER,
            PRIMARY KEY (hour, type, service, operation)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS error_example (id INTEGER PRIMARY KEY, data TEXT NOT NULL);
    """

    def __init__(self, *, clock: Clock | None = None, examples: int = 100) -> None:
        self._now_s = wall_of(clock or SystemClock())
        self._lock = threading.Lock()
        self._counts: Tally[Kind] = Tally()
        self._examples: deque[dict[str, Any]] = deque(maxlen=examples)
        self._changed: set[Kind] = set()

    def record(
        self,
        error: BaseException,
        service: str,
        operation: str,
        *,
        correlation_id: str = "",
        stack: str = "",
    ) -> None:
        """Count one error, and keep it as an example."""
        now_s = self._now_s()
        hour = int(now_s // _HOUR_S)
        kind = (hour, type_of(error), service, operation)
        example = {
            "timestamp": as_text(now_s),
            "type": kind[1],
            "message": message_of(error),
            "service": service,
            "operation": operation,
            "correlation_id": correlation_id,
            "stack": stack,
        }
        with self._lock:
            if kind not in self._counts and len(self._counts) >= _MOST_KINDS:
                self._forget(hour - _KEPT_HOURS)
                if len(self._counts) >= _MOST_KINDS:
                    kind = (hour, "other", "other", "other")
            self._counts[kind] += 1
            self._changed.add(kind)
            self._examples.append(example)

    def get_error_analytics(
        self, hours: float = 24, service: str | None = None, examples: int = 20
    ) -> dict[str, Any]:
        """Counts of this hour and the `hours` before it, and the last examples, newest first.

        Keys: service, hours, total_errors, by_type, by_service, by_operation ("service:operation"),
        by_hour (the hour's beginning), recent.
        """
        now_s = self._now_s()
        first = (now_s - min(max(hours, 0), _KEPT_HOURS) * _HOUR_S) // _HOUR_S
        by_type, by_service, by_operation = Tally[str](), Tally[str](), Tally[str]()
        by_hour: Tally[int] = Tally()
        with self._lock:
            for (hour, of_type, of, operation), n in self._counts.items():
                # What a clock that was ahead left behind is of no hour that was.
                if first <= hour <= now_s // _HOUR_S and service in {None, of}:
                    by_type[of_type] += n
                    by_service[of] += n
                    by_operation[f"{of}:{operation}"] += n
                    by_hour[hour] += n
            recent = [e for e in reversed(self._examples) if service in {None, e["service"]}]
        return {
            "service": service or "global",
            "hours": hours,
            "total_errors": by_hour.total(),
            "by_type": dict(by_type.most_common()),
            "by_service": dict(by_service.most_common()),
            "by_operation": dict(by_operation.most_common()),
            "by_hour": {as_text(hour * _HOUR_S): by_hour[hour] for hour in sorted(by_hour)},
            "recent": recent[: max(0, examples)],
        }

    def types_of(self, service: str, operation: str, hours: float = 1) -> dict[str, int]:
        """How many errors of which type an operation had, the most frequent first."""
        first = (self._now_s() - min(max(hours, 0), _KEPT_HOURS) * _HOUR_S) // _HOUR_S
        found = Tally[str]()
        with self._lock:
            for (hour, of_type, of, name), n in self._counts.items():
                if hour >= first and (of, name) == (service, operation):
                    found[of_type] += n
        return dict(found.most_common())

    # What follows is the store's: `Part`.

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Add what an earlier run counted, and its examples."""
        first = now_s // _HOUR_S - _KEPT_HOURS
        with self._lock:
            self._changed = set(self._counts)
            for *kind, n in connection.execute(
                "SELECT hour, type, service, operation, errors FROM error_hour WHERE hour >= ?"
                " ORDER BY hour DESC LIMIT ?",
                (first, _MOST_KINDS),
            ):
                self._counts[(kind[0], kind[1], kind[2], kind[3])] += n
            if not self._examples:
                for (data,) in connection.execute("SELECT data FROM error_example ORDER BY id"):
                    self._examples.append(orjson.loads(data))

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None]:
        """Write the counts that changed, and the examples."""
        del now_s
        with self._lock:
            changed = {kind: self._counts[kind] for kind in self._changed}
            examples = list(self._examples)
        if changed:
            connection.executemany(
                "INSERT OR REPLACE INTO error_hour VALUES (?,?,?,?,?)",
                [(*kind, n) for kind, n in changed.items()],
            )
            connection.execute("DELETE FROM error_example")
            connection.executemany(
                "INSERT INTO error_example (data) VALUES (?)",
                [(orjson.dumps(example).decode(),) for example in examples],
            )

        def committed() -> None:
            with self._lock:
                self._changed -= {k for k, n in changed.items() if self._counts[k] == n}

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete hours older than a week."""
        first = int(now_s // _HOUR_S) - _KEPT_HOURS
        connection.execute("DELETE FROM error_hour WHERE hour < ?", (first,))
        with self._lock:
            self._forget(first)

    def _forget(self, before_hour: int) -> None:
        for kind in [kind for kind in self._counts if kind[0] < before_hour]:
            del self._counts[kind]
            self._changed.discard(kind)


def type_of(error: BaseException) -> str:
    """An error's type with the module it comes from, but for those that are built in.

    >>> type_of(ValueError()), type_of(orjson.JSONDecodeError("", "", 0))
    ('ValueError', 'orjson.JSONDecodeError')
    """
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def message_of(error: BaseException) -> str:
    """What an error says, without secrets, shortened; "" where it cannot say it."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - another's __str__ may do anything
        return ""
    # Cut after it is scrubbed: half of a secret may have no form to tell it by.
    text = scrub(text[: 4 * _LONGEST_MESSAGE].encode("utf-8", "replace").decode("utf-8"))
    return text[:_LONGEST_MESSAGE]
