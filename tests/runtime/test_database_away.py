"""A real PostgreSQL that is stopped and started again amid the feeds."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from runtime.world import settings_for, write_feeds
from sectorwatch.clock import SystemClock
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import Telemetry
from sectorwatch.runtime.root import put_together
from sectorwatch.store import DataDirectory, schema
from store.conftest import postgres

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_server import PostgresServer
    from sectorwatch.runtime.root import Parts

__all__ = ["postgres"]


def _ticks_and_flights(parts: Parts) -> tuple[list[tuple[int, int]], list[int]]:
    """What the database holds."""
    with parts.stores.ask().database.read("comparing") as connection:
        ticks = connection.execute(
            select(schema.tick.c.seq, schema.tick.c.snapshot_time_us).order_by(schema.tick.c.seq)
        )
        flights = connection.scalars(
            select(schema.flight.c.flight_id).order_by(schema.flight.c.flight_id)
        )
        return [(seq, time_us) for seq, time_us in ticks], list(flights)


@pytest.mark.postgres
def test_a_server_that_is_stopped_and_started_again(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """What came in meanwhile is in the journal, and in the database once it answers, in order."""
    folder = tmp_path / "feeds"
    write_feeds(folder, duration_s=450, every_s=30, flights=12)
    raws = list(ArchiveSource([folder]))
    announced: list[int] = []
    url = postgres.new_database("away")
    settings = settings_for(tmp_path / "data", database_url=url)
    with DataDirectory.open(settings.data_dir) as directory:
        parts = put_together(
            settings,
            directory,
            telemetry=Telemetry.null(),
            clock=SystemClock(),
            announce=announced.append,
        )
        parts.stores.start()
        parts.journals.open()
        follow = parts.pipeline.follow
        try:
            parts.pipeline.run(ArchiveSource([folder / "feed_00000.json"]), threading.Event())
            for raw in raws[1:5]:
                parts.pipeline.take(raw)
            assert announced == [1, 2, 3, 4, 5]
            postgres.stop()
            try:
                for raw in raws[5:10]:
                    parts.pipeline.take(raw)
                assert not follow.is_in_step
                assert follow.pending == 5
                assert announced == [1, 2, 3, 4, 5]
            finally:
                postgres.start()
            ends_s = time.monotonic() + 60
            while not follow.catch_up() and time.monotonic() < ends_s:
                time.sleep(0.1)
            for raw in raws[10:]:
                parts.pipeline.take(raw)
            assert announced == list(range(1, len(raws) + 1))
            ticks, flights = _ticks_and_flights(parts)
            assert [seq for seq, _ in ticks] == announced
            assert len({time_us for _, time_us in ticks}) == len(raws)
            assert flights
            assert follow.pending == 0
        finally:
            parts.journals.close()
            parts.stores.stop()
