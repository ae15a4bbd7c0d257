from __future__ import annotations

import sqlite3

from observe.made import START_S, ManualClock
from sectorwatch.observe import ErrorAnalytics, ObserveStore
from sectorwatch.observe.log_analytics import LogAnalytics

HOUR_S = 3_600


def test_lines_are_counted_by_the_hour_and_looked_back_at_by_hours() -> None:
    """The window is this hour and as many before it; a week is kept."""
    analytics = LogAnalytics()
    for hour in range(200):
        analytics.count(START_S + hour * HOUR_S, ("s", "INFO", "api"))
    now_s = START_S + 199 * HOUR_S
    totals = [analytics.summary(now_s, hours, None)["total_entries"] for hours in (0, 1, 24, 999)]
    assert totals == [1, 2, 25, 169]


def test_hours_may_come_out_of_order() -> None:
    """A clock set back counts in the hour it says, and nothing is lost."""
    analytics = LogAnalytics()
    for hour in (5, 4, 5, 4):
        analytics.count(START_S + hour * HOUR_S, ("s", "INFO", "api"), 0.5)
    summary = analytics.summary(START_S + 5 * HOUR_S, 24, "s")
    assert (summary["total_entries"], summary["performance_entries_count"]) == (4, 4)


def test_a_clock_that_was_ahead_is_in_no_figure_of_the_last_hours() -> None:
    """What was counted in an hour that has not come yet would stand in every answer until it had."""
    clock = ManualClock()
    lines, errors = LogAnalytics(), ErrorAnalytics(clock=clock)
    for jump_s in (0, 90 * 24 * HOUR_S, -90 * 24 * HOUR_S):
        clock.jump(jump_s)
        lines.count(clock.wall_s, ("s", "ERROR", "api"))
        errors.record(ValueError(), "s", "decode")
    # Those of before the jump were older than a week while it lasted.
    assert lines.summary(clock.wall_s, 24, None)["total_entries"] == 1
    assert errors.get_error_analytics()["total_errors"] == 2


def test_services_without_end_are_counted_as_other() -> None:
    """Past so many kinds of line an hour, all further ones share a place."""
    analytics = LogAnalytics()
    for number in range(2_500):
        analytics.count(START_S, (f"s{number}", "INFO", "api"))
        analytics.count_performance(START_S, f"p{number}", 1, 0.5)
    assert analytics.summary(START_S, 1, None)["total_entries"] == 5_000
    assert analytics.summary(START_S, 1, "other")["total_entries"] == 3_000


def test_old_hours_leave_the_file() -> None:
    """What is older than a week is deleted from the database too."""
    clock = ManualClock()
    store, analytics = ObserveStore(clock=clock), LogAnalytics()
    store.attach(analytics)
    analytics.count_performance(clock.wall_s, "s", 3, 1.5)
    store.flush()
    clock.advance(8 * 24 * HOUR_S)
    store.flush()
    with store.read() as reader:
        assert reader.execute("SELECT count(*) FROM log_hour").fetchone() == (0,)
        assert reader.execute("SELECT count(*) FROM log_duration_hour").fetchone() == (0,)
    store.close()


def test_errors_are_told_by_type_service_operation_and_hour() -> None:
    """Counts each way, the newest example first, and one service alone where asked."""
    clock = ManualClock()
    errors = ErrorAnalytics(clock=clock)
    errors.record(ValueError("a"), "store", "commit", correlation_id="c1", stack="trace")
    clock.advance(HOUR_S)
    errors.record(ValueError("b"), "store", "commit")
    errors.record(sqlite3.OperationalError("c"), "collector", "fetch")
    found = errors.get_error_analytics()
    assert found["total_errors"] == 3
    assert found["by_type"] == {"ValueError": 2, "sqlite3.OperationalError": 1}
    assert found["by_service"] == {"store": 2, "collector": 1}
    assert found["by_operation"] == {"store:commit": 2, "collector:fetch": 1}
    assert found["by_hour"] == {"2025-08-06T21:00:00Z": 1, "2025-08-06T22:00:00Z": 2}
    assert [example["message"] for example in found["recent"]] == ["c", "b", "a"]
    assert found["recent"][2]["correlation_id"] == "c1"
    assert found["recent"][2]["timestamp"] == "2025-08-06T21:00:00Z"
    assert errors.get_error_analytics(0)["total_errors"] == 2
    assert errors.get_error_analytics(24, "collector", 5)["by_type"] == {
        "sqlite3.OperationalError": 1
    }


def test_errors_without_end_are_bounded() -> None:
    """Operations named by what they work on fill no memory: old hours go first, then all share one."""
    clock = ManualClock()
    errors = ErrorAnalytics(clock=clock, examples=5)
    for number in range(3_000):
        errors.record(ValueError(), "s", f"old {number}")
    clock.advance(8 * 24 * HOUR_S)
    for number in range(6_000):
        errors.record(ValueError(), "s", f"new {number}")
    found = errors.get_error_analytics()
    assert found["total_errors"] == 6_000
    assert found["by_service"]["other"] == 1_000
    assert len(found["recent"]) == 5


def test_old_errors_leave_memory_and_file() -> None:
    """After a week an error is forgotten."""
    clock = ManualClock()
    store, errors = ObserveStore(clock=clock), ErrorAnalytics(clock=clock)
    store.attach(errors)
    errors.record(ValueError("a"), "s", "o")
    store.flush()
    clock.advance(8 * 24 * HOUR_S)
    store.flush()
    with store.read() as reader:
        assert reader.execute("SELECT count(*) FROM error_hour").fetchone() == (0,)
    assert errors.get_error_analytics(1_000)["total_errors"] == 0
    store.close()
