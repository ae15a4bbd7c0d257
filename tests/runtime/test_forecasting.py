"""The service that forecasts, in the whole program over a recording."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from runtime.test_application import running
from runtime.world import settings_for, write_feeds
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.forecast.kept import Readable, newest_issue
from sectorwatch.observe import HealthState, PerformanceMetric
from sectorwatch.runtime import Application, ServiceState, build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sectorwatch.traffic.tick import Tick


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes of a made network."""
    folder = tmp_path_factory.mktemp("made") / "feeds"
    write_feeds(folder, duration_s=1_200, every_s=60, flights=12)
    return folder


def over(feeds: Path, data_dir: Path, **more: Any) -> Application:
    """An application over a recording, without an API."""
    return build(settings_for(data_dir, **more), ArchiveSource([feeds]))


async def until(condition: Callable[[], Any]) -> None:
    """Wait for it, half a minute at most."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def test_it_forecasts_what_the_newest_tick_knows_and_keeps_it(tmp_path: Path, feeds: Path) -> None:
    """Every sector, in the airspace's order; healthy without a model, which is said; and timed."""

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data")
        async with running(application):
            await until(lambda: application.pipeline.is_finished)
            await until(lambda: (i := application.foresight.latest) and i.seq >= 16)
            issued = application.foresight.latest
            assert issued is not None
            ids = [each.sector_id for each in application.airspace.sectors]
            assert issued.sector_id.tolist() == ids
            assert issued.mean.sum() > 0
            found = await application.telemetry.health.check_all_services()
            health = found["forecast"]
            assert health.status is HealthState.HEALTHY
            assert health.details["basis"] == "insufficient_history"
            assert health.details["model"] is None
            assert health.details["issued"] >= 1
            timing = application.telemetry.performance.get_metric_summary(
                "issue", "forecast", PerformanceMetric.RESPONSE_TIME
            )
            assert timing["count"] == health.details["issued"]
            forecasts = application.store.ask().forecasts
            await until(lambda: forecasts.newest("sectors") == issued.as_of_s)
            kept = newest_issue(forecasts, Readable())
            assert kept is not None
            assert kept.seq == issued.seq
            await until(lambda: forecasts.newest("airports") == issued.as_of_s)

    asyncio.run(scenario())


def test_a_restart_goes_on_with_what_was_said_last(tmp_path: Path, feeds: Path) -> None:
    """Of the service alone, and of the program, before any feed has come."""

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data")
        async with running(application):
            await until(lambda: (i := application.foresight.latest) and i.seq >= 16)
            last = application.foresight.latest
            assert last is not None
            await application.supervisor.restart("forecast")
            [status] = application.supervisor.status("forecast")
            assert status.state is ServiceState.RUNNING
            assert application.foresight.latest is not None
            assert application.foresight.latest.as_of_s >= last.as_of_s
        again = over(feeds, tmp_path / "data")
        async with running(again):
            await until(lambda: again.foresight.latest)
            found = again.foresight.latest
            assert found is not None
            assert found.as_of_s >= last.as_of_s

    asyncio.run(scenario())


def test_a_stop_ends_what_takes_long_and_leaves_no_thread(tmp_path: Path, feeds: Path) -> None:
    """Weeks that are loaded, say, before the first forecast: none is made any more."""
    application = over(feeds, tmp_path / "data")
    begun, heard = threading.Event(), []

    def load(_tick: Tick) -> None:
        begun.set()
        heard.append(application.foresight.stopping.wait(60))

    application.foresight.before_issue.insert(0, load)

    def forecasting() -> set[threading.Thread]:
        return {each for each in threading.enumerate() if each.name == "forecast"}

    # Another test's instance may run in this process as well.
    others = forecasting()

    async def scenario() -> None:
        async with running(application):
            await until(begun.is_set)
            assert forecasting() - others
        # A thread says that its work is done just before it is gone.
        await until(lambda: forecasting() <= others)

    asyncio.run(scenario())
    assert heard == [True]
    assert application.foresight.latest is None
    [status] = application.supervisor.status("forecast")
    assert (status.state, status.last_error) == (ServiceState.STOPPED, None)


def test_switched_off_there_is_no_such_service_and_all_else_runs(
    tmp_path: Path, feeds: Path
) -> None:
    """Every feed goes in, every other service is healthy."""

    async def scenario() -> None:
        application = over(feeds, tmp_path / "data", forecasting=False)
        async with running(application):
            await until(lambda: application.latest and application.latest.seq == 20)
            assert "forecast" not in {each.name for each in application.supervisor.status()}
            assert not application.foresight.is_on
            found = await application.telemetry.health.check_all_services()
            assert {each.status for each in found.values()} == {HealthState.HEALTHY}
            assert application.store.ask().forecasts.newest("sectors") is None

    asyncio.run(scenario())
