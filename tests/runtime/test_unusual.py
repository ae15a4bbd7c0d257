"""Anomalies and patterns beside the forecasts, in the whole program over a recording."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from runtime.test_application import running
from runtime.world import settings_for, write_feeds
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.forecast.anomalies import Anomaly, Evidence
from sectorwatch.runtime import Application, build
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes of a made network."""
    folder = tmp_path_factory.mktemp("made") / "feeds"
    write_feeds(folder, duration_s=1_200, every_s=60, flights=12)
    return folder


async def seen(application: Application) -> None:
    """Wait until the last forecast was made, and what is beside it done."""
    async with asyncio.timeout(60):
        while not (
            application.pipeline.is_finished
            and application.foresight.patterns is not None
            and application.foresight.patterns.newest is not None
        ):
            await asyncio.sleep(0.01)


def test_what_was_learned_and_what_goes_on_survive_a_restart(tmp_path: Path, feeds: Path) -> None:
    """Kept when the program stops; an anomaly that went on is there again under its id."""

    async def scenario() -> None:
        first = build(settings_for(tmp_path / "data"), ArchiveSource([feeds]))
        async with running(first):
            await seen(first)
        sector = first.airspace.sectors[0]
        with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
            kept = store.forecasts.state("anomalies")
            assert kept is not None
            learned = unpack_columns(kept[1])
            assert learned["leaving"][1] == pytest.approx(200.0, abs=50.0)
            assert learned["mix"].shape[0] == len(first.airspace.sectors)
            going_on = Anomaly(
                "abc", "traffic_spike", sector.sector_id, sector.name, 0.95, 0, 0, 0, "Busy.",
                Evidence(9.0, 2.0, 1.0, 3.0, 1e-6, 0.05),
            )  # fmt: skip
            learned["episodes"] = np.frombuffer(msgspec.json.encode([going_on]), np.uint8)
            learned["airspace"] = np.frombuffer(first.airspace.fingerprint.encode(), np.uint8)
            store.forecasts.keep_state("anomalies", 0, pack_columns(learned))
        again = build(settings_for(tmp_path / "data"), ArchiveSource([feeds]))
        async with running(again):
            detector = again.foresight.anomalies
            assert detector is not None
            async with asyncio.timeout(30):
                while detector.get("abc") is None:
                    await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_a_state_that_cannot_be_read_is_learned_anew(tmp_path: Path, feeds: Path) -> None:
    """It is logged; nothing else is lost."""

    async def scenario() -> None:
        with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
            for name in ("anomalies", "patterns"):
                store.forecasts.keep_state(name, 0, b"no such thing")
        application = build(settings_for(tmp_path / "data"), ArchiveSource([feeds]))
        async with running(application):
            await seen(application)
            assert application.foresight.anomalies is not None
            assert application.foresight.anomalies.active == ()
            found = await application.telemetry.health.check_all_services()
            assert "errors" not in found["forecast"].details

    asyncio.run(scenario())
