"""The API as one ASGI application, built once by the composition root."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from sectorwatch import __version__
from sectorwatch.clock import format_us
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.observe import LogCategory, LogLevel
from sectorwatch.web.access import Gate
from sectorwatch.web.correlation import RequestObserver
from sectorwatch.web.hot import HotAnswers
from sectorwatch.web.openapi import install
from sectorwatch.web.present.flights import FlightPresenter
from sectorwatch.web.present.inbound import Inbound
from sectorwatch.web.present.network import tick_event
from sectorwatch.web.problems import ApiError, problem_response
from sectorwatch.web.routers import ALL
from sectorwatch.web.stream import StreamHub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response
    from starlette.types import ASGIApp

    from sectorwatch.runtime import Application, Event

__all__ = ["create_app", "create_fastapi"]

SLOW_REQUEST_S = 1.0
_DESCRIPTION = """
What happens in your airspace, and in the system that watches it.

Times are UTC, such as `2025-08-06T21:00:00Z`. Fields that come from the network's feed keep the
names they have there; all others carry their unit. Answers that change once a tick carry an
`ETag`. Errors are `application/problem+json` (RFC 9457). Every answer carries
`X-Correlation-ID`; send one in, or a W3C `traceparent`, to find your request in the logs.
"""
_TOO_LONG_SHOWN = 80


def create_app(application: Application) -> ASGIApp:
    """Build the API of `application`: what a server serves."""
    return RequestObserver(
        create_fastapi(application), telemetry=application.telemetry, slow_s=SLOW_REQUEST_S
    )


def create_fastapi(application: Application) -> FastAPI:
    """Build the API without what happens around each request; for its OpenAPI document."""
    settings = application.settings
    app = FastAPI(
        title="sectorwatch",
        version=__version__,
        lifespan=_lifespan,
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
    )
    app.state.application = application
    app.state.gate = Gate(
        keys=application.keys, base_url=settings.base_url, public_read=settings.public_read
    )
    app.state.hot = HotAnswers()
    app.state.hub = StreamHub()
    app.state.flights = FlightPresenter(application.airspace)
    app.state.inbound = Inbound(application.airspace, application.airports)
    for router in ALL:
        app.include_router(router)
    _handle_errors(app)
    install(app, description=_DESCRIPTION)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hear the bus while the API runs; end the streams when it stops."""
    application: Application = app.state.application
    hub: StreamHub = app.state.hub

    async def on_event(event: Event) -> None:
        if event.topic == "tick":
            tick = application.latest
            if tick is not None:
                hub.publish("tick", msgspec.json.encode(tick_event(tick)))
            return
        data = {"time": format_us(event.published_us), "name": event.name, "seq": event.seq}
        hub.publish(event.topic, msgspec.json.encode(data))

    subscription = application.bus.subscribe("event_streams", ("tick", "health"), on_event)
    try:
        yield
    finally:
        subscription.close()
        hub.close()


def _handle_errors(app: FastAPI) -> None:
    async def on_problem(request: Request, error: ApiError) -> Response:
        del request
        return problem_response(error)

    async def on_http(request: Request, error: HTTPException) -> Response:
        path = request.url.path[:_TOO_LONG_SHOWN]
        detail = {
            404: f"There is nothing at {path!r}. /docs shows every endpoint.",
            405: f"{request.method} is not what {path!r} takes.",
        }.get(error.status_code, str(error.detail))
        return problem_response(ApiError(error.status_code, detail, headers=error.headers))

    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        del request
        return problem_response(_validation(error))

    async def on_database_away(request: Request, error: DatabaseAwayError) -> Response:
        del request
        detail = f"The database does not answer just now: {error}. Try again in a few seconds."
        return problem_response(ApiError(503, detail, headers={"Retry-After": "5"}))

    async def on_anything(request: Request, error: Exception) -> Response:
        telemetry = request.app.state.application.telemetry
        telemetry.log.log_operation(
            "request",
            LogLevel.ERROR,
            LogCategory.ERROR,
            service="api",
            path=request.url.path,
            exc_info=error,
        )
        return problem_response(
            ApiError(500, "Something went wrong here; the correlation id finds it in the logs.")
        )

    handlers: dict[Any, Any] = {
        ApiError: on_problem,
        HTTPException: on_http,
        RequestValidationError: on_validation,
        DatabaseAwayError: on_database_away,
        Exception: on_anything,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _validation(error: RequestValidationError) -> ApiError:
    errors = []
    for one in error.errors():
        name = ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0])
        value = str(one.get("input"))[:_TOO_LONG_SHOWN]
        errors.append({"parameter": name, "value": value, "message": one["msg"]})
    said = "; ".join(f"{e['parameter']}={e['value']!r}: {e['message']}" for e in errors[:5])
    return ApiError(422, f"A parameter is wrong: {said}.", errors=errors)
