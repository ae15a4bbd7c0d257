"""What every operation took in the past: minutes of 3 hours, tens of a day, hours of eight days.

Taken once a minute from the raw samples of the last hour, so that nothing has to be read back from
the disk to know whether an operation is slower than it was; tens and hours survive a restart.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.observe.enums import PerformanceMetric
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.tuning.blocks import (
    RECENT_LEAST,
    Block,
    Blocks,
    block_of,
    joined,
    possible,
    quantile,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.series import Series

    Floats = NDArray[np.float64]

__all__ = ["Limits", "OperationPast", "OperationPasts"]

MINUTE_S, TEN_S, HOUR_S, DAY_S = 60, 600, 3_600, 86_400
_KEPT = {MINUTE_S: 180, TEN_S: 156, HOUR_S: 8 * 24}
# A minute is taken once nobody records into it any more.
_GRACE_S = 3.0
# A ten is closed this much later: what slowed down at its end is known by then, and left out.
_CLOSE_AFTER_S = 300.0
_BEFORE_SLOW_S = 180.0
# From so many on, a fiftieth at the top is left out: one bad morning must not blind for a week.
_TRIM_FROM = 72
_TRIM = 50
_MOST_OPERATIONS = 600
_MOST_SLOW_SPANS = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """What an operation has not gone beyond so far, from how many samples and minutes.

    `median_s` is the highest median of ten minutes or an hour, `upper_s` the highest of what three
    in four stayed below, `peak_s` the highest of short windows.
    """

    median_s: float = 0.0
    upper_s: float = 0.0
    peak_s: float = 0.0
    samples: float = 0.0
    minutes: float = 0.0

    def beside(self, other: Limits) -> Limits:
        """What was not gone beyond in either."""
        return Limits(
            max(self.median_s, other.median_s),
            max(self.upper_s, other.upper_s),
            max(self.peak_s, other.peak_s),
            self.samples + other.samples,
            self.minutes + other.minutes,
        )


@dataclass(slots=True)
class OperationPast:
    """One operation's past."""

    operation: str
    service: str
    minutes: Blocks = field(default_factory=lambda: Blocks(MINUTE_S, _KEPT[MINUTE_S]))
    tens: Blocks = field(default_factory=lambda: Blocks(TEN_S, _KEPT[TEN_S]))
    hours: Blocks = field(default_factory=lambda: Blocks(HOUR_S, _KEPT[HOUR_S]))
    limits: Limits = field(default_factory=Limits)
    minutes_until_s: float = 0.0
    tens_until_s: float = 0.0
    slow_spans: list[tuple[float, float]] = field(default_factory=list)
    """When it was called slow: this is no part of what it may be compared with."""

    def mark_slow(self, from_s: float, until_s: float) -> None:
        """Remember that it was slow from then until then; spans that touch become one."""
        from_s -= _BEFORE_SLOW_S
        if self.slow_spans and from_s <= self.slow_spans[-1][1]:
            self.slow_spans[-1] = (self.slow_spans[-1][0], until_s)
        else:
            self.slow_spans.append((from_s, until_s))
            del self.slow_spans[:-_MOST_SLOW_SPANS]

    def well(self, times_s: Floats) -> NDArray[np.bool_]:
        """Which of these moments lie outside of the times at which it was slow."""
        good = np.ones(len(times_s), np.bool_)
        for from_s, until_s in self.slow_spans:
            good &= (times_s < from_s) | (times_s > until_s)
        return good

    def reckon(self, now_s: float) -> None:
        """Work `limits` out anew."""
        hours = self.hours.since(now_s - 8 * DAY_S)
        tens = self.tens.since(now_s - DAY_S)
        parts = [_limits_of(rows, minutes) for rows, minutes in ((tens, 10), (hours, 60))]
        # The last day stands in both: its samples count once.
        old = hours[hours[:, 0] < now_s - DAY_S]
        both = parts[0].beside(parts[1])
        self.limits = Limits(
            both.median_s,
            both.upper_s,
            both.peak_s,
            parts[0].samples + float(old[:, 1].sum()),
            parts[0].minutes + 60 * len(old),
        )


class OperationPasts:
    """The pasts of all operations; a `Part` of the store.

    What was measured within `warm_up_s` of the start is no past: imports, first connections and
    cold caches are in it.
    """

    tables = """
        CREATE TABLE IF NOT EXISTS tuning_block (
            operation TEXT NOT NULL, service TEXT NOT NULL, step_s INTEGER NOT NULL,
            start_s REAL NOT NULL, calls REAL NOT NULL, total_s REAL NOT NULL,
            median_s REAL NOT NULL, upper_s REAL NOT NULL, peak_s REAL NOT NULL,
            PRIMARY KEY (operation, service, step_s, start_s)) WITHOUT ROWID;
    """

    def __init__(self, metrics: MetricsCollector, *, warm_up_s: float = 300.0) -> None:
        self._metrics = metrics
        self._lock = threading.Lock()
        self._pasts: dict[tuple[str, str], OperationPast] = {}
        self._unsaved: list[tuple[object, ...]] = []
        self.warm_until_s = metrics.now_s() + warm_up_s

    def of(self, operation: str, service: str) -> OperationPast | None:
        """The past of one operation; None where nothing is known of it yet."""
        return self._pasts.get((operation, service))

    def all(self) -> list[OperationPast]:
        """The pasts of all operations."""
        with self._lock:
            return list(self._pasts.values())

    def series(self) -> list[tuple[Series, OperationPast]]:
        """Every series of response times, with its operation's past."""
        found = []
        for series in self._metrics.series.named(metric_name(PerformanceMetric.RESPONSE_TIME)):
            past = self._past(series)
            if past is not None:
                found.append((series, past))
        return found

    def take(self, now_s: float) -> None:
        """Take what is over: minutes, tens, hours; what is folded already is looked at alone."""
        until_s = (now_s - _GRACE_S) // MINUTE_S * MINUTE_S
        for series, past in self.series():
            if past.minutes_until_s > until_s + HOUR_S:
                # The clock was set back: what lies ahead would keep out all that comes.
                past.minutes_until_s = past.tens_until_s = until_s
                for blocks in (past.minutes, past.tens, past.hours):
                    blocks.forget_from(now_s)
            if past.minutes_until_s < until_s:
                self._take_minutes(series, past, until_s)
            tens_until_s = (now_s - _CLOSE_AFTER_S) // TEN_S * TEN_S
            if past.tens_until_s < tens_until_s:
                self._take_tens(series, past, tens_until_s)
                past.reckon(now_s)

    def unclosed(self, series: Series, past: OperationPast, until_s: float) -> Limits:
        """The limits of what no ten holds yet, until then: of the first minutes after a start."""
        from_s = max(past.tens_until_s, self.warm_until_s)
        times_s, values = series.ring.since(from_s)
        good = (times_s < until_s) & past.well(times_s)
        block = block_of(from_s, times_s[good], values[good])
        if block is None:
            return Limits()
        minutes = float(np.ptp(times_s[good])) / MINUTE_S
        return Limits(block.median_s, block.upper_s, block.peak_s, block.calls, minutes)

    # What follows is the store's: `Part`.

    def load(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Take up the tens and hours of earlier runs."""
        with self._lock:
            # A second load means a new file: what is in memory has to be written again.
            self._unsaved = [
                (past.operation, past.service, blocks.step_s, *row)
                for past in self._pasts.values()
                for blocks in (past.tens, past.hours)
                for row in blocks.since(0).tolist()
            ]
            for operation, service, step_s, *row in connection.execute(
                "SELECT operation, service, step_s, start_s, calls, total_s, median_s, upper_s,"
                " peak_s FROM tuning_block WHERE start_s BETWEEN ? AND ? ORDER BY start_s",
                (now_s - 8 * DAY_S, now_s),
            ):
                past = self._known((operation, service))
                if past is not None and np.isfinite(row).all():
                    (past.tens if step_s == TEN_S else past.hours).add(Block(*row))
            for past in self._pasts.values():
                past.tens_until_s = max(past.tens_until_s, past.tens.end_s)
                past.reckon(now_s)

    def save(self, connection: sqlite3.Connection, now_s: float) -> Callable[[], None] | None:
        """Write the blocks that are new."""
        del now_s
        with self._lock:
            # What is no text for a database would keep it from writing anything else.
            self._unsaved = [row for row in self._unsaved if _is_text(row[0]) and _is_text(row[1])]
            rows = list(self._unsaved)
        connection.executemany(
            "INSERT OR REPLACE INTO tuning_block VALUES (?,?,?,?,?,?,?,?,?)", rows
        )

        def committed() -> None:
            with self._lock:
                del self._unsaved[: len(rows)]

        return committed

    def prune(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Delete tens of before yesterday and hours of more than eight days ago."""
        for step_s in (TEN_S, HOUR_S):
            connection.execute(
                "DELETE FROM tuning_block WHERE step_s = ? AND start_s < ?",
                (step_s, now_s - step_s * _KEPT[step_s]),
            )

    def _past(self, series: Series) -> OperationPast | None:
        tags = series.tags
        if not tags.keys() >= {"operation", "service"}:
            return None
        key = (tags["operation"], tags["service"])
        past = self._pasts.get(key)
        if past is None:
            with self._lock:
                past = self._known(key)
        return past

    def _known(self, key: tuple[str, str]) -> OperationPast | None:
        if key not in self._pasts:
            if len(self._pasts) >= _MOST_OPERATIONS:
                return None
            self._pasts[key] = OperationPast(*key)
        return self._pasts[key]

    def _take_minutes(self, series: Series, past: OperationPast, until_s: float) -> None:
        if series.latest_s >= past.minutes_until_s:
            times_s, values = series.ring.since(past.minutes_until_s)
            values = values[times_s < until_s]
            minutes = times_s[times_s < until_s] // MINUTE_S
            for minute in np.unique(minutes).tolist():
                own = np.sort(possible(values[minutes == minute]))
                median, upper = quantile(own, 0.5), quantile(own, 0.75)
                past.minutes.add(
                    Block(minute * MINUTE_S, len(own), float(own.sum()), median, upper, median)
                )
        past.minutes_until_s = until_s

    def _take_tens(self, series: Series, past: OperationPast, until_s: float) -> None:
        from_s = max(past.tens_until_s, until_s - HOUR_S)
        for start_s in np.arange(from_s // TEN_S * TEN_S, until_s, TEN_S).tolist():
            block = self._ten(series, past, start_s)
            if block is not None:
                self._keep(past, past.tens, block)
            end_s = start_s + TEN_S
            if end_s % HOUR_S == 0:
                whole = joined(end_s - HOUR_S, past.tens.since(end_s - HOUR_S, end_s))
                if whole is not None:
                    self._keep(past, past.hours, whole)
        past.tens_until_s = until_s

    def _ten(self, series: Series, past: OperationPast, start_s: float) -> Block | None:
        minutes = past.minutes.since(max(start_s, self.warm_until_s), start_s + TEN_S)
        minutes = minutes[past.well(minutes[:, 0])]
        if len(minutes) and np.median(minutes[:, 1]) >= 2 * RECENT_LEAST:
            # A minute holds a short window and more: its median is one.
            return joined(start_s, minutes)
        times_s, values = series.ring.since(max(start_s, self.warm_until_s))
        good = (times_s < start_s + TEN_S) & past.well(times_s)
        return block_of(start_s, times_s[good], values[good])

    def _keep(self, past: OperationPast, blocks: Blocks, block: Block) -> None:
        if block.start_s < blocks.end_s:
            return
        blocks.add(block)
        with self._lock:
            self._unsaved.append((past.operation, past.service, blocks.step_s, *block))


def _limits_of(rows: Floats, minutes: int) -> Limits:
    if not len(rows):
        return Limits()
    left_out = len(rows) // _TRIM if len(rows) >= _TRIM_FROM else 0
    highest = np.sort(rows[:, 3:], axis=0)[-1 - left_out]
    return Limits(
        float(highest[0]),
        float(highest[1]),
        float(highest[2]),
        float(rows[:, 1].sum()),
        float(minutes * len(rows)),
    )


def _is_text(name: object) -> bool:
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return False
    return True
