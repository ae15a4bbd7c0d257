from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from observe.made import START_S, ManualClock, MemorySink
from sectorwatch.observe import LogCorrelationContext, Telemetry
from sectorwatch.observe.tuning import (
    Difficulty,
    Finding,
    Outcome,
    RecommendationType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sectorwatch.observe import OptimizationRecommendation

MINUTE_S, HOUR_S = 60.0, 3_600.0


class BrokenError(Exception):
    """What the store of these tests fails with."""


class Program:
    """A program that really times its ticks, with `accept` and `commit` within them."""

    def __init__(self, path: Path | None = None, start_s: float = START_S) -> None:
        self.clock = ManualClock(start_s)
        self.telemetry = Telemetry.open(
            path, clock=self.clock, sinks=[MemorySink()], warm_up_s=60, version="1"
        )
        self.optimizer = self.telemetry.optimizer
        self.accept_s, self.commit_s = 0.004, 0.010
        self.failing = 0.0
        self._random = np.random.default_rng(5)

    def tick(self) -> None:
        """One tick, and 15 s of rest."""
        timed = self.telemetry.timed
        with LogCorrelationContext(), timed("tick", "collector"):
            with timed("accept", "collector"):
                self.clock.advance(self._about(self.accept_s))
            with suppress(BrokenError):
                self.commit()
        self.clock.advance(15)

    def commit(self) -> None:
        """One commit, that may fail."""
        with self.telemetry.timed("commit", "store"):
            self.clock.advance(self._about(self.commit_s))
            if self._random.random() < self.failing:
                raise BrokenError("the page is torn")

    def run(self, duration_s: float) -> None:
        """Let it run; it is looked at every 15 s, and asked for findings once a minute."""
        until_s = self.clock.wall_s + duration_s
        due_s = self.clock.wall_s
        while self.clock.wall_s < until_s:
            self.tick()
            self.optimizer.look()
            if self.clock.wall_s >= due_s:
                due_s += 5 * MINUTE_S
                self.optimizer.collect()

    def _about(self, usual_s: float) -> float:
        return float(usual_s * np.exp(0.1 * self._random.standard_t(4)))

    def close(self) -> None:
        """End it."""
        self.telemetry.close()
        assert self.optimizer.drops.counts() == {}


def of_type(
    found: Sequence[OptimizationRecommendation], kind: str, operation: str
) -> OptimizationRecommendation:
    """The only one of a type about an operation."""
    (one,) = [
        each for each in found if (each.recommendation_type, each.operation) == (kind, operation)
    ]
    return one


def test_a_program_that_is_well_is_recommended_nothing() -> None:
    """Two hours of ticks of 14 ms, with noise."""
    program = Program()
    program.run(2 * HOUR_S)
    assert program.optimizer.get_recommendations() == []
    program.close()


def test_a_stage_that_grew_is_named_and_its_repair_is_noticed(tmp_path: Path) -> None:
    """`accept` becomes 20 ms longer: the tick's recommendation says so, and by how much of it.

    Once it is repaired the recommendation counts as applied, with its real effect beside the one
    expected, over a restart too.
    """
    program = Program(tmp_path / "observe.db")
    program.run(1.5 * HOUR_S)
    program.accept_s = 0.024
    program.run(HOUR_S)
    found = program.optimizer.get_recommendations()
    tick = of_type(found, "response_time_optimization", "tick")
    assert tick.status == "open"
    assert tick.evidence["stage_that_grew"] == "collector:accept"
    assert "accept grew most" in tick.description
    assert tick.fix.startswith("Begin with accept of collector")
    assert tick.reason.startswith("measured")
    expected = tick.expected_improvement
    assert expected == pytest.approx(20 / 34, abs=0.1)
    (stage, *_) = tick.evidence["stages"]
    assert stage["operation"] == "accept"
    assert stage["share"] == pytest.approx(24 / 34, abs=0.1)
    program.accept_s = 0.004
    program.run(20 * MINUTE_S)
    still = of_type(program.optimizer.get_recommendations(), "response_time_optimization", "tick")
    assert still.status == "open", "twenty minutes are no proof"
    program.run(HOUR_S)
    applied = of_type(program.optimizer.get_recommendations(), "response_time_optimization", "tick")
    assert applied.id == tick.id
    assert applied.status == "applied"
    assert applied.expected_improvement is not None
    effect = applied.measured_effect
    assert effect is not None
    assert effect.before == pytest.approx(0.034, rel=0.1)
    assert effect.after == pytest.approx(0.014, rel=0.1)
    assert effect.low <= effect.improvement <= effect.high
    assert effect.improvement == pytest.approx(expected, abs=0.1)
    assert effect.probability >= 0.95
    program.close()
    again = Program(tmp_path / "observe.db", program.clock.wall_s + MINUTE_S)
    kept = of_type(again.optimizer.get_recommendations(), "response_time_optimization", "tick")
    assert kept == applied
    again.close()


def test_an_alert_is_told_which_stage_makes_it_slow() -> None:
    """Two minutes after `commit` became 60 ms the tick's alert says so; before, there is nothing."""
    program = Program()
    program.run(HOUR_S)
    labels = {"operation": "tick", "service": "collector"}
    assert program.optimizer.why_slow(labels) == ("", {})
    program.commit_s = 0.070
    program.run(2 * MINUTE_S)
    words, evidence = program.optimizer.why_slow(labels)
    assert words.startswith("tick takes 7")
    assert "of it commit is 9" in words
    assert "grown by 5" in words or "grown by 6" in words
    assert evidence["past_median_s"] < 0.02
    assert evidence["stages"][0]["operation"] == "commit"
    assert program.optimizer.why_slow({}) == ("", {})
    program.close()


def test_the_stage_is_to_blame_not_what_it_is_a_part_of() -> None:
    """Both are slow; the gauge that alerts go by says it of the stage, and its service, alone."""
    program = Program()
    program.run(HOUR_S)
    program.commit_s = 0.070
    program.run(3 * MINUTE_S)
    slow = {one.operation for one in program.optimizer.slowdowns.slow}
    assert slow == {"tick", "commit"}
    metrics = program.telemetry.metrics
    of_stage = metrics.get_metrics("operation_slowdown", 1, {"operation": "commit"})
    of_whole = metrics.get_metrics("operation_slowdown", 1, {"operation": "tick"})
    assert of_stage[-1].value > 3
    assert of_stage[-1].tags["service"] == "store"
    assert of_whole[-1].value == 1
    program.close()


def test_a_stage_that_dominates_what_costs_much_is_named() -> None:
    """Of a tick of half a second, `commit` is nine tenths, and always was: nobody knows the gain."""
    program = Program()
    program.commit_s = 0.5
    program.run(30 * MINUTE_S)
    tick = of_type(program.optimizer.get_recommendations(), "response_time_optimization", "tick")
    assert "commit is" in tick.description
    assert "(99 %)" in tick.description
    assert tick.expected_improvement is None
    assert tick.reason.startswith("not measured: commit has taken about as long")
    program.close()


def test_an_error_is_named_and_its_repair_is_noticed() -> None:
    """A quarter of the commits fail of one error; repaired, the rate is measured, not the time."""
    program = Program()
    program.failing = 0.25
    program.run(HOUR_S)
    found = of_type(program.optimizer.get_recommendations(), "error_reduction", "commit")
    assert found.service == "store"
    assert "BrokenError" in found.description
    assert found.expected_improvement == 1.0
    assert found.priority == "medium"
    assert sum(found.evidence["types"].values()) >= 30
    program.failing = 0.0
    program.run(1.5 * HOUR_S)
    applied = of_type(program.optimizer.get_recommendations(), "error_reduction", "commit")
    assert applied.status == "applied"
    assert applied.measured_effect is not None
    assert applied.measured_effect.unit == "ratio"
    assert applied.measured_effect.before == pytest.approx(0.25, abs=0.06)
    assert applied.measured_effect.after == 0
    assert applied.measured_effect.improvement == 1
    program.close()


def test_what_nobody_asks_for_any_more_is_not_applied() -> None:
    """The evidence ceased with the traffic: expired, and why."""
    program = Program()
    program.failing = 0.5
    program.run(HOUR_S)
    found = of_type(program.optimizer.get_recommendations(), "error_reduction", "commit")
    assert found.status == "open"
    for _ in range(9 * 4):
        program.clock.advance(15 * MINUTE_S)
        program.optimizer.look()
        program.optimizer.collect()
    assert program.optimizer.get_recommendations() == []
    (expired,) = [
        one
        for one in program.optimizer.get_recommendations(status="expired")
        if one.recommendation_type == "error_reduction"
    ]
    assert expired.measured_effect is None
    assert "hardly asked for" in expired.outcome
    program.close()


class Source:
    """A source of evidence as another part of the program brings one."""

    name = "statements"

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.said: Outcome | None = None
        self.asked = 0

    def collect(self, now_s: float) -> list[Finding]:
        """What a test says that it finds."""
        assert now_s > 0
        self.asked += 1
        return self.findings

    def outcome(self, key: str, now_s: float) -> Outcome | None:
        """What a test says became of it."""
        assert key == "select * from flight where callsign = ?"
        assert now_s > 0
        return self.said


def an_index(cost_share: float = 0.5) -> Finding:
    """A statement that scans."""
    return Finding(
        service="store",
        operation="commit",
        type=RecommendationType.DATABASE_INDEX,
        key="select * from flight where callsign = ?",
        description="It reads every row.",
        fix="CREATE INDEX flight_callsign ON flight (callsign)",
        difficulty=Difficulty.LOW,
        expected_improvement=0.9,
        reason="measured: on a copy, medians of 20 runs",
        cost_share=cost_share,
        evidence={"plan": "SCAN flight"},
    )


def test_another_part_brings_its_evidence_and_says_what_became_of_it() -> None:
    """A source that says that the index is used is believed; the effect is measured beside it."""
    program = Program()
    source = Source()
    program.optimizer.add_source(source)
    program.commit_s = 0.030
    source.findings = [an_index()]
    program.run(HOUR_S)
    (found,) = [
        one
        for one in program.optimizer.get_recommendations()
        if one.recommendation_type == "database_index"
    ]
    assert (found.priority, found.source, found.expected_improvement) == (
        "critical",
        "statements",
        0.9,
    )
    source.findings, program.commit_s = [], 0.010
    source.said = Outcome(applied=True, words="the plan searches by index flight_callsign")
    program.run(HOUR_S)
    (found,) = program.optimizer.get_recommendations(status="applied", service="store")
    assert found.outcome == "the plan searches by index flight_callsign"
    assert found.measured_effect is not None
    assert found.measured_effect.improvement == pytest.approx(2 / 3, abs=0.05)
    source.findings = [an_index()]
    program.optimizer.collect()
    (found,) = program.optimizer.get_recommendations(service="store", status="open")
    assert found.measured_effect is None, "found again, it is open again"
    program.close()


def test_a_source_that_says_it_was_something_else_is_believed() -> None:
    """The table is gone: expired at once, not applied."""
    program = Program()
    source = Source()
    program.optimizer.add_source(source)
    source.findings = [an_index()]
    program.run(40 * MINUTE_S)
    source.findings = []
    source.said = Outcome(applied=False, words="nobody runs this statement any more")
    program.run(45 * MINUTE_S)
    (found,) = program.optimizer.get_recommendations(status="expired")
    assert found.outcome == "nobody runs this statement any more"
    program.close()


def test_they_can_be_asked_for_by_service_and_priority() -> None:
    """The dearest first; what nobody has gives nothing."""
    program = Program()
    source = Source()
    program.optimizer.add_source(source)
    other = an_index(0.02)
    source.findings = [
        Finding(**{name: getattr(other, name) for name in Finding.__slots__} | {"service": "api"}),
        an_index(),
    ]
    program.optimizer.collect()
    both = program.optimizer.get_recommendations()
    assert [one.service for one in both] == ["store", "api"]
    assert [one.priority for one in both] == ["critical", "medium"]
    assert program.optimizer.get_recommendations(service="api") == both[1:]
    assert program.optimizer.get_recommendations(priority="critical") == both[:1]
    assert program.optimizer.get_recommendations("api", "critical") == []
    program.close()


def test_a_source_that_raises_is_counted_and_what_it_found_stays() -> None:
    """Others are asked all the same; nothing is missing because somebody could not look."""
    program = Program()

    class Failing(Source):
        name = "failing"

        def collect(self, now_s: float) -> list[Finding]:
            if self.asked:
                raise RuntimeError("cannot look")
            return super().collect(now_s)

    source = Failing()
    source.findings = [an_index()]
    program.optimizer.add_source(source)
    for _ in range(3):
        program.optimizer.collect()
        program.clock.advance(HOUR_S)
    (found,) = program.optimizer.get_recommendations()
    assert found.status == "open"
    assert program.optimizer.drops.counts() == {"source_failed_failing": 2}
    program.telemetry.close()


def test_whatever_a_source_says_can_be_kept_and_shown(tmp_path: Path) -> None:
    """Broken text, no numbers, keys that are none: nothing of it keeps the rest from being written."""
    program = Program(tmp_path / "observe.db")
    source = Source()
    program.optimizer.add_source(source)
    odd = an_index()
    given = {name: getattr(odd, name) for name in Finding.__slots__}
    source.findings = [
        Finding(
            **given
            | {
                "operation": "half a \ud800 pair",
                "expected_improvement": float("nan"),
                "cost_share": float("inf"),
                "evidence": {1: np.float64(2), "of": {np.int64(3)}, "why": ValueError("x")},
            }
        )
    ]
    program.optimizer.collect()
    with program.telemetry.timed("half a \ud800 pair", "store"):
        program.clock.advance(1)
    program.run(20 * MINUTE_S)
    (found,) = [one for one in program.optimizer.get_recommendations() if one.source == source.name]
    assert found.operation == "half a ? pair"
    assert found.expected_improvement is None
    assert found.cost_share == 0
    assert found.evidence["1"] == 2
    assert program.telemetry.store is not None
    assert program.telemetry.store.flush()
    program.close()
    again = Program(tmp_path / "observe.db", program.clock.wall_s)
    assert found in again.optimizer.get_recommendations()
    again.close()


def test_sources_that_take_long_wait_their_turn() -> None:
    """Over its time a round ends, is counted, and the next one begins with who was left out."""
    program = Program()

    class Slow(Source):
        def collect(self, now_s: float) -> list[Finding]:
            program.clock.advance(60)
            return super().collect(now_s)

    sources = [Slow(), Slow(), Slow()]
    for number, source in enumerate(sources):
        source.name = f"slow{number}"
        program.optimizer.add_source(source)
    for _ in range(3):
        program.optimizer.collect()
    assert [source.asked for source in sources] == [1, 1, 1]
    others = len(program.optimizer._sources) - 1
    assert program.optimizer.drops.counts() == {"source_skipped": 2 + others + others}
    program.telemetry.close()
