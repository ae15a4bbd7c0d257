"""The API as one ASGI application, built once by the composition root."""

from __future__ import annotations

import difflib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sectorwatch import __version__
from sectorwatch.errors import DatabaseAwayError, QueryTooLongError
from sectorwatch.web.access import Gate, Tier
from sectorwatch.web.context import version_of
from sectorwatch.web.hot import HotAnswers
from sectorwatch.web.lane import FastLane
from sectorwatch.web.lanes import lanes
from sectorwatch.web.log_feed import LogFeed
from sectorwatch.web.observer import RequestObserver
from sectorwatch.web.openapi import install, tier_of
from sectorwatch.web.present.flight_book import FlightBooks
from sectorwatch.web.present.flights import FlightPresenter
from sectorwatch.web.present.inbound import Inbound
from sectorwatch.web.problems import ApiError, WrongParameter, problem_response, went_wrong
from sectorwatch.web.reports import add_reports
from sectorwatch.web.routers import ALL
from sectorwatch.web.stream import StreamHub, measure_streams
from sectorwatch.web.telling import TOLD, Telling
from sectorwatch.web.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

    from sectorwatch.runtime import Application

__all__ = ["create_app", "create_fastapi"]

SLOW_REQUEST_S = 1.0
COMMENT_S = 15.0
SEND_LIMIT_S = 60.0
_DESCRIPTION = """
What happens in your airspace, and in the system that watches it.

Times are UTC, such as `2025-08-06T21:00:00Z`. Fields that come from the network's feed keep the
names they have there; all others carry their unit. Answers that change once a tick carry an
`ETag`. Errors are `application/problem+json` (RFC 9457). Every answer carries
`X-Correlation-ID`; send one in, or a W3C `traceparent`, to find your request in the logs.

Each endpoint belongs to a tier: `public`, `staff` or `operator`. On this machine, reached through
no proxy, every GET is open; from elsewhere a tier needs a key with its scope, sent as
`Authorization: Bearer KEY`, unless `public_read` opens the public tier. What changes state always
needs a key.
"""
_TOO_LONG_SHOWN = 80


def create_app(application: Application) -> ASGIApp:
    """Build the API of `application`: what a server serves."""
    app = create_fastapi(application)
    state = app.state
    add_reports(app, application.telemetry, application.settings.log_report_s)
    lane = FastLane(
        app, gate=state.gate, lanes=lanes(application, hot=state.hot, books=state.flights)
    )
    for name in ("hot", "fixed", "statistics", "coverage"):
        answers: HotAnswers = getattr(state, name)
        application.telemetry.caches.watch(f"{name}_answers", "api", answers.asked)
    return RequestObserver(
        lane,
        telemetry=application.telemetry,
        slow_s=SLOW_REQUEST_S,
        version_of=_versions(application, app),
    )


def _versions(application: Application, app: FastAPI) -> Callable[[str], int | None]:
    """Give the version of what a route's answers are made from: of traffic it is the tick."""
    of_traffic = {
        route.path_format
        for route in app.routes
        if isinstance(route, APIRoute)
        and route.path_format.startswith("/api/")
        and tier_of(route) in {Tier.PUBLIC, Tier.STAFF}
    }

    def version(route: str) -> int | None:
        return version_of(application.latest) if route in of_traffic else None

    return version


def create_fastapi(application: Application) -> FastAPI:
    """Build the API without what happens around each request; for its OpenAPI document."""
    settings = application.settings
    app = FastAPI(
        title="sectorwatch",
        version=__version__,
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Their routes as they are: an included router is matched twice for every request.
        routes=[route for router in ALL for route in router.routes],
    )
    app.state.application = application
    app.state.gate = Gate(
        keys=application.keys,
        base_url=settings.base_url,
        public_read=settings.public_read,
        metrics=application.telemetry.metrics,
    )
    app.state.hot = HotAnswers()
    app.state.fixed = HotAnswers()
    app.state.statistics = HotAnswers(most=64, most_bytes=16_000_000)
    app.state.turns = Turns()
    app.state.coverage = HotAnswers(most=64, most_bytes=16_000_000)
    app.state.hub = StreamHub()
    measure_streams(app.state.hub, application.telemetry.metrics)
    app.state.comment_s = COMMENT_S
    app.state.send_limit_s = SEND_LIMIT_S
    app.state.flights = FlightBooks(FlightPresenter(application.airspace))
    app.state.inbound = Inbound(application.airspace, application.airports, application.foresight)
    _handle_errors(app)
    install(app, description=_DESCRIPTION)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hear the bus while the API runs; end the streams when it stops."""
    application: Application = app.state.application
    hub: StreamHub = app.state.hub
    telling = Telling(application, hub)
    # Whoever listens first, after a restart too, is told what is so.
    telling.say_tick()
    subscription = application.bus.subscribe("event_streams", TOLD, telling.hear)
    log_feed = LogFeed(hub, application.telemetry)
    log_feed.open()
    try:
        yield
    finally:
        log_feed.close()
        subscription.close()
        hub.close()


def _handle_errors(app: FastAPI) -> None:
    paths = sorted({getattr(route, "path_format", "/") for route in app.routes})

    async def on_problem(request: Request, error: ApiError) -> Response:
        del request
        return problem_response(error)

    async def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:  # noqa: PLR2004 - the router's "nothing there"
            return problem_response(_nothing_there(request.url.path, paths))
        if error.status_code == 405:  # noqa: PLR2004 - the router's "not this method"
            return _other_method(request, error)
        headers = dict(error.headers or {})
        return problem_response(ApiError(error.status_code, str(error.detail), headers=headers))

    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        del request
        return problem_response(_validation(error))

    async def on_database_away(request: Request, error: DatabaseAwayError) -> Response:
        del request
        detail = f"The database does not answer just now: {error}. Try again in a few seconds."
        return problem_response(ApiError(503, detail, headers={"Retry-After": "5"}))

    async def on_too_long(request: Request, error: QueryTooLongError) -> Response:
        del request
        return problem_response(ApiError(503, str(error), headers={"Retry-After": "5"}))

    async def on_anything(request: Request, error: Exception) -> Response:
        # Told here, logged by the observer, to which the framework raises it again.
        del request, error
        return problem_response(went_wrong())

    handlers: dict[Any, Any] = {
        ApiError: on_problem,
        HTTPException: on_http,
        RequestValidationError: on_validation,
        DatabaseAwayError: on_database_away,
        QueryTooLongError: on_too_long,
        Exception: on_anything,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _nothing_there(path: str, paths: list[str]) -> ApiError:
    near = difflib.get_close_matches(path[:_TOO_LONG_SHOWN].rstrip("/"), paths, n=3, cutoff=0.7)
    hint = f" The nearest: {', '.join(near)}." if near else ""
    return ApiError(
        404,
        f"There is nothing at {path[:_TOO_LONG_SHOWN]!r}.{hint} /docs shows every endpoint.",
        nearest=near,
    )


def _other_method(request: Request, error: HTTPException) -> Response:
    allowed = {name.strip() for name in (error.headers or {}).get("Allow", "").split(",")} - {""}
    if "GET" in allowed:
        allowed |= {"HEAD"}
    headers = {"Allow": ", ".join(sorted({*allowed, "OPTIONS"}))}
    if request.method == "OPTIONS":
        # Said to who asks; no page of another origin gets more than that (no CORS headers).
        return Response(status_code=204, headers=headers)
    path = request.url.path[:_TOO_LONG_SHOWN]
    detail = f"{request.method[:20]} is not what {path!r} takes, but {headers['Allow']}."
    return problem_response(ApiError(405, detail, headers=headers))


def _validation(error: RequestValidationError) -> ApiError:
    errors = []
    for one in error.errors():
        name = ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0])
        value = str(one.get("input"))[:_TOO_LONG_SHOWN]
        errors.append(WrongParameter(name, value, one["msg"]))
    said = "; ".join(f"{e.parameter}={e.value!r}: {e.message}" for e in errors[:5])
    return ApiError(422, f"A parameter is wrong: {said}.", errors=errors)
