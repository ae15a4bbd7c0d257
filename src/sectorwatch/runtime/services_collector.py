"""The service that brings feeds in: the network's, or a recording's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from sectorwatch.clock import format_us
from sectorwatch.feed.sources import LiveSource
from sectorwatch.observe import HealthState
from sectorwatch.runtime.handoff import Handoff
from sectorwatch.runtime.service import Health, Service
from sectorwatch.runtime.threads import Worker

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from sectorwatch.clock import Clock
    from sectorwatch.feed.breaker import CircuitBreaker
    from sectorwatch.feed.client import VatsimClient
    from sectorwatch.feed.sources import Source
    from sectorwatch.feed.trouble import FeedTrouble
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.pipeline import Pipeline

__all__ = ["CollectorService", "Intake", "LiveIntake", "RecordedIntake"]

_UNHEALTHY_TIMES = 5


class Intake(Protocol):
    """Where the collector's feeds come from; may be opened again after it was closed."""

    async def open(self) -> Source:
        """Begin to bring feeds in; they come out of the source given back."""

    async def close(self) -> None:
        """End, so that the source's iteration ends too."""

    async def failed(self) -> BaseException:
        """Wait until no more feeds can come, and give why; for ever where there is no such end."""

    def end(self) -> None:
        """Let go of it for good."""


class LiveIntake:
    """The network: a client in the event loop, and a line from which the thread takes."""

    def __init__(
        self,
        client: VatsimClient,
        *,
        clock: Clock,
        telemetry: Telemetry,
        name: str = "VATSIM",
        is_simulated: bool = False,
    ) -> None:
        self._client = client
        self._name = name
        self._is_simulated = is_simulated
        self._clock = clock
        self._telemetry = telemetry
        self._source: LiveSource | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> Source:
        """Begin to fetch."""
        source = self._source = LiveSource(
            self._clock,
            telemetry=self._telemetry,
            name=self._name,
            is_simulated=self._is_simulated,
        )
        # The real network waits for nobody; a simulated one can be read as fast as we keep up.
        has_room = source.has_room if self._is_simulated else None
        fetching = self._client.run(source.offer, has_room=has_room)
        self._task = asyncio.create_task(fetching, name="client")
        return source

    async def close(self) -> None:
        """Fetch no more; what is in line is still handed out."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self._source is not None:
            self._source.close()

    async def failed(self) -> BaseException:
        """Wait until the client dies."""
        task = self._task
        if task is None:
            return RuntimeError("nothing is fetched")
        await asyncio.wait({task})
        error = None if task.cancelled() else task.exception()
        return error or RuntimeError("the client ended although nobody told it to")

    def end(self) -> None:
        """Nothing is left after `close`."""


class RecordedIntake:
    """A recording, gone on with where a restart interrupted it."""

    def __init__(self, source: Source) -> None:
        self._handoff = Handoff(source)

    async def open(self) -> Source:
        """Begin, or go on."""
        self._handoff.open()
        return self._handoff

    async def close(self) -> None:
        """Interrupt it."""
        self._handoff.close()

    async def failed(self) -> BaseException:
        """Never: what reading it raises is raised to who takes from it."""
        await asyncio.Event().wait()
        raise AssertionError  # pragma: no cover - nothing ever sets that event

    def end(self) -> None:
        """Close the recording."""
        self._handoff.end()


class CollectorService(Service):
    """Runs the ingestion thread over what comes in."""

    name = "collector"
    depends_on = ("journal", "store", "tracker")

    def __init__(
        self,
        pipeline: Pipeline,
        intake: Intake,
        *,
        stale_after_s: float,
        breakers: Sequence[CircuitBreaker],
        trouble: FeedTrouble | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._intake = intake
        self._stale_after_s = stale_after_s
        self._breakers = breakers
        self._trouble = trouble
        self._source: Source | None = None
        self._worker = Worker("ingestion", self._work)

    async def start(self) -> None:
        """Begin to take feeds in."""
        self._source = await self._intake.open()
        self._worker.start()

    async def stop(self) -> None:
        """End after the feed that is under way."""
        self._worker.ask_to_stop()
        await self._intake.close()
        await self._worker.stop()

    async def failed(self) -> BaseException:
        """Wait until the thread, or what brings its feeds, dies."""
        waiting = [
            asyncio.create_task(self._worker.failed()),
            asyncio.create_task(self._intake.failed()),
        ]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in waiting:
                task.cancel()

    async def health(self) -> Health:
        """By the age of the newest snapshot: degraded once it is stale, unhealthy at five times."""
        counts = self._pipeline.intake.counts()
        latest = self._pipeline.latest
        age_s = self._pipeline.age_s()
        about: dict[str, Any] = {
            "source": self._source.name if self._source is not None else "",
            "feed_age_s": None if age_s is None else round(age_s, 3),
            "snapshot_time": None if latest is None else format_us(latest.time_us),
            "feeds": counts.feeds,
            "new": counts.new,
            "finished": self._pipeline.is_finished,
            "refused": dict(counts.refused),
        }
        if self._pipeline.last_refusal is not None:
            about["last_refusal"] = self._pipeline.last_refusal
        states = {each.name: each.state.state for each in self._breakers}
        if states:
            about["circuit_breakers"] = states
        if self._trouble is not None and (why := self._trouble.words()):
            about["feed_failing"] = why
        return Health(self._state(age_s, set(states.values())), about)

    def _state(self, age_s: float | None, breakers: set[str]) -> HealthState:
        if self._pipeline.is_finished:
            return HealthState.HEALTHY
        if self._pipeline.is_stale(self._stale_after_s, _UNHEALTHY_TIMES):
            return HealthState.UNHEALTHY
        is_stale = self._pipeline.is_stale(self._stale_after_s)
        if age_s is None or is_stale or breakers - {"closed"}:
            return HealthState.DEGRADED
        return HealthState.HEALTHY

    def _work(self, stop: threading.Event) -> None:
        source = self._source
        assert source is not None  # noqa: S101 - there since `start`
        self._pipeline.run(source, stop)
        if not source.is_live and not stop.is_set():
            # A recording that has been played is no failure.
            self._pipeline.is_finished = True
            stop.wait()
