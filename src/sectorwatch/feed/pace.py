"""How often the network's servers are asked, whatever restarts and retries there are."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sectorwatch.clock import Clock

__all__ = ["Pace"]


class Pace:
    """Hands out turns that are at least `interval_s` apart, plus a little at random.

    Whoever builds the process makes it once and gives it to each client that asks the same
    server, so that a client started again waits for its turn like any other. For use within event
    loops, one at a time.
    """

    def __init__(
        self,
        interval_s: float,
        clock: Clock,
        *,
        jitter_s: float = 0.25,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self.interval_s = interval_s
        self._clock = clock
        self._jitter_s = jitter_s
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311 - spreads clients out, guards nothing
        self._next_s = float("-inf")

    async def turn(self) -> None:
        """Wait for a turn and take it. Cancelled while waiting, none is taken."""
        # Asked again after each sleep: another may have been faster, or `hold` moved it away.
        while (wait_s := self.wait_s()) > 0:
            await self._sleep(wait_s)
        self.take()

    def wait_s(self) -> float:
        """How long until the next turn, seconds; 0 where one may be taken now."""
        return max(0.0, self._next_s - self._clock.monotonic_s())

    def take(self) -> None:
        """Count a turn as taken now: the next is an interval away, whatever was before."""
        jitter_s = self._rng.uniform(0, self._jitter_s)
        next_s = self._clock.monotonic_s() + self.interval_s + jitter_s
        self._next_s = max(self._next_s, next_s)

    def give_back(self, after_s: float) -> None:
        """The turn taken last reached no server: the next may come `after_s` seconds from now."""
        self._next_s = min(self._next_s, self._clock.monotonic_s() + after_s)

    def hold(self, for_s: float) -> None:
        """No turn for `for_s` seconds from now: the server asked for it."""
        self._next_s = max(self._next_s, self._clock.monotonic_s() + for_s)
