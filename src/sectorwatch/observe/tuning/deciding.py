"""What became of a recommendation whose evidence is not found any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.tuning.effects import STEP_S, effect_of, steps_of
from sectorwatch.observe.tuning.findings import Measure, Outcome
from sectorwatch.observe.tuning.ledger import APPLIED, EXPIRED, OPEN
from sectorwatch.observe.tuning.words import percent

if TYPE_CHECKING:
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.tuning.effects import Steps
    from sectorwatch.observe.tuning.findings import Effect, EvidenceSource
    from sectorwatch.observe.tuning.ledger import Record

__all__ = ["decided"]

_HOUR_S = 3_600.0
_DAY_S = 86_400.0
_LEAST_STEPS = 3
# So long it is waited for enough calls to compare, before it is given up.
_PATIENCE_S = 6 * _HOUR_S
_LESS_ASKED = 0.25
_LEAST_EFFECT = 0.05
_SURE = 0.95
# An effect goes on being measured for a day: of half an hour little is known.
_REFINED_FOR_S = _DAY_S
_REFINED_BY = 6


def decided(
    record: Record, source: EvidenceSource | None, metrics: MetricsCollector, now_s: float
) -> Record | None:
    """The record with what became of it; None where nothing is to be said yet.

    One that was applied has its effect measured again, every hour for a day.
    """
    if record.missing_since_s is None:
        return None
    if record.status == APPLIED:
        return _refined(record, metrics, record.missing_since_s, now_s)
    if record.status == OPEN:
        said = None if source is None else _outcome(source, record, now_s)
        return _judged(record, said, metrics, record.missing_since_s, now_s)
    return None


def _judged(
    record: Record,
    said: Outcome | None,
    metrics: MetricsCollector,
    missing_since_s: float,
    now_s: float,
) -> Record | None:
    """Applied, where its source says so or the measure does; else expired, after some patience."""
    if said is not None and (not said.applied or said.effect is not None):
        return _as_said(record, said, now_s)
    before, after = _steps(record, metrics, missing_since_s, now_s)
    effect = effect_of(before, after, _measure_of(record).unit)
    is_over = now_s - missing_since_s >= _PATIENCE_S
    if effect is None or _is_less_asked(before, after):
        unknown = "it is hardly asked for any more, so nobody knows whether it is better"
        if said is not None and is_over:
            words = f"{said.words}; what that did could not be measured"
            return _applied(record, now_s, words, None)
        return _expired(record, now_s, unknown) if is_over else None
    if said is not None:
        return _applied(record, now_s, said.words, effect)
    is_better = effect.improvement >= _LEAST_EFFECT and effect.low > 0
    if is_better and effect.probability >= _SURE:
        words = f"measured: {percent(effect.improvement)} less than in {effect.basis}"
        return _applied(record, now_s, words, effect)
    same = "its evidence is gone, but nothing became measurably less by that"
    return _expired(record, now_s, same) if is_over else None


def _as_said(record: Record, said: Outcome, now_s: float) -> Record | None:
    """As its source has it; None where that cannot tell yet."""
    if said.applied is None:
        return None
    if said.applied:
        return _applied(record, now_s, said.words, said.effect)
    return _expired(record, now_s, said.words)


def _steps(
    record: Record, metrics: MetricsCollector, missing_since_s: float, now_s: float
) -> tuple[Steps, Steps]:
    """The measure before the evidence ceased (a day of it at most) and since."""
    ceased_s = record.last_seen_s
    from_s = max(ceased_s - _DAY_S, min(record.first_seen_s, ceased_s - _HOUR_S))
    steps = steps_of(metrics, _measure_of(record), from_s - STEP_S)
    until_s = min(now_s, missing_since_s + _REFINED_FOR_S)
    # The step in which it ceased has something of both.
    return steps.between(from_s - STEP_S, ceased_s), steps.between(missing_since_s, until_s)


def _measure_of(record: Record) -> Measure:
    finding = record.finding
    return finding.measure or Measure(
        metric_name(PerformanceMetric.RESPONSE_TIME),
        {"operation": finding.operation, "service": finding.service},
    )


def _outcome(source: EvidenceSource, record: Record, now_s: float) -> Outcome | None:
    ask = getattr(source, "outcome", None)
    said = None if ask is None else ask(record.finding.key, now_s)
    return said if isinstance(said, Outcome) else None


def _is_less_asked(before: Steps, after: Steps) -> bool:
    if len(before) < _LEAST_STEPS or len(after) < _LEAST_STEPS:
        return True
    return float(np.median(after.calls)) < _LESS_ASKED * float(np.median(before.calls))


def _refined(
    record: Record, metrics: MetricsCollector, missing_since_s: float, now_s: float
) -> Record | None:
    if now_s > missing_since_s + _REFINED_FOR_S + _HOUR_S:
        return None
    until_s = min(now_s, missing_since_s + _REFINED_FOR_S)
    known = 0 if record.effect is None else record.effect.n_after
    if record.effect is None or (until_s - missing_since_s) / STEP_S < known + _REFINED_BY:
        return None
    unit = _measure_of(record).unit
    if record.effect.unit != unit:
        # Its source measured it, by something else.
        return None
    before, after = _steps(record, metrics, missing_since_s, now_s)
    effect = effect_of(before, after, unit)
    if effect is None or effect.n_after < known + _REFINED_BY:
        return None
    return replace(record, effect=effect)


def _applied(record: Record, now_s: float, words: str, effect: Effect | None) -> Record:
    return replace(record, status=APPLIED, decided_s=now_s, outcome=words, effect=effect)


def _expired(record: Record, now_s: float, words: str) -> Record:
    return replace(record, status=EXPIRED, decided_s=now_s, outcome=words)
