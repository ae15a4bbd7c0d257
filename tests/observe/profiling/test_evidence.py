from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from observe.made import ManualClock, MemorySink
from sectorwatch.observe import MetricsCollector, Telemetry
from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.profiling import Blame, LoopBlock, Profile, Resources
from sectorwatch.observe.profiling.allocations import GrowingLine, Growth
from sectorwatch.observe.profiling.leak_watch import LeakVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sectorwatch.observe.tuning.findings import Effect, Finding

HOT = Blame("Index.find", "program/index.py", 40, "tracker")
RARE = Blame("Index.build", "program/index.py", 10, "tracker")
FOREIGN = Blame("loads", "json/decoder.py", 5, "")


def profile(*blamed: tuple[Blame, float], trigger: str = "periodic", cpu_s: float = 1.0) -> Profile:
    """Two seconds in which a second of processor went to these."""
    return Profile(1, trigger, as_datetime(0), 2.0, 100, 50.0, cpu_s, 0.01, (), blamed, (), ())


@pytest.fixture
def clock() -> ManualClock:
    """A clock that a test turns by hand."""
    return ManualClock()


@pytest.fixture
def resources(clock: ManualClock) -> Resources:
    """What evidence comes from."""
    return Resources(MetricsCollector(clock=clock), clock=clock)


def found(resources: Resources) -> Sequence[Finding]:
    """What is found now."""
    return resources.evidence.collect(0.0)


def test_a_function_that_burns_the_processor_for_hours_is_found(
    resources: Resources, clock: ManualClock
) -> None:
    """By periodic profiles alone, six at least; a day later it is forgotten."""
    for _ in range(5):
        resources.evidence.take(profile((HOT, 0.5), (FOREIGN, 0.4)))
    resources.evidence.take(profile((HOT, 0.5), trigger="asked"))
    assert found(resources) == []
    resources.evidence.take(profile((HOT, 0.5), (RARE, 0.4)))
    [one] = found(resources)
    assert (one.type.value, one.service, one.operation) == ("cpu_hotspot", "tracker", "Index.find")
    assert one.expected_improvement == pytest.approx(0.5)
    assert one.cost_share == pytest.approx(0.25)
    assert "6 of 6 profiles" in one.description
    clock.advance(86_401)
    assert found(resources) == []


def test_a_process_at_rest_has_no_hotspot(resources: Resources) -> None:
    """Half of next to nothing is nothing to save."""
    for _ in range(20):
        resources.evidence.take(profile((HOT, 0.5), cpu_s=0.02))
    assert found(resources) == []


def test_what_holds_the_loop_up_again_and_again_is_found(resources: Resources) -> None:
    """With its stack, and its part of all the time that the loop stood still."""
    for line, lag_s, blame in ((40, 0.5, HOT), (41, 0.5, HOT), (42, 0.5, HOT), (1, 0.5, RARE)):
        of = blame._replace(line=line)
        resources.loop._blocks.append(
            LoopBlock(as_datetime(0), lag_s, lag_s, of, stacks=(("a;b", 3),))
        )
        resources.loop._blamed.append((1_000.0, of, lag_s))
    [one] = found(resources)
    assert (one.type.value, one.operation) == ("loop_blocking", "Index.find")
    assert one.expected_improvement == pytest.approx(0.75)
    assert one.evidence["count"] == 3
    assert one.evidence["stack"] == "a;b"


@pytest.mark.parametrize("has_lines", [True, False])
def test_memory_that_leaks_is_found_with_its_lines(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, *, has_lines: bool
) -> None:
    """Each with its part of the growth; without any, the improvement is not known and says so."""
    line = GrowingLine("program/cache.py", 12, "hoard.append(one)", "store", 1_000.0, 1.0)
    growth = Growth(10.0, 1_000.0, (line,) if has_lines else ())
    verdict = LeakVerdict("leak", 7.2e6, as_datetime(0), (), growth, as_datetime(0))
    monkeypatch.setattr(type(resources.leaks), "verdict", property(lambda _: verdict))
    [one] = found(resources)
    assert one.type.value == "memory_growth"
    assert one.measure is not None
    assert one.measure.metric == "memory_leak_bytes_per_hour"
    if has_lines:
        assert (one.service, one.operation) == ("store", "program/cache.py:12")
        assert one.expected_improvement == pytest.approx(0.5)
    else:
        assert one.expected_improvement is None
        assert one.reason


class Run:
    """One run of a program that is looked at by its telemetry alone."""

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self.clock, self.path = clock, path
        self.telemetry = Telemetry.open(path, clock=clock, sinks=[MemorySink()])
        assert self.telemetry.store is not None
        self.store, self.resources = self.telemetry.store, self.telemetry.resources
        self.leaks = 0.0
        self.number = max((each.number for each in self.resources.profiler.profiles), default=0)

    def hours(self, hours: float, *blamed: tuple[Blame, float], cpu_s: float = 1.0) -> None:
        """A profile and a question for evidence every ten minutes; memory stands still."""
        for _ in range(round(hours * 6)):
            self.clock.advance(600)
            self.number += 1
            began = as_datetime(self.clock.now_us() / 1e6)
            taken = replace(profile(*blamed, cpu_s=cpu_s), number=self.number, began=began)
            self.resources.profiler._profiles.append(taken)
            self.resources.evidence.take(taken)
            self.telemetry.metrics.record_metric("process_cpu", 50 * cpu_s)
            if self.leaks:
                self.resources.leaks._gauge.set(self.leaks)
            else:
                self.resources.leaks.add(self.clock.monotonic_s(), 2e8, 1e6)
            self.telemetry.optimizer.collect()
            self.store.flush()

    def block(self, times: int, lag_s: float = 1.0) -> None:
        """The loop stood still so often, by the same function."""
        loop = self.resources.loop
        for _ in range(times):
            self.clock.advance(1)
            now_s = self.clock.now_us() / 1e6
            loop._blocks.append(
                LoopBlock(as_datetime(now_s), lag_s, lag_s, HOT, stacks=(("a;b", 3),))
            )
            loop._blamed.append((self.clock.monotonic_s(), HOT, lag_s))

    def found(self, kind: str) -> tuple[str, str, Effect | None]:
        """What became of the only recommendation of a kind: its status, outcome, effect."""
        for status in ("open", "applied", "expired"):
            for one in self.telemetry.optimizer.get_recommendations(status=status):
                if one.recommendation_type == kind:
                    return one.status, one.outcome, one.measured_effect
        return "", "", None

    def restart(self) -> Run:
        """The same again, from what was kept; its monotonic clock begins anew."""
        self.telemetry.close()
        self.clock.elapsed_s = 50.0
        self.clock.wall_s += 30
        return Run(self.path, self.clock)


@pytest.fixture
def run(tmp_path: Path, clock: ManualClock) -> Run:
    """The first run."""
    return Run(tmp_path / "observe.db", clock)


def test_less_work_at_night_is_no_hotspot_that_was_mended(run: Run) -> None:
    """The same run, half the processor, another mix: expired, for nothing was changed."""
    run.hours(6, (HOT, 0.5))
    assert run.found("cpu_hotspot")[0] == "open"
    run.hours(30, (HOT, 0.1), (RARE, 0.6), cpu_s=0.5)
    assert run.found("cpu_hotspot")[0] in {"open", "expired"}
    found = run.telemetry.optimizer.get_recommendations(status="expired")
    [one] = [each for each in found if each.operation == "Index.find"]
    assert "same run" in one.outcome
    run.telemetry.close()


def test_a_hotspot_that_was_mended_is_measured_by_its_share(run: Run) -> None:
    """After a restart it stands until there are profiles of the new run; then the shares say it."""
    run.hours(6, (HOT, 0.5))
    again = run.restart()
    again.hours(0.5, (HOT, 0.05))
    assert again.found("cpu_hotspot")[0] == "open"
    again.hours(3, (HOT, 0.05))
    status, outcome, effect = again.found("cpu_hotspot")
    assert status == "applied", outcome
    assert effect is not None
    assert effect.improvement == pytest.approx(0.9)
    assert effect.unit == "share of processor"
    again.telemetry.close()


def test_a_restart_alone_is_no_leak_that_was_mended(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is new then. Only more than a day of looking tells that it does not leak any more."""
    line = GrowingLine("program/cache.py", 12, "hoard.append(one)", "store", 1_000.0, 1.0)
    verdict = LeakVerdict(
        "leak", 7.2e6, as_datetime(0), (), Growth(10.0, 1_000.0, (line,)), as_datetime(0)
    )
    with monkeypatch.context() as patch:
        patch.setattr(type(run.resources.leaks), "verdict", property(lambda _: verdict))
        run.leaks = 7.2e6
        run.hours(4)
        run.store.flush()
    again = run.restart()
    again.hours(20)
    assert again.found("memory_growth")[0] == "open"
    again.hours(12)
    status, outcome, effect = again.found("memory_growth")
    assert status == "applied", outcome
    assert effect is not None
    assert effect.improvement == 1
    again.telemetry.close()


def test_what_held_the_loop_up_is_held_against_how_often_it_did(run: Run) -> None:
    """Kept over a restart; a day without it says that it was mended, an hour does not."""
    run.hours(1)
    run.block(6)
    run.hours(1)
    assert run.found("loop_blocking")[0] == "open"
    again = run.restart()
    assert [each.words() for each in again.resources.loop.blocks] == [
        each.words() for each in run.resources.loop.blocks
    ]
    again.hours(20)
    assert again.found("loop_blocking")[0] == "open"
    again.hours(6)
    status, outcome, effect = again.found("loop_blocking")
    assert status == "applied", outcome
    assert effect is not None
    assert effect.before == pytest.approx(0.25)
    assert 0 < effect.low < 1
    again.telemetry.close()


def test_profiles_and_the_last_look_at_memory_survive_a_restart(run: Run) -> None:
    """A profile's number stays its own; damage is left out and counted."""
    taken = run.telemetry.profiler.take(0.1)
    line = GrowingLine("program/cache.py", 12, "hoard.append(one)", "store", 1_000.0, 1.0)
    run.resources.leaks.take_up(Growth(10.0, 1_000.0, (line,)), as_datetime(1_000))
    again = run.restart()
    assert again.telemetry.profiler.profiles == [replace(taken, stacks=taken.stacks[:100])]
    assert again.telemetry.profiler.take(0.1).number == taken.number + 1
    verdict = again.resources.leaks.verdict
    assert (verdict.state, verdict.looked) == ("none", as_datetime(1_000))
    assert verdict.growth == Growth(10.0, 1_000.0, (line,))
    again.store.flush()
    with sqlite3.connect(run.path) as connection:
        connection.execute(
            "UPDATE profiling_kept SET data = '{\"began\": 1}' WHERE key <> 'growth'"
        )
    connection.close()
    third = again.restart()
    assert third.telemetry.profiler.profiles == []
    assert third.resources.leaks.verdict.growth is not None
    assert third.store.drops.counts()["load_failed"] == 1
    third.telemetry.close()
