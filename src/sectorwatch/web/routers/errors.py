"""Errors counted, and the circuit breakers that answer to them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.system import Breakers, ErrorAnalytics
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.system import breaker_answer, error_analytics

router = APIRouter(prefix="/api/errors", tags=["errors"], dependencies=OPERATOR)


@router.get("/analytics", responses=documented(ErrorAnalytics), response_model=None)
def analytics(
    request: Request,
    hours: Annotated[int, Query(ge=1, le=720, description="Hours back")] = 24,
    service: Annotated[
        str | None, Query(max_length=100, description="Only of this service")
    ] = None,
) -> Response:
    """Show how many errors there were, where, and the last ones with what they said."""
    log = application_of(request).telemetry.log
    return answer(request, error_analytics(log.get_error_analytics(hours, service or "global")))


@router.get("/circuit-breakers", responses=documented(Breakers), response_model=None)
async def circuit_breakers(request: Request) -> Response:
    """Show every circuit breaker: whether it lets calls through, and when it tries again."""
    states = [breaker.state for breaker in application_of(request).breakers]
    return answer(request, Breakers([breaker_answer(state) for state in states]))
