"""Everything that a database holds, to compare one with another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from sectorwatch.store.schema import metadata

if TYPE_CHECKING:
    from sectorwatch.store import Store


def dump(store: Store, *without: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but `without`, each table in the order of its key."""
    with store.database.read("dumping") as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in metadata.sorted_tables
            if table.name not in without
        }
