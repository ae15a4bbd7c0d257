"""Flights: who is online now or was at a moment, and everything that is kept of one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.clock import format_s
from sectorwatch.store.segments import VISITS
from sectorwatch.web.access import Gate, Tier, let_in
from sectorwatch.web.answers.flights import (
    FlightDetail,
    FlightList,
    FlightStats,
    PastFlightList,
    Track,
    TrackFeatures,
)
from sectorwatch.web.context import (
    PUBLIC,
    STAFF,
    Limit,
    Offset,
    answer,
    application_of,
    hot_of,
    numbers_of,
    version_of,
)
from sectorwatch.web.hot import Encoded, HotAnswers, encode
from sectorwatch.web.names import named
from sectorwatch.web.openapi import GEOJSON, documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.periods import At, moment
from sectorwatch.web.present.coverage import contact_answers, flight_contact
from sectorwatch.web.present.flight_book import FlightBook, FlightBooks
from sectorwatch.web.present.flights import FlightPresenter
from sectorwatch.web.present.history import (
    flight_detail,
    flight_stats,
    track_answer,
    track_features,
)
from sectorwatch.web.present.past import chosen_flights, past_of, said_of, sectors_called
from sectorwatch.web.problems import ApiError, not_found
from sectorwatch.web.routers.coverage import partition_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.airspace import Airspace
    from sectorwatch.runtime import Application
    from sectorwatch.traffic.tick import Flight, Visit

_NAMED = f"/{named('callsign')}"

router = APIRouter(prefix="/api/flights", tags=["flights"])

_Callsign = Annotated[
    str, Path(max_length=40, description="Callsign, or a flight_id for a flight of the past")
]
_MOST_DIGITS = 19
_TOO_GREAT = 2**63
FLIGHTS = "flights"
LONGEST = {"airport": 8, "sector": 100, "callsign": 20}
"""The filters, and how long what is given for each may be."""


@router.get(
    "",
    dependencies=PUBLIC,
    responses=documented(FlightList, 304, past=PastFlightList),
    response_model=None,
)
async def flights(
    request: Request,
    airport: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=LONGEST["airport"],
            description="Filed, left or reached, such as YSSY",
        ),
    ] = None,
    sector: Annotated[
        str | None,
        Query(min_length=1, max_length=LONGEST["sector"], description="Inside this sector now"),
    ] = None,
    callsign: Annotated[
        str | None,
        Query(
            min_length=1, max_length=LONGEST["callsign"], description="Callsign, or how it begins"
        ),
    ] = None,
    at: At = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List the flights online now, which changes once a tick, or at a moment of the past.

    Moment by moment the past of each flight could be followed, so with `at` this is for staff.
    """
    if at is not None:
        await let_in(request, Tier.STAFF)
        asked = {"airport": airport, "sector": sector, "callsign": callsign}
        return await _flights_at(request, at, asked, limit, offset)
    application = application_of(request)
    tick, hot = application.latest, hot_of(request)
    books: FlightBooks = request.app.state.flights
    numbers = None if sector is None else numbers_named(application.airspace, sector)
    asked = {"airport": airport, "sector": sector, "callsign": callsign}

    def build() -> Encoded:
        if tick is None:
            return Encoded(encode(FlightList(None, 0, [])))
        book = books.of(tick)
        chosen = book.select(airport=airport, sectors=numbers, callsign=callsign)
        return Encoded(
            book.encoded(page(chosen, limit, offset), total=len(chosen)),
            etag=hot.etag_of(version_of(tick), (*asked.values(), limit, offset)),
            more=next_link(request, asked, total=len(chosen), limit=limit, offset=offset),
        )

    is_whole = (*asked.values(), limit, offset) == (None, None, None, None, 0)
    name = FLIGHTS if is_whole else f"{FLIGHTS}{(*asked.values(), limit, offset)}"
    return await hot.get(request.headers.raw, name, version_of(tick), build)


async def _flights_at(
    request: Request, at: str, asked: Mapping[str, str | None], limit: int | None, offset: int
) -> Response:
    application = application_of(request)
    at_s = moment(at, now_s=application.pipeline_now_s())

    def build() -> Encoded:
        past = past_of(application, at_s)
        sector, numbers = asked["sector"], None
        if sector is not None:
            numbers = sectors_called(past.sky, sector)
            if not numbers and not application.store.ask().sectors.kept_named(sector):
                raise not_found("sector", sector, application.airspace.nearest_names(sector))
        chosen = chosen_flights(
            past, airport=asked["airport"], sectors=numbers, callsign=asked["callsign"]
        )
        total, shown = None, []
        if past.live is not None and past.loads:
            presenter = FlightPresenter(past.sky)
            total, shown = len(chosen), presenter.answers(past.live, page(chosen, limit, offset))
        answered = PastFlightList(**said_of(past, flights=True), total=total, flights=shown)
        kept = {**asked, "at": format_s(at_s)}
        link = next_link(request, kept, total=len(chosen), limit=limit, offset=offset)
        return Encoded(encode(answered), more=link)

    name = f"{FLIGHTS}{(*asked.values(), at_s, limit, offset)}"
    version = version_of(application.latest)
    return await hot_of(request).get(request.headers.raw, name, version, build)


def ready_flights(
    book: FlightBook, hot: HotAnswers, airspace: Airspace, asked: Mapping[str, str]
) -> Encoded | None:
    """Give the same as the route above for filters that are in order; None for any that is not."""
    if any(len(value) > LONGEST.get(name, 0) for name, value in asked.items()):
        return None
    airport, sector, callsign = asked.get("airport"), asked.get("sector"), asked.get("callsign")
    numbers = None if sector is None else numbers_of(airspace, airspace.find(sector))
    if numbers is not None and not numbers:
        return None
    chosen = book.select(airport=airport, sectors=numbers, callsign=callsign)
    etag = hot.etag_of(version_of(book.tick), (airport, sector, callsign, None, 0))
    return Encoded(book.encoded(chosen, total=len(chosen)), etag=etag)


def numbers_named(airspace: Airspace, name: str) -> list[int]:
    """Give where all sectors of a name stand, in every partition. Raises ApiError 404."""
    found = airspace.find(name)
    if not found:
        raise not_found("sector", name, airspace.nearest_names(name))
    return numbers_of(airspace, found)


@router.get(
    _NAMED + "/track",
    dependencies=STAFF,
    responses=documented(Track, 304, 404, 503, also={GEOJSON: TrackFeatures}),
    response_model=None,
)
def track(
    request: Request,
    callsign: _Callsign,
    form: Annotated[
        Literal["json", "geojson"], Query(alias="format", description="json or geojson")
    ] = "json",
) -> Response:
    """Give all positions of a flight, live or past, in one call."""
    application = application_of(request)
    kept = application.store.ask().tracks.track(_find(request, callsign).flight_id)
    if kept is None:
        raise _not_kept(callsign)
    if form == "geojson":
        return answer(request, track_features(kept), content_type=GEOJSON)
    return answer(request, track_answer(kept))


@router.get(
    _NAMED + "/stats",
    dependencies=STAFF,
    responses=documented(FlightStats, 304, 404, 503),
    response_model=None,
)
def stats(request: Request, callsign: _Callsign) -> Response:
    """Give a flight in figures: time online and in the air, distance, highest and fastest."""
    application = application_of(request)
    found = _find(request, callsign)
    store = application.store.ask()
    kept = store.tracks.track(found.flight_id)
    if kept is None:
        raise _not_kept(callsign)
    visits = store.flights.visits(found.flight_id)
    movements = store.flights.movements(found.flight_id)
    direct = _direct_nm(application, kept.flight)
    return answer(request, flight_stats(kept, len(visits), len(movements), direct))


@router.get(
    _NAMED,
    dependencies=PUBLIC,
    responses=documented(FlightDetail, 304, 404, 503),
    response_model=None,
)
def flight(request: Request, callsign: _Callsign) -> Response:
    """Show a flight with its visits and movements: who is online now, else the latest of the past.

    A flight that is gone is history of a single member, which is for staff.
    """
    application = application_of(request)
    book = _book(request)
    index = None if book is None else _index(book, callsign)
    if book is None or index is None:
        _hold_to_staff(request, callsign, book)
        found, live = _of_the_past(application, callsign, book), None
    else:
        found = book.tick.live.flights[index]
        (live,) = request.app.state.flights.presenter.answers(book.tick.live, [index])
    store = application.store.ask()
    visits = store.flights.visits(found.flight_id)
    movements = store.flights.movements(found.flight_id)
    contacts = store.contacts.of_flight(found.flight_id)
    now_s = application.pipeline_now_s() if book is None else book.tick.time_us // 1_000_000
    known = store.statistics.heard.known(
        found.first_seen_s // 60 * 60, (found.ended_s or now_s) + 1
    )
    partition = partition_named(application, None)
    return answer(
        request,
        flight_detail(
            found,
            live,
            visits,
            movements,
            _names_of(application, visits),
            contact_answers(
                contacts, store.controllers.callsigns(each.session_id for each in contacts)
            ),
            flight_contact(contacts, visits, application.airspace, partition, now_s, known),
            store.lost(VISITS.name, found.first_seen_s, found.ended_s or now_s),
        ),
    )


def _names_of(application: Application, visits: Sequence[Visit]) -> dict[int, tuple[str, str]]:
    """Name the sectors of these visits, those that are no longer drawn too."""
    drawn = application.sector_names
    gone = {visit.sector_id for visit in visits} - drawn.keys()
    if not gone:
        return drawn
    kept = application.store.ask().sectors.kept(sorted(gone))
    return drawn | {number: (each.name, each.partition) for number, each in kept.items()}


def _book(request: Request) -> FlightBook | None:
    """Give the flights online now; called from a thread, for it may have to be made."""
    tick = application_of(request).latest
    books: FlightBooks = request.app.state.flights
    return None if tick is None else books.of(tick)


def _index(book: FlightBook, name: str) -> int | None:
    """Find where a flight that is online stands, by callsign or number."""
    wanted = name.strip()
    index = book.index(wanted)
    if index is None and (number := _number(wanted)) is not None:
        index = book.index_of(number)
    return index


def _hold_to_staff(request: Request, name: str, book: FlightBook | None) -> None:
    """Let only staff go on. Before anything is looked up: a 404 would say what is not kept."""
    gate: Gate = request.app.state.gate
    try:
        gate.check(request, Tier.STAFF)
    except ApiError as error:
        raise ApiError(
            error.status,
            f"{name[:40]!r} is not online now, and flights that are gone are for staff. "
            f"{error.detail}",
            nearest=_nearest(name, book),
            headers=error.headers,
        ) from error


def _find(request: Request, name: str) -> Flight:
    """Find a flight by callsign, the one online first, or by its number."""
    book = _book(request)
    index = None if book is None else _index(book, name)
    if book is not None and index is not None:
        return book.tick.live.flights[index]
    return _of_the_past(application_of(request), name, book)


def _of_the_past(application: Application, name: str, book: FlightBook | None) -> Flight:
    """Find the latest flight under a callsign, or the one of a number. Raises ApiError 404."""
    queries = application.store.ask().flights
    found = queries.latest(name.strip().upper())
    if found is None and (number := _number(name.strip())) is not None:
        found = queries.by_id(number)
    if found is None:
        raise not_found("flight", name, _nearest(name, book))
    return found


def _nearest(name: str, book: FlightBook | None) -> list[str]:
    online = [] if book is None else [flight.callsign for flight in book.tick.live.flights]
    return difflib.get_close_matches(name.strip().upper(), online, n=5, cutoff=0.5)


def _number(text: str) -> int | None:
    """Read a flight's number: 63 bits, so that no database is asked for more than it can hold."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        number = int(text)
        return number if number < _TOO_GREAT else None
    return None


def _not_kept(name: str) -> ApiError:
    return ApiError(404, f"Of flight {name[:40]!r} nothing is kept yet: try again after a tick.")


def _direct_nm(application: Application, flight: Flight) -> float | None:
    if flight.plan is None:
        return None
    start = application.airports.get(flight.plan.departure)
    end = application.airports.get(flight.plan.arrival)
    if start is None or end is None:
        return None
    return float(distance_nm(start.latitude, start.longitude, end.latitude, end.longitude))
