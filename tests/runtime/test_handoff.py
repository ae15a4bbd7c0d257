"""A recording read ahead: nothing lost between one reader and the next."""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.runtime.handoff import Handoff

if TYPE_CHECKING:
    from collections.abc import Iterator


class Recording:
    """A source of numbered feeds that can be told to wait before one, or to fail after all."""

    name = "numbers"
    is_live = False
    is_simulated = True

    def __init__(self, count: int, *, wait_at: int = -1, error: Exception | None = None) -> None:
        self.count = count
        self.wait_at = wait_at
        self.error = error
        self.closed = threading.Event()
        self.given = 0

    def now_us(self) -> int:
        """The number of the feed given last."""
        return self.given

    def close(self) -> None:
        """End, also where it waits."""
        self.closed.set()

    def __iter__(self) -> Iterator[RawFeed]:
        """Numbered feeds."""
        for number in range(self.count):
            if number == self.wait_at:
                self.closed.wait(60)
            if self.closed.is_set():
                return
            self.given = number
            yield RawFeed(Kind.FEED, b"", number)
        if self.error is not None:
            raise self.error


def numbers(source: Handoff, count: int | None = None) -> list[int]:
    """The numbers of the next feeds."""
    return [raw.received_at_us for raw in islice(source, count)]


def test_a_second_reader_goes_on_where_the_first_stopped() -> None:
    """Closing between two feeds loses none of them."""
    handoff = Handoff(Recording(10))
    handoff.open()
    first = numbers(handoff, 4)
    handoff.close()
    assert numbers(handoff) == []
    handoff.open()
    assert first + numbers(handoff) == list(range(10))
    assert numbers(handoff) == []


def test_it_says_of_itself_what_the_source_says() -> None:
    """Name, kind and time are the source's."""
    recording = Recording(3)
    handoff = Handoff(recording)
    assert (handoff.name, handoff.is_live, handoff.is_simulated) == ("numbers", False, True)
    handoff.open()
    numbers(handoff)
    assert handoff.now_us() == 2


def test_closing_wakes_a_reader_that_waits() -> None:
    """A reader of a source that waits for its time can be stopped at once."""
    recording = Recording(3, wait_at=1)
    handoff = Handoff(recording)
    handoff.open()
    taken: list[int] = []
    reader = threading.Thread(target=lambda: taken.extend(numbers(handoff)))
    reader.start()
    handoff.close()
    reader.join(60)
    assert not reader.is_alive()
    handoff.open()
    recording.wait_at = -1
    recording.closed.set()
    handoff.end()


def test_it_reads_no_further_ahead_than_it_must() -> None:
    """However long the recording is, only a few of its feeds are in memory."""
    recording = Recording(1_000)
    handoff = Handoff(recording)
    handoff.open()
    assert numbers(handoff, 1) == [0]
    assert recording.given <= 4
    handoff.end()
    assert recording.closed.is_set()


def test_what_the_source_raises_is_raised_to_the_reader() -> None:
    """An error in reading ahead is no silent end."""
    handoff = Handoff(Recording(2, error=OSError("disk gone")))
    handoff.open()
    with pytest.raises(OSError, match="disk gone"):
        numbers(handoff)
