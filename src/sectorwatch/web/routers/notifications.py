"""Who was told of alerts, who is still to be told, and who could not be."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.notifications import NotificationAnswer
from sectorwatch.web.context import OPERATOR, Offset, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link
from sectorwatch.web.present.notifications import notification_answer

router = APIRouter(prefix="/api/monitoring", tags=["monitoring"])


@router.get(
    "/notifications",
    dependencies=OPERATOR,
    responses=documented(list[NotificationAnswer]),
    response_model=None,
)
def notifications(
    request: Request,
    state: Annotated[
        Literal["pending", "sent", "failed"] | None, Query(description="Only those in this state")
    ] = None,
    channel: Annotated[
        str | None, Query(max_length=100, description="Only those for this channel, by its name")
    ] = None,
    hours: Annotated[float, Query(gt=0, le=720, description="Hours back")] = 720,
    limit: Annotated[int, Query(ge=1, le=1_000, description="At most so many")] = 100,
    offset: Offset = 0,
) -> Response:
    """List what people were told and are to be told, one for each channel, newest first."""
    outbox = application_of(request).telemetry.outbox
    # One more than is shown says whether there is another page.
    found = outbox.entries(
        state=state, channel=channel, hours=hours, limit=limit + 1, offset=offset
    )
    kept = {"state": state, "channel": channel, "hours": f"{hours:g}"}
    link = next_link(request, kept, total=offset + len(found), limit=limit, offset=offset)
    return answer(request, [notification_answer(one) for one in found[:limit]], headers=link)
