"""Is the gauge of slowdowns quiet for seven days, quick when something is slow, and cheap.

Twelve operations over seven simulated days, once every 15 s as a tick is: between 2 and 24 ms, half of
them three times as long by day as by night, neighbours alike, heavy tails; the machine is busy for up
to a minute twenty times a day (everything 1.3 to 3 times as long); an hour is sealed every hour and a
day every night; on the fifth evening twice the usual traffic comes within half an hour. None of it is a
slowdown. Then a 5 ms operation becomes 60 ms. And what one look at 500 operations costs.

A spell of more than a minute and 1.3 times counts as called: an alert waits as long.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from observe.made import ManualClock
from sectorwatch.observe import MetricsCollector
from sectorwatch.observe.tuning import PerformanceOptimizer

STEP_S = 15.0
DAY_S = 86_400.0
OPERATIONS = 12
SEEDS = (1, 2)
TOLD_AFTER_S = 60.0
TOLD_FROM = 1.3


class World:
    """Operations of a program that is well."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.clock = ManualClock()
        self.metrics = MetricsCollector(clock=self.clock)
        self.optimizer = PerformanceOptimizer(self.metrics, clock=self.clock)
        self.begun_s = self.clock.wall_s
        self.memory = np.zeros(OPERATIONS)
        self.usual = 0.002 * (1 + np.arange(OPERATIONS))
        self.grows = np.arange(OPERATIONS) % 2 == 1
        self.busy_until_s, self.busy = 0.0, 1.0
        self.ids = np.array([self._series(f"operation{n}") for n in range(OPERATIONS)])

    def _series(self, name: str) -> int:
        tags = {"operation": name, "service": "bench"}
        return self.metrics.series_id("operation_response_time", tags, "seconds", "timing")

    def step(self) -> None:
        """15 s in which each ran once."""
        self.clock.advance(STEP_S)
        elapsed_s = self.clock.wall_s - self.begun_s
        day = 0.5 - 0.5 * np.cos(2 * np.pi * (elapsed_s + 3 * 3_600) / DAY_S)
        load = 0.2 + 0.8 * day**1.5
        event = (elapsed_s - 4.7 * DAY_S) / 1_800
        load *= 1 + float(np.clip(event, 0, 1)) * (event < 8)
        if self.random.random() < 20 / (DAY_S / STEP_S):
            self.busy_until_s = elapsed_s + self.random.uniform(5, 60)
            self.busy = self.random.uniform(1.3, 3)
        factor = self.busy if elapsed_s < self.busy_until_s else 1.0
        factor *= 1.5 if elapsed_s % 3_600 < 10 else 1.0
        factor *= 2.5 if elapsed_s % DAY_S < 75 and elapsed_s > DAY_S else 1.0
        factor *= 5.0 if elapsed_s < 200 else 1.0
        self.memory = 0.8 * self.memory + self.random.normal(0, 0.06, OPERATIONS)
        took = self.usual * np.where(self.grows, 0.5 + load * 1.5, 1.0) * factor
        took *= np.exp(self.memory + 0.07 * self.random.standard_t(3, OPERATIONS))
        now = np.full(OPERATIONS, self.clock.wall_s)
        self.metrics.keep_arrays(self.ids, now, np.minimum(took, 60.0))
        self.optimizer.look()


def quiet(days: float, seed: int) -> dict[str, Any]:
    """How often and how long it called something slow, and how soon it finds what is."""
    world = World(seed)
    spells: list[tuple[str, float, float]] = []
    since: dict[str, float] = {}
    highest: dict[str, float] = {}
    while world.clock.wall_s - world.begun_s < days * DAY_S:
        world.step()
        slow = {one.operation: one.ratio for one in world.optimizer.slowdowns.slow}
        for name, ratio in slow.items():
            since.setdefault(name, world.clock.wall_s)
            highest[name] = max(highest.get(name, 0.0), ratio)
        spells += [
            (name, world.clock.wall_s - since.pop(name), highest.pop(name))
            for name in set(since) - set(slow)
        ]
    told = [spell for spell in spells if spell[1] > TOLD_AFTER_S and spell[2] >= TOLD_FROM]
    world.usual[2] = 0.060
    injected_s = world.clock.wall_s
    while not world.optimizer.slowdown("operation2", "bench"):
        world.step()
    return {
        "spells": len(spells),
        "told": len(told),
        "found_after_s": world.clock.wall_s - injected_s,
    }


def cost(operations: int) -> float:
    """Milliseconds a look takes, over an hour of looks every 15 s, all operations running."""
    clock = ManualClock()
    metrics = MetricsCollector(clock=clock)
    optimizer = PerformanceOptimizer(metrics, clock=clock)
    random = np.random.default_rng(1)
    ids = np.array(
        [
            metrics.series_id(
                "operation_response_time",
                {"operation": f"o{n}", "service": "bench"},
                "seconds",
                "timing",
            )
            for n in range(operations)
        ]
    )
    spent_s = 0.0
    looks = int(3_600 / STEP_S)
    for _ in range(looks):
        clock.advance(STEP_S)
        now = np.full(operations, clock.wall_s)
        metrics.keep_arrays(ids, now, 0.01 * np.exp(0.1 * random.standard_t(3, operations)))
        begun_s = time.thread_time()
        optimizer.look()
        spent_s += time.thread_time() - begun_s
    return 1_000 * spent_s / looks


def run() -> dict[str, Any]:
    """Two weeks of twelve operations, each with another seed."""
    weeks = [quiet(7, seed) for seed in SEEDS]
    told = sum(week["told"] for week in weeks)
    found_s = [week["found_after_s"] for week in weeks]
    return {
        "target": "-",
        "what": "slowdowns called in two simulated quiet weeks of twelve operations; how soon 5 ms that became 60 is found; a look at 500 operations",
        "against": "the gauge over 1.3 for more than a minute",
        "reach": "none; within 2 minutes; 1 % of a core",
        "figures": {
            "operation-days": f"{7 * OPERATIONS * len(SEEDS)}",
            "over a minute and 1.3 times": f"{told}",
            "shorter or less": f"{sum(week['spells'] for week in weeks) - told}",
            "found after": " / ".join(f"{each:.0f} s" for each in found_s),
            "a look at 100": f"{cost(100):.1f} ms of every 15 s",
            "at 500": f"{(most := cost(500)):.1f} ms",
        },
        "ratio": None,
        "met": told == 0 and max(found_s) <= 120 and most <= 150,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
