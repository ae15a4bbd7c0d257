"""The made network as a source of feeds, like live ones and recorded ones."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sectorwatch.feed.records import Kind, RawFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sectorwatch.simulator.network import Network

__all__ = ["SimulatedSource"]

RECEIVED_AFTER_S = 2
"""A fetch is answered a moment after the snapshot was made."""


class SimulatedSource:
    """Feeds of `network` from its `start_s` to before its `end_s`, as fast as they are taken.

    One every `cadence_s` seconds; before `coarse_until_s` one every `coarse_cadence_s`. After a
    data feed come the transceivers, where the last ones are `transceivers_every_s` old; 0 for none.
    `after_s` leaves out what is at or before it, `progress` is told each feed's time.
    """

    def __init__(
        self,
        network: Network,
        *,
        cadence_s: int = 15,
        transceivers_every_s: int = 60,
        coarse_until_s: int | None = None,
        coarse_cadence_s: int = 300,
        after_s: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        for name, value in (("cadence_s", cadence_s), ("coarse_cadence_s", coarse_cadence_s)):
            if value < 1:
                raise ValueError(f"{name} is {value}: give at least one second")
        self.network = network
        self._cadence_s = cadence_s
        self._transceivers_every_s = transceivers_every_s
        self._coarse_until_s = network.start_s if coarse_until_s is None else coarse_until_s
        self._coarse_cadence_s = coarse_cadence_s
        self._after_s = after_s
        self._progress = progress
        self._now_us = 0
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.name

    @property
    def is_live(self) -> bool:
        """It is not."""
        return False

    @property
    def is_simulated(self) -> bool:
        """It is."""
        return True

    def now_us(self) -> int:
        """The network's time: when the last feed was received."""
        return self._now_us

    def times(self) -> Iterator[int]:
        """The moments of which there is a feed."""
        time_s, end_s = self.network.start_s, self.network.end_s
        while end_s is None or time_s < end_s:
            if self._after_s is None or time_s > self._after_s:
                yield time_s
            # The last coarse step ends no later than they do: the present is not jumped over.
            is_coarse = time_s + self._coarse_cadence_s <= self._coarse_until_s
            time_s += self._coarse_cadence_s if is_coarse else self._cadence_s

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds; ends when closed."""
        next_radios_s = 0
        for time_s in self.times():
            if self._closed.is_set():
                return
            received_us = (time_s + RECEIVED_AFTER_S) * 1_000_000
            payload = self.network.feed(time_s)
            self._now_us = received_us
            yield RawFeed(Kind.FEED, payload, received_us)
            if self._transceivers_every_s and time_s >= next_radios_s:
                next_radios_s = time_s + self._transceivers_every_s
                yield RawFeed(Kind.TRANSCEIVERS, self.network.transceivers(time_s), received_us)
            if self._progress is not None:
                self._progress(time_s)

    def close(self) -> None:
        """End the iteration after the feed under way."""
        self._closed.set()
