"""What came of a scenario, and whether that is what had to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.gameday.scenario import Scenario
    from sectorwatch.gameday.watching import Seen

__all__ = ["Other", "Outcome", "judged", "skipped"]

_NOTIFY = frozenset({"high", "critical"})
"""Severities that somebody is told of, as shipped."""


@dataclass(frozen=True, slots=True)
class Other:
    """An alert besides the one expected, raised between the injection and the end."""

    alert_type: str
    service: str
    severity: str
    after_s: float
    inhibited_by: str
    reason: str
    """Why it is right that it was raised too; empty where nothing said that it would be."""

    @property
    def is_noise(self) -> bool:
        """Whether somebody would have been told of something that nobody expected."""
        return not self.reason and not self.inhibited_by and self.severity in _NOTIFY


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the table; times in seconds by the outside clock, None where it never came.

    `raised` and `blamed` are of the alert expected, else of the first one raised at all.
    `notified_s` is when a notification of it had arrived. `problems` says in words what is not as
    it had to be; a scenario that was `skipped` says why it could not be played here.
    """

    scenario: str
    fault: str
    expected: str
    raised: str
    allowed_s: float
    took_s: float | None
    service: str
    blamed: str
    cause: str
    is_cause_named: bool
    notified_s: float | None
    resolve_allowed_s: float
    resolved_s: float | None
    others: tuple[Other, ...] = ()
    problems: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether all was noticed as it had to be."""
        return not self.problems and not self.skipped


@dataclass(slots=True)
class Record:
    """What was seen of one scenario, by the outside clock."""

    begun_s: float
    ended_s: float = 0.0
    notified_s: float | None = None
    told_resolved_s: float | None = None
    before: Sequence[Seen] = ()
    after: Sequence[Seen] = field(default_factory=list)


def skipped(scenario: Scenario, why: str) -> Outcome:
    """A scenario that cannot be played on this machine."""
    return _outcome(scenario, skipped=why)


def failed(scenario: Scenario, why: str) -> Outcome:
    """A scenario that broke down."""
    return _outcome(scenario, problems=(why,))


def judged(scenario: Scenario, record: Record) -> Outcome:
    """What came of a scenario, by what was seen of it."""
    found = next((seen for seen in record.after if is_expected(scenario, seen.alert)), None)
    shown = found or next(iter(record.after), None)
    cause = "" if found is None else cause_of(found.alert)
    took_s = None if found is None else found.at_s - record.begun_s
    resolved_s = (
        None if found is None or found.gone_s is None else max(0.0, found.gone_s - record.ended_s)
    )
    others = tuple(
        Other(
            alert_type=seen.alert["type"],
            service=seen.alert["service"],
            severity=seen.alert["severity"],
            after_s=round(seen.at_s - record.begun_s, 1),
            inhibited_by=seen.alert.get("inhibited_by") or "",
            reason=scenario.also.get(f"{seen.alert['type']} of {seen.alert['service']}", ""),
        )
        for seen in record.after
        if seen is not found
    )
    is_named = bool(cause) and all(word.lower() in cause.lower() for word in scenario.causes)
    problems = [
        f"{seen.alert['type']} of {seen.alert['service']} was raised before anything was wrong"
        for seen in record.before
    ]
    problems += _of_raising(scenario, took_s)
    if found is not None:
        if not is_named:
            problems.append(
                f"the cause does not name {' and '.join(map(repr, scenario.causes))}: {cause!r}"
            )
        problems += _of_resolving(scenario, found, record, resolved_s)
        problems += _of_telling(found, record, resolved_s)
    problems += [
        f"{other.alert_type} of {other.service} was raised too ({other.severity})"
        for other in others
        if other.is_noise
    ]
    return _outcome(
        scenario,
        raised="" if shown is None else shown.alert["type"],
        blamed="" if shown is None else shown.alert["service"],
        took_s=_rounded(took_s),
        cause=cause,
        is_cause_named=is_named,
        notified_s=_rounded(
            None if record.notified_s is None else record.notified_s - record.begun_s
        ),
        resolved_s=_rounded(resolved_s),
        others=others,
        problems=tuple(problems),
    )


def is_expected(scenario: Scenario, alert: Mapping[str, Any]) -> bool:
    """Whether it is of the type and the service that the scenario is about."""
    return bool(alert["type"] == scenario.alert_type and alert["service"] == scenario.service)


def cause_of(alert: Mapping[str, Any]) -> str:
    """The likely cause as the alert says it."""
    return str(alert.get("cause") or "")


def _of_raising(scenario: Scenario, took_s: float | None) -> list[str]:
    what = f"{scenario.alert_type} of {scenario.service}"
    if took_s is None:
        return [f"{what} was never raised"]
    if took_s > scenario.allowed_s:
        return [f"{what} took {took_s:.1f} s, {scenario.allowed_s:g} are allowed"]
    return []


def _of_resolving(
    scenario: Scenario, found: Seen, record: Record, resolved_s: float | None
) -> list[str]:
    if found.gone_s is not None and found.gone_s < record.ended_s:
        return ["the alert was resolved while the fault was still there"]
    if resolved_s is None:
        return ["the alert was not resolved after the fault had ended"]
    if resolved_s > scenario.resolve_allowed_s:
        return [
            f"it took {resolved_s:.1f} s to resolve, {scenario.resolve_allowed_s:g} are allowed"
        ]
    return []


def _of_telling(found: Seen, record: Record, resolved_s: float | None) -> list[str]:
    """What is not as it has to be in what was notified: HIGH and above, and what becomes of it."""
    if found.alert["severity"] in _NOTIFY and record.notified_s is None:
        return ["nobody was notified of it"]
    is_told = record.notified_s is not None and resolved_s is not None
    if is_told and record.told_resolved_s is None:
        return ["nobody was notified that it is over"]
    return []


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _outcome(scenario: Scenario, **known: Any) -> Outcome:
    return Outcome(
        **{
            "scenario": scenario.name,
            "fault": scenario.fault,
            "expected": str(scenario.alert_type),
            "raised": "",
            "allowed_s": scenario.allowed_s,
            "took_s": None,
            "service": scenario.service,
            "blamed": "",
            "cause": "",
            "is_cause_named": False,
            "notified_s": None,
            "resolve_allowed_s": scenario.resolve_allowed_s,
            "resolved_s": None,
            **known,
        }
    )
