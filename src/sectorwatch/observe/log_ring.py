"""The latest log lines, in bounded memory, to be searched."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import orjson

from sectorwatch.observe.enums import LogLevel

__all__ = ["LogRing"]


class LogRing:
    """Keeps lines as they were written, at most so many and so many bytes of them."""

    def __init__(self, entries: int = 10_000, max_bytes: int = 8_000_000) -> None:
        self._entries = entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lines: deque[bytes] = deque()
        self._lock = threading.Lock()

    def append(self, line: bytes) -> None:
        """Keep one line; the oldest make room."""
        with self._lock:
            lines = self._lines
            lines.append(line)
            self._bytes += len(line)
            while self._bytes > self._max_bytes or len(lines) > self._entries:
                self._bytes -= len(lines.popleft())

    def __len__(self) -> int:
        return len(self._lines)

    def search(
        self,
        *,
        correlation_id: str | None = None,
        level: LogLevel | None = None,
        category: str | None = None,
        service: str | None = None,
        text: str | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """The latest entries that fit all that is asked, newest first.

        `level` is the least grave wanted; `text` has to occur in the line, without regard to case.
        """
        with self._lock:
            lines = list(self._lines)
        # Bytes that every line looked for must hold: most others are never parsed.
        wanted = [
            orjson.dumps(value)
            for value in (correlation_id, category, service)
            if value is not None
        ]
        needle = None if text is None else orjson.dumps(text)[1:-1].lower()
        least = 0 if level is None else LogLevel(level).number
        found: list[dict[str, Any]] = []
        for line in reversed(lines):
            if len(found) >= limit:
                break
            if any(part not in line for part in wanted):
                continue
            if needle is not None and needle not in line.lower():
                continue
            entry = orjson.loads(line)
            if (
                (correlation_id is None or entry["correlation_id"] == correlation_id)
                and (category is None or entry["category"] == category)
                and (service is None or entry["service"] == service)
                and LogLevel(entry["level"]).number >= least
            ):
                found.append(entry)
        return found
