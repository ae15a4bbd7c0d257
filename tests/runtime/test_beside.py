from __future__ import annotations

import gc
import sys
import threading
import time

import pytest

from sectorwatch.observe import LogCorrelationContext
from sectorwatch.observe.correlation import correlation_id
from sectorwatch.runtime.beside import Beside


def raises(error: Exception) -> None:
    """Raise it."""
    raise error


def test_both_are_called_at_once_in_two_threads() -> None:
    """Each waits for the other to have begun, so neither could go first; both results come back."""
    meeting = threading.Barrier(2, timeout=10)

    def meet() -> str:
        meeting.wait()
        return threading.current_thread().name

    beside = Beside("second")
    assert beside.both(meet, meet) == ("second", threading.current_thread().name)
    assert beside.both(lambda: 1, lambda: 2) == (1, 2)


def test_what_either_raises_is_raised_once_both_have_ended() -> None:
    """An error here does not leave the other at work; that of the other comes first."""
    beside, ended = Beside("second"), threading.Event()

    def slow() -> None:
        time.sleep(0.05)
        ended.set()

    with pytest.raises(KeyError):
        beside.both(slow, lambda: raises(KeyError("here")))
    assert ended.is_set()
    with pytest.raises(OSError, match="beside"):
        beside.both(lambda: raises(OSError("beside")), lambda: raises(KeyError("here")))
    with pytest.raises(OSError, match="beside"):
        beside.both(lambda: raises(OSError("beside")), lambda: 1)


def test_the_switch_interval_is_as_it_was_afterwards() -> None:
    """Threads take turns quickly only while both are at work, also where one fails."""
    before_s = sys.getswitchinterval()
    beside = Beside("second")
    during_s, _ = beside.both(sys.getswitchinterval, lambda: None)
    assert during_s < before_s
    with pytest.raises(KeyError):
        beside.both(lambda: None, lambda: raises(KeyError()))
    assert sys.getswitchinterval() == before_s


def test_what_is_logged_beside_belongs_to_the_same_feed() -> None:
    """The other thread has the correlation id of who called it."""
    with LogCorrelationContext("one-feed"):
        assert Beside("second").both(correlation_id, lambda: None)[0] == "one-feed"


def test_the_thread_goes_with_who_made_it() -> None:
    """Ended or forgotten, it leaves no thread; after an end the next call begins another."""

    def alive() -> int:
        return sum(thread.name == "only-here" for thread in threading.enumerate())

    def wait_until(count: int) -> None:
        until_s = time.monotonic() + 60
        while alive() != count and time.monotonic() < until_s:
            time.sleep(0.01)
        assert alive() == count

    beside = Beside("only-here")
    assert alive() == 0
    beside.both(lambda: None, lambda: None)
    wait_until(1)
    beside.end()
    wait_until(0)
    assert beside.both(lambda: 1, lambda: 2) == (1, 2)
    wait_until(1)
    del beside
    gc.collect()
    wait_until(0)
