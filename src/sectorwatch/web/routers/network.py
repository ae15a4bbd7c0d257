"""The whole network now, and its last day."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sectorwatch.clock import format_s
from sectorwatch.web.answers.traffic import NetworkPoint, NetworkStatus
from sectorwatch.web.context import PUBLIC, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.traffic import network_status

router = APIRouter(prefix="/api/network", tags=["network"], dependencies=PUBLIC)

_DAY_S, _STEP_S = 86_400, 900


@router.get("/status", responses=documented(NetworkStatus, 304, 503), response_model=None)
def status(request: Request) -> Response:
    """Show the network now, counted by us, and its last 24 h in steps of 15 min."""
    application = application_of(request)
    now_s = application.pipeline_now_s()
    series = application.store.ask().network.history(now_s - _DAY_S, now_s + 1, _STEP_S)
    history = [
        NetworkPoint(format_s(time), pilots, airborne, controllers)
        for time, pilots, airborne, controllers in zip(
            series.time_s.tolist(),
            series.counts["pilots"].tolist(),
            series.counts["airborne"].tolist(),
            series.counts["controllers"].tolist(),
            strict=True,
        )
    ]
    return answer(request, network_status(application.latest, history))
