"""Traffic at a glance, and the network's own tables."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.traffic import Ratings, TrafficSummary
from sectorwatch.web.context import PUBLIC, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.traffic import ratings, traffic_summary

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
    counts = application.store.ask().airports.counts(now_s - hours * _HOUR_S, now_s + 1)
    shown = traffic_summary(application.latest, application.airspace, counts, hours=hours)
    return answer(request, shown)


@router.get("/vatsim/ratings", responses=documented(Ratings, 304), response_model=None)
async def vatsim_ratings(request: Request) -> Response:
    """Show what the network's numbers for ratings and facilities mean."""
    tick = application_of(request).latest
    return answer(request, ratings(None if tick is None else tick.live.reference))
