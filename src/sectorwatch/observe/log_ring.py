"""The latest log lines, in bounded memory, to be searched."""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.enums import LogLevel

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Found", "LogRing", "LogSearch"]

# Where every line of ours has its time, as text that sorts as time does.
_TIME = slice(14, 41)
_CURSOR = re.compile(r"([0-9T:.Z-]{27})\.([0-9a-f]{8})")
# Threads take the time and then their turn: neighbours may stand in the other order.
_UNORDERED_S = 1.0
_LOOK_EVERY = 256


@dataclass(frozen=True, slots=True)
class LogSearch:
    """What is looked for: all that is given has to fit.

    `level` is the least grave wanted; `text` has to occur in the line as it was written, without
    regard to case of ASCII letters; times are in seconds since 1970, the end not included.
    `cursor` is that of an earlier answer, to go on behind it.
    """

    correlation_id: str | None = None
    level: LogLevel | None = None
    category: str | None = None
    service: str | None = None
    operation: str | None = None
    text: str | None = None
    since_s: float | None = None
    until_s: float | None = None
    cursor: str | None = None
    limit: int = 100

    @staticmethod
    def is_cursor(text: str) -> bool:
        """Whether `text` can be a cursor at all."""
        return _CURSOR.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Found:
    """Entries, newest first; `cursor` leads to those before them, None where there are none.

    `is_complete` is False where the time for looking was over first: `cursor` goes on from there.
    """

    entries: list[dict[str, Any]]
    cursor: str | None
    is_complete: bool = True


class LogRing:
    """Keeps lines as they were written, at most so many and so many bytes of them."""

    def __init__(self, entries: int = 10_000, max_bytes: int = 8_000_000) -> None:
        self._entries = entries
        self.max_bytes = max_bytes
        self._bytes = 0
        self._lines: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._has_past = False

    def append(self, line: bytes) -> None:
        """Keep one line; the oldest make room."""
        with self._lock:
            lines = self._lines
            lines.append(line)
            self._bytes += len(line)
            while self._bytes > self.max_bytes or len(lines) > self._entries:
                self._bytes -= len(lines.popleft())

    def take_up(self, lines: Iterable[bytes]) -> bool:
        """Put what an earlier run wrote before all there is, newest line first; once (True).

        As many as there is room for are taken.
        """
        with self._lock:
            if self._has_past:
                return False
            self._has_past = True
            for line in lines:
                if len(self._lines) >= self._entries or self._bytes + len(line) > self.max_bytes:
                    break
                self._lines.appendleft(line)
                self._bytes += len(line)
        return True

    def lines(self) -> list[bytes]:
        """All there are, oldest first."""
        with self._lock:
            return list(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def oldest(self) -> str | None:
        """The time of the oldest line kept, None where there is none."""
        with self._lock:
            return self._lines[0][_TIME].decode("ascii", "replace") if self._lines else None

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
        """The latest entries that fit all that is asked, newest first; see `LogSearch`."""
        wanted = LogSearch(
            correlation_id=correlation_id,
            level=level,
            category=category,
            service=service,
            text=text,
            limit=limit,
        )
        return self.find(wanted).entries

    def find(self, wanted: LogSearch, *, within_s: float = 1.0) -> Found:
        """The latest entries that are wanted, looked for at most `within_s` seconds."""
        look = _Look(wanted)
        until_s = time.monotonic() + within_s
        found: list[dict[str, Any]] = []
        last = seen = b""
        looked_at = 0
        for line in reversed(self.lines()):
            if not look.is_reached(line):
                continue
            if look.is_past(line):
                break
            if len(found) >= wanted.limit:
                return Found(found, _cursor(last))
            if looked_at and looked_at % _LOOK_EVERY == 0 and time.monotonic() > until_s:
                return Found(found, _cursor(seen), is_complete=False)
            looked_at += 1
            seen = line
            entry = look.fits(line)
            if entry is not None:
                found.append(entry)
                last = line
        return Found(found, None)


class _Look:
    """One search: what every line is held against, cheapest first."""

    def __init__(self, wanted: LogSearch) -> None:
        self._wanted = wanted
        # Bytes that every line looked for must hold: most others are never parsed.
        self._parts = [
            orjson.dumps(value)
            for value in (
                wanted.correlation_id,
                wanted.category,
                wanted.service,
                wanted.operation,
            )
            if value is not None
        ]
        self._needle = None if wanted.text is None else orjson.dumps(wanted.text)[1:-1].lower()
        self._least = 0 if wanted.level is None else LogLevel(wanted.level).number
        self._since = _as_bytes(wanted.since_s)
        self._until = _as_bytes(wanted.until_s)
        self._stop = _as_bytes(None if wanted.since_s is None else wanted.since_s - _UNORDERED_S)
        cursor = _CURSOR.fullmatch(wanted.cursor) if wanted.cursor else None
        self._after = None if cursor is None else (cursor[1].encode(), int(cursor[2], 16))

    def is_reached(self, line: bytes) -> bool:
        """Whether the page that is asked for has begun, which it does behind the cursor's line."""
        if self._after is None:
            return True
        time_text, check = self._after
        if line[_TIME] == time_text and zlib.crc32(line) == check:
            self._after = None
        return False

    def is_past(self, line: bytes) -> bool:
        """Whether this line and all before it are too old."""
        return self._stop is not None and line[_TIME] < self._stop

    def fits(self, line: bytes) -> dict[str, Any] | None:
        """The line as an entry, where it is wanted."""
        if any(part not in line for part in self._parts):
            return None
        if self._needle is not None and self._needle not in line.lower():
            return None
        if self._since is not None and line[_TIME] < self._since:
            return None
        if self._until is not None and line[_TIME] >= self._until:
            return None
        wanted = self._wanted
        try:
            entry: dict[str, Any] = orjson.loads(line)
            fits = (
                (wanted.correlation_id is None or entry["correlation_id"] == wanted.correlation_id)
                and (wanted.category is None or entry["category"] == wanted.category)
                and (wanted.service is None or entry["service"] == wanted.service)
                and (wanted.operation is None or entry["operation"] == wanted.operation)
                and LogLevel(entry["level"]).number >= self._least
            )
        except (ValueError, KeyError, TypeError):
            # Out of a file that somebody else wrote into.
            return None
        return entry if fits else None


def _cursor(line: bytes) -> str | None:
    text = f"{line[_TIME].decode('ascii', 'replace')}.{zlib.crc32(line):08x}"
    return text if _CURSOR.fullmatch(text) else None


def _as_bytes(time_s: float | None) -> bytes | None:
    """A moment as lines have it; before and after all of them where no calendar reaches."""
    if time_s is None:
        return None
    try:
        return as_datetime(time_s).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
    except (OverflowError, ValueError):
        return b"" if time_s < 0 else b"\xff"
