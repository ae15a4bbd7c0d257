"""Controllers online."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.sectors import ControllerList
from sectorwatch.web.context import PUBLIC, Limit, Offset, answer, application_of, hot_of
from sectorwatch.web.hot import encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.present.sectors import controller_list

router = APIRouter(prefix="/api", tags=["controllers"], dependencies=PUBLIC)

_Prefix = Annotated[
    str | None, Query(max_length=20, description="Callsign, or how it begins; case is the same")
]
_Facility = Annotated[
    int | None, Query(ge=0, le=20, description="As in /api/vatsim/ratings, such as 6 for CTR")
]


@router.get("/controllers", responses=documented(ControllerList, 304), response_model=None)
async def controllers(
    request: Request,
    callsign: _Prefix = None,
    facility: _Facility = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List who controls now; pilots and observers that the feed lists as controllers are not."""
    application = application_of(request)
    tick = application.latest
    if callsign is None and facility is None and limit is None and offset == 0:
        version = tick.seq if tick else 0
        return await hot_of(request).get(
            request,
            "controllers",
            version,
            lambda: encode(controller_list(application.airspace, tick)),
        )
    everybody = controller_list(application.airspace, tick)
    chosen = [
        controller
        for controller in everybody.controllers
        if (callsign is None or controller.callsign.upper().startswith(callsign.upper()))
        and (facility is None or controller.facility == facility)
    ]
    shown = ControllerList(everybody.snapshot_time, len(chosen), list(page(chosen, limit, offset)))
    link = next_link(request, total=len(chosen), limit=limit, offset=offset)
    return answer(request, shown, headers=link)


# The same under the name that the system it grew from had for it.
router.add_api_route(
    "/atc-positions",
    controllers,
    methods=["GET"],
    responses=documented(ControllerList, 304),
    response_model=None,
    operation_id="atc_positions",
    summary="Atc Positions",
)
