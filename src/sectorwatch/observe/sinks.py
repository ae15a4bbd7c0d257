"""Where log lines go: a stream, a file with an end to its growth, or a person at a terminal."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FileSink", "LogSink", "StreamSink", "TerminalSink", "standard_sink"]


class LogSink(Protocol):
    """Takes each line as it is written; may raise, which is counted and goes no further."""

    def write(self, line: bytes) -> None:
        """Take one line of JSON, its newline included."""


class StreamSink:
    """Writes JSON to a file descriptor, by default the standard error stream's."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = _standard_error() if descriptor is None else descriptor

    def write(self, line: bytes) -> None:
        """Write one line. Raises OSError."""
        _write_all(self._descriptor, line)


class FileSink:
    """Writes JSON to a file readable by its owner alone; a full one makes room for a new one.

    At most `keep` full files of `max_bytes` each stay beside it, named `.1` (the latest) and up.
    Each line is one unbuffered write: what was logged before a crash is in the file.
    """

    def __init__(self, path: Path, *, max_bytes: int = 50_000_000, keep: int = 4) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = threading.Lock()
        self._descriptor = -1
        self._size = 0
        self._open()

    def write(self, line: bytes) -> None:
        """Write one line. Raises OSError, where the disk is full say."""
        if self._size + len(line) > self._max_bytes:
            self._turn(len(line))
        # Appending is atomic; only turning over needs the lock. A size that is a line or two
        # behind between threads does no harm.
        self._size += len(line)
        _write_all(self._descriptor, line)

    def close(self) -> None:
        """Close the file; a later line is refused with OSError."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _turn(self, wanted: int) -> None:
        with self._lock:
            if self._size + wanted <= self._max_bytes or self._size == 0 or self._descriptor < 0:
                return
            for number in range(self._keep, 0, -1):
                older = self._path.with_name(f"{self._path.name}.{number}")
                newer = self._path.with_name(f"{self._path.name}.{number - 1}")
                source = newer if number > 1 else self._path
                if source.exists():
                    source.replace(older)
            full = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
            # The number of the descriptor stays, so that a thread about to write needs no lock.
            os.dup2(full, self._descriptor, inheritable=False)
            os.close(full)
            self._size = 0


class TerminalSink:
    """Writes lines as a person reads them: time, level, service, operation, then the rest."""

    _COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "1;31", "DEBUG": "2"}  # noqa: RUF012 - never changed
    _FIRST = ("timestamp", "level", "category", "service", "operation", "correlation_id")

    def __init__(self, descriptor: int | None = None, *, colour: bool = True) -> None:
        self._descriptor = _standard_error() if descriptor is None else descriptor
        self._colour = colour

    def write(self, line: bytes) -> None:
        """Write one line. Raises OSError, and ValueError where it is no JSON object."""
        entry = orjson.loads(line)
        exception = entry.pop("exception", None)
        rest = " ".join(
            f"{key}={_shown(value)}" for key, value in entry.items() if key not in self._FIRST
        )
        level = entry["level"]
        correlation = f" ({entry['correlation_id'][:8]})" if entry["correlation_id"] else ""
        text = (
            f"{entry['timestamp'][11:23]} {self._painted(level, f'{level:<8}')} "
            f"{entry['service']}: {entry['operation']}{correlation} {rest}".rstrip()
        )
        if exception:
            text += "\n" + str(exception.get("stack") or exception.get("message"))
        # Control characters in what others sent must not steer the terminal.
        safe = "".join(c if c.isprintable() or c in "\n\x1b" else "?" for c in text)
        _write_all(self._descriptor, safe.encode() + b"\n")

    def _painted(self, level: str, text: str) -> str:
        colour = self._COLOURS.get(level) if self._colour else None
        return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def standard_sink() -> LogSink:
    """Readable lines where the standard error stream is a terminal, else JSON."""
    descriptor = _standard_error()
    if os.isatty(descriptor):
        return TerminalSink(descriptor, colour="NO_COLOR" not in os.environ)
    return StreamSink(descriptor)


def _standard_error() -> int:
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        # Replaced by something that is no file: what started the program gave it number 2.
        return 2


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if value and value.isprintable() and " " not in value else repr(value)
    return orjson.dumps(value).decode()


def _write_all(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    while written < len(line):
        line = line[written:]
        written = os.write(descriptor, line)
