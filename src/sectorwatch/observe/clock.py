"""Time, injected: a wall clock to say when, a monotonic one to say how long."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "SystemClock", "as_datetime", "as_text", "wall_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where everything in this package gets its time from, so that a test owns it."""

    def now_us(self) -> int:
        """Microseconds since 1970, by the wall clock."""

    def monotonic_s(self) -> float:
        """Seconds since some moment, never running back; for durations alone."""


class SystemClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Microseconds since 1970, by the wall clock."""
        return time.time_ns() // 1_000

    # The built-in itself, not a method around it: this is read twice in every timed operation.
    monotonic_s = staticmethod(time.perf_counter)


def wall_of(clock: Clock) -> Callable[[], float]:
    """Seconds since 1970 by `clock`, the quickest way: this is read for every sample."""
    if type(clock) is SystemClock:
        return time.time
    return lambda: clock.now_us() / 1e6


def as_datetime(time_s: float) -> datetime:
    """A moment in seconds since 1970 as an aware datetime in UTC, to the microsecond.

    >>> as_datetime(0.5).isoformat()
    '1970-01-01T00:00:00.500000+00:00'
    """
    return _EPOCH + timedelta(microseconds=round(time_s * 1e6))


def as_text(time_s: float) -> str:
    """A moment in seconds since 1970 as text; the fraction is there only where it is not zero.

    >>> as_text(1754514000)
    '2025-08-06T21:00:00Z'
    """
    return as_datetime(time_s).isoformat().replace("+00:00", "Z")
