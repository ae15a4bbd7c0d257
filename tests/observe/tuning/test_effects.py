from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe.tuning.effects import Steps, effect_of, fell_probability
from sectorwatch.observe.tuning.stages import stages_of
from sectorwatch.observe.tuning.words import duration, percent


def steps(values: list[float], calls: float | list[float] = 40) -> Steps:
    """Tens of minutes with these medians."""
    n = len(values)
    counted = np.full(n, calls) if isinstance(calls, float | int) else np.array(calls)
    return Steps(np.arange(n) * 600.0, counted.astype(float), np.array(values, float))


def test_an_effect_is_measured_over_like_load() -> None:
    """Of a night with few calls and a day with many, the day is what the next day is held against."""
    before = steps([1.0, 1.1, 0.9, 5.0, 5.2, 4.8], [4, 4, 4, 400, 390, 410])
    effect = effect_of(before, steps([2.5, 2.4, 2.6], 380), "seconds")
    assert effect is not None
    assert effect.before == 5
    assert effect.improvement == pytest.approx(0.5)
    assert effect.n_before == 3
    assert "as many calls" in effect.basis


def test_without_enough_to_compare_there_is_none() -> None:
    """Two tens of minutes are an accident; half of nothing is nothing."""
    assert effect_of(steps([1.0] * 9), steps([0.5, 0.5]), "seconds") is None
    assert effect_of(steps([1.0, 1.0]), steps([0.5] * 9), "seconds") is None
    assert effect_of(steps([0.0] * 5), steps([0.0] * 5), "ratio") is None


def test_the_interval_holds_the_truth() -> None:
    """A fall by 30 %, with noise: inside nine times in ten at least."""
    random = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        before = np.exp(0.1 * random.standard_t(4, 20))
        after = 0.7 * np.exp(0.1 * random.standard_t(4, 8))
        effect = effect_of(steps(before.tolist()), steps(after.tolist()), "seconds")
        assert effect is not None
        held += effect.low <= 0.3 <= effect.high
    assert held >= 88


def test_the_same_figures_give_the_same_interval() -> None:
    """What is shown does not flicker."""
    given_ = steps([3.0, 4.0, 5.0, 3.5]), steps([1.0, 2.0, 1.5])
    assert effect_of(*given_, "seconds") == effect_of(*given_, "seconds")


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=14),
    st.lists(st.floats(0, 10), min_size=1, max_size=14),
)
def test_a_probability_is_one(before: list[float], after: list[float]) -> None:
    """From 0 to 1, high where all fell, and the other way round about what is left."""
    fell = fell_probability(np.array(before), np.array(after))
    assert 0 <= fell <= 1
    if min(before) > max(after) and len(before) * len(after) >= 9:
        assert fell >= 0.9


def test_stages_are_found_in_spans() -> None:
    """Parts of the whole by share; what is within itself, or whose whole is gone, is left out."""
    spans = [
        ("c", 11, 10, "collector", "accept", 0.0, 0.3, "ok", None),
        ("c", 12, 10, "store", "commit", 0.3, 0.6, "ok", None),
        ("c", 10, 0, "collector", "tick", 0.0, 1.0, "ok", None),
        ("c", 21, 20, "store", "commit", 9.0, 0.8, "ok", None),
        ("c", 20, 0, "collector", "tick", 9.0, 1.0, "ok", None),
        ("c", 31, 99, "store", "commit", 5.0, 0.1, "ok", None),
    ]
    found = stages_of(spans)
    assert set(found) == {("tick", "collector")}
    tick = found[("tick", "collector")]
    assert (tick.runs, tick.mean_s) == (2, 1.0)
    assert tick.busy == pytest.approx(0.2)
    assert [(one.operation, one.calls) for one in tick.stages] == [("commit", 1), ("accept", 0.5)]
    assert [one.share for one in tick.stages] == pytest.approx([0.7, 0.15])
    assert stages_of(spans, newest_s=2)[("tick", "collector")].runs == 1
    assert stages_of([]) == {}


@given(st.floats(0, 1e6), st.floats(0, 1))
def test_figures_can_be_said(seconds: float, share: float) -> None:
    """Short, with a unit."""
    assert duration(seconds).split(" ")[1] in {"s", "ms", "µs"}
    assert percent(share).endswith(" %")
