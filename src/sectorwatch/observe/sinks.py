"""Where log lines go: a stream, a file with an end to its growth, or a person at a terminal."""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FileSink", "LogSink", "StreamSink", "TerminalSink", "standard_sink"]


_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_LOOK_EVERY = 64


class LogSink(Protocol):
    """Takes each line as it is written; may raise, which is counted and goes no further."""

    def write(self, line: bytes) -> None:
        """Take one line of JSON, its newline included."""


class StreamSink:
    """Writes JSON to a file descriptor, by default the standard error stream's.

    A reader that takes nothing (a pipe that is full, a terminal that was stopped) is waited for
    `patience_s` once; until it reads again lines are refused, so that it never stops the program.
    """

    def __init__(self, descriptor: int | None = None, *, patience_s: float = 0.25) -> None:
        self._out = _Outlet(_standard_error() if descriptor is None else descriptor, patience_s)

    def write(self, line: bytes) -> None:
        """Write one line. Raises OSError, BlockingIOError where nobody reads."""
        self._out.write(line)


class _Outlet:
    """A descriptor that others may share and that may block, written to without ever blocking."""

    def __init__(self, descriptor: int, patience_s: float) -> None:
        self._descriptor = descriptor
        self._patience_ms = patience_s * 1_000
        self._lock = threading.Lock()
        self._is_blocked = False
        self._is_torn = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, line: bytes) -> None:
        # Two threads that both found room could fill it, and the second one would block.
        with self._lock:
            # The end of a line that stuck halfway is never written: the next begins anew.
            left = b"\n" + line if self._is_torn else line
            while left:
                if not self._poll.poll(0 if self._is_blocked else self._patience_ms):
                    self._is_blocked = True
                    raise BlockingIOError("nobody reads what is written there")
                self._is_blocked = False
                # What a pipe takes at least once it is ready at all.
                written = os.write(self._descriptor, left[: select.PIPE_BUF])
                left = left[written:]
                self._is_torn = bool(left)


class FileSink:
    """Writes JSON to a file readable by its owner alone; a full one makes room for a new one.

    At most `keep` full files of `max_bytes` each stay beside it, named `.1` (the latest) and up.
    Each line is one unbuffered write: what was logged before a crash is in the file. Where the file
    is moved or deleted by somebody else, a new one is begun within `_LOOK_EVERY` lines, or when
    `look` is called.
    """

    def __init__(self, path: Path, *, max_bytes: int = 50_000_000, keep: int = 4) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = threading.Lock()
        self._descriptor = -1
        self._size = 0
        self._lines = 0
        self._is_torn = False
        self._open()

    def write(self, line: bytes) -> None:
        """Write one line. Raises OSError, where the disk is full say."""
        if self._size + len(line) > self._max_bytes:
            self._turn(len(line))
        # Appending is atomic; only turning over needs the lock. A size that is a line or two
        # behind between threads does no harm.
        self._size += len(line)
        self._lines = lines = self._lines + 1
        if lines >= _LOOK_EVERY:
            self._lines = 0
            self.look()
        if self._is_torn:
            line, self._is_torn = b"\n" + line, False
        written = os.write(self._descriptor, line)
        if written < len(line):
            self._write_rest(line[written:])

    def _write_rest(self, left: bytes) -> None:
        """Write the end of a line. Raises OSError, on a full disk say: the next one begins anew."""
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self._is_torn = True
            raise

    def look(self) -> None:
        """Begin a new file where ours is no longer there, and see how long it is by now.

        Raises OSError where there can be none.
        """
        with self._lock:
            if self._descriptor < 0:
                return
            ours = os.fstat(self._descriptor)
            try:
                there = self._path.stat()
            except FileNotFoundError:
                there = None
            if there is None or (there.st_ino, there.st_dev) != (ours.st_ino, ours.st_dev):
                fresh = os.open(self._path, _FLAGS, 0o600)
                os.dup2(fresh, self._descriptor, inheritable=False)
                os.close(fresh)
            self._size = os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Close the file; a later line is refused with OSError."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _open(self) -> None:
        self._descriptor = os.open(self._path, _FLAGS, 0o600)
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
            full = os.open(self._path, _FLAGS | os.O_TRUNC, 0o600)
            # The number of the descriptor stays, so that a thread about to write needs no lock.
            os.dup2(full, self._descriptor, inheritable=False)
            os.close(full)
            self._size = 0


class TerminalSink:
    """Writes lines as a person reads them: time, level, service, operation, then the rest.

    In colours where `colour` says so; None: on a terminal, unless NO_COLOR is set.
    """

    _COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "1;31", "DEBUG": "2"}  # noqa: RUF012 - never changed
    _FIRST = frozenset(
        {"timestamp", "level", "category", "service", "operation", "correlation_id", "span_id"}
    )

    def __init__(
        self,
        descriptor: int | None = None,
        *,
        colour: bool | None = None,
        patience_s: float = 0.25,
    ) -> None:
        descriptor = _standard_error() if descriptor is None else descriptor
        self._out = _Outlet(descriptor, patience_s)
        if colour is None:
            colour = os.isatty(descriptor) and not os.environ.get("NO_COLOR")
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
        what = f"{entry['service']}: {entry['operation']}{correlation} {rest}".rstrip()
        text = f"{entry['timestamp'][11:23]} {self._painted(level, f'{level:<8}')} {_tame(what)}"
        if isinstance(exception, dict):
            told = str(exception.get("stack") or exception.get("message") or exception.get("type"))
            # Set in, so that where a line of the log begins is seen at once.
            below = "\n".join(f"    {_tame(each)}" for each in told.rstrip("\n").split("\n"))
            text += f"\n{self._painted('DEBUG', below)}"
        self._out.write(text.encode("utf-8", "replace") + b"\n")

    def _painted(self, level: str, text: str) -> str:
        colour = self._COLOURS.get(level) if self._colour else None
        return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def standard_sink() -> LogSink:
    """Readable lines where the standard error stream is a terminal, else JSON."""
    descriptor = _standard_error()
    if os.isatty(descriptor):
        return TerminalSink(descriptor)
    return StreamSink(descriptor)


def _standard_error() -> int:
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        # Replaced by something that is no file: what started the program gave it number 2.
        return 2


def _tame(text: str) -> str:
    """Text without control characters: what others sent must not steer the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value if value and value.isprintable() and " " not in value else repr(value)
    return orjson.dumps(value).decode()
