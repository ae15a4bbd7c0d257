from __future__ import annotations

import pytest

from observe.made import ManualClock
from sectorwatch.observe import PerformanceMetric, Telemetry
from sectorwatch.observe.answers import AnswerLog, replay
from sectorwatch.observe.tuning.findings import RecommendationType


def test_questions_asked_again_before_anything_changed_are_worth_keeping() -> None:
    """Replayed: three of four are hits, and save their time less what a ready answer takes."""
    clock = ManualClock()
    log = AnswerLog(clock)
    for version in range(10):
        for _ in range(4):
            clock.advance(1)
            log.record("/api/statistics/{topic}", 7, version, 0.2)
            log.record("/api/flights", 8, version, 0.001)
    (found,) = log.collect(0.0)
    assert (found.type, found.operation) == (RecommendationType.CACHING, "/api/statistics/{topic}")
    assert found.evidence["replayed_hits"] == 30
    assert found.evidence["replayed_hit_rate"] == 0.75
    assert found.expected_improvement == pytest.approx(0.75 * 0.199 / 0.2)
    assert found.evidence["cache_size"] == 16


def test_a_cache_is_proposed_as_small_as_does_it() -> None:
    """A hundred questions in a circle: sixteen places have none of them ready, 256 all."""
    log = AnswerLog(ManualClock())
    for _ in range(5):
        for question in range(100):
            log.record("/api/flights/{callsign}", question, 1, 0.1)
            log.record("/api/status", 0, question, 0.0)
    (found,) = log.collect(0.0)
    assert found.evidence["cache_size"] == 256
    assert found.evidence["replayed_hit_rate"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("versions", "seconds"), [(range(40), 0.2), ([1] * 40, 0.001), ([1] * 5, 0.2)]
)
def test_what_would_save_nothing_is_not_proposed(versions: list[int], seconds: float) -> None:
    """New each time, quick as it is, or hardly ever asked."""
    log = AnswerLog(ManualClock())
    for version in versions:
        log.record("/api/flights", 1, version, seconds)
        log.record("/api/sectors", 1, version, 0.0001)
    assert log.collect(0.0) == []


def test_no_more_is_kept_than_the_last_few_thousand() -> None:
    """However many requests there are."""
    log = AnswerLog(ManualClock(), keep=10)
    for number in range(1_000):
        log.record("/api/flights", number, 1, 0.1)
    assert [one.requests for one in log.replayed()] == [10]
    assert replay([], 16) == []


def test_caches_tell_what_they_were_asked_for() -> None:
    """Counted by outcome, the rate of the last seconds as the operation of the cache's name."""
    telemetry = Telemetry.open(None, sinks=[])
    asked = [0, 0]
    telemetry.caches.watch("hot_answers", "api", lambda: (asked[0], asked[1]))
    rate = ("hot_answers", "api", PerformanceMetric.CACHE_HIT_RATE)
    telemetry.metrics.collect()
    assert telemetry.performance.get_metric_summary(*rate) == {"count": 0}
    asked[:] = [3, 1]
    telemetry.metrics.collect()
    assert telemetry.performance.get_metric_summary(*rate)["latest"] == 0.75
    # Made anew, it counts from nothing.
    asked[:] = [1, 0]
    telemetry.metrics.collect()
    assert telemetry.performance.get_metric_summary(*rate)["latest"] == 1.0
    hits = telemetry.metrics.counter(
        "cache_requests_total", {"cache": "hot_answers", "outcome": "hit"}
    )
    assert hits.total == 4


def test_a_cache_that_cannot_be_read_harms_nobody() -> None:
    """It is counted, and the others are read."""
    telemetry = Telemetry.open(None, sinks=[])
    telemetry.caches.watch("broken", "api", lambda: 1 // 0)  # type: ignore[arg-type, return-value]
    telemetry.caches.watch("whole", "api", lambda: (1, 1))
    telemetry.metrics.collect()
    rate = ("whole", "api", PerformanceMetric.CACHE_HIT_RATE)
    assert telemetry.performance.get_metric_summary(*rate)["latest"] == 0.5
    assert telemetry.caches.drops.counts() == {"read_failed": 1}
    Telemetry.null().caches.watch("any", "api", lambda: (1, 1))
    Telemetry.null().answers.record("/api/flights", 1, 1, 0.1)
