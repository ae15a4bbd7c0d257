"""The positions of an hour, wherever they lie: in its sealed file, in blobs, or in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from sectorwatch.clock import format_s
from sectorwatch.errors import StoreError
from sectorwatch.store import schema
from sectorwatch.store.blobs import StoredPositions, decode_positions
from sectorwatch.store.segments import HOUR_S, POSITIONS
from sectorwatch.store.steps import first_rows, from_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.sources import Sources

__all__ = ["Hour", "read_hour", "sealed_positions"]

_SLOW_S = 120.0
_COLUMNS = tuple(StoredPositions.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Hour:
    """What the snapshots of an hour brought; `snapshots_us` are their times, ascending.

    `problem` says in words why positions are lacking; then there are none, or not all.
    """

    hour_s: int
    snapshots_us: NDArray[np.int64]
    positions: StoredPositions
    problem: str | None = None


def read_hour(sources: Sources, hour_s: int, flights: Sequence[int] | None = None) -> Hour:
    """The positions that the snapshots of the hour at `hour_s` brought; of `flights` where given.

    Table and manifest are read at one moment, so that an hour that is being sealed is neither
    missed nor doubled. Raises DatabaseAwayError; what cannot be read is said in `problem`.
    """
    tick = schema.tick.c
    with sources.database.read("reading an hour", _SLOW_S) as connection:
        ticks = connection.execute(
            select(tick.snapshot_time_us, tick.position_count, tick.positions)
            .where(
                tick.snapshot_time_us >= hour_s * 1_000_000,
                tick.snapshot_time_us < (hour_s + HOUR_S) * 1_000_000,
            )
            .order_by(tick.snapshot_time_us)
        ).all()
        files = sources.manifest.of_period(connection, POSITIONS, hour_s)
    times = np.array([each.snapshot_time_us for each in ticks], np.int64)
    words = f"the positions from {format_s(hour_s)} to {format_s(hour_s + HOUR_S)}"
    parts: list[StoredPositions] = []
    problem = None
    try:
        parts += [decode_positions(each.positions) for each in ticks if each.positions is not None]
        for file in files:
            parts.append(sealed_positions(sources, file.path, flights))
    except StoreError as error:
        problem = f"{words}: {error}"
    if not files and any(each.positions is None and each.position_count for each in ticks):
        problem = f"{words} were let go, or their file is missing"
    whole = StoredPositions.join(parts)
    if flights is not None:
        whole = whole.take(np.flatnonzero(np.isin(whole.flight_id, flights)))
    return Hour(hour_s, times, whole, problem)


def sealed_positions(
    sources: Sources, path: str, flights: Sequence[int] | None = None
) -> StoredPositions:
    """All positions of a sealed file, or those of `flights`. Raises StoreError."""
    question = "SELECT * FROM read_parquet($files, hive_partitioning = false)"
    parameters: dict[str, Any] = {}
    if flights is not None:
        question += " WHERE flight_id IN (SELECT unnest($flights::BIGINT[]))"
        parameters["flights"] = [int(each) for each in flights]
    whole = str(sources.manifest.root / path)
    columns = sources.ask(question, [whole], parameters, limit_s=_SLOW_S)
    if columns is None:
        raise StoreError(f"the sealed file {path} is damaged: restore it from a backup")
    first = first_rows(columns["flight_id"])
    names = [POSITIONS.name_in_file(name) for name in _COLUMNS]
    return StoredPositions(
        *(
            from_steps(columns[name], first) if name.startswith("step_") else columns[name]
            for name in names
        )
    )
