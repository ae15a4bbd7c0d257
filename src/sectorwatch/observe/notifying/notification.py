"""What is told: a group of alerts as it was when it was handed over, in data that can be kept."""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from sectorwatch.observe.correlation import correlation_id
from sectorwatch.observe.enums import AlertSeverity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.observe.results import Alert

__all__ = [
    "AlertGroup",
    "Notification",
    "ToldAlert",
    "from_json",
    "merged",
    "notification_of",
    "told_alert",
    "trial",
]

_MOST_ALERTS = 50
_LONGEST_TEXT = 2_000
_LONGEST_NAME = 200
_MOST_NAMES = 20
_RANKS = {severity.value: rank for rank, severity in enumerate(AlertSeverity)}


class AlertGroup(Protocol):
    """Alerts of one service and type that are told together; `status` is firing or resolved."""

    @property
    def status(self) -> str:
        """`firing` or `resolved`."""

    @property
    def alerts(self) -> Sequence[Alert]:
        """The alerts, at least one."""


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """One alert in words; times in seconds since 1970, `resolved_s` None while it fires."""

    id: str
    type: str
    severity: str
    service: str
    message: str
    since_s: float
    resolved_s: float | None = None
    labels: dict[str, str] = field(default_factory=dict)
    affects: tuple[str, ...] = ()
    cause: str = ""
    impact: str = ""
    advice: str = ""
    rule: str = ""
    value: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A group of alerts as it is told; `omitted` says how many more there are than it holds."""

    id: str
    service: str
    type: str
    status: str
    at_s: float
    alerts: tuple[ToldAlert, ...]
    omitted: int = 0
    correlation_id: str = ""

    @property
    def group(self) -> tuple[str, str]:
        """Service and type: what is told of them keeps its order."""
        return self.service, self.type

    @property
    def severity(self) -> str:
        """The gravest of its alerts that still fire, else of all."""
        firing = [each for each in self.alerts if each.resolved_s is None] or self.alerts
        return max((each.severity for each in firing), key=lambda name: _RANKS.get(name, 0))

    @property
    def since_s(self) -> float:
        """When the first of its alerts began."""
        return min(each.since_s for each in self.alerts)

    @property
    def digest(self) -> str:
        """Equal for two notifications that say the same of the same alerts."""
        said = sorted((each.id, each.severity, each.resolved_s is None) for each in self.alerts)
        text = repr((self.group, self.status, said))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def to_json(self) -> bytes:
        """All of it, for `from_json`."""
        return msgspec.json.encode(self)


def from_json(data: bytes) -> Notification:
    """What `to_json` gave. Raises ValueError where the bytes are none of that."""
    try:
        found = msgspec.json.decode(data, type=Notification)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is no notification: {error}") from error
    if not found.alerts:
        raise ValueError("is no notification: it has no alerts")
    return found


def notification_of(group: AlertGroup, now_s: float) -> Notification:
    """A group as it is now, its texts and numbers bounded. Raises ValueError for an empty one."""
    alerts = list(group.alerts)
    if not alerts:
        raise ValueError("a group without alerts cannot be told")
    status = "resolved" if str(group.status) == "resolved" else "firing"
    told = tuple(
        told_alert(each, now_s if status == "resolved" else None) for each in alerts[:_MOST_ALERTS]
    )
    return Notification(
        id=secrets.token_hex(6),
        service=told[0].service,
        type=told[0].type,
        status=status,
        at_s=now_s,
        alerts=told,
        omitted=max(0, len(alerts) - _MOST_ALERTS),
        correlation_id=correlation_id() or "",
    )


def trial(now_s: float, *, with_end: bool = False) -> list[Notification]:
    """A notification that only says that it arrives; with its end for those that wait for one."""
    told = ToldAlert(
        id=f"trial_{secrets.token_hex(4)}",
        type="test",
        severity=AlertSeverity.LOW.value,
        service="sectorwatch",
        message="This is a test: whoever reads it is told of alerts here.",
        since_s=now_s,
        impact="Nothing is wrong.",
        advice="Nothing has to be done.",
    )
    ends = [told, replace(told, resolved_s=now_s)] if with_end else [told]
    return [
        Notification(
            id=secrets.token_hex(6),
            service=each.service,
            type=each.type,
            status="firing" if each.resolved_s is None else "resolved",
            at_s=now_s,
            alerts=(each,),
        )
        for each in ends
    ]


def merged(waiting: Notification, later: Notification) -> Notification:
    """One notification for two of the same group, the first of which nobody has been told.

    Of an alert that is in both, the later word counts. It is `resolved` once none of its alerts
    fires any more.
    """
    alerts = {each.id: each for each in waiting.alerts}
    for each in later.alerts:
        alerts[each.id] = each
    kept = list(alerts.values())
    is_firing = later.omitted + waiting.omitted > 0 and later.status == "firing"
    is_firing = is_firing or any(each.resolved_s is None for each in kept)
    return replace(
        waiting,
        status="firing" if is_firing else "resolved",
        at_s=later.at_s,
        # Those that fire first: they must not be among those left out.
        alerts=tuple(sorted(kept, key=lambda each: each.resolved_s is not None)[:_MOST_ALERTS]),
        omitted=max(waiting.omitted, later.omitted) + max(0, len(kept) - _MOST_ALERTS),
        correlation_id=later.correlation_id or waiting.correlation_id,
    )


def told_alert(alert: Alert, resolved_s: float | None = None) -> ToldAlert:
    """An alert as it is now, its texts and numbers bounded; over since `resolved_s` if given."""
    metadata: Mapping[str, Any] = alert.metadata
    if alert.resolved_at is not None:
        resolved_s = alert.resolved_at.timestamp()
    return ToldAlert(
        id=_text(alert.id, _LONGEST_NAME),
        type=_text(alert.type, _LONGEST_NAME),
        severity=_text(alert.severity, _LONGEST_NAME),
        service=_text(alert.service, _LONGEST_NAME),
        message=_text(alert.message),
        since_s=alert.timestamp.timestamp(),
        resolved_s=resolved_s,
        labels={
            _text(name, _LONGEST_NAME): _text(value, _LONGEST_NAME)
            for name, value in list(alert.labels.items())[:_MOST_NAMES]
        },
        affects=tuple(_text(name, _LONGEST_NAME) for name in alert.affects[:_MOST_NAMES]),
        cause=_text(alert.cause or metadata.get("cause", "")),
        impact=_text(metadata.get("impact", "")),
        advice=_text(metadata.get("advice", "")),
        rule=_text(alert.rule, _LONGEST_NAME),
        value=_number(alert.value),
        threshold=_number(alert.threshold),
    )


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _text(value: object, longest: int = _LONGEST_TEXT) -> str:
    text = str(value)
    text = text if len(text) <= longest else text[: longest - 3] + "..."
    # Half a surrogate pair cannot be written as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")
