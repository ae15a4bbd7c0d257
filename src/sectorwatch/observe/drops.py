"""What was not kept, counted by reason: nothing is lost silently."""

from __future__ import annotations

import threading
from collections import Counter as Tally

__all__ = ["Drops"]


class Drops:
    """What was not kept, counted by reason."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Tally[str] = Tally()

    def count(self, reason: str, n: int = 1) -> None:
        """Count `n` more for `reason`, one of few words."""
        with self._lock:
            self._counts[reason] += n

    def counts(self) -> dict[str, int]:
        """How many there were, by reason."""
        with self._lock:
            return dict(self._counts)
