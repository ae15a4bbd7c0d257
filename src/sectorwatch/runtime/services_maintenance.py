"""What keeps house beside the pipeline: sealing closed hours, letting go of what is old."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sectorwatch.errors import JournalError, SectorwatchError
from sectorwatch.observe import HealthState, LogCategory, LogCorrelationContext
from sectorwatch.runtime.memory import give_back_memory
from sectorwatch.runtime.service import Health, Service
from sectorwatch.runtime.threads import Worker
from sectorwatch.store.budget import Retention

if TYPE_CHECKING:
    import threading

    from sectorwatch.config import Settings
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.measures_disk import DiskMeasures
    from sectorwatch.runtime.pipeline import Pipeline
    from sectorwatch.runtime.slots import JournalSlot, StoreSlot

__all__ = ["Maintenance", "MaintenanceService"]

_DAY_S = 86_400
_LOOK_EVERY_S = 5.0
_ENFORCE_EVERY_S = 300.0


class Maintenance:
    """Seals and lets go, by the pipeline's own time; belongs to one thread.

    Time is that of the newest tick: what a recording of last year's feeds brings in is not old.
    Without `by_age` only what is too much goes, however old the rest is.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        stores: StoreSlot,
        journals: JournalSlot,
        pipeline: Pipeline,
        telemetry: Telemetry,
        by_age: bool = True,
    ) -> None:
        self._stores = stores
        self._journals = journals
        self._pipeline = pipeline
        self._telemetry = telemetry
        self._log = telemetry.for_service("maintenance").log
        self._journal_age_s = int(settings.journal_keep_days * _DAY_S) if by_age else None
        self._journal_bytes = int(settings.journal_keep_gb * 1e9)
        segments_days = settings.segments_keep_days if by_age else None
        self._retention = Retention(
            positions_days=segments_days,
            visits_days=segments_days,
            network_days=segments_days,
            forecasts_days=segments_days,
            demand_days=segments_days,
            history_days=settings.history_keep_days if by_age else None,
            budget_bytes=int(settings.disk_budget_gb * 1e9),
        )
        self._over = telemetry.metrics.gauge("disk_over_budget", unit="bytes")
        self._enforced_s: float | None = None
        self.sealed = 0
        self.over_bytes = 0
        self.last_error: str | None = None

    def look(self) -> None:
        """Do what is due; what goes wrong is logged and tried again the next time."""
        with LogCorrelationContext():
            self._look()

    def _look(self) -> None:
        try:
            self.seal()
            now_s = time.monotonic()
            if self._enforced_s is None or now_s - self._enforced_s >= _ENFORCE_EVERY_S:
                self.enforce()
                self._enforced_s = now_s
            # Each time: what is said once in five minutes is too old for a rule before it is new.
            self._over.set(self.over_bytes)
        except SectorwatchError as error:
            if self.last_error != str(error):
                self._log.log_exception("maintain", error)
            self.last_error = str(error)
        else:
            self.last_error = None

    def seal(self) -> None:
        """Seal every hour that the newest tick says is over. Raises StoreError."""
        tick = self._pipeline.latest
        if tick is None:
            return
        files = self._stores.ask().seal_due(tick.time_us // 1_000_000)
        self.sealed += len(files)
        for file in files:
            self._log.log_operation(
                "seal", category=LogCategory.DATABASE, file=file.path, bytes=file.size_bytes
            )
        if files:
            give_back_memory()

    def enforce(self) -> None:
        """Let go of what is too old or too much. Raises StoreError or JournalError."""
        tick = self._pipeline.latest
        if tick is None:
            return
        with self._telemetry.timed("enforce", "maintenance", slow_s=60.0):
            self._journals.get().prune(
                now_us=tick.time_us,
                max_age_s=self._journal_age_s,
                max_bytes=self._journal_bytes,
                needed_from_us=self._pipeline.follow.needed_from_us,
            )
            freed = self._stores.ask().enforce(
                self._retention, tick.time_us // 1_000_000, self._free_journal
            )
        self.over_bytes = freed.over_bytes
        if freed.segments or freed.rows or freed.journal_bytes:
            self._log.log_operation(
                "let_go",
                segments=len(freed.segments),
                rows=freed.rows,
                journal_bytes=freed.journal_bytes,
                over_bytes=freed.over_bytes,
            )

    def _free_journal(self, wanted_bytes: int) -> int:
        tick = self._pipeline.latest
        if tick is None:
            return 0
        try:
            journal = self._journals.get()
            held = sum(file.size_bytes() for file in journal.files())
            return journal.prune(
                now_us=tick.time_us,
                max_bytes=max(0, held - wanted_bytes),
                needed_from_us=self._pipeline.follow.needed_from_us,
            ).bytes
        except JournalError as error:
            self._log.log_exception("free_journal", error)
            return 0


class MaintenanceService(Service):
    """Runs `Maintenance` in a thread of its own, so that no tick waits for it."""

    name = "maintenance"
    depends_on = ("store", "journal")

    def __init__(self, maintenance: Maintenance, measures: DiskMeasures | None = None) -> None:
        self._maintenance = maintenance
        self._measures = measures
        self._worker = Worker("maintenance", self._work)

    async def start(self) -> None:
        """Begin to look what is due."""
        self._worker.start()

    async def stop(self) -> None:
        """End, after what is under way."""
        await self._worker.stop()

    async def health(self) -> Health:
        """Degraded where something is due and cannot be done, or too much is kept."""
        work = self._maintenance
        about: dict[str, Any] = {"sealed": work.sealed, "over_budget_bytes": work.over_bytes}
        if work.last_error is not None:
            about["error"] = work.last_error
        good = work.last_error is None and not work.over_bytes
        return Health(HealthState.HEALTHY if good else HealthState.DEGRADED, about)

    async def failed(self) -> BaseException:
        """Wait until the thread dies."""
        return await self._worker.failed()

    def _work(self, stop: threading.Event) -> None:
        while not stop.wait(_LOOK_EVERY_S):
            self._maintenance.look()
            if self._measures is not None:
                self._measures.look()
