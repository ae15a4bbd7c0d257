"""What comes and goes: a store that may be away, a journal that may be closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from sectorwatch.errors import DatabaseAwayError, JournalError
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.runtime.slots import JournalSlot, StoreSlot

if TYPE_CHECKING:
    from sectorwatch.feed.journal import Journal
    from sectorwatch.store import Store


class SetClock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def now_us(self) -> int:
        """The time set."""
        return int(self.s * 1_000_000)

    def monotonic_s(self) -> float:
        """The time set."""
        return self.s


class Opened:
    """A store or journal that notes that it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        """Note it."""
        self.closed += 1


class Door:
    """Opens stores, or fails to."""

    def __init__(self) -> None:
        self.is_shut = False
        self.knocks = 0

    def open(self) -> Store:
        """A store."""
        self.knocks += 1
        if self.is_shut:
            raise DatabaseAwayError(f"nobody opens, knock {self.knocks}")
        return cast("Store", Opened())


def slot_of(door: Door) -> tuple[StoreSlot, SetClock]:
    """A slot with its breaker, and their clock."""
    clock = SetClock()
    breaker = CircuitBreaker("database", clock, failures_to_open=1, open_s=1.0, max_open_s=4.0)
    return StoreSlot(door.open, breaker), clock


def test_a_store_is_there_from_start_to_stop() -> None:
    """Before and after, asking for it is told in words that it is closed."""
    slot, _ = slot_of(Door())
    for asked in (slot.ask, slot.get):
        with pytest.raises(DatabaseAwayError, match="closed"):
            asked()
    slot.start()
    slot.start()
    store = slot.ask()
    assert slot.get() is store
    assert slot.current is store
    slot.stop()
    slot.stop()
    assert cast("Opened", store).closed == 1
    assert slot.current is None


def test_a_database_that_is_away_is_tried_at_growing_intervals() -> None:
    """Who commits tries again when the breaker says so; who asks does not disturb it."""
    door = Door()
    door.is_shut = True
    slot, clock = slot_of(door)
    slot.start()
    for _ in range(5):
        with pytest.raises(DatabaseAwayError, match="knock 1"):
            slot.get()
        with pytest.raises(DatabaseAwayError, match="knock 1"):
            slot.ask()
    assert door.knocks == 1
    clock.s += 1.1
    with pytest.raises(DatabaseAwayError, match="knock 2"):
        slot.get()
    clock.s += 1.1
    with pytest.raises(DatabaseAwayError, match="knock 2"):
        slot.get()
    door.is_shut = False
    clock.s += 1.0
    store = slot.get()
    slot.succeeded()
    assert slot.breaker.state.state == "closed"
    assert slot.ask() is store


def test_a_failed_commit_keeps_the_store_and_rests() -> None:
    """A database that stops answering is left alone for a while, and its store stays open."""
    slot, clock = slot_of(Door())
    slot.start()
    error = DatabaseAwayError("gone amid a commit")
    slot.get()
    slot.failed(error)
    with pytest.raises(DatabaseAwayError, match="amid a commit") as caught:
        slot.get()
    # What was raised while the breaker rests is no failure of its own.
    slot.failed(caught.value)
    assert slot.breaker.state.failures == 1
    clock.s += 1.1
    slot.get()
    slot.succeeded()
    assert slot.breaker.state.state == "closed"


def test_a_journal_is_there_from_open_to_close() -> None:
    """A closed journal says so."""
    journals = [Opened(), Opened()]
    slot = JournalSlot(lambda: cast("Journal", journals[0]))
    with pytest.raises(JournalError, match="closed"):
        slot.get()
    journal = slot.open()
    assert slot.get() is journal
    slot.close()
    slot.close()
    assert journals[0].closed == 1
