from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.tuning.made_past import SERVICE, Program
from sectorwatch.observe.tuning.blocks import block_of, quantile, recent
from sectorwatch.observe.tuning.slowdown import chance_of_so_many

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Took = Callable[[float], dict[str, float]]

HOUR_S = 3_600.0


def steady(took_s: float, seed: int = 1) -> Took:
    """An operation with heavy-tailed noise."""
    rng = np.random.default_rng(seed)
    return lambda _: {"advance": float(took_s * np.exp(0.1 * rng.standard_t(3)))}


def gauge(program: Program) -> float:
    """What the gauge says of the operation."""
    tags = {"operation": "advance", "service": SERVICE}
    found = program.metrics.get_metrics("operation_slowdown", 1, tags)
    assert found, "the gauge is there from the first look on"
    return found[-1].value


def test_five_milliseconds_that_become_sixty_show_within_two_minutes() -> None:
    """An hour of past is enough; the ratio, the moment and the old median are right."""
    program = Program()
    program.run(HOUR_S, steady(0.005))
    assert gauge(program) == 1
    begun_s = program.elapsed_s
    program.run(120, steady(0.060))
    assert program.slow
    when_s, _, _ = program.slow[0]
    assert when_s - begun_s <= 90
    (one,) = program.optimizer.slowdowns.slow
    assert gauge(program) == one.ratio
    assert 7 < one.ratio < 14
    assert one.probability >= 0.99
    assert one.median_s == pytest.approx(0.060, rel=0.2)
    assert one.past_median_s == pytest.approx(0.005, rel=0.4)
    assert one.since_s - program.begun_s == when_s


def test_it_shows_after_ten_minutes_of_a_first_start() -> None:
    """Five minutes are left to warming up, five more are a past; a shorter warm-up is a setting."""
    program = Program(warm_up_s=60)
    program.run(400, steady(0.005))
    program.run(105, steady(0.060))
    assert program.optimizer.slowdown("advance", SERVICE) is not None
    program.run(HOUR_S / 2, steady(0.060))
    assert program.optimizer.slowdown("advance", SERVICE) is not None, "for as long as it lasts"


def test_it_goes_on_being_slow_and_ends_when_it_is_over() -> None:
    """Hours of slowness are no past to be measured by; well again, it says so for minutes."""
    program = Program()
    program.run(2 * HOUR_S, steady(0.010))
    program.run(2 * HOUR_S, steady(0.060))
    assert program.optimizer.slowdown("advance", SERVICE) is not None
    assert len(program.slow) > 0.95 * 2 * HOUR_S / 15
    begun_s = program.elapsed_s
    program.run(300, steady(0.010))
    assert program.slow[-1][0] - begun_s <= 90
    assert gauge(program) == 1


def test_what_does_not_run_any_more_is_not_slow() -> None:
    """Nobody waits for it: the gauge is 1 again two minutes after its last run."""
    program = Program()
    program.run(HOUR_S, steady(0.010))
    program.run(150, steady(0.060))
    assert gauge(program) > 1
    for _ in range(10):
        program.clock.advance(15)
        program.optimizer.look()
    assert gauge(program) == 1


def test_the_same_is_found_again_a_day_later() -> None:
    """What was slow once is not the measure of the next time."""
    program = Program()
    program.run(2 * HOUR_S, steady(0.010))
    program.run(HOUR_S, steady(0.060))
    program.run(HOUR_S, steady(0.010))
    program.slow.clear()
    program.run(150, steady(0.060))
    assert program.slow


def test_less_than_somebody_would_care_about_is_not_told() -> None:
    """Six times as slow, and three milliseconds: nobody's problem."""
    program = Program()
    program.run(HOUR_S, steady(0.0006))
    program.run(HOUR_S / 4, steady(0.0036))
    assert program.slow == []


def test_the_first_minutes_are_not_judged_and_are_no_past() -> None:
    """What takes two seconds while everything is imported is neither slow nor usual."""
    program = Program()
    program.run(285, steady(2.0))
    program.run(HOUR_S, steady(0.010))
    assert program.slow == []
    program.run(120, steady(0.200))
    assert program.slow


def test_hard_work_that_is_expected_is_neither_slow_nor_a_past() -> None:
    """A history flown at full speed: what comes after it is measured by itself alone."""
    program = Program(warm_up_s=0)
    program.optimizer.expected_busy = lambda: True
    program.run(HOUR_S, steady(0.200))
    assert program.slow == []
    program.optimizer.expected_busy = lambda: False
    program.run(HOUR_S, steady(0.010))
    program.run(120, steady(0.100))
    assert program.slow


def test_one_slow_call_is_no_slow_operation() -> None:
    """A pause of the machine, a full disk buffer: one in ten calls takes a second."""
    program = Program()
    rng = np.random.default_rng(3)
    program.run(2 * HOUR_S, lambda _: {"advance": 1.0 if rng.random() < 0.1 else 0.01})
    assert program.slow == []


def test_growth_over_hours_is_the_trends_affair() -> None:
    """Traffic that comes up in the first morning makes a tick four times as long, by and by."""
    program = Program()
    rng = np.random.default_rng(4)

    def took(elapsed_s: float) -> dict[str, float]:
        grown = 0.010 * (1 + 3 * min(elapsed_s / (4 * HOUR_S), 1))
        return {"advance": float(grown * np.exp(0.1 * rng.standard_t(3)))}

    program.run(5 * HOUR_S, took)
    assert program.slow == []
    assert program.optimizer.trend("advance", SERVICE, 6).verdict.value == "slower"


def test_the_past_survives_a_restart(tmp_path: Path) -> None:
    """Yesterday's night is what tonight is held against."""
    first = Program(path=tmp_path / "observe.db")
    first.run(2 * HOUR_S, steady(0.010))
    first.store.close()
    again = Program(path=tmp_path / "observe.db", warm_up_s=0, start_s=first.clock.wall_s + 60)
    past = again.optimizer.pasts.of("advance", SERVICE)
    assert past is not None
    assert past.limits.samples >= 300
    again.run(105, steady(0.060))
    assert again.slow
    again.store.close()


def test_a_clock_that_ran_ahead_for_a_while_keeps_nothing_out_for_ever() -> None:
    """An hour in the wrong year: once it is right again, new past is taken as before."""
    program = Program()
    program.run(3_600, steady(0.005))
    program.clock.jump(365 * 86_400)
    program.run(3_600, steady(0.005))
    program.clock.jump(-365 * 86_400)
    program.run(2 * 3_600, steady(0.005))
    past = program.optimizer.pasts.of("advance", SERVICE)
    assert past is not None
    assert program.clock.wall_s - 1_200 <= past.tens.end_s <= program.clock.wall_s
    assert program.clock.wall_s - 7_200 <= past.hours.end_s <= program.clock.wall_s
    program.run(120, steady(0.060))
    assert gauge(program) > 3


def test_a_clock_that_is_set_back_does_not_stop_it() -> None:
    """An hour back, or a day: minutes are taken again at once, and nothing raises."""
    program = Program()
    program.run(HOUR_S, steady(0.010))
    program.clock.jump(-5 * HOUR_S)
    program.run(600, steady(0.010))
    assert program.optimizer.drops.counts() == {}


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], share: float) -> None:
    """The same figure, sooner."""
    ordered = np.sort(np.array(values))
    assert quantile(ordered, share) == pytest.approx(float(np.quantile(ordered, share)))


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 10)), min_size=1, max_size=80))
def test_a_block_holds_its_samples(samples: list[tuple[float, float]]) -> None:
    """Median, upper and peak lie in order and within the values; the total is theirs."""
    samples.sort()
    times_s, values = (np.array(column) for column in zip(*samples, strict=True))
    block = block_of(0, times_s, values)
    assert block is not None
    assert block.calls == len(values)
    assert block.total_s == pytest.approx(float(values.sum()))
    assert values.min() <= block.median_s <= block.upper_s <= values.max()
    assert block.median_s <= block.peak_s <= values.max()


@given(st.lists(st.floats(0, 5_000), max_size=60))
def test_what_is_recent_is_the_newest(times: list[float]) -> None:
    """Always the end of the list, at least five or none, and nothing old."""
    times_s = np.sort(np.array(times))
    newest = recent(times_s, times_s)
    assert len(newest) == 0 or len(newest) >= 5
    if len(newest):
        assert newest.tolist() == times_s[-len(newest) :].tolist()
        assert times_s[-1] - newest[0] <= 900


def test_chances_are_those_of_the_binomial() -> None:
    """Four of four above what one in four exceeds: one in 256."""
    assert chance_of_so_many(4, 4) == pytest.approx(1 / 256)
    assert chance_of_so_many(0, 9) == pytest.approx(1)
    assert chance_of_so_many(1, 2, 0.5) == pytest.approx(0.75)
