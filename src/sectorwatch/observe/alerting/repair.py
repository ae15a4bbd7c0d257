"""What a program says of an alert, made usable whatever it was: creating one never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sectorwatch.observe.enums import AlertSeverity, AlertType
from sectorwatch.observe.redaction import Redactor, described, plain, scrub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.observe.drops import Drops

__all__ = ["Given", "plain_evidence", "plain_line", "repaired"]

_LONGEST_MESSAGE = 1_000
_LONGEST_NAME = 100
_LONGEST_METADATA = 16_000
_LONGEST_SHORTENED = 200
_MOST_LABELS = 10
# Alerts about one operation are not those about another of the same service.
_LABELS_OF_METADATA = ("operation", "metric_type")
_redact = Redactor()


class Given:
    """What was given for an alert, checked."""

    __slots__ = ("labels", "message", "metadata", "service", "severity", "type")

    def __init__(
        self,
        type_: AlertType,
        severity: AlertSeverity,
        message: str,
        service: str,
        metadata: dict[str, Any],
        labels: dict[str, str],
    ) -> None:
        self.type = type_
        self.severity = severity
        self.message = message
        self.service = service
        self.metadata = metadata
        self.labels = labels


def repaired(
    alert_type: object,
    severity: object,
    message: object,
    service: object,
    metadata: Mapping[str, Any] | None,
    drops: Drops,
) -> Given:
    """What was given, with all that is no use replaced, counted, and kept in `metadata`."""
    details = _metadata(metadata, drops)
    try:
        type_ = AlertType(alert_type)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        # What nobody can name is still something that goes wrong.
        drops.count("bad_type")
        details["given_type"] = described(alert_type)[:_LONGEST_NAME]
        type_ = AlertType.HIGH_ERROR_RATE
    try:
        grave = AlertSeverity(severity)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        drops.count("bad_severity")
        details["given_severity"] = described(severity)[:_LONGEST_NAME]
        grave = AlertSeverity.MEDIUM
    text = _text(message, _LONGEST_MESSAGE, drops, "long_message")
    name = _text(service, _LONGEST_NAME, drops, "bad_service") or "unknown"
    return Given(type_, grave, text, name, details, _labels(details))


def plain_evidence(evidence: Mapping[str, Any], drops: Drops) -> dict[str, Any]:
    """What was found of a cause, as plain data within bounds, without secrets; never raises."""
    return _metadata(evidence, drops)


def plain_line(text: object, longest: int) -> str:
    """One line of proper text without secrets, shortened: what can be shown, and written."""
    # Looking for secrets in a megabyte would not be cheap.
    short = str(text)[:longest].encode("utf-8", "replace").decode("utf-8")
    clean = "".join(c if c.isprintable() else " " for c in short).strip()
    return scrub(clean)[:longest]


def _text(value: object, longest: int, drops: Drops, reason: str) -> str:
    text = value if isinstance(value, str) else described(value)
    clean = plain_line(text, longest + 1)
    if len(text) > longest or not isinstance(value, str):
        drops.count(reason)
        clean = clean[: longest - 3] + "..." if len(text) > longest else clean
    return clean


def _metadata(metadata: Mapping[str, Any] | None, drops: Drops) -> dict[str, Any]:
    if metadata is None:
        return {}
    try:
        details = _finite(_redact(plain(dict(metadata))), drops)
        if len(orjson.dumps(details)) <= _LONGEST_METADATA:
            return dict(details)
    except Exception:  # noqa: BLE001 - whatever it is, the alert matters more
        drops.count("bad_metadata")
        return {"metadata": "[could not be read]"}
    drops.count("long_metadata")
    return {"truncated": True} | {
        key[:_LONGEST_NAME]: value
        if isinstance(value, int | float | bool | None)
        else str(value)[:_LONGEST_SHORTENED]
        for key, value in list(details.items())[:20]
    }


def _finite(value: Any, drops: Drops) -> Any:
    if isinstance(value, float) and value - value != 0.0:
        drops.count("bad_value")
        return None
    if isinstance(value, dict):
        return {key: _finite(inner, drops) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner, drops) for inner in value]
    return value


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    """What tells an alert from others of its service and type: `metadata["labels"]`, operation."""
    given = metadata.get("labels")
    labels = dict(given) if isinstance(given, dict) else {}
    for name in _LABELS_OF_METADATA:
        if isinstance(metadata.get(name), str):
            labels.setdefault(name, metadata[name])
    return {
        str(name)[:_LONGEST_NAME]: str(value)[:_LONGEST_NAME]
        for name, value in sorted(labels.items())[:_MOST_LABELS]
    }
