"""From the start to the end of an instance, as its API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from asking import TRACED, filled
from sectorwatch.errors import ServiceError
from web.schema import operation_of, problems, schema_of
from web.streaming import streaming
from web.system import System, operator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An instance that nothing has come into yet."""
    running = System.start(
        tmp_path_factory.mktemp("young") / "data", is_empty=True, stop_timeout_s=50
    )
    try:
        yield running
    finally:
        if running.is_running:
            running.stop()


def test_before_the_first_feed_every_endpoint_answers(young: System) -> None:
    """With what is so: nothing; each answer still as its schema says, and /readyz says 503."""
    client = young.client
    document = client.get("/openapi.json", x_correlation_id=TRACED).json()
    for path, operations in document["paths"].items():
        if "get" not in operations or "{callsign}" in path or path.endswith("/stream"):
            continue
        asked = filled(path, callsign="", sector="YMML_FIR")
        answer = client.get(asked)
        if path == "/readyz":
            assert answer.status == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.json()["why"] == ["no snapshot has been taken in yet"]
            continue
        assert answer.status == 200, (asked, answer.body)
        if "json" in answer.headers["content-type"]:
            _, operation = operation_of(document, "GET", asked)
            schema = schema_of(operation, 200, "application/json")
            assert list(problems(answer.json(), schema, document, asked)) == []
    assert client.get("/api/flights").json() == {"snapshot_time": None, "total": 0, "flights": []}
    assert client.get("/api/flights?airport=YSSY").json()["total"] == 0
    assert client.get("/api/flights/QFA1").status == 404
    assert client.get("/api/vatsim/ratings").json()["source"] == "built_in"
    assert "no feed has come yet" in client.get("/api/status").json()["statement"]
    assert client.get("/api/sectors").json()["total"] > 10
    with streaming(client) as stream:
        assert stream.line() == "retry: 3000"


def feed(young: System) -> None:
    """Let the first feed through, where no other test of these has done so in this process."""
    if not young.seq:
        young.source.let_through()
        young.catch_up()


def test_after_the_first_feed_it_is_ready(young: System) -> None:
    """What was asked before the first tick is answered anew after it."""
    feed(young)
    assert young.client.get("/readyz").json() == {"status": "ready", "why": []}
    assert young.client.get("/api/flights").json()["total"] > 5
    assert young.client.get("/api/flights?airport=YSSY").json()["total"] > 0


def test_a_service_that_does_not_come_back_is_told(
    young: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with what went wrong."""

    async def fails(name: str) -> Any:
        raise ServiceError(f"service {name} did not start: made for this test")

    monkeypatch.setattr(young.application.supervisor, "restart", fails)
    answer = young.client.ask("POST", "/api/services/maintenance/restart", operator())
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert "made for this test" in answer.json()["detail"]


def test_the_api_itself_is_restarted_after_it_has_answered(young: System) -> None:
    """Who asks for it gets an answer, and then the API is another one, on streams too."""
    feed(young)
    client = young.client
    with streaming(client) as stream:
        stream.event()
        answer = client.ask("POST", "/api/services/api/restart", operator())
        assert answer.status == 200
        assert answer.json()["duration_s"] is None
        stream.response.read()
    young.wait_for(lambda: young.port not in {None, client.port})
    (service,) = young.application.supervisor.status("api")
    assert service.restarts == 1
    assert young.client.get("/api/flights").status == 200


def test_streams_do_not_hold_up_the_end(young: System) -> None:
    """An instance with streams open stops in time, and ends each of them in order."""
    client = young.client
    with streaming(client) as one, streaming(client, "?topics=health") as two:
        # It is open; whether anything happens by then depends on the moment.
        one.line()
        two.line()
        young.stop()
        assert not young.is_running
        assert [each.last_error for each in young.application.supervisor.status()] == [None] * len(
            young.application.supervisor.order
        )
        assert one.response.read() is not None
        assert b"stopping" in two.response.read()
    log = young.application.telemetry.log
    assert log.get_error_analytics(1, "global")["recent"] == []
