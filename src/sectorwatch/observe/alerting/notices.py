"""What is to be told to people, and when: new alerts, those that stay, and their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from sectorwatch.observe.enums import AlertSeverity, AlertState, AlertType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sectorwatch.observe.alerting.book import AlertBook
    from sectorwatch.observe.alerting.records import Record
    from sectorwatch.observe.drops import Drops
    from sectorwatch.observe.results import Alert

__all__ = ["Notice", "NoticeOutbox", "NoticePolicy"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Alerts of one service and type that are told together; `status` says whether they ended."""

    service: str
    type: AlertType
    status: Literal["firing", "resolved"]
    alerts: tuple[Alert, ...]

    @property
    def key(self) -> tuple[str, str]:
        """The group that they belong to."""
        return self.service, self.type.value


class NoticeOutbox(Protocol):
    """Where notices go: it keeps them and sees that they arrive."""

    def put(self, notice: Notice) -> object:
        """Take one; quickly."""


class NoticePolicy:
    """Decides what is told: alerts from `severity` up, again every `repeat_s` while they go on."""

    def __init__(self, severity: AlertSeverity, repeat_s: float, drops: Drops) -> None:
        self.severity = severity
        self.repeat_s = repeat_s
        self._drops = drops

    def hand_over(
        self, book: AlertBook, outbox: NoticeOutbox | None, now_s: float, now_us: int
    ) -> None:
        """Put what is due into the outbox, and note what it took; the rest is due again."""
        with book.lock:
            firing = self.firing(book, now_s)
            over = self.resolved(book.owed())
        if outbox is None:
            return
        for notice, records in [*over, *firing]:
            try:
                outbox.put(notice)
            except Exception:  # noqa: BLE001 - another's code: asked again at the next evaluation
                self._drops.count("outbox_failed")
                continue
            with book.lock:
                for record in records:
                    if notice.status == "resolved":
                        record.is_owed = False
                    else:
                        record.notified_s, record.notified_us = now_s, now_us
                        # Resolved in the meantime: that is to be told as well.
                        record.is_owed = record.alert.state is AlertState.RESOLVED
                    book.put(record)

    def firing(self, records: Iterable[Record], now_s: float) -> list[tuple[Notice, list[Record]]]:
        """What to tell of alerts that go on, `now_s` by the monotonic clock, and of which records.

        A group is told where an alert of it is new, or nobody has heard of it for `repeat_s`.
        """
        groups: dict[tuple[str, AlertType], list[Record]] = {}
        for record in records:
            if self._counts(record.alert) and now_s >= record.explained_by_s:
                groups.setdefault((record.alert.service, record.alert.type), []).append(record)
        found = []
        for (service, type_), members in sorted(groups.items()):
            told = [each.notified_s for each in members if each.notified_s is not None]
            if len(told) == len(members) and now_s - max(told) < self.repeat_s:
                continue
            members.sort(key=lambda each: (-each.alert.severity.rank, each.alert.timestamp))
            notice = Notice(service, type_, "firing", tuple(each.alert for each in members))
            found.append((notice, members))
        return found

    @staticmethod
    def resolved(records: Iterable[Record]) -> list[tuple[Notice, list[Record]]]:
        """What to tell of alerts that have ended and that somebody was told of."""
        groups: dict[tuple[str, AlertType], list[Record]] = {}
        for record in records:
            groups.setdefault((record.alert.service, record.alert.type), []).append(record)
        return [
            (Notice(service, type_, "resolved", tuple(each.alert for each in members)), members)
            for (service, type_), members in sorted(groups.items())
        ]

    def _counts(self, alert: Alert) -> bool:
        return (
            alert.state is AlertState.FIRING
            and alert.severity.rank >= self.severity.rank
            and not alert.silenced_by
            and not alert.inhibited_by
        )
