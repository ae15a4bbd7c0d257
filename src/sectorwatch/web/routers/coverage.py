"""Coverage: how much of the time in the air somebody was in contact with a controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from sectorwatch.web.access import Gate, Tier
from sectorwatch.web.answers.coverage import Coverage
from sectorwatch.web.context import PUBLIC, Limit, Offset, application_of
from sectorwatch.web.hot import Encoded, HotAnswers, encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link
from sectorwatch.web.periods import From, To, period
from sectorwatch.web.present.coverage import coverage_answer
from sectorwatch.web.problems import ApiError, not_found
from sectorwatch.web.turns import Turns

if TYPE_CHECKING:
    from sectorwatch.runtime import Application

router = APIRouter(prefix="/api/coverage", tags=["coverage"], dependencies=PUBLIC)

_DAY_S = 86_400
_HOUR_S = 3_600
_LONGEST_S = 92 * _DAY_S
_FLIGHTS = 100
_EVERYTHING = ("sector", "position", "hour")


@router.get("", responses=documented(Coverage, 304, 404, 503), response_model=None)
async def coverage(
    request: Request,
    start: From = None,
    end: To = None,
    by: Annotated[
        Literal["sector", "position", "hour", "flight"] | None,
        Query(description="By this alone; by sector, position and hour else. flight is for staff"),
    ] = None,
    partition: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Of its sectors, such as vatspy:fir; else that of home_sector, or the "
            "first. A flight is in one sector of a partition at a time",
        ),
    ] = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """Give coverage in a period (the last 24 h where none is asked for), at most 92 days of it.

    Whole hours. `limit` and `offset` are those of `by=flight`, 100 at a time.
    """
    application = application_of(request)
    if by == "flight":
        await run_in_threadpool(_hold_to_staff, request)
    elif limit is not None or offset:
        raise ApiError(422, "limit and offset are pages of flights: ask by=flight with them.")
    chosen = partition_named(application, partition)
    now_s = application.pipeline_now_s()
    start_s, end_s = period(
        start, end, now_s=now_s, default_s=_DAY_S, longest_s=_LONGEST_S, step_s=_HOUR_S
    )
    wanted = _EVERYTHING if by is None else (by,)
    most = _FLIGHTS if limit is None else limit

    def build() -> Encoded:
        store, airspace = application.store.ask(), application.airspace
        flights, link = None, {}
        if by == "flight":
            ids = [each.sector_id for each in airspace.sectors if each.partition == chosen]
            heard = store.statistics.heard.known(start_s, end_s)
            flights = store.coverage.of_flights(
                start_s, end_s, ids, heard, limit=most, offset=offset
            )
            kept = {"from": start, "to": end, "by": by, "partition": chosen}
            link = next_link(request, kept, total=flights.total, limit=most, offset=offset)
        shown = coverage_answer(store, airspace, chosen, start_s, end_s, by=wanted, flights=flights)
        return Encoded(encode(shown), more=link)

    hot: HotAnswers = request.app.state.coverage
    turns: Turns = request.app.state.turns
    # What is asked again within a minute has the same answer.
    version = now_s // 60
    name = repr((start_s, end_s, wanted, chosen, most, offset))
    if hot.ready(name, version) is not None:
        return await hot.get(request.headers.raw, name, version, build)
    async with turns.turn():
        return await hot.get(request.headers.raw, name, version, build)


def _hold_to_staff(request: Request) -> None:
    gate: Gate = request.app.state.gate
    try:
        gate.check(request, Tier.STAFF)
    except ApiError as error:
        raise ApiError(
            error.status,
            f"by=flight shows single flights' history, which is for staff. {error.detail}",
            headers=error.headers,
        ) from error


def partition_named(application: Application, name: str | None) -> str:
    """Find a partition: that of the home sector, or the first, where none is named."""
    airspace = application.airspace
    names = {each.name.casefold(): each.name for each in airspace.partitions}
    if name is None:
        home = application.settings.home_sector
        of_home = airspace.find(home) if home else []
        return of_home[0].partition if of_home else next(iter(names.values()), "")
    found = names.get(name.strip().casefold())
    if found is None:
        raise not_found("partition", name, list(names.values())[:5])
    return found
