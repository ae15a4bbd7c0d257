"""How an alert begins, is marked and ends: the few steps that all else is made of."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from sectorwatch.observe.alerting.marking import Marks
from sectorwatch.observe.clock import Clock, as_datetime
from sectorwatch.observe.enums import AlertSeverity, AlertState, AlertType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sectorwatch.observe.alerting.book import AlertBook
    from sectorwatch.observe.alerting.records import Record
    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.health import HealthChecker
    from sectorwatch.observe.results import Alert

__all__ = ["Lifecycle", "new_id", "rank_of"]

_MOST_ACTIVE = 500


class Lifecycle:
    """Begins, marks and ends alerts of one book."""

    def __init__(
        self, clock: Clock, book: AlertBook, health: HealthChecker | None, drops: Drops
    ) -> None:
        self.clock = clock
        self.book = book
        self.drops = drops
        self._health = health

    def now(self) -> datetime:
        """The moment, by the wall clock."""
        return as_datetime(self.clock.now_us() / 1e6)

    def open(self, record: Record) -> bool:
        """Begin an alert, with the book's lock held; whether there was room for it."""
        record.alert = self._marks().on(record.alert)
        if len(self.book) >= _MOST_ACTIVE:
            # It is handed back, and not kept: there is no end to what may go wrong.
            self.drops.count("alert_limit")
            return False
        self.book.put(record)
        return True

    def end(self, record: Record, by: str) -> Alert:
        """End an alert, with the book's lock held."""
        now = self.now()
        record.alert = replace(
            record.alert, state=AlertState.RESOLVED, resolved_at=now, resolved_by=by, updated=now
        )
        record.is_owed = record.notified_s is not None
        self.book.put(record)
        return record.alert

    def remark(self) -> list[Alert]:
        """Mark every alert anew; those of which anything changed."""
        changed: list[Alert] = []
        with self.book.lock:
            if not len(self.book):
                return changed
            marks = self._marks()
            for record in self.book:
                alert = marks.on(record.alert)
                if alert is not record.alert:
                    record.alert = replace(alert, updated=self.now())
                    self.book.put(record)
                    changed.append(record.alert)
        return changed

    def _marks(self) -> Marks:
        """What alerts are marked by just now, with the book's lock held."""
        now = self.now()
        down = {
            record.alert.service
            for record in self.book
            if record.alert.type is AlertType.SERVICE_DOWN
        }
        graph: Mapping[str, tuple[str, ...]] = {}
        if self._health is not None:
            graph = self._health.dependencies()
            down |= self._health.unhealthy()
        silences = [each for each in self.book.silences.values() if each.is_active(now)]
        return Marks(silences, graph, frozenset(down))


def new_id() -> str:
    """An id that no alert had before."""
    return f"alert_{secrets.token_hex(6)}"


def rank_of(severity: AlertSeverity) -> int:
    """For comparing severities."""
    return severity.rank
