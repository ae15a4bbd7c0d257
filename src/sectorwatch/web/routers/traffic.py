"""Traffic at a glance, an airport's trend, and the network's own tables."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.traffic import AirportTrend, Ratings, TrafficSummary
from sectorwatch.web.context import PUBLIC, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.airports import airport_trend
from sectorwatch.web.present.traffic import ratings, traffic_summary
from sectorwatch.web.routers.airports import airport_named

router = APIRouter(prefix="/api", tags=["traffic"], dependencies=PUBLIC)

_HOUR_S = 3_600


@router.get("/traffic/summary", responses=documented(TrafficSummary, 304, 503), response_model=None)
def summary(
    request: Request,
    hours: Annotated[int, Query(ge=1, le=168, description="Hours back for movements")] = 24,
) -> Response:
    """Show traffic at a glance: how much there is, where it is busiest, what nobody covers."""
    application = application_of(request)
    now_s = application.pipeline_now_s()
    counts = application.store.ask().movements.by_airport(now_s - hours * _HOUR_S, now_s + 1)
    shown = traffic_summary(application.latest, application.airspace, counts, hours=hours)
    return answer(request, shown)


@router.get(
    "/traffic/trends/{icao}",
    responses=documented(AirportTrend, 304, 404, 503),
    response_model=None,
)
def trends(
    request: Request,
    icao: Annotated[str, Path(max_length=8, description="Airport, such as YSSY")],
    hours: Annotated[int, Query(ge=2, le=168, description="Hours back")] = 24,
) -> Response:
    """Show an airport's traffic by hour, and whether it goes up or down."""
    application = application_of(request)
    airport = airport_named(application, icao)
    now_s = application.pipeline_now_s()
    start_s = now_s - now_s % _HOUR_S - (hours - 1) * _HOUR_S
    store = application.store.ask()
    # A little more than the hours shown: the trend compares the last 120 min.
    first_s = min(start_s, now_s - 2 * _HOUR_S)
    movements = store.movements.at_airport(airport.icao, first_s, now_s + 1, limit=100_000)
    known = store.network.known(first_s, now_s + 1)
    return answer(
        request,
        airport_trend(airport, movements.items, known, start_s=start_s, now_s=now_s, hours=hours),
    )


@router.get("/vatsim/ratings", responses=documented(Ratings, 304), response_model=None)
async def vatsim_ratings(request: Request) -> Response:
    """Show what the network's numbers for ratings and facilities mean."""
    tick = application_of(request).latest
    return answer(request, ratings(None if tick is None else tick.live.reference))
