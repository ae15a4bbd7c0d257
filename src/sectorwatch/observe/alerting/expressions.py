"""Expressions of rules: what they mean, evaluated over the last minutes of metrics.

For each set of labels a condition is met, or not met, or there is nothing to say: a series that has
no samples is neither well nor ill. What is not known never fires, and never ends anything at once.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from sectorwatch.observe.recent import STALE_S, Recent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sectorwatch.observe.alerting.records import Labels
    from sectorwatch.observe.alerting.silences import Matcher

__all__ = ["Aggregate", "Call", "Cell", "Combine", "Compare", "Condition", "Values"]


_MOST_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Cell:
    """What an expression gives for one set of labels; `is_met` is a condition's."""

    value: float
    is_met: bool = True
    threshold: float | None = None


class Values(Protocol):
    """A part of an expression that gives numbers."""

    def values(self, series: Mapping[str, list[Recent]]) -> dict[Labels, float]:
        """A number for each set of labels."""


class Condition(Protocol):
    """An expression, or a part of one, that is met or not."""

    def cells(self, series: Mapping[str, list[Recent]]) -> dict[Labels, Cell]:
        """Whether it is met for each set of labels of which anything is known."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function over the samples of one metric in a window."""

    function: str
    metric: str
    matchers: tuple[Matcher, ...]
    window_s: float
    _matched: dict[Labels, bool] = field(default_factory=dict, repr=False, compare=False)

    def values(self, series: Mapping[str, list[Recent]]) -> dict[Labels, float]:
        """One number for each series that matches and has what the function needs."""
        compute = FUNCTIONS[self.function]
        found: dict[Labels, float] = {}
        for each in series.get(self.metric, ()):
            if self.matchers and not self._matches(each.key[1]):
                continue
            # Nothing for five minutes says nothing about now.
            if each.age_s[-1] > STALE_S:
                continue
            value = compute(_within(each, self.window_s), self.window_s)
            if value is not None and value - value == 0.0:
                found[each.key[1]] = value
        return found

    def _matches(self, labels: Labels) -> bool:
        known = self._matched.get(labels)
        if known is None:
            given = dict(labels)
            known = all(matcher.matches(given) for matcher in self.matchers)
            if len(self._matched) >= _MOST_REMEMBERED:
                self._matched.clear()
            self._matched[labels] = known
        return known


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Numbers put together: one for each set of the labels that are kept."""

    function: str
    labels: tuple[str, ...]
    inner: Values

    def values(self, series: Mapping[str, list[Recent]]) -> dict[Labels, float]:
        """One number for each group."""
        groups: dict[Labels, list[float]] = {}
        for labels, value in self.inner.values(series).items():
            kept = tuple(pair for pair in labels if pair[0] in self.labels)
            groups.setdefault(kept, []).append(value)
        compute = AGGREGATES[self.function]
        return {labels: float(compute(values)) for labels, values in groups.items()}


@dataclass(frozen=True, slots=True)
class Compare:
    """Numbers held against a threshold."""

    inner: Values
    op: str
    threshold: float

    def cells(self, series: Mapping[str, list[Recent]]) -> dict[Labels, Cell]:
        """Whether each number is on that side of it."""
        compare = COMPARISONS[self.op]
        return {
            labels: Cell(value, compare(value, self.threshold), self.threshold)
            for labels, value in self.inner.values(series).items()
        }


@dataclass(frozen=True, slots=True)
class Combine:
    """Two conditions, joined where the labels that both have are equal."""

    left: Condition
    op: Literal["and", "or", "unless"]
    right: Condition

    def cells(self, series: Mapping[str, list[Recent]]) -> dict[Labels, Cell]:
        """`and`, `unless`: the left side's; `or`: both sides', the left one first."""
        left, right = self.left.cells(series), self.right.cells(series)
        if self.op == "or":
            met = {labels: cell for labels, cell in right.items() if cell.is_met}
            return right | left | {k: c for k, c in met.items() if not _is_met(left.get(k))}
        common = _names(left) & _names(right)
        beside: dict[Labels, list[Cell]] = {}
        for labels, cell in right.items():
            beside.setdefault(_kept(labels, common), []).append(cell)
        found: dict[Labels, Cell] = {}
        for labels, cell in left.items():
            others = beside.get(_kept(labels, common))
            is_met = others is not None and any(each.is_met for each in others)
            if self.op == "unless":
                found[labels] = Cell(cell.value, cell.is_met and not is_met, cell.threshold)
            elif others is not None or not cell.is_met:
                found[labels] = Cell(cell.value, cell.is_met and is_met, cell.threshold)
        if self.op == "and":
            # Not met on one side is not met, whatever the other would say.
            for labels, cell in right.items():
                if not cell.is_met:
                    found.setdefault(labels, Cell(cell.value, False, cell.threshold))
        return found


def _is_met(cell: Cell | None) -> bool:
    return cell is not None and cell.is_met


def _names(cells: Iterable[Labels]) -> frozenset[str]:
    return frozenset(name for labels in cells for name, _ in labels)


def _kept(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] in names)


def _within(series: Recent, window_s: float) -> Recent:
    if series.age_s[0] <= window_s:
        return series
    # Ages fall but for what came in a moment late.
    first = int(np.argmax(series.age_s <= window_s)) if series.age_s[-1] <= window_s else None
    kept = slice(len(series.age_s) if first is None else first, None)
    if series.counts is None or series.lows is None or series.highs is None:
        return Recent(series.key, series.kind, series.age_s[kept], series.values[kept])
    return Recent(
        series.key,
        series.kind,
        series.age_s[kept],
        series.values[kept],
        series.counts[kept],
        series.lows[kept],
        series.highs[kept],
    )


# Functions: of the samples in the window, which may be none; None where there is nothing to say.


def _latest(series: Recent, window_s: float) -> float | None:
    del window_s
    return float(series.values[-1]) if len(series.values) else None


def _count(series: Recent, window_s: float) -> float:
    del window_s
    return float(len(series.values) if series.counts is None else series.counts.sum())


def _sum(series: Recent, window_s: float) -> float:
    del window_s
    if series.counts is None:
        return float(series.values.sum())
    return float((series.values * series.counts).sum())


def _avg(series: Recent, window_s: float) -> float | None:
    count = _count(series, window_s)
    return _sum(series, window_s) / count if count else None


def _min(series: Recent, window_s: float) -> float | None:
    del window_s
    lows = series.values if series.lows is None else series.lows
    return float(lows.min()) if len(lows) else None


def _max(series: Recent, window_s: float) -> float | None:
    del window_s
    highs = series.values if series.highs is None else series.highs
    return float(highs.max()) if len(highs) else None


def _increase(series: Recent, window_s: float) -> float | None:
    if series.kind == "counter":
        # What is kept of a counter is what it grew by.
        return _sum(series, window_s)
    return float(series.values[-1] - series.values[0]) if len(series.values) > 1 else None


def _rate(series: Recent, window_s: float) -> float | None:
    grown = _increase(series, window_s)
    if grown is None:
        return None
    if series.kind == "counter":
        return grown / window_s
    span_s = float(series.age_s[0] - series.age_s[-1])
    return grown / span_s if span_s > 0 else None


def _quantile(share: float) -> Callable[[Recent, float], float | None]:
    def compute(series: Recent, window_s: float) -> float | None:
        del window_s
        if not len(series.values):
            return None
        ordered = np.sort(series.values)
        # As numpy's quantile does by default, in a tenth of its time.
        place = share * (len(ordered) - 1)
        low = ordered[int(place)]
        high = ordered[min(int(place) + 1, len(ordered) - 1)]
        return float(low + (high - low) * (place - int(place)))

    return compute


_SLOPE_LEAST = 3


def _slope(series: Recent, window_s: float) -> float | None:
    """Change a second, by least squares."""
    del window_s
    if len(series.values) < _SLOPE_LEAST:
        return None
    time_s = series.age_s.mean() - series.age_s
    spread = float((time_s * time_s).sum())
    return (
        float((time_s * (series.values - series.values.mean())).sum()) / spread if spread else None
    )


def _age(series: Recent, window_s: float) -> float | None:
    del window_s
    return float(series.age_s[-1]) if len(series.age_s) else None


FUNCTIONS: dict[str, Callable[[Recent, float], float | None]] = {
    "latest": _latest,
    "avg": _avg,
    "min": _min,
    "max": _max,
    "count": _count,
    "sum": _sum,
    "rate": _rate,
    "increase": _increase,
    "p50": _quantile(0.5),
    "p95": _quantile(0.95),
    "p99": _quantile(0.99),
    "slope": _slope,
    "age": _age,
}
NEWEST = frozenset({"latest", "age"})
"""The functions for which the newest sample is enough."""
AGGREGATES: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "avg": lambda values: sum(values) / len(values),
    "count": len,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
