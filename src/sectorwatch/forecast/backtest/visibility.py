"""When plans are known: a flown history with the same flights, their plans filed at other times.

A simulator's pilots file when it makes them file, the network's when they like, and how far ahead
they do decides how far ahead a forecast can see. So a history that was flown can be looked at as if
plans had been known otherwise: as prefiles, from another moment on until the flight comes online,
and of those that were online earlier than that, nothing until then. What is in the air is seen.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.history_rows import PrefileRows
from sectorwatch.forecast.horizon import HORIZONS_S
from sectorwatch.forecast.now import filed_moment_s
from sectorwatch.forecast.situation import UNKNOWN
from sectorwatch.forecast.texts import Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.history import History

__all__ = [
    "NETWORK_SHARES",
    "Leads",
    "as_on_network",
    "filed_before",
    "fit_leads",
    "visible_shares",
]

NETWORK_SHARES = (0.71, 0.40, 0.18)
"""Of those airborne in 1, 2 and 4 h, the shares whose plans VATSIM's feeds show now."""
_SAME_S = 900
_LONGER_THAN_TIME_S = 2**36
_CHANCES = np.arange(0.0, 0.81, 0.02)
_LONG_S = 3_600.0 * np.array([1, 1.5, 2, 3, 4, 6, 8, 12])
_SHORT_S = 60.0 * np.array([1, 2, 4, 6, 8, 12, 16, 20, 25, 30, 40, 50, 60])
# Longer ahead nobody can tell which day a filed time is of.
_LONGEST_S = 10 * 3_600
_MIX = 0x9E3779B97F4A7C15
_MOST_FITTED = 200_000
_POSITIVE = np.uint64(2**63 - 1)


@dataclass(frozen=True, slots=True)
class Leads:
    """How long before take-off a flight becomes known: two kinds of people, each exponential.

    A share `early` of all with the mean `early_s`, the others with `late_s`. `shares` are the
    visible shares that come of it.
    """

    early: float
    early_s: float
    late_s: float
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Flown:
    """Flights that took off, (n,): their row, when first known, off and on."""

    row: NDArray[np.int64]
    known_s: NDArray[np.int64]
    off_s: NDArray[np.int64]
    on_s: NDArray[np.int64]


def visible_shares(history: History, horizons_s: tuple[int, ...] = HORIZONS_S) -> tuple[float, ...]:
    """Of the time that flights are airborne, the share in which they were known so long before.

    That is the same as: of those airborne in so long, how many are known now, over all moments. A
    flight is known since it came online, or since the prefile that it then took up was there.
    """
    flown = _flown(history)
    return _shares(flown, flown.known_s, horizons_s)


def filed_before(history: History, lead_s: int) -> History:
    """Every plan known from `lead_s` before its filed off-block time, as a prefile.

    Prefiles that nobody took up stay. Who comes online earlier is known from then on all the
    same; a flight that filed no time is known since it came online.
    """
    flown = _flown(history)
    plan = _first_plan(history, flown.row)
    minute = np.where(plan >= 0, history.plans.off_minute[plan], UNKNOWN)
    online_s = history.flights.first_seen_s[flown.row]
    filed_s = filed_moment_s(minute, online_s)
    known_s = np.where(filed_s == UNKNOWN, online_s, np.minimum(filed_s - lead_s, online_s))
    return _known_from(history, flown.row, plan, known_s)


def as_on_network(
    history: History, *, shares: tuple[float, ...] = NETWORK_SHARES, seed: int = 1
) -> tuple[History, Leads]:
    """Flights known so long before take-off that about these shares are visible; and how long.

    Who is early, and how much, is drawn by `seed` and the flight alone. Prefiles that nobody took
    up stay.
    """
    flown = _flown(history)
    leads = fit_leads(history, shares=shares, seed=seed)
    chances = _chances(history.flights.flight_id[flown.row], seed)
    known_s = flown.off_s - _leads_s(chances, leads.early, leads.early_s, leads.late_s)
    plan = _first_plan(history, flown.row)
    return _known_from(history, flown.row, plan, known_s), leads


def fit_leads(
    history: History, *, shares: tuple[float, ...] = NETWORK_SHARES, seed: int = 1
) -> Leads:
    """The leads by which the visible shares come nearest to `shares`: least squares, on a grid."""
    flown = _flown(history)
    row = np.arange(flown.row.size)
    if row.size > _MOST_FITTED:
        row = np.random.default_rng(seed).choice(row, _MOST_FITTED, replace=False)
    some = _Flown(flown.row[row], flown.known_s[row], flown.off_s[row], flown.on_s[row])
    chances = _chances(history.flights.flight_id[some.row], seed)
    best, least = Leads(0.0, 0.0, 0.0, (0.0,) * len(shares)), np.inf
    # Where everybody is of one kind, shares are known; of two kinds, they are mixed.
    alike = {
        mean_s: np.array(
            _shares(some, some.off_s - _leads_s(chances, 0.0, 0.0, mean_s), HORIZONS_S)
        )
        for mean_s in (*_SHORT_S.tolist(), *_LONG_S.tolist())
    }
    for early in _CHANCES.tolist():
        for early_s in _LONG_S.tolist():
            for late_s in _SHORT_S.tolist():
                found = early * alike[early_s] + (1 - early) * alike[late_s]
                apart = float(((found - shares) ** 2).sum())
                if apart < least:
                    best, least = Leads(early, early_s, late_s, tuple(found.tolist())), apart
    known_s = some.off_s - _leads_s(chances, best.early, best.early_s, best.late_s)
    return replace(best, shares=_shares(some, known_s, HORIZONS_S))


def _flown(history: History) -> _Flown:
    flights = history.flights
    row = np.flatnonzero(
        (flights.departed_s != UNKNOWN)
        & ((flights.arrived_s != UNKNOWN) | (flights.ended_s != UNKNOWN))
    )
    off_s = flights.departed_s[row]
    on_s = np.where(flights.arrived_s[row] > off_s, flights.arrived_s[row], flights.ended_s[row])
    return _Flown(row, _first_known_s(history)[row], off_s, np.maximum(on_s, off_s))


def _first_known_s(history: History) -> NDArray[np.int64]:
    """When each flight was first known: online, or by the prefile that it then took up."""
    known_s = history.flights.first_seen_s.copy()
    prefile, flight = _taken_up(history)
    taken = flight != UNKNOWN
    np.minimum.at(known_s, flight[taken], history.prefiles.first_seen_s[prefile][taken])
    return known_s


def _taken_up(history: History) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every prefile, and which flight took it up: its member's, first seen when it was gone."""
    flights, prefiles = history.flights, history.prefiles
    every = np.arange(len(prefiles))
    if not len(flights) or not every.size:
        return every, np.full(every.size, UNKNOWN, np.int64)
    members = np.unique(flights.cid)
    keys = _key(members, flights.cid, flights.first_seen_s)
    order = np.argsort(keys, kind="stable")
    gone_s = prefiles.gone_s
    at = np.searchsorted(keys[order], _key(members, prefiles.cid, gone_s - _SAME_S))
    flight = order[np.minimum(at, order.size - 1)]
    same = (gone_s != UNKNOWN) & (flights.cid[flight] == prefiles.cid)
    same &= np.abs(flights.first_seen_s[flight] - gone_s) <= _SAME_S
    return every, np.where(same, flight, UNKNOWN)


def _key(
    members: NDArray[np.int64], cid: NDArray[np.int64], time_s: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A number that sorts by member, then time."""
    number = np.searchsorted(members, cid).astype(np.int64)
    return np.asarray(number * _LONGER_THAN_TIME_S + time_s)


def _first_plan(history: History, row: NDArray[np.int64]) -> NDArray[np.int64]:
    """The plan that each flight filed first, UNKNOWN where it filed none."""
    starts = history.revisions.starts
    some = starts[row] < starts[row + 1]
    if not history.revisions.plan.size:
        return np.full(row.shape, UNKNOWN, np.int64)
    first = np.where(some, starts[row], 0)
    return np.where(some, history.revisions.plan[first].astype(np.int64), UNKNOWN)


def _leads_s(
    chances: tuple[NDArray[np.float64], NDArray[np.float64]],
    early: float,
    early_s: float,
    late_s: float,
) -> NDArray[np.int64]:
    mean_s = np.where(chances[0] < early, early_s, late_s)
    lead_s = np.minimum(-np.log1p(-chances[1]) * mean_s, _LONGEST_S)
    return np.asarray(lead_s.astype(np.int64))


def _chances(
    flight_id: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two numbers in 0..1 for each flight, of it and the seed alone (after splitmix64)."""
    found = []
    for turn in (1, 2):
        mixed = flight_id.astype(np.uint64) + np.uint64(_MIX * (2 * seed + turn) % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
        found.append((mixed >> np.uint64(11)).astype(np.float64) / 2**53)
    return found[0], found[1]


def _shares(
    flown: _Flown, known_s: NDArray[np.int64], horizons_s: tuple[int, ...]
) -> tuple[float, ...]:
    total = float((flown.on_s - flown.off_s).sum())
    if not total:
        return tuple(float("nan") for _ in horizons_s)
    return tuple(
        float(
            np.maximum(flown.on_s - np.maximum(flown.off_s, known_s + horizon_s), 0).sum() / total
        )
        for horizon_s in horizons_s
    )


def _known_from(
    history: History, row: NDArray[np.int64], plan: NDArray[np.int64], known_s: NDArray[np.int64]
) -> History:
    """The history with these flights known from `known_s` on, before they take off.

    With a prefile until they come online; or, where they were online by then, hidden until then.
    The prefiles that they took up are left out; the rest is shared.
    """
    flights, before = history.flights, history.prefiles
    online_s = flights.first_seen_s[row]
    hidden_until_s = np.full(len(flights), np.iinfo(np.int64).min)
    hidden_until_s[row] = np.where(known_s > online_s, known_s, hidden_until_s[row])
    new = np.flatnonzero((plan >= 0) & (known_s < online_s))
    old = np.flatnonzero(_taken_up(history)[1] == UNKNOWN)
    seen_s = np.concatenate([before.first_seen_s[old], known_s[new]])
    order = np.argsort(seen_s, kind="stable")
    texts = [*before.callsign.take(old), *flights.callsign.take(row[new])]
    numbers = flights.flight_id[row[new]].astype(np.uint64) * np.uint64(_MIX)
    changed = copy.copy(history)
    changed.prefiles = PrefileRows(
        prefile_id=np.concatenate([before.prefile_id[old], (numbers & _POSITIVE).astype(np.int64)])[
            order
        ],
        cid=np.concatenate([before.cid[old], flights.cid[row[new]]])[order],
        callsign=Texts.of(texts[number] for number in order.tolist()),
        first_seen_s=seen_s[order],
        received_s=np.concatenate([before.received_s[old], known_s[new]])[order],
        gone_s=np.concatenate([before.gone_s[old], online_s[new]])[order],
        plan=np.concatenate([before.plan[old], plan[new]])[order],
    )
    first_seen_s = np.maximum(flights.first_seen_s, hidden_until_s)
    changed.flights = replace(flights, first_seen_s=first_seen_s)
    changed.hidden_until_s = hidden_until_s
    return changed
