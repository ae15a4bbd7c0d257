"""Alertmanager's webhook, as it posts it itself (version 4), for whatever understands that.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.clock import as_text
from sectorwatch.observe.notifying import wording
from sectorwatch.observe.notifying.outcomes import LONGEST_PAUSE_S, Outcome
from sectorwatch.observe.notifying.posting import ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.observe.notifying.notification import Notification, ToldAlert

__all__ = [
    "WebhookChannel",
    "annotations_of",
    "fingerprint",
    "labels_of",
    "rules_address",
    "webhook_body",
]

_NEVER = "0001-01-01T00:00:00Z"
_RECEIVER = "sectorwatch"
_LABEL = re.compile(r"[^a-zA-Z0-9_]")


class WebhookChannel:
    """Posts an Alertmanager's webhook body to one address."""

    kind = "webhook"

    def __init__(self, url: str, *, base: str) -> None:
        self._url = url
        self._base = base

    def send(self, told: Notification, now_s: float) -> Outcome:
        """Post it. A wrong address is tried again: what stands before a webhook comes and goes."""
        del now_s
        body = orjson.dumps(webhook_body(told, base=self._base))
        outcome = ask("POST", self._url, data=body, headers={"Idempotency-Key": told.id}).outcome
        if outcome.kind == "wrong_address":
            return Outcome(outcome.kind, outcome.words, LONGEST_PAUSE_S, outcome.status)
        return outcome


def webhook_body(told: Notification, *, base: str) -> dict[str, Any]:
    """The body of a webhook of version 4."""
    alerts = [_alert(each, base) for each in told.alerts]
    group = {"alertname": told.type, "service": told.service}
    key = ", ".join(f'{name}="{_quoted(value)}"' for name, value in group.items())
    return {
        "receiver": _RECEIVER,
        "status": told.status,
        "alerts": alerts,
        "groupLabels": group,
        "commonLabels": _common([each["labels"] for each in alerts]),
        "commonAnnotations": _common([each["annotations"] for each in alerts]),
        "externalURL": base.rstrip("/"),
        "version": "4",
        "groupKey": f"{{}}:{{{key}}}",
        "truncatedAlerts": told.omitted,
    }


def labels_of(alert: ToldAlert) -> dict[str, str]:
    """An alert's labels by the rules of Prometheus; `alertname` is its type."""
    labels: dict[str, str] = {}
    for name, value in alert.labels.items():
        clean = _LABEL.sub("_", name)
        labels[f"_{clean}" if clean[:1].isdigit() or not clean else clean] = value
    labels |= {"alertname": alert.type, "service": alert.service, "severity": alert.severity}
    # An empty label is the same as none, there.
    return {name: labels[name] for name in sorted(labels) if labels[name]}


def annotations_of(alert: ToldAlert) -> dict[str, str]:
    """What is said about an alert, each for people."""
    said = {
        "summary": wording.plain(alert.message),
        "affects": ", ".join(alert.affects),
        "impact": alert.impact,
        "cause": alert.cause,
        "advice": alert.advice,
    }
    return {name: text for name, text in said.items() if text}


def rules_address(base: str) -> str:
    """Where the rules are to be seen."""
    return f"{base.rstrip('/')}/api/monitoring/rules"


def fingerprint(labels: Mapping[str, str]) -> str:
    """What Prometheus and Alertmanager call a set of labels: FNV-1a, 64 bits, names in order."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def _alert(alert: ToldAlert, base: str) -> dict[str, Any]:
    labels = labels_of(alert)
    ended_s = alert.resolved_s
    return {
        "status": "firing" if ended_s is None else "resolved",
        "labels": labels,
        "annotations": annotations_of(alert),
        "startsAt": as_text(alert.since_s),
        "endsAt": _NEVER if ended_s is None else as_text(ended_s),
        "generatorURL": rules_address(base),
        "fingerprint": fingerprint(labels),
    }


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = sets
    return {
        name: value
        for name, value in first.items()
        if all(each.get(name) == value for each in others)
    }


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
