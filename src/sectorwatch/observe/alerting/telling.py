"""Calling other people's code from a thread of its own: it may raise, and it may hang."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.observe.clock import Clock
    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.results import Alert

__all__ = ["Teller"]

_MOST_WAITING = 1_000
_LONGEST_CALL_S = 5.0


class Teller:
    """Tells listeners of alerts, in order, from a thread of its own.

    A listener that raises is counted; one that hangs is left to itself and called no more. Without
    the thread (`start`) they are called where `tell` is.
    """

    def __init__(self, clock: Clock, drops: Drops) -> None:
        self.listeners: list[Callable[[Alert], None]] = []
        self._clock = clock
        self._drops = drops
        self._waiting: queue.SimpleQueue[Alert | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._calling: tuple[Callable[[Alert], None], float] | None = None

    def start(self) -> None:
        """Start the thread; once."""
        if self._thread is None:
            self._calling = None
            self._thread = threading.Thread(
                target=self._run, name="observe-alert-listeners", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it, a second at most."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(timeout=1)

    def tell(self, alert: Alert) -> None:
        """Have every listener hear of an alert; never raises, never waits for them."""
        if not self.listeners:
            return
        if self._thread is None:
            self._call(alert)
        elif self._waiting.qsize() < _MOST_WAITING:
            self._waiting.put(alert)
        else:
            self._drops.count("listeners_behind")

    def watch(self) -> None:
        """Go on without a listener that hangs; to be called now and then."""
        calling = self._calling
        if calling is None or self._thread is None:
            return
        listener, since_s = calling
        if self._clock.monotonic_s() - since_s > _LONGEST_CALL_S:
            self._drops.count("listener_hangs")
            if listener in self.listeners:
                self.listeners.remove(listener)
            # The old thread sees that it is no longer the one, should it ever come back.
            self._calling = self._thread = None
            self.start()

    def _run(self) -> None:
        me = threading.current_thread()
        while self._thread is me or self._thread is None:
            alert = self._waiting.get()
            if alert is None:
                # Meant for one before this, where that one hung when it was told to stop.
                if self._thread is me:
                    continue
                return
            self._call(alert, me)

    def _call(self, alert: Alert, me: threading.Thread | None = None) -> None:
        for listener in list(self.listeners):
            if me is not None and self._thread is not me:
                return
            if me is not None:
                self._calling = (listener, self._clock.monotonic_s())
            try:
                listener(alert)
            except Exception:  # noqa: BLE001 - another's code may do anything
                self._drops.count("listener_failed")
        if me is not None and self._thread is me:
            self._calling = None
