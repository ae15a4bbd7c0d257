"""Metrics, health, alerts, silences and rules over real HTTP, from a real instance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.observe import AlertSeverity, AlertType
from sectorwatch.web.present import monitoring as present
from web.streaming import streaming
from web.system import operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.observe import Alert, AlertManager
    from web.system import Answer, Client, System


@pytest.fixture
def manager(system: System) -> Iterator[AlertManager]:
    """The instance's alerts; what a test opened is ended after it."""
    found = system.application.telemetry.alerts
    before = {alert.id for alert in found.get_active_alerts()}
    yield found
    for alert in found.get_active_alerts():
        if alert.id not in before:
            found.resolve_alert(alert.id)
    for silence in found.silences():
        found.end_silence(silence.id)


@pytest.fixture
def alert(manager: AlertManager) -> Alert:
    """An alert that a program raised."""
    return manager.create_alert(
        AlertType.SERVICE_DOWN, AlertSeverity.HIGH, "the tests are down", "tests", {"since": 3}
    )


def send(client: Client, method: str, path: str, body: Any = None) -> Answer:
    """Ask for a change, with a key."""
    content = b"" if body is None else json.dumps(body).encode()
    return client.ask(method, path, operator(), content)


def test_metrics_are_counted_and_named(system: System, client: Client) -> None:
    """The specification's three numbers, and every metric with its newest value."""
    telemetry = system.application.telemetry
    before = len(telemetry.alerts.get_active_alerts())
    said = client.get("/api/monitoring/metrics").json()
    after = len(telemetry.alerts.get_active_alerts())
    names = [one["name"] for one in said["metrics"]]
    # One that is new between the list and the count is in the count alone.
    assert len(set(names)) == len(names) <= said["metrics_count"] <= len(names) + 3
    assert said["health_checks"] == len(system.application.supervisor.order)
    # The instance's own may begin and end at any time.
    assert min(before, after) <= said["active_alerts"] <= max(before, after)
    (age,) = [one for one in said["metrics"] if one["name"] == "feed_age_seconds"]
    assert age["kind"] == "gauge"
    assert age["latest"] is not None
    assert age["latest_time"].endswith("Z")


def test_a_metric_over_time_agrees_with_what_was_recorded(system: System, client: Client) -> None:
    """Raw, in steps, by tag; the summary is of the same values."""
    metrics = system.application.telemetry.metrics
    for n in range(40):
        metrics.record_metric("asked_by_test", n, {"half": "left" if n < 10 else "right"}, "bytes")
    raw = client.get("/api/monitoring/metrics/asked_by_test?hours=1&step=0").json()
    assert raw["unit"] == "bytes"
    assert raw["summary"]["count"] == 40
    assert [len(one["points"]) for one in raw["series"]] == [30, 10]
    assert sorted(p["avg"] for one in raw["series"] for p in one["points"]) == list(range(40))
    stepped = client.get("/api/monitoring/metrics/asked_by_test?tag=half=left").json()
    assert stepped["step_s"] == 240
    [left] = stepped["series"]
    assert left["tags"] == {"half": "left"}
    assert sum(point["count"] for point in left["points"]) == 10
    assert min(point["min"] for point in left["points"]) == 0
    assert max(point["max"] for point in left["points"]) == 9


def test_an_answer_about_a_metric_has_an_end(
    system: System, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred series of thousands of points would be tens of megabytes; what is left out counts."""
    metrics = system.application.telemetry.metrics
    for n in range(40):
        metrics.record_metric("asked_at_length", n, {"part": str(n % 4 and 1)})
    monkeypatch.setattr(present, "_MOST_TOGETHER", 35)
    said = client.get("/api/monitoring/metrics/asked_at_length?hours=1&step=0").json()
    assert [len(one["points"]) for one in said["series"]] == [30]
    assert said["series_left_out"] == 1
    assert said["summary"]["count"] == 40
    monkeypatch.setattr(present, "_MOST_TOGETHER", 5)
    alone = client.get("/api/monitoring/metrics/asked_at_length?hours=1&step=0").json()
    assert len(alone["series"]) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("step=60&hours=720", "ask for longer steps"),
        ("step=-1", "greater than or equal"),
        ("hours=0", "greater than 0"),
        ("hours=1e9", "less than or equal"),
        ("tag=half", "NAME=VALUE"),
        ("steps=60", "did you mean 'step'"),
    ],
)
def test_a_question_about_a_metric_that_is_wrong_says_what_to_do(
    client: Client, query: str, words: str
) -> None:
    """422 with the value and what would be right."""
    answer = client.get(f"/api/monitoring/metrics/feed_age_seconds?{query}")
    assert answer.status == 422
    assert words in answer.json()["detail"]


def test_a_metric_nobody_records_names_the_nearest(client: Client) -> None:
    """404, as for every name."""
    answer = client.get("/api/monitoring/metrics/feed_age_second")
    assert answer.status == 404
    assert "feed_age_seconds" in answer.json()["nearest"]


def test_health_of_all_services_with_what_stands_on_what(system: System, client: Client) -> None:
    """Each service once, in the order they start; who is affected follows from the graph."""
    system.call(system.application.telemetry.health.check_all_services())
    said = client.get("/api/monitoring/health").json()
    services = {one["service"]: one for one in said["services"]}
    assert list(services) == list(system.application.supervisor.order)
    assert "collector" in services["store"]["affects"]
    assert "store" in services["collector"]["depends_on"]
    assert said["graph"].keys() >= services.keys()
    worst = {one["status"] for one in said["services"]}
    assert said["status"] in worst


def test_health_of_one_service_has_its_past(system: System, client: Client) -> None:
    """The specification's fields, then since when it is as it is; data_service is the collector."""
    found = system.call(system.application.telemetry.health.check_all_services())["store"]
    said = client.get("/api/monitoring/health/store").json()
    assert (said["service"], said["status"]) == ("store", "healthy")
    # An earlier check may have taken too long on a machine that is busy.
    assert said["error_count"] == found.error_count
    assert said["response_time"] >= 0
    assert said["changes"][-1]["status"] == "healthy"
    assert (said["availability"] == 1.0) is (found.error_count == 0)
    assert client.get("/api/monitoring/health/data_service").json()["service"] == "collector"
    missing = client.get("/api/monitoring/health/stor")
    assert missing.status == 404
    assert "store" in missing.json()["nearest"]


def test_an_alert_is_listed_acknowledged_and_resolved(client: Client, alert: Alert) -> None:
    """From raised to ended, each step by the API; afterwards it is in the history alone."""
    [shown] = client.get("/api/monitoring/alerts?service=tests").json()
    assert (shown["id"], shown["type"], shown["severity"]) == (alert.id, "service_down", "high")
    assert (shown["state"], shown["metadata"]["since"]) == ("firing", 3)
    path = f"/api/monitoring/alerts/{alert.id}"
    assert client.ask("POST", f"{path}/acknowledge").status == 401
    said = send(client, "POST", f"{path}/acknowledge", {"author": "Ann", "note": "at it"}).json()
    assert (said["state"], said["acknowledged_by"]) == ("acknowledged", "Ann")
    assert said["note"] == "at it"
    [shown] = client.get("/api/monitoring/alerts?service=tests").json()
    assert shown["state"] == "acknowledged"
    assert send(client, "POST", f"{path}/resolve").json()["state"] == "resolved"
    assert client.get("/api/monitoring/alerts?service=tests").json() == []
    again = send(client, "POST", f"{path}/resolve")
    assert again.status == 409
    assert "resolved already" in again.json()["detail"]
    [past] = client.get(f"/api/monitoring/alerts/history?id={alert.id}").json()
    assert past["resolved_at"] is not None
    assert alert.id in {one["id"] for one in client.get("/api/monitoring/alerts/history").json()}


def test_an_alert_can_be_acknowledged_without_a_word(client: Client, alert: Alert) -> None:
    """No body is needed."""
    said = send(client, "POST", f"/api/monitoring/alerts/{alert.id}/acknowledge")
    assert said.json()["acknowledged_by"] == "somebody with a key"


def test_lists_of_alerts_have_pages(client: Client, manager: AlertManager) -> None:
    """The Link header leads through all of them, none twice, filters kept."""
    made = {
        manager.create_alert(
            AlertType.CPU_SPIKE, AlertSeverity.LOW, "busy", "tests", {"labels": {"n": str(n)}}
        ).id
        for n in range(5)
    }
    for path in ("/api/monitoring/alerts?type=cpu_spike&service=tests&limit=2",
                 "/api/monitoring/alerts/history?type=cpu_spike&service=tests&limit=2"):  # fmt: skip
        seen: list[str] = []
        following: str | None = path
        while following:
            answer = client.get(following)
            page = [one["id"] for one in answer.json()]
            assert len(page) <= 2
            seen += page
            link = answer.headers.get("link", "")
            following = link.partition("<")[2].partition(">")[0] or None
        assert len(seen) == len(set(seen))
        assert made <= set(seen)


def test_an_alert_that_is_not_there_is_told(client: Client) -> None:
    """404 with what to ask for."""
    for method, path in (
        ("POST", "/api/monitoring/alerts/alert_000000000000/acknowledge"),
        ("POST", "/api/monitoring/alerts/alert_000000000000/resolve"),
        ("GET", "/api/monitoring/alerts/history?id=alert_000000000000"),
        ("DELETE", "/api/monitoring/silences?id=none"),
    ):
        answer = send(client, method, path)
        assert answer.status == 404, path
        assert "GET /api/monitoring/" in answer.json()["detail"]


def test_a_silence_is_made_marks_its_alerts_and_ends(client: Client, alert: Alert) -> None:
    """The alert stays listed; the silence says which alerts are under it."""
    said = send(
        client,
        "POST",
        "/api/monitoring/silences",
        {
            "matchers": [{"name": "service", "value": "tests"}],
            "author": "Ann",
            "reason": "works on the line",
            "hours": 2,
        },
    )
    assert said.status == 200, said.body
    silence = said.json()
    assert silence["state"] == "active"
    assert alert.id in silence["alerts"]
    [shown] = client.get("/api/monitoring/alerts?service=tests").json()
    assert shown["silenced_by"] == [silence["id"]]
    assert silence["id"] in {one["id"] for one in client.get("/api/monitoring/silences").json()}
    ended = send(client, "DELETE", f"/api/monitoring/silences?id={silence['id']}").json()
    assert ended["state"] == "expired"
    assert client.get("/api/monitoring/silences").json() == []
    assert silence["id"] in {
        one["id"] for one in client.get("/api/monitoring/silences?expired=true").json()
    }
    [shown] = client.get("/api/monitoring/alerts?service=tests").json()
    assert shown["silenced_by"] == []


GOOD = {
    "matchers": [{"name": "service", "value": "tests"}],
    "author": "Ann",
    "reason": "why",
    "hours": 1,
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hours": None}, "either `ends_at` or `hours`"),
        ({"ends_at": "2025-08-06T21:00:00Z"}, "either `ends_at` or `hours`"),
        ({"hours": None, "ends_at": "2025-08-06T21:00:00Z"}, "is over already"),
        ({"hours": None, "ends_at": "soon"}, "write UTC"),
        ({"matchers": []}, "length >= 1"),
        ({"matchers": [{"name": "service", "value": "(", "operator": "=~"}]}, "cannot be silenced"),
        ({"matchers": [{"name": "service", "value": "x", "operator": "~"}]}, "operator"),
        ({"reason": ""}, "length >= 1"),
        ({"until": "noon"}, "unknown field `until`"),
        ({"author": "x" * 101}, "length <= 100"),
    ],
)
def test_a_silence_that_is_wrong_is_told(
    client: Client, manager: AlertManager, change: dict[str, Any], words: str
) -> None:
    """422 with what is wrong; nothing is silenced."""
    asked = {key: value for key, value in (GOOD | change).items() if value is not None}
    answer = send(client, "POST", "/api/monitoring/silences", asked)
    assert answer.status == 422, answer.body
    assert words in answer.json()["detail"]
    assert manager.silences() == []


def test_a_body_that_is_no_json_or_too_long_is_refused(client: Client) -> None:
    """Without a trace of it in the answer's status beyond 4xx."""
    path = "/api/monitoring/silences"
    assert client.ask("POST", path, operator(), b"{").status == 422
    assert client.ask("POST", path, operator(), b"[" * 20_000).status == 422
    assert client.ask("POST", path, operator(), b"\xff\xfe").status == 422
    assert client.ask("POST", path, operator(), b" " * 40_000).status == 413


def test_every_default_rule_is_listed(client: Client) -> None:
    """The eight types have a rule each that is on, with words and limits."""
    rules = client.get("/api/monitoring/rules").json()
    on = {rule["type"] for rule in rules if not rule["error"]}
    assert on == {kind.value for kind in AlertType}
    for rule in rules:
        assert rule["summary"], rule["name"]
        assert rule["advice"], rule["name"]


def test_alerts_metrics_and_health_are_streamed(
    system: System, client: Client, manager: AlertManager
) -> None:
    """To operators, as they change."""
    with streaming(client, "?topics=alert,metrics") as stream:
        made = manager.create_alert(
            AlertType.API_TIMEOUT, AlertSeverity.MEDIUM, "too long", "tests"
        )
        told: dict[str, dict[str, Any]] = {}
        system.application.bus.publish("metrics")
        while told.keys() != {"alert", "metrics"}:
            name, data = stream.event()
            # The instance may have alerts of its own: a machine that is slow, say.
            if name == "metrics" or data["id"] == made.id:
                told[name] = data
        assert told["alert"]["state"] == "firing"
        assert told["metrics"]["active_alerts"] >= 1
        assert "process_resident_memory" in told["metrics"]["values"]
        manager.resolve_alert(made.id)
        while (name, data.get("id")) != ("alert", made.id) or data["state"] == "firing":
            name, data = stream.event()
        assert data["state"] == "resolved"


def test_monitoring_is_for_operators(system: System) -> None:
    """Seen from elsewhere, each of it needs a key that opens it."""
    with system.served_as(base_url="https://example.org", public_read=True) as client:
        for path in ("metrics", "health", "alerts", "alerts/history", "silences", "rules"):
            assert client.get(f"/api/monitoring/{path}").status == 401
            assert client.ask("GET", f"/api/monitoring/{path}", operator()).status == 200
