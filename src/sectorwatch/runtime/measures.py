"""What is measured of the program as a whole: what it is, since when it runs, its breakers."""

from __future__ import annotations

import platform
from functools import partial
from typing import TYPE_CHECKING

import sectorwatch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sectorwatch.clock import Clock
    from sectorwatch.feed.breaker import CircuitBreaker
    from sectorwatch.observe import MetricsCollector

__all__ = ["measure_breakers", "measure_program"]

_OPEN = {"closed": 0.0, "half_open": 0.5, "open": 1.0}


def measure_program(metrics: MetricsCollector, clock: Clock) -> None:
    """Say which version runs, and since when, which is now."""
    tags = {"version": sectorwatch.__version__, "python": platform.python_version()}
    metrics.gauge("build_info", tags).set(1)
    started_s = clock.monotonic_s()
    metrics.gauge("start_time", unit="seconds").set(clock.now_us() / 1e6)
    metrics.gauge_callback("uptime", lambda: clock.monotonic_s() - started_s, unit="seconds")


def measure_breakers(metrics: MetricsCollector, breakers: Iterable[CircuitBreaker]) -> None:
    """Have the state of each breaker sampled, and how often it opened."""
    for breaker in breakers:
        tags = {"breaker": breaker.name}
        metrics.gauge_callback("circuit_breaker_open", partial(_is_open, breaker), tags)
        metrics.counter_callback("circuit_breaker_openings_total", partial(_opened, breaker), tags)


def _is_open(breaker: CircuitBreaker) -> float:
    return _OPEN[breaker.state.state]


def _opened(breaker: CircuitBreaker) -> float:
    return breaker.state.opened_times
