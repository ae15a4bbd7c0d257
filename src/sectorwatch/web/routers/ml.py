"""Foresight: how busy sectors will be, when to come, what is unusual in them, what recurs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.forecast.scoring import DAYS
from sectorwatch.web.answers.accuracy import AccuracyAnswer
from sectorwatch.web.answers.outlook import OutlookAnswer
from sectorwatch.web.answers.predictions import PredictionAnswer
from sectorwatch.web.answers.unusual import AnomalyAnswer, PatternAnswer
from sectorwatch.web.context import (
    PUBLIC,
    Limit,
    Offset,
    answer,
    application_of,
    hot_of,
    numbers_of,
    sector_named,
    version_of,
)
from sectorwatch.web.hot import Encoded, encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.present.accuracy import accuracy_answer
from sectorwatch.web.present.outlook import no_outlook, outlook_answer, outlook_parts
from sectorwatch.web.present.predictions import measured, prediction, sector_meant
from sectorwatch.web.present.unusual import anomaly_answer, pattern_answer
from sectorwatch.web.problems import ApiError
from sectorwatch.web.routers.coverage import partition_named

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
_OfSector = Annotated[
    str | None, Query(max_length=100, description="Only of the sectors of this name")
]
Partition = Annotated[
    str | None,
    Query(max_length=100, description="Of namesakes the one in here, such as vatspy:fir"),
]


@router.get("/predictions", responses=documented(PredictionAnswer, 304, 404), response_model=None)
async def predictions(
    request: Request,
    sector_name: Sector = None,
    partition: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Of namesakes the one in here, such as vatspy:fir; without `sector_name` "
            "the busiest in here",
        ),
    ] = None,
    hours_ahead: Annotated[
        int, Query(ge=1, le=4, description="How far ahead to show every 15 min")
    ] = 4,
) -> Response:
    """Forecast how busy a sector will be in the next 4 h, with an 80 % interval."""
    application = application_of(request)
    airspace, tick, foresight = application.airspace, application.latest, application.foresight
    if sector_name is None:
        within = None if partition is None else partition_named(application, partition)
        found = sector_meant(airspace, tick, application.settings.home_sector, within)
    else:
        found = sector_named(airspace, sector_name, partition)
    issued = foresight.latest
    stale = why_stale(application)

    def build() -> Encoded:
        (number,) = numbers_of(airspace, [found])
        shown = prediction(
            found,
            number,
            tick,
            issued,
            hours_ahead=hours_ahead,
            measured=measured(foresight, found.sector_id),
            why_stale=stale,
            why_none=foresight.why_nothing(found.name),
        )
        return Encoded(encode(shown))

    # An issue comes a moment after its tick, and a feed stalls without one.
    of = 0 if issued is None else issued.as_of_s
    about = f"predictions/{found.sector_id}/{hours_ahead}/{of}/{bool(stale)}"
    return await hot_of(request).get(request.headers.raw, about, version_of(tick), build)


@router.get("/outlook", responses=documented(OutlookAnswer, 304, 404), response_model=None)
async def outlook(
    request: Request,
    partition: Annotated[
        str | None, Query(max_length=100, description="Only of this one, such as vatspy:fir")
    ] = None,
    kind: Annotated[
        Literal["fir", "enroute", "approach"] | None, Query(description="Only of this kind")
    ] = None,
    sector_name: Annotated[
        str | None, Query(max_length=100, description="Only this one, with its namesakes")
    ] = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """Show the next 4 h of all sectors: load, who is there, what nobody covers, when to come.

    `limit` and `offset` are of `sectors`; the rest is of all sectors that were asked for.
    """
    application = application_of(request)
    tick, airspace, foresight = application.latest, application.airspace, application.foresight
    in_partition = None if partition is None else partition_named(application, partition)
    if sector_name is None:
        sectors = list(airspace.sectors)
    else:
        sector_named(airspace, sector_name, in_partition)
        sectors = airspace.find(sector_name)
    chosen = numbers_of(
        airspace,
        [
            sector
            for sector in sectors
            if in_partition in {None, sector.partition} and kind in {None, sector.kind}
        ],
    )
    issued = foresight.latest
    stale = why_stale(application)

    def build() -> Encoded:
        parts = outlook_parts(foresight, issued)
        if parts is None or tick is None or issued is None:
            words = foresight.why_nothing("The airspace")
            return Encoded(encode(no_outlook(tick, words)))
        home = partition_named(application, in_partition)
        shown = outlook_answer(
            airspace,
            tick,
            issued,
            parts,
            np.array(chosen, np.intp),
            partition=home,
            why_stale=stale,
            limit=limit,
            offset=offset,
        )
        kept = {"partition": in_partition, "kind": kind, "sector_name": sector_name}
        link = next_link(request, kept, total=len(chosen), limit=limit, offset=offset)
        return Encoded(encode(shown), more=link)

    of = 0 if issued is None else issued.as_of_s
    about = f"outlook/{of}/{bool(stale)}/{(in_partition, kind, tuple(chosen), limit, offset)}"
    return await hot_of(request).get(request.headers.raw, about, version_of(tick), build)


@router.get("/anomalies", responses=documented(list[AnomalyAnswer], 304, 404), response_model=None)
async def anomalies(
    request: Request,
    sector_name: _OfSector = None,
    kind: Annotated[
        Literal["traffic_spike", "traffic_lull", "unusual_mix", "mass_disconnect"] | None,
        Query(alias="type", description="Only of this type"),
    ] = None,
    hours: Annotated[
        int, Query(ge=0, le=24, description="With those that ended in the last so many hours")
    ] = 0,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List what is unusual now, the most striking first; nothing where nothing is.

    It is told where neither the forecast nor the same hour of the last weeks explains it, and where
    that is no chance: of what is listed at any time at most a tenth is.
    """
    application = application_of(request)
    airspace, detector = application.airspace, application.foresight.anomalies
    if sector_name is not None:
        sector_name = sector_named(airspace, sector_name).name
    since_s = application.pipeline_now_s() - 3_600 * hours
    found = [
        each
        for each in (() if detector is None else detector.recent)
        if (each.ended_s is None or (hours and each.ended_s >= since_s))
        and sector_name in {None, each.sector_name}
        and kind in {None, each.anomaly_type}
    ]
    kept = {"sector_name": sector_name, "type": kind, "hours": hours or None}
    headers = next_link(request, kept, total=len(found), limit=limit, offset=offset)
    shown = [anomaly_answer(each, airspace) for each in page(found, limit, offset)]
    return answer(request, shown, headers=headers)


@router.get("/patterns", responses=documented(list[PatternAnswer], 304, 404), response_model=None)
def patterns(
    request: Request,
    sector_name: _OfSector = None,
    kind: Annotated[
        Literal[
            "peak_traffic",
            "quiet_period",
            "weekly_cycle",
            "workload_distribution",
            "sector_correlation",
        ]
        | None,
        Query(alias="type", description="Only of this type"),
    ] = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List what recurred in the last five weeks, the surest first; nothing before ten whole days.

    Looked for once an hour. What is less likely to be real than 0.8 is not listed.
    """
    application = application_of(request)
    airspace, foresight = application.airspace, application.foresight
    if sector_name is not None:
        sector_name = sector_named(airspace, sector_name).name
    newest = None if foresight.patterns is None else foresight.patterns.newest
    found = [
        each
        for each in (() if newest is None else newest.patterns)
        if sector_name in {None, each.sector_name} and kind in {None, each.pattern_type}
    ]
    kept = {"sector_name": sector_name, "type": kind}
    headers = next_link(request, kept, total=len(found), limit=limit, offset=offset)
    zone = "UTC" if foresight.local is None else foresight.local.name
    shown = [
        pattern_answer(each, newest, airspace, zone)
        for each in page(found, limit, offset)
        if newest is not None
    ]
    return answer(request, shown, headers=headers)


@router.get("/accuracy", responses=documented(AccuracyAnswer, 304, 404), response_model=None)
async def accuracy(
    request: Request,
    sector_name: Annotated[
        str | None, Query(max_length=100, description="A sector's name; without it, all of them")
    ] = None,
    partition: Partition = None,
    horizon: Annotated[
        Literal["1", "2", "4"] | None,
        Query(description="Hours ahead: this horizon alone; without it, every 15 min up to 4 h"),
    ] = None,
    days: Annotated[
        int, Query(ge=1, le=DAYS, description="Of the last so many days (UTC), today included")
    ] = DAYS,
) -> Response:
    """Show how good the forecasts were, each scored when its time had come.

    By horizon, sector, local hour and size, beside what would have been said without them.
    """
    application = application_of(request)
    airspace, foresight = application.airspace, application.foresight
    found = None if sector_name is None else sector_named(airspace, sector_name, partition)
    if found is None and partition is not None:
        raise ApiError(422, "partition says which of namesakes is meant: give sector_name too.")
    horizon_s = None if horizon is None else int(horizon) * 3_600

    def build() -> Encoded:
        return Encoded(encode(accuracy_answer(foresight, airspace, found, horizon_s, days)))

    scoring = foresight.scoring
    entries, airports, training = foresight.entries, foresight.airport_scoring, foresight.training
    to_s = (
        None if scoring is None else scoring.scored_to_s,
        None if entries is None else entries.scored_to_s,
        None if airports is None else airports.scored_to_s,
        None if training is None or not training.decisions else training.decisions[0].decided_at_s,
    )
    about = f"accuracy/{None if found is None else found.sector_id}/{horizon}/{days}/{to_s}"
    version = version_of(application.latest)
    return await hot_of(request).get(request.headers.raw, about, version, build)


def why_stale(application: Application) -> str:
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
