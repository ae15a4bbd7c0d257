from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.made import ManualClock, MemorySink
from sectorwatch.observe import (
    LogCorrelationContext,
    MetricsCollector,
    PerformanceMetric,
    StatementLog,
    Telemetry,
    carry,
)
from sectorwatch.observe.statements.normal import normal_form

ONE = "SELECT name FROM sector WHERE sector_id = ?"


@pytest.fixture
def metrics() -> MetricsCollector:
    """Metrics that keep time by hand."""
    return MetricsCollector(clock=ManualClock())


@pytest.fixture
def log(metrics: MetricsCollector) -> StatementLog:
    """A log of statements over them."""
    return StatementLog(metrics)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("SELECT 1", "SELECT ?"),
        ("SELECT a\n  FROM t\tWHERE b='x' ", "SELECT a FROM t WHERE b=?"),
        ("SELECT a FROM t WHERE b IN (1,2, 3)", "SELECT a FROM t WHERE b IN (?, …)"),
        ("SELECT a FROM t WHERE b IN (?)", "SELECT a FROM t WHERE b IN (?)"),
        ("SELECT a WHERE b IN (" + ", ".join("?" * 900) + ")", "SELECT a WHERE b IN (?, …)"),
        (
            "SELECT a FROM t WHERE b IN (%s::BIGINT, %s::BIGINT)",
            "SELECT a FROM t WHERE b IN (?, …)",
        ),
        ("INSERT INTO t VALUES (?, ?), (?, ?), (?, ?)", "INSERT INTO t VALUES (?, …), …"),
        ("SELECT :a, $1, %(b)s, @c", "SELECT ?, ?, ?, ?"),
        ("SELECT 'a' /* 7 */ -- 8", "SELECT ?"),
        ("SELECT $$seven 'of' them$$, $x$7$x$", "SELECT ?, ?"),
        ("SELECT 1.5e3, 0x1F, t1.c2", "SELECT ?, ?, t1.c2"),
        ('SELECT "a name" FROM "t"', 'SELECT "a name" FROM "t"'),
        ("SELECT 'never closed", "SELECT ?"),
        ("", ""),
    ],
)
def test_normal_form_has_no_value_in_it(text: str, normal: str) -> None:
    """Literals, placeholders, lists, comments and white space do not tell statements apart."""
    assert normal_form(text) == normal


@given(st.text(alphabet="SELECT ab'\"$?%s:@(),-/*\n1.…", max_size=200))
def test_any_text_has_a_normal_form_that_is_its_own(text: str) -> None:
    """Whatever is sent to a database: never an error, and the form of a form is itself."""
    once = normal_form(text)
    assert normal_form(once) == once


@given(st.text(), st.integers(min_value=0))
def test_a_value_in_a_statement_is_not_in_its_normal_form(word: str, number: int) -> None:
    """Two statements that differ in values alone are one."""
    quoted = word.replace("'", "''")
    assert normal_form(f"b = '{quoted}' AND c = {number}") == "b = ? AND c = ?"


def test_a_statement_has_its_figures(log: StatementLog) -> None:
    """Count, times, rows and errors, of all texts that are one statement, the costliest first."""
    for number in range(20):
        log.record("sqlite", f"{number}  FROM sector", (), 0.001 * (number + 1), rows=2)
    log.record("sqlite", "UPDATE sector SET name = ?", ("a",), 0.5, failed=True)
    costly, other = log.statements()
    assert (costly.verb, costly.errors, costly.rows) == ("update", 1, None)
    assert (other.statement, other.count, other.rows) == ("? FROM sector", 20, 40)
    assert other.tables == ("sector",)
    assert other.total_s == pytest.approx(0.21)
    assert other.mean_s == pytest.approx(0.0105)
    assert other.p95_s == pytest.approx(0.019, rel=0.05)
    assert other.max_s == pytest.approx(0.02)


def test_the_same_statement_again_and_again_in_one_go_is_told(log: StatementLog) -> None:
    """N+1: twelve runs with other values in one request; with the request's id, and its share."""
    with LogCorrelationContext("request-1"), log.during("unmatched", "api") as go:
        for number in range(12):
            log.record("sqlite", ONE, (number,), 0.001)
        go.operation = "/api/sectors"
    with LogCorrelationContext("request-2"), log.during("/api/sectors", "api"):
        log.record("sqlite", ONE, (1,), 0.001)
    (use,) = log.statements()[0].uses
    assert (use.operation, use.service, use.count, use.goes) == ("/api/sectors", "api", 13, 2)
    assert use.loop is not None
    assert (use.loop.goes, use.loop.runs, use.loop.most_runs) == (1, 12, 12)
    assert use.loop.example == "request-1"
    assert use.loop.seconds == pytest.approx(0.012)
    assert use.repeats is None


def test_a_question_asked_twice_in_one_go_is_told(log: StatementLog) -> None:
    """Three times the same values: two were asked in vain, and only in the same go."""
    for _ in range(2):
        with log.during("seal", "store"):
            for number in (1, 1, 2, 1):
                log.record("sqlite", ONE, (number,), 0.002)
    (use,) = log.statements()[0].uses
    assert use.loop is None
    assert use.repeats is not None
    assert (use.repeats.goes, use.repeats.runs) == (2, 4)
    assert use.repeats.seconds == pytest.approx(0.008)


def test_what_was_written_in_between_is_not_asked_in_vain(log: StatementLog) -> None:
    """The same question has another answer then; what is written elsewhere changes nothing."""
    again, elsewhere = "UPDATE sector SET name = ?", "INSERT INTO flight VALUES (?)"
    for writes, said in ((again, None), (elsewhere, 9)):
        with log.during(f"after {writes}", "store"):
            for _ in range(10):
                log.record("sqlite", ONE, (1,), 0.002)
                log.record("sqlite", writes, ("a",), 0.001)
        uses = [use for each in log.statements() for use in each.uses if each.verb == "select"]
        (use,) = [each for each in uses if each.operation == f"after {writes}"]
        assert (use.repeats and use.repeats.runs) == said
        assert use.loop is None


def test_many_rows_by_one_call_are_no_loop(log: StatementLog) -> None:
    """An executemany is one run of many executions."""
    with log.during("commit", "store"):
        log.record(
            "sqlite", "INSERT INTO visit VALUES (?)", [(1,)] * 50, 0.01, rows=50, executions=50
        )
    (figures,) = log.statements()
    assert (figures.count, figures.rows, figures.uses[0].loop) == (50, 50, None)


def test_statements_in_threads_that_carry_the_context_are_of_the_go(log: StatementLog) -> None:
    """A worker thread of a request runs the request's statements."""
    with log.during("/api/flights", "api"):
        thread = threading.Thread(target=carry(partial(log.record, "duckdb", "SELECT 1", (), 0.1)))
        thread.start()
        thread.join()
    assert log.statements()[0].uses[0].operation == "/api/flights"


def test_operations_have_samples_of_database_query_time() -> None:
    """One of the eight measurements: what an operation's statements took."""
    telemetry = Telemetry.open(None, sinks=[])
    with telemetry.statements.during("commit", "store"):
        telemetry.statements.record("sqlite", ONE, (1,), 0.25)
    kind = PerformanceMetric.DATABASE_QUERY_TIME
    found = telemetry.performance.get_metric_summary("commit", "store", kind)
    assert (found["count"], found["latest"]) == (1, 0.25)
    tags = {"database": "sqlite", "verb": "select"}
    assert (
        telemetry.metrics.get_metric_summary("database_statement_seconds", tags=tags)["count"] == 1
    )


def test_what_is_kept_is_bounded_and_the_rest_is_counted(metrics: MetricsCollector) -> None:
    """Past the limit statements are one, past the length they are cut, and long values not kept."""
    log = StatementLog(metrics, most=3)
    for number in range(9):
        log.record("sqlite", f"c{number} FROM t", (), 0.001)
    log.record("sqlite", "SELECT " + ", ".join(f"c{n}" for n in range(5_000)), (), 0.001)
    found = log.statements()
    assert len(found) == 4
    assert max(len(each.statement) for each in found) <= 2_000
    assert log.drops.counts()["statement_limit"] == 7
    other = StatementLog(metrics)
    other.record("sqlite", ONE, ("x" * 100_000,), 0.001)
    other.record("sqlite", ONE, tuple(range(1_000)), 0.001)
    assert other.samples(other.statements()[0].id) == []


@pytest.mark.parametrize(
    ("text", "parameters", "seconds"),
    [(None, (), 0.1), (7, (), 0.1), ("SELECT ?", ([],), 0.1), ("SELECT ?", (1,), "soon")],
)
def test_nothing_that_is_recorded_raises(
    log: StatementLog, text: Any, parameters: Any, seconds: Any
) -> None:
    """What is no use is dropped and counted, and what comes after it is kept."""
    log.record("sqlite", text, parameters, seconds)
    log.record("sqlite", ONE, (1,), 0.1)
    assert any(each.count == 1 for each in log.statements())


def test_off_it_keeps_nothing_and_the_program_runs_the_same() -> None:
    """The null form takes all that the real one does."""
    log = Telemetry.null().statements
    with log.during("commit", "store") as go:
        log.record("sqlite", ONE, (1,), 0.1)
        assert not go.runs
    assert log.statements() == []
    assert log.samples("") == []
    assert not log.is_on


def test_a_statement_stands_in_the_trace_of_what_it_was_run_for() -> None:
    """With its text and no value of it; one that is asked in a loop does not push others out."""
    telemetry = Telemetry.open(sinks=[])
    with LogCorrelationContext("r"), telemetry.spans.span("request", "api"):
        telemetry.statements.record("sqlite", "SELECT a FROM t WHERE b = 7", (), 0.25)
        with telemetry.statements.during("request", "api"):
            for _ in range(1_000):
                telemetry.statements.record("sqlite", "SELECT c FROM u", (), 0.001, failed=True)
    telemetry.statements.record("sqlite", "SELECT a FROM t WHERE b = 7", (), 0.25)
    first, *loop, request = telemetry.spans.of("r")
    assert (first.service, first.operation, first.duration_s) == ("sqlite", "select t", 0.25)
    assert first.parent == request.number
    assert "7" not in first.attributes["sql"]
    assert (len(loop), loop[0].status) == (200, "failed")
    telemetry.close()


def test_a_slow_statement_gets_a_line_and_no_storm_of_them() -> None:
    """Category database, with its text and no value; the same one again only a minute later."""
    clock, sink = ManualClock(), MemorySink()
    telemetry = Telemetry.open(sinks=[sink], clock=clock)
    for _ in range(3):
        telemetry.statements.record("sqlite", "SELECT a FROM t WHERE b = 7", (), 1.5)
    telemetry.statements.record("sqlite", "SELECT a FROM t WHERE b = 7", (), 0.5)
    clock.advance(61)
    telemetry.statements.record("sqlite", "SELECT a FROM t WHERE b = 7", (), 1.5)
    assert [(e["level"], e["category"], e["duration"]) for e in sink.entries] == [
        ("WARNING", "database", 1.5)
    ] * 2
    assert "7" not in sink.entries[0]["sql"]
    telemetry.close()
