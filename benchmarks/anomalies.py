"""Anomalies that are put into real demand, and found or not; and how many are told without cause.

The demand is that of us2001, four months, 351 sectors, counted from the schedule. The detector
learns until the middle of March and is tried until the end of April: once on the demand as it was
(whatever it tells then counts as a false alarm, though the days of late snow and thunderstorms are
among them), once with spikes and lulls put in, once with changed mixes.

**What is detectable at all** is reckoned without the detector. What was there differs from what was
usual, and scatters: over a stretch as long as the change, in sectors of its size, by so much. A test
that knows how long the change lasts, but not when it begins, looks at every such stretch; if it may
be wrong once a sector-month (both directions together), it must ask for the difference that
ordinary traffic passes as rarely as that. The smallest change that it finds nine times in ten is
the limit. What is put in is measured as it came out (a lull as the share of flights taken out, of what was usual), and counts
where it is above the limit; lulls only where an empty sector would be.

A lull takes real flights out of the schedule, a spike puts flights in that stay as long as those of
that sector do. There is no forecast in this: the hour of the week alone, and as the second opinion
that level scaled by what the sector and the network had an hour before.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from _schedule_demand import STEP_S, ScheduleDemand, schedule_demand

from sectorwatch.forecast.anomalies.calibration import CLASSES, EDGES, size_class
from sectorwatch.forecast.anomalies.load import LEAST_CHANGE, LEAST_FLIGHTS, LoadWatch
from sectorwatch.forecast.anomalies.usual import Usual, usual_at
from sectorwatch.forecast.local_time import LocalTime

Array = np.ndarray[Any, Any]
DAY = 86_400 // STEP_S
MONTH = 30 * 96
LEARNED_FROM, TRIED_FROM = 14 * DAY, 73 * DAY
LENGTHS = {"30 min": 6, "1 h": 12, "2 h": 24}
EVERY = 3 * DAY
LATE = 3
ENDS_AFTER = 3
KINDS = ("spike", "lull")
WORTH = 0.9


@dataclass(frozen=True)
class Change:
    """Something put in: by how much the mean changed, and how much would be detectable."""

    kind: int
    sector: int
    begin: int
    length: int
    size: float
    mean: float
    limit: float


def run() -> dict[str, Any]:
    """All of it, a few minutes."""
    demand = schedule_demand()
    local = LocalTime("America/Chicago")
    quiet = Trial(demand, demand.bins, local)
    quiet.look(LEARNED_FROM, TRIED_FROM)
    learned = {name: each.copy() for name, each in quiet.watch.to_arrays().items()}
    began = quiet.look(TRIED_FROM, demand.bins.shape[1])
    months = len(demand.airspace.sectors) * (demand.bins.shape[1] - TRIED_FROM) / DAY / 30
    false = [sum(each.kind == kind for each in began) / months for kind in range(2)]
    limits = detectable(demand, local)
    changed, changes = put_in(demand, local, limits)
    odd = Trial(demand, changed, local, learned)
    found = odd.look(TRIED_FROM - DAY // 2, changed.shape[1])
    return result(changes, found, false, quiet.looks_ms, odd.looks_ms, limits)


@dataclass(frozen=True)
class Began:
    """An anomaly that was told."""

    kind: int
    sector: int
    step: int


class Trial:
    """The detector's part that watches the load, over demand given by steps."""

    def __init__(
        self,
        demand: ScheduleDemand,
        bins: Array,
        local: LocalTime,
        learned: dict[str, Any] | None = None,
    ) -> None:
        # What is put in is there a hundred times as often as such things are: nothing is learned.
        self._learns = learned is None
        self._demand, self._bins, self._local = demand, bins, local
        self._sectors = bins.shape[0]
        self.watch = LoadWatch(self._sectors, learned)
        self._open = np.zeros((2, self._sectors), np.bool_)
        self._seen = np.full((2, self._sectors), -1_000_000)
        self._recent: dict[int, tuple[Array, Array]] = {}
        self._spent_s, self._looks = 0.0, 0

    @property
    def looks_ms(self) -> float:
        """What a look took, of CPU."""
        return 1e3 * self._spent_s / max(self._looks, 1)

    def bin_mean(self, start_s: Array) -> Array:
        """The past as it now is, with all that was put in."""
        step = (start_s - self._demand.start_s) // STEP_S
        there = (step >= 0) & (step < self._bins.shape[1])
        found = np.full((self._sectors, step.size), np.nan, np.float32)
        found[:, there] = self._bins[:, step[there]]
        return found

    def look(self, begin: int, end: int) -> list[Began]:
        """Look every 5 min from one step to another; what began."""
        told = []
        for step in range(begin, end):
            now_s = self._demand.start_s + step * STEP_S
            start_s = now_s - 3 * STEP_S
            began_s = time.process_time()
            usual = usual_at(self, self._local, start_s)
            observed = self._bins[:, step - 3].astype(np.float64)
            look = self.watch.look(
                now_s, observed, usual, self._said(step, usual, observed), learns=self._learns
            )
            self._spent_s += time.process_time() - began_s
            self._looks += 1
            new = look.begins & ~self._open
            told += [Began(int(kind), int(sector), step) for kind, sector in np.argwhere(new)]
            self._seen[look.begins | (self._open & look.goes_on)] = step
            self._open = (self._open | look.begins) & (step - self._seen < ENDS_AFTER)
        return told

    def _said(self, step: int, usual: Usual, observed: Array) -> Array:
        """The usual, scaled by the two hours that ended an hour before this quarter began."""
        self._recent[step] = (observed, usual.mean)
        self._recent.pop(step - 41, None)
        steps = [step - 15 - 3 * each for each in range(8)]
        if any(each not in self._recent for each in steps):
            return np.full(self._sectors, np.nan)
        was, should = (
            np.nan_to_num(np.mean([self._recent[each][which] for each in steps], axis=0))
            for which in (0, 1)
        )
        network = (was.sum() + 1) / (should.sum() + 1)
        return np.asarray(usual.mean * (was + 6 * network) / (should + 6))


def detectable(demand: ScheduleDemand, local: LocalTime) -> dict[str, Array]:
    """The smallest change by length and size class, upwards (row 0) and downwards (row 1)."""
    starts = np.arange(TRIED_FROM - 28 * DAY, TRIED_FROM, 3)
    usual = np.stack([_usual(demand, local, int(step)) for step in starts], axis=1)
    apart = demand.bins[:, starts] - usual
    limits = {}
    for name, steps in LENGTHS.items():
        bins = steps // 3
        means, classes = _running(apart, bins), size_class(_running(usual, bins))
        limits[name] = np.full((2, CLASSES), np.nan)
        for size in range(CLASSES):
            here = (classes == size) & ~np.isnan(means)
            if here.sum() < MONTH * 10:
                continue
            for row, sign in enumerate((1, -1)):
                edge = _once_a_month(np.where(here, sign * means, -np.inf), here.sum() / MONTH)
                limits[name][row, size] = edge + 1.2816 * means[here].std()
    return limits


def _once_a_month(scores: Array, months: float) -> float:
    """What is passed upwards once in two sector-months: both directions make one."""
    low, high = 0.0, float(scores.max())
    for _ in range(30):
        edge = (low + high) / 2
        above = scores > edge
        passed = int((above[:, 1:] & ~above[:, :-1]).sum() + above[:, 0].sum())
        low, high = (edge, high) if passed > 0.5 * months else (low, edge)
    return high


def _usual(demand: ScheduleDemand, local: LocalTime, step: int) -> Array:
    return usual_at(demand, local, demand.start_s + int(step) * STEP_S).mean


def _running(values: Array, width: int) -> Array:
    total = np.cumsum(values, axis=1)
    total = np.hstack([np.zeros((total.shape[0], 1)), total])
    return np.asarray((total[:, width:] - total[:, :-width]) / width)


def put_in(
    demand: ScheduleDemand, local: LocalTime, limits: dict[str, Array], seed: int = 1
) -> tuple[Array, list[Change]]:
    """The demand with spikes and lulls in it, one every three days in each sector."""
    chance = np.random.default_rng(seed)
    occupancy = demand.occupancy.astype(np.int32)
    order = np.lexsort((demand.visits[1], demand.visits[0]))
    visits = demand.visits[:, order]
    edges = np.searchsorted(visits[0], np.arange(occupancy.shape[0] + 1))
    changes = []
    for sector in range(occupancy.shape[0]):
        of_sector = visits[1:3, edges[sector] : edges[sector + 1]]
        if not of_sector.size:
            continue
        stays = of_sector[1] - of_sector[0]
        for block in range(TRIED_FROM, occupancy.shape[1] - EVERY, EVERY):
            name = list(LENGTHS)[chance.integers(len(LENGTHS))]
            length = LENGTHS[name]
            begin = block + int(chance.integers(DAY // 2, EVERY - DAY // 2))
            kind = int(chance.integers(2))
            mean = float(np.nanmean(_usual(demand, local, begin + length // 2)[sector]))
            limit = limits[name][kind, size_class(np.array([mean]))[0]]
            if np.isnan(mean) or np.isnan(limit):
                continue
            size = limit * chance.uniform(0.5, 2.5)
            before = occupancy[sector, begin : begin + length].mean()
            if kind == 0:
                _add(occupancy[sector], begin, length, size, stays, chance)
            else:
                _take(occupancy[sector], begin, length, size / max(before, 1e-9), of_sector, chance)
            after = occupancy[sector, begin : begin + length].mean()
            size = after - before
            if kind == 1:
                # Of what was usual: a sector that happens to be busy comes down to that unnoticed.
                size = mean * (before - after) / max(before, 1e-9)
            changes.append(Change(kind, sector, begin, length, float(size), mean, limit))
    total = np.hstack([np.zeros((occupancy.shape[0], 1)), np.cumsum(occupancy, axis=1)])
    bins = np.full(occupancy.shape, np.nan, np.float32)
    bins[:, :-2] = (total[:, 3:] - total[:, :-3]) / 3
    return bins, changes


def _add(
    row: Array, begin: int, length: int, size: float, stays: Array, chance: np.random.Generator
) -> None:
    missing = size * length
    while missing > 0:
        stay = int(stays[chance.integers(stays.size)])
        first = int(chance.integers(begin - stay + 1, begin + length))
        first, last = max(first, begin), min(first + stay, begin + length)
        row[first:last] += 1
        missing -= last - first


def _take(
    row: Array, begin: int, length: int, share: float, visits: Array, chance: np.random.Generator
) -> None:
    within = np.flatnonzero((visits[0] < begin + length) & (visits[1] > begin))
    for each in within[chance.random(within.size) < share]:
        row[visits[0, each] : visits[1, each]] -= 1


def result(
    changes: list[Change],
    found: list[Began],
    false: list[float],
    quiet_ms: float,
    odd_ms: float,
    limits: dict[str, Array],
) -> dict[str, Any]:
    """Recall above the limit, by kind, length and size."""
    told: dict[tuple[int, int], list[int]] = defaultdict(list)
    for each in found:
        told[each.kind, each.sector].append(each.step)

    def hit(change: Change) -> bool:
        end = change.begin + change.length + LATE
        return any(change.begin < at <= end for at in told[change.kind, change.sector])

    hits = {id(each): hit(each) for each in changes}

    def recall(chosen: list[Change]) -> str:
        share = sum(hits[id(each)] for each in chosen) / max(len(chosen), 1)
        return f"{share:.3f} of {len(chosen):,}"

    def is_above(change: Change) -> bool:
        if change.size < max(change.limit, LEAST_CHANGE):
            return False
        # A sector can become no emptier than empty: with a limit above its mean no lull shows.
        return (
            change.limit <= change.mean
            if change.kind
            else (change.mean + change.size >= LEAST_FLIGHTS)
        )

    figures: dict[str, str] = {
        "false alarms a sector-month": " + ".join(
            f"{each:.2f} {kind}s" for each, kind in zip(false, KINDS, strict=True)
        ),
    }
    for kind, what in enumerate(KINDS):
        above = [each for each in changes if is_above(each) and each.kind == kind]
        figures[f"recall of {what}s above the limit"] = recall(above)
        for name, length in LENGTHS.items():
            figures[f"{what}s, {name}"] = recall([e for e in above if e.length == length])
        for low, high in ((1.0, 1.25), (1.25, 1.5), (1.5, 2.0), (2.0, 9.0)):
            part = [each for each in above if low <= each.size / each.limit < high]
            figures[f"{what}s {low:g} to {high:g} times the limit"] = recall(part)
    names = ["below 0.5", *(f"from {edge:g}" for edge in EDGES)]
    for name, limit in limits.items():
        figures[f"limit, {name}"] = "; ".join(
            f"{size} up {limit[0, at]:.1f} down {limit[1, at]:.1f}"
            for at, size in enumerate(names)
            if not np.isnan(limit[0, at])
        )
    figures["a look at 351 sectors"] = f"{quiet_ms:.2f} ms ({odd_ms:.2f} ms with changes)"
    # Spikes are many: lulls that are missed must not hide behind them.
    least = min(
        sum(hits[id(each)] for each in above) / max(len(above), 1)
        for above in ([e for e in changes if is_above(e) and e.kind == kind] for kind in range(2))
    )
    return {
        "target": "anomalies",
        "what": "spikes and lulls put into the demand of us2001, 351 sectors, 47 days: recall where "
        "they are detectable at all, of the kind that is found less",
        "against": "a test that knows how long each lasts, looking at every stretch, at one false "
        "alarm a sector-month",
        "reach": "recall ≥ 0.9 at ≤ 1 false alarm a sector-month",
        "figures": figures,
        "ratio": round(least, 3),
        "met": least >= WORTH and sum(false) <= 1.0,
    }


if __name__ == "__main__":
    import json

    print(json.dumps(run(), indent=1, ensure_ascii=False))
