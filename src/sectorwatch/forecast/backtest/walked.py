"""The past walked through once, for all methods that look at flights: what each moment showed.

The counts and features of a moment are dear and do not depend on which model is asked, so they are
made once, in order of time, as a running program makes them; rows to learn from are kept of them.
Whoever learns at a moment is given rows alone of which all had come true by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import TrainingError
from sectorwatch.forecast.features import STEP_S, Memory
from sectorwatch.forecast.horizon import BIN_S, LONGEST_S
from sectorwatch.forecast.model.table import Moment, Sampler, Table, Walk
from sectorwatch.forecast.model.training import kinds_of
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.forecast.history import History
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.model.training import Recipe
    from sectorwatch.forecast.plans import PlanCount
    from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
    from sectorwatch.forecast.situation import Situation

    Progress = Callable[[str, float], None]

__all__ = ["Walked"]

_DAY_S = 86_400
_FEWEST_ROWS = 1_000


class Walked:
    """A walk through `history`, from its start on, that stops where it is asked to.

    `learn` teaches how plans are carried out by what was known at a moment; it is asked once, when
    something is first to be learned. Rows of the last `training_s` are kept. `walk` is that through
    `history` where it is not to be made here.
    """

    def __init__(
        self,
        history: History,
        airspace: Airspace,
        airports: Airports,
        local: LocalTime,
        recipe: Recipe,
        *,
        learn: Callable[[int], LearnedPlans],
        training_s: int,
        progress: Progress | None = None,
        walk: Walk | None = None,
    ) -> None:
        self.history, self.airspace, self.local, self.recipe = history, airspace, local, recipe
        self._learn = learn
        self._learned = LearnedPlans.priors()
        self._is_prepared = False
        self._counter = PlanCounter(airspace, airports)
        self.memory = Memory(kinds_of(airspace), local)
        self._walk = walk or Walk(history, self._count, self.memory)
        self._training_s = training_s
        self._progress = progress
        self._reached_s = history.from_s
        self._fitting_a_moment = self._held_a_moment = 1
        self._fitting: list[Table] = []
        self._held: list[Table] = []
        self._day: tuple[int, list[Moment | None]] = (-1, [])

    @property
    def learned(self) -> LearnedPlans:
        """How plans are carried out: the priors until `prepare`."""
        return self._learned

    def prepare(self, until_s: int) -> None:
        """Go through all that lies before `until_s`, for rows to learn from; only once."""
        if self._is_prepared:
            return
        self._is_prepared = True
        # As many rows as a training takes, of as much of the past as there is for the first.
        length_s = max(min(self._training_s, until_s - self._reached_s), _DAY_S)
        held_s = min(self.recipe.held_most_s, int(self.recipe.held_share * length_s))
        self._fitting_a_moment = max(1, self.recipe.rows * STEP_S // length_s)
        self._held_a_moment = max(1, self.recipe.held_rows * STEP_S // held_s)
        if self._progress is not None:
            self._progress("Learning how plans are carried out", 0.0)
        self._learned = self._learn(until_s)
        self._go_on(until_s)

    def _go_on(self, until_s: int) -> None:
        """Through what lies between where it has come to and `until_s`, as a program runs on."""
        begin_s = self._reached_s
        days = range(begin_s, until_s, _DAY_S)
        for number, day_s in enumerate(days):
            if self._progress is not None:
                self._progress("Walking to the first forecast", number / len(days))
            end_s = min(day_s + _DAY_S, until_s)
            # A day's moments go on from those of the day before, a step apart.
            first_s = begin_s + -(-(day_s - begin_s) // STEP_S) * STEP_S
            self._keep(list(self._walk.moments(first_s, end_s, STEP_S)))
        self._reached_s = max(self._reached_s, until_s)

    def day(self, as_of_s: NDArray[np.int64]) -> list[Moment | None]:
        """What was known at these moments, a day's, in order; None where that was not enough.

        Asked again for the same, the same is given.
        """
        if self._day[0] != int(as_of_s[0]):
            self.prepare(int(as_of_s[0]))
            self._go_on(int(as_of_s[0]))
            step_s = int(as_of_s[1] - as_of_s[0]) if as_of_s.size > 1 else _DAY_S
            walked = list(self._walk.moments(int(as_of_s[0]), int(as_of_s[-1]) + 1, step_s))
            self._keep(walked)
            self._reached_s = int(as_of_s[-1]) + step_s
            by_time = {moment.as_of_s: moment for moment in walked}
            self._day = int(as_of_s[0]), [by_time.get(moment) for moment in as_of_s.tolist()]
        return self._day[1]

    def tables(self, until_s: int) -> tuple[Table, Table]:
        """Rows to fit to, and rows of the last days held back; of both all was known at `until_s`.

        Nothing that came true in the days held back is in the first. Raises TrainingError where
        there is too little.
        """
        from_s = max(self.history.from_s, until_s - self._training_s)
        length_s = until_s - from_s
        held_s = min(self.recipe.held_most_s, int(self.recipe.held_share * length_s))
        held_from_s = until_s - held_s
        # Rows of the first days of all say of what is usual only that nobody knows it.
        first_s = max(from_s, self.history.from_s + min(8 * _DAY_S, length_s // 3))
        ahead_s = LONGEST_S + BIN_S
        fitting = _between(self._fitting, first_s, held_from_s - ahead_s)
        held = _between(self._held, held_from_s, until_s - ahead_s)
        if min(len(fitting), len(held)) < _FEWEST_ROWS:
            raise TrainingError(
                f"{length_s / _DAY_S:.1f} days before the first forecast are too few to train a "
                "model of"
            )
        return fitting, held

    def _count(self, situation: Situation, usual: UsualTakeOffs) -> PlanCount:
        return self._counter.count(situation, self.learned, usual=usual)

    def _keep(self, moments: list[Moment]) -> None:
        """Choose rows among them, and let go of those that are too old."""
        if not moments:
            return
        count = len(moments)
        fitting = Sampler(self._fitting_a_moment * count, count, moments[0].as_of_s)
        held = Sampler(self._held_a_moment * count, count, moments[0].as_of_s)
        for moment in moments:
            fitting.add(moment)
            held.add(moment)
        self._fitting.append(fitting.table())
        self._held.append(held.table())
        now_s = moments[-1].as_of_s
        for kept, oldest_s in (
            (self._fitting, now_s - self._training_s - _DAY_S),
            (self._held, now_s - self.recipe.held_most_s - 2 * _DAY_S),
        ):
            while kept and kept[0].as_of_s.size and kept[0].as_of_s[-1] < oldest_s:
                kept.pop(0)


def _between(tables: list[Table], from_s: int, to_s: int) -> Table:
    """The rows as of moments in `[from_s, to_s)`."""
    parts = [
        table.take((table.as_of_s >= from_s) & (table.as_of_s < to_s))
        for table in tables
        if table.as_of_s.size and table.as_of_s[0] < to_s and table.as_of_s[-1] >= from_s
    ]
    if not parts:
        return Sampler(1, 1).table()
    return Table(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("rows", "lead", "sector", "as_of_s", "truth")
        )
    )
