"""What the optimizer finds by itself: operations that got slower, that cost much, that fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import as_text
from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.tuning.figures import figures_of
from sectorwatch.observe.tuning.findings import (
    Difficulty,
    Finding,
    Measure,
    Priority,
    RecommendationType,
)
from sectorwatch.observe.tuning.stages import stages_of
from sectorwatch.observe.tuning.trends import Trend, Verdict
from sectorwatch.observe.tuning.words import duration, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sectorwatch.observe.error_analytics import ErrorAnalytics
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.spans import SpanRing
    from sectorwatch.observe.tuning.figures import OperationFigures
    from sectorwatch.observe.tuning.slowdown import Slowdown
    from sectorwatch.observe.tuning.stages import Stage, Staged

__all__ = ["FailingOperations", "SlowOperations"]

_LEAST_CALLS = 10
# A slowdown of less time is an alert's affair: there is nothing yet that somebody could build.
_SLOW_FOR_S = 600.0
_DOMINATES = 0.4
_STAGES_S = 1_800.0
_SETTLED_S = 600.0
_JUST_NOW_S = 120.0
_MUCH = 0.05
_LONG_S = 0.1
_SLOW_S = 1.0
_LEAST_ERRORS = 5
_LATELY_HOURS = 0.25
_LEAST_ERROR_RATE = 0.02
_OFTEN_FAILS, _SOMETIMES_FAILS = 0.5, 0.1


@dataclass(frozen=True, slots=True)
class _Change:
    """How an operation changed: medians in seconds, since when if that is known."""

    before_s: float
    after_s: float
    probability: float
    since_s: float | None

    @property
    def words(self) -> str:
        since = "earlier" if self.since_s is None else f"until {as_text(int(self.since_s))}"
        return f"{duration(self.after_s)} in the median, {duration(self.before_s)} {since}"


class SlowOperations:
    """Operations that are slower than they were, and stages that dominate what costs much.

    `trend` and `slowdown` say of (operation, service) where it goes and how slow it is just now.
    """

    name = "operations"

    def __init__(
        self,
        metrics: MetricsCollector,
        spans: SpanRing | None,
        trend: Callable[[str, str], Trend],
        slowdown: Callable[[str, str], Slowdown | None],
        *,
        least_s: float = 0.005,
    ) -> None:
        self._metrics = metrics
        # What is done once, after a start, is no habit.
        self._from_s = metrics.now_s() + _SETTLED_S
        self._spans = spans
        self._trend = trend
        self._slowdown = slowdown
        self._least_s = least_s

    def collect(self, now_s: float) -> Sequence[Finding]:
        """Everything found now."""
        staged = {} if self._spans is None else stages_of(self._spans.ended(), _STAGES_S)
        found: list[Finding] = []
        for one in figures_of(self._metrics, 1):
            if one.count < _LEAST_CALLS:
                continue
            parts = staged.pop((one.operation, one.service), None)
            change = self._change(one.operation, one.service, now_s)
            if change is not None:
                found.append(self._regression(one, change, parts))
            dominating = self._dominating(parts, one.busy_share, one.median_s, now_s)
            if dominating is not None:
                found.append(dominating)
            elif parts is None and one.median_s >= _SLOW_S:
                found.append(_slow(one))
        # What is a span alone, such as a piece of work without a name of its own.
        for parts in staged.values():
            dominating = self._dominating(parts, parts.busy, parts.mean_s, now_s)
            if dominating is not None:
                found.append(dominating)
        return found

    def why(self, operation: str, service: str) -> tuple[str, dict[str, Any]]:
        """Why an operation is slow just now, in words and figures; ("", {}) where it is not."""
        slowdown = self._slowdown(operation, service)
        if slowdown is None:
            return "", {}
        words = (
            f"{operation} takes {duration(slowdown.median_s)} in the median, at most"
            f" {duration(slowdown.past_median_s)} before {as_text(int(slowdown.since_s))}"
        )
        evidence: dict[str, Any] = {
            "median_s": slowdown.median_s,
            "past_median_s": slowdown.past_median_s,
            "probability": slowdown.probability,
            "since": as_text(int(slowdown.since_s)),
        }
        spans = [] if self._spans is None else self._spans.ended()
        parts = stages_of(spans, _JUST_NOW_S).get((operation, service))
        if parts is not None:
            evidence["stages"] = _shown(parts)
            stage = max(parts.stages, key=lambda each: (self._grown_s(each), each.share))
            grown_s = self._grown_s(stage)
            words += f"; of it {stage.operation} is {percent(stage.share)}"
            if grown_s > 0:
                words += f", grown by {duration(grown_s)}"
        return f"{words}.", evidence

    def _change(self, operation: str, service: str, now_s: float) -> _Change | None:
        slowdown = self._slowdown(operation, service)
        if slowdown is not None and slowdown.since_s <= now_s - _SLOW_FOR_S:
            return _Change(
                slowdown.past_median_s, slowdown.median_s, slowdown.probability, slowdown.since_s
            )
        trend = self._trend(operation, service)
        if trend.verdict is not Verdict.SLOWER or trend.before is None or trend.after is None:
            return None
        if trend.after - trend.before < self._least_s or trend.before <= 0:
            return None
        return _Change(trend.before, trend.after, trend.probability or 0.0, trend.since_s)

    def _regression(self, one: OperationFigures, change: _Change, parts: Staged | None) -> Finding:
        gain = 1 - change.before_s / change.after_s
        words = f"{one.operation} takes {change.words} (probability {change.probability:.3f})."
        fix = "See what changed then: the version, a setting, the amount of data, another program."
        evidence: dict[str, Any] = {
            "median_before_s": change.before_s,
            "median_s": change.after_s,
            "probability": change.probability,
            "since": None if change.since_s is None else as_text(int(change.since_s)),
            "calls_last_hour": one.count,
            "busy_share": one.busy_share,
        }
        if parts is not None:
            evidence["stages"] = _shown(parts)
            grown = [(stage, self._grown_s(stage)) for stage in parts.stages]
            grown = [(stage, by_s) for stage, by_s in grown if by_s > 0]
            if grown:
                stage, by_s = max(grown, key=lambda each: each[1])
                evidence["stage_that_grew"] = f"{stage.service}:{stage.operation}"
                words += f" Of its stages {stage.operation} grew most, by {duration(by_s)}."
                fix = f"Begin with {stage.operation} of {stage.service}. {fix}"
        return Finding(
            service=one.service,
            operation=one.operation,
            type=RecommendationType.RESPONSE_TIME_OPTIMIZATION,
            key="slower than its past",
            description=words,
            fix=fix,
            difficulty=Difficulty.MEDIUM,
            expected_improvement=round(gain, 4),
            reason="measured: what would be saved if it took again what it took before",
            cost_share=min(one.busy_share, 1.0),
            evidence=evidence,
        )

    def _dominating(
        self, parts: Staged | None, busy: float, takes_s: float, now_s: float
    ) -> Finding | None:
        if parts is None or parts.runs < _LEAST_CALLS or parts.stages[0].share < _DOMINATES:
            return None
        if now_s < self._from_s or (busy < _MUCH and takes_s < _LONG_S):
            return None
        stage = parts.stages[0]
        words = (
            f"{parts.operation} takes {duration(parts.mean_s)} on average; of it"
            f" {stage.operation} is {duration(stage.per_run_s)} ({percent(stage.share)})"
        )
        change = self._change(stage.operation, stage.service, now_s)
        gain = None
        reason = (
            f"not measured: {stage.operation} has taken about as long for as long as is known,"
            " so nobody knows what it could do with"
        )
        if change is not None:
            saved_s = (change.after_s - change.before_s) * stage.calls
            gain = round(min(saved_s / parts.mean_s, stage.share), 4)
            since = "" if change.since_s is None else f" since {as_text(int(change.since_s))}"
            words += f", grown by {duration(saved_s)}{since}"
            reason = f"measured: what would be saved if {stage.operation} took what it did before"
        calls = f" It runs {stage.calls:.1f} times a run." if stage.calls > 1.5 else ""  # noqa: PLR2004 - more than once
        return Finding(
            service=parts.service,
            operation=parts.operation,
            type=RecommendationType.RESPONSE_TIME_OPTIMIZATION,
            key=f"dominated by {stage.service}:{stage.operation}",
            description=f"{words}.{calls}",
            fix=f"Make {stage.operation} of {stage.service} cheaper before anything else in it.",
            difficulty=Difficulty.MEDIUM,
            expected_improvement=gain,
            reason=reason,
            cost_share=min(busy * stage.share, 1.0),
            evidence={"runs": parts.runs, "busy_share": busy, "stages": _shown(parts)},
            measure=_time_of(stage.operation, stage.service),
        )

    def _grown_s(self, stage: Stage) -> float:
        slowdown = self._slowdown(stage.operation, stage.service)
        if slowdown is not None:
            return (slowdown.median_s - slowdown.past_median_s) * stage.calls
        trend = self._trend(stage.operation, stage.service)
        if trend.verdict is Verdict.SLOWER and trend.after is not None and trend.before is not None:
            return (trend.after - trend.before) * stage.calls
        return 0.0


class FailingOperations:
    """Operations that fail, with the error that they fail of most."""

    name = "errors"

    def __init__(self, metrics: MetricsCollector, errors: ErrorAnalytics | None) -> None:
        self._metrics = metrics
        self._errors = errors

    def collect(self, now_s: float) -> Sequence[Finding]:
        """Everything found now."""
        del now_s
        lately = {
            (one.operation, one.service): one.error_rate or 0.0
            for one in figures_of(self._metrics, _LATELY_HOURS)
        }
        return [
            self._finding(one)
            for one in figures_of(self._metrics, 1)
            if one.errors >= _LEAST_ERRORS
            and (one.error_rate or 0) >= _LEAST_ERROR_RATE
            # What was repaired a quarter of an hour ago does not fail any more.
            and lately.get((one.operation, one.service), 1.0) >= _LEAST_ERROR_RATE
        ]

    def _finding(self, one: OperationFigures) -> Finding:
        rate = one.error_rate or 0.0
        types: Mapping[str, int] = {}
        if self._errors is not None:
            types = self._errors.types_of(one.service, one.operation)
        words = f"{one.operation} fails in {percent(rate)} of its runs, {one.errors} times an hour"
        gain, reason = None, "not measured: nobody logged of which type these errors are"
        fix = "Find these errors in the log by operation and service."
        worst = next(iter(types), "")
        if worst:
            share = types[worst] / sum(types.values())
            words += f"; {percent(share)} of these are {worst}"
            gain = round(share, 4)
            reason = f"measured: the part of its errors that are {worst}"
            fix = f"Deal with {worst} first: its stack is in /api/errors/analytics."
        priority = Priority.LOW
        if rate >= _SOMETIMES_FAILS:
            priority = Priority.HIGH if rate >= _OFTEN_FAILS else Priority.MEDIUM
        return Finding(
            service=one.service,
            operation=one.operation,
            type=RecommendationType.ERROR_REDUCTION,
            key="fails",
            description=f"{words}.",
            fix=fix,
            difficulty=Difficulty.MEDIUM,
            expected_improvement=gain,
            reason=reason,
            cost_share=min(rate * one.busy_share, 1.0),
            evidence={
                "error_rate": rate,
                "errors_last_hour": one.errors,
                "runs_last_hour": one.count,
                "types": dict(list(types.items())[:5]),
                "seconds_lost_last_hour": one.total_s * rate,
            },
            measure=Measure(
                metric_name(PerformanceMetric.ERROR_RATE),
                {"operation": one.operation, "service": one.service},
                "ratio",
                "mean",
            ),
            priority=priority,
        )


def _slow(one: OperationFigures) -> Finding:
    return Finding(
        service=one.service,
        operation=one.operation,
        type=RecommendationType.RESPONSE_TIME_OPTIMIZATION,
        key="slow",
        description=(
            f"{one.operation} takes {duration(one.median_s)} in the median and"
            f" {duration(one.p95_s)} in one of twenty runs; which part of it is not measured."
        ),
        fix="Time its parts (`timed` within it), so that the one that takes the time shows.",
        difficulty=Difficulty.LOW,
        expected_improvement=None,
        reason="not measured: nothing is known of its stages",
        cost_share=min(one.busy_share, 1.0),
        evidence={"median_s": one.median_s, "p95_s": one.p95_s, "calls_last_hour": one.count},
    )


def _time_of(operation: str, service: str) -> Measure:
    return Measure(
        metric_name(PerformanceMetric.RESPONSE_TIME), {"operation": operation, "service": service}
    )


def _shown(parts: Staged) -> list[dict[str, Any]]:
    return [
        {
            "operation": stage.operation,
            "service": stage.service,
            "share": round(stage.share, 4),
            "seconds_a_run": round(stage.per_run_s, 6),
            "calls_a_run": round(stage.calls, 3),
        }
        for stage in parts.stages[:8]
    ]
