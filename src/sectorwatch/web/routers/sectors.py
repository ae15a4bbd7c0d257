"""Sectors: who works them, how busy they are, who is inside and who comes."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.clock import format_us
from sectorwatch.web.answers.sectors import (
    Occupancy,
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
    sector_named,
)
from sectorwatch.web.hot import encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.periods import From, To, period
from sectorwatch.web.present.demand import occupancy_answer
from sectorwatch.web.present.sectors import sector_answers, sector_detail, sector_list

router = APIRouter(prefix="/api/sectors", tags=["sectors"], dependencies=PUBLIC)

Name = Annotated[str, Path(max_length=100, description="A sector's name; case is the same")]
Partition = Annotated[
    str | None,
    Query(max_length=100, description="Of namesakes the one in here, such as vatspy:fir"),
]
_LONGEST_S = 31 * 86_400


@router.get("", responses=documented(SectorList, 304), response_model=None)
async def sectors(
    request: Request,
    partition: Partition = None,
    kind: Annotated[
        str | None, Query(pattern="^(fir|enroute|approach)$", description="Only of this kind")
    ] = None,
    staffed: Annotated[bool | None, Query(description="Only with, or without, an owner")] = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List all sectors with their load and owner now."""
    application = application_of(request)
    tick, airspace = application.latest, application.airspace
    if (partition, kind, staffed, limit, offset) == (None, None, None, None, 0):
        return await hot_of(request).get(
            request,
            "sectors",
            tick.seq if tick else 0,
            lambda: encode(sector_list(airspace, tick)),
        )
    everything = sector_list(airspace, tick)
    chosen = [
        sector
        for sector in everything.sectors
        if (partition is None or sector.partition == partition)
        and (kind is None or sector.kind == kind)
        and (staffed is None or sector.staffed == staffed)
    ]
    shown = SectorList(
        everything.snapshot_time,
        everything.made,
        len(chosen),
        list(page(chosen, limit, offset)),
    )
    link = next_link(request, total=len(chosen), limit=limit, offset=offset)
    return answer(request, shown, headers=link)


@router.get("/{name}", responses=documented(SectorDetail, 304, 404), response_model=None)
async def sector(request: Request, name: Name, partition: Partition = None) -> Response:
    """Show a sector: its shape, its owner and why, who may work it."""
    application = application_of(request)
    airspace = application.airspace
    found = sector_named(airspace, name, partition)
    number = airspace.index_of(found.sector_id)
    shown = sector_answers(airspace, application.latest, [number])[0]
    return answer(request, sector_detail(found, shown, airspace.find(name)))


@router.get(
    "/{name}/occupancy", responses=documented(Occupancy, 304, 404, 503), response_model=None
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
    found = sector_named(application.airspace, name, partition)
    tick = application.latest
    start_s, end_s = period(
        start, end, now_s=application.now_s(), default_s=4 * 3_600, longest_s=_LONGEST_S, step_s=900
    )
    kept = application.store.ask().sectors.occupancy(found.sector_id, start_s, end_s)
    number = application.airspace.index_of(found.sector_id)
    now = 0 if tick is None or number is None else int(tick.live.occupancy[number])
    return answer(request, occupancy_answer(found, kept, start_s, end_s, now=now))


@router.get("/{name}/flights", responses=documented(SectorFlights, 304, 404), response_model=None)
async def flights(request: Request, name: Name, partition: Partition = None) -> Response:
    """Show who is inside a sector now, and who is expected to enter within 4 h."""
    application = application_of(request)
    found = sector_named(application.airspace, name, partition)
    tick = application.latest
    if tick is None:
        return answer(request, SectorFlights(None, found.name, found.partition, [], []))
    number = application.airspace.index_of(found.sector_id)
    assert number is not None  # noqa: S101 - it was found in this very airspace

    def build() -> bytes:
        inside = np.flatnonzero((tick.live.sector == number).any(axis=0))
        presenter = request.app.state.flights
        return encode(
            SectorFlights(
                snapshot_time=format_us(tick.time_us),
                sector=found.name,
                partition=found.partition,
                inside=presenter.answers(tick.live, inside),
                inbound=request.app.state.inbound.to(number, tick),
            )
        )

    hot = hot_of(request)
    return await hot.get(request, f"sector-flights-{found.sector_id}", tick.seq, build)
