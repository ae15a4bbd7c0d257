from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe.profiling.disk_slope import DiskSlope
from sectorwatch.observe.profiling.leaks import LeakDetector
from sectorwatch.observe.profiling.spikes import CpuSpikes
from sectorwatch.observe.profiling.trends import steadiness, trend_of

if TYPE_CHECKING:
    from collections.abc import Callable

MB = 1e6
HOUR = 3_600


# Trends.


@given(
    st.lists(st.floats(-1e12, 1e12), min_size=3, max_size=30),
    st.floats(0.1, 100),
)
def test_a_trend_is_always_a_number(values: list[float], step_s: float) -> None:
    """Whatever the series is; what rises has more than half a chance of it."""
    times = [at * step_s for at in range(len(values))]
    trend = trend_of(times, values)
    assert trend is not None
    assert math.isfinite(trend.slope)
    assert 0 <= trend.p_rising <= 1
    rising = trend_of(times, sorted(values))
    assert rising is not None
    assert rising.p_rising >= 0.5
    assert math.isfinite(steadiness(times, values))


def test_a_trend_needs_points_and_time() -> None:
    """None of two points, nor of points at one moment."""
    assert trend_of([0, 1], [0, 1]) is None
    assert trend_of([1, 1, 1], [0, 1, 2]) is None


def test_a_few_odd_values_do_not_move_a_slope() -> None:
    """A tenth of them may be anything."""
    values = [float(at) for at in range(50)]
    values[7] = values[23] = values[40] = 1e9
    trend = trend_of(list(range(50)), values)
    assert trend is not None
    assert trend.slope == pytest.approx(1.0, abs=0.1)


def test_a_step_is_not_steady_and_a_line_is() -> None:
    """Long series are thinned, and say the same."""
    times = list(range(1_000))
    assert steadiness(times, [2.0 * at for at in times]) == pytest.approx(1, abs=0.01)
    assert steadiness(times, [0.0 if at < 500 else 9.0 for at in times]) <= 0.01
    assert steadiness(times, [1 - math.exp(-at / 200) for at in times]) < 0.5


# The disk.


def foreseen(free: Callable[[float], float], *, until_s: float, step_s: float = 60) -> list[float]:
    """When each look at a disk foresees it full, inf where it does not."""
    slope, found = DiskSlope(), []
    at_s = 0.0
    while at_s <= until_s:
        forecast = slope.add(at_s, free(at_s))
        found.append(math.inf if forecast is None else forecast.full_in_s)
        at_s += step_s
    return found


def test_a_disk_that_falls_evenly_is_foreseen_to_the_hour() -> None:
    """After five hours, two days before it is full."""
    found = foreseen(lambda at_s: 100e9 - 500_000 * at_s, until_s=5.5 * HOUR)
    left_s = (100e9 - 500_000 * 5.5 * HOUR) / 500_000
    assert found[-1] == pytest.approx(left_s, rel=0.02)
    assert min(found[: 4 * 60]) == math.inf


def test_a_sawtooth_that_comes_back_is_no_falling_disk() -> None:
    """A journal that is pruned every hour takes 1.5 GB of 20 and gives it back."""
    found = foreseen(lambda at_s: 20e9 - 1.5e9 * (at_s % HOUR) / HOUR, until_s=20 * HOUR)
    assert min(found) == math.inf


def test_a_sawtooth_that_sinks_is_foreseen_by_its_lowest_points() -> None:
    """Each hour leaves 100 MB less."""
    found = foreseen(
        lambda at_s: 20e9 - 1.5e9 * (at_s % HOUR) / HOUR - 1e8 * (at_s // HOUR), until_s=12 * HOUR
    )
    assert found[-1] == pytest.approx(20e9 / 1e8 * HOUR, rel=0.2)


def test_a_disk_that_fills_within_a_minute_is_foreseen_within_half_of_one() -> None:
    """By looks five seconds apart, each some noise off."""
    noise = random.Random(4)
    found = foreseen(lambda at_s: 600e6 - 10e6 * at_s + noise.uniform(0, 2e6), until_s=30, step_s=5)
    assert min(found) < 60


def test_sealing_an_hour_is_a_burst_and_no_falling_disk() -> None:
    """60 MB within ten seconds of a disk that has 2 GB left."""
    found = foreseen(lambda at_s: 2e9 - 6e6 * min(10, max(0, at_s - 100)), until_s=600, step_s=5)
    assert min(found) == math.inf


# The processor.


def spikes(percents: list[float], *, step_s: float = 5.0, usual: float | None = None) -> list[bool]:
    """Whether there is a spike after each interval."""
    detector = CpuSpikes()
    at_s = 0.0
    for _ in range(0 if usual is None else 120):
        at_s += step_s
        assert detector.add(at_s, step_s, usual or 0.0) is None
    found = []
    for percent in percents:
        at_s += step_s
        found.append(detector.add(at_s, step_s, percent) is not None)
    return found


def test_a_thread_that_spins_is_a_spike_after_half_a_minute() -> None:
    """And none any more once it has ended for some seconds."""
    found = spikes([100.0] * 10 + [5.0] * 5, usual=5.0)
    assert found.index(True) == 5
    assert found[9]
    assert not found[-1]


@pytest.mark.parametrize(
    ("percents", "usual"),
    [
        ([100.0] * 5 + [5.0] + [100.0] * 5, 5.0),
        ([60.0] * 50, 5.0),
        ([180.0, 5.0] * 30, 5.0),
        ([75.0] * 50, 50.0),
    ],
)
def test_what_is_short_or_usual_is_no_spike(percents: list[float], usual: float) -> None:
    """25 s of it, a process that works, bursts, and little above what it always does."""
    assert not any(spikes(percents, usual=usual))


def test_known_work_is_no_spike_nor_its_beginning() -> None:
    """A history that is flown at full speed; and what follows has its own half minute."""
    detector = CpuSpikes()
    for at in range(40):
        assert detector.add(at * 5.0, 5.0, 130.0, busy=True) is None
    found = [detector.add(200 + at * 5.0, 5.0, 130.0) for at in range(6)]
    assert [each is not None for each in found] == [False] * 5 + [True]
    assert detector.usual == 0.0


def test_in_a_container_a_spike_is_what_it_may_use() -> None:
    """Of half a processor, 46 % is nearly all."""
    detector = CpuSpikes()
    found = [detector.add(at * 5.0, 5.0, 46.0, cores=0.5) for at in range(8)]
    assert found[-1] is not None
    assert found[-1].percent == pytest.approx(46)


def test_looks_a_minute_apart_are_enough_for_a_spike() -> None:
    """Where time is simulated, each covers more than half a minute."""
    assert spikes([100.0], step_s=60.0, usual=40.0) == [True]


# Memory.


def leaks(
    resident_mb: Callable[[float], float],
    *,
    until_s: float,
    step_s: float = 5.0,
    blocks: Callable[[float], float] = lambda _: 1e6,
) -> list[str]:
    """The scales on which there is a leak at any time."""
    detector, found = LeakDetector(), set()
    at_s = 0.0
    while at_s <= until_s:
        for trend in detector.add(at_s, resident_mb(at_s) * MB, blocks(at_s)):
            if trend.is_leak:
                found.add(trend.scale)
        at_s += step_s
    return sorted(found)


def test_a_megabyte_a_second_is_a_leak_within_three_minutes() -> None:
    """With some noise on it."""
    noise = random.Random(1)
    assert leaks(lambda at_s: 250 + at_s + noise.uniform(0, 8), until_s=175) == ["minutes"]


def test_a_few_megabytes_an_hour_are_a_leak_within_a_day() -> None:
    """20 MB an hour among 30 MB that come and go."""
    noise = random.Random(2)
    found = leaks(
        lambda at_s: 250 + 20 * at_s / HOUR + noise.choice([0, 0, 0, 30]),
        until_s=10 * HOUR,
        step_s=60,
        blocks=lambda at_s: 1e6 + 40 * at_s,
    )
    assert found == ["hours"]


@pytest.mark.parametrize(
    "resident_mb",
    [
        # Warming up: 200 to 330 MB over days, most of it on the first.
        lambda at_s: 330 - 130 * math.exp(-at_s / (8 * HOUR)),
        # The same within the first hour.
        lambda at_s: 300 - 100 * math.exp(-at_s / 1_200),
        # Once more memory, for good: a month was asked for.
        lambda at_s: 250 if at_s < 5_000 else 420,
        # Breathing: an hour is sealed, and given back.
        lambda at_s: 280 + (60 if at_s % HOUR < 240 else 0),
        # Growing within each hour, and falling back.
        lambda at_s: 260 + 50 * (at_s % HOUR) / HOUR,
        # Still.
        lambda _: 300.0,
    ],
)
def test_what_is_no_leak_is_silent(resident_mb: Callable[[float], float]) -> None:
    """For a day, by looks two minutes apart."""
    noise = random.Random(3)
    found = leaks(
        lambda at_s: resident_mb(at_s) + noise.uniform(0, 4), until_s=24 * HOUR, step_s=120
    )
    assert found == []


def by_day_mb(at_s: float) -> float:
    """From 0 at night to 1 by day."""
    return 0.5 - 0.5 * math.cos(2 * math.pi * (at_s / HOUR - 3) / 24)


@pytest.mark.parametrize(("swing_mb", "tau_h"), [(40, 20), (60, 12)])
def test_mornings_are_no_leak_and_warming_up_for_days_is_none(swing_mb: int, tau_h: int) -> None:
    """More traffic, more values of Python's, every day anew, while 130 MB come to stay."""
    noise = random.Random(4)
    found = leaks(
        lambda at_s: (
            200
            + 130 * (1 - math.exp(-at_s / HOUR / tau_h))
            + swing_mb * by_day_mb(at_s)
            + noise.choice([0, 0, 0, 20])
        ),
        until_s=72 * HOUR,
        step_s=120,
        blocks=lambda at_s: 1e6 + 8_000 * swing_mb * by_day_mb(at_s) + noise.gauss(0, 2_000),
    )
    assert found == []


def test_a_small_leak_beside_day_and_night_is_told_on_the_second_day() -> None:
    """10 MB an hour: higher each day than on the day before."""
    noise = random.Random(4)
    found = leaks(
        lambda at_s: 250 + 10 * at_s / HOUR + 20 * by_day_mb(at_s) + noise.choice([0, 0, 0, 20]),
        until_s=48 * HOUR,
        step_s=120,
        blocks=lambda at_s: 1e6 + 40 * at_s,
    )
    assert found == ["hours"]


def test_a_history_that_is_flown_is_no_leak() -> None:
    """What is taken while the process is busy counts for nothing, nor does what led there."""
    detector = LeakDetector()
    for at in range(60):
        assert detector.add(at * 5.0, (200 + 5 * at) * MB, 1e6, busy=True) == []
    assert detector.add(305, 500 * MB, 1e6) == []
