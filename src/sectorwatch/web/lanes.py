"""Which answers have a fast lane: the ones that everybody asks for again after each tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.web.access import Tier
from sectorwatch.web.context import version_of
from sectorwatch.web.lane import Lane
from sectorwatch.web.routers.controllers import CONTROLLERS
from sectorwatch.web.routers.flights import FLIGHTS, ready_flights
from sectorwatch.web.routers.sectors import SECTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.runtime import Application
    from sectorwatch.web.hot import Encoded, HotAnswers
    from sectorwatch.web.present.flight_book import FlightBooks

__all__ = ["lanes"]


def lanes(application: Application, *, hot: HotAnswers, books: FlightBooks) -> list[Lane]:
    """Give the lanes; each serves what its route made for the newest tick."""
    return [
        Lane("/api/flights", Tier.PUBLIC, _Flights(application, hot, books).ready),
        *(
            Lane(path, Tier.PUBLIC, _Whole(application, hot, name).ready)
            for path, name in (
                ("/api/sectors", SECTORS),
                ("/api/controllers", CONTROLLERS),
                ("/api/atc-positions", CONTROLLERS),
            )
        ),
    ]


class _Whole:
    """A list that is handed out whole."""

    def __init__(self, application: Application, hot: HotAnswers, name: str) -> None:
        self._application = application
        self._hot = hot
        self._name = name

    def ready(self, query: Mapping[str, str]) -> Encoded | None:
        """Give it, where it is made and nothing else is asked for."""
        if query:
            return None
        return self._hot.ready(self._name, version_of(self._application.latest))


class _Flights(_Whole):
    """The flights, whole or filtered; a page goes the other way, for its link."""

    def __init__(self, application: Application, hot: HotAnswers, books: FlightBooks) -> None:
        super().__init__(application, hot, FLIGHTS)
        self._books = books

    def ready(self, query: Mapping[str, str]) -> Encoded | None:
        """Give them, where the book of the newest tick is made and the parameters are in order."""
        if not query:
            return super().ready(query)
        book = self._books.ready(self._application.latest)
        if book is None:
            return None
        return ready_flights(book, self._hot, self._application.airspace, query)
