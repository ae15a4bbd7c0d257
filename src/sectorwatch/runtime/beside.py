"""Two things at once: one that waits for the disk, in a second thread, and one that does not.

What compresses, or waits for the disk, needs no interpreter, so that it can go on on another core.
Getting the interpreter back in between takes a thread up to Python's switch interval, 5 ms, several
times over; so that is made short for as long.
"""

from __future__ import annotations

import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from sectorwatch.observe import carry

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Beside"]

T = TypeVar("T")
U = TypeVar("U")

_SWITCH_S = 0.000_1


class Beside:
    """Makes calls in a daemon thread of its own; for one thread, one call at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def __del__(self) -> None:
        self.end()

    def both(self, beside: Callable[[], T], here: Callable[[], U]) -> tuple[T, U]:
        """What `beside`, called in the other thread, and `here`, called in this one, give.

        Both have ended then. Raises what `beside` raised, else what `here` raised.
        """
        given: list[T] = []
        raised: list[BaseException] = []
        ended = threading.Event()
        function = carry(beside)

        def call() -> None:
            try:
                given.append(function())
            except BaseException as error:  # noqa: BLE001 - raised to who waits for it
                raised.append(error)
            finally:
                ended.set()

        switch_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            self._begin(call)
            try:
                done = here()
            finally:
                ended.wait()
                if raised:
                    raise raised[0]
        finally:
            sys.setswitchinterval(switch_s)
        return given[0], done

    def end(self) -> None:
        """Let the thread go; another begins with the next call."""
        self._calls.put(None)
        self._thread = None

    def _begin(self, call: Callable[[], None]) -> None:
        if self._thread is None:
            self._calls = SimpleQueue()
            # It knows the queue alone, so that who forgets this object need not end it.
            self._thread = threading.Thread(
                target=_work, args=(self._calls,), name=self._name, daemon=True
            )
            self._thread.start()
        self._calls.put(call)


def _work(calls: SimpleQueue[Callable[[], None] | None]) -> None:
    while (call := calls.get()) is not None:
        call()
        # What it holds is to go with it, not with the next one.
        del call
