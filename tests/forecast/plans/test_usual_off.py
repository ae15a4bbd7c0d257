"""When flights usually take off, beside what they filed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.forecast.departed import Departures, pair_keys
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.plans.count import TakeOffs
from sectorwatch.forecast.plans.hazards import OFF_STEPS
from sectorwatch.forecast.plans.learned import LearnedPlans
from sectorwatch.forecast.plans.usual_learning import UsualLearning
from sectorwatch.forecast.plans.usual_off import UsualTakeOffs, rates, sharpened

if TYPE_CHECKING:
    from sectorwatch.forecast.history import History
    from sectorwatch.forecast.plans.outcomes import Outcomes
    from sectorwatch.forecast.situation import Situation

DAY_S = 86_400
LOCAL = LocalTime("UTC")
# A Thursday.
NOW_S = 280 * DAY_S + 50_000
PLACES = ["YSSY", "YMML", "YPPH"]
FLAT = np.append(np.full(OFF_STEPS, 0.9 / OFF_STEPS), 0.1)


def situation(as_of_s: int = NOW_S) -> Situation:
    """Flights YSSY-YMML, YSSY-YPPH and one from nowhere, all at the gate."""
    made: dict[str, Any] = {
        "as_of_s": as_of_s,
        "places": SimpleNamespace(icao=PLACES),
        "origin": np.array([0, 0, -1]),
        "destination": np.array([1, 2, 1]),
    }
    return cast("Situation", SimpleNamespace(**made))


def departures(after_s: int, *, days: int = 29, origin: str = "YSSY") -> Departures:
    """YSSY-YMML took off so long after this time of each of the last days."""
    key = pair_keys(np.array([origin], "S4"), np.array([b"YMML"]))
    made = Departures()
    times = NOW_S + after_s - DAY_S * np.arange(days, 0, -1)
    made.add(times, np.repeat(key, days))
    return made


def test_who_goes_at_the_same_time_every_day_is_expected_to_go_then() -> None:
    """However little the plan itself says; whether at all stays what the plan says."""
    said = UsualTakeOffs(departures(5_400), LOCAL).of(situation(), np.arange(3))
    rate = rates(said.counts, 300.0, 0.0)[said.pair]
    off = sharpened(np.tile(FLAT, (3, 1)), rate, 1e-4, 1.0)
    assert off[0].argmax() in (17, 18)
    assert off[0, 15:21].sum() > 0.85
    np.testing.assert_allclose(off.sum(axis=1), 1.0)
    np.testing.assert_allclose(off[:, -1], 0.1)
    # Of the others nothing is known.
    np.testing.assert_allclose(off[1:], np.tile(FLAT, (2, 1)))


def test_who_did_not_go_when_he_usually_does_goes_rather_sooner_than_later() -> None:
    """He was due half an hour ago: he is late, and each step it is less likely than in the last."""
    said = UsualTakeOffs(departures(-1_800), LOCAL).of(situation(), np.array([0]))
    rate = rates(said.counts, 300.0, 0.4)[said.pair]
    assert (np.diff(rate[0, 2:]) < 0).all()


def test_what_took_off_later_is_not_looked_at() -> None:
    """Nor what took off today: it is asked what was usual before."""
    known = departures(5_400)
    usual = UsualTakeOffs(known, LOCAL)
    before = usual.of(situation(), np.arange(3)).counts
    key = pair_keys(np.array([b"YSSY"]), np.array([b"YMML"]))
    later_s = NOW_S + np.arange(0, 5 * 3_600, 60)
    # All of a day that is in nobody's way.
    known.add(np.append(later_s, NOW_S - 3_600), np.repeat(key, later_s.size + 1))
    np.testing.assert_array_equal(usual.of(situation(), np.arange(3)).counts, before)


def test_days_that_are_not_known_do_not_count() -> None:
    """After ten days a flight a day is still one a day."""
    few, many = (
        UsualTakeOffs(departures(5_400, days=days), LOCAL).of(situation(), np.array([0]))
        for days in (10, 29)
    )
    assert few.counts.sum() == pytest.approx(many.counts.sum(), rel=0.15) == pytest.approx(1.0)
    assert not UsualTakeOffs(Departures(), LOCAL).of(situation(), np.arange(3)).counts.any()


def test_a_gap_in_what_was_received_is_no_time_without_flights() -> None:
    """Ten days of which nothing is known leave a flight a day at one a day."""
    arrays = departures(5_400).to_arrays()
    ago_s = NOW_S - arrays["time_s"]
    there = (ago_s < 8 * DAY_S) | (ago_s > 18 * DAY_S)
    holed = Departures()
    holed.add(arrays["time_s"][there], arrays["key"][there])
    said = UsualTakeOffs(holed, LOCAL).of(situation(), np.array([0]))
    assert said.counts.sum() == pytest.approx(1.0)


def test_hours_without_a_feed_are_no_hours_without_flights() -> None:
    """Of three hours yesterday nothing is known: who leaves every day leaves every day."""
    whole, past = departures(5_400), Past(np.array([1]), NOW_S - 30 * DAY_S)
    # Others do at another time.
    whole.add(departures(-7_200).to_arrays()["time_s"], np.full(29, 7, np.uint64))
    ago_s = 30 * DAY_S - 60 * np.arange(30 * 1_440)
    known = (ago_s > DAY_S) | (ago_s <= DAY_S - 3 * 3_600)
    past.add_minutes(past.from_s, np.zeros((1, known.size), np.int64), known)
    arrays = whole.to_arrays()
    gone = arrays["time_s"] == NOW_S + 5_400 - DAY_S
    assert gone.sum() == 1
    holed = Departures.from_arrays({name: each[~gone] for name, each in arrays.items()})
    expected = UsualTakeOffs(whole, LOCAL).of(situation(), np.array([0])).counts
    found = UsualTakeOffs(holed, LOCAL, past).of(situation(), np.array([0])).counts
    np.testing.assert_allclose(found, expected)
    assert UsualTakeOffs(holed, LOCAL).of(situation(), np.array([0])).counts.sum() < 0.97
    # Where it is known of no day, nothing is.
    never = UsualTakeOffs(whole, LOCAL, Past(np.array([1]), NOW_S))
    assert not never.of(situation(), np.array([0])).counts.any()


@given(
    st.lists(st.floats(0, 1), min_size=OFF_STEPS, max_size=OFF_STEPS),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_probabilities_stay_probabilities(rate: list[float], weight: float) -> None:
    """Whatever was usual; with no weight nothing changes."""
    off = sharpened(FLAT[None], np.array([rate]), 1e-4, weight)
    assert (off >= 0).all()
    assert off.sum() == pytest.approx(1.0)
    if not weight:
        np.testing.assert_allclose(off[0], FLAT)


def learned(off_s: np.ndarray) -> tuple[LearnedPlans, float]:
    """What is learned where the first of three flights takes off then, and what it gains."""
    history = SimpleNamespace(
        to_s=NOW_S + DAY_S,
        flights=SimpleNamespace(departed_s=departures(5_400).to_arrays()["time_s"]),
        plans=SimpleNamespace(origin=np.array([0]), destination=np.array([1])),
        places=SimpleNamespace(icao=PLACES),
        revisions=SimpleNamespace(at=lambda flight, _time_s: (np.zeros_like(flight), flight)),
        known_steps=lambda _from_s, steps: np.ones(steps, np.bool_),
    )
    learning = UsualLearning(cast("History", history), LOCAL, NOW_S)
    take_offs = TakeOffs(np.array([0]), FLAT[None, :OFF_STEPS].astype(np.float32))
    for each in off_s.tolist():
        outcomes = SimpleNamespace(
            flights_of=lambda _then: np.arange(3),
            off_s=lambda flight, _as_of_s, each=each: np.full(flight.size, NOW_S + each),
        )
        learning.add(situation(), take_offs, cast("Outcomes", outcomes))
    return learning.learned(LearnedPlans.priors()), float(learning.gained.max())


def test_it_is_believed_as_much_as_it_is_worth() -> None:
    """In full where flights keep to their times; not at all where they go when they like."""
    chance = np.random.default_rng(1)
    kept, gain = learned(chance.normal(5_400, 240, 600).astype(int))
    assert kept.usual_weight == 1.0
    assert gain > 1.0
    spread, _ = learned(chance.integers(0, OFF_STEPS * 300, 600))
    assert spread.usual_weight == 0.0


def test_of_few_take_offs_nothing_is_learned() -> None:
    """Fewer than 500."""
    assert learned(np.full(400, 5_400))[0].usual_weight == 0.0
