"""What comes and goes while the program runs: the store and the journal behind one name each.

A service opens and closes them; everybody else asks the slot, and hears in words where there is
nothing in it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sectorwatch.errors import DatabaseAwayError, JournalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.feed.breaker import CircuitBreaker
    from sectorwatch.feed.journal import Journal
    from sectorwatch.store import Store

__all__ = ["JournalSlot", "StoreSlot"]


class JournalSlot:
    """The journal that is open now."""

    def __init__(self, open_journal: Callable[[], Journal]) -> None:
        self._open = open_journal
        self._journal: Journal | None = None

    def open(self) -> Journal:
        """Open the journal, cutting off what a crash left half-written."""
        self._journal = self._open()
        return self._journal

    def close(self) -> None:
        """Close it in order; twice does no harm."""
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()

    def get(self) -> Journal:
        """The open journal. Raises JournalError where it is closed."""
        journal = self._journal
        if journal is None:
            raise JournalError("the journal is closed: its service is stopped or restarting")
        return journal


class StoreSlot:
    """The store that is open now; where the database is away, a breaker says when to try again.

    `get` is for who commits and reports how it went, `ask` for who has a question; both may be
    called from any thread.
    """

    def __init__(self, open_store: Callable[[], Store], breaker: CircuitBreaker) -> None:
        self.breaker = breaker
        self._open = open_store
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._is_wanted = False
        self._away: DatabaseAwayError | None = None

    def start(self) -> None:
        """Open the store. Where the database is away that is remembered, not raised."""
        with self._lock:
            self._is_wanted = True
            if self._store is None:
                self._try_to_open()

    def stop(self) -> None:
        """Close the store; twice does no harm."""
        with self._lock:
            self._is_wanted = False
            store, self._store = self._store, None
        if store is not None:
            store.close()

    @property
    def current(self) -> Store | None:
        """The store if it is open."""
        return self._store

    def ask(self) -> Store:
        """The open store. Raises DatabaseAwayError where there is none now."""
        store = self._store
        if store is None:
            raise self._away or DatabaseAwayError(
                "the store is closed: its service is stopped or restarting; try again later"
            )
        return store

    def get(self) -> Store:
        """The store, opened if need be, for who reports by `succeeded` or `failed` how it went.

        Raises DatabaseAwayError where it is away, at once while the breaker says to wait.
        """
        with self._lock:
            if self._is_wanted and not self.breaker.allows():
                raise self._away or DatabaseAwayError(
                    "the database is away: it is tried again soon"
                )
            if self._store is None and self._is_wanted:
                self._try_to_open()
        return self.ask()

    def succeeded(self) -> None:
        """The database did what it was asked."""
        self._away = None
        self.breaker.succeeded()

    def failed(self, error: DatabaseAwayError) -> None:
        """The database did not answer."""
        # What `get` raised while the breaker was open is no new failure.
        if error is not self._away:
            self._away = error
            self.breaker.failed(str(error))

    def _try_to_open(self) -> None:
        try:
            self._store = self._open()
        except DatabaseAwayError as error:
            self._away = error
            self.breaker.failed(str(error))
        else:
            self._away = None
