from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.feed.sources import LiveSource, PacedSource, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

S = 1_000_000


def feed(time_s: float) -> RawFeed:
    """A feed received at a time."""
    return RawFeed(kind=Kind.FEED, payload=b"{}", received_at_us=round(time_s * S))


class HandClock:
    """A clock that waiting moves."""

    def __init__(self) -> None:
        self.s = 500.0
        self.waits: list[float] = []

    def now_us(self) -> int:
        """A wall clock that has nothing to do with the other."""
        return 77

    def monotonic_s(self) -> float:
        """What was waited, and what a test added."""
        return self.s

    def wait(self, seconds: float) -> bool:
        """Wait without waiting."""
        self.waits.append(round(seconds, 6))
        self.s += seconds
        return False


class Recorded:
    """A source of given feeds."""

    name = "recorded"
    is_live = False
    is_simulated = True

    def __init__(self, times_s: list[float]) -> None:
        self.times_s = times_s
        self.closed = False

    def __iter__(self) -> Iterator[RawFeed]:
        """The feeds."""
        return iter([feed(time_s) for time_s in self.times_s])

    def now_us(self) -> int:
        """Not asked."""
        raise NotImplementedError

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def test_live_feeds_come_in_the_order_they_were_offered() -> None:
    """Those in line when it is closed are still handed out; then the iteration ends."""
    source: Source = LiveSource(HandClock())
    assert isinstance(source, LiveSource)
    for number in range(3):
        source.offer(feed(number))
    source.close()
    assert [raw.received_at_us for raw in source] == [0, S, 2 * S]
    assert (source.is_live, source.is_simulated, source.name, source.now_us()) == (
        True,
        False,
        "VATSIM",
        77,
    )


def test_a_live_source_waits_for_what_comes() -> None:
    """The reading thread sleeps until a feed is there, and until it is closed."""
    source = LiveSource()
    got: list[int] = []
    reader = threading.Thread(target=lambda: got.extend(raw.received_at_us for raw in source))
    reader.start()
    for number in range(20):
        source.offer(feed(number))
        time.sleep(0.001)
    source.close()
    reader.join(60)
    assert got == [number * S for number in range(20)]


def test_a_waiting_reader_ends_when_closed() -> None:
    """Closing wakes it at once, with nothing in line."""
    source = LiveSource()
    reader = threading.Thread(target=lambda: list(source))
    reader.start()
    source.close()
    reader.join(60)
    assert not reader.is_alive()


def test_a_line_that_is_full_lets_the_oldest_go() -> None:
    """A reader that is behind loses what is oldest, and it is counted."""
    source = LiveSource(capacity=3)
    for number in range(5):
        source.offer(feed(number))
    source.close()
    source.offer(feed(9))
    assert [raw.received_at_us for raw in source] == [2 * S, 3 * S, 4 * S]
    assert source.dropped == 3


def test_a_recording_is_played_at_its_own_pace() -> None:
    """Each feed comes as long after the first as it did then, divided by the speed."""
    clock = HandClock()
    paced: Source = PacedSource(Recorded([100, 115, 115, 130]), 5, clock=clock, wait=clock.wait)
    moments = [(clock.s - 500, paced.now_us() / S) for _ in paced]
    assert moments == [(0, 100), (3, 115), (3, 115), (6, 130)]
    assert (paced.name, paced.is_live, paced.is_simulated) == ("recorded", False, True)


def test_a_slow_consumer_is_waited_for_and_then_caught_up() -> None:
    """What the consumer took is taken off the next wait; lateness does not add up."""
    clock = HandClock()
    paced = PacedSource(Recorded([0, 10, 20, 30]), clock=clock, wait=clock.wait)
    for raw in paced:
        clock.s += 0.25 if raw.received_at_us else 4
    assert clock.waits == [6, 9.75, 9.75]


def test_a_consumer_that_is_too_slow_is_not_rushed_after() -> None:
    """More than a second late, time in the recording is what the consumer makes of it."""
    clock = HandClock()
    paced = PacedSource(Recorded([0, 10, 20, 30]), clock=clock, wait=clock.wait)
    for raw in paced:
        clock.s += 13 if raw.received_at_us < 20 * S else 0
    assert clock.waits == [10]


def test_a_gap_is_waited_for_only_so_long() -> None:
    """Feeds a month apart play a minute apart, and time jumps."""
    clock = HandClock()
    paced = PacedSource(Recorded([0, 2_600_000, 2_600_015]), clock=clock, wait=clock.wait)
    times = [paced.now_us() / S for _ in paced]
    assert clock.waits == [60, 15]
    assert times == [0, 2_600_000, 2_600_015]


def test_the_beginning_of_a_recording_may_come_at_once() -> None:
    """What was received before a moment is not waited for; what follows keeps its pace."""
    clock = HandClock()
    recorded = Recorded([0, 15, 30, 45, 60])
    paced = PacedSource(recorded, clock=clock, wait=clock.wait, at_once_until_us=lambda: 40 * S)
    moments = [(clock.s - 500, paced.now_us() / S) for _ in paced]
    assert moments == [(0, 0), (0, 15), (0, 30), (15, 45), (30, 60)]


def test_time_runs_on_between_feeds() -> None:
    """Asked while waiting it is between the two, and never past the next."""
    clock = HandClock()
    seen = []

    def wait(seconds: float) -> bool:
        clock.s += seconds / 2
        seen.append(paced.now_us() / S)
        clock.s += seconds * 3
        seen.append(paced.now_us() / S)
        return False

    paced = PacedSource(Recorded([100, 110]), 2, clock=clock, wait=wait)
    assert paced.now_us() == 0
    for _ in paced:
        pass
    assert seen == [105, 110]
    clock.s += 5
    assert paced.now_us() / S == 120


def test_time_never_runs_back_with_the_recording() -> None:
    """A feed that was received before the one before it comes at once."""
    clock = HandClock()
    paced = PacedSource(Recorded([100, 90, 110]), clock=clock, wait=clock.wait)
    assert [paced.now_us() / S for _ in paced] == [100, 90, 110]
    assert clock.waits == [10]


def test_a_paced_source_can_be_closed_while_it_waits() -> None:
    """The waiting thread ends at once, and so does what it plays."""
    recorded = Recorded([0, 1_000])
    paced = PacedSource(recorded, 1)
    got: list[RawFeed] = []
    reader = threading.Thread(target=lambda: got.extend(paced))
    reader.start()
    while not got and reader.is_alive():
        time.sleep(0.001)
        if paced._next_us is not None:
            break
    paced.close()
    reader.join(60)
    assert not reader.is_alive()
    assert recorded.closed
    assert list(paced) == []


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_plays_nothing_is_refused(speed: float) -> None:
    """The value is named."""
    with pytest.raises(ValueError, match=str(speed)):
        PacedSource(Recorded([]), speed)


def test_a_simulated_network_has_a_time_of_its_own() -> None:
    """It is that of its last feed and goes on as the wall clock does; before the first, 0."""
    clock = HandClock()
    source = LiveSource(clock, is_simulated=True, name="made")
    assert (source.is_live, source.is_simulated, source.now_us()) == (True, True, 0)
    source.tell_time(1_000 * S, received_at_us=77 - 3)
    assert source.now_us() == 1_000 * S + 3
    real = LiveSource(clock)
    real.tell_time(1_000 * S, received_at_us=74)
    assert (real.is_simulated, real.now_us()) == (False, 77)


def test_a_line_says_when_it_is_half_full() -> None:
    """Whoever can wait asks no more from then on, and nothing is let go."""
    source = LiveSource(capacity=4)
    source.offer(feed(1))
    assert source.has_room()
    source.offer(feed(2))
    assert not source.has_room()
