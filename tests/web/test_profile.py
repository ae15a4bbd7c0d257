from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from sectorwatch.web.app import SLOW_REQUEST_S
from web.schema import operation_of, problems, schema_of
from web.system import operator

if TYPE_CHECKING:
    from web.system import Answer, Client, System

PATH = "/api/performance/profile"


def held(answer: Answer, client: Client, method: str) -> Any:
    """The answer as JSON, held to its schema."""
    document = client.get("/openapi.json").json()
    _, operation = operation_of(document, method, PATH)
    schema = schema_of(operation, 200, "application/json")
    assert list(problems(answer.json(), schema, document, PATH)) == []
    return answer.json()


def test_a_profile_is_taken_for_who_may(client: Client) -> None:
    """It says what the processor was spent on, and is kept; folded it is text."""
    assert client.ask("POST", f"{PATH}?seconds=1").status == 401
    taken = client.ask("POST", f"{PATH}?seconds=1", operator())
    assert taken.status == 200, taken.body
    profile = held(taken, client, "POST")
    assert profile["trigger"] == "asked"
    assert profile["samples"] > 5
    everything = held(client.get(PATH), client, "GET")
    assert everything["profiles"][0] == profile
    assert everything["memory"]["state"] == "none"
    assert everything["loop"]["blocked_now"] is None
    folded = client.get(f"{PATH}?format=folded&number={profile['number']}")
    assert folded.headers["content-type"].startswith("text/plain")
    assert all(re.fullmatch(r".+ \d+", line) for line in folded.body.decode().splitlines())


def test_a_profile_that_takes_as_long_as_it_was_asked_to_is_no_slow_request(
    client: Client, system: System
) -> None:
    """What it took beyond counts alone, for its metric and for the line that a slow one has."""
    telemetry = system.application.telemetry
    tags = {"method": "POST", "route": PATH, "status": "200"}

    def summary() -> dict[str, Any]:
        telemetry.metrics.fold()
        return telemetry.metrics.get_metric_summary("api_request_duration_seconds", 1, tags)

    before = summary()["count"]
    headers = {**operator(), "X-Correlation-ID": "a-long-profile"}
    begun_s = time.perf_counter()
    assert client.ask("POST", f"{PATH}?seconds=1.5", headers).status == 200
    system.wait_for(lambda: summary()["count"] == before + 1)
    passed_s = time.perf_counter() - begun_s
    beyond_s = summary()["latest"]
    assert 0 < beyond_s < passed_s - 1.5
    # How long that is depends on the machine: over a second it is slow, and then that is said.
    lines = telemetry.log.search(correlation_id="a-long-profile")
    slow = [each for each in lines if each["level"] == "WARNING"]
    assert bool(slow) is (beyond_s >= SLOW_REQUEST_S)


def test_there_is_one_profile_at_a_time(client: Client, system: System) -> None:
    """Who comes second is told to come again."""
    profiler = system.application.telemetry.profiler
    with profiler._taking:
        busy = client.ask("POST", f"{PATH}?seconds=1", operator())
    assert busy.status == 409
    assert busy.headers["retry-after"] == "5"
    assert "ask again" in busy.json()["detail"]


def test_what_is_out_of_bounds_is_refused(client: Client) -> None:
    """A profile of an hour, one that nobody took."""
    for seconds in ("0", "31", "nan", "x"):
        assert client.ask("POST", f"{PATH}?seconds={seconds}", operator()).status == 422
    missing = client.get(f"{PATH}?format=folded&number=999999")
    assert missing.status == 404
    assert "999999" in missing.json()["detail"]
