"""Some days of made traffic in a store, enough to train a small model of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forecast.flown_past import START_S, airports, airspace
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.model.training import Recipe
from sectorwatch.simulator import Network
from sectorwatch.simulator.direct import DirectSnapshots
from sectorwatch.store import Identity, Store
from sectorwatch.traffic import Rules, Tracker
from simulator.flown import timetable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.feed.records import Snapshot

__all__ = ["END_S", "FROM_S", "LOCAL", "SMALL", "fly_days"]

CADENCE_S = 300
FROM_S = START_S // 3_600 * 3_600
END_S = FROM_S + 76 * 3_600
LOCAL = LocalTime("Australia/Sydney")
SMALL = Recipe(
    rows=8_000,
    mean_rounds=15,
    quantile_rounds=15,
    held_rows=5_000,
    held_share=0.45,
    least_in_leaf=40,
)


def fly_days(store: Store) -> None:
    """Fly three days and some hours at a cadence of 5 min, what is over being sealed."""
    store.keep_sectors(airspace().sectors)
    store.identify(Identity(airspace().fingerprint, Rules().fingerprint, "key"))
    tracker = Tracker(airspace(), airports())
    for number, feed in enumerate(_feeds(), 1):
        tick = tracker.advance(feed)
        assert tick is not None
        store.commit(tick)
        if number % 36 == 0:
            store.seal_due(feed.time_s)


def _feeds() -> Iterator[Snapshot]:
    few = timetable(peak_airborne=16)
    source = DirectSnapshots(Network(few, seed=1, start_s=FROM_S))
    for time_s in range(FROM_S, END_S, CADENCE_S):
        yield source.at(time_s)
