"""The log as a person at a terminal reads it: our own errors in words, without a stack."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.cli.console import printable
from sectorwatch.observe import TerminalSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.config import Settings
    from sectorwatch.observe import LogSink

__all__ = ["Remarks", "Spoken", "terminal_sinks"]

# What is raised on purpose says in its message what was wrong and what to do.
_OURS = "sectorwatch.errors."


class Spoken(TerminalSink):
    """Readable lines; a mistake of the program's keeps its stack, an expected error does not."""

    def write(self, line: bytes) -> None:
        """Write one line. Raises OSError, and ValueError where it is no JSON object."""
        entry = orjson.loads(line)
        if _is_ours(entry):
            del entry["exception"]["stack"]
            line = orjson.dumps(entry)
        super().write(line)


class Remarks:
    """A line in words for what a batch command comes across; the log's file has the rest."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def write(self, line: bytes) -> None:
        """Tell of one entry. Raises ValueError where it is no JSON object."""
        entry = orjson.loads(line)
        if entry["category"] == "performance":
            # How long something took is no news where everything goes as fast as it can.
            return
        exception = entry.get("exception") or {}
        words = entry.get("what") or exception.get("message") or _rest(entry)
        text = f"{entry['level'].lower()}: {entry['service']}, {entry['operation']}: {words}"
        if exception.get("stack") and not _is_ours(entry):
            text += f"\n{exception['stack']}"
        self._tell(printable(text))


def terminal_sinks(settings: Settings) -> Sequence[LogSink] | None:
    """Where a serving command's log goes besides its file; None leaves it to the settings."""
    is_terminal = sys.stderr.isatty()
    if settings.log_format == "json" or (settings.log_format == "auto" and not is_terminal):
        return None
    return [Spoken(colour=is_terminal and "NO_COLOR" not in os.environ)]


def _is_ours(entry: dict[str, Any]) -> bool:
    exception = entry.get("exception") or {}
    return "stack" in exception and str(exception.get("type", "")).startswith(_OURS)


def _rest(entry: dict[str, Any]) -> str:
    known = (
        "timestamp",
        "level",
        "category",
        "service",
        "operation",
        "correlation_id",
        "span_id",
    )
    return " ".join(f"{name}={value}" for name, value in entry.items() if name not in known)
