from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.feed.pace import Pace


class SleepClock:
    """A clock that moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.s = 50.0

    def now_us(self) -> int:
        """The same moment in microseconds."""
        return int(self.s * 1_000_000)

    def monotonic_s(self) -> float:
        """Seconds slept."""
        return self.s

    async def sleep(self, seconds: float) -> None:
        """Sleep without waiting."""
        self.s += seconds
        await asyncio.sleep(0)


def pace(clock: SleepClock, jitter_s: float = 0.0) -> Pace:
    """A pace of 15 s."""
    return Pace(15, clock, jitter_s=jitter_s, sleep=clock.sleep, rng=random.Random(1))


def test_the_first_turn_comes_at_once_and_the_next_after_the_interval() -> None:
    """Nobody waits for nothing, and nobody is faster than the interval."""
    clock = SleepClock()
    made = pace(clock)
    taken = []

    async def run() -> None:
        for _ in range(4):
            await made.turn()
            taken.append(clock.s)

    asyncio.run(run())
    assert taken == [50, 65, 80, 95]


def test_jitter_only_ever_adds() -> None:
    """Turns are spread a little, and never closer than the interval."""
    clock = SleepClock()
    made = pace(clock, jitter_s=0.5)
    taken = []

    async def run() -> None:
        for _ in range(200):
            await made.turn()
            taken.append(clock.s)

    asyncio.run(run())
    gaps = [after - before for before, after in itertools.pairwise(taken)]
    assert min(gaps) >= 15
    assert max(gaps) <= 15.5 + 1e-9
    assert len({round(gap, 6) for gap in gaps}) > 100


def test_several_who_wait_get_a_turn_each() -> None:
    """Clients started at once, by a restart or by mistake, still go one after the other."""
    clock = SleepClock()
    made = pace(clock)
    taken: list[float] = []

    async def one() -> None:
        await made.turn()
        taken.append(clock.s)

    async def run() -> None:
        await asyncio.gather(*(one() for _ in range(4)))

    asyncio.run(run())
    gaps = [after - before for before, after in itertools.pairwise(taken)]
    assert min(gaps) >= 15


def test_who_gives_up_waiting_takes_no_turn() -> None:
    """Restarted ten times while waiting, the next fetch is not ten intervals away."""
    clock = SleepClock()

    async def forever(_: float) -> None:
        await asyncio.Event().wait()

    made = Pace(15, clock, jitter_s=0, sleep=forever)
    made.take()

    async def run() -> None:
        for _ in range(10):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(made.turn(), 0.001)

    asyncio.run(run())
    assert made.wait_s() == 15


def test_a_new_event_loop_keeps_the_pace() -> None:
    """The pace is the process's, whatever loop a restarted client runs in."""
    clock = SleepClock()
    made = pace(clock)
    for _ in range(3):
        asyncio.run(made.turn())
    assert clock.s == 80


def test_a_turn_that_reached_nobody_is_given_back() -> None:
    """A refused connection may be tried again sooner, but not at once."""
    clock = SleepClock()
    made = pace(clock)
    made.take()
    made.give_back(2)
    assert made.wait_s() == 2
    made.give_back(10)
    assert made.wait_s() == 2


def test_a_hold_moves_the_next_turn_away() -> None:
    """The server asked for patience; a hold shorter than what is left changes nothing."""
    clock = SleepClock()
    made = pace(clock)
    made.take()
    made.hold(5)
    assert made.wait_s() == 15
    made.hold(120)
    assert made.wait_s() == 120


@given(
    st.lists(st.tuples(st.sampled_from(["turn", "cancel", "loop"]), st.floats(0, 40)), max_size=30)
)
def test_turns_are_never_closer_than_the_interval(steps: list[tuple[str, float]]) -> None:
    """Whatever is started, stopped and begun again, at whatever moments."""
    clock = SleepClock()
    made = pace(clock, jitter_s=0.3)
    taken = []
    for what, seconds in steps:
        clock.s += seconds
        if what == "cancel":
            made.wait_s()
        else:
            asyncio.run(made.turn())
            taken.append(clock.s)
    gaps = [after - before for before, after in itertools.pairwise(taken)]
    assert all(gap >= 15 - 1e-9 for gap in gaps)
