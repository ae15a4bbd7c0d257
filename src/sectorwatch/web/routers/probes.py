"""Probes and metrics: whether it lives, whether it is ready, and what Prometheus scrapes."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from sectorwatch.observe.exposition import (
    CONTENT_TYPE,
    OPEN_METRICS,
    exposition,
    wants_open_metrics,
)
from sectorwatch.web.answers.system import Liveness, Readiness
from sectorwatch.web.context import OPERATOR, PUBLIC, application_of
from sectorwatch.web.openapi import documented

router = APIRouter(tags=["probes"])


@router.get("/livez", dependencies=PUBLIC, responses=documented(Liveness), response_model=None)
async def livez() -> Response:
    """Say that the process answers; nothing else is looked at."""
    return Response(b'{"status":"alive"}', media_type="application/json")


@router.get(
    "/readyz", dependencies=PUBLIC, responses=documented(Readiness, 503), response_model=None
)
async def readyz(request: Request) -> Response:
    """Say whether there is something to answer with: 503 until there is."""
    missing = application_of(request).not_ready()
    body = msgspec.json.encode(Readiness("not_ready" if missing else "ready", missing))
    if missing:
        return Response(
            body, status_code=503, media_type="application/json", headers={"Retry-After": "5"}
        )
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get(
    "/metrics",
    dependencies=OPERATOR,
    responses=documented(None, content_type=CONTENT_TYPE, words="Prometheus' text format."),
    response_model=None,
)
async def metrics(request: Request) -> Response:
    """Give all metrics in the text format that Prometheus scrapes, or as OpenMetrics if asked."""
    telemetry = application_of(request).telemetry
    is_open = wants_open_metrics(request.headers.get("accept", ""))
    body = await asyncio.to_thread(exposition, telemetry.metrics, open_metrics=is_open)
    headers = {
        "Content-Type": OPEN_METRICS if is_open else CONTENT_TYPE,
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return Response(body, headers=headers)
