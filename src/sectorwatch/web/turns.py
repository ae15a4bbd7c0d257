"""Turns for questions that take long: few at a time, some waiting, the rest told to come back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sectorwatch.web.problems import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Turns"]


class Turns:
    """Lets so many in at a time and so many wait; belongs to the event loop.

    Who waits holds no thread, so that short questions are answered meanwhile.
    """

    def __init__(self, *, at_once: int = 1, waiting: int = 16) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._here = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn. Raises ApiError 503 where too many wait already."""
        if self._here >= self._most:
            raise ApiError(
                503,
                f"{self._here} long questions are being answered or wait: try again in a while.",
                headers={"Retry-After": "10"},
            )
        self._here += 1
        try:
            async with self._free:
                yield
        finally:
            self._here -= 1
