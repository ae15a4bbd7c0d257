"""Metrics: what is counted and measured, its last hour raw, the rest summed up.

Recording appends one small tuple to one list and does nothing else: names, tags, rings, sketches
and minutes are dealt with in batches (`fold`), a few thousand samples at a time, in arrays.
"""

from __future__ import annotations

import threading
from itertools import chain
from typing import TYPE_CHECKING, Any

from sectorwatch.observe import questions
from sectorwatch.observe.clock import Clock, SystemClock, wall_of
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.folding import Folder, Sample
from sectorwatch.observe.history import MetricHistory
from sectorwatch.observe.instruments import Counter, Gauge, Timing
from sectorwatch.observe.recent import Recent, RecentRows, recent
from sectorwatch.observe.series import MetricLimits, SeriesTable
from sectorwatch.observe.store import ObserveStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from sectorwatch.observe.exposition import ExposedSeries
    from sectorwatch.observe.questions import MetricOverview
    from sectorwatch.observe.results import Metric
    from sectorwatch.observe.series import Kind
    from sectorwatch.observe.summaries import Summaries

__all__ = ["MetricsCollector"]


class MetricsCollector:
    """Takes metrics from any thread, keeps their history within bounds, and answers about it.

    Nothing that records ever raises or waits; what cannot be kept is counted in `dropped`, by
    reason. `store` keeps the history; without one it is kept in memory until the program ends.
    `namespace` stands before every name in `/metrics`, where other programs have metrics too.
    """

    namespace = ""

    def __init__(
        self,
        *,
        namespace: str = "",
        clock: Clock | None = None,
        store: ObserveStore | None = None,
        limits: MetricLimits | None = None,
    ) -> None:
        self.namespace = namespace
        self._clock = clock or SystemClock()
        self.now_s = wall_of(self._clock)
        """The wall clock, in seconds since 1970."""
        self.monotonic_s = self._clock.monotonic_s
        self.recent_rows = RecentRows()
        self._limits = limits or MetricLimits()
        self._drops = Drops()
        self.series = SeriesTable(self._limits, self._drops)
        self._store = store or ObserveStore(clock=self._clock)
        self.history = MetricHistory(
            self._store, self.series, self._drops, recent_rows=self._limits.recent_rows
        )
        self.history.before_save = self._gather
        self._fold_at = self._limits.fold_at
        self.folder = Folder(
            self.series, self.history, self._drops, most_waiting=self._limits.waiting
        )
        # The folder's own list: recording appends to it without asking anybody.
        self._waiting = self.folder.waiting
        self._ids: dict[Any, int] = {}
        self.series.on_rest = self._ids.clear
        self._instruments: dict[int, Counter | Gauge | Timing] = {}
        self._callbacks: dict[int, Callable[[], float | None]] = {}
        self._totals: dict[int, tuple[Counter, Callable[[], float], float]] = {}
        self._help: dict[str, str] = {}
        self._lock = threading.Lock()
        self.drop_sources = {"metrics": self._drops, "store": self._store.drops}
        """What was dropped where, for `/metrics`."""
        self.before_drain: list[Callable[[], None]] = []
        self.before_gather: list[Callable[[], None]] = []
        """Who holds samples back is called before they are asked for, and before all is sampled."""

    # Recording.

    def record_metric(
        self, name: str, value: float, tags: Mapping[str, str] | None = None, unit: str = ""
    ) -> None:
        """Keep one value; never raises, never waits; what is no use is dropped and counted."""
        try:
            try:
                series_id = self._ids[(name, *tags, *tags.values()) if tags else name]
            except KeyError:
                series_id = self._learn(name, tags, unit)
                if not series_id:
                    return
            if value.__class__ is not float:
                value = float(value)
            if value - value != 0.0:
                self._drops.count("bad_value")
                return
            waiting = self._waiting
            waiting.append((series_id, self.now_s(), value))
            if len(waiting) >= self._fold_at:
                self._fold_some()
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self._drops.count("bad_value")

    def counter(self, name: str, tags: Mapping[str, str] | None = None, unit: str = "") -> Counter:
        """The counter of this name and these tags, always the same one."""
        made = self._instrument(
            name, tags, unit, "counter", lambda series_id: Counter(series_id, self._drops)
        )
        return made if isinstance(made, Counter) else Counter(0, self._drops)

    def gauge(self, name: str, tags: Mapping[str, str] | None = None, unit: str = "") -> Gauge:
        """The gauge of this name and these tags, always the same one."""
        made = self._instrument(
            name, tags, unit, "gauge", lambda series_id: Gauge(series_id, self._drops, self._keep)
        )
        return made if isinstance(made, Gauge) else Gauge(0, self._drops, self._refuse)

    def timing(
        self, name: str, tags: Mapping[str, str] | None = None, unit: str = "seconds"
    ) -> Timing:
        """The timing of this name and these tags, always the same one."""
        made = self._instrument(
            name, tags, unit, "timing", lambda series_id: Timing(series_id, self._drops, self._keep)
        )
        return made if isinstance(made, Timing) else Timing(0, self._drops, self._refuse)

    def gauge_callback(
        self,
        name: str,
        read: Callable[[], float | None],
        tags: Mapping[str, str] | None = None,
        unit: str = "",
    ) -> None:
        """A gauge that is read by calling `read` whenever samples are collected.

        `read` has to be quick and safe to call from another thread; if it raises that is counted.
        None is no sample: there is nothing to say now.
        """
        gauge = self.gauge(name, tags, unit)
        if gauge.series_id:
            with self._lock:
                self._callbacks[gauge.series_id] = read

    def counter_callback(
        self,
        name: str,
        read: Callable[[], float],
        tags: Mapping[str, str] | None = None,
        unit: str = "",
    ) -> None:
        """A counter of what is counted elsewhere: `read` gives its total, as for a gauge.

        One that begins anew at a lower total goes on from there.
        """
        counter = self.counter(name, tags, unit)
        if counter.series_id:
            with self._lock:
                self._totals[counter.series_id] = counter, read, 0.0

    def describe(self, name: str, help_text: str) -> None:
        """Say what a metric means, for `/metrics` and the documentation."""
        self._help[name] = help_text

    def series_id(
        self, name: str, tags: Mapping[str, str], unit: str = "", kind: Kind = "sample"
    ) -> int:
        """The id under which samples of a series are kept by `keep_...`; 0 where it may not be."""
        try:
            series = self.series.find(name, tags, unit, kind, pin=True)
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self._drops.count("bad_tags")
            return 0
        return 0 if series is None else series.id

    def keep_arrays(
        self,
        ids: NDArray[np.int64],
        time_s: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> None:
        """Keep many samples at once, in the order of their time; id 0 is no series."""
        kept = ids > 0
        self.folder.keep_arrays(ids[kept], time_s[kept], values[kept])

    def keep_rows(self, rows: Summaries) -> None:
        """Keep minutes that are summed up already: they have no raw samples."""
        rows = rows.select(rows.series > 0)
        self.recent_rows.add(self.monotonic_s(), rows)
        self.history.add([rows])

    def keep_batch(self, samples: list[Sample]) -> None:
        """Keep many samples (series id, seconds, finite value) at once."""
        self._waiting.extend(samples)
        if len(self._waiting) >= self._fold_at:
            self._fold_some()

    # Housekeeping.

    def collect(self) -> None:
        """Sample all counters and callbacks, and fold what waits; every few seconds, any thread."""
        self._gather()
        self._store.write_if_due()

    def fold(self) -> None:
        """Move all samples that wait into rings and summaries."""
        self._drain()
        self._store.write_if_due()

    def _gather(self) -> None:
        for hand_over in self.before_gather:
            try:
                hand_over()
            except Exception:  # noqa: BLE001 - whatever another's figures do, ours go on
                self._drops.count("callback_failed")
        self._count_elsewhere()
        now_s = self.now_s()
        with self._lock:
            counters = [one for one in self._instruments.values() if isinstance(one, Counter)]
            callbacks = list(self._callbacks.items())
        self._waiting.extend([(one.series_id, now_s, one.take()) for one in counters])
        for series_id, read in callbacks:
            try:
                given = read()
                if given is None:
                    continue
                value = float(given)
            except Exception:  # noqa: BLE001 - the callback is another's code
                self._drops.count("callback_failed")
                continue
            if value - value == 0.0:
                self._waiting.append((series_id, now_s, value))
            else:
                self._drops.count("bad_value")
        self._drain()

    def drops_total(self) -> float:
        """How much was dropped in all, by whoever is among `drop_sources`."""
        return sum(sum(drops.counts().values()) for drops in self.drop_sources.values())

    def _count_elsewhere(self) -> None:
        """Have counters whose totals are kept elsewhere catch up with them."""
        with self._lock:
            totals = list(self._totals.items())
        for series_id, (counter, read, before) in totals:
            try:
                total = float(read())
            except Exception:  # noqa: BLE001 - as for a gauge's
                self._drops.count("callback_failed")
                continue
            if total - total != 0.0:
                self._drops.count("bad_value")
                continue
            with self._lock:
                # Asked by two threads at once, one of them counts what is new.
                if self._totals.get(series_id) != (counter, read, before):
                    continue
                self._totals[series_id] = counter, read, total
            counter.inc(total - before if total >= before else total)

    def _drain(self) -> None:
        for hand_over in self.before_drain:
            hand_over()
        self.folder.drain()

    def fill(self) -> float:
        """How full the line of samples is that wait to be folded, 0 to 1."""
        return len(self._waiting) / self._limits.waiting

    @property
    def dropped(self) -> dict[str, int]:
        """How many samples were not kept, by reason."""
        return self._drops.counts()

    @property
    def metrics_count(self) -> int:
        """How many distinct metric names there are."""
        return len(self.series.names())

    def names(self) -> list[str]:
        """Every metric name there is, sorted."""
        return self.series.names()

    def overview(self) -> list[MetricOverview]:
        """Each name once, sorted: its kind, its unit, how many series it has and its last sample.

        What is at rest, because nothing was recorded of it for long, is left out.
        """
        self.collect()
        return questions.overview(self)

    def helps(self) -> dict[str, str]:
        """What `describe` said of which metric."""
        return dict(self._help)

    def exposed(self) -> list[ExposedSeries]:
        """Every series as it stands, with the quantiles of the last ten minutes, for `/metrics`."""
        self.collect()
        with self._lock:
            counters = {
                id_: one.total for id_, one in self._instruments.items() if isinstance(one, Counter)
            }
        return questions.exposed(self, counters)

    # Questions.

    def get_metrics(
        self, name: str, hours: float = 24, tags: Mapping[str, str] | None = None
    ) -> list[Metric]:
        """Every value of a metric in the last hours, oldest first, of all tag sets.

        Raw where that is kept (the last hour), then a value a minute, then one in ten minutes.
        `tags` leaves only series that have these. No data gives [].
        """
        self.fold()
        return questions.values(self, name, hours, tags)

    def get_metric_summary(
        self, name: str, hours: float = 24, tags: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """What the values of a metric in the last hours come to, all tag sets together.

        Keys: count, avg, min, max, median, latest, p95, p99, sum. Exact while all values are still
        kept raw, else quantiles within 1 %. No data gives {"count": 0}.
        """
        self.fold()
        return questions.summary(self, name, hours, tags)

    def get_history(
        self, name: str, hours: float, step_s: int, tags: Mapping[str, str] | None = None
    ) -> list[Metric]:
        """One value for each series and `step_s` seconds (at least 60) of the last hours."""
        self.fold()
        return questions.steps(self, name, hours, step_s, tags)

    def recent(self, windows_s: Mapping[str, float]) -> dict[str, list[Recent]]:
        """The last seconds of every series in use of these names, by name: what rules look at.

        Each name's window is in seconds, an hour at most (where runs come summed up, a quarter of
        one); at least the last five minutes are given, but of a window of 0 the newest sample
        alone, which costs least. Takes nothing from the disk.
        """
        return recent(self, windows_s)

    # Inside.

    def _keep(self, series_id: int, value: float) -> None:
        waiting = self._waiting
        waiting.append((series_id, self.now_s(), value))
        if len(waiting) >= self._fold_at:
            self._fold_some()

    def _fold_some(self) -> None:
        if self.folder.make_room():
            self._store.write_if_due()

    def _refuse(self, series_id: int, value: float) -> None:
        del series_id, value
        self._drops.count("no_series")

    def _learn(self, name: str, tags: Mapping[str, str] | None, unit: str) -> int:
        """The id of a series not met in this form before; 0 where it may not be made."""
        series = self.series.find(name, tags, unit, "sample")
        if series is None:
            return 0
        if len(self._ids) >= 4 * self._limits.series:
            self._ids.clear()
        # Only plain text is remembered: 1, 1.0 and True are one key, and not one tag.
        if not tags:
            self._ids[name] = series.id
        elif all(type(text) is str for text in chain(tags, tags.values())):
            self._ids[(name, *tags, *tags.values())] = series.id
        return series.id

    def _instrument(
        self,
        name: str,
        tags: Mapping[str, str] | None,
        unit: str,
        kind: Kind,
        make: Callable[[int], Counter | Gauge | Timing],
    ) -> Counter | Gauge | Timing | None:
        try:
            series = self.series.find(name, tags, unit, kind, pin=True)
            if series is None:
                return None
            with self._lock:
                return self._instruments.setdefault(series.id, make(series.id))
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self._drops.count("bad_tags")
            return None
