"""All parts of a forecast put together: with a model, without one, and from one to the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from forecast.made_model import made_model
from made_ticks import LIVE, START_S, tick
from runtime.world import _airports, _airspace
from sectorwatch.errors import ForecastError, ModelFileError
from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.forecaster import Forecaster
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.issued import BASES, Issued
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.plan_basis import spread_of
from sectorwatch.forecast.scoring.promises import Promises
from sectorwatch.forecast.scoring.scored import Scored, scored_of, told
from sectorwatch.forecast.unfiled import unfiled

if TYPE_CHECKING:
    from sectorwatch.traffic.tick import Tick

AIRSPACE = _airspace(("made:australia",))
SECTORS = len(AIRSPACE.sectors)
LOCAL = LocalTime("Australia/Sydney")
PLANS, MODEL = BASES.index("insufficient_history"), BASES.index("model")


def loaded(seq: int, after_s: int = 0) -> Tick:
    """A tick in which the first sector has seven aircraft; nobody has filed anything."""
    occupancy = np.zeros(SECTORS, np.int32)
    occupancy[0] = 7
    time_s = START_S + after_s
    live = replace(LIVE, occupancy=occupancy)
    return tick(seq, time_s=time_s, live=live, final_minute_s=time_s // 60 * 60 - 180)


def forecaster(*, past: bool = True) -> Forecaster:
    """One with the last day known, in which nobody flew."""
    made = Forecaster(AIRSPACE, _airports(), local=LOCAL)
    if past:
        made.past = Past(made.sector_id, START_S - 86_400)
        nobody = np.zeros((SECTORS, 1_440), np.int16)
        made.past.add_minutes(START_S - 86_400, nobody, np.ones(1_440, np.bool_))
    return made


def test_without_a_model_it_is_plans_and_the_usual_share_of_those_not_filed_yet() -> None:
    """Every sector says so; the interval is that of both; the naive forecast is not known."""
    issued = forecaster(past=False).issue(loaded(1))
    assert set(issued.basis) == {PLANS}
    assert issued.model == ""
    share = unfiled(issued.current, LEADS)
    assert issued.mean == pytest.approx(issued.plan_mean + share)
    assert issued.mean[0, -1] > issued.mean[0, 0]
    assert issued.mean[1:].max() < 1
    assert np.isnan(issued.naive).all()
    assert (issued.quantiles[0, -1, 0] < issued.mean[0, -1]) & (
        issued.mean[0, -1] < issued.quantiles[0, -1, -1]
    )
    assert (np.diff(issued.quantiles, axis=-1) >= 0).all()


def test_what_plans_promise_is_set_right_and_what_a_model_says_is_not() -> None:
    """A model's intervals are corrected already: not twice."""
    never = Promises(np.array([[0.0, 1.0]] * 4), np.array([[0.0, 0.0]] * 4))
    first, *others = AIRSPACE.sectors
    made = forecaster()
    made._capacity = CapacityBook([replace(first, capacity=0), *others])
    computed = made.issue(loaded(1)).p_over_capacity
    assert computed[0, -1] > 0.5
    made.promises = never
    told = made.issue(loaded(1)).p_over_capacity
    assert (told[0] == 0).all()
    np.testing.assert_array_equal(np.isnan(told), np.isnan(computed))
    made.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S))
    by_model = made.issue(loaded(1, 300))
    assert by_model.basis[0] == MODEL
    assert (by_model.p_over_capacity[0] > 0).any()


def test_it_is_as_of_when_the_feed_was_received_or_a_later_moment() -> None:
    """The latest is kept, and what it was made of."""
    made = forecaster()
    assert made.issue(loaded(1)).as_of_s == START_S + 2
    later = made.issue(loaded(2, 15), START_S + 300)
    assert later.as_of_s == START_S + 300
    assert made.latest is later
    assert made.situation is not None
    assert made.situation.as_of_s == START_S + 300


def test_a_model_serves_the_sectors_that_it_knows() -> None:
    """One that is drawn in another way since has the plans alone, as one that is new."""
    model = made_model(AIRSPACE, LOCAL, to_s=START_S)
    model.drawn[3] += 1
    model.sector_id[5] += 1
    made = forecaster()
    made.take_over(model)
    issued = made.issue(loaded(1))
    assert (issued.basis == np.where(np.isin(np.arange(SECTORS), [3, 5]), PLANS, MODEL)).all()
    assert issued.model == "made"
    assert issued.quantiles.shape == (SECTORS, LEADS.size, 5)
    assert np.isfinite(issued.mean).all()
    assert made.about()["sectors_without_model"] == 2


def test_flights_are_carried_forward_once_an_issue_whoever_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Entries and airports get what the count is of; by another model, or of a later moment, anew."""
    made = forecaster()
    asked = []
    carry = made.counter.carried

    def carried(*about: Any, **more: Any) -> Any:
        asked.append(about)
        return carry(*about, **more)

    monkeypatch.setattr(made.counter, "carried", carried)
    made.issue(loaded(1))
    assert made.situation is not None
    first = made.carried(made.situation)
    assert made.carried(made.situation) is first
    assert len(asked) == 1
    made.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S))
    assert made.carried(made.situation).learned is made.learned
    assert len(asked) == 2
    made.issue(loaded(2, 60))
    assert made.carried(made.situation).situation is made.situation
    assert len(asked) == 3


def test_a_model_without_a_past_is_not_asked() -> None:
    """At a start the past is not there yet: then it is the plans, and named so."""
    made = forecaster(past=False)
    made.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S))
    issued = made.issue(loaded(1))
    assert set(issued.basis) == {PLANS}
    assert issued.model == ""


def test_what_was_noted_since_its_training_is_not_lost_when_a_model_takes_over() -> None:
    """Take-offs, and what was said in the last hours, which tells how wrong the plans are."""
    made, whole = forecaster(), forecaster()
    for each in (made, whole):
        each.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S))
        each.issue(loaded(1))
    kept = whole._serving
    assert kept is not None
    time_s = np.array([START_S - 600], np.int64)
    for each in (made, whole):
        assert each._serving is not None
        each._serving.memory.departures.add(time_s, np.array([7], np.uint64))
    made.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S, version="next"))
    assert made._serving is not None
    now = made._serving.memory
    assert now is not kept.memory
    assert START_S - 600 in now.departures.to_arrays()["time_s"]
    about = START_S + 2, START_S + 2 + 1_800
    then, before = now.said(*about), kept.memory.said(*about)
    assert then is not None
    assert before is not None
    assert then[0] == before[0]
    np.testing.assert_array_equal(then[1], before[1])


def test_a_clock_that_was_set_back_does_not_end_learning() -> None:
    """What was noted in a future is not waited for: take-offs, usual plans, what was said."""
    made = forecaster()
    made.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S))
    memory = made.memory
    assert memory is not None
    made.issue(loaded(1), START_S + 4_000 * 86_400)
    memory.departures.add(np.array([START_S + 4_000 * 86_400]), np.array([7], np.uint64))
    before = memory.plan_usual.to_arrays()["weights"].sum()
    made.issue(loaded(1))
    now = memory.plan_usual.to_arrays()
    assert now["weights"].sum() > before
    assert now["until_s"] < START_S + 86_400
    memory.departures.add(np.array([START_S]), np.array([7], np.uint64))
    assert memory.departures.to_arrays()["time_s"].tolist()[-1] == START_S
    assert memory.said(START_S + 4_000 * 86_400, START_S + 4_000 * 86_400 + 1_800) is None


def test_a_model_of_another_local_time_is_refused_and_nothing_changes() -> None:
    """Its hours of the week are others."""
    made = forecaster()
    first = made_model(AIRSPACE, LOCAL, to_s=START_S)
    made.take_over(first)
    with pytest.raises(ForecastError, match="Europe/Paris"):
        made.take_over(made_model(AIRSPACE, LocalTime("Europe/Paris"), to_s=START_S))
    assert made.model is first


def scored(issued: Issued, truth: float) -> Scored:
    """All of an issue at its first lead, with the same truth everywhere."""
    rows = np.arange(SECTORS)
    parts: dict[str, Any] = told(issued, 0, rows, np.full(SECTORS, truth, np.float32))
    return scored_of([parts])


def test_intervals_learn_from_this_models_forecasts_alone_and_are_kept() -> None:
    """Those issued before it served teach it nothing; what was learned goes on with its model."""
    made = forecaster()
    before = made.issue(loaded(1))
    made.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S))
    untaught = made.intervals()["levels"].copy()
    made.adapt(scored(before, 50.0), START_S + 3_600)
    issued = made.issue(loaded(2, 300))
    made.adapt(scored(before, 50.0), START_S + 3_600)
    assert (made.intervals()["levels"] == untaught).all()
    made.adapt(scored(issued, 50.0), START_S + 7_200)
    taught = made.intervals()
    assert (taught["levels"] != untaught).any()
    again = forecaster()
    again.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S))
    assert again.take_up_intervals(taught)
    assert (again.intervals()["levels"] == taught["levels"]).all()
    other = forecaster()
    other.take_over(made_model(AIRSPACE, LOCAL, to_s=START_S, version="other"))
    assert not other.take_up_intervals(taught)
    with pytest.raises(ModelFileError):
        again.take_up_intervals({**taught, "levels": np.zeros(3)})


def test_before_a_model_there_are_no_intervals_to_keep() -> None:
    """Nor is there anything to learn."""
    made = forecaster()
    made.adapt(scored(made.issue(loaded(1)), 1.0), START_S)
    assert made.intervals() == {}
    assert spread_of(1.0, 1.0, 0.3).shape == (5,)
