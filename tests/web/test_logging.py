"""The log over HTTP: figures, entries, and traces of a request and of a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sectorwatch.observe import LogCategory, LogCorrelationContext, LogLevel, trace_id_of
from web.streaming import streaming
from web.system import OPERATOR_KEY, System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An instance that logs as in production."""
    running = System.start(
        tmp_path_factory.mktemp("told") / "data", log_level="INFO", log_report_s=0.5
    )
    try:
        running.catch_up()
        yield running
    finally:
        running.stop()


def test_analytics_have_the_fields_of_the_specification(told: System) -> None:
    """Names and types are those that were promised; sums agree."""
    answer = told.client.get("/api/logging/analytics").json()
    assert list(answer) == [
        "service",
        "hours",
        "total_entries",
        "entries_by_level",
        "entries_by_category",
        "error_rate",
        "average_performance",
        "performance_entries_count",
    ]
    assert (answer["service"], answer["hours"]) == ("global", 24)
    assert answer["total_entries"] == sum(answer["entries_by_level"].values())
    assert answer["total_entries"] == sum(answer["entries_by_category"].values())
    assert set(answer["entries_by_level"]) <= set(LogLevel)
    assert set(answer["entries_by_category"]) <= {category.value for category in LogCategory}
    errors = answer["entries_by_level"].get("ERROR", 0)
    assert answer["error_rate"] == pytest.approx(errors / answer["total_entries"])
    assert answer["performance_entries_count"] > 0
    assert 0 < answer["average_performance"] < 1


def test_all_nine_categories_have_entries_of_production_code(told: System) -> None:
    """Shortly after the start, and each can be read; nothing in them was made for this."""

    def categories() -> dict[str, int]:
        found: dict[str, int] = told.client.get("/api/logging/analytics").json()[
            "entries_by_category"
        ]
        return found

    told.wait_for(lambda: set(categories()) == {category.value for category in LogCategory})
    for category in LogCategory:
        url = f"/api/logging/entries?category={category}&limit=1000"
        found = told.client.get(url).json()["entries"]
        assert found, category
        assert {entry["category"] for entry in found} == {category}


def test_the_log_is_streamed_as_it_is_written(told: System) -> None:
    """INFO and graver, as they were written; who listens to ticks hears none of it."""
    log = told.application.telemetry.for_service("store").log
    with streaming(told.client, "?topics=log") as stream, LogCorrelationContext("streamed"):
        log.warning("watch_this", number=7)
        log.debug("not_this")
        found: list[dict[str, Any]] = []
        while not found:
            topic, event = stream.event()
            assert topic == "log"
            entries: Any = event["entries"]
            assert all(entry["level"] != "DEBUG" for entry in entries)
            found = [entry for entry in entries if entry["operation"] == "watch_this"]
    assert found[0]["number"] == 7
    assert found[0]["correlation_id"] == "streamed"


def test_keys_that_are_shown_are_told_of(told: System) -> None:
    """By their public part alone: each once an hour, wrong ones in few lines, however many come."""
    client = told.client
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    wrong = "sw_0123456789ab_" + "Z" * 43
    for key in (wrong, wrong, "nonsense", OPERATOR_KEY, OPERATOR_KEY):
        client.ask("GET", "/api/status", {**proxied, "Authorization": f"Bearer {key}"})
    found = client.get("/api/logging/entries?category=security&limit=1000")
    told_of = {
        name: [entry for entry in found.json()["entries"] if entry["operation"] == name]
        for name in ("use_key", "refuse_key")
    }
    assert [entry["key_id"] for entry in told_of["use_key"]] == ["operator_key of the settings"]
    (refused,) = told_of["refuse_key"]
    assert (refused["level"], refused["key_id"], refused["times"]) == (
        "WARNING",
        "sw_0123456789ab",
        1,
    )
    assert b"ZZZZ" not in found.body
    assert OPERATOR_KEY.encode() not in found.body
    keys = told.application.keys
    assert keys.refused >= 3
    assert keys.accepted >= 2


def test_analytics_of_a_service(told: System) -> None:
    """Of one alone; one that has logged nothing yet has zeros, one that nobody knows is a 404."""
    client = told.client
    one = client.get("/api/logging/analytics?service=collector&hours=1").json()
    everything = client.get("/api/logging/analytics").json()
    assert (one["service"], one["hours"]) == ("collector", 1)
    assert 0 < one["total_entries"] < everything["total_entries"]
    assert client.get("/api/logging/analytics?service=logging").status == 200
    by_its_old_name = client.get("/api/logging/analytics?service=data_service&hours=1").json()
    assert by_its_old_name["service"] == "collector"
    wrong = client.get("/api/logging/analytics?service=colector")
    assert wrong.status == 404
    assert wrong.json()["nearest"][0] == "collector"
    assert client.get("/api/logging/analytics?hours=0").status == 422


def test_entries_are_searched_and_paged(told: System) -> None:
    """Newest first, filtered by what is asked, the next page in the Link header."""
    log = told.application.telemetry.for_service("store").log
    with LogCorrelationContext("of-these"):
        for number in range(5):
            log.log_operation(
                "told", LogLevel.WARNING, LogCategory.DATABASE, number=number, said="Ünder & way"
            )
    client = told.client
    url: str | None = "/api/logging/entries?correlation_id=of-these&level=warning&limit=2"
    pages = []
    while url is not None:
        answer = client.get(url)
        pages.append([entry["number"] for entry in answer.json()["entries"]])
        link = answer.headers.get("link")
        url = None if link is None else link.partition("<")[2].partition(">")[0]
    assert pages == [[4, 3], [2, 1], [0]]
    for query, n in {
        "q=%C3%9Cnder%20%26": 5,
        "q=told&service=store&category=database&operation=told": 5,
        "q=told&level=ERROR": 0,
        "q=told&since=-1h": 5,
        "q=told&since=2100-01-01T00:00:00Z": 0,
        "q=told&until=-1h": 0,
        "q=.*": 0,
    }.items():
        found = client.get(f"/api/logging/entries?correlation_id=of-these&{query}").json()
        assert (query, len(found["entries"])) == (query, n)
        assert found["complete"]
    everything = client.get("/api/logging/entries").json()
    assert 5 < len(everything["entries"]) <= everything["kept"]
    assert everything["oldest"] <= everything["entries"][-1]["timestamp"]


@pytest.mark.parametrize(
    "query",
    ["level=LOUD", "since=yesterday", "cursor=7", "category=none", "limit=0", "q=" + "x" * 201],
)
def test_what_cannot_be_looked_for_is_said(client: Client, query: str) -> None:
    """422, and what was wrong."""
    answer = client.get(f"/api/logging/entries?{query}")
    assert answer.status == 422
    assert query.partition("=")[0] in answer.json()["detail"]


def test_a_request_is_a_tree_of_what_was_done_for_it(told: System) -> None:
    """Its root is the route with its status; what was logged stands where it was written."""
    client = told.client
    client.get("/api/flights?limit=1", x_correlation_id="one-request")
    assert client.get("/api/sectors/nowhere", x_correlation_id="one-404").status == 404
    trace = traced(told, "one-request")
    (root,) = trace["spans"]
    assert (root["service"], root["operation"]) == ("api", "GET /api/flights")
    assert root["attributes"] == {"status": 200, "path": "/api/flights"}
    assert root["status"] == "ok"
    assert trace["missing"] == []
    assert trace["total_ms"] == root["duration_ms"] > 0
    client.get("/api/airports/YSSY/movements", x_correlation_id="one-question")
    asked = flat(traced(told, "one-question")["spans"])
    movements = next(each for name, each in asked.items() if name.startswith("sqlite:select"))
    assert movements["attributes"]["sql"].lower().startswith("select")
    # Also by the id that a request of ours would have carried to somebody else.
    sent_as = client.get(f"/api/logging/trace/{trace_id_of('one-request')}").json()
    assert sent_as["correlation_id"] == "one-request"
    missed = traced(told, "one-404")["spans"][0]
    assert (missed["attributes"]["status"], missed["status"]) == (404, "ok")


def traced(told: System, correlation_id: str) -> dict[str, Any]:
    """A request's trace; it is whole once the answer has left, which may be read before that."""

    def asked() -> dict[str, Any]:
        found: dict[str, Any] = told.client.get(f"/api/logging/trace/{correlation_id}").json()
        return found

    def is_whole() -> bool:
        return any(span["operation"].startswith("GET /") for span in asked().get("spans", ()))

    told.wait_for(is_whole)
    return asked()


def flat(spans: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every stage by "service:operation"."""
    found = {}
    for span in spans:
        found[f"{span['service']}:{span['operation']}"] = span
        found |= flat(span["children"])
    return found


def test_a_tick_is_a_tree_across_services(told: System) -> None:
    """Accepted, journalled in another thread, decoded, advanced, committed, told to who listens."""
    told.tick()
    client = told.client

    def last() -> str:
        traces = client.get("/api/logging/traces?service=collector&operation=tick&limit=1").json()
        return str(traces["traces"][0]["correlation_id"])

    told.wait_for(lambda: b"handle_tick" in client.get(f"/api/logging/trace/{last()}").body)
    trace = client.get(f"/api/logging/trace/{last()}").json()
    assert {"bus", "collector", "journal", "store", "tracker"} <= set(trace["services"])
    (root,) = trace["spans"]
    assert (root["service"], root["operation"]) == ("collector", "tick")
    stages = flat([root])
    for name in (
        "collector:accept",
        "journal:journal_append",
        "collector:decode",
        "tracker:advance",
        "store:commit",
        "bus:handle_tick",
    ):
        assert name in stages, name
        assert stages[name]["offset_ms"] >= 0
    # One after the other, but for the journal, which is written while the rest is decoded.
    assert stages["collector:accept"]["offset_ms"] < stages["collector:decode"]["offset_ms"]
    assert stages["tracker:advance"]["offset_ms"] < stages["store:commit"]["offset_ms"]
    spent = sum(stage["critical_ms"] for stage in stages.values())
    assert spent <= trace["total_ms"] + 0.1
    assert trace["critical"]["critical_ms"] == max(s["critical_ms"] for s in stages.values())
    assert root["self_ms"] < root["duration_ms"]
    assert trace["missing"] == []


def test_an_id_that_nobody_has_names_those_that_are_there(told: System) -> None:
    """404 with ids that begin alike, else the latest."""
    client = told.client
    client.get("/livez", x_correlation_id="abcd-long-id")
    traced(told, "abcd-long-id")
    wrong = client.get("/api/logging/trace/abcd-lo")
    assert wrong.status == 404
    assert wrong.json()["nearest"] == ["abcd-long-id"]
    assert len(client.get("/api/logging/trace/zzzz").json()["nearest"]) == 5


def test_entries_of_before_a_restart_are_found(tmp_path: Any) -> None:
    """A new instance on the same directory takes up the end of the log's files."""
    for run in (1, 2):
        running = System.start(tmp_path / "data", is_empty=True, log_level="INFO")
        try:
            with LogCorrelationContext("over-restarts"):
                running.application.telemetry.log.info("said", run=run)
            found = running.client.get("/api/logging/entries?correlation_id=over-restarts").json()
            assert [entry["run"] for entry in found["entries"]] == list(range(run, 0, -1))
            trace = running.client.get("/api/logging/trace/over-restarts").json()
            assert trace["spans"] == []
            assert "every span" in trace["missing"][0]
        finally:
            running.stop()
