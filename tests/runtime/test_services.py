"""Single services: what the whole program's tests do not reach."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from runtime.world import settings_for, write_feeds
from sectorwatch.clock import SystemClock
from sectorwatch.errors import DatabaseAwayError, JournalError, JournalWriteError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.observe import HealthState, Telemetry, read_tail
from sectorwatch.runtime import services_observe
from sectorwatch.runtime.keyring import KeyRing
from sectorwatch.runtime.root import put_together
from sectorwatch.runtime.services_api import ApiService
from sectorwatch.runtime.services_core import JournalService, StoreService
from sectorwatch.runtime.services_maintenance import Maintenance, MaintenanceService
from sectorwatch.runtime.services_observe import (
    LoggingService,
    MonitoringService,
    PerformanceService,
)
from sectorwatch.runtime.slots import StoreSlot
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.budget import Freed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.runtime.root import Parts


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Telemetry in memory that writes nowhere."""
    opened = Telemetry.open(None, environment="development", sinks=[])
    yield opened
    opened.close()


def test_the_operators_key_is_made_once_the_database_answers(
    tmp_path: Path, telemetry: Telemetry
) -> None:
    """A database that was away at the start keeps nobody without a key for good."""
    is_away = True
    with DataDirectory.open(tmp_path / "data") as directory:

        def open_store() -> Store:
            if is_away:
                raise DatabaseAwayError("it does not answer")
            return Store.open(directory)

        breaker = CircuitBreaker("database", SystemClock(), failures_to_open=1, open_s=0)
        stores = StoreSlot(open_store, breaker)
        follow = SimpleNamespace(pending=0, is_in_step=True, last_error=None)
        service = StoreService(
            stores,
            KeyRing(stores, None),
            directory,
            pipeline=cast("Any", SimpleNamespace(follow=follow)),
            telemetry=telemetry,
        )

        async def scenario() -> None:
            nonlocal is_away
            await service.start()
            with pytest.raises(DatabaseAwayError):
                await service.health()
            assert not directory.operator_key.exists()
            is_away = False
            stores.get()
            assert (await service.health()).status is HealthState.HEALTHY
            key = directory.operator_key.read_text()
            assert stores.ask().keys.verify(key.strip()) == frozenset({"operator"})
            await service.health()
            assert directory.operator_key.read_text() == key
            await service.stop()

        asyncio.run(scenario())


def test_the_log_goes_into_a_file_from_start_to_stop(tmp_path: Path, telemetry: Telemetry) -> None:
    """Lines of ours and of libraries are in it, those after the stop are not; it is private."""

    async def scenario() -> None:
        service = LoggingService(telemetry, tmp_path / "logs", keep_mb=1)
        for number in range(2):
            await service.start()
            telemetry.log.log_operation(f"inside-{number}")
            logging.getLogger("uvicorn.error").warning("from a library %d", number)
            assert (await service.health()).status is HealthState.HEALTHY
            await service.stop()
            telemetry.log.log_operation(f"outside-{number}")
        await service.stop()

    asyncio.run(scenario())
    path = tmp_path / "logs" / "sectorwatch.log"
    text = path.read_text()
    assert [f"inside-{number}" in text for number in range(2)] == [True, True]
    assert [f"from a library {number}" in text for number in range(2)] == [True, True]
    assert "outside" not in text
    assert path.stat().st_mode & 0o077 == 0


def test_neither_log_nor_journal_asks_the_disk_in_the_event_loop(
    tmp_path: Path, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is slow to answer holds up a thread, and no request."""
    asked: dict[str, set[threading.Thread]] = {"tail": set(), "statvfs": set()}
    real_tail, real_statvfs = read_tail, os.statvfs

    def tail(*args: Any, **more: Any) -> Iterator[bytes]:
        asked["tail"].add(threading.current_thread())
        return real_tail(*args, **more)

    def statvfs(path: Any) -> os.statvfs_result:
        asked["statvfs"].add(threading.current_thread())
        return real_statvfs(path)

    monkeypatch.setattr(services_observe, "read_tail", tail)
    monkeypatch.setattr(os, "statvfs", statvfs)

    async def scenario() -> None:
        log = LoggingService(telemetry, tmp_path / "logs", keep_mb=1)
        await log.start()
        await log.stop()
        with kept(tmp_path / "data", None) as (parts, _):
            journal = JournalService(
                parts.journals, pipeline=parts.pipeline, reserve_mb=0, telemetry=telemetry
            )
            assert (await journal.health()).status is HealthState.HEALTHY

    asyncio.run(scenario())
    assert all(asked.values())
    assert threading.main_thread() not in asked["tail"] | asked["statvfs"]


def test_no_log_file_where_none_is_wanted(tmp_path: Path, telemetry: Telemetry) -> None:
    """With 0 MB nothing is written into the data directory."""

    async def scenario() -> None:
        service = LoggingService(telemetry, tmp_path / "logs", keep_mb=0)
        await service.start()
        await service.stop()

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_with_observation_off_others_still_say_what_is_wrong(tmp_path: Path) -> None:
    """A log that writes nothing takes no library's errors and no interpreter's hooks to itself."""

    def hooks() -> list[object]:
        ours = (sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning)
        return [*ours, *logging.getLogger().handlers]

    async def scenario() -> None:
        before = hooks()
        service = LoggingService(Telemetry.null(), tmp_path / "logs", keep_mb=0)
        await service.start()
        assert hooks() == before
        await service.stop()
        assert hooks() == before

    asyncio.run(scenario())


def test_lines_that_could_not_be_written_degrade_the_log(
    tmp_path: Path, telemetry: Telemetry
) -> None:
    """Once, for the check after it happened; a sink that fails breaks nobody."""

    class Broken:
        def write(self, line: bytes) -> None:
            raise OSError(f"no room for {len(line)} bytes")

    async def scenario() -> list[HealthState]:
        service = LoggingService(telemetry, tmp_path / "logs", keep_mb=1)
        await service.start()
        telemetry.log.lines.sinks = (*telemetry.log.lines.sinks, Broken())
        telemetry.log.log_operation("lost")
        found = [(await service.health()).status for _ in range(2)]
        await service.stop()
        return found

    assert asyncio.run(scenario()) == [HealthState.DEGRADED, HealthState.HEALTHY]


def test_monitoring_that_dies_is_noticed(telemetry: Telemetry) -> None:
    """Who watches all the others is watched too."""

    async def scenario() -> tuple[BaseException, HealthState]:
        service = MonitoringService(telemetry, check_every_s=0.001)

        async def broken(*_: Any) -> None:
            raise RuntimeError("no eyes")

        telemetry.health.check_all_services = broken  # type: ignore[method-assign,assignment]
        await service.start()
        error = await service.failed()
        health = await service.health()
        await service.stop()
        await service.stop()
        return error, health.status

    error, state = asyncio.run(scenario())
    assert str(error) == "no eyes"
    assert state is HealthState.HEALTHY


def test_monitoring_is_degraded_where_something_new_was_not_kept_or_rules_are_behind(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was lost once does not make it ill for ever."""

    async def scenario() -> list[HealthState]:
        service = MonitoringService(telemetry)
        await service.start()
        found = [(await service.health()).status]
        assert telemetry.store is not None
        telemetry.store.drops.count("write_failed_disk_full")
        found += [(await service.health()).status for _ in range(2)]
        behind = {"evaluating": True, "behind_s": 61.0}
        with monkeypatch.context() as patch:
            patch.setattr(telemetry.alerts, "state", lambda: behind)
            found.append((await service.health()).status)
        await service.stop()
        found.append((await service.health()).status)
        return found

    well, ill = HealthState.HEALTHY, HealthState.DEGRADED
    # Stopped, nobody looks at rules.
    assert asyncio.run(scenario()) == [well, ill, well, ill, ill]


def test_performance_samples_from_its_start_on(telemetry: Telemetry) -> None:
    """The machine's operation exists at once, and again after a restart."""

    async def scenario() -> None:
        service = PerformanceService(telemetry)
        for _ in range(2):
            await service.start()
            assert ("system_monitoring", "system") in telemetry.performance.operations()
            assert (await service.health()).status is HealthState.HEALTHY
            await service.stop()
        await service.stop()

    asyncio.run(scenario())


def test_an_api_that_never_started_is_unhealthy_and_can_be_stopped(
    tmp_path: Path, telemetry: Telemetry
) -> None:
    """Nothing is asked of what does not listen."""

    async def scenario() -> HealthState:
        service = ApiService(
            settings_for(tmp_path / "data"),
            cast("Any", None),
            cast("Any", None),
            telemetry=telemetry,
        )
        await service.stop()
        return (await service.health()).status

    assert asyncio.run(scenario()) is HealthState.UNHEALTHY


@pytest.mark.parametrize("error", [DatabaseAwayError("away"), None])
def test_keys_that_cannot_be_looked_up_keep_nobody_from_starting(
    tmp_path: Path, telemetry: Telemetry, error: Exception | None
) -> None:
    """While the database is away nobody gets in; that is safe, and passes."""

    def any_added() -> bool:
        if error is not None:
            raise error
        return True

    settings = settings_for(tmp_path / "data", host="192.0.2.7")
    keys = cast("Any", SimpleNamespace(any_added=any_added))
    service = ApiService(settings, keys, cast("Any", None), telemetry=telemetry)
    service._check_keys()


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feeds on both sides of a full hour."""
    folder = tmp_path_factory.mktemp("made") / "feeds"
    write_feeds(folder, duration_s=4_500, every_s=300, flights=8)
    return folder


@contextmanager
def kept(data_dir: Path, feeds: Path | None, **more: Any) -> Iterator[tuple[Parts, Maintenance]]:
    """A pipeline that has taken feeds in, and who keeps house beside it."""
    settings = settings_for(data_dir, **more)
    with DataDirectory.open(settings.data_dir) as directory:
        parts = put_together(
            settings,
            directory,
            telemetry=Telemetry.null(),
            clock=SystemClock(),
            announce=lambda _seq: None,
        )
        parts.stores.start()
        parts.journals.open()
        if feeds is not None:
            parts.pipeline.run(ArchiveSource([feeds]), threading.Event())
        maintenance = Maintenance(
            settings,
            stores=parts.stores,
            journals=parts.journals,
            pipeline=parts.pipeline,
            telemetry=Telemetry.null(),
        )
        try:
            yield parts, maintenance
        finally:
            parts.journals.close()
            parts.stores.stop()


def test_closed_hours_are_sealed(tmp_path: Path, feeds: Path) -> None:
    """An hour that the newest tick says is over becomes a file, once."""
    with kept(tmp_path / "data", feeds) as (_, maintenance):
        maintenance.look()
        maintenance.look()
        assert maintenance.sealed == 1
        assert maintenance.last_error is None
    assert len(list((tmp_path / "data" / "segments").rglob("*.parquet"))) == 1


def test_before_the_first_tick_nothing_is_due(tmp_path: Path) -> None:
    """Without a newest tick there is no time to judge by."""
    with kept(tmp_path / "data", None) as (_, maintenance):
        maintenance.look()
        assert maintenance._free_journal(10) == 0
        assert (maintenance.sealed, maintenance.last_error) == (0, None)


def test_how_much_is_held_too_much_is_said_at_every_look(tmp_path: Path, feeds: Path) -> None:
    """Not once in five minutes, when the rule over it would take the last word for too old."""
    telemetry = Telemetry.open(sinks=[])
    with kept(tmp_path / "data", feeds) as (parts, _):
        maintenance = Maintenance(
            settings_for(tmp_path / "data"),
            stores=parts.stores,
            journals=parts.journals,
            pipeline=parts.pipeline,
            telemetry=telemetry,
        )
        for _look in range(3):
            maintenance.look()
    assert telemetry.metrics.get_metric_summary("disk_over_budget")["count"] >= 3
    telemetry.close()


def test_the_journal_that_a_restart_needs_is_never_let_go(tmp_path: Path, feeds: Path) -> None:
    """However small the budget, what came after the last state kept stays; older hours go."""
    with kept(tmp_path / "data", feeds) as (parts, maintenance):
        before = len(parts.journals.get().files())
        assert before == 2
        # The last state is of the first tick, so that all of the journal is needed still.
        assert maintenance._free_journal(1 << 40) == 0
        parts.pipeline.follow.needed_from_us = 1 << 62
        assert maintenance._free_journal(1 << 40) > 0
        assert len(parts.journals.get().files()) == 1


@dataclass
class Enforced:
    """Stands for a store that finds too much."""

    asked: list[tuple[Any, int]] = field(default_factory=list)

    def enforce(self, retention: Any, now_s: int, free_journal: Any) -> Freed:
        """Free the journal and some more."""
        self.asked.append((retention, now_s))
        return Freed(["a.parquet"], {"visit": 3}, free_journal(5), 1_000)

    def seal_due(self, _now_s: int) -> list[Any]:
        """Nothing."""
        return []


def test_more_than_the_budget_is_said(
    tmp_path: Path, feeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing more may go and it is still too much, the service is degraded."""
    store = Enforced()
    with kept(tmp_path / "data", feeds, disk_budget_gb=0.05) as (parts, maintenance):
        monkeypatch.setattr(parts.stores, "ask", lambda: store)
        maintenance.look()
        maintenance.look()
        assert maintenance.over_bytes == 1_000
        # The second look comes too soon to enforce again.
        assert len(store.asked) == 1
        assert store.asked[0][0].budget_bytes == 50_000_000
        health = asyncio.run(MaintenanceService(maintenance).health())
        assert health.status is HealthState.DEGRADED
        assert health.details["over_budget_bytes"] == 1_000


def test_what_cannot_be_done_is_told_and_tried_again(
    tmp_path: Path, feeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away stops no housekeeping for good."""
    seal_due = Store.seal_due

    def away(*_: Any) -> list[Any]:
        raise DatabaseAwayError("it does not answer")

    with kept(tmp_path / "data", feeds) as (parts, maintenance):
        monkeypatch.setattr(Store, "seal_due", away)
        maintenance.look()
        maintenance.look()
        health = asyncio.run(MaintenanceService(maintenance).health())
        assert (health.status, health.details["error"]) == (
            HealthState.DEGRADED,
            "it does not answer",
        )
        monkeypatch.setattr(Store, "seal_due", seal_due)
        maintenance.look()
        assert maintenance.last_error is None
        assert maintenance.sealed == 1

        def refuses(**_: Any) -> Any:
            raise JournalWriteError("not_writable", "read-only")

        monkeypatch.setattr(parts.journals.get(), "prune", refuses)
        assert maintenance._free_journal(1) == 0


def test_the_thread_that_keeps_house_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in it does not go unnoticed."""
    monkeypatch.setattr("sectorwatch.runtime.services_maintenance._LOOK_EVERY_S", 0.001)

    class Broken:
        def look(self) -> None:
            raise ZeroDivisionError("a bug of ours")

    async def scenario() -> BaseException:
        service = MaintenanceService(cast("Maintenance", Broken()))
        await service.start()
        error = await service.failed()
        await service.stop()
        return error

    assert isinstance(asyncio.run(scenario()), ZeroDivisionError)


def test_a_closed_journal_is_unhealthy_by_its_own_words(tmp_path: Path) -> None:
    """A check on what is not there raises what the slot says."""
    with kept(tmp_path / "data", None) as (parts, _):
        parts.journals.close()
        with pytest.raises(JournalError, match="closed"):
            parts.journals.get()
