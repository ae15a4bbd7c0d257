"""The store as others use it: open, commit, resume, ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import SystemClock
from sectorwatch.store.commit import Checkpoint, Committer, Identity
from sectorwatch.store.database import Database
from sectorwatch.store.migrate import bring_up_to_date, require_up_to_date

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sectorwatch.clock import Clock
    from sectorwatch.store.directory import DataDirectory
    from sectorwatch.traffic.tick import Tick

__all__ = ["Store"]


class Store:
    """What is kept of the network, in a database and in sealed files beside it.

    Every method may be called from any thread. Made by `Store.open`.
    """

    def __init__(self, directory: DataDirectory, database: Database, clock: Clock) -> None:
        self.directory = directory
        self.database = database
        self._clock = clock
        self._committer = Committer(database)

    @classmethod
    def open(
        cls, directory: DataDirectory, url: str | None = None, *, clock: Clock | None = None
    ) -> Self:
        """Opens the store of `directory`: its SQLite file, or the PostgreSQL database at `url`.

        Where this process holds the directory's lock, the tables are made or brought up to date.
        Raises DataDirectoryError for a database of a newer version or of another directory,
        DatabaseAwayError where it does not answer, ConfigError for a URL that is none.
        """
        database = Database.open(directory, url)
        try:
            if directory.is_owner:
                bring_up_to_date(database, directory.instance_id)
            else:
                require_up_to_date(database, directory.instance_id)
            return cls(directory, database, clock or SystemClock())
        except BaseException:
            database.close()
            raise

    def identify(self, identity: Identity) -> None:
        """Says what the ticks to come are made with; the first of them keeps it."""
        self._committer.identify(identity)

    def commit(
        self, tick: Tick, *, state: bytes | None = None, journal_position: str | None = None
    ) -> bool:
        """Keeps `tick`, durably, and with it the tracker's `state` where it is given.

        `journal_position` says where in the journal the tick's record ends; it is kept beside the
        state. False where the tick is in the database already: then nothing is written. Raises
        DatabaseAwayError where nothing was kept and the same call may be made again, StoreError
        where the tick does not follow the last one.
        """
        return self._committer.commit(tick, state=state, journal_position=journal_position)

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

    def close(self) -> None:
        """Closes the database; the data directory stays with whoever opened it."""
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
