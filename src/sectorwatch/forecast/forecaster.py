"""From what is known at a moment to the forecast of every sector: all parts put together.

No thread, no clock and no database: a running program gives it ticks, a back-test the situations of
the past, and both get the same numbers for the same knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.features import Memory, feature_rows
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.issued import BASES, Issued
from sectorwatch.forecast.model.conformal import Conformal
from sectorwatch.forecast.model.model import Model, Prediction
from sectorwatch.forecast.model.training import drawn, kinds_of
from sectorwatch.forecast.now import situation_now
from sectorwatch.forecast.plan_basis import spread_of
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter
from sectorwatch.forecast.unfiled import unfiled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.past import Past
    from sectorwatch.forecast.plans import Navigation, PlanCount
    from sectorwatch.forecast.plans.carried import Carried
    from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
    from sectorwatch.forecast.scoring import Scored
    from sectorwatch.forecast.scoring.promises import Promises
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.traffic.tick import Tick

__all__ = ["Forecaster"]

_PLANS, _MODEL = BASES.index("insufficient_history"), BASES.index("model")


@dataclass(frozen=True, slots=True)
class _Serving:
    """A model at work: which sectors it knows (s,), and what it remembers of them."""

    model: Model
    knows: NDArray[np.bool_]
    memory: Memory


class Forecaster:
    """Issues forecasts for the sectors of `airspace`, in their order; belongs to one thread.

    `latest` and `situation` (what the newest was made of) may be read from any, and so may `model`.
    `past` is what recent truth is known, None where that is nothing; it may be given later.
    `capacity` is asked at each issue; without one, what is configured counts. `navigation` has the
    names in routes.
    """

    def __init__(
        self,
        airspace: Airspace,
        airports: Airports,
        *,
        local: LocalTime,
        past: Past | None = None,
        learned: LearnedPlans | None = None,
        capacity: CapacityBook | None = None,
        navigation: Navigation | None = None,
    ) -> None:
        self.airspace = airspace
        self.airports = airports
        self.local = local
        self.past = past
        self.latest: Issued | None = None
        self.situation: Situation | None = None
        self._carried: Carried | None = None
        self.promises: Promises | None = None
        """How probabilities of more than the capacity are set right where plans are forecast from;
        None: as computed."""
        self.sector_id = np.array([each.sector_id for each in airspace.sectors], dtype=np.int64)
        self.learned = learned or LearnedPlans.priors()
        self.counter = PlanCounter(airspace, airports, navigation)
        self._capacity = capacity or CapacityBook(airspace.sectors)
        self._serving: _Serving | None = None
        self._adapted_s: int | None = None
        self._since_s: int | None = None

    @property
    def model(self) -> Model | None:
        """The model that serves, None before the first."""
        return None if self._serving is None else self._serving.model

    @property
    def memory(self) -> Memory | None:
        """What the model that serves remembers, None before the first."""
        return None if self._serving is None else self._serving.memory

    def take_over(self, model: Model) -> None:
        """Have `model` serve from the next issue on.

        Raises ForecastError where it cannot here (another local time); then all is as before.
        """
        rows = model.rows_of(self.sector_id, drawn(self.airspace))
        memory = model.memory_for(rows, kinds_of(self.airspace), self.local)
        if self._serving is not None:
            memory.go_on_from(self._serving.memory)
        self._serving = _Serving(model, rows >= 0, memory)
        self.learned = model.learned
        self._adapted_s = self._since_s = None

    def carried(self, situation: Situation) -> Carried:
        """The flights of a situation carried forward: once for the newest, whoever asks.

        For the thread alone that this belongs to.
        """
        found = self._carried
        if found is None or found.situation is not situation or found.learned is not self.learned:
            found = self.counter.carried(situation, self.learned, usual=self.usual_take_offs)
            self._carried = found
        return found

    @property
    def usual_take_offs(self) -> UsualTakeOffs | None:
        """When flights took off on the days before, where a model remembers that."""
        return None if self.memory is None else self.memory.usual_take_offs(self.past)

    def issue(self, tick: Tick, as_of_s: int | None = None) -> Issued:
        """The forecast by what a tick told, kept as `latest`.

        It is as of when the tick was received, or of another, later moment by which nothing else
        was.
        """
        received_at_us = None if as_of_s is None else as_of_s * 1_000_000
        situation = situation_now(tick, self.airspace, self.airports, received_at_us=received_at_us)
        return self.issue_of(situation, tick.final_minute_s, seq=tick.seq)

    def issue_of(self, situation: Situation, until_s: int | None, *, seq: int = 0) -> Issued:
        """The forecast by what is known in `situation`, kept as `latest`.

        Of the past, minutes after `until_s`, the last that is final then, do not count.
        """
        plan = self.counter.count_of(self.carried(situation))
        said = _of_plans(situation, plan)
        basis = np.full(self.sector_id.size, _PLANS, dtype=np.int8)
        serving, past = self._serving, self.past
        if serving is not None and past is not None:
            rows = feature_rows(situation, plan, past, serving.memory, until_s)
            serving.memory.note(situation, plan, past, until_s)
            said = _chosen(serving.knows, serving.model.predict(rows), said)
            basis[serving.knows] = _MODEL
            self._since_s = self._since_s or situation.as_of_s
        capacity = self._capacity.now
        p_over = capacity.p_over(said.quantiles, said.p_zero)
        if self.promises is not None:
            of_plans = basis == _PLANS
            p_over[of_plans] = self.promises.told(p_over[of_plans])
        issued = Issued(
            as_of_s=situation.as_of_s,
            seq=seq,
            model=serving.model.version if serving is not None and _MODEL in basis else "",
            sector_id=self.sector_id,
            leads_s=LEADS,
            basis=basis,
            current=np.asarray(situation.occupancy, dtype=np.int32),
            capacity=capacity.value,
            mean=said.mean,
            quantiles=said.quantiles,
            p_zero=said.p_zero,
            p_over_capacity=p_over,
            plan_mean=np.asarray(plan.mean, dtype=np.float32),
            naive=self._naive(situation.as_of_s, until_s),
        )
        self.situation = situation
        self.latest = issued
        return issued

    def adapt(self, scored: Scored, now_s: int) -> None:
        """Have the intervals learn from this model's forecasts whose time has come."""
        serving, since_s = self._serving, self._since_s
        if serving is None or since_s is None:
            return
        known = serving.knows[scored.row] & (scored.as_of_s >= since_s)
        elapsed_s = 0 if self._adapted_s is None else max(0, now_s - self._adapted_s)
        self._adapted_s = now_s
        serving.model.conformal.adapt(
            scored.mean[known],
            scored.lead_s[known],
            scored.quantiles[known],
            scored.p_zero[known],
            scored.truth[known],
            elapsed_s,
        )

    def intervals(self) -> dict[str, NDArray[Any]]:
        """What the intervals have learned, by name, to be taken up again with the same model."""
        model = self.model
        if model is None:
            return {}
        name = np.frombuffer(model.version.encode(), dtype=np.uint8)
        return {**model.conformal.to_arrays(), "version": name}

    def take_up_intervals(self, arrays: Mapping[str, NDArray[Any]]) -> bool:
        """Go on with what `intervals` gave; False, and as before, where it is of another model.

        Raises ModelFileError where it is something else.
        """
        model = self.model
        name = np.asarray(arrays.get("version", ()), dtype=np.uint8).tobytes()
        if model is None or name != model.version.encode():
            return False
        model.conformal = Conformal.from_arrays(arrays)
        return True

    def about(self) -> dict[str, Any]:
        """What forecasts rest on now, for whoever asks how they are."""
        serving = self._serving
        about: dict[str, Any] = {
            "basis": BASES[_PLANS if serving is None else _MODEL],
            "model": None if serving is None else serving.model.version,
            "sectors": int(self.sector_id.size),
            "time_zone": self.local.name,
        }
        if serving is not None and not serving.knows.all():
            about["sectors_without_model"] = int(np.count_nonzero(~serving.knows))
        return about

    def _naive(self, as_of_s: int, until_s: int | None) -> NDArray[np.float32]:
        """What was in the same bins a week before, by local time; NaN where nobody knows."""
        if self.past is None:
            return np.full((self.sector_id.size, LEADS.size), np.nan, dtype=np.float32)
        before_s = self.local.weeks_before(as_of_s + LEADS, 1)
        return np.asarray(self.past.bin_mean(before_s, until_s=until_s), dtype=np.float32)


def _of_plans(situation: Situation, plan: PlanCount) -> Prediction:
    """What plans come to, and the usual share of flights besides that nobody has filed yet."""
    more = unfiled(situation.occupancy, LEADS)
    mean = (plan.mean + more).astype(np.float32)
    # As many at once as a Poisson process has, none of whom is known.
    p_zero = (plan.p_zero * np.exp(-more)).astype(np.float32)
    return Prediction(mean, spread_of(mean, plan.variance + more, p_zero), p_zero)


def _chosen(rows: NDArray[np.bool_], one: Prediction, other: Prediction) -> Prediction:
    """Of the sectors in `rows` (s,) what `one` says, of the rest the other."""
    return Prediction(
        np.where(rows[:, None], one.mean, other.mean),
        np.where(rows[:, None, None], one.quantiles, other.quantiles),
        np.where(rows[:, None], one.p_zero, other.p_zero),
    )
