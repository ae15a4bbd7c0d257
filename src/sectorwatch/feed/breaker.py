"""A circuit breaker: after failures in a row, ask no more for a while, then try once.

It serves whatever may be away: VATSIM's servers, a database. It holds no clock of its own and may
be asked from any thread; its state is there for all to see.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.clock import Clock

__all__ = ["BreakerState", "CircuitBreaker"]


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A breaker at one moment.

    `failures` counts those in a row, `opened_at_us` is when it opened (None where it is closed),
    `next_try_us` when it will let one call through again, `last_failure` the last one's reason,
    `opened_times` how often it opened since the start.
    """

    name: str
    state: Literal["closed", "open", "half_open"]
    failures: int
    opened_at_us: int | None
    next_try_us: int | None
    last_failure: str | None
    opened_times: int


class CircuitBreaker:
    """Closed it lets every call through, open none, half-open one that decides.

    It opens after `failures_to_open` failures in a row, for `open_s` seconds, twice as long each
    time the trial fails, up to `max_open_s`. A trial that is never reported back is taken for
    lost after `max_open_s`. `on_change` is told of each change of state, outside the lock.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        failures_to_open: int = 5,
        open_s: float = 30.0,
        max_open_s: float = 300.0,
        on_change: Callable[[BreakerState], None] | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._failures_to_open = failures_to_open
        self._open_s = open_s
        self._max_open_s = max(open_s, max_open_s)
        self._on_change = on_change
        self._lock = threading.Lock()
        self._state: Literal["closed", "open", "half_open"] = "closed"
        self._failures = 0
        self._opened_times = 0
        self._wait_s = open_s
        self._until_s = 0.0
        self._opened_at_us: int | None = None
        self._last_failure: str | None = None

    @property
    def state(self) -> BreakerState:
        """The breaker as it is now."""
        with self._lock:
            return self._seen()

    def allows(self) -> bool:
        """Whether a call may be made now; a caller that is told so reports how it went."""
        with self._lock:
            if self._state == "closed":
                return True
            if self._clock.monotonic_s() < self._until_s:
                return False
            # This caller's call is the trial; until it is back, nobody else's is let through.
            changed = self._state != "half_open"
            self._state = "half_open"
            self._until_s = self._clock.monotonic_s() + self._max_open_s
            seen = self._seen()
        if changed:
            self._tell(seen)
        return True

    def wait_s(self) -> float:
        """How long until a call may be made, seconds; 0 where it may be made now."""
        with self._lock:
            if self._state == "closed":
                return 0.0
            return max(0.0, self._until_s - self._clock.monotonic_s())

    def succeeded(self) -> None:
        """A call went well: all is forgotten."""
        with self._lock:
            changed = self._state != "closed"
            self._state = "closed"
            self._failures = 0
            self._wait_s = self._open_s
            self._opened_at_us = None
            seen = self._seen()
        if changed:
            self._tell(seen)

    def failed(self, reason: str) -> None:
        """A call failed; `reason` is kept for whoever looks."""
        with self._lock:
            self._failures += 1
            self._last_failure = reason
            trial = self._state == "half_open"
            opens = trial or (self._state == "closed" and self._failures >= self._failures_to_open)
            if opens:
                self._wait_s = min(self._wait_s * 2, self._max_open_s) if trial else self._open_s
                self._state = "open"
                self._opened_times += 1
                self._until_s = self._clock.monotonic_s() + self._wait_s
                if self._opened_at_us is None:
                    self._opened_at_us = self._clock.now_us()
            seen = self._seen()
        if opens:
            self._tell(seen)

    def gave_up(self) -> None:
        """A call was left before it was decided: if it was the trial, the next may try at once."""
        with self._lock:
            if self._state == "half_open":
                self._until_s = self._clock.monotonic_s()

    def _seen(self) -> BreakerState:
        next_try_us = None
        if self._state != "closed":
            left_s = max(0.0, self._until_s - self._clock.monotonic_s())
            next_try_us = self._clock.now_us() + round(left_s * 1_000_000)
        return BreakerState(
            name=self.name,
            state=self._state,
            failures=self._failures,
            opened_at_us=self._opened_at_us,
            next_try_us=next_try_us,
            last_failure=self._last_failure,
            opened_times=self._opened_times,
        )

    def _tell(self, seen: BreakerState) -> None:
        if self._on_change is not None:
            self._on_change(seen)
