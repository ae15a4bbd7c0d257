"""How much of the disk each part of the data directory takes, looked at now and then."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sectorwatch.errors import SectorwatchError
from sectorwatch.store.files import tree_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sectorwatch.observe import MetricsCollector
    from sectorwatch.runtime.slots import JournalSlot, StoreSlot
    from sectorwatch.store import DataDirectory

__all__ = ["DiskMeasures"]

_EVERY_S = 60.0
# Walking a directory of many files takes time: a thousandth of it at most.
_REST = 1_000.0


class DiskMeasures:
    """Walks the data directory; belongs to one thread. `budget_bytes` is what it may hold."""

    def __init__(
        self,
        directory: DataDirectory,
        *,
        journals: JournalSlot,
        stores: StoreSlot,
        metrics: MetricsCollector,
        budget_bytes: float,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._journals = journals
        self._stores = stores
        self._metrics = metrics
        self._budget_bytes = budget_bytes
        self._monotonic_s = monotonic_s
        self._due_s = float("-inf")

    def look(self) -> None:
        """Measure, if that is due; a disk or a database that does not answer leaves it out."""
        begun_s = self._monotonic_s()
        if begun_s < self._due_s:
            return
        with suppress(OSError, SectorwatchError):
            self._measure_parts()
        with suppress(OSError, SectorwatchError):
            self._metrics.gauge("journal_files").set(len(self._journals.get().files()))
        with suppress(OSError, SectorwatchError):
            self._measure_segments()
        took_s = self._monotonic_s() - begun_s
        self._due_s = begun_s + max(_EVERY_S, _REST * took_s)

    def _measure_parts(self) -> None:
        parts = disk_parts(self._directory)
        for part, size in parts.items():
            self._metrics.gauge("disk_used", {"part": part}, "bytes").set(size)
        share = sum(parts.values()) / self._budget_bytes
        self._metrics.gauge("disk_budget_used", unit="ratio").set(share)

    def _measure_segments(self) -> None:
        for kind, (files, size) in self._stores.ask().segment_totals().items():
            tags = {"kind": kind}
            self._metrics.gauge("segment_files", tags).set(files)
            self._metrics.gauge("segment_bytes", tags, "bytes").set(size)


def disk_parts(directory: DataDirectory) -> Mapping[str, int]:
    """Bytes by part of the data directory, `other` for all that has no name of its own."""
    parts = {
        "journal": tree_bytes(directory.journal),
        "segments": tree_bytes(directory.segments),
        "logs": tree_bytes(directory.path / "logs"),
        "refused": tree_bytes(directory.refused),
        "database": 0,
        "observations": 0,
        "other": 0,
    }
    files = {directory.database.name: "database", directory.observations.name: "observations"}
    known = {path.name for path in (directory.journal, directory.segments, directory.refused)}
    for path in directory.path.iterdir():
        if path.name in known | {"logs"}:
            continue
        # A database has its log and its index beside it, under its own name and more.
        part = next((part for name, part in files.items() if path.name.startswith(name)), "other")
        with suppress(FileNotFoundError):
            parts[part] += tree_bytes(path) if path.is_dir() else path.stat().st_size
    return parts
