"""The store as others use it: open, commit, resume, ask."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from sectorwatch.clock import SystemClock
from sectorwatch.observe import LogCategory, LogLevel, Telemetry
from sectorwatch.store.budget import Budget
from sectorwatch.store.catalog import keep_sectors
from sectorwatch.store.commit import Checkpoint, Committer, Identity
from sectorwatch.store.counts import StoreCounts
from sectorwatch.store.database import Database
from sectorwatch.store.forecasts import ForecastStore
from sectorwatch.store.keys import Keys
from sectorwatch.store.lost import Lost, lost_times
from sectorwatch.store.manifest import Manifest, Tidied
from sectorwatch.store.migrate import bring_up_to_date, require_up_to_date
from sectorwatch.store.queries_airports import AirportQueries
from sectorwatch.store.queries_contacts import ContactQueries
from sectorwatch.store.queries_controllers import ControllerQueries
from sectorwatch.store.queries_coverage import CoverageQueries
from sectorwatch.store.queries_database import DatabaseQueries
from sectorwatch.store.queries_flights import FlightQueries
from sectorwatch.store.queries_history import HistoryQueries
from sectorwatch.store.queries_moments import MomentQueries
from sectorwatch.store.queries_network import NetworkQueries
from sectorwatch.store.queries_sectors import SectorQueries
from sectorwatch.store.queries_statistics import StatisticsQueries
from sectorwatch.store.queries_tracks import TrackQueries
from sectorwatch.store.reader import SegmentReader
from sectorwatch.store.sealing import Sealer
from sectorwatch.store.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from sectorwatch.airspace.model import Sector
    from sectorwatch.clock import Clock
    from sectorwatch.store.budget import Freed, Retention
    from sectorwatch.store.directory import DataDirectory
    from sectorwatch.store.segments import SegmentFile
    from sectorwatch.traffic.tick import Tick

__all__ = ["Store"]


class Store:
    """What is kept of the network, in a database and in sealed files beside it.

    Every method may be called from any thread. Made by `Store.open`; `found` says what that start
    found in the folder of segments. Questions go to `flights`, `tracks`, `sectors`, `airports`,
    `controllers`, `contacts`, `coverage`, `history`, `moments`, `network`, `statistics` and
    `status()`; `forecasts` are those that were issued, `keys` those of the API.
    """

    def __init__(
        self, directory: DataDirectory, database: Database, clock: Clock, telemetry: Telemetry
    ) -> None:
        self.directory = directory
        self.database = database
        self.manifest = Manifest(database, directory.segments, clock)
        self.found = Tidied([], [])
        self._may_unlink = True
        self._clock = clock
        self._telemetry = telemetry
        self._committer = Committer(database, telemetry.metrics)
        self._counts = StoreCounts(telemetry.metrics)
        self._budget = Budget(database, self.manifest, directory)
        self._sealing = threading.Lock()
        self._reader = SegmentReader(directory.segments, telemetry.statements)
        self.keys = Keys(database, clock)
        self.sources = sources = Sources(
            database,
            self.manifest,
            self._reader,
            may_write=directory.is_owner,
            tell=lambda what: telemetry.log.log_operation(
                "set_aside", LogLevel.ERROR, LogCategory.DATABASE, what=what
            ),
        )
        self._reader.on_unreadable = sources.look_through
        self._sealer = Sealer(sources)
        self.forecasts = ForecastStore(sources)
        self.flights = FlightQueries(sources)
        self.tracks = TrackQueries(sources)
        self.sectors = SectorQueries(sources)
        self.airports = AirportQueries(sources)
        self.controllers = ControllerQueries(sources)
        self.contacts = ContactQueries(sources)
        self.coverage = CoverageQueries(sources)
        self.moments = MomentQueries(sources)
        self.network = NetworkQueries(sources)
        self.history = HistoryQueries(sources)
        self.statistics = StatisticsQueries(sources)
        self.status = DatabaseQueries(sources, directory).status

    @classmethod
    def open(
        cls,
        directory: DataDirectory,
        url: str | None = None,
        *,
        clock: Clock | None = None,
        telemetry: Telemetry | None = None,
        is_scratch: bool = False,
    ) -> Self:
        """Opens the store of `directory`: its SQLite file, or the PostgreSQL database at `url`.

        With `is_scratch` nothing is synced, nothing tidied and no file removed: it is one that is
        being made, and the one in use still names what it has replaced. Where this process holds
        the directory's lock, the tables are made or brought up to date.
        Raises DataDirectoryError for a database of a newer version or of another directory,
        DatabaseAwayError where it does not answer, ConfigError for a URL that is none.
        """
        telemetry = telemetry or Telemetry.null()
        database = Database.open(directory, url, is_scratch=is_scratch, telemetry=telemetry)
        store = cls(directory, database, clock or SystemClock(), telemetry)
        if is_scratch:
            store._may_unlink = False
            return store
        try:
            store._prepare()
        except BaseException:
            database.close()
            raise
        return store

    def _prepare(self) -> None:
        instance_id = self.directory.instance_id
        if not self.directory.is_owner:
            require_up_to_date(self.database, instance_id)
            return
        bring_up_to_date(self.database, instance_id, self.manifest.require_no_strangers)
        self.found = self.manifest.tidy()
        self.manifest.unlink_due()

    def identify(self, identity: Identity) -> None:
        """Says what the ticks to come are made with; the first of them keeps it."""
        self._committer.identify(identity)

    def commit(
        self,
        tick: Tick,
        *,
        state: bytes | None = None,
        state_seq: int | None = None,
        journal_position: str | None = None,
    ) -> bool:
        """Keeps `tick`, durably, and with it the tracker's `state` where it is given.

        The state is the one after the tick `state_seq`, without it after `tick`;
        `journal_position` says where in the journal that tick's record is. False where the tick is
        in the database already: then nothing is written. Raises DatabaseAwayError where nothing was
        kept and the same call may be made again, StoreError where the tick does not follow the last
        one.
        """
        with self._doing("commit"):
            return self._committer.commit(
                tick, state=state, state_seq=state_seq, journal_position=journal_position
            )

    def resume(self) -> Checkpoint | None:
        """Where to go on from, None where nothing was ever committed."""
        return self._committer.resume()

    def holds(self, time_us: int) -> bool:
        """Whether a snapshot of exactly this time was ever committed, however long ago."""
        return self._committer.holds(time_us)

    def close_open_rows(self) -> int:
        """Ends whatever is still open at the last tick kept: for a tracker that starts anew.

        That happens where the state cannot be used, after a change of airspace or rules. Gives the
        number of rows ended.
        """
        return self._committer.close_open_rows()

    def keep_sectors(self, sectors: Iterable[Sector]) -> int:
        """Keeps what `sectors` are called and where they lie; gives how many these were.

        Sectors of an earlier airspace stay, for rows may speak of them.
        """
        return keep_sectors(self.database, sectors)

    def seal(self, hour_s: int) -> SegmentFile | None:
        """Seals the positions of the hour that begins at `hour_s`; None where there are none.

        Raises StoreError where the hour is not over, DiskFullError and DatabaseAwayError where it
        may be tried again.
        """
        with self._sealing, self._doing("seal"):
            made = self._sealer.seal_hour(hour_s)
        self._counts.sealed([] if made is None else [made])
        return made

    def seal_due(self, now_s: int) -> list[SegmentFile]:
        """Seals every hour, and every day past the SQL window, that is over by `now_s`.

        `now_s` is the last tick's time. To be called often, from any one thread: it costs nothing
        until another hour has closed. Files replaced ten minutes ago are removed as well. Raises
        as `seal` does; what was not sealed is tried again at the next call.
        """
        with self._sealing, self._doing("seal_due"):
            made = self._sealer.seal_due(now_s)
            if self._may_unlink:
                self.manifest.unlink_due()
        self._counts.sealed(made)
        return made

    def enforce(
        self, retention: Retention, now_s: int, free_journal: Callable[[int], int] | None = None
    ) -> Freed:
        """Lets go of what is too old at `now_s`, then of what is more than the disk budget.

        `free_journal(wanted_bytes)` removes that much of the journal, oldest first, or as much as
        it may, and gives the bytes it removed. Raises DatabaseAwayError: it may be tried again.
        """
        with self._sealing, self._doing("enforce"):
            freed = self._budget.enforce(retention, now_s, free_journal)
        self._counts.let_go(freed)
        return freed

    @contextlib.contextmanager
    def _doing(self, operation: str) -> Iterator[None]:
        """Time an operation, and say of its statements that they are its."""
        telemetry = self._telemetry
        with telemetry.timed(operation, "store"), telemetry.statements.during(operation, "store"):
            yield

    def lost(self, kind: str, from_s: int, to_s: int) -> list[Lost]:
        """Of which times of a period segments of `kind` were kept and are no longer, oldest first.

        None is lost that lies after the last tick.
        """
        with self.database.read("asking what is lost") as connection:
            return lost_times(connection, kind, from_s, to_s)

    def segment_totals(self) -> dict[str, tuple[int, int]]:
        """How many sealed files there are of each kind, and their bytes together."""
        with self.database.read("asking how much is sealed") as connection:
            return self.manifest.totals(connection)

    def close(self) -> None:
        """Closes database and files; the data directory stays with whoever opened it."""
        self._reader.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
