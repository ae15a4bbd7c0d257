"""What went through the pipeline, in numbers."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.feed.records import Snapshot

__all__ = ["Intake", "IntakeCounts", "ReplayCounts"]


@dataclass(frozen=True, slots=True)
class IntakeCounts:
    """What was taken in since the start.

    `feeds` are the snapshots accepted, `new` those of them not held before; `pilots` and
    `controllers` their records. `refused` counts feeds refused whole, `repaired` and `dropped`
    records, each by reason. `unwritten` are feeds lost because the disk would not take them.
    """

    feeds: int = 0
    new: int = 0
    pilots: int = 0
    controllers: int = 0
    transceivers: int = 0
    unwritten: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)


class Intake:
    """Counts as feeds come in, in the ingestion thread; read from any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plain: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._repaired: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    def snapshot(self, snapshot: Snapshot, *, new: bool) -> None:
        """Count an accepted snapshot with its records."""
        with self._lock:
            self._plain["feeds"] += 1
            self._plain["new"] += new
            self._plain["pilots"] += len(snapshot.pilots)
            self._plain["controllers"] += len(snapshot.controllers)
            self._repaired.update(snapshot.repaired)
            self._dropped.update(snapshot.dropped)

    def transceivers(self, repaired: Mapping[str, int], dropped: Mapping[str, int]) -> None:
        """Count an accepted transceivers feed."""
        with self._lock:
            self._plain["transceivers"] += 1
            self._repaired.update(repaired)
            self._dropped.update(dropped)

    def refused(self, reason: str) -> None:
        """Count a feed refused whole."""
        with self._lock:
            self._refused[reason] += 1

    def unwritten(self) -> None:
        """Count a feed that the disk would not take."""
        with self._lock:
            self._plain["unwritten"] += 1

    def counts(self) -> IntakeCounts:
        """The counts as they stand, each by reason sorted by name."""
        with self._lock:
            return IntakeCounts(
                **self._plain,
                refused=dict(sorted(self._refused.items())),
                repaired=dict(sorted(self._repaired.items())),
                dropped=dict(sorted(self._dropped.items())),
            )


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """What `sectorwatch replay --json` prints.

    `feeds`, `pilots`, `controllers`, `repaired`, `dropped`, `refused` tell of what was put in now;
    `flights`, `visits`, `movements` of what the data directory holds now: a second run over the
    same feeds prints the same. `seconds` is how long it took.
    """

    feeds: int
    pilots: int
    controllers: int
    flights: int
    visits: int
    movements: int
    repaired: Mapping[str, int]
    dropped: Mapping[str, int]
    refused: Mapping[str, int]
    seconds: float
