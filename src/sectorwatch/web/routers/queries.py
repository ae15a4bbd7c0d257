"""Statements: what is asked of the database and of the sealed files, and what that costs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sectorwatch.observe.statements import Studied
from sectorwatch.web.answers.queries import Queries
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.queries import query_answer

router = APIRouter(prefix="/api/performance", tags=["performance"], dependencies=OPERATOR)

Order = Literal["total", "mean", "p95", "count"]


@router.get("/queries", responses=documented(Queries), response_model=None)
def queries(
    request: Request,
    sort: Annotated[Order, Query(description="By what, the most first")] = "total",
    operation: Annotated[
        str | None, Query(max_length=200, description="Only what this operation, or route, runs")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many")] = 100,
) -> Response:
    """Show statements with how often, how long, by which operation, and what was asked in vain."""
    log = application_of(request).telemetry.statements
    found = log.statements()
    keys = {
        "total": lambda each: each.total_s,
        "mean": lambda each: each.mean_s,
        "p95": lambda each: each.p95_s,
        "count": lambda each: each.count,
    }
    wanted = sorted(
        (
            each
            for each in found
            if operation is None or operation in {u.operation for u in each.uses}
        ),
        key=keys[sort],
        reverse=True,
    )
    study = log.study
    shown = [
        query_answer(each, Studied() if study is None else study.of(each.id))
        for each in wanted[:limit]
    ]
    return answer(request, Queries(len(found), log.drops.counts(), shown))
