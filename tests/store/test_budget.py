from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made_ticks import START_S, demand, flight, plan, session, tick
from sectorwatch.store import DataDirectory, Retention, Store
from sectorwatch.store.files import tree_bytes
from sectorwatch.store.segments import DAY_S, HOUR_S
from sectorwatch.traffic.tick import Contact, Movement, Ownership, PlanRevision, PrefileRow, Visit
from store.dump import dump

if TYPE_CHECKING:
    from pathlib import Path

    from made_ticks import SetClock
    from postgres_server import PostgresServer

DAYS = 6
NOW_S = START_S + DAYS * DAY_S
SYDNEY = (-33.94612, 151.17723, 9_000)


def filled(store: Store) -> Store:
    """Six days, a tick every six hours, each with rows of every kind; sealed as far as due."""
    for seq in range(1, DAYS * 4 + 2):
        now = START_S + (seq - 1) * 6 * HOUR_S
        us = now * 1_000_000
        # Long enough that a day of it is more than a page of the database.
        filed = plan(remarks=f"{seq} " + "RMK/TCAS " * 900)
        store.commit(
            tick(
                seq,
                time_s=now,
                count=40,
                flights=[
                    flight(seq, "QFA1", now - 600, plan=filed, ended_s=now),
                    flight(999, "OPEN", START_S, plan=plan(remarks="open")),
                ],
                plans=[PlanRevision(seq, us, us, filed)],
                prefiles=[PrefileRow(seq, 1, "JST1", now - 60, us, filed, gone_s=now)],
                visits=[Visit(seq, 5, now - 60, *SYDNEY, now, *SYDNEY)],
                movements=[Movement(seq, "arrival", "YSSY", now, "QFA1")],
                sessions=[session(seq, "SY_TWR", now - 60, ended_s=now)],
                ownerships=[Ownership(5, now - 60, seq, "SY_TWR", "first", now)],
                contacts=[Contact(seq, seq, now - 60, 118_500, True, now)],
                demand=demand((now, 5, 1, 1)),
            )
        )
    store.seal_due(NOW_S)
    return store


def kept(store: Store) -> dict[str, int]:
    """Files in use by kind, and rows of flights."""
    tables = dump(store)
    counts: dict[str, int] = {"flight": len(tables["flight"])}
    for row in tables["segment"]:
        counts[row[1]] = counts.get(row[1], 0) + (row[9] is None)
    return counts


def test_without_bounds_everything_stays(store: Store) -> None:
    """Nothing is let go of where nothing bounds it."""
    filled(store)
    before = dump(store)
    freed = store.enforce(Retention(), NOW_S)
    assert dump(store) == before
    assert (freed.segments, freed.rows, freed.over_bytes) == ([], {}, 0)


def test_what_is_too_old_goes(store: Store, clock: SetClock) -> None:
    """Each kind goes at its own age, never younger than two days, and its files a little later."""
    filled(store)
    freed = store.enforce(Retention(positions_days=3, demand_days=4, visits_days=0), NOW_S)
    assert kept(store) == {
        "flight": 26,
        "positions": 12,
        "visits": 0,
        "contacts": 0,
        "flights": 4,
        "demand": 2,
        "network": 4,
    }
    assert len(freed.segments) == 12 + 4 + 4 + 2
    before = list(store.directory.segments.rglob("*.parquet"))
    clock.advance(601)
    store.seal_due(NOW_S)
    assert len(list(store.directory.segments.rglob("*.parquet"))) == len(before) - 22


def test_old_history_goes_with_its_plans(store: Store) -> None:
    """Past flights go with plans, movements, sessions and owners; who is still flying stays."""
    filled(store)
    freed = store.enforce(Retention(history_days=3), NOW_S)
    tables = dump(store)
    assert sorted(row[0] for row in tables["flight"]) == [*range(13, 26), 999]
    left = {"plan_revision": 13, "prefile": 13, "movement": 13, "session": 13, "ownership": 13}
    assert {name: len(tables[name]) for name in left} == left
    assert freed.rows == dict.fromkeys([*left, "flight", "flight_plan"], 12)
    known = {row[0] for row in tables["flight_plan"]}
    assert {row[7] for row in tables["flight"]} == known
    assert len(tables["tick"]) == 25
    assert store.holds(tick(1).time_us)
    # Once a day is enough.
    assert store.enforce(Retention(history_days=3), NOW_S + 60).rows == {}


def test_budget_takes_the_least_needed_first(store: Store) -> None:
    """The journal first, then positions, oldest first; demand and flights stay while that is enough."""
    filled(store)
    journal = store.directory.journal
    journal.mkdir()
    (journal / "old").write_bytes(bytes(300_000))
    asked: list[int] = []

    def free(wanted: int) -> int:
        asked.append(wanted)
        (journal / "old").unlink()
        return 300_000

    # The first measure must be of what stays when the log has been written back.
    store.enforce(Retention(budget_bytes=1 << 40), NOW_S)
    store.database.write_log_back()
    used = tree_bytes(store.directory.path)
    freed = store.enforce(Retention(budget_bytes=used - 300_500 + 70_000), NOW_S, free)
    assert len(asked) == 1
    assert asked[0] > 200_000
    assert (freed.journal_bytes, freed.segments, freed.over_bytes) == (300_000, [], 0)
    freed = store.enforce(
        Retention(budget_bytes=tree_bytes(store.directory.path) - 500), NOW_S, lambda _: 0
    )
    assert freed.segments[0] == "positions/date=2023-11-14/positions-00.parquet"
    assert {path.split("/")[0] for path in freed.segments} == {"positions"}
    assert freed.over_bytes == 0
    assert kept(store)["flight"] == 26


def test_budget_goes_on_to_rows_and_the_file_shrinks(store: Store) -> None:
    """When the files are gone, history goes a day at a time, and gives its space back to the disk."""
    filled(store)
    store.database.write_log_back()
    size = store.directory.database.stat().st_size
    target = tree_bytes(store.directory.path) - tree_bytes(store.directory.segments) - 20_000
    freed = store.enforce(Retention(budget_bytes=target), NOW_S)
    assert freed.over_bytes == 0
    assert kept(store)["positions"] == 8
    assert 10 < kept(store)["flight"] < 26
    assert store.directory.database.stat().st_size < size - 20_000
    assert kept(store)["demand"] == 4


def test_budget_that_cannot_be_met_says_by_how_much(store: Store) -> None:
    """The last two days stay, and what is still too much is told."""
    filled(store)
    freed = store.enforce(Retention(budget_bytes=1), NOW_S, lambda _: 0)
    assert kept(store) == {
        "flight": 10,
        "positions": 8,
        "contacts": 0,
        "visits": 0,
        "flights": 0,
        "demand": 0,
        "network": 0,
    }
    assert freed.over_bytes > 10_000
    track = store.tracks.track(25)
    assert track is not None


@pytest.mark.postgres
def test_budget_leaves_what_lies_elsewhere(tmp_path: Path, postgres: PostgresServer) -> None:
    """Rows on a PostgreSQL server take nothing in the data directory, so none goes for its sake."""
    with (
        DataDirectory.open(tmp_path / "data") as directory,
        Store.open(directory, postgres.new_database("elsewhere")) as store,
    ):
        rows = kept(filled(store))["flight"]
        freed = store.enforce(Retention(budget_bytes=1), NOW_S, lambda _: 0)
        assert freed.rows == {}
        assert freed.segments
        assert kept(store)["flight"] == rows


@pytest.mark.postgres
def test_postgresql_forgets_alike(store: Store, tmp_path: Path, postgres: PostgresServer) -> None:
    """On PostgreSQL the same goes and the same stays."""
    with (
        DataDirectory.open(tmp_path / "other") as other,
        Store.open(other, postgres.new_database("budget")) as second,
    ):
        for each in (store, second):
            filled(each).enforce(Retention(history_days=3, positions_days=4), NOW_S)
        assert dump(store, "meta", "segment") == dump(second, "meta", "segment")
        assert kept(store) == kept(second)
