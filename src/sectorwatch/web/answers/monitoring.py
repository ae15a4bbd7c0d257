"""Answers about how the system watches itself: metrics, health, alerts, silences, rules."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "Acknowledgement",
    "AlertAnswer",
    "Figures",
    "HealthAnswer",
    "HealthChecked",
    "HealthOverview",
    "MatcherAnswer",
    "MetricAnswer",
    "MetricHistory",
    "MetricPoint",
    "MetricSeries",
    "MonitoringMetrics",
    "NewSilence",
    "RuleAnswer",
    "RuleValue",
    "ServiceHealth",
    "SilenceAnswer",
]


_Moment = Annotated[str, Meta(max_length=40)]


class MetricAnswer(msgspec.Struct, frozen=True):
    """One metric, whatever its tags."""

    name: Annotated[str, Meta(description="Its name; its history is at …/metrics/{name}")]
    kind: Annotated[str, Meta(description="counter, gauge, timing or sample")]
    unit: Annotated[str, Meta(description="Unit of its values; empty where they have none")]
    help: Annotated[str, Meta(description="What it says, in a sentence")]
    series: Annotated[int, Meta(description="How many sets of tags it is recorded with")]
    latest: Annotated[
        float | None, Meta(description="The newest value of any of them; null before the first")
    ]
    latest_time: MaybeTime


class MonitoringMetrics(msgspec.Struct, frozen=True):
    """What is watched, in numbers."""

    metrics_count: Annotated[int, Meta(description="Distinct metric names")]
    active_alerts: Annotated[
        int, Meta(description="Alerts firing or acknowledged, silenced ones included")
    ]
    health_checks: Annotated[int, Meta(description="Health checks registered")]
    alerts_by_severity: Annotated[dict[str, int], Meta(description="Active alerts by severity")]
    silenced_alerts: Annotated[int, Meta(description="Of the active alerts, those silenced")]
    inhibited_alerts: Annotated[
        int, Meta(description="Of the active alerts, those that follow from another one")
    ]
    samples_dropped: Annotated[
        dict[str, int], Meta(description="Samples that were not kept since the start, by reason")
    ]
    metrics: Annotated[list[MetricAnswer], Meta(description="Every metric, by name")]


class Figures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the values of a period come to; `count` alone where there are none."""

    count: Annotated[int, Meta(description="How many values")]
    avg: Annotated[float | None, Meta(description="Their mean")] = None
    min: Annotated[float | None, Meta(description="The least")] = None
    max: Annotated[float | None, Meta(description="The greatest")] = None
    median: Annotated[float | None, Meta(description="Half of them are below, within 1 %")] = None
    latest: Annotated[float | None, Meta(description="The newest")] = None
    p95: Annotated[float | None, Meta(description="95 of 100 are below, within 1 %")] = None
    p99: Annotated[float | None, Meta(description="99 of 100 are below, within 1 %")] = None
    sum: Annotated[float | None, Meta(description="All together")] = None


class MetricPoint(msgspec.Struct, frozen=True):
    """The values of one step."""

    time: Time
    count: Annotated[int, Meta(description="How many values fell into it")]
    avg: Annotated[float, Meta(description="Their mean")]
    min: Annotated[float, Meta(description="The least")]
    max: Annotated[float, Meta(description="The greatest")]


class MetricSeries(msgspec.Struct, frozen=True):
    """One set of tags of a metric."""

    tags: Annotated[dict[str, str], Meta(description="What tells it from its siblings")]
    points: Annotated[list[MetricPoint], Meta(description="A point a step, oldest first")]


class MetricHistory(msgspec.Struct, frozen=True):
    """A metric over time."""

    name: Annotated[str, Meta(description="Its name")]
    unit: Annotated[str, Meta(description="Unit of the values")]
    help: Annotated[str, Meta(description="What it says, in a sentence")]
    hours: Annotated[float, Meta(description="Hours looked back")]
    step_s: Annotated[
        int, Meta(description="Seconds a point sums up; 0: values as they were recorded")
    ]
    summary: Annotated[Figures, Meta(description="Of all series together")]
    series: list[MetricSeries]
    series_left_out: Annotated[int, Meta(description="Series beyond what one answer shows")]


class ServiceHealth(msgspec.Struct, frozen=True):
    """How one service is, by its last check and what it stands on."""

    service: Annotated[str, Meta(description="The service's name")]
    status: Annotated[
        str,
        Meta(description="healthy, degraded, unhealthy or unknown; what it depends on taken in"),
    ]
    timestamp: Time
    response_time: Annotated[float, Meta(description="Seconds the check took")]
    error_count: Annotated[int, Meta(description="Failed checks in the last 24 h")]
    details: Annotated[dict[str, Any], Meta(description="What the check found")]
    depends_on: Annotated[list[str], Meta(description="Services it needs, directly")]
    affects: Annotated[list[str], Meta(description="Services that need it, near or far")]


class HealthChecked(msgspec.Struct, frozen=True):
    """One check of the past, what the service depends on not taken in."""

    timestamp: Time
    status: Annotated[str, Meta(description="healthy, degraded or unhealthy")]
    response_time: Annotated[float, Meta(description="Seconds the check took")]


class HealthAnswer(ServiceHealth, frozen=True):
    """How one service is, and was."""

    hours: Annotated[float, Meta(description="Hours that history and availability are of")]
    availability: Annotated[
        float | None,
        Meta(description="Share of checks in that time that were not unhealthy; null: none"),
    ]
    changes: Annotated[
        list[HealthChecked],
        Meta(description="The first check and each whose status was another, oldest first"),
    ]


class HealthOverview(msgspec.Struct, frozen=True):
    """All services together."""

    status: Annotated[str, Meta(description="The worst of them")]
    services: Annotated[list[ServiceHealth], Meta(description="In the order they start")]
    graph: Annotated[
        dict[str, list[str]], Meta(description="What each service depends on, directly")
    ]


class AlertAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should know."""

    id: Annotated[str, Meta(description="By it it is acknowledged and resolved")]
    type: Annotated[str, Meta(description="One of the eight types, such as service_down")]
    severity: Annotated[str, Meta(description="low, medium, high or critical")]
    message: Annotated[str, Meta(description="What is wrong, with the figures")]
    service: Annotated[str, Meta(description="Which service it is about")]
    timestamp: Time
    metadata: Annotated[dict[str, Any], Meta(description="What else is known of it")]
    state: Annotated[str, Meta(description="pending, firing, acknowledged or resolved")]
    labels: Annotated[dict[str, str], Meta(description="What tells it from others of its type")]
    rule: Annotated[str, Meta(description="The rule that raised it; empty where a program did")]
    updated: Time
    value: Annotated[float | None, Meta(description="What was measured last")]
    threshold: Annotated[float | None, Meta(description="The limit it is held against")]
    cause: Annotated[str, Meta(description="The likely cause; empty while none is known")]
    affects: Annotated[list[str], Meta(description="Services that depend on this one")]
    count: Annotated[int, Meta(description="How often it was raised while it was open")]
    silenced_by: Annotated[list[str], Meta(description="Silences that it falls under")]
    inhibited_by: Annotated[
        str, Meta(description="The service whose failure it follows from; empty: none")
    ]
    acknowledged_at: MaybeTime
    acknowledged_by: Annotated[str, Meta(description="Who is looking after it")]
    note: Annotated[str, Meta(description="What they said")]
    resolved_at: MaybeTime
    resolved_by: Annotated[str, Meta(description="Who or what ended it")]


class Acknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who looks after an alert; both may be left out."""

    author: Annotated[str, Meta(max_length=100, description="Who")] = ""
    note: Annotated[str, Meta(max_length=1_000, description="What they want to say")] = ""


class MatcherAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an alert has to have to be meant."""

    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="type, service, severity, rule, or the name of a label",
        ),
    ]
    value: Annotated[str, Meta(max_length=200, description="What that must be, or match")]
    operator: Annotated[
        str, Meta(pattern="^(=|!=|=~|!~)$", description="=, !=, =~ (matches) or !~ (does not)")
    ] = "="


class NewSilence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is not to be notified, until when, and why."""

    matchers: Annotated[
        list[MatcherAnswer],
        Meta(min_length=1, max_length=20, description="An alert must match all of them"),
    ]
    author: Annotated[str, Meta(min_length=1, max_length=100, description="Who asks for it")]
    reason: Annotated[str, Meta(min_length=1, max_length=1_000, description="Why")]
    ends_at: Annotated[
        _Moment | None, Meta(description="Until when: UTC, such as 2025-08-06T21:00:00Z")
    ] = None
    hours: Annotated[
        Annotated[float, Meta(gt=0, le=8_760)] | None,
        Meta(description="Instead of `ends_at`: for so long"),
    ] = None
    starts_at: Annotated[_Moment | None, Meta(description="From when; else from now")] = None


class SilenceAnswer(msgspec.Struct, frozen=True):
    """A silence."""

    id: Annotated[str, Meta(description="By it it is ended")]
    matchers: Annotated[list[MatcherAnswer], Meta(description="An alert must match all of them")]
    author: Annotated[str, Meta(description="Who asked for it")]
    reason: Annotated[str, Meta(description="Why")]
    starts_at: Time
    ends_at: Time
    state: Annotated[str, Meta(description="pending, active or expired")]
    alerts: Annotated[list[str], Meta(description="Active alerts under it now")]


class RuleValue(msgspec.Struct, frozen=True):
    """What a rule's expression gives for one set of labels."""

    labels: Annotated[dict[str, str], Meta(description="Of what")]
    value: Annotated[float, Meta(description="What is measured now")]
    threshold: Annotated[float | None, Meta(description="The limit it is held against")]
    state: Annotated[str, Meta(description="inactive, pending, firing or acknowledged")]
    for_s: Annotated[float, Meta(description="Seconds for which the condition has been met")]


class RuleAnswer(msgspec.Struct, frozen=True):
    """A rule that raises alerts."""

    name: Annotated[str, Meta(description="The rule's name")]
    type: Annotated[str, Meta(description="Type of its alerts")]
    severity: Annotated[str, Meta(description="Severity of its alerts")]
    service: Annotated[str, Meta(description="Service of its alerts; empty: by its labels")]
    expression: Annotated[str, Meta(description="The condition, over metrics")]
    for_s: Annotated[float, Meta(description="Seconds it must hold before it fires")]
    keep_firing_for_s: Annotated[
        float, Meta(description="Seconds it goes on firing once it holds no more")
    ]
    summary: Annotated[str, Meta(description="What its message says")]
    impact: Annotated[str, Meta(description="What it means for those who use the system")]
    advice: Annotated[str, Meta(description="What to do")]
    error: Annotated[str, Meta(description="Why it cannot be evaluated; empty where it can")]
    values: Annotated[list[RuleValue], Meta(description="What it gives now, by labels")]
    labels_dropped: Annotated[int, Meta(description="Sets of labels beyond what one rule may have")]
