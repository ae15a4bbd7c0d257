"""The database and what lies beside it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sectorwatch.errors import DatabaseAwayError
from sectorwatch.web.answers.system import DatabaseLatency, DatabaseStatus
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.openapi import documented

router = APIRouter(prefix="/api/database", tags=["database"], dependencies=OPERATOR)


@router.get("/status", responses=documented(DatabaseStatus), response_model=None)
def status(request: Request) -> Response:
    """Show how the database is: size, speed, what waits; also where it does not answer."""
    application = application_of(request)
    pending = application.pipeline.follow.pending
    try:
        kept = application.store.ask().status()
    except DatabaseAwayError as error:
        return answer(
            request, DatabaseStatus(status="unhealthy", away=str(error), pending_ticks=pending)
        )
    healthy = "degraded" if kept.missing_segments else "healthy"
    shown = DatabaseStatus(
        status="unhealthy" if kept.away else healthy,
        engine=kept.engine,
        label=kept.label,
        away=kept.away,
        version=kept.version,
        schema_revision=kept.schema_revision,
        size_bytes=kept.size_bytes,
        segments=kept.segments,
        segment_bytes=kept.segment_bytes,
        missing_segments=kept.missing_segments,
        journal_bytes=kept.journal_bytes,
        directory_bytes=kept.directory_bytes,
        free_bytes=kept.free_bytes,
        rows=kept.rows,
        last_seq=kept.last_seq,
        unsealed_ticks=kept.unsealed_ticks,
        pending_ticks=pending,
        writes=DatabaseLatency(
            kept.writes.count, kept.writes.median_s, kept.writes.p95_s, kept.writes.last_s
        ),
        reads=DatabaseLatency(
            kept.reads.count, kept.reads.median_s, kept.reads.p95_s, kept.reads.last_s
        ),
    )
    return answer(request, shown)
