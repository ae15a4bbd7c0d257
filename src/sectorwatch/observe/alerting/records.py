"""One alert with what only the manager has to know of it, and its form on the disk."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.enums import AlertSeverity, AlertState, AlertType
from sectorwatch.observe.results import Alert

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AlertKey", "Labels", "Record", "from_plain", "key_of", "labels_key", "to_plain"]

Labels = tuple[tuple[str, str], ...]
AlertKey = tuple[AlertType, str, Labels]
"""Type, service, labels: of these there is one alert at a time."""
_TIMES = ("timestamp", "updated", "resolved_at", "acknowledged_at")


@dataclass(slots=True, eq=False)
class Record:
    """One alert: as it stands, who holds it open, and whether people were told of it.

    `holders` are rules (name, labels) whose condition is met; `is_by_hand` says that a program
    created it, which keeps it open until somebody resolves it. `notified_s` is when people were
    told last, by the monotonic clock, `is_owed` that they have yet to be told of its end. Until
    `explained_by_s` somebody is still finding out the cause: what is told then can say it.
    """

    alert: Alert
    holders: set[tuple[str, Labels]] = field(default_factory=set)
    is_by_hand: bool = False
    notified_s: float | None = None
    notified_us: int | None = None
    is_owed: bool = False
    explained_by_s: float = float("-inf")
    changes: int = 0


def labels_key(labels: Mapping[str, str]) -> Labels:
    """Labels in a form that can be compared and looked up."""
    return tuple(sorted(labels.items()))


def key_of(alert: Alert) -> AlertKey:
    """What there is one alert at a time of."""
    return alert.type, alert.service, labels_key(alert.labels)


def to_plain(record: Record) -> dict[str, Any]:
    """A record as plain data."""
    kept: dict[str, Any] = {each.name: getattr(record.alert, each.name) for each in fields(Alert)}
    for name in _TIMES:
        kept[name] = None if kept[name] is None else kept[name].isoformat()
    return {
        "alert": kept,
        "holders": [[rule, dict(labels)] for rule, labels in sorted(record.holders)],
        "by_hand": record.is_by_hand,
        "notified_us": record.notified_us,
    }


def from_plain(kept: Mapping[str, Any]) -> Record:
    """The record that `to_plain` was given. Raises ValueError, KeyError, TypeError."""
    known = {each.name for each in fields(Alert)}
    values = {name: value for name, value in kept["alert"].items() if name in known}
    for name in _TIMES:
        if values.get(name) is not None:
            values[name] = datetime.fromisoformat(values[name])
    values["type"] = AlertType(values["type"])
    values["severity"] = AlertSeverity(values["severity"])
    values["state"] = AlertState(values["state"])
    for name in ("silenced_by", "affects"):
        values[name] = tuple(values.get(name) or ())
    return Record(
        Alert(**values),
        {(rule, labels_key(labels)) for rule, labels in kept["holders"]},
        bool(kept["by_hand"]),
        notified_us=kept["notified_us"],
    )
