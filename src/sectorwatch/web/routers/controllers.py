"""Controllers online, now or at a moment of the past."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.clock import format_s
from sectorwatch.web.answers.sectors import (
    ControllerAnswer,
    ControllerList,
    PastControllerList,
)
from sectorwatch.web.context import (
    PUBLIC,
    Limit,
    Offset,
    application_of,
    hot_of,
    version_of,
)
from sectorwatch.web.hot import Encoded, encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.periods import At, moment
from sectorwatch.web.present.past import past_of, said_of
from sectorwatch.web.present.sectors import controller_answers, controller_list

router = APIRouter(prefix="/api", tags=["controllers"], dependencies=PUBLIC)

CONTROLLERS = "controllers"
NOTHING = (None, None, None, 0)

_Prefix = Annotated[
    str | None, Query(max_length=20, description="Callsign, or how it begins; case is the same")
]
_Facility = Annotated[
    int | None, Query(ge=0, le=20, description="As in /api/vatsim/ratings, such as 6 for CTR")
]


@router.get(
    "/controllers",
    responses=documented(ControllerList, 304, past=PastControllerList),
    response_model=None,
)
async def controllers(
    request: Request,
    callsign: _Prefix = None,
    facility: _Facility = None,
    at: At = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List who controls, now or at a moment; pilots and observers listed as such are not."""
    application = application_of(request)
    tick, airspace = application.latest, application.airspace
    asked = (callsign, facility, limit, offset)
    at_s = None if at is None else moment(at, now_s=application.pipeline_now_s())

    def wanted(controllers: list[ControllerAnswer]) -> list[ControllerAnswer]:
        return [
            controller
            for controller in controllers
            if (callsign is None or controller.callsign.upper().startswith(callsign.upper()))
            and (facility is None or controller.facility == facility)
        ]

    def build_past(at_s: int) -> Encoded:
        past = past_of(application, at_s, only_controllers=True)
        live = past.live
        chosen = wanted(
            [] if live is None else controller_answers(past.sky, live, past.moment.snapshot_s)
        )
        shown = PastControllerList(
            **said_of(past),
            total=None if live is None else len(chosen),
            controllers=list(page(chosen, limit, offset)),
        )
        kept = {"callsign": callsign, "facility": facility, "at": format_s(at_s)}
        link = next_link(request, kept, total=len(chosen), limit=limit, offset=offset)
        return Encoded(encode(shown), more=link)

    def build() -> Encoded:
        if at_s is not None:
            return build_past(at_s)
        everybody = controller_list(airspace, tick)
        if asked == NOTHING:
            return Encoded(encode(everybody))
        chosen = wanted(everybody.controllers)
        shown = msgspec.structs.replace(
            everybody, total=len(chosen), controllers=list(page(chosen, limit, offset))
        )
        kept = {"callsign": callsign, "facility": facility}
        link = next_link(request, kept, total=len(chosen), limit=limit, offset=offset)
        return Encoded(encode(shown), more=link)

    # The path is in the link, and there are two.
    is_whole = (*asked, at_s) == (*NOTHING, None)
    name = CONTROLLERS if is_whole else f"{request.url.path}{(*asked, at_s)}"
    return await hot_of(request).get(request.headers.raw, name, version_of(tick), build)


# The same under the name that the system it grew from had for it.
router.add_api_route(
    "/atc-positions",
    controllers,
    methods=["GET"],
    responses=documented(ControllerList, 304, past=PastControllerList),
    response_model=None,
    operation_id="atc_positions",
    summary="Atc Positions",
)
