"""Metrics as Prometheus reads them: the text of `/metrics`.

`prometheus_client` writes the format; what is in it is read from our own collector when asked, so
that nothing is counted twice. Names and units are brought into the form that
`promtool check metrics` wants: snake case, base units, `_total` on counters and on nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sectorwatch.observe.metrics import MetricsCollector

__all__ = [
    "CONTENT_TYPE",
    "OPEN_METRICS",
    "ExposedSeries",
    "exposed_name",
    "exposition",
    "wants_open_metrics",
]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# Unit as recorded -> (base unit, factor).
_BASE_UNITS = {
    "seconds": ("seconds", 1.0),
    "milliseconds": ("seconds", 1e-3),
    "bytes": ("bytes", 1.0),
    "megabytes": ("bytes", 1e6),
    "percent": ("ratio", 1e-2),
    "ratio": ("ratio", 1.0),
}
_TYPES = {"counter": "counter", "timing": "summary"}
_NOT_FOR_OTHERS = ("_total", "_count", "_sum", "_bucket")
_RESERVED_LABELS = frozenset({"quantile", "le"})


@dataclass(frozen=True, slots=True)
class ExposedSeries:
    """One series as it stands: `value` is a counter's total, a gauge's last value, a timing's sum.

    `quantiles` are a timing's, of the last ten minutes, by share.
    """

    name: str
    kind: str
    unit: str
    tags: Mapping[str, str]
    value: float
    count: int
    quantiles: Mapping[float, float]


class _Families(Collector):
    """What `prometheus_client` asks for families of metrics."""

    def __init__(
        self, series: Iterable[ExposedSeries], helps: Mapping[str, str], namespace: str
    ) -> None:
        self._series = series
        self._helps = helps
        self._namespace = namespace

    def collect(self) -> Iterator[Metric]:
        """Every family once."""
        # A name may have series in several units; in one family all numbers mean the same.
        families: dict[tuple[str, str], list[ExposedSeries]] = defaultdict(list)
        for one in self._series:
            families[one.name, _BASE_UNITS.get(one.unit, ("", 1.0))[0]].append(one)
        taken: set[str] = set()
        for (name, unit), series in sorted(families.items()):
            kind = _TYPES.get(series[0].kind, "gauge")
            free = _free_name(_named(name, kind, unit, self._namespace), kind, taken)
            yield _family(free, kind, series, self._helps.get(name, "") or _words(name))


def exposition(collector: MetricsCollector, *, open_metrics: bool = False) -> bytes:
    """Everything a collector knows, in Prometheus' text format, or as OpenMetrics has it.

    Every name begins with the collector's `namespace`: others scraped beside it have names too.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(collector.exposed(), collector.helps(), collector.namespace))
    if open_metrics:
        text: bytes = generate_open_metrics(registry)  # type: ignore[no-untyped-call]
        return text
    return generate_latest(registry)


def wants_open_metrics(accept: str) -> bool:
    """Whether an `Accept` header asks for OpenMetrics, as Prometheus' does.

    >>> wants_open_metrics("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    True
    >>> wants_open_metrics("text/html, application/openmetrics-text;q=0")
    False
    """
    for part in accept.lower().split(","):
        kind, *parameters = (text.strip() for text in part.split(";"))
        if kind == "application/openmetrics-text":
            return not any(text.replace(" ", "") in {"q=0", "q=0.0"} for text in parameters)
    return False


def exposed_name(name: str, kind: str, unit: str, namespace: str = "") -> str:
    """What a metric is called in Prometheus, unless another metric's name comes to the same.

    `kind` is counter, gauge, timing or sample; of a timing it is the family's name, which its
    samples have `_count` and `_sum` behind.

    >>> exposed_name("feeds_refused_total", "counter", "", "sectorwatch")
    'sectorwatch_feeds_refused_total'
    >>> exposed_name("process_cpu", "gauge", "percent")
    'process_cpu_ratio'
    """
    if kind == "sample" and unit == "seconds":
        kind = "timing"
    of_type = _TYPES.get(kind, "gauge")
    exposed = _named(name, of_type, _BASE_UNITS.get(unit, ("", 1.0))[0], namespace)
    return f"{exposed}_total" if of_type == "counter" else exposed


def _named(raw: str, kind: str, unit: str, namespace: str) -> str:
    # Before the ends are looked at: with it before them, `total` and `count` are ends too.
    return _family_name(f"{namespace}_{raw}" if namespace else raw, kind, unit)


def _words(raw: str) -> str:
    """What stands for the help of a metric that nobody described."""
    return _family_name(raw, "gauge", "").replace("_", " ").strip().capitalize()


def _family(name: str, kind: str, series: list[ExposedSeries], text: str) -> Metric:
    family = Metric(name, " ".join(text.split()), kind)
    seen: set[tuple[tuple[str, str], ...]] = set()
    for one in series:
        labels = _labels(one.tags)
        key = tuple(sorted(labels.items()))
        if key in seen:
            # Two sets of tags that Prometheus cannot tell apart: the first stands.
            continue
        seen.add(key)
        factor = _BASE_UNITS.get(one.unit, ("", 1.0))[1]
        if kind == "counter":
            family.add_sample(f"{name}_total", labels, one.value * factor)
        elif kind == "gauge":
            family.add_sample(name, labels, one.value * factor)
        else:
            for share, value in one.quantiles.items():
                quantile = labels | {"quantile": f"{share:g}"}
                family.add_sample(name, quantile, _not_negative(value * factor))
            family.add_sample(f"{name}_count", labels, one.count)
            family.add_sample(f"{name}_sum", labels, _not_negative(one.value * factor))
    return family


def _not_negative(value: float) -> float:
    """Nothing takes less than no time; one summary that says so would cost a reader all others."""
    return 0.0 if value < 0 else value


def _family_name(raw: str, kind: str, unit: str) -> str:
    """The family's name: snake case, its base unit at the end, `_total` left to the samples.

    >>> _family_name("feed.fetchTime", "summary", "seconds")
    'feed_fetch_time_seconds'
    >>> _family_name("ticks_total", "counter", ""), _family_name("42 things_count", "gauge", "")
    ('ticks', '_42_things')
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", raw).lower()
    name = re.sub(r"_+", "_", re.sub(r"[^a-z0-9_]", "_", name)).strip("_") or "unnamed"
    changed = True
    while changed:
        changed = False
        for end in _NOT_FOR_OTHERS if kind != "counter" else ("_total",):
            if name.endswith(end) and len(name) > len(end):
                name, changed = name.removesuffix(end), True
    if unit and unit not in name.split("_"):
        name = f"{name}_{unit}"
    return f"_{name}" if name[0].isdigit() else name


def _free_name(name: str, kind: str, taken: set[str]) -> str:
    """`name`, or with a number behind it where another family's samples have it already."""
    ends = {"counter": ("", "_total"), "summary": ("", "_count", "_sum")}.get(kind, ("",))
    number = 1
    while True:
        free = name if number == 1 else f"{name}_{number}"
        samples = {free + end for end in ends}
        if not samples & taken:
            taken |= samples
            return free
        number += 1


def _labels(tags: Mapping[str, str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for key, value in tags.items():
        name = re.sub(r"[^a-zA-Z0-9_]", "_", key).lstrip("_") or "tag"
        if name in _RESERVED_LABELS or name[0].isdigit():
            name = f"tag_{name}"
        while name in labels:
            name += "_"
        labels[name] = value
    return labels
