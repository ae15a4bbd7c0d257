"""A back-test over what a data directory holds: what is asked for, and what there is for it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.errors import BacktestError
from sectorwatch.forecast.backtest.alarms import Alarms, capacities
from sectorwatch.forecast.backtest.baselines import HourOfWeek, Persistence, WeeklyNaive
from sectorwatch.forecast.backtest.bins import Bins
from sectorwatch.forecast.backtest.learning import (
    HISTORY_ALONE,
    Boosted,
    PlansAlone,
    WithoutHistory,
)
from sectorwatch.forecast.backtest.rolling import MARK_S, Period, SectorSet, roll
from sectorwatch.forecast.backtest.smoothing import AutoEts
from sectorwatch.forecast.backtest.visibility import (
    as_on_network,
    filed_before,
    visible_shares,
)
from sectorwatch.forecast.backtest.walked import Walked
from sectorwatch.forecast.history import History
from sectorwatch.forecast.horizon import BIN_S, HORIZONS_S, LONGEST_S
from sectorwatch.forecast.local_time import LocalTime, zone_of
from sectorwatch.forecast.model.training import Recipe
from sectorwatch.forecast.plans import learn_plans

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.forecast.backtest.method import Method
    from sectorwatch.store import Store

    Progress = Callable[[str, float], None]

__all__ = ["METHODS", "Wanted", "run"]

METHODS = (
    "model",
    "history_boosting",
    "without_history",
    "plan",
    "auto_ets",
    "hour_of_week",
    "weekly_naive",
    "weekly_naive_utc",
    "persistence",
)
"""What can be asked for, as tables list them."""
_DAY_S, _WEEK_S = 86_400, 7 * 86_400
# Last week's bin before the first forecast, an hour more where the clock was changed, and a day.
_BEFORE_S = _WEEK_S + 3_600
_FEWEST_S = _BEFORE_S + _DAY_S
_LONGEST_TEST_S = 28 * _DAY_S
# What is read before the first forecast: 8 weeks for means of the hour, 8 to learn from.
_READ_BEFORE_S = 17 * _WEEK_S
# AutoETS: what it may take in all, and what a series takes on a 2 GHz core.
_ETS_BUDGET_S, _ETS_FIT_S = 300.0, 1.2
_MOST_FIT = 40


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a back-test; None where what there is decides.

    `sectors` are names of sectors, `PARTITION/NAME` or `PARTITION`, () for all. `visibility` is
    `as-flown`, `network`, or a number of minutes. `time_zone` is the
    division's, "UTC" where none was set: then it is that of the airspace's airports.
    """

    from_s: int | None = None
    to_s: int | None = None
    train_until_s: int | None = None
    every_s: int = 3_300
    retrain_s: int | None = _WEEK_S
    methods: tuple[str, ...] = METHODS
    sectors: tuple[str, ...] = ()
    visibility: str = "as-flown"
    time_zone: str = "UTC"
    home_sector: str = ""
    ets_budget_s: float = _ETS_BUDGET_S
    training_days: int = 56
    rows: int = 500_000


@dataclass(frozen=True, slots=True)
class _Sight:
    """What methods may be made of."""

    airspace: Airspace
    airports: Airports
    history: History
    bins: Bins
    local: LocalTime


def run(
    store: Store,
    airspace: Airspace,
    airports: Airports,
    wanted: Wanted,
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make the back-test; its figures as they go into JSON. `progress` hears what, and how far.

    Raises BacktestError where there is too little history, or a sector that nobody knows.
    """
    began_s = time.monotonic()
    sets = sector_sets(airspace, wanted.sectors)
    first_s, end_s, period = _period(store, wanted)
    history = History.load(
        store,
        airspace,
        airports,
        max(first_s, period.train_until_s - _READ_BEFORE_S),
        min(period.to_s + LONGEST_S + BIN_S, end_s),
        progress=None
        if progress is None
        else lambda part, words: progress(f"History: {words}", part),
    )
    history, visibility = _as_visible(history, wanted.visibility)
    zone = wanted.time_zone
    if zone == "UTC":
        zone = zone_of(airspace, airports, wanted.home_sector)
    local = LocalTime(zone)
    bins = bins_of(history)
    sight = _Sight(airspace, airports, history, bins, local)
    methods, remarks = _methods(wanted, sight, sets, period, progress)
    capacity, configured = capacities(airspace.sectors, bins, period.from_s)
    alarms = Alarms(capacity, period.every_s)
    answer = roll(bins, methods, sets, period, local, progress=progress, heard=alarms.hear)
    for each, found in zip(sets, answer["sets"], strict=True):
        found["capacity"] = _capacity_figures(capacity[each.sectors], configured[each.sectors])
        for method in found["methods"]:
            method["alerts"] = alarms.figures(method["method"], each.sectors, bins)
    answer["remarks"] = [*history.notes, *remarks, *answer["remarks"]]
    return {
        "from": format_s(period.from_s),
        "to": format_s(period.to_s),
        "train_until": format_s(period.train_until_s),
        "retrain_s": period.retrain_s,
        "every_s": period.every_s,
        "time_zone": zone,
        "visibility": visibility,
        "history_from": format_s(history.from_s),
        **answer,
        "seconds": round(time.monotonic() - began_s, 1),
    }


def _capacity_figures(
    capacity: NDArray[np.float64], configured: NDArray[np.bool_]
) -> dict[str, int]:
    """Of how many sectors a capacity is configured, learned of their load, or not known."""
    known = np.isfinite(capacity)
    return {
        "configured": int(configured.sum()),
        "learned": int((known & ~configured).sum()),
        "unknown": int((~known).sum()),
    }


def _as_visible(history: History, how: str) -> tuple[History, dict[str, Any]]:
    """The history with plans known as was asked for, and which shares of flights are visible."""
    said: dict[str, Any] = {"plans": how}
    if how == "network":
        history, leads = as_on_network(history)
        said |= {"early": leads.early, "early_s": leads.early_s, "late_s": leads.late_s}
    elif how != "as-flown":
        history = filed_before(history, 60 * int(how))
    shares = zip(HORIZONS_S, visible_shares(history), strict=True)
    return history, said | {
        f"visible_{horizon_s // 3_600}h": None if math.isnan(share) else round(share, 4)
        for horizon_s, share in shares
    }


def bins_of(history: History) -> Bins:
    """All bins that a history holds whole."""
    start_s = -(-history.from_s // MARK_S) * MARK_S
    starts_s = np.arange(start_s, history.to_s - BIN_S + 1, MARK_S)
    return Bins(start_s, history.bin_mean(starts_s), MARK_S)


def sector_sets(airspace: Airspace, names: tuple[str, ...]) -> list[SectorSet]:
    """The sectors asked for, by partition. Raises BacktestError for a name that nobody has."""
    wanted: set[int] = set()
    partitions = {each.name.casefold(): each for each in airspace.partitions}
    for name in names:
        found = [airspace.index_of(sector.sector_id) for sector in airspace.find(name)]
        wanted.update(number for number in found if number is not None)
        part = partitions.get(name.strip().casefold())
        if part is not None:
            wanted.update(range(part.first, part.first + part.count))
        elif not found:
            near = ", ".join(airspace.nearest_names(name)) or "none"
            raise BacktestError(
                f"no sector or partition is called {name!r}; nearest: {near}. Partitions: "
                f"{', '.join(each.name for each in airspace.partitions)}"
            )
    sets = []
    for part in airspace.partitions:
        numbers = [
            number
            for number in range(part.first, part.first + part.count)
            if not names or number in wanted
        ]
        if numbers:
            sets.append(SectorSet(part.name, part.kind, np.array(numbers, dtype=np.intp)))
    return sets


def _period(store: Store, wanted: Wanted) -> tuple[int, int, Period]:
    """From when until when anything is known, and the period of the test."""
    known = store.network.known(0, 0)
    if known.first_s is None or known.final_minute_s is None:
        raise BacktestError(
            "the data directory holds no history: run, replay or demo first; a back-test needs "
            f"{_FEWEST_S / _DAY_S:.1f} days"
        )
    first_s, end_s = known.first_s, known.final_minute_s + 60
    to_s = min(wanted.to_s or end_s, end_s) // MARK_S * MARK_S
    there_s = to_s - first_s
    if there_s < _FEWEST_S:
        raise BacktestError(
            f"there are {max(there_s, 0) / _DAY_S:.1f} days of history ({format_s(first_s)} to "
            f"{format_s(to_s)}), and a back-test needs {_FEWEST_S / _DAY_S:.1f}: a week before the "
            "first forecast, for last week's bins, and a day to score"
        )
    earliest_s = first_s + _BEFORE_S
    length_s = min(max(there_s // 4, _DAY_S), _LONGEST_TEST_S)
    from_s = wanted.from_s if wanted.from_s is not None else max(to_s - length_s, earliest_s)
    from_s = -(-from_s // MARK_S) * MARK_S
    if from_s < earliest_s or from_s >= to_s:
        raise BacktestError(
            f"the first forecast cannot be at {format_s(from_s)}: history goes from "
            f"{format_s(first_s)} to {format_s(end_s)}, and a week of it has to lie before; give "
            f"--from between {format_s(earliest_s)} and {format_s(to_s)}"
        )
    train_until_s = from_s if wanted.train_until_s is None else wanted.train_until_s
    if not first_s < train_until_s <= from_s:
        raise BacktestError(
            f"training cannot end at {format_s(train_until_s)}: it has to lie between "
            f"{format_s(first_s)} and the first forecast, {format_s(from_s)}"
        )
    period = Period(from_s, to_s, wanted.every_s, train_until_s, wanted.retrain_s)
    return first_s, end_s, period


def _methods(
    wanted: Wanted,
    sight: _Sight,
    sets: list[SectorSet],
    period: Period,
    progress: Progress | None,
) -> tuple[list[Method], list[str]]:
    """The methods asked for that can be had, and what is to be said about the others."""
    history, bins, local = sight.history, sight.bins, sight.local
    walked = Walked(
        history,
        sight.airspace,
        sight.airports,
        local,
        Recipe(rows=wanted.rows),
        learn=lambda until_s: learn_plans(
            history, sight.airspace, sight.airports, until_s, local=local
        ),
        training_s=wanted.training_days * _DAY_S,
        progress=progress,
    )
    found: dict[str, Method] = {
        "model": Boosted(walked, bins, "model", "Model"),
        "history_boosting": Boosted(
            walked, bins, "history_boosting", "Boosting, history alone", HISTORY_ALONE
        ),
        "without_history": WithoutHistory(walked),
        "plan": PlansAlone(walked),
        "hour_of_week": HourOfWeek(bins, local),
        "weekly_naive": WeeklyNaive(bins, local),
        "weekly_naive_utc": WeeklyNaive(bins, None),
        "persistence": Persistence(history.from_s, history.occupancy, history.known),
    }
    remarks: list[str] = []
    if "auto_ets" in wanted.methods:
        method, remark = _auto_ets(bins, sets, period, wanted.ets_budget_s)
        if method is not None:
            found["auto_ets"] = method
        if remark is not None:
            remarks.append(remark)
    return [found[name] for name in METHODS if name in wanted.methods and name in found], remarks


def _auto_ets(
    bins: Bins, sets: list[SectorSet], period: Period, budget_s: float
) -> tuple[AutoEts | None, str | None]:
    which = _few(sets)
    days = math.ceil((period.to_s - period.from_s) / _DAY_S)
    every = max(1, math.ceil(days * which.size * _ETS_FIT_S / budget_s))
    try:
        method = AutoEts(bins, which, every=every)
    except ImportError:
        return None, (
            "AutoETS was left out: it takes statsforecast, pip install 'sectorwatch[backtest]'."
        )
    if every == 1:
        return method, None
    return method, (
        f"AutoETS takes about {_ETS_FIT_S} s a sector and day: it was fitted, and is scored, on "
        f"one day of every {every}; its ratio is to last week's error on those days."
    )


def _few(sets: list[SectorSet]) -> NDArray[np.intp]:
    """Sectors that smoothing is fitted to: the FIRs, else the smallest set; 40 at most."""
    firs = [each for each in sets if each.kind == "fir"]
    chosen = firs or [min(sets, key=lambda each: each.sectors.size)]
    return np.concatenate([each.sectors for each in chosen])[:_MOST_FIT]
