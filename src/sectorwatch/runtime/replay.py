"""A recording through the pipeline as fast as it goes, with no event loop and no services."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sectorwatch.clock import Clock, SystemClock
from sectorwatch.runtime.counts import ReplayCounts
from sectorwatch.runtime.handoff import Handoff
from sectorwatch.runtime.observation import open_telemetry
from sectorwatch.runtime.root import put_together
from sectorwatch.runtime.services_maintenance import Maintenance
from sectorwatch.store import DataDirectory, schema
from sectorwatch.store.segments import VISITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sectorwatch.config import Settings
    from sectorwatch.feed.records import RawFeed
    from sectorwatch.feed.sources import Source
    from sectorwatch.observe import LogSink, Telemetry
    from sectorwatch.runtime.pipeline import Pipeline
    from sectorwatch.store import Store

__all__ = ["replay"]

_SEAL_EVERY_S = 1.0
_COUNT_LIMIT_S = 60.0


def replay(
    settings: Settings,
    source: Source,
    *,
    telemetry: Telemetry | None = None,
    clock: Clock | None = None,
    on_feed: Callable[[Pipeline], None] | None = None,
    stop: threading.Event | None = None,
    sinks: Sequence[LogSink] | None = None,
) -> ReplayCounts:
    """Put everything from `source` through the pipeline into the data directory of `settings`.

    `on_feed` is called after each feed, in this thread. `stop` ends it after the feed under way.
    `sinks` take the log, where no `telemetry` is given; None leaves that to the settings. Raises
    a SectorwatchError that says what to do: a data directory in use, a disk that is full, a
    database that is away and does not come back within half a minute.
    """
    clock = clock or SystemClock()
    stop = stop or threading.Event()
    started_s = clock.monotonic_s()
    with ExitStack() as undo:
        directory = undo.enter_context(DataDirectory.open(settings.data_dir))
        if telemetry is None:
            telemetry = open_telemetry(settings, directory, clock, sinks)
            # People are told by the instance that runs here, not by somebody who plays a recording.
            telemetry.mute()
            telemetry.start()
            undo.callback(telemetry.close)
        parts = put_together(
            settings,
            directory,
            telemetry=telemetry,
            clock=clock,
            announce=lambda _seq: None,
            is_patient=False,
            is_simulated=source.is_simulated,
        )
        parts.stores.start()
        undo.callback(parts.stores.stop)
        store = parts.stores.ask()
        parts.journals.open()
        undo.callback(parts.journals.close)
        maintenance = Maintenance(
            settings,
            stores=parts.stores,
            journals=parts.journals,
            pipeline=parts.pipeline,
            telemetry=telemetry,
            # Whoever replays years of feeds wants to look at them, the first as much as the last.
            by_age=False,
        )
        # Read ahead in a thread of its own: what decompresses needs no interpreter.
        ahead = Handoff(source)
        undo.callback(ahead.end)
        ahead.open()
        with _Beside(maintenance):
            parts.pipeline.run(_Watched(ahead, parts.pipeline, on_feed), stop)
        maintenance.seal()
        maintenance.enforce()
        return _counted(parts.pipeline, store, clock.monotonic_s() - started_s)


class _Watched:
    """A source that tells of each feed once it has been dealt with."""

    is_live = False

    def __init__(
        self, source: Source, pipeline: Pipeline, on_feed: Callable[[Pipeline], None] | None
    ) -> None:
        self._source = source
        self._pipeline = pipeline
        self._on_feed = on_feed

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    @property
    def is_simulated(self) -> bool:
        """As the source says."""
        return self._source.is_simulated

    def now_us(self) -> int:
        """As the source says."""
        return self._source.now_us()

    def __iter__(self) -> Iterator[RawFeed]:
        """The source's feeds."""
        for raw in self._source:
            yield raw
            # Whoever asks for the next one is done with this one.
            if self._on_feed is not None:
                self._on_feed(self._pipeline)

    def close(self) -> None:
        """End the source."""
        self._source.close()


class _Beside:
    """Has closed hours sealed in a thread of its own while feeds go through."""

    def __init__(self, maintenance: Maintenance) -> None:
        self._maintenance = maintenance
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="maintenance", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(_SEAL_EVERY_S):
            self._maintenance.look()


def _counted(pipeline: Pipeline, store: Store, seconds: float) -> ReplayCounts:
    counts = pipeline.intake.counts()
    flights, visits, movements = _totals(store)
    return ReplayCounts(
        feeds=counts.feeds,
        pilots=counts.pilots,
        controllers=counts.controllers,
        flights=flights,
        visits=visits,
        movements=movements,
        repaired=counts.repaired,
        dropped=counts.dropped,
        refused=counts.refused,
        seconds=round(seconds, 3),
    )


def _totals(store: Store) -> tuple[int, int, int]:
    """How many flights, visits (those sealed included) and movements the store holds."""
    sealed = select(func.sum(schema.segment.c.row_count)).where(
        schema.segment.c.kind == VISITS.name, schema.segment.c.replaced_at_us.is_(None)
    )
    with store.database.read("counting what is kept", limit_s=_COUNT_LIMIT_S) as connection:
        flights, visits, movements = (
            int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in (schema.flight, schema.visit, schema.movement)
        )
        return flights, visits + int(connection.scalar(sealed) or 0), movements
