"""All flights of a tick, encoded once."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest

from sectorwatch.clock import format_us
from sectorwatch.web.answers.flights import FlightList
from sectorwatch.web.present.flight_book import FlightBook, FlightBooks
from sectorwatch.web.present.flights import FlightPresenter, squawk

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import Tick
    from web.system import System


@pytest.fixture
def tick(system: System) -> Tick:
    """A tick of the made network."""
    latest = system.application.latest
    assert latest is not None
    return latest


@pytest.fixture
def presenter(system: System) -> FlightPresenter:
    """One that has seen nothing yet."""
    return FlightPresenter(system.application.airspace)


def test_the_bytes_are_those_of_the_whole_answer(tick: Tick, presenter: FlightPresenter) -> None:
    """Put together from pieces, the list is what encoding it in one go gives."""
    book = FlightBook(tick, presenter)
    every = list(range(book.total))
    answers = presenter.answers(tick.live, every)
    for which, total in ((every, len(every)), (every[3:5], 9), ([], 0)):
        expected = FlightList(format_us(tick.time_us), total, [answers[n] for n in which])
        assert book.encoded(which, total=total) == msgspec.json.encode(expected)


def test_filters_find_what_a_look_at_each_flight_finds(
    tick: Tick, presenter: FlightPresenter
) -> None:
    """The indexes agree with the definition, for every airport, sector and beginning."""
    book = FlightBook(tick, presenter)
    live = tick.live
    flights = list(enumerate(live.flights))
    airports = {p for _, f in flights if f.plan for p in (f.plan.departure, f.plan.arrival)}
    for airport in {*airports, "YSBK", "NONE"}:
        expected = [
            n
            for n, f in flights
            if airport in (f.departed_from, f.arrived_at)
            or (f.plan is not None and airport in (f.plan.departure, f.plan.arrival))
        ]
        assert list(book.select(airport=airport.lower(), sectors=None, callsign=None)) == expected
    for prefix in {f.callsign[:size] for _, f in flights for size in (1, 3, 7)} | {"~", ""}:
        expected = [n for n, f in flights if f.callsign.upper().startswith(prefix.upper())]
        found = book.select(airport=None, sectors=None, callsign=prefix.lower())
        assert list(found) == expected
    for number in range(len(tick.live.owners)):
        expected = [n for n, _ in flights if number in live.sector[:, n].tolist()]
        assert list(book.select(airport=None, sectors=[number], callsign=None)) == expected
    assert list(book.select(airport=None, sectors=None, callsign=None)) == [n for n, _ in flights]


def test_a_flight_is_found_by_callsign_and_number(tick: Tick, presenter: FlightPresenter) -> None:
    """Whatever the case; of one callsign twice the first counts."""
    first, second = tick.live.flights[:2]
    twin = msgspec.structs.replace(second, callsign=first.callsign.lower())
    flights = [first, twin, *tick.live.flights[2:]]
    book = FlightBook(
        dataclasses.replace(tick, live=dataclasses.replace(tick.live, flights=flights)), presenter
    )
    assert book.index(first.callsign.lower()) == 0
    assert book.index("NOBODY") is None
    assert book.index_of(second.flight_id) == 1
    assert book.index_of(5) is None


def test_many_who_ask_at_once_get_one_book(tick: Tick, presenter: FlightPresenter) -> None:
    """It is made once a tick, by whoever comes first, and only when somebody asks."""
    books = FlightBooks(presenter)
    assert books.ready(tick) is None
    assert books.ready(None) is None
    found: list[FlightBook] = []
    threads = [threading.Thread(target=lambda: found.append(books.of(tick))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(book) for book in found}) == 1
    assert books.ready(tick) is found[0]
    later = dataclasses.replace(tick, seq=tick.seq + 1)
    assert books.ready(later) is None
    assert books.of(later) is not found[0]


def test_what_is_kept_of_flights_that_are_gone_is_let_go(
    tick: Tick, presenter: FlightPresenter
) -> None:
    """A year of flights is not held because each was shown once."""
    books = FlightBooks(presenter)
    flights = tick.live.flights
    for day in range(20):
        others = [msgspec.structs.replace(f, flight_id=f.flight_id + day) for f in flights]
        live = dataclasses.replace(tick.live, flights=others)
        books.of(dataclasses.replace(tick, seq=day + 1, live=live))
        assert len(presenter._fixed) <= 3 * len(flights) + 100
    assert len(presenter._fixed) < 20 * len(flights)


def test_a_flight_that_changed_is_shown_as_it_is_now(
    tick: Tick, presenter: FlightPresenter
) -> None:
    """What was made for a flight's value before is not shown for its new one."""
    books = FlightBooks(presenter)
    assert b'"reconnects":7' not in books.of(tick).encoded([0], total=1)
    changed = msgspec.structs.replace(tick.live.flights[0], reconnects=7, plan=None)
    live = dataclasses.replace(tick.live, flights=[changed, *tick.live.flights[1:]])
    row = books.of(dataclasses.replace(tick, live=live)).encoded([0], total=1)
    assert b'"reconnects":7' in row
    assert b'"flight_plan":null' in row


@pytest.mark.parametrize(
    ("code", "shown"), [(0, "0000"), (21, "0021"), (7700, "7700"), (-1, ""), (12345, "12345")]
)
def test_a_squawk_has_four_digits(code: int, shown: str) -> None:
    """As it is said on the radio; nothing where it is no number."""
    assert squawk(code) == shown
