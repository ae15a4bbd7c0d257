"""Airports: what took off and landed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.clock import format_s
from sectorwatch.web.answers.airports import AirportOutlookAnswer
from sectorwatch.web.answers.traffic import AirportMovements, AirportTrend
from sectorwatch.web.context import PUBLIC, Offset, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link
from sectorwatch.web.periods import From, To, period
from sectorwatch.web.present.airport_outlook import airport_outlook, nothing_expected
from sectorwatch.web.present.airports import airport_movements, airport_trend
from sectorwatch.web.problems import not_found
from sectorwatch.web.routers.ml import why_stale

if TYPE_CHECKING:
    from sectorwatch.airspace.airports import Airport
    from sectorwatch.runtime import Application

router = APIRouter(prefix="/api", tags=["airports"], dependencies=PUBLIC)

_Icao = Annotated[str, Path(max_length=8, description="Airport, such as YSSY; case is the same")]
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


@router.get(
    "/airports/{icao}/movements",
    responses=documented(AirportMovements, 304, 404, 503),
    response_model=None,
)
def movements(
    request: Request,
    icao: _Icao,
    start: From = None,
    end: To = None,
    kind: Annotated[Literal["departure", "arrival"] | None, Query(description="Only these")] = None,
    limit: Annotated[
        int, Query(ge=1, le=10_000, description="At most so many; see the Link header")
    ] = 1_000,
    offset: Offset = 0,
) -> Response:
    """List take-offs and landings observed at an airport, newest first."""
    application = application_of(request)
    airport = airport_named(application, icao)
    start_s, end_s = period(
        start,
        end,
        now_s=application.pipeline_now_s(),
        default_s=_DAY_S,
        longest_s=31 * _DAY_S,
        step_s=60,
    )
    queries = application.store.ask().airports
    found = queries.movements(airport.icao, start_s, end_s, kind=kind, limit=limit, offset=offset)
    departures = queries.movements(airport.icao, start_s, end_s, kind="departure", limit=0).total
    arrivals = queries.movements(airport.icao, start_s, end_s, kind="arrival", limit=0).total
    shown = airport_movements(airport, found, (departures, arrivals), start_s, end_s)
    # The period as it was read: "now" of the next page would be later than this one's.
    kept = {"from": format_s(start_s), "to": format_s(end_s), "kind": kind}
    link = next_link(request, kept, total=found.total, limit=limit, offset=offset)
    return answer(request, shown, headers=link)


@router.get(
    "/airports/{icao}/outlook",
    responses=documented(AirportOutlookAnswer, 304, 404, 503),
    response_model=None,
)
def outlook(request: Request, icao: _Icao) -> Response:
    """Forecast departures and arrivals in each 15 min of the next 4 h, with 80 % intervals."""
    application = application_of(request)
    airport = airport_named(application, icao)
    foresight = application.foresight
    forecaster = foresight.airports
    if forecaster is None or forecaster.latest is None:
        return answer(request, nothing_expected(airport, foresight.why_nothing(airport.icao)))
    last_week = forecaster.last_week(
        application.store.ask(), airport.icao, forecaster.latest.as_of_s
    )
    shown = airport_outlook(airport, forecaster, last_week, why_stale(application))
    return answer(request, shown)


@router.get(
    "/traffic/trends/{icao}",
    responses=documented(AirportTrend, 304, 404, 503),
    response_model=None,
)
def trends(
    request: Request,
    icao: _Icao,
    hours: Annotated[int, Query(ge=2, le=168, description="Hours back")] = 24,
) -> Response:
    """Show an airport's traffic by hour, and whether it goes up or down."""
    application = application_of(request)
    airport = airport_named(application, icao)
    now_s = application.pipeline_now_s()
    ask = application.store.ask()
    by_hour = ask.airports.by_hour(airport.icao, now_s - (hours - 1) * _HOUR_S, now_s + 1)
    before_s, last_s = now_s - 2 * _HOUR_S, now_s - _HOUR_S
    known = ask.network.known(before_s, now_s)

    def count(from_s: int, to_s: int) -> int | None:
        """Count the movements of a period; None where feeds do not cover it whole."""
        if not known.at(np.arange(from_s, to_s, _MINUTE_S, dtype=np.int64)).all():
            return None
        return ask.airports.movements(airport.icao, from_s, to_s, limit=0).total

    last, before = count(last_s, now_s + 1), count(before_s, last_s)
    return answer(request, airport_trend(airport, by_hour, last_hour=last, hour_before=before))


def airport_named(application: Application, name: str) -> Airport:
    """Find an airport by its code. Raises ApiError 404 with the nearest codes."""
    wanted = name.strip().upper()
    found = application.airports.get(wanted)
    if found is None:
        codes = [code for code in application.airports.icao if code[:1] == wanted[:1]]
        near = difflib.get_close_matches(wanted, codes, n=5, cutoff=0.5)
        raise not_found("airport", name, near)
    return found
