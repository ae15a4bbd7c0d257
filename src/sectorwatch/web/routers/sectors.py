"""Sectors: who works them, how busy they are, who is inside and who comes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from sectorwatch.clock import format_s, format_us
from sectorwatch.web.answers.sectors import (
    Occupancy,
    PastSectorDetail,
    PastSectorList,
    SectorAnswer,
    SectorDetail,
    SectorFlights,
    SectorList,
)
from sectorwatch.web.context import (
    PUBLIC,
    Limit,
    Offset,
    answer,
    application_of,
    hot_of,
    no_longer_drawn,
    numbers_of,
    sector_named,
    sector_of_old,
    version_of,
)
from sectorwatch.web.hot import Encoded, encode
from sectorwatch.web.names import named
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.periods import At, From, To, moment, period
from sectorwatch.web.present.coverage import positions_in_contact
from sectorwatch.web.present.demand import occupancy_answer
from sectorwatch.web.present.flight_book import FlightBooks
from sectorwatch.web.present.inbound import Inbound
from sectorwatch.web.present.past import past_of, past_sectors, said_of
from sectorwatch.web.present.sectors import sector_answers, sector_detail, sector_list

_NAMED = f"/{named('name')}"

router = APIRouter(prefix="/api/sectors", tags=["sectors"], dependencies=PUBLIC)

Name = Annotated[str, Path(max_length=100, description="A sector's name; case is the same")]
Partition = Annotated[
    str | None,
    Query(max_length=100, description="Of namesakes the one in here, such as vatspy:fir"),
]
SECTORS = "sectors"
NOTHING = (None, None, None, None, 0)
_LONGEST_S = 31 * 86_400


@router.get("", responses=documented(SectorList, 304, past=PastSectorList), response_model=None)
async def sectors(
    request: Request,
    partition: Partition = None,
    kind: Annotated[
        Literal["fir", "enroute", "approach"] | None, Query(description="Only of this kind")
    ] = None,
    staffed: Annotated[bool | None, Query(description="Only with, or without, an owner")] = None,
    at: At = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List all sectors with their load and owner, now or as they were at a moment."""
    application = application_of(request)
    tick, airspace = application.latest, application.airspace
    asked = (partition, kind, staffed, limit, offset)
    at_s = None if at is None else moment(at, now_s=application.pipeline_now_s())

    def wanted(sectors: list[SectorAnswer]) -> list[SectorAnswer]:
        return [
            sector
            for sector in sectors
            if (partition is None or sector.partition == partition)
            and (kind is None or sector.kind == kind)
            and (staffed is None or sector.staffed == staffed)
        ]

    def build_past(at_s: int) -> Encoded:
        past = past_of(application, at_s)
        chosen = wanted(past_sectors(past))
        shown = PastSectorList(
            **said_of(past),
            made=airspace.is_made,
            total=None if past.live is None else len(chosen),
            sectors=list(page(chosen, limit, offset)),
        )
        kept = {"partition": partition, "kind": kind, "staffed": staffed, "at": format_s(at_s)}
        link = next_link(request, kept, total=len(chosen), limit=limit, offset=offset)
        return Encoded(encode(shown), more=link)

    def build() -> Encoded:
        if at_s is not None:
            return build_past(at_s)
        everything = sector_list(airspace, tick)
        if asked == NOTHING:
            return Encoded(encode(everything))
        chosen = wanted(everything.sectors)
        shown = msgspec.structs.replace(
            everything, total=len(chosen), sectors=list(page(chosen, limit, offset))
        )
        kept = {"partition": partition, "kind": kind, "staffed": staffed}
        link = next_link(request, kept, total=len(chosen), limit=limit, offset=offset)
        return Encoded(encode(shown), more=link)

    name = SECTORS if (*asked, at_s) == (*NOTHING, None) else f"{SECTORS}{(*asked, at_s)}"
    return await hot_of(request).get(request.headers.raw, name, version_of(tick), build)


@router.get(
    _NAMED + "/occupancy", responses=documented(Occupancy, 304, 404, 503), response_model=None
)
def occupancy(
    request: Request,
    name: Name,
    partition: Partition = None,
    start: From = None,
    end: To = None,
) -> Response:
    """Show a sector's occupancy and entries by minute and by quarter of an hour."""
    application = application_of(request)
    if not application.airspace.find(name):
        return _occupancy_of_old(request, name, partition, start, end)
    found = sector_named(application.airspace, name, partition)
    tick = application.latest
    start_s, end_s = _period(start, end, application.pipeline_now_s())
    kept = application.store.ask().sectors.occupancy(found.sector_id, start_s, end_s)
    (number,) = numbers_of(application.airspace, [found])
    now = 0 if tick is None else int(tick.live.occupancy[number])
    return answer(request, occupancy_answer(found, kept, start_s, end_s, now=now))


def _occupancy_of_old(
    request: Request, name: str, partition: str | None, start: str | None, end: str | None
) -> Response:
    """Show the history of a sector that is no longer drawn; without a period, the last of it."""
    application = application_of(request)
    found = sector_of_old(application, name, partition)
    queries = application.store.ask().sectors
    span_s = queries.span(found.sector_id)
    now_s = application.pipeline_now_s()
    if span_s is not None and start is None and end is None:
        now_s = span_s[1]
    start_s, end_s = _period(start, end, now_s)
    kept = queries.occupancy(found.sector_id, start_s, end_s).within(span_s)
    words = no_longer_drawn(found, span_s)
    return answer(request, occupancy_answer(found, kept, start_s, end_s, now=None, statement=words))


def _period(start: str | None, end: str | None, now_s: int) -> tuple[int, int]:
    return period(start, end, now_s=now_s, default_s=4 * 3_600, longest_s=_LONGEST_S, step_s=900)


@router.get(_NAMED + "/flights", responses=documented(SectorFlights, 304, 404), response_model=None)
async def flights(request: Request, name: Name, partition: Partition = None) -> Response:
    """Show who is inside a sector now, and who is expected to enter within 4 h."""
    application = application_of(request)
    found = sector_named(application.airspace, name, partition)
    tick = application.latest
    (number,) = numbers_of(application.airspace, [found])
    books: FlightBooks = request.app.state.flights
    inbound: Inbound = request.app.state.inbound

    def build() -> Encoded:
        if tick is None:
            return Encoded(encode(SectorFlights(None, found.name, found.partition, [], [])))
        inside = np.flatnonzero((tick.live.sector == number).any(axis=0))
        shown = SectorFlights(
            snapshot_time=format_us(tick.time_us),
            sector=found.name,
            partition=found.partition,
            inside=books.presenter.answers(tick.live, inside),
            inbound=inbound.to(number, tick),
        )
        return Encoded(encode(shown))

    # A forecast comes a moment after its tick.
    entries = None if tick is None else inbound.entries(tick.time_us // 1_000_000)
    of = 0 if entries is None else entries.as_of_s
    about = f"sector-flights/{found.sector_id}/{of}"
    return await hot_of(request).get(request.headers.raw, about, version_of(tick), build)


@router.get(
    _NAMED,
    responses=documented(SectorDetail, 304, 404, past=PastSectorDetail),
    response_model=None,
)
async def sector(
    request: Request, name: Name, partition: Partition = None, at: At = None
) -> Response:
    """Show a sector: its shape, its owner and why, who may work it; or how it was at a moment.

    One that is no longer drawn is shown for its history, with `in_airspace` false.
    """
    application = application_of(request)
    airspace, tick = application.airspace, application.latest
    if at is not None:
        at_s = moment(at, now_s=application.pipeline_now_s())
        return await run_in_threadpool(_sector_at, request, name, partition, at_s)
    if not airspace.find(name):
        return await run_in_threadpool(_old_sector, request, name, partition)
    found = sector_named(airspace, name, partition)

    def build() -> Encoded:
        live = None if tick is None else tick.live
        (number,) = numbers_of(airspace, [found])
        (shown,) = sector_answers(airspace, live, [number])
        contacts = None if live is None else positions_in_contact(live, number)
        return Encoded(encode(sector_detail(found, shown, airspace.find(found.name), contacts)))

    about = f"sector/{found.sector_id}"
    return await hot_of(request).get(request.headers.raw, about, version_of(tick), build)


def _sector_at(request: Request, name: str, partition: str | None, at_s: int) -> Response:
    """Show how a sector was at a moment; one that is no longer drawn too, where it was there."""
    application = application_of(request)
    if application.airspace.find(name):
        found = sector_named(application.airspace, name, partition)
    else:
        found = sector_of_old(application, name, partition)
    past = past_of(application, at_s)
    shown = [each for each in past_sectors(past) if each.sector_id == str(found.sector_id)]
    detail = PastSectorDetail(**said_of(past), sector=shown[0] if shown else None)
    return answer(request, detail)


def _old_sector(request: Request, name: str, partition: str | None) -> Response:
    application = application_of(request)
    found = sector_of_old(application, name, partition)
    store = application.store.ask()
    words = no_longer_drawn(found, store.sectors.span(found.sector_id))
    shown = SectorAnswer(
        name=found.name,
        label=found.label,
        kind=found.kind,
        partition=found.partition,
        sector_id=str(found.sector_id),
        occupancy=None,
        in_contact=None,
        capacity=found.capacity,
        staffed=False,
        owner=None,
        in_airspace=False,
    )
    detail = sector_detail(found, shown, store.sectors.kept_named(found.name), None)
    return answer(request, msgspec.structs.replace(detail, notes=[words]))
