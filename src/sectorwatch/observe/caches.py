"""Caches: how often what was asked for was there. Each counts for itself; here they are read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import PerformanceMetric

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.performance import PerformanceCollector

__all__ = ["CacheLog", "NullCaches"]

_MOST_CACHES = 100


class _Cache:
    """One cache, and what it had counted when it was last read."""

    def __init__(self, service: str, read: Callable[[], tuple[int, int]]) -> None:
        self.service = service
        self.read = read
        self.seen = (0, 0)


class CacheLog:
    """Reads what caches have counted, every few seconds; asking them for something costs nothing.

    Of each: `cache_requests_total{cache,outcome}`, and where it was asked since the last time the
    measurement `cache_hit_rate` of the operation that has the cache's name.
    """

    def __init__(self, metrics: MetricsCollector, performance: PerformanceCollector) -> None:
        self._metrics = metrics
        self._performance = performance
        self._caches: dict[str, _Cache] = {}
        self._reading = threading.Lock()
        self.drops = Drops()
        metrics.before_gather.append(self.collect)
        metrics.drop_sources["caches"] = self.drops

    def watch(self, cache: str, service: str, read: Callable[[], tuple[int, int]]) -> None:
        """Read a cache from now on; `read` gives its hits and misses since it was made.

        One of the same name takes the other's place.
        """
        with self._reading:
            if len(self._caches) >= _MOST_CACHES and cache not in self._caches:
                self.drops.count("cache_limit")
                return
            self._caches[cache] = _Cache(service, read)

    def collect(self) -> None:
        """Read them all."""
        with self._reading:
            for name, cache in self._caches.items():
                try:
                    hits, misses = cache.read()
                except Exception:  # noqa: BLE001 - what is read is another's
                    self.drops.count("read_failed")
                    continue
                # A cache that was emptied counts from nothing.
                before = cache.seen if hits >= cache.seen[0] and misses >= cache.seen[1] else (0, 0)
                cache.seen = (hits, misses)
                new_hits, new_misses = hits - before[0], misses - before[1]
                if not new_hits + new_misses:
                    continue
                for outcome, count in (("hit", new_hits), ("miss", new_misses)):
                    tags = {"cache": name, "outcome": outcome}
                    self._metrics.counter("cache_requests_total", tags).inc(count)
                self._performance.record_metric(
                    name,
                    cache.service,
                    PerformanceMetric.CACHE_HIT_RATE,
                    new_hits / (new_hits + new_misses),
                )


class NullCaches(CacheLog):
    """Reads none."""

    def __init__(self) -> None:
        self.drops = Drops()

    def watch(self, cache: str, service: str, read: Callable[[], tuple[int, int]]) -> None:
        """Take no notice."""

    def collect(self) -> None:
        """Do nothing."""
