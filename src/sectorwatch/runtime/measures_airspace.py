"""The airspace in a few bounded metrics: how busy its sectors are, who is staffed, who is online.

Read from the newest tick when samples are collected, in whichever thread does that: the ingestion
thread takes no part in it.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.airspace import Airspace
    from sectorwatch.observe import Gauge, MetricsCollector
    from sectorwatch.traffic.tick import Live, Tick

__all__ = ["MOST_SECTORS", "AirspaceMeasures"]

MOST_SECTORS = 100
"""Of so many sectors at most there are metrics, whatever the settings name."""

_FACILITIES = {1: "FSS", 2: "DEL", 3: "GND", 4: "TWR", 5: "APP", 6: "CTR"}


class AirspaceMeasures:
    """Sets the gauges of `airspace` to what `latest` says; `take` may be called by any thread.

    `named` are the sectors to measure, by name or `partition/name`. Without any they are those of
    the home sector's partition, without that one of all partitions. Where these are more than
    `MOST_SECTORS`, the home sector and those that are busiest first have the room, and keep it.
    """

    def __init__(
        self,
        airspace: Airspace,
        latest: Callable[[], Tick | None],
        metrics: MetricsCollector,
        *,
        named: Sequence[str] = (),
        home: str | None = None,
    ) -> None:
        self._airspace = airspace
        self._latest = latest
        self._metrics = metrics
        self._taking = threading.Lock()
        self._seq = 0
        self._candidates = _candidates(airspace, named, home)
        self._sectors: dict[int, tuple[Gauge, Gauge]] = {}
        self._facilities = {
            number: metrics.gauge("network_controllers", {"facility": name})
            for number, name in _FACILITIES.items()
        }
        self._counts = {
            name: metrics.gauge(f"network_{name}")
            for name in ("pilots", "airborne", "prefiles", "observers")
        }
        self._visits = metrics.gauge("visits_open")
        self._in_contact = metrics.gauge("flights_in_contact")
        at_once = self._candidates
        if len(at_once) > MOST_SECTORS:
            at_once = [] if home is None else _indexes(airspace, (home,))[:1]
        for index in at_once:
            self._add(index)

    def take(self) -> None:
        """Set the gauges, once a tick."""
        if not self._taking.acquire(blocking=False):
            return
        try:
            tick = self._latest()
            if tick is not None and tick.seq != self._seq:
                self._seq = tick.seq
                self._set(tick)
        finally:
            self._taking.release()

    def _set(self, tick: Tick) -> None:
        live, network = tick.live, tick.network
        for name, gauge in self._counts.items():
            gauge.set(getattr(network, name))
        online = Counter(session.facility for session in live.sessions)
        for number, gauge in self._facilities.items():
            gauge.set(online[number])
        self._visits.set(int(live.occupancy.sum()))
        if live.heard_s is not None:
            self._in_contact.set(int(np.count_nonzero(live.contact != -1)))
        if len(self._sectors) < min(MOST_SECTORS, len(self._candidates)):
            self._fill_up(live)
        for index, (load, staffed) in self._sectors.items():
            load.set(int(live.occupancy[index]))
            staffed.set(float(live.owners[index] is not None))

    def _fill_up(self, live: Live) -> None:
        """Give the busiest sectors that have no gauges yet the room that is left."""
        busy = [index for index in self._candidates if live.occupancy[index] > 0]
        for index in sorted(busy, key=lambda index: -int(live.occupancy[index])):
            if len(self._sectors) >= MOST_SECTORS:
                return
            if index not in self._sectors:
                self._add(index)

    def _add(self, index: int) -> None:
        sector = self._airspace.sectors[index]
        tags = {"sector": sector.name, "partition": sector.partition}
        self._sectors[index] = (
            self._metrics.gauge("sector_load", tags),
            self._metrics.gauge("sector_staffed", tags),
        )
        if sector.capacity is not None:
            self._metrics.gauge("sector_capacity", tags).set(sector.capacity)


def _candidates(airspace: Airspace, named: Sequence[str], home: str | None) -> list[int]:
    """Where in `airspace.sectors` the sectors stand that may be measured."""
    if named:
        return _indexes(airspace, named)
    at_home = [] if home is None else airspace.find(home)
    partitions = {sector.partition for sector in at_home}
    return [
        index
        for index, sector in enumerate(airspace.sectors)
        if not partitions or sector.partition in partitions
    ]


def _indexes(airspace: Airspace, names: Sequence[str]) -> list[int]:
    found = [
        airspace.index_of(sector.sector_id) for name in names for sector in airspace.find(name)
    ]
    return [index for index in dict.fromkeys(found) if index is not None]
