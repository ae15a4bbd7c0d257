"""Faults of the program's own, caused in the process that they are to happen in.

Each is a context manager: the fault is there while its block runs. They break what the program does
itself, by the same calls, in the same threads; nothing of what watches it is touched.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sectorwatch.runtime.pipeline import Pipeline
from sectorwatch.runtime.services_maintenance import Maintenance, MaintenanceService
from sectorwatch.traffic import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["FAULTS", "HOARDED_MB_A_S", "GamedayFault", "Loop"]

Loop = asyncio.AbstractEventLoop

HOARDED_MB_A_S = 2.0
"""What the leak takes a second."""
_HOARD_EVERY_S = 0.1
_SLOW_S = 0.4
_BLOCKED_S = 2.0
_FREE_S = 0.5
_SPIN = 200_000


class GamedayFault(RuntimeError):  # noqa: N818 - what a log shows says what it is, not what kind
    """The error that a broken part of the program raises."""


@contextmanager
def dying_collector(loop: Loop) -> Iterator[None]:
    """The ingestion thread dies over each feed; started again, it dies over the next one."""
    del loop

    def take(_self: Pipeline, _raw: object) -> None:
        raise GamedayFault("the ingestion thread met a feed that it cannot survive")

    with _replaced(Pipeline, "take", take):
        yield


@contextmanager
def maintenance_that_stays_down(loop: Loop) -> Iterator[None]:
    """The maintenance thread dies once, and cannot be started again."""
    del loop

    def look(_self: Maintenance) -> None:
        raise GamedayFault("maintenance met something that it cannot survive")

    async def start(_self: MaintenanceService) -> None:
        await asyncio.sleep(0)
        raise GamedayFault("maintenance cannot be started again")

    with _replaced(MaintenanceService, "start", start), _replaced(Maintenance, "look", look):
        yield


@contextmanager
def failing_tracker(loop: Loop) -> Iterator[None]:
    """Two of three snapshots that come are more than the tracker can follow, also a second time."""
    del loop
    advance = Tracker.advance
    first_us: list[int] = []

    def failing(self: Tracker, snapshot: Any) -> Any:
        # Those before the fault were followed, and are again where it goes back to them.
        if not first_us:
            first_us.append(snapshot.time_us)
        if snapshot.time_us >= first_us[0] and snapshot.time_us % 3:
            raise GamedayFault("the tracker cannot follow this snapshot")
        return advance(self, snapshot)

    with _replaced(Tracker, "advance", failing):
        yield


@contextmanager
def slow_tracker(loop: Loop) -> Iterator[None]:
    """Following a snapshot takes 0.4 s longer than it did."""
    del loop
    advance = Tracker.advance

    def slow(self: Tracker, snapshot: Any) -> Any:
        time.sleep(_SLOW_S)
        return advance(self, snapshot)

    with _replaced(Tracker, "advance", slow):
        yield


@contextmanager
def leak(loop: Loop) -> Iterator[None]:
    """A cache that nobody ever empties grows by 2 MB a second."""
    del loop
    hoard: list[bytes] = []
    with _thread("gameday-leak", lambda stop: hoard_answers(hoard, stop)):
        yield
    hoard.clear()


def hoard_answers(hoard: list[bytes], stop: threading.Event) -> None:
    """Keep ever more until `stop`."""
    size = int(HOARDED_MB_A_S * 1_000_000 * _HOARD_EVERY_S)
    for number in itertools.count():
        # Written to, for memory that nobody touched is not there yet.
        hoard.append(bytes([1 + number % 255]) * size)  # the leaking line
        if stop.wait(_HOARD_EVERY_S):
            return


@contextmanager
def cpu_spinner(loop: Loop) -> Iterator[None]:
    """A thread computes without end, and takes all of a core that it is given."""
    del loop
    with _thread("gameday-spinner", spin_for_nothing):
        yield


def spin_for_nothing(stop: threading.Event) -> None:
    """Compute until `stop`."""
    while not stop.is_set():
        spin_once()


def spin_once() -> float:
    """A few hundredths of a second of work that nobody needs."""
    return sum(math.sqrt(number) for number in range(_SPIN))


@contextmanager
def blocked_loop(loop: Loop) -> Iterator[None]:
    """A task in the event loop waits for 2 s at a time without letting others go on."""
    stop = threading.Event()

    async def answer_slowly() -> None:
        while not stop.is_set():
            block_the_loop()
            await asyncio.sleep(_FREE_S)

    task = asyncio.run_coroutine_threadsafe(answer_slowly(), loop)
    try:
        yield
    finally:
        stop.set()
        task.result(timeout=30)


def block_the_loop() -> None:
    """Wait as one must never wait in a coroutine."""
    time.sleep(_BLOCKED_S)


FAULTS: dict[str, Callable[[Loop], AbstractContextManager[None]]] = {
    each.__name__: each
    for each in (
        dying_collector,
        maintenance_that_stays_down,
        failing_tracker,
        slow_tracker,
        leak,
        cpu_spinner,
        blocked_loop,
    )
}
"""By the name under which the instance is told to begin and end them."""


@contextmanager
def _replaced(owner: type, name: str, other: Callable[..., Any]) -> Iterator[None]:
    """Have a method be another one for the time of the block."""
    before = owner.__dict__[name]
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _thread(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Have a thread at work for the time of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
