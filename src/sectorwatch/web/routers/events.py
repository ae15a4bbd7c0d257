"""The event bus: its figures, and the stream of what happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from sectorwatch.web.access import Tier, let_in
from sectorwatch.web.answers.system import EventAnalytics
from sectorwatch.web.context import OPERATOR, PUBLIC, answer, application_of, hub_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.system import event_analytics
from sectorwatch.web.problems import ApiError
from sectorwatch.web.stream import TOPICS, EventStream

router = APIRouter(prefix="/api/events", tags=["events"])

# What tells about the system itself is for its operators; traffic is for everybody.
_PUBLIC_TOPICS = frozenset({"tick", "anomaly"})


@router.get(
    "/analytics",
    dependencies=OPERATOR,
    responses=documented(EventAnalytics),
    response_model=None,
)
async def analytics(request: Request) -> Response:
    """Show what became of the bus's events, and the last ones nobody dealt with."""
    application = application_of(request)
    return answer(request, event_analytics(application.bus.analytics(), hub_of(request)))


@router.get(
    "/stream",
    dependencies=PUBLIC,
    responses=documented(
        None, 503, content_type="text/event-stream", words="Server-sent events, without end."
    ),
    response_model=None,
)
async def stream(
    request: Request,
    topics: Annotated[
        str,
        Query(
            max_length=200,
            description="Topics between commas: tick, alert, health, anomaly, metrics, log",
        ),
    ] = "tick",
    last_event_id: Annotated[
        str | None, Header(max_length=64, description="Go on after this event")
    ] = None,
) -> Response:
    """Stream events as they happen; a slow reader skips, a reader that comes back goes on."""
    wanted = [topic.strip() for topic in topics.split(",") if topic.strip()]
    unknown = sorted(set(wanted) - set(TOPICS))
    if unknown or not wanted:
        said = ", ".join(unknown)[:80] or "none"
        raise ApiError(422, f"topics={said!r}: the topics are {', '.join(TOPICS)}.")
    if set(wanted) - _PUBLIC_TOPICS:
        await let_in(request, Tier.OPERATOR)
    hub = hub_of(request)
    if hub.is_full:
        raise ApiError(
            503,
            f"{hub.open} event streams are open, and more are not served: try again later.",
            headers={"Retry-After": "60"},
        )
    state = request.app.state
    return EventStream(
        hub,
        wanted,
        last_event_id=last_event_id,
        comment_s=state.comment_s,
        send_limit_s=state.send_limit_s,
    )
