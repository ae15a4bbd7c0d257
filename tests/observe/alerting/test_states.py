from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe import AlertState
from sectorwatch.observe.alerting.states import (
    Track,
    Transition,
    Waits,
    begun_anew,
    continued,
    step,
)

_WAITS = st.builds(
    Waits,
    st.sampled_from([0.0, 15.0, 60.0, 300.0]),
    st.sampled_from([0.0, 30.0, 120.0]),
    st.sampled_from([60.0, 300.0]),
)
_SEEN = st.lists(
    st.tuples(st.sampled_from([True, False, None]), st.sampled_from([1.0, 15.0, 40.0])),
    max_size=80,
)


@dataclass
class Walk:
    """A track led through what is seen, with all that happened."""

    waits: Waits
    track: Track = field(default_factory=Track)
    now_s: float = 0.0
    log: list[tuple[float, bool | None, Transition | None]] = field(default_factory=list)

    def see(self, is_met: bool | None, after_s: float) -> Transition | None:
        """Look once more."""
        self.now_s += after_s
        self.track, happened = step(self.track, is_met, self.now_s, self.waits)
        self.log.append((self.now_s, is_met, happened))
        return happened


@given(_WAITS, _SEEN)
def test_nothing_begins_or_ends_before_its_time(
    waits: Waits, seen: list[tuple[bool | None, float]]
) -> None:
    """It begins when met throughout `for_s`, ends after it was not met or unknown long enough."""
    walk = Walk(waits)
    for is_met, after_s in seen:
        walk.see(is_met, after_s)
    firing = False
    for at, (now_s, is_met, happened) in enumerate(walk.log):
        before = walk.log[:at]
        if happened is Transition.BEGINS:
            assert not firing
            assert is_met
            run = []
            for then_s, was, other in reversed(before):
                if not was or other is Transition.ENDS:
                    break
                run.append(then_s)
            since_s = run[-1] if run else now_s
            assert now_s - since_s >= waits.for_s
            firing = True
        elif happened is Transition.ENDS:
            assert firing
            assert not is_met
            run = []
            for then_s, was, _ in reversed(before):
                if was:
                    break
                run.append(then_s)
            lasted_s = now_s - (run[-1] if run else now_s)
            assert lasted_s >= min(waits.keep_firing_for_s, waits.unknown_s)
            firing = False
    assert firing == (walk.track.state is AlertState.FIRING)


@given(_WAITS, _SEEN)
def test_nothing_is_ever_stuck(waits: Waits, seen: list[tuple[bool | None, float]]) -> None:
    """Whatever was: met for long it fires, not met or unknown for long it does not."""
    walk = Walk(waits)
    for is_met, after_s in seen:
        walk.see(is_met, after_s)
    for final in (True, False, True, None):
        for _ in range(40):
            walk.see(final, 15.0)
        assert walk.track.state is (AlertState.FIRING if final else None)


@given(_WAITS, _SEEN, _SEEN)
def test_after_a_jump_every_wait_begins_anew(
    waits: Waits, seen: list[tuple[bool | None, float]], after: list[tuple[bool | None, float]]
) -> None:
    """What fires goes on firing, what was pending is not; the time before counts for nothing."""
    walk = Walk(waits)
    for is_met, after_s in seen:
        walk.see(is_met, after_s)
    was_firing = walk.track.state is AlertState.FIRING
    walk.track = begun_anew(walk.track)
    walk.log.clear()
    assert walk.track.state is (AlertState.FIRING if was_firing else None)
    jumped_s = walk.now_s
    for is_met, after_s in after:
        if happened := walk.see(is_met, after_s):
            wait_s = (
                waits.for_s
                if happened is Transition.BEGINS
                else min(waits.keep_firing_for_s, waits.unknown_s)
            )
            assert walk.now_s - jumped_s >= wait_s
            break


@pytest.mark.parametrize("gap", [False, None])
def test_a_gap_while_pending_begins_anew(gap: bool | None) -> None:
    """Not met, or not known, once: the wait is over."""
    walk = Walk(Waits(for_s=30))
    walk.see(True, 15)
    walk.see(True, 15)
    assert walk.track.state is AlertState.PENDING
    walk.see(gap, 15)
    walk.see(True, 15)
    assert walk.see(True, 15) is None
    assert walk.see(True, 15) is Transition.BEGINS


def test_a_short_pause_does_not_end_what_is_kept() -> None:
    """While `keep_firing_for` lasts the same alert goes on."""
    walk = Walk(Waits(keep_firing_for_s=60))
    assert walk.see(True, 15) is Transition.BEGINS
    assert [walk.see(is_met, 15) for is_met in (False, False, True, False, False)] == [None] * 5
    assert [walk.see(False, 15) for _ in range(3)] == [None, None, Transition.ENDS]


def test_one_of_an_earlier_run_goes_on() -> None:
    """It does not begin again; where its condition is not met, it ends once it is held no more."""
    walk = Walk(Waits(for_s=60), continued(0.0, held_s=50))
    assert walk.see(None, 15) is None
    assert walk.see(True, 15) is None
    assert walk.see(False, 15) is None
    assert walk.see(False, 15) is Transition.ENDS
