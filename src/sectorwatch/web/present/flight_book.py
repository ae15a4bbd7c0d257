"""All flights of a tick, each encoded once, and ways to find some of them quickly.

The whole list, a filtered one and a page are then the same bytes put together differently.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.clock import format_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sectorwatch.traffic.tick import Flight, Tick
    from sectorwatch.web.present.flights import FlightPresenter

__all__ = ["FlightBook", "FlightBooks", "by_airport"]

_AFTER_ANY = "\U0010ffff"


class FlightBook:
    """The flights of one tick, in the feed's order; nothing in it changes after it is made."""

    def __init__(self, tick: Tick, presenter: FlightPresenter) -> None:
        self.tick = tick
        live = tick.live
        encoder = msgspec.json.Encoder()
        self._rows = [encoder.encode(a) for a in presenter.answers(live, range(len(live.flights)))]
        self._time = encoder.encode(format_us(tick.time_us))
        callsigns = [flight.callsign.upper() for flight in live.flights]
        self._by_callsign = {callsign: n for n, callsign in reversed([*enumerate(callsigns)])}
        self._by_number = {flight.flight_id: n for n, flight in enumerate(live.flights)}
        order = sorted(range(len(callsigns)), key=callsigns.__getitem__)
        self._ordered = [callsigns[n] for n in order]
        self._order = order
        self._at_airport = by_airport(live.flights)

    @property
    def total(self) -> int:
        """How many flights there are."""
        return len(self._rows)

    def index(self, callsign: str) -> int | None:
        """Where a callsign stands in the tick's flights; case is the same."""
        return self._by_callsign.get(callsign.upper())

    def index_of(self, flight_id: int) -> int | None:
        """Where a flight stands in the tick's flights."""
        return self._by_number.get(flight_id)

    def select(
        self, *, airport: str | None, sectors: Sequence[int] | None, callsign: str | None
    ) -> Sequence[int]:
        """Find the flights that match all that is asked for, in the feed's order.

        `airport` is the filed departure or arrival, or where it took off or landed. `sectors` are
        indices into `Airspace.sectors`. `callsign` is a prefix. Case is the same.
        """
        found: list[list[int]] = []
        if airport is not None:
            found.append(self._at_airport.get(airport.upper(), []))
        if callsign is not None:
            prefix = callsign.upper()
            first = bisect_left(self._ordered, prefix)
            last = bisect_left(self._ordered, prefix + _AFTER_ANY)
            found.append(sorted(self._order[first:last]))
        if sectors is not None:
            inside = np.isin(self.tick.live.sector, np.asarray(sectors, dtype=np.int32))
            found.append(np.flatnonzero(inside.any(axis=0)).tolist())
        if not found:
            return range(self.total)
        if len(found) == 1:
            return found[0]
        return sorted(set(found[0]).intersection(*found[1:]))

    def encoded(self, which: Sequence[int], *, total: int) -> bytes:
        """Encode the list of these flights, `total` being how many match on all pages."""
        rows = b",".join([self._rows[n] for n in which])
        return b'{"snapshot_time":%b,"total":%d,"flights":[%b]}' % (self._time, total, rows)


class FlightBooks:
    """The book of the newest tick asked for; may be asked by several threads at once."""

    def __init__(self, presenter: FlightPresenter) -> None:
        self.presenter = presenter
        self._lock = threading.Lock()
        self._book: FlightBook | None = None

    def ready(self, tick: Tick | None) -> FlightBook | None:
        """Give the book of `tick` if it is made already."""
        book = self._book
        return book if book is not None and book.tick is tick else None

    def of(self, tick: Tick) -> FlightBook:
        """Give the book of `tick`, making it if need be, which takes some 10 ms for 2,000."""
        found = self.ready(tick)
        if found is not None:
            return found
        with self._lock:
            found = self.ready(tick)
            if found is None:
                found = FlightBook(tick, self.presenter)
                self.presenter.forget_gone(tick.live)
                self._book = found
        return found


def by_airport(flights: Iterable[Flight]) -> dict[str, list[int]]:
    """Which of `flights` filed, left or reached each airport, by where they stand."""
    serves: dict[str, list[int]] = {}
    for number, flight in enumerate(flights):
        airports = {flight.departed_from, flight.arrived_at}
        if flight.plan is not None:
            airports |= {flight.plan.departure, flight.plan.arrival}
        for airport in airports:
            if airport:
                serves.setdefault(airport.upper(), []).append(number)
    return serves
