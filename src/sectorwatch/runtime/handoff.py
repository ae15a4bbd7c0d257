"""A recording read ahead in a thread of its own, so that who takes from it can stop and go on.

A source is read once, from its beginning to its end. The collector may be restarted in between;
what it had not taken yet must not be lost, nor the recording begun again.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.feed.records import RawFeed
    from sectorwatch.feed.sources import Source

__all__ = ["Handoff"]

_READ_AHEAD = 2


class Handoff:
    """A `Source` over another one; `close` ends this reading of it, `end` the source itself."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._changed = threading.Condition()
        self._ready: deque[RawFeed] = deque()
        self._reader: threading.Thread | None = None
        self._is_open = False
        self._is_done = False
        self._error: BaseException | None = None

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    @property
    def is_live(self) -> bool:
        """As the source says."""
        return self._source.is_live

    @property
    def is_simulated(self) -> bool:
        """As the source says."""
        return self._source.is_simulated

    def now_us(self) -> int:
        """As the source says."""
        return self._source.now_us()

    def open(self) -> None:
        """Begin to read, or go on after a `close`."""
        with self._changed:
            self._is_open = True
            if self._reader is None:
                self._reader = threading.Thread(
                    target=self._read, name="source-reader", daemon=True
                )
                self._reader.start()

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds from where the last reading ended; raises what the source raised."""
        while True:
            with self._changed:
                while self._is_open and not (self._ready or self._is_done):
                    self._changed.wait()
                if not self._is_open:
                    return
                if not self._ready:
                    if self._error is not None:
                        raise self._error
                    return
                raw = self._ready.popleft()
                self._changed.notify_all()
            yield raw

    def close(self) -> None:
        """End this reading, from any thread, also where it waits."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def end(self) -> None:
        """Let go of the source for good."""
        with self._changed:
            self._is_open = False
            self._is_done = True
            self._changed.notify_all()
        self._source.close()

    def _read(self) -> None:
        try:
            for raw in self._source:
                with self._changed:
                    while len(self._ready) >= _READ_AHEAD and not self._is_done:
                        self._changed.wait()
                    if self._is_done:
                        return
                    self._ready.append(raw)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised where the feeds are taken
            self._error = error
        finally:
            with self._changed:
                self._is_done = True
                self._changed.notify_all()
