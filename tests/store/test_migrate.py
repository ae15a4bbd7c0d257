from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from made_ticks import tick
from sectorwatch.errors import DataDirectoryError
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.migrate import alembic_config
from sectorwatch.store.schema import HEAD, metadata

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_server import PostgresServer

FORECASTS = ("forecast", "forecast_score", "forecast_state", "model_decision")


def differences(store: Store) -> list[object]:
    """What the migrations made otherwise than the tables are declared."""
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        found: list[object] = compare_metadata(context, metadata)
    return found


def test_migrations_make_exactly_the_tables(store: Store) -> None:
    """On SQLite the migrations lead to the declared tables, columns, types and indexes."""
    assert differences(store) == []


@pytest.mark.postgres
def test_migrations_make_exactly_the_tables_on_postgresql(
    directory: DataDirectory, postgres: PostgresServer
) -> None:
    """And so they do on PostgreSQL."""
    with Store.open(directory, postgres.new_database("migrate")) as store:
        assert differences(store) == []


def test_sqlite_keeps_tables_as_declared(store: Store) -> None:
    """Tables that are declared to lie by their key do, and freed pages can be given back."""
    with sqlite3.connect(store.directory.database) as connection:
        made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()
    for table in metadata.sorted_tables:
        declared = table.dialect_options["sqlite"]["with_rowid"] is False
        assert ("WITHOUT ROWID" in made[table.name]) == declared, table.name


def test_the_head_is_known_without_alembic() -> None:
    """The revision that a start compares with is the newest migration, and they form one line."""
    script = ScriptDirectory.from_config(alembic_config())
    assert script.get_heads() == [HEAD]
    assert all(not isinstance(each.down_revision, tuple) for each in script.walk_revisions())


def test_opening_again_changes_nothing(directory: DataDirectory) -> None:
    """The second start finds what the first one left."""
    with Store.open(directory) as store:
        store.commit(tick(1))
    with Store.open(directory) as store:
        assert store.holds(tick(1).time_us)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_tables_of_the_version_before_are_brought_up_with_what_is_in_them(
    directory: DataDirectory, kind: str, request: pytest.FixtureRequest
) -> None:
    """A directory that was in use gets what came since, and keeps every row."""
    url = None
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database("version_before")
    with Store.open(directory, url) as store:
        store.commit(tick(1))
        with store.database.write("going back") as connection:
            for index in ("ix_session_ended_s_first_seen_s", "ix_ownership_end_s_start_s"):
                connection.exec_driver_sql(f"DROP INDEX {index}")
            for table in FORECASTS:
                connection.exec_driver_sql(f"DROP TABLE {table}")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
        assert len(differences(store)) == 2 + len(FORECASTS)
    with Store.open(directory, url) as store:
        assert differences(store) == []
        assert store.holds(tick(1).time_us)


def test_newer_tables_are_refused(directory: DataDirectory) -> None:
    """Tables of a newer version stop the start and stay as they are."""
    Store.open(directory).close()
    with sqlite3.connect(directory.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DataDirectoryError, match=r"version 9999, made by a newer .* upgrade"):
        Store.open(directory)


def test_database_of_another_directory_is_refused(directory: DataDirectory, tmp_path: Path) -> None:
    """A database says which directory it belongs to: its segments are there and nowhere else."""
    Store.open(directory).close()
    with DataDirectory.open(tmp_path / "other") as other:
        directory.database.rename(other.database)
        with pytest.raises(DataDirectoryError, match="belongs to another data directory"):
            Store.open(other)


def test_new_database_beside_old_segments_is_refused_twice(directory: DataDirectory) -> None:
    """Sealed files without the database that knows them are not taken for a crash's leftovers."""
    file = directory.segments / "positions" / "date=2025-08-06" / "positions-21.parquet"
    file.parent.mkdir(parents=True)
    file.touch()
    for _ in range(2):
        with pytest.raises(DataDirectoryError, match=r"is new, but .* holds sealed files"):
            Store.open(directory)
    assert file.exists()


def test_joining_changes_nothing(directory: DataDirectory) -> None:
    """A command that joins before the first start is told to start first; later it can ask."""
    joined = DataDirectory.open(directory.path, lock=False)
    with pytest.raises(DataDirectoryError, match="have version none, this sectorwatch needs"):
        Store.open(joined)
    with Store.open(directory) as store:
        store.commit(tick(1))
        with Store.open(joined) as second:
            assert second.holds(tick(1).time_us)
