"""Which sectors the rows speak of, for whoever looks at the database without the airspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from sectorwatch.airspace.model import Sector
from sectorwatch.store.rows import clean, upsert
from sectorwatch.store.schema import sector as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Row

    from sectorwatch.store.database import Database

__all__ = ["keep_sectors", "kept_sectors", "kept_sectors_named"]


def keep_sectors(database: Database, sectors: Iterable[Sector]) -> int:
    """Keeps what `sectors` are called and where they lie; gives how many these were.

    Sectors of an earlier airspace stay, for rows may speak of them.
    """
    rows = [_row(each) for each in sectors]
    if rows:
        with database.write("keeping the sectors") as connection:
            connection.exec_driver_sql(upsert(table, database.engine.dialect), rows)
    return len(rows)


def kept_sectors(database: Database, sector_ids: Sequence[int]) -> dict[int, Sector]:
    """What is kept of these sectors, by number, in the order asked for; without their shapes.

    A sector that nothing is kept of has its number for a name.
    """
    if not sector_ids:
        return {}
    with database.read("asking for sectors") as connection:
        rows = connection.execute(select(table).where(table.c.sector_id.in_(sector_ids)))
        found = {row.sector_id: _sector(row) for row in rows}
    unknown = "unknown"
    return {
        each: found.get(each) or Sector(unknown, "enroute", str(each), str(each), ())
        for each in sector_ids
    }


def kept_sectors_named(database: Database, name: str) -> list[Sector]:
    """The sectors called `name`, or `partition/name`, in any case, that were ever drawn."""
    wanted = clean(name.strip())
    partition, _, last = wanted.rpartition("/")
    dataset, _, kind = partition.rpartition(":")
    called = func.lower(table.c.name)
    in_one = and_(
        called == last.lower(),
        func.lower(table.c.dataset) == dataset.lower(),
        func.lower(table.c.kind) == kind.lower(),
    )
    with database.read("asking for a sector") as connection:
        rows = connection.execute(
            select(table)
            .where(or_(called == wanted.lower(), in_one))
            .order_by(table.c.dataset, table.c.kind)
        )
        return [_sector(row) for row in rows]


def _sector(row: Row[Any]) -> Sector:
    return Sector(row.dataset, row.kind, row.name, row.label, (), capacity=row.capacity)


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
