"""What is kept how long, and how much all of it may take together.

Retention is a bound by age. The budget is a bound by size, for all that the data directory holds:
when it is passed, the least needed goes first, and of that the oldest. Least needed is the journal
beyond what a restart needs (everything in it is committed), then positions, visits, contacts, the
history of flights and controllers, the network's counts, forecasts that were issued, and last of
all demand, which forecasts learn from.
The last two days of each stay whatever happens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, select, text

from sectorwatch.store import schema
from sectorwatch.store.files import tree_bytes
from sectorwatch.store.lost import note_let_go
from sectorwatch.store.segments import (
    CONTACTS,
    DAY_S,
    DEMAND,
    FLIGHTS,
    FORECASTS,
    NETWORK,
    POSITIONS,
    VISITS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Table

    from sectorwatch.store.database import Database
    from sectorwatch.store.directory import DataDirectory
    from sectorwatch.store.manifest import Manifest
    from sectorwatch.store.segments import SegmentFile

__all__ = ["ALWAYS_KEPT_S", "Budget", "Freed", "Retention"]

ALWAYS_KEPT_S = 2 * DAY_S
_VACUUM_PAGES = 4_000
_SLOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Retention:
    """Days after which something goes, None for never; less than two days count as two.

    `visits_days` is about visits and contacts, `history_days` about flights, plans, movements,
    sessions and owners. `budget_bytes` bounds the whole data directory.
    """

    positions_days: int | None = None
    visits_days: int | None = None
    history_days: int | None = None
    network_days: int | None = None
    forecasts_days: int | None = None
    demand_days: int | None = None
    budget_bytes: int | None = None


@dataclass(slots=True)
class Freed:
    """What was let go: files of segments, rows by table, bytes of the journal.

    `over_bytes` is what is still too much when nothing more may go: somebody must raise the budget.
    """

    segments: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    journal_bytes: int = 0
    over_bytes: int = 0


class Budget:
    """Lets go of what is too old or too much."""

    def __init__(self, database: Database, manifest: Manifest, directory: DataDirectory) -> None:
        self._database = database
        self._manifest = manifest
        self._directory = directory
        self._forgotten_before_s: int | None = None

    def enforce(
        self, retention: Retention, now_s: int, free_journal: Callable[[int], int] | None = None
    ) -> Freed:
        """Lets go of what is too old at `now_s`, then of what is too much.

        `free_journal(wanted_bytes)` removes that much of the journal, oldest first, or as much as
        it may, and gives the bytes it removed. Raises DatabaseAwayError: it may be tried again.
        """
        freed = Freed()
        for kind, days in (
            (POSITIONS.name, retention.positions_days),
            (VISITS.name, retention.visits_days),
            (CONTACTS.name, retention.visits_days),
            (NETWORK.name, retention.network_days),
            (FORECASTS.name, retention.forecasts_days),
            (DEMAND.name, retention.demand_days),
        ):
            if days is not None:
                self._drop_before(kind, _cutoff(now_s, days), freed)
        if retention.history_days is not None:
            # By whole days: each time reads every row of some tables.
            before_s = _cutoff(now_s, retention.history_days) // DAY_S * DAY_S
            if before_s != self._forgotten_before_s:
                self._forget_before(before_s, freed)
                self._forgotten_before_s = before_s
        if retention.budget_bytes is not None:
            self._fit(retention.budget_bytes, now_s, free_journal, freed)
        return freed

    def _fit(
        self,
        budget_bytes: int,
        now_s: int,
        free_journal: Callable[[int], int] | None,
        freed: Freed,
    ) -> None:
        if self._used() <= budget_bytes:
            return
        self._database.write_log_back()
        over = self._used() - budget_bytes
        if over > 0 and free_journal is not None:
            # First, for it needs no database: a full disk may leave none that can write.
            freed.journal_bytes = free_journal(over)
        kept_s = now_s - ALWAYS_KEPT_S
        steps: list[Callable[[], bool]] = [
            lambda: self._drop_oldest(POSITIONS.name, kept_s, freed),
            lambda: self._drop_oldest(VISITS.name, kept_s, freed),
            lambda: self._drop_oldest(CONTACTS.name, kept_s, freed),
            lambda: self._is_here() and self._forget_oldest(kept_s, freed),
            lambda: self._drop_oldest(NETWORK.name, kept_s, freed),
            lambda: self._drop_oldest(FORECASTS.name, kept_s, freed),
            lambda: self._drop_oldest(DEMAND.name, kept_s, freed),
        ]
        for step in steps:
            while self._used() > budget_bytes and step():
                self._database.write_log_back()
        freed.over_bytes = max(0, self._used() - budget_bytes)

    def _is_here(self) -> bool:
        """Whether the database lies in the data directory; forgetting frees nothing there else."""
        return self._database.dialect == "sqlite"

    def _used(self) -> int:
        with self._database.read("asking what is out of use") as connection:
            going = self._manifest.dropped_bytes(connection)
        return tree_bytes(self._directory.path) - going

    def _drop_before(self, kind: str, before_s: int, freed: Freed) -> None:
        while self._drop_oldest(kind, before_s, freed):
            pass

    def _drop_oldest(self, kind: str, before_s: int, freed: Freed) -> bool:
        """Drops the oldest file of a kind, if it ends before a time; whether there was one."""
        with self._database.read("asking for the oldest segment") as connection:
            file: SegmentFile | None = self._manifest.oldest(connection, kind)
        if file is None or max(file.end_s, file.last_s) > before_s:
            return False
        with self._database.write(f"dropping {file.path}") as connection:
            self._manifest.drop(connection, [file])
            note_let_go(connection, kind, file.end_s)
        freed.segments.append(file.path)
        return True

    def _forget_oldest(self, before_s: int, freed: Freed) -> bool:
        """Forgets the oldest day of history, if it is before a time; whether there was one."""
        with self._database.read("asking for the oldest history", limit_s=_SLOW_S) as connection:
            oldest_s = connection.scalar(select(func.min(schema.flight.c.ended_s)))
        if oldest_s is None or oldest_s >= before_s:
            return False
        self._forget_before(min(before_s, (oldest_s // DAY_S + 1) * DAY_S), freed)
        self._give_back()
        return True

    def _forget_before(self, before_s: int, freed: Freed) -> None:
        # First, for what is let go of here would otherwise be said there still.
        self._drop_before(FLIGHTS.name, before_s, freed)
        # One transaction each, so that a tick waits for one table at most; none needs another.
        for table, condition in _history_before(before_s):
            with self._database.write(f"forgetting old rows of {table.name}") as connection:
                count = connection.execute(delete(table).where(condition)).rowcount
            if count:
                freed.rows[table.name] = freed.rows.get(table.name, 0) + count

    def _give_back(self) -> None:
        """Gives pages that nothing uses back to the disk; PostgreSQL does that by itself."""
        if not self._is_here():
            return
        unused = _VACUUM_PAGES
        while unused:
            with self._database.write("giving space back") as connection:
                raw: Any = connection.connection.driver_connection
                # The driver takes one step of a statement that gives no rows: a page at a time.
                for _ in range(min(unused, _VACUUM_PAGES)):
                    raw.execute("PRAGMA incremental_vacuum(1)")
                unused = connection.scalar(text("PRAGMA freelist_count")) or 0


def _cutoff(now_s: int, days: int) -> int:
    return now_s - max(days * DAY_S, ALWAYS_KEPT_S)


def _history_before(before_s: int) -> list[tuple[Table, ColumnElement[bool]]]:
    flight, plan = schema.flight, schema.plan_revision
    return [
        (flight, flight.c.ended_s < before_s),
        (
            plan,
            and_(
                plan.c.snapshot_time_us < before_s * 1_000_000,
                plan.c.flight_id.not_in(select(flight.c.flight_id)),
            ),
        ),
        (schema.movement, schema.movement.c.time_s < before_s),
        (schema.prefile, schema.prefile.c.gone_s < before_s),
        (schema.session, schema.session.c.ended_s < before_s),
        (schema.ownership, schema.ownership.c.end_s < before_s),
        # Whoever mentions a plan touches it, so what is left mentions none of these.
        (schema.flight_plan, schema.flight_plan.c.last_used_s < before_s),
    ]
