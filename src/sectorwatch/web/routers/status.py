"""The instance at a glance."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sectorwatch.web.answers.system import Status
from sectorwatch.web.context import PUBLIC, answer, application_of
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.status import status_answer

router = APIRouter(prefix="/api", tags=["status"], dependencies=PUBLIC)


@router.get("/status", responses=documented(Status), response_model=None)
async def status(request: Request) -> Response:
    """Show what this instance is, what it reads, how fresh that is and how its services do."""
    return answer(request, status_answer(application_of(request)))
