"""Brings a database's tables to what this version needs, at every start, forward only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, inspect, select, table
from sqlalchemy.sql import column

from sectorwatch.errors import DataDirectoryError
from sectorwatch.store import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config
    from sqlalchemy import Connection

    from sectorwatch.store.database import Database

__all__ = ["alembic_config", "bring_up_to_date", "require_up_to_date"]

_VERSION_TABLE = "alembic_version"


def bring_up_to_date(database: Database, instance_id: str, if_new: Callable[[str], None]) -> None:
    """Makes or changes the tables in one transaction, for the data directory `instance_id`.

    Where the database belonged to no directory yet, `if_new` is called with its label before it is
    claimed; what that raises leaves the database as it was. Raises DataDirectoryError where the
    tables were made by a newer version, or belong to another data directory, whose segments would
    be missed here.
    """
    with database.write("bringing the tables up to date") as connection:
        version = _version(connection)
        if version != schema.HEAD:
            _upgrade(connection, version, database.label)
        owner = _owner(connection)
        if owner is not None:
            _same(owner, instance_id, database.label)
            return
        if_new(database.label)
        connection.execute(schema.meta.insert().values(name="instance_id", value=instance_id))


def require_up_to_date(database: Database, instance_id: str) -> None:
    """As `bring_up_to_date` for who joins a running instance: nothing is changed."""
    with database.read("asking for the tables' version") as connection:
        version = _version(connection)
        if version != schema.HEAD:
            raise DataDirectoryError(
                f"the tables of {database.label} have version {version or 'none'}, this "
                f"sectorwatch needs {schema.HEAD}: start `sectorwatch run` of this version once"
            )
        _same(_owner(connection), instance_id, database.label)


def alembic_config() -> Config:
    """Alembic's settings: the migrations that are packaged here."""
    # Loaded only where tables change: it costs a fifth of a second of every start.
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", "sectorwatch.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    version = column("version_num", Text)
    return connection.scalar(select(version).select_from(table(_VERSION_TABLE)))


def _upgrade(connection: Connection, version: str | None, label: str) -> None:
    from alembic import command  # noqa: PLC0415 - see alembic_config
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = alembic_config()
    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise DataDirectoryError(
            f"the tables of {label} have version {version}, made by a newer sectorwatch; this one "
            f"knows up to {schema.HEAD}: upgrade sectorwatch, or use another database"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _owner(connection: Connection) -> str | None:
    return connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == "instance_id"))


def _same(owner: str | None, instance_id: str, label: str) -> None:
    if owner != instance_id:
        raise DataDirectoryError(
            f"{label} belongs to another data directory (id {owner}, this one is {instance_id}): "
            "use the directory it was made with, or an empty database"
        )
