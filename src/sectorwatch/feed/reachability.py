"""Whether our own network works: a connection to somebody else, opened and closed at once.

Asked only while a feed fails, and seldom. Nothing is sent; addresses are numbers, because a name
would ask the very thing that may be away.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.config.hosts import parse_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.clock import Clock

__all__ = ["Reachability", "Reached"]

_LONGEST_ERROR = 100


@dataclass(frozen=True, slots=True)
class Reached:
    """One host asked: `took_s` until it took the connection, None where it did not, and why."""

    host: str
    took_s: float | None
    error: str = ""


class Reachability:
    """Asks `hosts` all at once, at most every `every_s`; in between the last answer stands.

    None of `hosts` asks nobody. Raises ValueError where one is no address with a port.
    """

    def __init__(
        self, hosts: Sequence[str], clock: Clock, *, every_s: float = 15.0, limit_s: float = 2.0
    ) -> None:
        self._hosts = [parse_host(host) for host in hosts]
        self._clock = clock
        self._every_s = every_s
        self._limit_s = limit_s
        self._due_s = float("-inf")
        self._last: tuple[Reached, ...] = ()

    async def look(self) -> tuple[Reached, ...]:
        """How each host answered, in the order given; takes `limit_s` at most and never raises."""
        now_s = self._clock.monotonic_s()
        if now_s >= self._due_s:
            self._due_s = now_s + self._every_s
            asked = (self._reach(address, port) for address, port in self._hosts)
            self._last = tuple(await asyncio.gather(*asked))
        return self._last

    async def _reach(self, address: str, port: int) -> Reached:
        begun_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(self._limit_s):
                _, writer = await asyncio.open_connection(address, port)
        except TimeoutError:
            return Reached(address, None, f"no answer in {self._limit_s:g} s")
        except OSError as error:
            return Reached(address, None, (error.strerror or str(error))[:_LONGEST_ERROR])
        took_s = self._clock.monotonic_s() - begun_s
        with suppress(OSError):
            writer.close()
        return Reached(address, took_s)
