"""Foresight: how busy sectors will be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.predictions import PredictionAnswer
from sectorwatch.web.context import (
    PUBLIC,
    application_of,
    hot_of,
    numbers_of,
    sector_named,
    version_of,
)
from sectorwatch.web.hot import Encoded, encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.predictions import measured, prediction, sector_meant

if TYPE_CHECKING:
    from sectorwatch.runtime import Application

_LATE_TIMES = 3

router = APIRouter(prefix="/api/ml", tags=["ml"], dependencies=PUBLIC)

Sector = Annotated[
    str | None,
    Query(
        max_length=100,
        description="A sector's name; without it that of `home_sector`, else the busiest",
    ),
]
Partition = Annotated[
    str | None,
    Query(max_length=100, description="Of namesakes the one in here, such as vatspy:fir"),
]


@router.get("/predictions", responses=documented(PredictionAnswer, 304, 404), response_model=None)
async def predictions(
    request: Request,
    sector_name: Sector = None,
    partition: Partition = None,
    hours_ahead: Annotated[
        int, Query(ge=1, le=4, description="How far ahead to show every 15 min")
    ] = 4,
) -> Response:
    """Forecast how busy a sector will be in the next 4 h, with an 80 % interval."""
    application = application_of(request)
    airspace, tick, foresight = application.airspace, application.latest, application.foresight
    if sector_name is None:
        found = sector_meant(airspace, tick, application.settings.home_sector)
    else:
        found = sector_named(airspace, sector_name, partition)
    issued = foresight.latest
    why_stale = _why_stale(application)

    def build() -> Encoded:
        (number,) = numbers_of(airspace, [found])
        shown = prediction(
            found,
            number,
            tick,
            issued,
            hours_ahead=hours_ahead,
            measured=measured(foresight, found.sector_id),
            why_stale=why_stale,
            why_none=foresight.why_nothing(found.name),
        )
        return Encoded(encode(shown))

    # An issue comes a moment after its tick, and a feed stalls without one.
    of = 0 if issued is None else issued.as_of_s
    about = f"predictions/{found.sector_id}/{hours_ahead}/{of}/{bool(why_stale)}"
    return await hot_of(request).get(request.headers.raw, about, version_of(tick), build)


def _why_stale(application: Application) -> str:
    """Say why the newest forecast is of long ago; nothing where it is not."""
    settings, tick = application.settings, application.latest
    issued = application.foresight.latest
    if application.pipeline.is_stale(settings.stale_after_s):
        return "The feed has stalled since: nothing newer is known."
    if issued is None or tick is None:
        return ""
    behind_s = tick.time_us // 1_000_000 - issued.as_of_s
    if behind_s > _LATE_TIMES * settings.forecast_every_s:
        return "Newer feeds have come since, and a newer forecast is to come."
    return ""
