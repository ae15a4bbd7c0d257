"""Performance: what operations take, where that goes, and what would make them better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.performance import (
    OperationList,
    OperationMetrics,
    PerformanceAlert,
    Recommendation,
)
from sectorwatch.web.context import OPERATOR, Limit, Offset, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.present.performance import (
    operation_answer,
    operation_metrics,
    performance_alerts,
    recommendation,
)
from sectorwatch.web.present.system import nearest_of
from sectorwatch.web.problems import ApiError, not_found

if TYPE_CHECKING:
    from sectorwatch.observe import Telemetry

router = APIRouter(prefix="/api/performance", tags=["performance"], dependencies=OPERATOR)

_USUAL_SERVICE = "system"
_Hours = Annotated[int, Query(ge=1, le=720, description="Hours back")]
_MOST_NAMED = 10


@router.get(
    "/metrics/{operation:path}",
    responses=documented(OperationMetrics, 304, 404),
    response_model=None,
)
def metrics(
    request: Request,
    operation: Annotated[
        str,
        Path(
            max_length=200,
            description="An operation's name; a route of this API is one too, such as api/flights",
        ),
    ],
    service: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Whose operation; without it `system`, else the only service that has it",
        ),
    ] = None,
    hours: _Hours = 24,
) -> Response:
    """Show what was measured of one operation, and whether it gets slower.

    Times in seconds, shares of the processor and of memory in percent.
    """
    telemetry = application_of(request).telemetry
    name, of = _known(telemetry, operation, service)
    return answer(request, operation_metrics(telemetry, name, of, hours))


@router.get("/operations", responses=documented(OperationList, 304), response_model=None)
def operations(
    request: Request,
    service: Annotated[
        str | None, Query(max_length=100, description="Only of this service")
    ] = None,
    hours: _Hours = 24,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List all operations with what they cost, the dearest first."""
    optimizer = application_of(request).telemetry.optimizer
    found = [
        operation_answer(figures, trend, optimizer.slowdown(figures.operation, figures.service))
        for figures, trend in optimizer.operations(hours)
        if service in {None, figures.service}
    ]
    kept = {"service": service, "hours": hours}
    headers = next_link(request, kept, total=len(found), limit=limit, offset=offset)
    shown = OperationList(hours, len(found), list(page(found, limit, offset)))
    return answer(request, shown, headers=headers)


@router.get(
    "/recommendations", responses=documented(list[Recommendation], 304), response_model=None
)
def recommendations(
    request: Request,
    service: Annotated[
        str | None, Query(max_length=100, description="Only of this service")
    ] = None,
    priority: Annotated[
        Literal["low", "medium", "high", "critical"] | None,
        Query(description="Only of this priority"),
    ] = None,
    status: Annotated[
        Literal["open", "applied", "expired"] | None,
        Query(description="Only of this status; without it, open and applied ones"),
    ] = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """List what would make operations better, by evidence, the most important first.

    One that was applied is noticed, and its real effect stands beside the one expected.
    """
    optimizer = application_of(request).telemetry.optimizer
    found = optimizer.get_recommendations(service, priority, status)
    kept = {"service": service, "priority": priority, "status": status}
    headers = next_link(request, kept, total=len(found), limit=limit, offset=offset)
    shown = [recommendation(one) for one in page(found, limit, offset)]
    return answer(request, shown, headers=headers)


@router.get("/alerts", responses=documented(list[PerformanceAlert], 304), response_model=None)
def alerts(request: Request, limit: Limit = None, offset: Offset = 0) -> Response:
    """List the active alerts that are about performance, newest first.

    They are alerts as all others, in the shape that the specification gives them here.
    """
    found = performance_alerts(application_of(request).telemetry.alerts.get_active_alerts())
    headers = next_link(request, {}, total=len(found), limit=limit, offset=offset)
    return answer(request, list(page(found, limit, offset)), headers=headers)


def _known(telemetry: Telemetry, operation: str, service: str | None) -> tuple[str, str]:
    """Find the operation and the service that are meant; raises ApiError 404 where there is none.

    A route's name begins with a slash, which in a path may be left out.
    """
    telemetry.performance.fold()
    everything = telemetry.performance.operations()
    names = {operation, f"/{operation}"}
    found = [one for one in everything if one[0] in names]
    services = sorted({of for _, of in found})
    if not found:
        near = nearest_of(operation, sorted({name for name, _ in everything}))
        raise not_found("operation", operation, near)
    wanted = service
    if wanted is None:
        wanted = _USUAL_SERVICE if len(services) > 1 else services[0]
    for name, of in found:
        if of == wanted:
            return name, of
    shown = ", ".join(services[:_MOST_NAMED])
    raise ApiError(
        404,
        f"Service {wanted[:60]!r} has no operation {found[0][0]!r}, but these have: {shown}. "
        "Ask with ?service=.",
        nearest=services[:_MOST_NAMED],
    )
