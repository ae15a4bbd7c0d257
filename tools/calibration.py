"""The simulator against the real feeds: both measured alike, and how far they are apart.

A world is made and flown with the behaviour as shipped; a feed is taken every 115 minutes over
a week, so at all hours, and they are measured by `feed_profile`, as the real ones are.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
from distributions import ks_distance
from feed_profile import CLASSES, QUANTITIES, measure, snapshots_of

from sectorwatch.airspace.airports import Airports, read_vatspy_airports
from sectorwatch.feed import ArchiveSource
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.simulator import Behaviour, MadeTimetable, Network, performance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from feed_profile import Profile

__all__ = ["BOUND", "distances", "fingerprint", "noise_floor", "real_profile", "simulated_profile"]

BOUND = 0.10
"""No distribution of the simulator's may be further from the real one."""

_START_S = 1_793_491_200  # Sunday 1 November 2026, 00:00 UTC
_DAY_S = 86_400
_EVERY_S = 6_917  # no whole minutes: people file multiples of five
_DAYS = 7
_PEAK_AIRBORNE = 1_900


class _Samples:
    """A network's data feeds at given times, as a source."""

    name, is_live, is_simulated = "samples of a simulated network", False, True

    def __init__(self, network: Network, times_s: range) -> None:
        self._network = network
        self._times_s = times_s

    def __iter__(self) -> Iterator[RawFeed]:
        for time_s in self._times_s:
            yield RawFeed(Kind.FEED, self._network.feed(time_s), time_s * 1_000_000)

    def now_us(self) -> int:
        return self._times_s.stop * 1_000_000

    def close(self) -> None:
        """Nothing is open."""


def real_profile(data: Path) -> Profile:
    """What the real feeds in `data` look like; about 3 s."""
    return measure(snapshots_of(ArchiveSource([data / "feed"])), _airports(data))


def simulated_profile(data: Path, *, seed: int, behaviour: Behaviour | None = None) -> Profile:
    """What a made world looks like in the feed, flown with `behaviour`, the shipped one by default.

    It is measured with the airports that the real feeds are measured with.
    """
    timetable = MadeTimetable("world", seed=seed, peak_airborne=_PEAK_AIRBORNE)
    network = Network(timetable, behaviour=behaviour, seed=seed, start_s=_START_S)
    times_s = range(_START_S, _START_S + _DAYS * _DAY_S, _EVERY_S)
    return measure(snapshots_of(_Samples(network, times_s)), _airports(data))


def fingerprint() -> str:
    """What tells the numbers that the simulator flies by from any others: habits and aircraft."""
    numbers = (astuple(Behaviour()), performance.CLASSES, performance.SHARES.tolist())
    return hashlib.blake2b(repr(numbers).encode(), digest_size=8).hexdigest()


def distances(real: Profile, simulated: Profile) -> dict[tuple[str, int], float]:
    """The Kolmogorov-Smirnov distance of each (quantity, class)."""
    return {
        (quantity, number): ks_distance(
            real.sample(quantity, number), simulated.sample(quantity, number)
        )
        for quantity in QUANTITIES
        for number in range(len(CLASSES))
    }


def noise_floor(real: Profile, *, rounds: int = 40) -> dict[tuple[str, int], float]:
    """How far two halves of the real days are from each other, the median of `rounds` draws.

    Halves hold half the evidence each, so that the whole is known about twice as well.
    """
    rng = np.random.default_rng(20_261_101)
    days, ahead = real.time_s // _DAY_S, real.prefile_time_s // _DAY_S
    every = np.unique(days)
    found: list[list[float]] = []
    for _ in range(rounds):
        half = rng.permutation(every)[: len(every) // 2]
        one, other = np.isin(days, half), np.isin(ahead, half)
        apart = distances(real.part(one, other), real.part(~one, ~other))
        found.append(list(apart.values()))
    return dict(zip(apart, np.median(found, axis=0).tolist(), strict=True))


def _airports(data: Path) -> Airports:
    return Airports.load(read_vatspy_airports(data / "airspace" / "vatspy"))
