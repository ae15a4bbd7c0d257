"""What the tests of observation share: a clock that a test turns by hand, a sink that remembers."""

from __future__ import annotations

from typing import Any

import orjson

START_S = 1_754_514_000.0
"""2025-08-06T21:00:00Z, the beginning of an hour."""


class ManualClock:
    """Wall and monotonic clock that move only when told to."""

    def __init__(self, start_s: float = START_S) -> None:
        self.wall_s = start_s
        self.elapsed_s = 1_000.0

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return round(self.wall_s * 1e6)

    def monotonic_s(self) -> float:
        """Seconds since some moment."""
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.wall_s += seconds
        self.elapsed_s += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as an administrator would."""
        self.wall_s += seconds


class MemorySink:
    """Remembers each line; raises `failure` instead where that is set."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.failure: Exception | None = None

    def write(self, line: bytes) -> None:
        """Take one line."""
        if self.failure is not None:
            raise self.failure
        self.lines.append(line)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The lines as objects."""
        return [orjson.loads(line) for line in self.lines]
