"""Recommendations from measurements alone, wherever they come from: pure, no program needed.

What needs more than figures (plans of statements, stacks, spans) is found by sources of evidence.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.observe.clock import as_text
from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.tuning.findings import Difficulty, Finding, Priority, RecommendationType
from sectorwatch.observe.tuning.trends import Verdict, trend_of
from sectorwatch.observe.tuning.words import duration, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sectorwatch.observe.results import PerformanceData
    from sectorwatch.observe.tuning.trends import Trend

    Floats = NDArray[np.floating]

__all__ = ["findings_of"]

SLOW_S = 1.0
_LEAST_S = 0.005
_LEAST_SAMPLES = 10
_LEAST_ERRORS = 5
_LEAST_ERROR_RATE = 0.02
_OFTEN_FAILS, _SOMETIMES_FAILS = 0.5, 0.1
_MOST_POINTS = 150
# Seconds, percent or megabytes beyond this are no measurement.
_LARGEST = 1e15
_BURNS_PERCENT = 80.0
_MOSTLY_DATABASE = 0.5
_SELDOM_HITS = 0.5
_Key = tuple[str, str]


class _Samples(NamedTuple):
    """Values of one kind, by time; `time_s` in seconds since 1970."""

    time_s: Floats
    values: Floats


def findings_of(
    metrics: Mapping[str, Sequence[PerformanceData]], *, slow_s: float = SLOW_S
) -> list[Finding]:
    """What could be better by these measurements, keys "service:operation:metric_type".

    A key that is no such thing, or of an unknown type, is left out, as are values that are no
    numbers.
    """
    by_operation: dict[_Key, dict[PerformanceMetric, _Samples]] = defaultdict(dict)
    for key, measured in metrics.items():
        service, _, rest = str(key).partition(":")
        operation, _, kind = rest.rpartition(":")
        if operation and kind in set(PerformanceMetric):
            samples = _samples(measured)
            if len(samples.values):
                by_operation[(service, operation)][PerformanceMetric(kind)] = samples
    total_s = {
        key: float(kinds[PerformanceMetric.RESPONSE_TIME].values.sum())
        for key, kinds in by_operation.items()
        if PerformanceMetric.RESPONSE_TIME in kinds
    }
    all_s = sum(total_s.values())
    found: list[Finding] = []
    for (service, operation), kinds in sorted(by_operation.items()):
        share = total_s.get((service, operation), 0.0) / all_s if all_s > 0 else 0.0
        found += _of_operation(service, operation, kinds, share, slow_s)
    return found


def _of_operation(
    service: str,
    operation: str,
    kinds: Mapping[PerformanceMetric, _Samples],
    share: float,
    slow_s: float,
) -> list[Finding]:
    found = []
    times = kinds.get(PerformanceMetric.RESPONSE_TIME)
    if times is not None and len(times.values) >= _LEAST_SAMPLES:
        found.append(_of_times(service, operation, times, kinds, share, slow_s))
    errors = kinds.get(PerformanceMetric.ERROR_RATE)
    if errors is not None:
        found.append(_of_errors(service, operation, errors, share))
    memory = kinds.get(PerformanceMetric.MEMORY_USAGE)
    if memory is not None and len(memory.values) >= _LEAST_SAMPLES:
        found.append(_of_memory(service, operation, memory, share))
    hits = kinds.get(PerformanceMetric.CACHE_HIT_RATE)
    if hits is not None and len(hits.values) >= _LEAST_SAMPLES:
        found.append(_of_hits(service, operation, hits, share))
    return [one for one in found if one is not None]


def _of_times(
    service: str,
    operation: str,
    times: _Samples,
    kinds: Mapping[PerformanceMetric, _Samples],
    share: float,
    slow_s: float,
) -> Finding | None:
    trend = _trend(times)
    median = float(np.median(times.values))
    evidence = {"median_s": median, "samples": len(times.values), "trend": trend.verdict.value}
    if trend.verdict is Verdict.SLOWER and trend.before is not None and trend.after is not None:
        grown_s = trend.after - trend.before
        if grown_s >= _LEAST_S and trend.before > 0:
            since = "" if trend.since_s is None else f" since {as_text(int(trend.since_s))}"
            return Finding(
                service,
                operation,
                RecommendationType.RESPONSE_TIME_OPTIMIZATION,
                "slower than its past",
                f"{operation} takes {duration(trend.after)}{since}, {duration(trend.before)} before"
                f" (probability {trend.probability or 0:.3f}).",
                "See what changed then: the version, a setting, the amount of data.",
                Difficulty.MEDIUM,
                round(grown_s / trend.after, 4),
                "measured: what would be saved if it took again what it took before",
                share,
                evidence | {"before_s": trend.before, "after_s": trend.after},
            )
    if median < slow_s:
        return None
    words = f"{operation} takes {duration(median)} in the median"
    cpu = kinds.get(PerformanceMetric.CPU_USAGE)
    if cpu is not None and float(np.median(cpu.values)) >= _BURNS_PERCENT:
        burns = float(np.median(cpu.values))
        return Finding(
            service,
            operation,
            RecommendationType.CPU_HOTSPOT,
            "burns its time",
            f"{words}, {burns:.0f} % of it computing.",
            "Profile it, and do less, or the same once for many.",
            Difficulty.MEDIUM,
            None,
            "not measured: which functions burn the time is not in these figures",
            share,
            evidence | {"cpu_percent": burns},
        )
    database = kinds.get(PerformanceMetric.DATABASE_QUERY_TIME)
    if database is not None:
        in_database = float(np.mean(database.values)) / max(float(np.mean(times.values)), 1e-12)
        if in_database >= _MOSTLY_DATABASE:
            words += f", {percent(min(in_database, 1.0))} of it in the database"
            evidence["database_share"] = min(in_database, 1.0)
    return Finding(
        service,
        operation,
        RecommendationType.RESPONSE_TIME_OPTIMIZATION,
        "slow",
        f"{words}.",
        "Time its parts, so that the one that takes the time shows.",
        Difficulty.MEDIUM,
        None,
        "not measured: it has always taken about as long in these figures",
        share,
        evidence,
    )


def _of_errors(service: str, operation: str, errors: _Samples, share: float) -> Finding | None:
    rate = float(np.clip(np.mean(errors.values), 0, 1))
    if rate < _LEAST_ERROR_RATE or rate * len(errors.values) < _LEAST_ERRORS:
        return None
    priority = Priority.LOW
    if rate >= _SOMETIMES_FAILS:
        priority = Priority.HIGH if rate >= _OFTEN_FAILS else Priority.MEDIUM
    return Finding(
        service,
        operation,
        RecommendationType.ERROR_REDUCTION,
        "fails",
        f"{operation} fails in {percent(rate)} of what was measured.",
        "Find its errors in the log, and deal with the most frequent type first.",
        Difficulty.MEDIUM,
        None,
        "not measured: of which type the errors are is not in these figures",
        share * rate,
        {"error_rate": rate, "samples": len(errors.values)},
        priority=priority,
    )


def _of_memory(service: str, operation: str, memory: _Samples, share: float) -> Finding | None:
    trend = _trend(memory)
    if trend.verdict is not Verdict.SLOWER or trend.slope_s_per_hour is None:
        return None
    return Finding(
        service,
        operation,
        RecommendationType.MEMORY_GROWTH,
        "takes more and more",
        f"{operation} takes {trend.after:.3g} MB, {trend.before:.3g} before, and goes on growing.",
        "Look for what it keeps: lists, caches and closures that outlive it.",
        Difficulty.HIGH,
        None,
        "not measured: what of it is needed is not in these figures",
        share,
        {"mb_per_hour": trend.slope_s_per_hour, "probability": trend.probability},
    )


def _of_hits(service: str, operation: str, hits: _Samples, share: float) -> Finding | None:
    rate = float(np.mean(hits.values))
    if rate >= _SELDOM_HITS:
        return None
    return Finding(
        service,
        operation,
        RecommendationType.CACHING,
        "seldom hits",
        f"Of what {operation} asks its cache for, {percent(max(rate, 0.0))} is there.",
        "Keep answers longer, or more of them, or by a key that comes again.",
        Difficulty.LOW,
        None,
        "not measured: how often the same is asked for is not in these figures",
        share,
        {"hit_rate": rate, "samples": len(hits.values)},
    )


def _trend(samples: _Samples) -> Trend:
    """Where samples go; of many, the medians of pieces of equal length."""
    time_s, values = samples
    if len(values) > _MOST_POINTS:
        pieces = np.array_split(np.arange(len(values)), _MOST_POINTS)
        time_s = np.array([float(np.median(time_s[piece])) for piece in pieces])
        values = np.array([float(np.median(values[piece])) for piece in pieces])
    return trend_of(time_s, values)


def _samples(measured: Sequence[PerformanceData]) -> _Samples:
    pairs = np.array(
        [(one.timestamp.timestamp(), float(one.value)) for one in measured], np.float64
    ).reshape(-1, 2)
    pairs = pairs[(np.abs(pairs) <= _LARGEST).all(axis=1)]
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    return _Samples(pairs[:, 0], pairs[:, 1])
