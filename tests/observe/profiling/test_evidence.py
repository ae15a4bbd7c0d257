from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from observe.made import ManualClock
from sectorwatch.observe import MetricsCollector
from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.profiling import Blame, LoopBlock, Profile, Resources
from sectorwatch.observe.profiling.allocations import GrowingLine, Growth
from sectorwatch.observe.profiling.leak_watch import LeakVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.observe.tuning.findings import Finding

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
