"""A few hours of made traffic, flown through the real tracker into a real store."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.simulator.direct import DirectSnapshots
from sectorwatch.traffic import Tracker
from simulator.flown import START_S, network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sectorwatch.airspace import Airspace
    from sectorwatch.feed.records import Snapshot
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Tick

__all__ = ["START_S", "Flown", "airports", "airspace", "assert_same", "fly", "snapshots"]


@lru_cache(maxsize=1)
def airspace() -> Airspace:
    """The made airspace of Australia."""
    return load_airspace(["made:australia"])


@lru_cache(maxsize=1)
def airports() -> Airports:
    """All airports."""
    return Airports.load()


def snapshots(times_s: Iterable[int], *, seed: int = 1) -> list[Snapshot]:
    """The made network at these times, its controllers left out."""
    source = DirectSnapshots(network(seed=seed))
    return [source.at(time_s) for time_s in times_s]


@dataclass
class Flown:
    """Ticks that were committed, by when they were received (whole seconds, rounded up)."""

    ticks: dict[int, Tick] = field(default_factory=dict)

    def tick_at(self, as_of_s: int) -> Tick:
        """The last one that had been received by then."""
        return self.ticks[max(time_s for time_s in self.ticks if time_s <= as_of_s)]


def fly(
    store: Store,
    feeds: Iterable[Snapshot],
    *,
    seal_every: int = 0,
    over: Airspace | None = None,
    after: Callable[[Tick], None] | None = None,
) -> Flown:
    """Fly these snapshots into `store`, sealing what is due every so many ticks."""
    tracker, flown = Tracker(over or airspace(), airports()), Flown()
    for number, feed in enumerate(feeds, 1):
        tick = tracker.advance(feed)
        assert tick is not None
        store.commit(tick)
        flown.ticks[-(-tick.received_at_us // 1_000_000)] = tick
        if seal_every and number % seal_every == 0:
            store.seal_due(feed.time_s)
        if after is not None:
            after(tick)
    return flown


def assert_same(ours: Situation, theirs: Situation) -> None:
    """Equal in every field; coordinates to the 1e-5 degrees in which they are kept."""
    for each in fields(ours):
        mine, other = getattr(ours, each.name), getattr(theirs, each.name)
        if each.name in ("latitude", "longitude"):
            np.testing.assert_allclose(mine, other, atol=0.500_01e-5, rtol=0, err_msg=each.name)
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, other, err_msg=each.name)
            assert mine.dtype == other.dtype, each.name
        elif each.name == "places":
            assert list(mine.icao) == list(other.icao)
        else:
            assert mine == other, each.name
