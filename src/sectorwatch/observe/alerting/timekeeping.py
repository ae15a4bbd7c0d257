"""Whether time went on evenly: after a jump or a pause nothing that was waited for holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorwatch.observe.clock import Clock

__all__ = ["Steadiness"]

_JUMP_S = 10.0
_SETTLE_AFTER_JUMP_S = 60.0
_PAUSE_PERIODS = 8
_SHORTEST_PAUSE_S = 120.0


class Steadiness:
    """Holds the wall clock against the monotonic one at each look.

    A machine that was suspended, a process that was stopped, and a clock that was set look alike:
    feeds are old, connections gone, windows half empty. For a minute then nothing is concluded.
    """

    def __init__(self, clock: Clock, *, settle_s: float, period_s: float) -> None:
        self._clock = clock
        self._settle_s = settle_s
        self._longest_s = max(_SHORTEST_PAUSE_S, _PAUSE_PERIODS * period_s)
        self._offset_s = self._offset()
        self._looked_s: float | None = None
        self._settled_s = float("-inf")

    @property
    def is_settled(self) -> bool:
        """Whether long enough has passed since the start, a jump or a pause."""
        return self._clock.monotonic_s() >= self._settled_s

    def settle(self) -> None:
        """It has just started: wait as long as was set."""
        self._looked_s = None
        self._settled_s = self._clock.monotonic_s() + self._settle_s

    def look(self) -> bool:
        """Whether time went on evenly since the last look."""
        now_s, offset_s = self._clock.monotonic_s(), self._offset()
        jumped = abs(offset_s - self._offset_s) > _JUMP_S
        paused = self._looked_s is not None and now_s - self._looked_s > self._longest_s
        self._offset_s, self._looked_s = offset_s, now_s
        if jumped or paused:
            self._settled_s = max(self._settled_s, now_s + _SETTLE_AFTER_JUMP_S)
            return False
        return True

    def _offset(self) -> float:
        return self._clock.now_us() / 1e6 - self._clock.monotonic_s()
