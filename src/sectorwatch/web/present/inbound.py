"""Flights expected in a sector: the paths of all are laid out once a tick, for all sectors."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.traffic.estimates import entries_on
from sectorwatch.traffic.paths import paths_ahead
from sectorwatch.web.answers.sectors import InboundFlight

if TYPE_CHECKING:
    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.traffic.paths import Paths
    from sectorwatch.traffic.tick import Tick

__all__ = ["Inbound"]


class Inbound:
    """Answers who will enter a sector; may be asked by several threads at once."""

    def __init__(self, airspace: Airspace, airports: Airports) -> None:
        self._airspace = airspace
        self._airports = airports
        self._lock = threading.Lock()
        self._seq = 0
        self._paths: Paths | None = None

    def to(self, sector: int, tick: Tick) -> list[InboundFlight]:
        """Show who will enter the sector at this index within 4 h, soonest first."""
        now_s = tick.time_us // 1_000_000
        estimates = entries_on(self._of(tick), tick.live, self._airspace, sector, now_s)
        return [
            InboundFlight(
                flight_id=str(estimate.flight.flight_id),
                callsign=estimate.flight.callsign,
                departure=estimate.flight.plan.departure if estimate.flight.plan else "",
                arrival=estimate.flight.plan.arrival if estimate.flight.plan else "",
                estimated_entry=format_s(estimate.entry_s),
                minutes_to_entry=round((estimate.entry_s - now_s) / 60, 1),
                basis=estimate.basis,
            )
            for estimate in estimates
        ]

    def _of(self, tick: Tick) -> Paths:
        with self._lock:
            if self._paths is None or self._seq != tick.seq:
                self._paths = paths_ahead(tick.live, self._airports, tick.time_us // 1_000_000)
                self._seq = tick.seq
            return self._paths
