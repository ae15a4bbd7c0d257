from __future__ import annotations

import threading

from sectorwatch.feed.breaker import BreakerState, CircuitBreaker


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def now_us(self) -> int:
        """A time of day that moves with the other."""
        return int(self.s * 1_000_000)

    def monotonic_s(self) -> float:
        """What the test set."""
        return self.s


def breaker(clock: HandClock, changes: list[BreakerState] | None = None) -> CircuitBreaker:
    """One that opens after three failures for 10 s, at most 35 s."""
    return CircuitBreaker(
        "db",
        clock,
        failures_to_open=3,
        open_s=10,
        max_open_s=35,
        on_change=None if changes is None else changes.append,
    )


def opened(clock: HandClock) -> CircuitBreaker:
    """One that has just opened."""
    made = breaker(clock)
    for _ in range(3):
        assert made.allows()
        made.failed("refused")
    return made


def test_closed_it_lets_everything_through() -> None:
    """Failures fewer than the threshold, or with successes between, change nothing."""
    made = breaker(HandClock())
    for _ in range(5):
        made.failed("refused")
        made.failed("refused")
        made.succeeded()
        assert made.allows()
    assert made.wait_s() == 0
    assert made.state == BreakerState("db", "closed", 0, None, None, "refused", 0)


def test_it_opens_after_failures_in_a_row_and_says_so() -> None:
    """Open, nothing gets through; its state says since when, why, and until when."""
    clock = HandClock()
    made = opened(clock)
    assert not made.allows()
    assert made.wait_s() == 10
    assert made.state == BreakerState("db", "open", 3, 1_000_000_000, 1_010_000_000, "refused", 1)


def test_after_its_time_one_trial_gets_through() -> None:
    """Half-open, the first caller tries; nobody else does until that one is back."""
    clock = HandClock()
    made = opened(clock)
    clock.s += 10
    assert made.wait_s() == 0
    assert made.allows()
    assert made.state.state == "half_open"
    assert not made.allows()


def test_a_trial_that_goes_well_closes_it() -> None:
    """And the next failure counts from one again."""
    clock = HandClock()
    made = opened(clock)
    clock.s += 10
    assert made.allows()
    made.succeeded()
    assert made.state.state == "closed"
    made.failed("timeout")
    assert made.state.state == "closed"
    assert made.state.failures == 1


def test_a_trial_that_fails_opens_it_for_longer() -> None:
    """Twice as long each time, up to the most; `opened_at_us` stays the first."""
    clock = HandClock()
    made = opened(clock)
    waits = []
    for _ in range(4):
        clock.s += made.wait_s()
        assert made.allows()
        made.failed("timeout")
        waits.append(made.wait_s())
    assert waits == [20, 35, 35, 35]
    state = made.state
    assert (state.opened_at_us, state.opened_times, state.failures) == (1_000_000_000, 5, 7)
    clock.s += made.wait_s()
    assert made.allows()
    made.succeeded()
    for _ in range(3):
        made.failed("refused")
    assert made.wait_s() == 10


def test_a_trial_that_never_comes_back_does_not_block_forever() -> None:
    """A caller that died is replaced after the longest time it might have been open."""
    clock = HandClock()
    made = opened(clock)
    clock.s += 10
    assert made.allows()
    clock.s += 34
    assert not made.allows()
    clock.s += 1
    assert made.allows()


def test_a_trial_that_was_left_undecided_is_anybody_s() -> None:
    """Stopped amid the trial, whoever comes next tries at once; otherwise it changes nothing."""
    clock = HandClock()
    made = opened(clock)
    made.gave_up()
    assert not made.allows()
    clock.s += 10
    assert made.allows()
    made.gave_up()
    assert made.allows()
    assert not made.allows()


def test_a_late_failure_does_not_lengthen_what_is_open() -> None:
    """A call begun before it opened may fail after: it counts, and moves nothing."""
    clock = HandClock()
    made = opened(clock)
    clock.s += 4
    made.failed("timeout")
    assert made.wait_s() == 6
    assert made.state.failures == 4


def test_each_change_is_told_once() -> None:
    """Whoever watches hears of opening, trying and closing, not of every call."""
    clock = HandClock()
    changes: list[BreakerState] = []
    made = breaker(clock, changes)
    for _ in range(3):
        made.failed("x")
    clock.s += 10
    made.allows()
    made.allows()
    made.succeeded()
    made.succeeded()
    assert [change.state for change in changes] == ["open", "half_open", "closed"]


def test_many_threads_get_one_trial() -> None:
    """Asked by all at once, exactly one is told to try."""
    clock = HandClock()
    made = opened(clock)
    clock.s += 10
    told: list[bool] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        told.append(made.allows())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 7 + [True]
