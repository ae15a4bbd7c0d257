"""Errors counted, and the circuit breakers that answer to them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.clock import format_us
from sectorwatch.web.answers.system import BreakerAnswer, Breakers, ErrorAnalytics
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.openapi import documented

router = APIRouter(prefix="/api/errors", tags=["errors"], dependencies=OPERATOR)


@router.get("/analytics", responses=documented(ErrorAnalytics), response_model=None)
async def analytics(
    request: Request,
    hours: Annotated[int, Query(ge=1, le=720, description="Hours back")] = 24,
    service: Annotated[
        str | None, Query(max_length=100, description="Only of this service")
    ] = None,
) -> Response:
    """Show how many errors there were, where, and the last ones with what they said."""
    log = application_of(request).telemetry.log
    figures = log.get_error_analytics(hours, service)
    return answer(request, msgspec.convert(figures, ErrorAnalytics))


@router.get("/circuit-breakers", responses=documented(Breakers), response_model=None)
async def circuit_breakers(request: Request) -> Response:
    """Show every circuit breaker: whether it lets calls through, and when it tries again."""
    states = [breaker.state for breaker in application_of(request).breakers]
    shown = [
        BreakerAnswer(
            name=state.name,
            state=state.state,
            failures=state.failures,
            opened_at=None if state.opened_at_us is None else format_us(state.opened_at_us),
            next_try=None if state.next_try_us is None else format_us(state.next_try_us),
            last_error=state.last_failure,
        )
        for state in states
    ]
    return answer(request, Breakers(shown))
