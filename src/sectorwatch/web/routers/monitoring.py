"""How the system watches itself: metrics over time, and the health of every service."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.web.answers.monitoring import (
    HealthAnswer,
    HealthOverview,
    MetricHistory,
    MonitoringMetrics,
)
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.monitoring import (
    health_answer,
    health_overview,
    metric_history,
    monitoring_metrics,
    step_for,
)
from sectorwatch.web.present.system import nearest_of
from sectorwatch.web.problems import ApiError, not_found

router = APIRouter(prefix="/api/monitoring", tags=["monitoring"], dependencies=OPERATOR)

_MOST_POINTS = 20_000
_ALIASES = {"data_service": "collector"}
_Hours = Annotated[float, Query(gt=0, le=720, description="Hours back")]


@router.get("/metrics", responses=documented(MonitoringMetrics), response_model=None)
def metrics(request: Request) -> Response:
    """Say what is watched, in numbers, and name every metric with its newest value."""
    telemetry = application_of(request).telemetry
    return answer(request, monitoring_metrics(telemetry))


@router.get("/metrics/{name}", responses=documented(MetricHistory, 404), response_model=None)
def metric(
    request: Request,
    name: Annotated[str, Path(max_length=200, description="A metric's name")],
    hours: _Hours = 24,
    step: Annotated[
        int | None,
        Query(
            ge=0,
            le=86_400,
            description="Seconds a point sums up, in whole minutes; 0: values as they were "
            "recorded, where that is kept (an hour); else about 400 points",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        Query(max_length=12, description="Only series with this, as NAME=VALUE; may be repeated"),
    ] = None,
) -> Response:
    """Show a metric over time: a series for each set of tags, a point for each step."""
    collector = application_of(request).telemetry.metrics
    names = collector.names()
    if name not in names:
        raise not_found("metric", name, nearest_of(name, names))
    step_s = step_for(hours) if step is None else -(-step // 60) * 60
    if step_s and hours * 3_600 / step_s > _MOST_POINTS:
        raise ApiError(
            422, f"step={step}: {hours:g} hours in steps of {step_s} s are more than "
            f"{_MOST_POINTS} points; ask for longer steps."
        )  # fmt: skip
    tags = dict(_tag(each) for each in tag or ())
    return answer(request, metric_history(collector, name, hours, step_s, tags))


@router.get("/health", responses=documented(HealthOverview), response_model=None)
def health(request: Request) -> Response:
    """Show how every service is, the worst first in `status`, and what depends on what."""
    return answer(request, health_overview(application_of(request)))


@router.get("/health/{service_name}", responses=documented(HealthAnswer, 404), response_model=None)
def service_health(
    request: Request,
    service_name: Annotated[
        str, Path(max_length=100, description="A service's name; `data_service` is the collector")
    ],
    hours: Annotated[float, Query(gt=0, le=168, description="Hours of history")] = 24,
) -> Response:
    """Show how one service is by its last check, and when in the last hours it was otherwise."""
    application = application_of(request)
    name = _ALIASES.get(service_name, service_name)
    names = list(application.supervisor.order)
    if name not in names:
        raise not_found("service", service_name, nearest_of(service_name, names))
    return answer(request, health_answer(application, name, hours))


def _tag(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise ApiError(422, f"tag={text[:80]!r}: write NAME=VALUE, such as service=collector.")
    return name, value
