"""Anomalies and patterns beside the forecasts, in the whole program over a recording."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from made_ticks import LIVE, START_S, tick
from runtime.test_application import running
from runtime.world import _airports, _airspace, settings_for, write_feeds
from sectorwatch.clock import SystemClock
from sectorwatch.config import Settings
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.forecast.anomalies import Anomaly, Evidence
from sectorwatch.observe import Telemetry
from sectorwatch.runtime import Application, build
from sectorwatch.runtime.foresight import Foresight, make_foresight
from sectorwatch.runtime.slots import StoreSlot
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AIRSPACE = _airspace(("made:australia",))
LOOK = replace(LIVE, occupancy=np.zeros(len(AIRSPACE.sectors), np.int32))


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
            async with asyncio.timeout(60):
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


@dataclass
class Beside:
    """What is unusual and what recurs over a database, part by part, without a program."""

    store: Store
    slot: StoreSlot
    foresight: Foresight

    def part(self, name: str) -> Callable[..., object]:
        """The part of that name."""
        parts: tuple[Callable[..., object], ...] = (
            *self.foresight.at_start,
            *self.foresight.on_tick,
            *self.foresight.after_issue,
            *self.foresight.at_stop,
        )
        return next(each for each in parts if getattr(each, "__name__", "") == name)

    def kept_s(self, name: str) -> int | None:
        """Of when the state is that is kept under that name, after the start."""
        kept = self.store.forecasts.state(name)
        return None if kept is None else kept[0] - START_S

    def look(self, after_s: int) -> None:
        """Look for what is unusual by a tick so long after the start."""
        self.part("look_for_anomalies")(tick(after_s, time_s=START_S + after_s, live=LOOK))


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    """A database that can be away."""
    with DataDirectory.open(tmp_path / "data") as directory:
        opened: list[Store] = []

        def reopen() -> Store:
            opened.append(Store.open(directory))
            return opened[-1]

        slot = StoreSlot(reopen, CircuitBreaker("database", SystemClock()))
        slot.start()
        foresight = make_foresight(
            Settings(),
            AIRSPACE,
            _airports(),
            slot,
            data_dir=directory.path,
            telemetry=Telemetry.null(),
        )
        with Store.open(directory) as store:
            yield Beside(store, slot, foresight)
        slot.stop()


def test_what_was_learned_is_kept_once_the_database_takes_it(beside: Beside) -> None:
    """Each hour; where it was away then, at the next look and not an hour later."""
    beside.look(0)
    beside.look(600)
    assert beside.kept_s("anomalies") == 0
    beside.slot.stop()
    with pytest.raises(DatabaseAwayError):
        beside.look(3_660)
    beside.slot.start()
    beside.look(3_720)
    assert beside.kept_s("anomalies") == 3_720
    beside.look(3_780)
    assert beside.kept_s("anomalies") == 3_720


def test_what_began_or_ended_is_kept_once_the_database_takes_it(beside: Beside) -> None:
    """At once, or at the next look."""
    detector = beside.foresight.anomalies
    assert detector is not None
    sector = AIRSPACE.sectors[0]
    old = Anomaly(
        "abc", "traffic_spike", sector.sector_id, sector.name, 0.95, START_S - 90_000,
        START_S - 90_000, 0, "Busy.", Evidence(9.0, 2.0, 1.0, 3.0, 1e-6, 0.05),
    )  # fmt: skip
    beside.look(0)
    learned = dict(detector.to_arrays())
    learned["episodes"] = np.frombuffer(msgspec.json.encode([old]), np.uint8)
    detector.take_up(learned)
    assert [each.anomaly_id for each in detector.active] == ["abc"]
    beside.slot.stop()
    with pytest.raises(DatabaseAwayError):
        beside.look(60)
    assert detector.active == ()
    beside.slot.start()
    beside.look(120)
    assert beside.kept_s("anomalies") == 120


def test_patterns_are_kept_once_the_database_takes_them(beside: Beside) -> None:
    """Those that were found, at the next forecast; they are not looked for anew."""
    patterns = beside.foresight.patterns
    assert patterns is not None
    look = beside.part("look_for_patterns")
    beside.slot.stop()
    with pytest.raises(DatabaseAwayError):
        look(tick(0, time_s=START_S), None, None)
    found = patterns.newest
    assert found is not None
    beside.slot.start()
    look(tick(1, time_s=START_S + 300), None, None)
    assert patterns.newest is found
    assert beside.kept_s("patterns") == 300
    look(tick(2, time_s=START_S + 600), None, None)
    assert beside.kept_s("patterns") == 300
