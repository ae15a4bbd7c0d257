"""What the model is asked with: the same from the store and from a tick, whatever comes later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecast.flown_past import START_S, Flown, airports, airspace, fly, snapshots
from sectorwatch.forecast.features import FEATURES, STEP_S, Memory, feature_rows
from sectorwatch.forecast.history import History
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.model.table import Walk
from sectorwatch.forecast.model.training import kinds_of
from sectorwatch.forecast.now import situation_now
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter
from sectorwatch.forecast.regulars import PairVisits, Ways

if TYPE_CHECKING:
    from sectorwatch.store import Store

HOURS_6 = START_S + 6 * 3_600
FIRST_S = START_S // 300 * 300 + 600
LOCAL = LocalTime("Australia/Sydney")


def walked(history: History, to_s: int) -> dict[int, np.ndarray]:
    """The rows of each moment, as a training comes by them."""
    counter, learned = PlanCounter(airspace(), airports()), LearnedPlans.priors()
    memory = Memory(kinds_of(airspace()), LOCAL)
    walk = Walk(history, lambda each, usual: counter.count(each, learned, usual=usual), memory)
    return {each.as_of_s: each.rows for each in walk.moments(FIRST_S, to_s)}


def load(store: Store) -> History:
    """The six hours."""
    return History.load(store, airspace(), airports(), START_S, HOURS_6)


def test_training_asks_what_a_running_program_asks(six_hours: tuple[Store, Flown]) -> None:
    """The store moment by moment, and ticks with the truth as it becomes final: the same rows."""
    store, flown = six_hours
    expected = walked(load(store), HOURS_6)
    assert len(expected) >= 5
    counter, learned = PlanCounter(airspace(), airports()), LearnedPlans.priors()
    memory = Memory(kinds_of(airspace()), LOCAL)
    past = Past(load(store).sector_ids, START_S)
    for as_of_s, rows in expected.items():
        tick = flown.tick_at(as_of_s)
        until_s = tick.final_minute_s
        assert until_s is not None
        past.catch_up(store, until_s + 60)
        situation = situation_now(tick, airspace(), airports(), received_at_us=as_of_s * 1_000_000)
        plan = counter.count(situation, learned)
        found = feature_rows(situation, plan, past, memory, until_s)
        memory.note(situation, plan, past, until_s)
        # Coordinates are kept to 1e-5 degrees, which moves a flight by a second at most.
        np.testing.assert_allclose(found, rows, atol=0.02, err_msg=str(as_of_s))
    known = ~np.isnan(rows).all(axis=(0, 1))
    names = {name for name, is_known in zip(FEATURES, known, strict=True) if is_known}
    assert {"plan_usual", "residual_1", "residual_4", "trend", "off_delay_min"} <= names


def test_another_future_changes_no_row(store: Store, six_hours: tuple[Store, Flown]) -> None:
    """From three hours on everything is different: what was asked before then is the same."""
    parting_s = START_S + 3 * 3_600
    before = [s for s in range(START_S, parting_s, 60) if not 190 <= (s - START_S) // 60 < 210]
    after = range(parting_s, HOURS_6 + 600, 60)
    fly(store, snapshots(before) + snapshots(after, seed=7), seal_every=30)
    ours, theirs = walked(load(six_hours[0]), parting_s), walked(load(store), parting_s)
    assert len(ours) >= 3
    assert ours.keys() == theirs.keys()
    for as_of_s, rows in ours.items():
        np.testing.assert_array_equal(rows, theirs[as_of_s], err_msg=str(as_of_s))


def test_what_is_learned_of_the_unseen_had_come_true(six_hours: tuple[Store, Flown]) -> None:
    """A bin that is not final yet teaches nothing."""
    history = load(six_hours[0])
    counter, learned = PlanCounter(airspace(), airports()), LearnedPlans.priors()
    memory = Memory(kinds_of(airspace()), LOCAL)
    walk = Walk(history, lambda each, usual: counter.count(each, learned, usual=usual), memory)
    moments = walk.moments(FIRST_S, HOURS_6)
    next(moments)
    next(moments)
    # After 55 min the bins of the first look that begin within 45 min of it are known, no others.
    sums = memory.unseen.to_arrays()["surplus.weights"].sum(axis=(0, 1, 3))
    known = (history.final_minute_s(FIRST_S + STEP_S) or 0) + 60 >= LEADS + FIRST_S + 900
    assert (sums > 0).tolist() == known.tolist()
    assert 0 < known.sum() < LEADS.size


def test_ways_of_more_sectors_than_leads_are_kept() -> None:
    """What is remembered comes back for as many sectors as there are."""
    kind = np.zeros(2 * LEADS.size, dtype=np.int8)
    memory = Memory(kind, LOCAL)
    key = np.array([1, 1], dtype=np.uint64)
    last = np.full(2, kind.size - 1)
    memory.ways = Ways.learn(key, [PairVisits(key, last, np.zeros(2, int), np.full(2, 900))])
    again = Memory.from_arrays(memory.to_arrays(), np.arange(kind.size), kind, LOCAL)
    np.testing.assert_array_equal(again.ways.sector, memory.ways.sector)
    assert again.ways.sector.tolist() == [kind.size - 1]
