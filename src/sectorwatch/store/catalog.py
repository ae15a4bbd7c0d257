"""Which sectors the rows speak of, for whoever looks at the database without the airspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.store.rows import clean, upsert
from sectorwatch.store.schema import sector as table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sectorwatch.airspace.model import Sector
    from sectorwatch.store.database import Database

__all__ = ["keep_sectors"]


def keep_sectors(database: Database, sectors: Iterable[Sector]) -> int:
    """Keeps what `sectors` are called and where they lie; gives how many these were.

    Sectors of an earlier airspace stay, for rows may speak of them.
    """
    rows = [_row(each) for each in sectors]
    if rows:
        with database.write("keeping the sectors") as connection:
            connection.exec_driver_sql(upsert(table, database.engine.dialect), rows)
    return len(rows)


def _row(sector: Sector) -> tuple[Any, ...]:
    bounds = [volume.polygon.bounds for volume in sector.volumes if not volume.polygon.is_empty]
    west, south, east, north = zip(*bounds, strict=True) if bounds else ([None],) * 4
    return (
        sector.sector_id,
        clean(sector.dataset),
        sector.kind,
        clean(sector.name),
        clean(sector.label),
        sector.capacity,
        *(min(west), min(south), max(east), max(north)),
    )
