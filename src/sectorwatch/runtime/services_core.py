"""The services that a feed goes through, but for where it comes from: store, journal, tracker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sectorwatch.errors import DatabaseAwayError, StoreError
from sectorwatch.observe import HealthState, LogCategory, LogLevel
from sectorwatch.runtime.service import Health, Service
from sectorwatch.runtime.threads import Worker, call_in_thread

if TYPE_CHECKING:
    from sectorwatch.observe import Telemetry
    from sectorwatch.observe.statements import StatementStudy
    from sectorwatch.runtime.keyring import KeyRing
    from sectorwatch.runtime.pipeline import Pipeline
    from sectorwatch.runtime.slots import JournalSlot, StoreSlot
    from sectorwatch.store import DatabaseWatch, DataDirectory

__all__ = ["JournalService", "StoreService", "TrackerService"]


class StoreService(Service):
    """Opens and closes the store, and asks now and then whether it answers."""

    name = "store"
    uses = ("logging",)

    def __init__(
        self,
        stores: StoreSlot,
        keys: KeyRing,
        directory: DataDirectory,
        *,
        pipeline: Pipeline,
        telemetry: Telemetry,
        watch: DatabaseWatch | None = None,
        study: StatementStudy | None = None,
    ) -> None:
        # Neither holds anything that anybody else needs: they are told to end, not waited for.
        self._besides = [
            Worker(name, each.work)
            for name, each in (("store-watch", watch), ("statement-study", study))
            if each is not None
        ]
        self._stores = stores
        self._keys = keys
        self._directory = directory
        self._pipeline = pipeline
        self._log = telemetry.for_service(self.name).log
        self._is_greeted = False

    async def start(self) -> None:
        """Open the store; a database that is away is no reason not to start, a wrong one is."""
        await call_in_thread(self._open, "store-open")
        for worker in self._besides:
            worker.start()

    async def stop(self) -> None:
        """Close it."""
        for worker in self._besides:
            worker.ask_to_stop()
        await call_in_thread(self._stores.stop, "store-close")

    async def health(self) -> Health:
        """Unhealthy where the database does not answer, degraded where it is behind."""
        return await call_in_thread(self._look, "store-health")

    def _open(self) -> None:
        self._is_greeted = False
        self._stores.start()
        try:
            self._greet()
        except DatabaseAwayError as error:
            # Done as soon as it answers: see `_look`.
            self._log.log_exception("open", error, category=LogCategory.DATABASE)

    def _greet(self) -> None:
        """What is done once a start, as soon as the database answers."""
        path = self._directory.operator_key
        if self._keys.make_first(path):
            self._log.log_operation(
                "make_key", category=LogCategory.SECURITY, what=f"an operator's key is in {path}"
            )
        for what in (*self._stores.ask().found.removed, *self._stores.ask().found.missing):
            self._log.log_operation(
                "tidy_segments", LogLevel.WARNING, LogCategory.DATABASE, file=str(what)
            )
        database = self._stores.ask().database
        self._log.log_operation(
            "open", category=LogCategory.DATABASE, engine=database.dialect, database=database.label
        )
        self._is_greeted = True

    def _look(self) -> Health:
        follow = self._pipeline.follow
        about: dict[str, Any] = {"pending_snapshots": follow.pending, "in_step": follow.is_in_step}
        if follow.last_error is not None:
            about["error"] = follow.last_error
        database = self._stores.ask().database
        with database.read("asking whether it answers") as connection:
            connection.exec_driver_sql("SELECT 1").all()
        if not self._is_greeted:
            self._greet()
        about["last_write_s"] = (database.write_latencies_s or [None])[-1]
        bad = follow.last_error is not None
        return Health(HealthState.UNHEALTHY if bad else HealthState.HEALTHY, about)


class JournalService(Service):
    """Opens the journal, always with a new file, and closes it in order."""

    name = "journal"
    uses = ("logging",)

    def __init__(
        self, journals: JournalSlot, *, pipeline: Pipeline, reserve_mb: float, telemetry: Telemetry
    ) -> None:
        self._journals = journals
        self._pipeline = pipeline
        self._reserve_mb = reserve_mb
        self._log = telemetry.for_service(self.name).log

    async def start(self) -> None:
        """Open it, cutting off what a crash left half-written."""
        journal = await call_in_thread(self._journals.open, "journal-open")
        recovered = journal.recovered
        if recovered.problems:
            self._log.log_operation(
                "recover",
                LogLevel.WARNING,
                torn_bytes=recovered.torn_bytes,
                corrupt_records=recovered.corrupt_records,
                lost_bytes=recovered.lost_bytes,
            )

    async def stop(self) -> None:
        """Close it."""
        await call_in_thread(self._journals.close, "journal-close")

    async def health(self) -> Health:
        """Unhealthy where nothing can be written."""
        # A file an hour, for months, on a disk that may be slow to say how long each is.
        return await call_in_thread(self._look, "journal-health")

    def _look(self) -> Health:
        journal = self._journals.get()
        disk = os.statvfs(journal.folder)
        files = journal.files()
        about: dict[str, Any] = {
            "files": len(files),
            "bytes": sum(file.size_bytes() for file in files),
            "open_file": journal.open_file,
            "free_mb": round(disk.f_bavail * disk.f_frsize / 1e6),
            "reserve_mb": self._reserve_mb,
            "feeds_unwritten": self._pipeline.intake.counts().unwritten,
        }
        if self._pipeline.write_error is not None:
            return Health(HealthState.UNHEALTHY, {"error": self._pipeline.write_error, **about})
        return Health(HealthState.HEALTHY, about)


class TrackerService(Service):
    """Has the tracker's last state loaded, so that the collector goes on from it."""

    name = "tracker"
    depends_on = ("store", "journal")

    def __init__(self, pipeline: Pipeline, *, telemetry: Telemetry) -> None:
        self._pipeline = pipeline
        self._log = telemetry.for_service(self.name).log

    async def start(self) -> None:
        """Load the state. Where the store cannot give it now, the collector tries again."""
        await call_in_thread(self._resume, "tracker-resume")

    async def stop(self) -> None:
        """Let go of it; what it has to remember is kept."""
        self._pipeline.follow.forget()

    async def health(self) -> Health:
        """Degraded while it is behind the journal."""
        follow, latest = self._pipeline.follow, self._pipeline.latest
        about = {
            "in_step": follow.is_in_step,
            "seq": None if latest is None else latest.seq,
            "flights": None if latest is None else len(latest.live.flights),
            "pending_snapshots": follow.pending,
        }
        good = follow.is_in_step
        return Health(HealthState.HEALTHY if good else HealthState.DEGRADED, about)

    def _resume(self) -> None:
        try:
            self._pipeline.follow.resume()
        except StoreError as error:
            self._log.log_exception("resume", error)
