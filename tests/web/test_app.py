"""The routes as a whole: tiers, the document, errors."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from sectorwatch.errors import DatabaseAwayError, QueryTooLongError
from sectorwatch.web import create_fastapi
from sectorwatch.web.access import Tier
from sectorwatch.web.app import create_app
from sectorwatch.web.lanes import lanes
from sectorwatch.web.openapi import tier_of, undocumented_fields
from web.system import operator

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sectorwatch.runtime import Application
    from web.system import Client, System

STAFF = {"/api/flights/{callsign}/track", "/api/flights/{callsign}/stats"}
OPERATOR = {
    "/api/services/status",
    "/api/services/{name}/status",
    "/api/services/{name}/restart",
    "/api/events/analytics",
    "/api/errors/analytics",
    "/api/errors/circuit-breakers",
    "/api/database/status",
    "/metrics",
}
# How it watches itself is the operators' all of it.
OPERATORS = ("/api/monitoring/", "/api/performance/", "/api/logging/")
ALERTS = {
    "/api/monitoring/alerts/{id}/acknowledge",
    "/api/monitoring/alerts/{id}/resolve",
    "/api/monitoring/silences",
}


def test_every_route_belongs_to_its_tier(system: System) -> None:
    """No route is without one; what tells of members is for staff, of the system for operators."""
    tiers: dict[Tier | None, set[str]] = defaultdict(set)
    for route in create_fastapi(system.application).routes:
        assert isinstance(route, APIRoute), f"{route} is held to nothing"
        # What changes alerts takes a key for that, what only reads them another.
        tiers[tier_of(route)].add(route.path_format)
    assert None not in tiers
    assert tiers[Tier.STAFF] == STAFF
    assert tiers[Tier.ALERTS] == ALERTS
    watching = {path for path in tiers[Tier.OPERATOR] if path.startswith(OPERATORS)}
    assert tiers[Tier.OPERATOR] - watching == OPERATOR
    assert not any(path.startswith(OPERATORS) for path in tiers[Tier.PUBLIC] | tiers[Tier.STAFF])


def test_a_fast_lane_belongs_to_the_tier_of_its_route(system: System) -> None:
    """The way round the framework is no way round the gate."""
    app = create_fastapi(system.application)
    tiers = {r.path_format: tier_of(r) for r in app.routes if isinstance(r, APIRoute)}
    found = lanes(system.application, hot=app.state.hot, books=app.state.flights)
    assert {lane.path: lane.tier for lane in found} == {
        path: tiers[path]
        for path in ("/api/flights", "/api/sectors", "/api/controllers", "/api/atc-positions")
    }


def test_the_document_leaves_nothing_undescribed(system: System) -> None:
    """Every field of every answer, every parameter and every operation says what it is."""
    document = create_fastapi(system.application).openapi()
    assert list(undocumented_fields(document)) == []
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert {"200", "401", "403", "422", "500", "503"} <= set(operation["responses"]), path
            assert operation["x-tier"] in {each.value for each in Tier}
            for response in operation["responses"].values():
                assert "X-Correlation-ID" in response["headers"]


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/api/flights", {"application/json"}),
        ("/api/flights/{callsign}/track", {"application/json", "application/geo+json"}),
        ("/api/events/stream", {"text/event-stream"}),
        ("/metrics", {"text/plain; version=0.0.4; charset=utf-8"}),
        ("/docs", {"text/html; charset=utf-8"}),
    ],
)
def test_only_what_a_route_answers_is_documented(
    system: System, path: str, kinds: set[str]
) -> None:
    """A stream and a page are no JSON."""
    document = create_fastapi(system.application).openapi()
    assert set(document["paths"][path]["get"]["responses"]["200"]["content"]) == kinds


def test_what_changes_state_is_documented_as_needing_a_key(system: System) -> None:
    """A GET may be open; a POST never is."""
    document = create_fastapi(system.application).openapi()
    restart = document["paths"]["/api/services/{name}/restart"]["post"]
    assert restart["security"] == [{"key": []}]
    assert document["paths"]["/api/status"]["get"]["security"] == [{}, {"key": []}]


def test_a_description_that_is_missing_is_found() -> None:
    """The check is no formality: a bare field, answer, operation or parameter is named."""
    document = {
        "paths": {"/a": {"get": {"parameters": [{"name": "p"}], "responses": {}}}},
        "components": {
            "schemas": {
                "A": {"description": "An answer.", "properties": {"x": {"type": "string"}}},
                "B": {"properties": {"a": {"$ref": "#/components/schemas/A"}}},
                "C": {
                    "description": "A list.",
                    "properties": {"all": {"type": "array", "items": {"$ref": "#/x/A"}}},
                },
            }
        },
    }
    assert list(undocumented_fields(document)) == ["A.x", "B", "GET /a", "GET /a p"]


def problem(client: Client, path: str, status: int, method: str = "GET") -> dict[str, Any]:
    """Ask for something wrong, and hold the answer to what every problem is."""
    answer = client.ask(method, path, operator())
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert told["correlation_id"] == answer.headers["x-correlation-id"]
    return told


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/api/sectors/YSSX_CTR", "YSSY_CTR"),
        ("/api/sectors/yssy_ct/occupancy", "YSSY_CTR"),
        ("/api/sectors/YSSY_CTRR/flights", "YSSY_CTR"),
        ("/api/flights?sector=YMML_FI", "YMML_FIR"),
        ("/api/airports/YSSZ/movements", "YSSY"),
        ("/api/airports/YSSZ/outlook", "YSSY"),
        ("/api/traffic/trends/YMMLX", "YMML"),
        ("/api/services/databse/status", "maintenance"),
        ("/api/flihgts", "/api/flights"),
        ("/api/flights/", "/api/flights"),
    ],
)
def test_a_name_nobody_has_names_the_nearest(client: Client, path: str, nearest: str) -> None:
    """A typing error costs one look, not a search."""
    told = problem(client, path, 404)
    if nearest != "maintenance":
        assert nearest in told["nearest"]
        assert nearest in told["detail"]
    assert told["nearest"]


def test_a_callsign_nobody_has_names_the_nearest(client: Client) -> None:
    """Of those online now."""
    callsign = client.get("/api/flights").json()["flights"][0]["callsign"]
    told = problem(client, f"/api/flights/{callsign}X", 404)
    assert callsign in told["nearest"]


def test_a_sector_is_not_in_another_partition(client: Client) -> None:
    """Who asks for the right name in the wrong place is told the right place."""
    told = problem(client, "/api/sectors/YMML_FIR?partition=made:enroute", 404)
    assert "made:fir" in told["detail"]
    assert client.get("/api/sectors/YMML_FIR?partition=made:fir").status == 200


def test_another_method_is_told_which_there_are(client: Client) -> None:
    """405 with Allow; what is only changed is not read."""
    assert "GET" in problem(client, "/api/status", 405, "DELETE")["detail"]
    answer = client.ask("PUT", "/api/flights", operator())
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    answer = client.ask("GET", "/api/services/collector/restart", operator())
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/api/flights?limit=0", {"limit"}),
        ("/api/flights?limit=many&offset=-1&callsign=", {"limit", "offset", "callsign"}),
        (f"/api/flights?airport={'Y' * 9}", {"airport"}),
        ("/api/sectors?kind=tower&staffed=perhaps", {"kind", "staffed"}),
        ("/api/controllers?facility=-1", {"facility"}),
        ("/api/traffic/summary?hours=0", {"hours"}),
        ("/api/traffic/trends/YSSY?hours=1000", {"hours"}),
        ("/api/airports/YSSY/movements?kind=landing", {"kind"}),
        (f"/api/airports/{'Y' * 9}/movements", {"icao"}),
        (f"/api/flights/{'Q' * 41}", {"callsign"}),
        ("/api/errors/analytics?hours=0", {"hours"}),
    ],
)
def test_each_wrong_parameter_is_named(client: Client, path: str, wrong: set[str]) -> None:
    """With what was sent and what is wrong with it, all at once."""
    told = problem(client, path, 422)
    assert {error["parameter"] for error in told["errors"]} == wrong
    assert all(error["message"] for error in told["errors"])
    for name in wrong:
        assert name in told["detail"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/sectors/YMML_FIR/occupancy?from=yesterday", "from='yesterday'"),
        ("/api/sectors/YMML_FIR/occupancy?from=-1h&to=-2h", "earlier 'from'"),
        ("/api/sectors/YMML_FIR/occupancy?from=-60d", "shorter periods"),
        ("/api/airports/YSSY/movements?to=9999-01-01T00:00:00Z", "no time"),
        ("/api/events/stream?topics=ticks", "tick, alert"),
        ("/api/events/stream?topics=,", "none"),
    ],
)
def test_what_cannot_be_understood_says_what_can(client: Client, path: str, word: str) -> None:
    """A period or a topic that makes no sense is answered with what would."""
    assert word in problem(client, path, 422)["detail"]


def test_an_error_of_ours_tells_nothing_of_itself(system: System) -> None:
    """500 says that and the id; what it was stands in the log, under that id."""

    def broken(application: Application) -> ASGIApp:
        application.__dict__["sector_names"] = None
        return create_app(application)

    log = system.application.telemetry.log
    with system.served_as(factory=broken) as client:
        callsign = client.get("/api/flights").json()["flights"][0]["callsign"]
        told = problem(client, f"/api/flights/{callsign}", 500)
        assert "NoneType" not in str(told)
        asked = told["correlation_id"]
        # The answer is out before the line is written.
        system.wait_for(lambda: len(log.search(correlation_id=asked)) == 2)
        (line,) = [each for each in log.search(correlation_id=asked) if "exception" in each]
        assert "NoneType" in line["exception"]["message"]
        assert line["route"] == "/api/flights/{callsign}"
        recent = log.get_error_analytics(1, "api")["recent"][0]
        assert recent["correlation_id"] == told["correlation_id"]
        assert client.get("/livez").status == 200


class Standing:
    """A store that is there, and of which one part does something else."""

    def __init__(self, store: Any, **parts: Any) -> None:
        self._store = store
        self._parts = parts

    def ask(self) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return self._parts.get(name) or getattr(self._store, name)


def test_a_question_that_takes_too_long_says_what_to_ask_instead(system: System) -> None:
    """503, not an error of ours, and not for ever."""

    def history(*_: object) -> None:
        raise QueryTooLongError("this takes more than 10 s: ask for a shorter period")

    def slow(application: Application) -> ASGIApp:
        store = application.store.ask()
        application.store = Standing(store, network=SimpleNamespace(history=history))  # type: ignore[assignment]
        return create_app(application)

    with system.served_as(factory=slow) as client:
        assert "shorter period" in problem(client, "/api/network/status", 503)["detail"]


def test_a_flight_of_which_nothing_is_kept_yet_says_so(system: System) -> None:
    """Seen in the feed, committed in a moment: 404 for its track and figures until then."""

    def early(application: Application) -> ASGIApp:
        store, tracks = application.store.ask(), SimpleNamespace(track=lambda _: None)
        application.store = Standing(store, tracks=tracks)  # type: ignore[assignment]
        return create_app(application)

    with system.served_as(factory=early) as client:
        callsign = client.get("/api/flights").json()["flights"][0]["callsign"]
        for what in ("track", "stats"):
            told = problem(client, f"/api/flights/{callsign}/{what}", 404)
            assert "nothing is kept yet" in told["detail"]


def test_any_other_error_of_the_framework_is_a_problem_too(system: System) -> None:
    """Its status and words, in the form that all errors have."""

    def with_teapot(application: Application) -> ASGIApp:
        app = create_app(application)

        async def teapot() -> None:
            raise HTTPException(418, "short and stout", headers={"X-Spout": "1"})

        app._app._app.add_api_route("/teapot", teapot)  # type: ignore[attr-defined]
        return app

    with system.served_as(factory=with_teapot) as client:
        assert problem(client, "/teapot", 418)["detail"] == "short and stout"
        assert client.get("/teapot").headers["x-spout"] == "1"


def test_a_database_that_is_away_is_a_503(system: System) -> None:
    """What needs it says so and when to try again; what does not goes on; keys cannot be read."""

    class Away:
        def ask(self) -> None:
            raise DatabaseAwayError("it was taken away for this test")

    def without(application: Application) -> ASGIApp:
        application.store = Away()  # type: ignore[assignment]
        application.keys._stores = application.store
        return create_app(application)

    keys = system.application.keys
    try:
        with system.served_as(factory=without) as client:
            for path in ("/api/network/status", "/api/sectors/YMML_FIR/occupancy"):
                told = problem(client, path, 503)
                assert "taken away for this test" in told["detail"]
                assert client.get(path).headers["retry-after"] == "5"
            for path in ("/api/flights", "/api/sectors", "/api/status", "/livez"):
                assert client.get(path).status == 200
            status = client.get("/api/database/status").json()
            assert status["status"] == "unhealthy"
            assert "taken away" in status["away"]
            assert (
                client.ask(
                    "POST", "/api/services/store/restart", {"Authorization": "Bearer sw_some_key"}
                ).status
                == 503
            )
    finally:
        keys._stores = system.application.store


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/traffic/summary?at=2026-11-01T09:00:00Z", "'at' is no parameter here"),
        ("/api/flights?sectr=YSSY_CTR", "did you mean 'sector'"),
        ("/api/sectors/YSSY_CTR?x=1", "partition"),
        ("/api/status?a=b", "takes no parameters"),
        ("/api/events/stream?topic=tick", "did you mean 'topics'"),
    ],
)
def test_a_parameter_that_is_none_is_refused_not_ignored(
    client: Client, path: str, said: str
) -> None:
    """Nobody takes everything for what a misspelt filter asks, or now for another moment."""
    answer = client.get(path)
    assert answer.status == 422
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/ml/predictions?hours_ahead=1&hours_ahead=2",
        "/api/ml/predictions?sector_name=YSSY_CTR&sector_name=YSSY_CTR",
        "/api/ml/outlook?limit=1&limit=2",
        "/api/ml/anomalies?limit=5&limit=5",
        "/api/ml/patterns?limit=5&limit=5",
        "/api/ml/accuracy?days=2&days=3",
        "/api/flights?airport=YSSY&airport=YMML",
        "/api/sectors?at=2026-11-01T09:00:00Z&at=",
        "/api/airports/YSSY/movements?from=1&from=2&from=3",
        "/api/monitoring/metrics/ticks_total?hours=1&hours=2",
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(client: Client, path: str) -> None:
    """In words and by name: answered for the last of its values, nobody would notice."""
    told = problem(client, path, 422)
    _, _, query = path.partition("?")
    name, count = query.partition("=")[0], query.count("&") + 1
    assert f"{name!r} is given {count} times: give it once." in told["detail"]
    [wrong] = told["errors"]
    assert wrong["parameter"] == name
    assert wrong["message"] == f"given {count} times, and taken once"


def test_what_is_taken_several_times_may_be_given_so(client: Client) -> None:
    """As the page of the API says of it."""
    path = "/api/monitoring/metrics/api_requests_refused_total?tag=reason=no_key&tag=a=b"
    answer = client.ask("GET", path, operator())
    assert answer.status == 200
