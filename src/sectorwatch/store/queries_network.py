"""Questions about the network as a whole, and of which times anything is known at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import func, select

from sectorwatch.store import schema
from sectorwatch.store.segments import COUNTS, NETWORK
from sectorwatch.store.sources import merged
from sectorwatch.traffic.tick import Gap

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from sectorwatch.store.sources import Sources

__all__ = ["Known", "NetworkQueries", "NetworkSeries", "known_times"]

_NAMES = ("time_s", *COUNTS)
_KINDS = ("int64", *("int32" for _ in COUNTS))


@dataclass(frozen=True, slots=True)
class Known:
    """The times of which anything is known: from the first snapshot on, less the gaps.

    `final_minute_s`: every minute up to it is final. All None where nothing was ever committed.
    """

    first_s: int | None
    last_s: int | None
    final_minute_s: int | None
    gaps: tuple[Gap, ...]

    def at(self, times_s: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of `times_s` lie between the first snapshot and the last, and in no gap."""
        if self.first_s is None or self.last_s is None:
            return np.zeros(times_s.shape, np.bool_)
        known = (times_s >= self.first_s) & (times_s <= self.last_s)
        for gap in self.gaps:
            known &= (times_s <= gap.start_s) | (times_s >= gap.end_s)
        return known


@dataclass(frozen=True, slots=True)
class NetworkSeries:
    """Counts of the whole network over time, columns of shape (n,) by the names in `NetworkCounts`.

    `time_s` are the times of the snapshots that the counts are of.
    """

    time_s: NDArray[np.int64]
    counts: dict[str, NDArray[np.int32]]


class NetworkQueries:
    """Asks about the network; times are seconds, periods half-open."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def history(self, from_s: int, to_s: int, step_s: int = 0) -> NetworkSeries:
        """The network's counts in the period: every snapshot, or the first in each `step_s`."""
        table = schema.network_count
        time = table.c.time_s
        with self._sources.database.read("asking for the network's history") as connection:
            files = self._sources.manifest.files(connection, NETWORK.name, from_s, to_s)
            rows = connection.execute(
                select(*table.c[_NAMES]).where(time >= from_s, time < to_s)
            ).all()
        columns = list(zip(*rows, strict=True)) or [() for _ in _NAMES]
        parts: list[dict[str, NDArray[Any]]] = [
            {name: np.array(values, np.int64) for name, values in zip(_NAMES, columns, strict=True)}
        ]
        if files:
            parts.append(
                self._sources.reader.ask(
                    "SELECT * FROM read_parquet($files, hive_partitioning = false) "
                    "WHERE time_s >= $from_s AND time_s < $to_s",
                    files,
                    {"from_s": from_s, "to_s": to_s},
                )
            )
        whole = merged(parts, _NAMES, _KINDS)
        order = np.argsort(whole["time_s"], kind="stable")
        times = whole["time_s"][order]
        if step_s > 0:
            steps = times // step_s
            order = order[np.diff(steps, prepend=steps[:1] - 1) > 0]
        return NetworkSeries(whole["time_s"][order], {name: whole[name][order] for name in COUNTS})

    def known(self, from_s: int, to_s: int) -> Known:
        """Of which times in the period anything is known."""
        with self._sources.database.read("asking for gaps") as connection:
            return known_times(connection, from_s, to_s)


def known_times(connection: Connection, from_s: int, to_s: int) -> Known:
    """As `NetworkQueries.known`, asked of an open connection."""
    tick, gap = schema.tick.c, schema.gap.c
    first_us = connection.scalar(select(func.min(tick.snapshot_time_us)))
    last = connection.execute(
        select(tick.snapshot_time_us, tick.final_minute_s).order_by(tick.seq.desc()).limit(1)
    ).one_or_none()
    gaps = connection.execute(
        select(gap.start_s, gap.end_s)
        .where(gap.end_s > from_s, gap.start_s < to_s)
        .order_by(gap.start_s)
    )
    return Known(
        first_s=None if first_us is None else first_us // 1_000_000,
        last_s=None if last is None else last.snapshot_time_us // 1_000_000,
        final_minute_s=None if last is None else last.final_minute_s,
        gaps=tuple(Gap(row.start_s, row.end_s) for row in gaps),
    )
