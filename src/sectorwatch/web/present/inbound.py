"""Flights expected in a sector: as they are forecast, else along the paths that they are on.

A forecast has intervals, and comes every few minutes; a flight that came online since has only its
path, which is laid out once a tick for all sectors.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.forecast.situation import Stage
from sectorwatch.traffic.estimates import entries_on
from sectorwatch.traffic.paths import paths_ahead
from sectorwatch.web.answers.sectors import InboundFlight

if TYPE_CHECKING:
    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.forecast.entries import EntryEstimates
    from sectorwatch.runtime.foresight import Foresight
    from sectorwatch.traffic.paths import Paths
    from sectorwatch.traffic.tick import Flight, Tick

__all__ = ["Inbound"]

# An older forecast says less of now than the paths do.
_OLDEST_S = 900
_LIKELY = 0.5
# Nobody is waited for any longer who was to have come by then with nine in ten.
_OVERDUE_S = 300
_WORDS = {
    Stage.GROUND: "forecast as of {}: not in the air yet, by filed time and how late such flights "
    "leave, then as filed",
    Stage.AIRBORNE: "forecast as of {}: along what is filed, at its own speed, with what such "
    "estimates turned out to be off",
}


class Inbound:
    """Answers who will enter a sector; may be asked by several threads at once."""

    def __init__(self, airspace: Airspace, airports: Airports, foresight: Foresight) -> None:
        self._airspace = airspace
        self._airports = airports
        self._foresight = foresight
        self._lock = threading.Lock()
        self._seq = 0
        self._paths: Paths | None = None

    def to(self, sector: int, tick: Tick) -> list[InboundFlight]:
        """Show who will enter the sector at this index within 4 h, soonest first.

        Flights of which the newest forecast knew are those that it expects, with 50 % at least.
        """
        now_s = tick.time_us // 1_000_000
        entries = self.entries(now_s)
        estimates = entries_on(self._of(tick), tick.live, self._airspace, sector, now_s)
        found = [
            (estimate.entry_s, _shown(estimate.flight, estimate.entry_s, now_s, estimate.basis))
            for estimate in estimates
            if entries is None or not _has(entries, estimate.flight.flight_id)
        ]
        if entries is not None:
            found += _forecast(entries, sector, tick, now_s)
        found.sort(key=lambda each: (each[0], each[1].flight_id))
        return [shown for _, shown in found]

    def entries(self, now_s: int) -> EntryEstimates | None:
        """The newest forecast of entries, None where there is none of now."""
        entries = self._foresight.entries
        latest = None if entries is None else entries.latest
        if latest is None or not -_OLDEST_S <= now_s - latest.as_of_s <= _OLDEST_S:
            return None
        return latest

    def _of(self, tick: Tick) -> Paths:
        with self._lock:
            if self._paths is None or self._seq != tick.seq:
                self._paths = paths_ahead(tick.live, self._airports, tick.time_us // 1_000_000)
                self._seq = tick.seq
            return self._paths


def _forecast(
    entries: EntryEstimates, sector: int, tick: Tick, now_s: int
) -> list[tuple[int, InboundFlight]]:
    """Those forecast that are online still, and not inside already."""
    live, found = tick.live, []
    inside = (live.sector == sector).any(axis=0)
    here = {
        flight.flight_id: flight
        for flight, is_inside in zip(live.flights, inside.tolist(), strict=True)
        if not is_inside
    }
    as_of = format_s(entries.as_of_s)
    for row in entries.into(sector).tolist():
        flight = here.get(int(entries.flight_id[row]))
        early_s, entry_s, late_s = entries.entry_s[row].tolist()
        probability = float(entries.probability[row])
        if flight is None or probability < _LIKELY or late_s < now_s - _OVERDUE_S:
            continue
        # What was to come by now comes at once, as far as anybody knows.
        early_s, entry_s, late_s = (max(each, now_s) for each in (early_s, entry_s, late_s))
        words = _WORDS[Stage(int(entries.stage[row]))].format(as_of)
        shown = _shown(flight, entry_s, now_s, words, (early_s, late_s), probability)
        found.append((entry_s, shown))
    return found


def _shown(
    flight: Flight,
    entry_s: int,
    now_s: int,
    basis: str,
    between_s: tuple[int, int] | None = None,
    probability: float | None = None,
) -> InboundFlight:
    return InboundFlight(
        flight_id=str(flight.flight_id),
        callsign=flight.callsign,
        departure=flight.plan.departure if flight.plan else "",
        arrival=flight.plan.arrival if flight.plan else "",
        estimated_entry=format_s(entry_s),
        minutes_to_entry=round((entry_s - now_s) / 60, 1),
        basis=basis,
        earliest_entry=None if between_s is None else format_s(between_s[0]),
        latest_entry=None if between_s is None else format_s(between_s[1]),
        probability=None if probability is None else round(probability, 3),
    )


def _has(entries: EntryEstimates, flight_id: int) -> bool:
    at = int(np.searchsorted(entries.known, flight_id))
    return at < entries.known.size and int(entries.known[at]) == flight_id
