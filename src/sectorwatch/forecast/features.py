"""What the model is asked with: the same numbers in training and in a running program.

Everything is as of a moment: the situation then, recent truth as far as it was final then, and what
was noted of counts before. `Memory` is that last part; it is trained by being carried through the
past moment by moment, kept in the model file, and goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sectorwatch.forecast.departed import Departures, keys_of
from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
from sectorwatch.forecast.regulars import Ways, regulars
from sectorwatch.forecast.seasonal import last_hour, seasonal
from sectorwatch.forecast.situation import UNKNOWN, Stage
from sectorwatch.forecast.unseen import Unseen, level_of, within
from sectorwatch.forecast.weekly import WeeklyMeans, wall_hours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.past import Past
    from sectorwatch.forecast.plans import PlanCount
    from sectorwatch.forecast.situation import Situation

__all__ = ["FEATURES", "PARTS", "STEP_S", "Memory", "feature_rows"]

Unit = Literal["occupancy", "difference", "plain"]

STEP_S = 3_300
"""How far apart moments are from which something is learned: any mark of 5 min comes about."""
# How long ago the forecasts were made that are compared with the last bin that is complete.
_LOOKED_BACK_S = (STEP_S, 2 * STEP_S, 4 * STEP_S)

FEATURES: dict[str, Unit] = {
    "plan_airborne": "occupancy",
    "plan_ground": "difference",
    "plan_prefiled": "difference",
    "plan_mean": "occupancy",
    "plan_sd": "difference",
    "plan_usual": "occupancy",
    "plan_excess": "difference",
    "unseen": "difference",
    "unseen_sd": "difference",
    "plan_and_unseen": "occupancy",
    "week_1": "occupancy",
    "week_2": "occupancy",
    "week_3": "occupancy",
    "week_4": "occupancy",
    "weeks": "occupancy",
    "usual": "occupancy",
    "alike": "occupancy",
    "alike_5": "occupancy",
    "alike_sd": "difference",
    "yesterday": "occupancy",
    "now": "occupancy",
    "now_excess": "difference",
    "hour_excess": "difference",
    "trend": "difference",
    **{f"residual_{ago_s // STEP_S}": "difference" for ago_s in _LOOKED_BACK_S},
    "regulars_due": "difference",
    "regulars_overdue": "difference",
    "level": "plain",
    "network_level": "plain",
    "network_plan": "plain",
    "overdue_min": "plain",
    "off_delay_min": "plain",
    "delay_here_min": "plain",
    "lead_h": "plain",
    "local_hour": "plain",
    "local_day": "plain",
    "kind": "plain",
}
"""What a row holds, in order: aircraft, a difference of aircraft, or something else."""
PARTS = (
    "plan_and_unseen",
    "usual",
    "weeks",
    "alike",
    "alike_5_excess",
    "plan_excess",
    "hour_excess",
    "now_excess",
    "residual_1",
    "residual_2",
    "residual_4",
    "regulars_due",
    "regulars_overdue",
)
"""What the linear forecast is made of."""

_LATEST_S = 2 * 3_600
_FEW_FLIGHTS = 5.0
_NEAR_S = 600
_SET_BACK_S = 86_400
"""A clock that was set back by less makes up for it soon; by more, it was wrong before."""


@dataclass(slots=True)
class _Said:
    """A forecast that has not come true yet; by which leads it has is in `settled`."""

    plan_mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    total: NDArray[np.float32]
    learns: bool
    settled: NDArray[np.bool_]


class Memory:
    """What counts before this one said, for sectors of `kind` (s,), and how it came out.

    `unseen` is learned of it, and what the count usually is at an hour; `departures` and `ways` are
    of regular flights. Belongs to one thread.
    """

    def __init__(self, kind: NDArray[np.int8], local: LocalTime) -> None:
        self.kind = kind
        self.local = local
        self.unseen = Unseen(kind.size, local)
        self.plan_usual = WeeklyMeans(kind.size, LEADS.size)
        self.departures = Departures()
        self.ways = Ways.none()
        self._said: dict[int, _Said] = {}
        self._learned_s = 0
        self._in_air = np.empty(0, dtype=np.int64)

    def usual_take_offs(self, past: Past | None) -> UsualTakeOffs:
        """When flights took off on the days before, for the plan-based count."""
        return UsualTakeOffs(self.departures, self.local, past)

    def note(self, situation: Situation, plan: PlanCount, past: Past, until_s: int | None) -> None:
        """Take note of a moment, after its rows were made of what was known before.

        Moments come in order; `until_s` is the last minute that is final.
        """
        as_of_s = situation.as_of_s
        self._forget_after(as_of_s + _SET_BACK_S)
        self._note_departures(situation)
        hour = wall_hours(self.local, as_of_s + LEADS + BIN_S // 2)
        self._settle(as_of_s, past, until_s)
        learns = as_of_s - self._learned_s >= STEP_S
        rate, _ = self.unseen.rate(as_of_s, np.ones(self.kind.size))
        mean = plan.mean
        self._said[as_of_s] = _Said(
            mean, plan.variance, mean + rate, learns, np.zeros(LEADS.size, dtype=np.bool_)
        )
        if learns:
            self._learned_s = as_of_s
            self.plan_usual.note(as_of_s, hour, mean)

    def _forget_after(self, time_s: int) -> None:
        """Do without what is of a future, by this clock: it would be waited for, for years."""
        self.departures.forget_after(time_s)
        if self._learned_s > time_s:
            self._learned_s = 0
        for said_s in [each for each in self._said if each > time_s]:
            del self._said[said_s]

    def _note_departures(self, situation: Situation) -> None:
        """Keep the take-offs of flights that were not in the air the last time."""
        is_up = (situation.stage == Stage.AIRBORNE) & (situation.departed_s != UNKNOWN)
        flight_id = situation.flight_id[is_up]
        departed_s = situation.departed_s[is_up]
        # Of a moment long ago, all that took off since; else whoever was not seen in it.
        new = departed_s > self.departures.until_s
        if self._in_air.size:
            new = ~np.isin(flight_id, self._in_air, assume_unique=True)
            new &= departed_s > situation.as_of_s - LEADS[-1]
        origin, destination = situation.origin[is_up], situation.destination[is_up]
        key = keys_of(situation.places.icao, origin, destination)
        self.departures.add(departed_s[new], key[new])
        self._in_air = flight_id

    def go_on_from(self, other: Memory) -> None:
        """Take up what another one, of the same sectors, noted since this one was made.

        A model remembers what was before its training alone: the last hours are not to be lost each
        time that one takes over.
        """
        after_s = self.departures.until_s + 1
        self.departures.add(*other.departures.between(after_s, other.departures.until_s + 1))
        self._said, self._learned_s = dict(other._said), other._learned_s
        self._in_air = other._in_air

    def fill(
        self, after_s: int, until_s: int, time_s: NDArray[np.int64], key: NDArray[np.uint64]
    ) -> None:
        """Take-offs after `after_s` until `until_s` as they are kept, for what was noted of them.

        The next moment adds those that came later.
        """
        self.departures.replace(after_s, until_s, time_s, key)
        self._in_air = np.empty(0, dtype=np.int64)

    def said(self, about_s: int, until_s: int) -> tuple[int, NDArray[np.float32]] | None:
        """When the last bin began that is complete, and plan and unseen (s,) as said of it then.

        They were said as of `about_s`, or the moment nearest to it: not every program forecasts
        every 5 min, and none does in a hurry. None where nothing was said about then.
        """
        near = min(self._said, key=lambda each: abs(each - about_s), default=None)
        if near is None or abs(near - about_s) > _NEAR_S:
            return None
        lead = min((until_s + 60 - BIN_S - near) // BIN_S, LEADS.size - 1)
        return None if lead < 0 else (near + int(LEADS[lead]), self._said[near].total[:, lead])

    def _settle(self, as_of_s: int, past: Past, until_s: int | None) -> None:
        """Learn from what has come true, and forget what is settled and too old to look back at."""
        for said_s, said in list(self._said.items()):
            if said.learns and until_s is not None:
                ends = said_s + LEADS + BIN_S
                ready = ~said.settled & (ends - 60 <= until_s)
                if ready.any():
                    truth = np.full(said.plan_mean.shape, np.nan, dtype=np.float32)
                    truth[:, ready] = past.bin_mean(said_s + LEADS[ready], until_s=until_s)
                    self.unseen.note(said_s, said.plan_mean, said.variance, truth)
                    said.settled |= ready
            if as_of_s - said_s > LEADS[-1] + 2 * BIN_S:
                del self._said[said_s]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All that lasts, by name; what was said in the last hours is not."""
        return {**self.noted(), **_by_name({"ways": self.ways})}

    def noted(self) -> dict[str, NDArray[Any]]:
        """What goes on changing of it: all that lasts, but how flights go."""
        return _by_name(
            {
                "unseen": self.unseen,
                "plan_usual": self.plan_usual,
                "departures": self.departures,
            }
        )

    def take_up(self, arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.intp]) -> None:
        """Go on from what `noted` gave, of the sectors at `rows` of it (s,), -1 for none of them.

        Raises ModelFileError where it is something else; then all is as before.
        """
        unseen, plan_usual, departures = _noted(arrays, rows, self.local)
        self.unseen, self.plan_usual, self.departures = unseen, plan_usual, departures

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        rows: NDArray[np.intp],
        kind: NDArray[np.int8],
        local: LocalTime,
    ) -> Memory:
        """What `to_arrays` gave, of the sectors at `rows` of it (s,), -1 for one it has not.

        Raises ModelFileError where it is something else.
        """
        made = cls(kind, local)
        made.unseen, made.plan_usual, made.departures = _noted(arrays, rows, local)
        held = int(arrays["plan_usual.sums"].shape[-1])
        made.ways = Ways.from_arrays(within(arrays, "ways"), held).of_sectors(rows)
        return made


def _by_name(parts: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {f"{n}.{k}": each for n, part in parts.items() for k, each in part.to_arrays().items()}


def _noted(
    arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.intp], local: LocalTime
) -> tuple[Unseen, WeeklyMeans, Departures]:
    return (
        Unseen.from_arrays(within(arrays, "unseen"), rows, local),
        WeeklyMeans.from_arrays(within(arrays, "plan_usual"), rows, LEADS.size),
        Departures.from_arrays(within(arrays, "departures")),
    )


def feature_rows(
    situation: Situation,
    plan: PlanCount,
    past: Past,
    memory: Memory,
    until_s: int | None,
) -> NDArray[np.float32]:
    """What is known at the moment of `situation`, shape (sectors, leads, FEATURES).

    NaN is what is not known. `past` may hold more than was final by then: minutes after `until_s`
    are not looked at.
    """
    as_of_s, local, kind = situation.as_of_s, memory.local, memory.kind
    shape = kind.size, LEADS.size
    days = seasonal(as_of_s, past, local, until_s)
    hour = last_hour(as_of_s, past, local, until_s)
    level, network = level_of(hour["now"], hour["usual"], kind)
    rate, variance = memory.unseen.rate(as_of_s, level)
    at = wall_hours(local, as_of_s + LEADS + BIN_S // 2)
    mean, plan_usual = plan.mean, memory.plan_usual.mean(at)
    due, overdue = regulars(
        memory.departures, memory.ways, situation, plan.take_offs, local, kind.size, past
    )
    current = situation.occupancy.astype(np.float32)
    values: dict[str, NDArray[Any]] = {
        "plan_airborne": plan.airborne,
        "plan_ground": plan.ground,
        "plan_prefiled": plan.prefiled,
        "plan_mean": mean,
        "plan_sd": np.sqrt(plan.variance),
        "plan_usual": plan_usual,
        "plan_excess": mean - plan_usual,
        "unseen": rate,
        "unseen_sd": np.sqrt(variance),
        "plan_and_unseen": mean + rate,
        **days,
        "now": current[:, None],
        "now_excess": (current - hour["usual_now"])[:, None],
        "hour_excess": (hour["now"] - hour["usual"])[:, None],
        "trend": (hour["last"] - hour["now"])[:, None],
        **_residuals(as_of_s, past, memory, until_s),
        "regulars_due": due,
        "regulars_overdue": overdue,
        "level": level[:, None],
        "network_level": network[:, None],
        "network_plan": _network_plan(mean, plan_usual, kind),
        **_delays(situation, plan),
        "lead_h": (LEADS / 3_600)[None, :],
        "local_hour": (at % 24)[None, :],
        "local_day": (at // 24)[None, :],
        "kind": kind[:, None],
    }
    rows = np.empty((*shape, len(FEATURES)), dtype=np.float32)
    for column, name in enumerate(FEATURES):
        rows[:, :, column] = values[name]
    return rows


def _residuals(
    as_of_s: int, past: Past, memory: Memory, until_s: int | None
) -> dict[str, NDArray[np.float32]]:
    """How much more there was than plan and unseen had said, in bins that are just complete."""
    found = {}
    for ago_s in _LOOKED_BACK_S:
        said = None if until_s is None else memory.said(as_of_s - ago_s, until_s)
        residual = np.full(memory.kind.size, np.nan, dtype=np.float32)
        if said is not None:
            residual = past.bin_mean(np.array([said[0]]), until_s=until_s)[:, 0] - said[1]
        found[f"residual_{ago_s // STEP_S}"] = residual[:, None]
    return found


def _network_plan(
    mean: NDArray[np.float32], usual: NDArray[np.float32], kind: NDArray[np.int8]
) -> NDArray[np.float64]:
    """All that is counted of a kind of sectors against what usually is, (s, l); 1 is as usual."""
    found = np.ones(mean.shape)
    for each in np.unique(kind):
        of_kind = kind == each
        counted = mean[of_kind].sum(axis=0, dtype=np.float64)
        found[of_kind] = (counted + 5) / (np.nan_to_num(usual[of_kind]).sum(axis=0) + 5)
    return np.where(np.isnan(usual), np.nan, np.minimum(found, 5.0))


def _delays(situation: Situation, plan: PlanCount) -> dict[str, NDArray[Any]]:
    """How late flights are against their filed times, minutes: on the ground, and taking off.

    And how late those take off, at the airports that a sector's flights are still to come from.
    """
    as_of_s, filed_s = situation.as_of_s, situation.filed_off_s
    is_up = situation.stage == Stage.AIRBORNE
    late_s = np.clip(np.where(is_up, situation.departed_s, as_of_s) - filed_s, -1_800, 10_800)
    waits = (situation.stage == Stage.GROUND) & (filed_s != UNKNOWN) & (filed_s <= as_of_s)
    left = is_up & (filed_s != UNKNOWN) & (situation.departed_s > as_of_s - _LATEST_S)
    overdue = late_s[waits].mean() / 60 if waits.any() else np.nan
    delay = late_s[left].mean() / 60 if left.any() else np.nan
    part = plan.part
    here: NDArray[Any] = np.full((1, 1), np.nan)
    if left.any():
        airports = len(situation.places.icao) + 1
        count = np.bincount(situation.origin[left] + 1, minlength=airports)
        total = np.bincount(situation.origin[left] + 1, late_s[left] / 60, airports)
        by_airport = (total + _FEW_FLIGHTS * delay) / (count + _FEW_FLIGHTS)
        comes = (~is_up)[part.row]
        late = by_airport[situation.origin[part.row[comes]] + 1].astype(np.float32)
        here = _weighted(part.share[comes], late, part.sector[comes], len(plan.airborne))
    return {
        "overdue_min": np.array(overdue),
        "off_delay_min": np.array(delay),
        "delay_here_min": here,
    }


def _weighted(
    share: NDArray[np.float32],
    late: NDArray[np.float32],
    sector: NDArray[np.int32],
    sectors: int,
) -> NDArray[np.float64]:
    """The mean of `late` (n,) by sector and lead, by weights `share` (n, l); NaN where none."""
    found = np.empty((sectors, share.shape[1]))
    for lead in range(share.shape[1]):
        weight = np.bincount(sector, share[:, lead], sectors)
        total = np.bincount(sector, share[:, lead] * late, sectors)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[:, lead] = np.where(weight > 0.05, total / weight, np.nan)  # noqa: PLR2004
    return found
