"""A thread that works when it is woken, and is left behind where it hangs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WakingThread"]

_STOP_S = 1.0


class WakingThread:
    """Runs `work`, which waits for `wake` and ends once the event that it is given is set."""

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self._name = name
        self._work = work
        self.wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a second time does nothing."""
        if self._thread is not None and self._thread.is_alive():
            return
        # Of its own: one before it that still hangs ends with its own.
        stop = self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(stop,), name=self._name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is waited for no longer than a second."""
        self._stop.set()
        self.wake.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_STOP_S)
