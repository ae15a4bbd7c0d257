"""Questions over long periods: a month of a whole network in a second or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.store.queries_statistics_contacts import HeardQueries
from sectorwatch.store.queries_statistics_flights import FlownQueries
from sectorwatch.store.queries_statistics_load import LoadQueries
from sectorwatch.store.queries_statistics_staff import StaffQueries

if TYPE_CHECKING:
    from sectorwatch.store.sources import Sources

__all__ = ["StatisticsQueries"]


class StatisticsQueries:
    """Asks over long periods: of flights, of load, of who controlled, of who heard whom."""

    def __init__(self, sources: Sources) -> None:
        self.flights = FlownQueries(sources)
        self.load = LoadQueries(sources)
        self.staff = StaffQueries(sources)
        self.heard = HeardQueries(sources)
