"""Flights: who is online now, and everything that is kept of one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.clock import format_us
from sectorwatch.web.answers.flights import (
    FlightDetail,
    FlightList,
    FlightStats,
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
    sector_named,
)
from sectorwatch.web.hot import encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.present.flights import FlightPresenter, select_flights
from sectorwatch.web.present.history import (
    flight_detail,
    flight_stats,
    track_answer,
    track_features,
)
from sectorwatch.web.problems import not_found

if TYPE_CHECKING:
    from sectorwatch.runtime import Application
    from sectorwatch.traffic.tick import Flight

router = APIRouter(prefix="/api/flights", tags=["flights"])

_Callsign = Annotated[
    str, Path(max_length=40, description="Callsign, or a flight_id for a flight of the past")
]
_MOST_DIGITS = 19


@router.get("", dependencies=PUBLIC, responses=documented(FlightList, 304), response_model=None)
async def flights(
    request: Request,
    airport: Annotated[
        str | None, Query(max_length=8, description="Filed, left or reached, such as YSSY")
    ] = None,
    sector: Annotated[
        str | None, Query(max_length=100, description="Inside this sector now")
    ] = None,
    callsign: Annotated[
        str | None, Query(max_length=20, description="Callsign, or how it begins")
    ] = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List the flights online now; the answer changes once a tick."""
    application = application_of(request)
    tick = application.latest
    presenter: FlightPresenter = request.app.state.flights
    if (airport, sector, callsign, limit, offset) == (None, None, None, None, 0):
        return await hot_of(request).get(
            request,
            "flights",
            tick.seq if tick else 0,
            lambda: encode(presenter.flight_list(tick)),
        )
    wanted = None
    if sector is not None:
        first = sector_named(application.airspace, sector)
        numbers = [
            application.airspace.index_of(each.sector_id)
            for each in application.airspace.find(first.name)
        ]
        wanted = [number for number in numbers if number is not None]
    if tick is None:
        return answer(request, FlightList(None, 0, []))
    chosen = select_flights(tick.live, airport=airport, sectors=wanted, callsign=callsign)
    shown = FlightList(
        format_us(tick.time_us),
        len(chosen),
        presenter.answers(tick.live, page(chosen.tolist(), limit, offset)),
    )
    link = next_link(request, total=len(chosen), limit=limit, offset=offset)
    return answer(request, shown, headers=link)


@router.get(
    "/{callsign}",
    dependencies=PUBLIC,
    responses=documented(FlightDetail, 304, 404, 503),
    response_model=None,
)
def flight(request: Request, callsign: _Callsign) -> Response:
    """Show a flight with its visits and movements: who is online now, else the latest of the past.

    A flight that is gone is history of a single member, which is for staff.
    """
    application = application_of(request)
    found = _find(application, callsign)
    tick = application.latest
    live = None
    if tick is not None:
        presenter: FlightPresenter = request.app.state.flights
        index = _index_of(application, found)
        live = presenter.answers(tick.live, [index])[0] if index is not None else None
    if live is None:
        from sectorwatch.web.access import Tier  # noqa: PLC0415

        request.app.state.gate.check(request, Tier.STAFF)
    store = application.store.ask()
    visits = store.flights.visits(found.flight_id)
    movements = store.flights.movements(found.flight_id)
    return answer(request, flight_detail(found, live, visits, movements, application.sector_names))


@router.get(
    "/{callsign}/track",
    dependencies=STAFF,
    responses=documented(Track | TrackFeatures, 304, 404, 503),
    response_model=None,
)
def track(
    request: Request,
    callsign: _Callsign,
    form: Annotated[
        str, Query(alias="format", pattern="^(json|geojson)$", description="json or geojson")
    ] = "json",
) -> Response:
    """Give all positions of a flight, live or past, in one call."""
    application = application_of(request)
    found = _find(application, callsign)
    kept = application.store.ask().tracks.track(found.flight_id)
    if kept is None:
        raise not_found("flight kept yet", callsign, [])
    if form == "geojson":
        response = answer(request, track_features(kept))
        if response.status_code == 200:  # noqa: PLR2004 - a 304 has no content to name
            response.headers["Content-Type"] = "application/geo+json"
        return response
    return answer(request, track_answer(kept))


@router.get(
    "/{callsign}/stats",
    dependencies=STAFF,
    responses=documented(FlightStats, 304, 404, 503),
    response_model=None,
)
def stats(request: Request, callsign: _Callsign) -> Response:
    """Give a flight in figures: time online and in the air, distance, highest and fastest."""
    application = application_of(request)
    found = _find(application, callsign)
    store = application.store.ask()
    kept = store.tracks.track(found.flight_id)
    if kept is None:
        raise not_found("flight kept yet", callsign, [])
    visits = store.flights.visits(found.flight_id)
    movements = store.flights.movements(found.flight_id)
    direct = _direct_nm(application, kept.flight)
    return answer(request, flight_stats(kept, len(visits), len(movements), direct))


def _find(application: Application, name: str) -> Flight:
    """Find a flight by callsign, the one online first, or by its number."""
    tick = application.latest
    wanted = name.strip().upper()
    online = tick.live.flights if tick is not None else ()
    by_number = int(wanted) if wanted.isascii() and wanted.isdigit() else None
    for each in online:
        if each.callsign.upper() == wanted or each.flight_id == by_number:
            return each
    queries = application.store.ask().flights
    found = queries.latest(wanted)
    if found is None and by_number is not None and len(wanted) <= _MOST_DIGITS:
        found = queries.by_id(by_number)
    if found is None:
        near = difflib.get_close_matches(wanted, [f.callsign for f in online], n=5, cutoff=0.5)
        raise not_found("flight", name, near)
    return found


def _index_of(application: Application, flight: Flight) -> int | None:
    tick = application.latest
    if tick is None:
        return None
    for index, each in enumerate(tick.live.flights):
        if each.flight_id == flight.flight_id:
            return index
    return None


def _direct_nm(application: Application, flight: Flight) -> float | None:
    if flight.plan is None:
        return None
    start = application.airports.get(flight.plan.departure)
    end = application.airports.get(flight.plan.arrival)
    if start is None or end is None:
        return None
    return float(distance_nm(start.latitude, start.longitude, end.latitude, end.longitude))
