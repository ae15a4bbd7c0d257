"""A data directory of an earlier version, brought up to date with all that is in it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from alembic import command
from sqlalchemy import insert, select

from made_ticks import START_S, demand, full_tick, session, tick
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.database import Database
from sectorwatch.store.migrate import alembic_config
from sectorwatch.store.parquet import read_segment, write_segment
from sectorwatch.store.segments import CONTACTS, DAY_S, DEMAND
from sectorwatch.traffic.tick import Contact
from store.dump import dump
from store.test_migrate import differences

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from postgres_server import PostgresServer

# Demand as it was sealed before contacts were kept.
OLD_DEMAND = dataclasses.replace(
    DEMAND, columns={n: c for n, c in DEMAND.columns.items() if n != "in_contact"}
)


def old_database(directory: DataDirectory, url: str | None = None) -> None:
    """The tables of the first version with some rows."""
    database = Database.open(directory, url)
    with database.write("making it") as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            insert(schema.meta).values(name="instance_id", value=directory.instance_id)
        )
        for minute in range(3):
            row = {"minute_s": START_S + 60 * minute, "sector_id": 5, "occupancy": minute}
            connection.execute(insert(schema.demand).values(**row, entries=1))
        connection.execute(insert(schema.gap).values(start_s=START_S, end_s=START_S + 400))
    database.close()


@pytest.mark.parametrize(
    "on_postgresql", [False, pytest.param(True, marks=pytest.mark.postgres)], ids=["sqlite", "pg"]
)
def test_old_tables_are_changed_with_what_is_in_them(
    directory: DataDirectory, request: pytest.FixtureRequest, on_postgresql: bool
) -> None:
    """Rows stay, what nobody knew then is null, and new ticks go in beside them."""
    url = None
    if on_postgresql:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database("older")
    old_database(directory, url)
    with Store.open(directory, url) as store:
        assert differences(store) == []
        assert dump(store)["demand"] == [(START_S + 60 * m, 5, m, 1, None) for m in range(3)]
        assert dump(store)["gap"] == [(START_S, START_S + 400)]
        store.commit(full_tick(1))
        assert len(dump(store)["contact"]) == 2
        assert {row[-1] for row in dump(store)["demand"]} == {None, 1}


def sealed_before(store: Store, day_s: int) -> Path:
    """A file of demand as the first version sealed it: a row a minute, occupancy 3."""
    minutes = day_s + 60 * np.arange(1_440, dtype=np.int64)
    columns: dict[str, NDArray[Any]] = {
        "sector_id": np.full(minutes.size, 5, np.int64),
        "minute_s": minutes,
        "occupancy": np.full(minutes.size, 3, np.int32),
        "entries": np.zeros(minutes.size, np.int32),
    }
    file = write_segment(store.directory.segments, OLD_DEMAND, day_s, columns, 0)
    with store.database.write("naming it") as connection:
        store.manifest.add(connection, file)
    return store.directory.segments / file.path


def test_files_sealed_before_are_read_beside_new_ones(store: Store) -> None:
    """Occupancy and hourly demand run across both; contact is unknown in the old ones."""
    old = sealed_before(store, START_S)
    rows = read_segment(old, DEMAND)
    assert rows["occupancy"].tolist() == [3] * 1_440
    assert np.ma.getmaskarray(rows["in_contact"]).all()
    for seq in range(1, 5 * 24 + 2):
        now_s = START_S + seq * 3_600
        if now_s > START_S + DAY_S:
            minute_s = now_s - 180
            store.commit(
                tick(seq - 24, count=1, time_s=now_s, demand=demand((minute_s, 5, 4, 0, 2)))
            )
    store.seal_due(now_s)
    days = sorted(each.name for each in (store.directory.segments / "demand").iterdir())
    assert len(days) > 2
    hours = store.sectors.hourly_demand(START_S, START_S + 2 * DAY_S)
    assert hours.peak_occupancy.tolist() == [3] * 24 + [4] * 24
    minutes = store.sectors.occupancy(5, START_S, START_S + 2 * DAY_S)
    assert len(minutes.occupancy) == 2 * 1_440
    covered = store.coverage.of_sectors(START_S, START_S + 2 * DAY_S, [5]).minutes.sum(1)
    assert covered.unknown.tolist() == [3 * 1_440]
    assert (covered.airborne.tolist(), covered.in_contact.tolist()) == ([4 * 24], [2 * 24])


def test_what_comes_late_for_an_old_file_joins_it(store: Store) -> None:
    """The new edition has the new column, unknown for the rows that were there."""
    sealed_before(store, START_S)
    late = demand((START_S + 60, 6, 2, 1, 1), (START_S + 120, 6, 2, 1))
    store.commit(tick(1, time_s=START_S + 4 * DAY_S, demand=late))
    (file,) = (each for each in store.seal_due(START_S + 4 * DAY_S) if each.kind == "demand")
    rows = read_segment(store.directory.segments / file.path, DEMAND)
    assert file.row_count == 1_442
    known = ~np.ma.getmaskarray(rows["in_contact"])
    assert rows["sector_id"][known].tolist() == [6]
    assert rows["in_contact"][known].tolist() == [1]


def test_contacts_are_sealed_with_the_day_in_which_they_ended(store: Store) -> None:
    """Those that last stay in the table; the file is sorted by flight."""
    rows = [
        Contact(9, 42, START_S + 50, 124_550, True, START_S + 90),
        Contact(7, 42, START_S + 60, 124_550, False, START_S + DAY_S - 1),
        Contact(7, 43, START_S + 70, 118_100, True),
        Contact(8, 42, START_S + 80, 124_550, True, START_S + DAY_S),
    ]
    store.commit(tick(1, contacts=rows, sessions=[session(42, "ML_CTR")]))
    store.commit(tick(2, time_s=START_S + 3 * DAY_S))
    (file,) = (each for each in store.seal_due(START_S + 3 * DAY_S) if each.kind == "contacts")
    columns = read_segment(store.directory.segments / file.path, CONTACTS)
    assert columns["flight_id"].tolist() == [7, 9]
    assert columns["airborne"].tolist() == [False, True]
    assert columns["end_s"].tolist() == [START_S + DAY_S - 1, START_S + 90]
    with store.database.read("asking") as connection:
        left = connection.scalars(select(schema.contact.c.flight_id)).all()
    assert sorted(left) == [7, 8]
