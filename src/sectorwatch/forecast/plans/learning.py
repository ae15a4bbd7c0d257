"""Learn from the past how plans are carried out: what became of who was known at many moments.

At each of some hundred moments spread over the last weeks the situation is what was known then, and
the flights' rows say what happened after: when each took off, if ever, when it came into which
sector, when it landed or vanished. All is counted, and held to the priors where counts are few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.plans.carried import leaving_of
from sectorwatch.forecast.plans.counter import PlanCounter
from sectorwatch.forecast.plans.delays import DELAY_WEIGHTS, delay_features
from sectorwatch.forecast.plans.departures import GROUND, PREFILED, cells_of
from sectorwatch.forecast.plans.errors_of_time import TimeErrors
from sectorwatch.forecast.plans.hazards import OFF_STEPS, STEP_S
from sectorwatch.forecast.plans.learned import LearnedPlans
from sectorwatch.forecast.plans.outcomes import Outcomes
from sectorwatch.forecast.plans.profile import LANDING
from sectorwatch.forecast.plans.usual_learning import UsualLearning
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.history import History
    from sectorwatch.forecast.plans.departures import Cells
    from sectorwatch.forecast.plans.navigation import Navigation
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.traffic.contract import KnownPlaces, Space

__all__ = ["learn_plans", "moments_between"]

_DAY_S = 86_400
_WEEKS_S = 28 * _DAY_S
_MOMENTS = 280
_TIMED_EVERY = 4
"""Of so many moments one is looked at for when flights came where."""
_HORIZON_S = OFF_STEPS * STEP_S
_HOUR_S = 3_600.0
_USUAL_FROM_MIN = -60.0
_MOST_LATE_MIN = 180.0
_ENOUGH = 500
_RIDGE = 10.0
_MOST_PAIRS = 20_000
_PAIR_COUNT = 4.0
_QUIT_HOURS = 20.0
_ROBUST_PACE = (0.6, 1.8)
# So many as were counted is the weight of what the next coarser table, or the prior, says.
_COARSE_COUNT, _FINE_COUNT = 200.0, 40.0


@dataclass(frozen=True, slots=True)
class _Waited:
    """Flights that waited at some moment: their features, and when they took off.

    `step` is the step of the take-off, `OFF_STEPS` for never; `rest` are the cells but for delay.
    """

    cell: NDArray[np.intp]
    features: NDArray[np.float32]
    late_min: NDArray[np.float32]
    step: NDArray[np.int16]
    off_late_min: NDArray[np.float32]


def moments_between(from_s: int, until_s: int, count: int = _MOMENTS) -> list[int]:
    """Moments to learn from, ascending, at all times of day: in the last four weeks of a period.

    What became of those known at the last of them is known by `until_s`.
    """
    start_s = max(from_s, until_s - _WEEKS_S)
    length_s = until_s - _HORIZON_S - start_s
    # No more than one in 20 min: they would tell the same again.
    count = min(count, length_s // 1_200)
    return [int(start_s + (number + 0.5) * length_s / count) for number in range(max(count, 0))]


def learn_plans(
    history: History,
    airspace: Space,
    airports: KnownPlaces,
    until_s: int,
    *,
    navigation: Navigation | None = None,
    local: LocalTime | None = None,
    moments: Sequence[int] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> LearnedPlans:
    """What the history until `until_s` teaches; the priors where there is none.

    `moments` are those to learn from, ascending; else `moments_between` says. By the clock of
    `local`, UTC without, it is looked at when flights take off on other days.
    """
    counter = PlanCounter(airspace, airports, navigation)
    outcomes = Outcomes(history, until_s)
    learned = LearnedPlans.priors()
    if moments is None:
        moments = moments_between(history.from_s, until_s)
    ground, filed, paces = _Columns(), _Columns(), _Columns()
    timed: list[Situation] = []
    quits, hours = 0.0, 0.0
    for number, moment_s in enumerate(moments):
        situation = history.situation(moment_s)
        if not situation.complete:
            continue
        flight = outcomes.flights_of(situation)
        ground.add(*_waited(situation, flight, outcomes, GROUND))
        filed.add(*_waited(situation, flight, outcomes, PREFILED))
        paces.add(*_paces(situation, flight, outcomes, counter, learned))
        more_quits, more_hours = outcomes.quits(situation, flight)
        quits, hours = quits + more_quits, hours + more_hours
        if number % _TIMED_EVERY == 0:
            timed.append(situation)
        if progress is not None:
            progress(0.8 * (number + 1) / len(moments), "what became of plans")
    if not len(ground):
        return replace(learned, until_s=until_s)
    waits = _Waited(*ground.columns())
    weights = _delay_weights(waits)
    learned = replace(
        learned,
        until_s=until_s,
        delay_weights=weights,
        ground=_counted(GROUND, waits, weights, learned.ground),
        prefiled=_counted(PREFILED, _Waited(*filed.columns()), weights, learned.prefiled),
        quits_per_h=(quits + learned.quits_per_h * _QUIT_HOURS) / (hours + _QUIT_HOURS),
    )
    if len(paces):
        learned = _with_pairs(learned, history.places.icao, *paces.columns())
    errors = TimeErrors()
    usual = UsualLearning(history, local or LocalTime("UTC"), moments[0])
    for number, situation in enumerate(timed):
        usual.add(situation, leaving_of(situation, learned, None).take_offs, outcomes)
        _add_errors(errors, situation, outcomes, counter, learned)
        if progress is not None:
            progress(0.8 + 0.2 * (number + 1) / len(timed), "when flights came where")
    bias_s, sd_s = errors.learned(learned.bias_s, learned.sd_s)
    learned = replace(learned, bias_s=bias_s, sd_s=sd_s)
    return usual.learned(learned)


class _Columns:
    """Columns that grow by whole arrays."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[Any], ...]] = []

    def __len__(self) -> int:
        return sum(part[0].shape[0] for part in self._parts)

    def add(self, *columns: NDArray[Any]) -> None:
        self._parts.append(columns)

    def columns(self) -> list[NDArray[Any]]:
        return [np.concatenate(column) for column in zip(*self._parts, strict=True)]


def _waited(
    situation: Situation, flight: NDArray[np.int64], outcomes: Outcomes, cells: Cells
) -> tuple[NDArray[Any], ...]:
    """The columns of `_Waited`; cells are those of no delay at all."""
    stage = Stage.GROUND if cells is GROUND else Stage.PREFILED
    rows = np.flatnonzero(situation.stage == stage)
    off_s = outcomes.off_s(flight[rows], situation.as_of_s)
    step = np.maximum((off_s - situation.as_of_s) // STEP_S, 0)
    step = np.where((off_s == UNKNOWN) | (step >= OFF_STEPS), OFF_STEPS, step)
    filed_s = situation.filed_off_s[rows]
    known = (filed_s != UNKNOWN) & (off_s != UNKNOWN)
    return (
        cells_of(cells, situation, rows, np.full(rows.size, -np.inf)),
        delay_features(situation, rows).astype(np.float32),
        np.where(filed_s == UNKNOWN, np.nan, (situation.as_of_s - filed_s) / 60).astype(np.float32),
        step.astype(np.int16),
        np.where(known, (off_s - filed_s) / 60, np.nan).astype(np.float32),
    )


def _delay_weights(waited: _Waited) -> NDArray[np.float32]:
    """How much later those will leave whose time has not come, by how things are: least squares."""
    coming = (waited.late_min < 0) & (waited.late_min > _USUAL_FROM_MIN)
    rows = np.flatnonzero(coming & np.isfinite(waited.off_late_min))
    weights = np.zeros(DELAY_WEIGHTS, dtype=np.float32)
    if rows.size < _ENOUGH:
        return weights
    late = np.clip(waited.off_late_min[rows], _USUAL_FROM_MIN, _MOST_LATE_MIN).astype(np.float64)
    features = waited.features[rows].astype(np.float64)
    middle = features.mean(axis=0)
    apart = features - middle
    square = apart.T @ apart + _RIDGE * np.eye(apart.shape[1])
    slope = np.linalg.solve(square, apart.T @ (late - late.mean()))
    weights[0] = -middle @ slope
    weights[1:] = slope
    return weights


def _counted(
    cells: Cells, waited: _Waited, weights: NDArray[np.float32], prior: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The table of take-offs as counted, each cell held to a coarser one, that to the prior."""
    delay = weights[0] + waited.features @ weights[1:]
    cell = waited.cell + cells.delay_class(delay)
    size = int(np.prod(cells.shape))
    count = np.bincount(
        cell * (OFF_STEPS + 1) + waited.step, minlength=size * (OFF_STEPS + 1)
    ).reshape(*cells.shape, OFF_STEPS + 1)
    # By sign and lateness alone; then by time waited too; then by delay.
    by_late = count.sum(axis=(2, 3), keepdims=True)
    number = by_late.sum(axis=-1, keepdims=True)
    table = prior[:, :, :, :1].astype(np.float64)
    table = (by_late + _COARSE_COUNT * table) / (number + _COARSE_COUNT)
    by_waited = count.sum(axis=3, keepdims=True)
    table = (by_waited + _FINE_COUNT * table) / (
        by_waited.sum(axis=-1, keepdims=True) + _FINE_COUNT
    )
    table = (count + _FINE_COUNT * table) / (count.sum(axis=-1, keepdims=True) + _FINE_COUNT)
    return np.asarray(table, dtype=np.float32)


def _paces(
    situation: Situation,
    flight: NDArray[np.int64],
    outcomes: Outcomes,
    counter: PlanCounter,
    learned: LearnedPlans,
) -> tuple[NDArray[Any], ...]:
    """Of those on the ground that flew: origin, destination, and how much longer it took."""
    rows = np.flatnonzero((situation.stage == Stage.GROUND) & (flight != UNKNOWN))
    ahead = counter.since_off(situation, rows, learned)
    lands = np.flatnonzero(ahead.exit_phase == LANDING)
    reckoned_s = np.zeros(len(situation))
    np.maximum.at(reckoned_s, ahead.row[lands], ahead.exit_s[lands])
    took_s = outcomes.took_s(flight, situation.as_of_s)
    rows = np.flatnonzero((reckoned_s > 0) & np.isfinite(took_s))
    return (
        situation.origin[rows],
        situation.destination[rows],
        np.clip(took_s[rows] / reckoned_s[rows], *_ROBUST_PACE),
    )


def _with_pairs(
    learned: LearnedPlans,
    icao: Sequence[str],
    origin: NDArray[np.int32],
    destination: NDArray[np.int32],
    pace: NDArray[np.float64],
) -> LearnedPlans:
    """The pace of each pair of airports, held to that of all; the most flown ones."""
    key = origin.astype(np.int64) * len(icao) + destination.astype(np.int64)
    pairs, index, count = np.unique(key, return_inverse=True, return_counts=True)
    log = np.log(pace.astype(np.float64))
    usual = float(np.median(log))
    total = np.bincount(index, log - usual, minlength=pairs.size)
    most = np.sort(np.argsort(-count, kind="stable")[:_MOST_PAIRS])
    of_pair = np.exp(usual + total[most] / (count[most] + _PAIR_COUNT))
    return replace(
        learned,
        pair_from=np.array([icao[each] for each in (pairs[most] // len(icao)).tolist()], "U8"),
        pair_to=np.array([icao[each] for each in (pairs[most] % len(icao)).tolist()], "U8"),
        pair_pace=of_pair.astype(np.float32),
        usual_pace=float(np.exp(usual)),
    )


def _add_errors(
    errors: TimeErrors,
    situation: Situation,
    outcomes: Outcomes,
    counter: PlanCounter,
    learned: LearnedPlans,
) -> None:
    """Compare when flights came into sectors, and left them, with what was reckoned."""
    flight = outcomes.flights_of(situation)
    visits = outcomes.visits_after(situation.as_of_s)
    flying = np.flatnonzero((situation.stage == Stage.AIRBORNE) & np.isfinite(situation.latitude))
    ahead = counter.ahead(situation, flying, learned)
    entry_s, exit_s = visits.find(flight[ahead.row], ahead.sector, situation.as_of_s)
    to_come = np.where(ahead.enter_s > 0, entry_s - situation.as_of_s, np.nan)
    errors.add(ahead.now, ahead.enter_phase, ahead.enter_s, to_come)
    errors.add(ahead.now, ahead.exit_phase, ahead.exit_s, exit_s - situation.as_of_s)
    waiting = np.flatnonzero((situation.stage == Stage.GROUND) & (flight != UNKNOWN))
    since = counter.since_off(situation, waiting, learned)
    off_s = outcomes.off_s(flight[since.row], situation.as_of_s)
    entry_s, exit_s = visits.find(flight[since.row], since.sector, situation.as_of_s)
    off_s = np.where(off_s == UNKNOWN, np.nan, off_s)
    to_come = np.where(since.enter_s > 0, entry_s - off_s, np.nan)
    errors.add(since.now, since.enter_phase, since.enter_s, to_come)
    errors.add(since.now, since.exit_phase, since.exit_s, exit_s - off_s)
