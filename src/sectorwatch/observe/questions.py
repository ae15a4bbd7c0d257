"""What is asked of a metric's past, answered from rings and summaries together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.exposition import ExposedSeries
from sectorwatch.observe.history import COARSE_S, FINE_S
from sectorwatch.observe.results import Metric
from sectorwatch.observe.summaries import Summaries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.series import Kind, Series

__all__ = ["MetricOverview", "exposed", "overview", "steps", "summary", "values"]

_RAW_KEPT_S = 3_600
_EXPOSED_S = 600
_EXPOSED_SHARES = (0.5, 0.95, 0.99)
_ALL_S = 1 << 40
_MAX_HOURS = 24 * 366
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class MetricOverview:
    """What there is under one name; `latest` is None before any sample."""

    name: str
    kind: Kind
    unit: str
    series: int
    latest: float | None
    latest_time: datetime | None


def overview(collector: MetricsCollector) -> list[MetricOverview]:
    """See `MetricsCollector.overview`."""
    found: dict[str, list[Series]] = {}
    for series in collector.series.everything():
        found.setdefault(series.name, []).append(series)
    rows = collector.history.latest_rows(collector.now_s() - _EXPOSED_S)
    last_row = {id_: row for row, id_ in enumerate(rows.series.tolist())}
    shown = []
    for name, group in found.items():
        newest = max(group, key=lambda one: one.latest_s)
        latest: float | None = newest.latest
        at_s: float | None = newest.latest_s
        if not newest.count:
            # Kept in minutes alone, as shares of failures are.
            row = max((last_row[one.id] for one in group if one.id in last_row), default=None)
            latest = None if row is None else float(rows.last[row])
            at_s = None if row is None else float(rows.start_s[row])
        shown.append(
            MetricOverview(
                name,
                newest.kind,
                newest.unit,
                len(group),
                latest,
                None if at_s is None else as_datetime(at_s),
            )
        )
    return shown


def values(
    collector: MetricsCollector, name: str, hours: float, tags: Mapping[str, str] | None
) -> list[Metric]:
    """See `MetricsCollector.get_metrics`."""
    series = _matching(collector, name, tags)
    since_s = _since(collector, hours)
    coarse, fine = collector.history.rows(series, since_s)
    fine = fine.merged(FINE_S)
    found: list[Metric] = []
    for id_, (labels, unit) in series.items():
        own = fine.of_series(np.array([id_]))
        times, samples = _raw(collector, id_, since_s)
        raw_from_s = _raw_from(times, own)
        kept = times >= raw_from_s
        tens = coarse.of_series(np.array([id_]))
        found += _as_metrics(name, labels, unit, tens, COARSE_S)
        found += _as_metrics(name, labels, unit, own.select(own.start_s < raw_from_s), FINE_S)
        found += [
            Metric(name, value, as_datetime(time_s), labels, unit)
            for time_s, value in zip(times[kept].tolist(), samples[kept].tolist(), strict=True)
        ]
    return sorted(found, key=lambda metric: metric.timestamp)


def steps(
    collector: MetricsCollector,
    name: str,
    hours: float,
    step_s: int,
    tags: Mapping[str, str] | None,
) -> list[Metric]:
    """See `MetricsCollector.get_history`."""
    series = _matching(collector, name, tags)
    step_s = max(FINE_S, int(step_s))
    rows = Summaries.concat(collector.history.rows(series, _since(collector, hours)))
    rows = rows.merged(step_s)
    found: list[Metric] = []
    for id_, (labels, unit) in series.items():
        found += _as_metrics(name, labels, unit, rows.of_series(np.array([id_])), step_s)
    return sorted(found, key=lambda metric: metric.timestamp)


def summary(
    collector: MetricsCollector, name: str, hours: float, tags: Mapping[str, str] | None
) -> dict[str, Any]:
    """See `MetricsCollector.get_metric_summary`."""
    series = _matching(collector, name, tags)
    since_s = _since(collector, hours)
    rows = Summaries.concat(collector.history.rows(series, since_s))
    if not len(rows):
        return {"count": 0}
    whole = rows.as_one_series()
    last = int(np.flatnonzero(whole.start_s == whole.start_s.max())[-1])
    count = int(whole.count.sum())
    with np.errstate(over="ignore"):
        total = _finite(float(whole.total.sum()))
    median, p95, p99 = whole.quantiles((0.5, 0.95, 0.99))
    latest = float(whole.last[last])
    raw = [_raw(collector, id_, since_s) for id_ in series]
    raw = [(times, samples) for times, samples in raw if len(times)]
    if sum(len(times) for times, _ in raw) == count:
        # Nothing was summed up yet that is not here as it came.
        samples = np.concatenate([samples for _, samples in raw])
        median, p95, p99 = (_finite(float(q)) for q in np.quantile(samples, (0.5, 0.95, 0.99)))
    if raw:
        latest = max((float(times[-1]), float(samples[-1])) for times, samples in raw)[1]
    return {
        "count": count,
        "avg": _finite(total / count),
        "min": float(whole.low.min()),
        "max": float(whole.high.max()),
        "median": median,
        "latest": latest,
        "p95": p95,
        "p99": p99,
        "sum": total,
    }


def exposed(collector: MetricsCollector, counters: Mapping[int, float]) -> list[ExposedSeries]:
    """See `MetricsCollector.exposed`."""
    rows = collector.history.latest_rows(collector.now_s() - _EXPOSED_S).merged(_ALL_S)
    ends = np.append(0, np.cumsum(rows.sizes))
    at = {id_: row for row, id_ in enumerate(rows.series.tolist())}
    found = []
    for one in collector.series.everything():
        if one.kind != "counter" and not one.count and one.id not in at:
            continue
        kind = "timing" if one.unit == "seconds" and one.kind == "sample" else one.kind
        value = {"counter": counters.get(one.id, 0.0), "timing": one.total}.get(kind, one.latest)
        row = at.get(one.id)
        if not one.count and row is not None:
            # Kept in minutes alone, as rates are: their mean says more than the last of them.
            value = float(rows.total[row] / rows.count[row])
        quantiles = dict.fromkeys(_EXPOSED_SHARES, math.nan) if kind == "timing" else {}
        if row is not None and kind == "timing":
            values = rows.part(row, row + 1, ends).quantiles(_EXPOSED_SHARES)
            quantiles = dict(zip(_EXPOSED_SHARES, values, strict=True))
        found.append(ExposedSeries(one.name, kind, one.unit, one.tags, value, one.count, quantiles))
    for part, drops in collector.drop_sources.items():
        for reason, n in drops.counts().items():
            tags = {"part": part, "reason": reason}
            found.append(ExposedSeries("observe_dropped", "counter", "", tags, n, n, {}))
    return found


def _matching(
    collector: MetricsCollector, name: str, tags: Mapping[str, str] | None
) -> dict[int, tuple[dict[str, str], str]]:
    wanted = {str(key): str(value) for key, value in tags.items()}.items() if tags else {}.items()
    return {
        id_: (labels, unit)
        for id_, (labels, unit) in collector.series.ids_of(name).items()
        if wanted <= labels.items()
    }


def _since(collector: MetricsCollector, hours: float) -> float:
    """The beginning of the minute `hours` ago: raw samples and minutes then begin together."""
    try:
        hours = min(max(float(hours), 0.0), _MAX_HOURS)
    except (TypeError, ValueError):
        hours = 24.0
    return (collector.now_s() - hours * 3_600) // FINE_S * FINE_S


def _raw(
    collector: MetricsCollector, id_: int, since_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    series = collector.series.by_id.get(id_)
    if series is None:
        return np.empty(0), np.empty(0)
    return series.ring.since(max(since_s, collector.now_s() - _RAW_KEPT_S))


def _raw_from(times: NDArray[np.float64], rows: Summaries) -> float:
    """From when on the raw samples are all there were: a minute's beginning."""
    if not len(times):
        return np.inf
    minute = times[0] // FINE_S * FINE_S
    at = np.flatnonzero(rows.start_s == minute)
    here = np.count_nonzero(times < minute + FINE_S)
    complete = not len(at) or rows.count[at[0]] <= here
    return float(minute if complete else minute + FINE_S)


def _as_metrics(
    name: str, labels: Mapping[str, str], unit: str, rows: Summaries, step_s: int
) -> list[Metric]:
    return [
        Metric(
            name,
            _finite(total / count),
            as_datetime(start_s),
            labels,
            unit,
            resolution_s=step_s,
            count=count,
            minimum=low,
            maximum=high,
        )
        for start_s, count, total, low, high in zip(
            rows.start_s.tolist(),
            rows.count.tolist(),
            rows.total.tolist(),
            rows.low.tolist(),
            rows.high.tolist(),
            strict=True,
        )
    ]


def _finite(value: float) -> float:
    """A sum past the largest double, brought back to it: JSON has no infinity."""
    return min(max(value, -_LARGEST), _LARGEST)
