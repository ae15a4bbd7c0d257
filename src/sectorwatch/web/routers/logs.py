"""The log: its figures, its entries to be searched, and traces across services."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.clock import moment_s
from sectorwatch.feed.client import SERVICE as FETCHED_BY
from sectorwatch.observe import LogCategory, LogLevel, LogSearch
from sectorwatch.web.answers.logs import LogAnalytics, LogEntries, LogTrace, Traces
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import link_to
from sectorwatch.web.present.logs import nearest_traces, root_answer, trace_answer
from sectorwatch.web.present.system import nearest_of
from sectorwatch.web.problems import ApiError, not_found

router = APIRouter(prefix="/api/logging", tags=["logging"], dependencies=OPERATOR)

E = TypeVar("E", bound=StrEnum)
_MOST_ENTRIES = 1_000
_Moment = Annotated[
    str | None, Query(max_length=40, description="UTC, such as 2025-08-06T21:00:00Z, or -1h")
]


@router.get("/analytics", responses=documented(LogAnalytics, 404), response_model=None)
def analytics(
    request: Request,
    service: Annotated[
        str, Query(max_length=100, description="Of this service; global: of all")
    ] = "global",
    hours: Annotated[int, Query(ge=1, le=168, description="Hours back")] = 24,
) -> Response:
    """Show how many log entries there were of which kind, how many failed, and the mean time."""
    application = application_of(request)
    log = application.telemetry.log
    if service != "global":
        known = {*log.logged_services(), *application.supervisor.order}
        if service == FETCHED_BY and service not in known:
            # A recording is fetched by nobody: what stands for the feed then is the collector.
            service = "collector"
        if service not in known:
            raise not_found("service", service, nearest_of(service, sorted(known)))
    return answer(request, LogAnalytics(**log.get_log_analytics(hours, service)))


@router.get("/entries", responses=documented(LogEntries), response_model=None)
def entries(
    request: Request,
    correlation_id: Annotated[
        str | None, Query(max_length=128, description="Of this request or tick")
    ] = None,
    level: Annotated[
        str | None,
        Query(max_length=20, description="This grave or more: DEBUG, INFO, WARNING, ERROR, …"),
    ] = None,
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="Text that occurs in the entry"),
    ] = None,
    service: Annotated[str | None, Query(max_length=100, description="Of this service")] = None,
    category: Annotated[
        str | None, Query(max_length=20, description="Of this category, such as database")
    ] = None,
    operation: Annotated[str | None, Query(max_length=200, description="Of this operation")] = None,
    since: _Moment = None,
    until: _Moment = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_ENTRIES, description="At most so many")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=40, description="Out of the Link header: the next page")
    ] = None,
) -> Response:
    """Show recent log entries, newest first; the next page is in the `Link` header.

    The latest ten thousand or eight megabytes are kept to be searched, also over a restart.
    """
    log = application_of(request).telemetry.log
    if cursor is not None and not LogSearch.is_cursor(cursor):
        raise ApiError(422, f"cursor={cursor!r}: take it from the Link header of a page.")
    least = None if level is None else _one_of(LogLevel, "level", level.upper())
    of = None if category is None else _one_of(LogCategory, "category", category.lower())
    found = log.find(
        LogSearch(
            correlation_id=correlation_id,
            level=least,
            category=of,
            service=service,
            operation=operation,
            text=q,
            since_s=_moment("since", since),
            until_s=_moment("until", until),
            cursor=cursor,
            limit=limit,
        )
    )
    headers = {}
    if found.cursor is not None:
        headers = link_to(
            request,
            {
                "correlation_id": correlation_id,
                "level": least,
                "q": q,
                "service": service,
                "category": of,
                "operation": operation,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": found.cursor,
            },
        )
    ring = log.lines.ring
    shown = LogEntries(found.entries, found.is_complete, len(ring), ring.oldest)
    return answer(request, shown, headers=headers)


@router.get("/trace/{correlation_id}", responses=documented(LogTrace, 404), response_model=None)
def trace(
    request: Request,
    correlation_id: Annotated[
        str, Path(max_length=128, description="Of X-Correlation-ID, an entry or an error")
    ],
) -> Response:
    """Show one request or one tick across services: what was done within what, and how long."""
    telemetry = application_of(request).telemetry
    found = trace_answer(telemetry, correlation_id)
    if found is None:
        raise not_found("trace", correlation_id, nearest_traces(telemetry, correlation_id))
    return answer(request, found)


@router.get("/traces", responses=documented(Traces), response_model=None)
def traces(
    request: Request,
    service: Annotated[str | None, Query(max_length=100, description="Begun by this one")] = None,
    operation: Annotated[
        str | None, Query(max_length=200, description="With this, such as take")
    ] = None,
    at_least_ms: Annotated[float, Query(ge=0, le=1e9, description="That took so long")] = 0.0,
    limit: Annotated[int, Query(ge=1, le=_MOST_ENTRIES, description="At most so many")] = 100,
) -> Response:
    """List what was done last on its own account, newest first: requests and ticks."""
    telemetry = application_of(request).telemetry
    roots = telemetry.spans.roots(
        limit, service=service, operation=operation, at_least_s=at_least_ms / 1_000
    )
    return answer(request, Traces([root_answer(span, telemetry.log) for span in roots]))


def _one_of(words: type[E], name: str, text: str) -> E:
    try:
        return words(text)
    except ValueError:
        raise ApiError(422, f"{name}={text!r} is none of {', '.join(words)}.") from None


def _moment(name: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(moment_s(text.replace(" ", "+"), now_s=int(time.time())))
    except (ValueError, OverflowError) as error:
        raise ApiError(422, f"{name}={text!r}: {error}.") from error
