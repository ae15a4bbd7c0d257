"""Good times to open a position: where and when traffic is expected that nobody online covers.

For each position that is the first in the list of a sector without an owner, the start within the
next 2 h is looked for from which a controller would cover most in the 2 h that follow. Positions
are ranked by that: aircraft-minutes that would go without, else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.breach import ADJACENT_CORRELATION
from sectorwatch.forecast.horizon import BIN_S, HORIZONS_S, LEADS
from sectorwatch.forecast.words import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace.model import PositionRule, Sector
    from sectorwatch.forecast.capacity import Capacity
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.staffing import Presence

__all__ = ["STAY_S", "GoodTime", "GoodTimeRule", "Openings", "good_times", "start_times"]

STAY_S = 7_200
"""What a controller is taken to stay for: 2 h."""
_BINS = STAY_S // BIN_S
_STARTS = LEADS.size - _BINS
_MINUTES = BIN_S // 60
_FEW_WEEKS = 3
_MOST_NAMED = 5
_WORTH_NAMING = 0.5
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class GoodTimeRule:
    """What makes a time good, and how many are told.

    At least `least_aircraft` at once on the mean of the 2 h. The earliest start is taken that
    covers `close` of what the best one does: nobody should wait for little more.
    """

    least_aircraft: float = 2.0
    close: float = 0.95
    most: int = 10


@dataclass(frozen=True, slots=True)
class GoodTime:
    """A position, when to open it, and what it would cover from `start_s` until `end_s`.

    `aircraft` is the mean at once, with its 80 % interval; `covered_min` the aircraft-minutes of it
    that nobody online covers, up to the sector's capacity. `here` on `of` past weeks somebody was
    there at this hour. `confidence` is the share of forecasts like this that were near the truth,
    None while none are scored.
    """

    position: str
    partition: str
    sectors: tuple[str, ...]
    also: tuple[str, ...]
    start_s: int
    end_s: int
    aircraft: float
    low: float
    high: float
    busiest_s: int
    covered_min: float
    capacity: float | None
    is_too_much: bool
    here: int | None
    of: int | None
    confidence: float | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class _Opening:
    """A position and the sectors, by index, that it is the first for, and those behind them."""

    position: str
    partition: str
    first: tuple[int, ...]
    later: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found of a position: which sectors, from which bin on, how much; `limit` or NaN."""

    opening: _Opening
    rows: list[int]
    at: int
    covered_min: float
    limit: float


class Openings:
    """Which positions could be opened for which sectors; the same as long as the airspace is."""

    def __init__(self, sectors: Sequence[Sector]) -> None:
        self.sectors = sectors
        first: dict[tuple[str, str], list[int]] = {}
        later: dict[tuple[str, str], list[int]] = {}
        for number, sector in enumerate(sectors):
            names = dict.fromkeys(_callsign(rule) for rule in sector.positions)
            for rank, name in enumerate(names):
                (later if rank else first).setdefault((sector.partition, name), []).append(number)
        self.each = [
            _Opening(name, partition, tuple(numbers), tuple(later.get((partition, name), ())))
            for (partition, name), numbers in first.items()
        ]


def start_times(as_of_s: int) -> list[int]:
    """When somebody could begin: every 15 min of the next 2 h."""
    return [as_of_s + int(lead) for lead in LEADS[:_STARTS]]


def good_times(
    issued: Issued,
    openings: Openings,
    staffed: NDArray[np.bool_],
    *,
    among: NDArray[np.bool_] | None = None,
    capacity: Capacity | None = None,
    presence: Presence | None = None,
    confidence: Callable[[int, int], float | None] | None = None,
    correlation: float = ADJACENT_CORRELATION,
    rule: GoodTimeRule | None = None,
) -> list[GoodTime]:
    """Good times to open positions, those that would cover most first; one a position.

    `staffed` says which sectors have an owner, shape (s,): these are taken to stay so, and the
    others to stay without. `among` are the sectors that are asked for, where not all are.
    `presence` is that of `start_times`, `confidence` asks by sector and lead. All are in the
    airspace's order of sectors.
    """
    rule = rule or GoodTimeRule()
    limits = np.full(staffed.size, np.nan) if capacity is None else capacity.value
    found: dict[str, _Found] = {}
    for opening in openings.each:
        rows = [row for row in opening.first if not staffed[row]]
        if not rows or (among is not None and not among[rows].any()):
            continue
        mean = issued.mean[rows].sum(axis=0, dtype=np.float64)
        limit = float(limits[rows[0]]) if len(rows) == 1 else math.nan
        upto = np.cumsum(mean if math.isnan(limit) else np.minimum(mean, limit))
        windows = upto[_BINS - 1 :] - np.concatenate([[0.0], upto[:-_BINS]])
        windows = windows[:_STARTS]
        best = float(windows.max())
        if best < rule.least_aircraft * _BINS - _ROUNDING:
            continue
        at = int(np.flatnonzero(windows >= rule.close * best)[0])
        value = float(windows[at]) * _MINUTES
        # The same position may lead lists in several partitions: where it covers most.
        if opening.position not in found or found[opening.position].covered_min < value:
            found[opening.position] = _Found(opening, rows, at, value, limit)
    most = sorted(found.values(), key=lambda each: (-each.covered_min, each.opening.position))
    return [
        _told(each, issued, openings, staffed, presence, confidence, correlation)
        for each in most[: rule.most]
    ]


def _told(
    found: _Found,
    issued: Issued,
    openings: Openings,
    staffed: NDArray[np.bool_],
    presence: Presence | None,
    confidence: Callable[[int, int], float | None] | None,
    correlation: float,
) -> GoodTime:
    rows, at = found.rows, found.at
    ahead = slice(at, at + _BINS)
    mean = issued.mean[rows, ahead].sum(axis=0, dtype=np.float64)
    low, high = _interval(issued, rows, ahead, correlation)
    start_s = issued.as_of_s + int(issued.leads_s[at])
    is_limited = not math.isnan(found.limit)
    weeks = None if presence is None else int(presence.of[at]) or None
    over = mean > (found.limit if is_limited else math.inf)
    good = GoodTime(
        position=found.opening.position,
        partition=found.opening.partition,
        sectors=tuple(openings.sectors[row].name for row in rows),
        also=_also(issued, openings, found.opening, staffed, ahead),
        start_s=start_s,
        end_s=start_s + STAY_S,
        aircraft=float(mean.mean()),
        low=low,
        high=high,
        busiest_s=start_s + int(np.argmax(mean)) * BIN_S,
        covered_min=found.covered_min,
        capacity=found.limit if is_limited else None,
        is_too_much=bool((over[1:] & over[:-1]).any()),
        here=int(presence.here[rows, at].max()) if presence is not None and weeks else None,
        of=weeks,
        confidence=_confidence(confidence, issued.sector_id[rows], int(issued.leads_s[at])),
    )
    return _said(good, issued.as_of_s)


def _callsign(rule: PositionRule) -> str:
    return f"{rule.prefix}_{rule.suffixes[0]}" if rule.suffixes else rule.prefix


def _interval(
    issued: Issued, rows: list[int], ahead: slice, correlation: float
) -> tuple[float, float]:
    """The 80 % interval of the mean over some bins of some sectors together.

    Bins k apart are wrong together by `correlation` to the power of k; sectors wholly, which makes
    it rather too wide than too narrow.
    """
    mean = issued.mean[rows, ahead].astype(np.float64)
    quantiles = issued.quantiles[rows, ahead].astype(np.float64)
    apart = np.abs(np.subtract.outer(np.arange(mean.shape[1]), np.arange(mean.shape[1])))
    together = correlation**apart
    below, above = (
        np.maximum(0.0, half).sum(axis=0)
        for half in (mean - quantiles[..., 0], quantiles[..., -1] - mean)
    )
    middle = mean.sum(axis=0).mean()
    spread = [np.sqrt(half @ together @ half) / half.size for half in (below, above)]
    return max(0.0, float(middle - spread[0])), float(middle + spread[1])


def _also(
    issued: Issued,
    openings: Openings,
    opening: _Opening,
    staffed: NDArray[np.bool_],
    ahead: slice,
) -> tuple[str, ...]:
    """Other sectors without an owner that this position would have too, the busiest first."""
    load = {row: float(issued.mean[row, ahead].mean()) for row in opening.later if not staffed[row]}
    named = sorted((row for row in load if load[row] >= _WORTH_NAMING), key=lambda row: -load[row])
    return tuple(openings.sectors[row].name for row in named[:_MOST_NAMED])


def _confidence(
    ask: Callable[[int, int], float | None] | None, sectors: NDArray[np.int64], lead_s: int
) -> float | None:
    """The confidence in the middle of the stay: that of the nearest horizon which is scored."""
    if ask is None:
        return None
    middle_s = lead_s + STAY_S // 2
    near_s = min(HORIZONS_S, key=lambda each: abs(each - middle_s))
    found = [ask(int(each), near_s) for each in sectors]
    said = [each for each in found if each is not None]
    return min(said) if said and len(said) == len(found) else None


def _said(good: GoodTime, as_of_s: int) -> GoodTime:
    when = clock(good.start_s)
    if good.start_s == as_of_s:
        when = f"now ({when})"
    about = f"{good.aircraft:.0f} aircraft at once are expected ({good.low:.0f} to {good.high:.0f})"
    words = [
        f"A good time to open {good.position} is {when}: until {clock(good.end_s)} about {about},",
        f"most around {clock(good.busiest_s)}, and nobody online has {_names(good.sectors)}.",
        f"That would cover about {round(good.covered_min, -1):,.0f} aircraft-minutes.",
    ]
    if good.is_too_much and good.capacity is not None:
        words.append(
            f"For a while it may be more than the {good.capacity:.0f} that one takes there; what "
            "is above is not counted."
        )
    if good.here is not None and good.of is not None and good.of >= _FEW_WEEKS:
        words.append(
            f"Nobody was here at this hour in any of the last {good.of} weeks known."
            if not good.here
            else f"At this hour somebody was here in {good.here} of the last {good.of} weeks known."
        )
    if good.also:
        words.append(f"Unless others open them it would have {_names(good.also)} too.")
    return replace(good, words=" ".join(words))


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
