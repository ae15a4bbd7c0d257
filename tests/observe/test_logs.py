from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from observe.made import START_S, ManualClock, MemorySink
from sectorwatch.observe import (
    LogCategory,
    LogCorrelationContext,
    LogLevel,
    ObserveStore,
    StructuredLogger,
    correlation_id,
)

if TYPE_CHECKING:
    from pathlib import Path


def _logger(**settings: Any) -> tuple[StructuredLogger, MemorySink]:
    sink = MemorySink()
    settings.setdefault("clock", ManualClock())
    return StructuredLogger("collector", sinks=[sink], **settings), sink


def test_a_line_has_the_fields_of_the_contract_in_order() -> None:
    """Time, level, category, service, operation, correlation id, then the context."""
    log, sink = _logger()
    with LogCorrelationContext("tick-7"):
        log.log_operation("commit", LogLevel.WARNING, LogCategory.DATABASE, rows=12, why="slow")
    (line,) = sink.lines
    assert line == (
        b'{"timestamp":"2025-08-06T21:00:00.000000Z","level":"WARNING","category":"database",'
        b'"service":"collector","operation":"commit","correlation_id":"tick-7","rows":12,"why":"slow"}\n'
    )


def test_defaults_are_those_of_the_specification() -> None:
    """Without level and category it is INFO and `service`; outside a context there is no id."""
    log, sink = _logger()
    log.log_operation("start")
    (entry,) = sink.entries
    assert (entry["level"], entry["category"], entry["correlation_id"]) == ("INFO", "service", "")


def test_the_timestamp_follows_the_clock() -> None:
    """Each line has its own time to the microsecond, over the turn of seconds."""
    clock = ManualClock(START_S + 0.999999)
    log, sink = _logger(clock=clock)
    for _ in range(3):
        log.info("x")
        clock.advance(0.5)
    assert [entry["timestamp"] for entry in sink.entries] == [
        "2025-08-06T21:00:00.999999Z",
        "2025-08-06T21:00:01.499999Z",
        "2025-08-06T21:00:01.999999Z",
    ]


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ("development", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
        ("testing", ["WARNING", "ERROR", "CRITICAL"]),
        ("production", ["INFO", "WARNING", "ERROR", "CRITICAL"]),
    ],
)
def test_the_environment_sets_the_level(environment: str, written: list[str]) -> None:
    """What the environment leaves out is neither written nor counted."""
    log, sink = _logger(environment=environment)
    for method in (log.debug, log.info, log.warning, log.error, log.critical):
        method("x")
    assert [entry["level"] for entry in sink.entries] == written
    assert log.get_log_analytics()["total_entries"] == len(written)


def test_an_unknown_environment_is_refused_with_the_known_ones() -> None:
    """The error names what was given and what there is."""
    with pytest.raises(ValueError, match="'prod' is none of development, testing, production"):
        _logger(environment="prod")


def test_a_level_of_its_own_overrides_the_environment() -> None:
    """`level` alone decides where it is given."""
    log, sink = _logger(environment="development", level=LogLevel.ERROR)
    log.warning("x")
    log.error("y")
    assert [entry["operation"] for entry in sink.entries] == ["y"]


def test_services_share_sinks_counts_and_ring() -> None:
    """A logger for another service writes to the same place under its own name."""
    log, sink = _logger()
    log.info("a")
    log.for_service("store").info("b")
    log.for_service("store").bind(seq=7).info("c", rows=1)
    log.info("d", service="tracker")
    assert [entry["service"] for entry in sink.entries] == [
        "collector",
        "store",
        "store",
        "tracker",
    ]
    assert sink.entries[2]["seq"] == 7
    assert log.for_service("store").get_log_analytics()["total_entries"] == 2
    assert log.for_service("global").get_log_analytics()["total_entries"] == 4
    assert log.get_log_analytics(service="tracker")["total_entries"] == 1


def test_context_cannot_pass_for_a_field_of_the_line() -> None:
    """Names of ours in the context get an underscore; a correlation id given is taken."""
    log, sink = _logger()
    log.log_operation("x", event="boom", timestamp="never", correlation_id="given")
    (entry,) = sink.entries
    assert entry["timestamp"] == "2025-08-06T21:00:00.000000Z"
    assert (entry["event_"], entry["timestamp_"], entry["operation"]) == ("boom", "never", "x")
    assert entry["correlation_id"] == "given"


def test_secrets_are_redacted_by_key() -> None:
    """Neither sink nor ring sees what a secret's key holds."""
    log, sink = _logger(redact=["real_name"])
    log.info("login", password="hunter2", real_name="Ann", user={"token": "abc"})  # noqa: S106 - what is to be redacted
    assert b"hunter2" not in sink.lines[0]
    assert b"Ann" not in sink.lines[0]
    assert b"abc" not in sink.lines[0]
    assert log.search(text="hunter2") == []


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        2**80,
        "\ud800",
        b"\xff",
        object(),
        {1: {2: {3}}},
        np.float32(1.5),
        np.arange(3),
        datetime(2025, 8, 6, tzinfo=UTC),
        LogLevel.INFO,
        ValueError("x"),
        "x" * 100_000,
        {str(i): "y" * 4_000 for i in range(200)},
    ],
)
def test_any_value_makes_a_line(value: Any) -> None:
    """Whatever the context holds, one line of valid JSON of bounded length comes out."""
    log, sink = _logger()
    log.info("x", value=value)
    (line,) = sink.lines
    assert orjson.loads(line)["operation"] == "x"
    assert len(line) <= 64_000
    assert log.dropped == {}


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.floats() | st.none()))
def test_any_context_makes_a_line(context: dict[str, Any]) -> None:
    """Keys and values of any text are written so that they can be read again."""
    log, sink = _logger()
    context = {
        k: v for k, v in context.items() if k not in {"operation", "level", "category", "self"}
    }
    log.log_operation("x", **context)
    (entry,) = sink.entries
    assert entry["operation"] == "x"


def test_operation_and_service_that_are_no_text_are_made_so() -> None:
    """Whatever is given as operation or service is shortened text in the line and the counts."""
    log, sink = _logger()
    log.log_operation(b"x" * 1_000, service=7)  # type: ignore[arg-type]
    (entry,) = sink.entries
    assert len(entry["operation"]) == 200
    assert entry["service"] == "7"


def test_a_sink_that_fails_breaks_nobody() -> None:
    """The caller goes on, the other sink gets its line, the failure is counted."""
    bad, good = MemorySink(), MemorySink()
    bad.failure = OSError("disk full")
    log = StructuredLogger(sinks=[bad, good])
    log.info("x")
    assert len(good.lines) == 1
    assert log.dropped == {"sink_failed": 1}
    assert log.get_log_analytics()["total_entries"] == 1


def test_a_level_that_is_none_is_harmless() -> None:
    """Nonsense for a level writes nothing and raises nothing."""
    log, sink = _logger()
    log.log_operation("x", [])  # type: ignore[arg-type]
    log.log_operation("x", "LOUD")  # type: ignore[arg-type]
    assert sink.lines == []
    assert log.dropped == {"line_failed": 1}


def test_an_exception_keeps_type_message_stack_and_context() -> None:
    """The line tells what was raised, where, out of what, and with what in hand."""
    log, sink = _logger()
    try:
        try:
            ["present"].remove("missing")
        except ValueError as error:
            raise OSError("cannot open, password=hunter2") from error
    except OSError as error:
        log.log_exception("open", error, path="/x")
    (entry,) = sink.entries
    assert (entry["level"], entry["category"], entry["path"]) == ("ERROR", "error", "/x")
    assert entry["exception"]["type"] == "OSError"
    assert entry["exception"]["message"] == "cannot open, password=[redacted]"
    assert "ValueError: list.remove" in entry["exception"]["stack"]
    assert "test_logs.py" in entry["exception"]["stack"]
    assert b"hunter2" not in sink.lines[0]
    errors = log.get_error_analytics()
    assert errors["by_type"] == {"OSError": 1}
    assert errors["by_operation"] == {"collector:open": 1}


class _Unspeakable(Exception):  # noqa: N818 - its name is the joke
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_an_exception_that_cannot_be_told_is_still_logged() -> None:
    """An exception whose own text raises leaves its type in the line."""
    log, sink = _logger()
    log.log_exception("x", _Unspeakable())
    (entry,) = sink.entries
    assert entry["exception"]["type"].endswith("_Unspeakable")
    log.log_exception("x", None)  # type: ignore[arg-type]
    assert len(sink.lines) == 2


def test_performance_lines_are_counted_with_their_duration() -> None:
    """Durations give the mean; what is no duration is written and not counted as one."""
    log, sink = _logger()
    log.log_performance("a", 0.5, rows=3)
    log.log_performance("b", 1)
    log.log_performance("c", float("nan"))
    log.log_performance("d", -1.0)
    log.log_performance("e", "long")  # type: ignore[arg-type]
    assert sink.entries[0]["duration"] == 0.5
    assert sink.entries[0]["category"] == "performance"
    analytics = log.get_log_analytics()
    assert analytics["performance_entries_count"] == 2
    assert analytics["average_performance"] == 0.75
    assert analytics["total_entries"] == 5


def test_analytics_have_the_fields_of_the_specification() -> None:
    """Counts by level (upper case) and category, the error rate of ERROR and CRITICAL."""
    log, _ = _logger()
    for level, n in (
        (LogLevel.INFO, 6),
        (LogLevel.WARNING, 2),
        (LogLevel.ERROR, 1),
        (LogLevel.CRITICAL, 1),
    ):
        for _ in range(n):
            log.log_operation("x", level, LogCategory.API)
    assert log.get_log_analytics(24) == {
        "service": "collector",
        "hours": 24,
        "total_entries": 10,
        "entries_by_level": {"INFO": 6, "WARNING": 2, "ERROR": 1, "CRITICAL": 1},
        "entries_by_category": {"api": 10},
        "error_rate": 0.2,
        "average_performance": 0.0,
        "performance_entries_count": 0,
    }


def test_processors_of_structlog_run_before_the_line_is_made() -> None:
    """A processor may add to a line, or drop it."""

    def add(_: Any, __: str, event: Any) -> Any:
        if event["event"] == "noise":
            raise structlog.DropEvent
        return event | {"host": "h1"}

    log, sink = _logger(processors=[add])
    log.info("noise")
    log.info("x")
    assert [(entry["operation"], entry["host"]) for entry in sink.entries] == [("x", "h1")]


def test_a_processor_that_fails_is_counted() -> None:
    """A processor's exception costs its line and nothing else."""

    def fail(_: Any, __: str, ___: Any) -> Any:
        raise RuntimeError("no")

    log, sink = _logger(processors=[fail])
    log.info("x")
    assert sink.lines == []
    assert log.dropped == {"line_failed": 1}


def test_counts_and_errors_survive_a_restart(tmp_path: Path) -> None:
    """What was counted before is counted on after the next start."""
    clock = ManualClock()
    for run in range(2):
        store = ObserveStore(tmp_path / "observe.db", clock=clock)
        log = StructuredLogger(sinks=[], clock=clock, store=store)
        log.info("x")
        log.log_performance("y", 2.0)
        log.log_exception("z", ValueError(f"number {run}"))
        clock.advance(60)
        store.close()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    log = StructuredLogger(sinks=[], clock=clock, store=store)
    analytics = log.get_log_analytics()
    assert analytics["total_entries"] == 6
    assert analytics["entries_by_level"] == {"INFO": 4, "ERROR": 2}
    assert (analytics["performance_entries_count"], analytics["average_performance"]) == (2, 2.0)
    errors = log.get_error_analytics()
    assert errors["total_errors"] == 2
    assert [example["message"] for example in errors["recent"]] == ["number 1", "number 0"]
    store.close()


def test_threads_that_log_at_once_are_all_counted() -> None:
    """Every line of six threads is written whole with its own correlation id, and counted."""
    log, sink = _logger()

    def work(number: int) -> None:
        with LogCorrelationContext(f"thread-{number}"):
            for i in range(300):
                log.info("x", number=number, i=i, id_seen=correlation_id())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = sink.entries
    assert len(entries) == 1_800 == log.get_log_analytics()["total_entries"]
    assert all(entry["correlation_id"] == f"thread-{entry['number']}" for entry in entries)
    assert len({(entry["number"], entry["i"]) for entry in entries}) == 1_800


def test_search_finds_by_everything_that_is_asked() -> None:
    """The ring answers by correlation, level, category, service and text, newest first."""
    log, _ = _logger()
    with LogCorrelationContext("one"):
        log.info("a", callsign="QFA1")
        log.error("b", callsign="QFA2")
    with LogCorrelationContext("two"):
        log.for_service("store").log_operation(
            "c", category=LogCategory.DATABASE, note="über Größe"
        )
    assert [e["operation"] for e in log.search(correlation_id="one")] == ["b", "a"]
    assert [e["operation"] for e in log.search(level=LogLevel.WARNING)] == ["b"]
    assert [e["operation"] for e in log.search(category="database")] == ["c"]
    assert [e["operation"] for e in log.search(service="store")] == ["c"]
    assert [e["operation"] for e in log.search(text="qfa")] == ["b", "a"]
    assert [e["operation"] for e in log.search(text="Größe")] == ["c"]
    assert [e["operation"] for e in log.search(text="one", service="store")] == []
    assert [e["operation"] for e in log.search(limit=1)] == ["c"]
    assert log.search(correlation_id="QFA1") == []


class _Changing(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")


@pytest.mark.parametrize(
    "context",
    [
        {"x": _Changing(a=1)},
        {"x": "\ud800"},
        {"service": "s" * 1_000_000},
        {"service": b"\xff"},
        {"x": "y" * 1_000_000},
        {"event": "e", "timestamp": "t"},
    ],
)
def test_no_context_costs_the_line(context: dict[str, Any]) -> None:
    """What cannot be read or written is said to be so, and the line is there and short."""
    log, sink = _logger()
    log.log_operation("o" * 1_000_000, **context)
    (line,) = sink.lines
    assert len(line) < 70_000
    entry = orjson.loads(line)
    assert len(entry["operation"]) == 200
    assert len(entry["service"]) <= 200
    assert log.get_log_analytics(service=entry["service"])["total_entries"] == 1


def test_a_category_that_is_none_is_service() -> None:
    """Analytics have the nine categories and no other."""
    log, sink = _logger()
    for category in ("database", "nonsense", None, [1]):
        log.log_operation("x", LogLevel.INFO, category)  # type: ignore[arg-type]
    assert [entry["category"] for entry in sink.entries] == ["database", *["service"] * 3]
    assert log.get_log_analytics()["entries_by_category"] == {"database": 1, "service": 3}


def test_a_service_may_have_a_level_of_its_own() -> None:
    """Both ways, whatever the environment says; others go by that."""
    log, sink = _logger(levels={"store": LogLevel.DEBUG, "bus": LogLevel.ERROR})
    for service in ("store", "bus", "collector"):
        own = log.for_service(service).bind(a=1)
        own.debug("d")
        own.warning("w")
    assert [(entry["service"], entry["operation"]) for entry in sink.entries] == [
        ("store", "d"),
        ("store", "w"),
        ("collector", "w"),
    ]
