from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from made_ticks import START_S, flight, full_tick, plan, session, tick
from sectorwatch.errors import StoreError
from sectorwatch.store import Checkpoint, DataDirectory, Identity, Store
from sectorwatch.traffic.tick import NetworkCounts, PlanRevision, Visit
from store.dump import dump

if TYPE_CHECKING:
    from postgres_server import PostgresServer

ONE, TWO = Identity("airspace 1", "rules 1", "key 1"), Identity("airspace 2", "rules 1", "key 1")


def test_committed_tick_is_held_and_resumed(store: Store) -> None:
    """What was committed is held, and says where to go on."""
    assert store.resume() is None
    first = full_tick(1)
    assert store.commit(first, state=b"state" * 100, journal_position="a:1")
    assert store.commit(full_tick(2))
    assert store.holds(first.time_us)
    assert not store.holds(first.time_us + 1)
    assert store.resume() == Checkpoint(
        seq=2,
        snapshot_time_us=full_tick(2).time_us,
        final_minute_s=START_S - 180,
        state=b"state" * 100,
        state_seq=1,
        state_time_us=first.time_us,
        journal_position="a:1",
        identity=None,
    )


def test_without_a_state_there_is_still_a_last_tick(store: Store) -> None:
    """Before the first checkpoint a restart knows what is held, and begins with nothing else."""
    store.commit(tick(1), journal_position="ignored")
    checkpoint = store.resume()
    assert checkpoint is not None
    assert (checkpoint.seq, checkpoint.state, checkpoint.state_seq) == (1, None, None)
    assert checkpoint.journal_position is None


def test_only_the_last_state_is_kept(store: Store) -> None:
    """A newer state takes the place of the one before, in the same transaction as its tick."""
    for seq in range(1, 6):
        store.commit(tick(seq), state=b"%d" % seq if seq % 2 else None)
    checkpoint = store.resume()
    assert checkpoint is not None
    assert (checkpoint.seq, checkpoint.state_seq, checkpoint.state) == (5, 5, b"5")
    assert len(dump(store)["checkpoint"]) == 1


def test_damaged_state_is_told(store: Store) -> None:
    """A state that cannot be unpacked is said to be so, not handed on; the rest still stands."""
    store.commit(tick(1), state=b"state")
    with store.database.write("damaging") as connection:
        connection.execute(text("UPDATE checkpoint SET state = x'78787878'"))
    checkpoint = store.resume()
    assert checkpoint is not None
    assert (checkpoint.seq, checkpoint.state, checkpoint.state_seq) == (1, None, 1)
    assert checkpoint.problem is not None
    assert "state of tick 1 cannot be read" in checkpoint.problem


def test_second_commit_of_a_tick_changes_nothing(store: Store) -> None:
    """A tick that is made again from the journal is skipped, whatever rows it brings."""
    for seq in range(1, 4):
        assert store.commit(full_tick(seq))
    before = dump(store)
    for seq in (2, 1, 3):
        assert not store.commit(replace(full_tick(seq), flights=(flight(9, "NEW"),)))
    assert dump(store) == before


def test_tick_out_of_order_is_refused(store: Store) -> None:
    """A hole, a step back in time, or another tick of the same number is an error, with both."""
    with pytest.raises(StoreError, match=r"tick 2 of .* the last one kept, of which there is none"):
        store.commit(tick(2))
    store.commit(tick(1))
    store.commit(tick(2))
    with pytest.raises(StoreError, match=r"tick 4 of .* does not follow the last one kept, 2 of"):
        store.commit(tick(4))
    with pytest.raises(StoreError, match="does not follow"):
        store.commit(tick(3, time_s=START_S))
    with pytest.raises(StoreError, match=r"tick 2 is of .*, the one kept of 2023"):
        store.commit(tick(2, time_s=START_S + 1))
    with pytest.raises(StoreError, match=r"tick 0 is of .*, the one kept of none"):
        store.commit(tick(0))


def test_failed_commit_leaves_nothing_and_can_be_retried(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the last of many statements fails, none of the tick is there; then all of it is."""
    store.commit(full_tick(1))
    before = dump(store)

    def fail(*_: object) -> None:
        raise StoreError("no")

    with monkeypatch.context() as patched:
        patched.setattr("sectorwatch.store.commit._keep_state", fail)
        with pytest.raises(StoreError, match="no"):
            store.commit(full_tick(2), state=b"x")
    assert dump(store) == before
    assert store.commit(full_tick(2), state=b"x")


def test_a_row_replaces_the_one_with_its_key(store: Store) -> None:
    """A flight, visit or session that changed is one row still, with what is known last."""
    now, entry = START_S, (-33.5, 151.25, 9_000)
    store.commit(
        tick(
            1,
            flights=(flight(7, "QFA1"),),
            visits=(Visit(7, 5, now, *entry),),
            sessions=(session(3, "SY_TWR"),),
        )
    )
    store.commit(
        tick(
            2,
            flights=(flight(7, "QFA1", departed_s=now, departed_from="YSSY", reconnects=1),),
            visits=(Visit(7, 5, now, *entry, now + 15, -34.0, 151.0, 10_000),),
            sessions=(session(3, "SY_TWR", ended_s=now + 15),),
        )
    )
    tables = dump(store)
    assert [row[:3] + row[-6:] for row in tables["flight"]] == [
        (7, 800_007, "QFA1", now, "YSSY", None, None, None, 1)
    ]
    assert tables["visit"] == [
        (now, 7, 5, -3_350_000, 15_125_000, 9_000, now + 15, -3_400_000, 15_100_000, 10_000)
    ]
    assert tables["session"][0][-1] == now + 15


def test_a_plan_is_kept_once(store: Store) -> None:
    """One text of a plan serves all who filed it, and its last use is remembered."""
    us = START_S * 1_000_000
    for seq, number in enumerate((7, 8), start=1):
        store.commit(
            tick(
                seq,
                flights=(flight(number, "QFA1", plan=plan()),),
                plans=(PlanRevision(number, us, us + seq, plan()),),
            )
        )
    ((plan_id, last_used_s, _),) = dump(store)["flight_plan"]
    assert last_used_s == START_S + 15
    assert {row[7] for row in dump(store)["flight"]} == {plan_id}
    assert {row[-1] for row in dump(store)["plan_revision"]} == {plan_id}
    kept = store.flights.by_id(8)
    assert kept is not None
    assert kept.plan == plan()


def test_hostile_text_and_numbers_do_not_stop_a_tick(store: Store) -> None:
    """NUL, half surrogates and numbers past 32 bits are kept as far as a database can keep them."""
    counts = NetworkCounts(1, 0, 1, 0, 0, 0, 0, 0, 10**12, -(10**12))
    odd = plan("A\0B", "\ud800", revision_id=10**20)
    store.commit(tick(1, flights=(flight(7, "A\0B\udfff", plan=odd),), network=counts))
    kept = store.flights.by_id(7)
    assert kept is not None
    assert kept.plan is not None
    assert (kept.callsign, kept.plan.departure, kept.plan.arrival) == ("AB?", "AB", "?")
    assert dump(store)["network_count"][0][-2:] == (2**31 - 1, -(2**31) + 1)


def test_identity_is_kept_from_the_tick_on_that_it_holds_for(store: Store) -> None:
    """Each change of airspace, rules or key is kept once; a checkpoint says what it was made with."""
    store.identify(ONE)
    store.commit(tick(1), state=b"1")
    store.commit(tick(2))
    store.identify(TWO)
    store.commit(tick(3))
    checkpoint = store.resume()
    assert checkpoint is not None
    assert checkpoint.identity == ONE
    store.commit(tick(4), state=b"4")
    checkpoint = store.resume()
    assert checkpoint is not None
    assert checkpoint.identity == TWO
    assert [row[0] for row in dump(store)["identity"]] == [1, 3]


def test_identity_that_stays_is_not_kept_again(directory: DataDirectory) -> None:
    """A restart with the same airspace, rules and key adds nothing."""
    for seq in (1, 2):
        with Store.open(directory) as store:
            store.identify(ONE)
            store.commit(tick(seq))
            assert len(dump(store)["identity"]) == 1


def test_a_tracker_that_starts_anew_closes_what_is_open(store: Store) -> None:
    """What the lost tracker left open ends at the last tick kept, and only that."""
    assert store.close_open_rows() == 0
    store.commit(full_tick(1))
    store.commit(tick(2, flights=(flight(5, "ENDED", ended_s=START_S + 1),)))
    assert store.close_open_rows() == 8
    assert store.close_open_rows() == 0
    tables = dump(store)
    assert {row[0]: row[-2] for row in tables["flight"]} == {
        5: START_S + 1,
        1_000: START_S + 15,
        1_001: START_S + 15,
    }
    assert all(row[6] == START_S + 15 for row in tables["visit"])


@given(st.lists(st.integers(1, 8), max_size=15))
@settings(max_examples=12)
def test_any_order_of_repeats_gives_the_same_rows(asked: list[int]) -> None:
    """However ticks are repeated on the way, what is kept is what each gave once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with DataDirectory.open(path / "a") as one, Store.open(one) as plainly:
            for seq in range(1, 9):
                plainly.commit(full_tick(seq))
            wanted = dump(plainly, "meta")
        with DataDirectory.open(path / "b") as two, Store.open(two) as store:
            done = 0
            for seq in [*asked, *range(1, 9)]:
                if seq <= done + 1:
                    assert store.commit(full_tick(seq)) == (seq == done + 1)
                    done = max(done, seq)
                else:
                    with pytest.raises(StoreError):
                        store.commit(full_tick(seq))
            assert dump(store, "meta") == wanted


@pytest.mark.postgres
def test_postgresql_keeps_the_same_rows(
    store: Store, tmp_path: Path, postgres: PostgresServer
) -> None:
    """Row for row, PostgreSQL keeps what SQLite keeps."""
    with (
        DataDirectory.open(tmp_path / "other") as other,
        Store.open(other, postgres.new_database("rows")) as second,
    ):
        for each in (store, second):
            each.identify(ONE)
            for seq in range(1, 4):
                assert each.commit(full_tick(seq), state=b"x", journal_position="p\0q")
                assert not each.commit(full_tick(seq))
        assert dump(second, "meta") == dump(store, "meta")
        assert second.resume() == store.resume()
