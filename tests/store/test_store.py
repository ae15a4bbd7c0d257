from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made_ticks import START_S, full_tick
from sectorwatch.errors import StoreError
from sectorwatch.store import Checkpoint, DataDirectory, Identity, Store

if TYPE_CHECKING:
    from store.conftest import PostgresServer


def test_committed_tick_is_held_and_resumed(store: Store) -> None:
    """What was committed is held, and says where to go on."""
    assert store.resume() is None
    first = full_tick(1)
    assert store.commit(first, state=b"state" * 100, journal_position="a:1")
    assert store.commit(full_tick(2))
    assert store.holds(first.time_us)
    assert not store.holds(first.time_us + 1)
    assert store.resume() == Checkpoint(
        2, full_tick(2).time_us, START_S - 180, b"state" * 100, 1, first.time_us, "a:1", None
    )


def test_tick_out_of_order_is_refused(store: Store) -> None:
    """A tick that was committed is skipped, one that leaves a hole refused."""
    assert store.commit(full_tick(1))
    assert not store.commit(full_tick(1))
    with pytest.raises(StoreError, match="does not follow"):
        store.commit(full_tick(3))


@pytest.mark.postgres
def test_postgresql_keeps_the_same(directory: DataDirectory, postgres: PostgresServer) -> None:
    """PostgreSQL keeps a tick and skips it the second time."""
    identity = Identity("a", "b", "c")
    with Store.open(directory, postgres.new_database("one")) as store:
        store.identify(identity)
        assert store.commit(full_tick(1), state=b"x")
        assert not store.commit(full_tick(1))
        checkpoint = store.resume()
    assert checkpoint is not None
    assert (checkpoint.state, checkpoint.identity) == (b"x", identity)
