"""Services: how each does, and starting one anew."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from sectorwatch.errors import ServiceError
from sectorwatch.web.answers.system import ServiceAnswer, ServiceList, ServiceRestarted
from sectorwatch.web.context import OPERATOR, answer, application_of
from sectorwatch.web.hot import encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.present.system import nearest_of, service_answer, service_answers
from sectorwatch.web.problems import ApiError, not_found

if TYPE_CHECKING:
    from sectorwatch.runtime import Application

router = APIRouter(prefix="/api/services", tags=["services"], dependencies=OPERATOR)

# The loop itself holds its tasks but weakly.
_under_way: set[asyncio.Task[None]] = set()
_Name = Annotated[str, Path(max_length=100, description="A service's name")]


@router.get("/status", responses=documented(ServiceList), response_model=None)
async def services(request: Request) -> Response:
    """List all services in the order they start, each with what its last check found."""
    return answer(request, ServiceList(service_answers(application_of(request))))


@router.get("/{name}/status", responses=documented(ServiceAnswer, 404), response_model=None)
async def service(request: Request, name: _Name) -> Response:
    """Show one service."""
    return answer(request, service_answer(application_of(request), _known(request, name)))


@router.post(
    "/{name}/restart",
    responses=documented(ServiceRestarted, 404, 503),
    response_model=None,
)
async def restart(request: Request, name: _Name) -> Response:
    """Stop a service and what depends on it, and start them again.

    The API itself is restarted after it has answered.
    """
    application = application_of(request)
    known = _known(request, name)
    if application.api is not None and known == application.api.name:
        return _answered_first(application, known)
    started = time.perf_counter()
    try:
        await application.supervisor.restart(known)
    except ServiceError as error:
        raise ApiError(503, str(error), headers={"Retry-After": "5"}) from error
    restarted = ServiceRestarted(
        name=known,
        duration_s=round(time.perf_counter() - started, 6),
        service=service_answer(application, known),
    )
    return answer(request, restarted)


def _answered_first(application: Application, name: str) -> Response:
    async def restart_it() -> None:
        # What goes wrong is logged there, and tried again by itself.
        with suppress(ServiceError):
            await application.supervisor.restart(name)

    async def begin() -> None:
        # Not waited for: the server's end waits for every request, this one too.
        task = asyncio.create_task(restart_it(), name=f"restart:{name}")
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)

    shown = ServiceRestarted(name, None, service_answer(application, name))
    return Response(encode(shown), media_type="application/json", background=BackgroundTask(begin))


def _known(request: Request, name: str) -> str:
    application: Application = application_of(request)
    names = list(application.supervisor.order)
    if name not in names:
        raise not_found("service", name, nearest_of(name, names))
    return name
