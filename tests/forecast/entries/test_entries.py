from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.flown_past import START_S, Flown, airports, airspace
from sectorwatch.errors import StoreError
from sectorwatch.forecast.entries import EntryForecasts
from sectorwatch.forecast.entries.accuracy import NOBODY_KNOWS, EntryFigures
from sectorwatch.forecast.entries.errors_seen import ErrorsSeen
from sectorwatch.forecast.entries.forecasts import MOST_KEPT
from sectorwatch.forecast.history import History
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter, entries_of
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.entries import EntryEstimates
    from sectorwatch.store import Store

AS_OF_S = 1_000_000_000
MOMENTS = [START_S + minute * 60 + 2 for minute in (30, 45, 60, 75, 90)]
DUE_S = START_S + 369 * 60


def plans(middle_min: NDArray[np.float64]) -> NDArray[np.int64]:
    """Intervals round moments so many minutes ahead, 5 min early to 10 min late."""
    return (AS_OF_S + (middle_min[:, None] + [-5, 0, 10]) * 60).astype(np.int64)


def told_at(moment_s: int, history: History, forecasts: EntryForecasts) -> EntryEstimates:
    """What is expected at a moment of the past."""
    counter = PlanCounter(airspace(), airports())
    situation = history.situation(moment_s)
    outlook = entries_of(counter.carried(situation, LearnedPlans.priors()))
    return forecasts.issue(situation, outlook, model="m1", seq=moment_s)


@pytest.fixture(scope="module")
def issued(six_hours: tuple[Store, Flown]) -> tuple[Store, History, EntryForecasts]:
    """Estimates of five moments, kept and scored."""
    store, _ = six_hours
    history = History.load(store, airspace(), airports(), START_S, DUE_S // 60 * 60)
    forecasts = EntryForecasts(history.sector_ids)
    for moment_s in MOMENTS:
        told_at(moment_s, history, forecasts)
        assert forecasts.keep(store) == 1
        assert forecasts.keep(store) == 0
        assert forecasts.score(store, moment_s) == 0
    while forecasts.score(store, DUE_S):
        pass
    return store, history, forecasts


def test_without_experience_the_plan_stands() -> None:
    """Nothing was seen: interval and probability are the plan's own."""
    plan_s, chance = plans(np.arange(1.0, 230.0)), np.linspace(0.05, 0.99, 229)
    stage = np.full(229, Stage.AIRBORNE, np.int8)
    entry_s, probability = ErrorsSeen().allowed_for(AS_OF_S, stage, plan_s, chance)
    np.testing.assert_array_equal(entry_s, np.maximum(plan_s, AS_OF_S))
    np.testing.assert_allclose(probability, chance, atol=1e-9)


@pytest.mark.parametrize(("bias_min", "spread_min"), [(0, 1), (3, 4), (-2, 15), (20, 2)])
def test_intervals_come_to_hold_what_they_promise(bias_min: float, spread_min: float) -> None:
    """Whatever the plan gets wrong, of those that entered 80 % are in, and half are before."""
    chance = np.random.default_rng(1)
    seen = ErrorsSeen()

    def turn_out(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        plan_s = plans(chance.uniform(65, 115, count))
        error_s = (bias_min + chance.standard_t(3, count) * spread_min) * 60
        return plan_s, (plan_s[:, 1] + error_s).astype(np.int64)

    plan_s, entered_s = turn_out(6_000)
    stage = np.full(6_000, Stage.GROUND, np.int8)
    comes = chance.random(6_000) < 0.6
    seen.add(AS_OF_S, stage, plan_s, np.full(6_000, 0.8), np.where(comes, entered_s, UNKNOWN))
    plan_s, entered_s = turn_out(6_000)
    told_s, probability = seen.allowed_for(AS_OF_S, stage, plan_s, np.full(6_000, 0.8))
    inside = (entered_s >= told_s[:, 0]) & (entered_s <= told_s[:, 2])
    assert 0.77 < inside.mean() < 0.84
    assert 0.45 < (entered_s > told_s[:, 1]).mean() < 0.55
    assert 0.58 < probability.mean() < 0.64
    # Of another class nothing was learned.
    air = np.full(6_000, Stage.AIRBORNE, np.int8)
    np.testing.assert_array_equal(
        seen.allowed_for(AS_OF_S, air, plan_s, np.full(6_000, 0.8))[0], plan_s
    )


@given(
    st.lists(
        st.tuples(
            st.integers(-(10**4), 10**5),
            st.integers(0, 10**5),
            st.integers(0, 10**5),
            st.integers(-1, 10**6),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_estimates_are_in_order_and_never_past(rows: list[tuple[int, int, int, int]]) -> None:
    """However absurd plans and their outcomes are."""
    table = np.array(rows, np.int64)
    middle_s = AS_OF_S + table[:, 0]
    plan_s = np.column_stack([middle_s - table[:, 1], middle_s, middle_s + table[:, 2]])
    stage = np.where(table[:, 3] % 2, Stage.GROUND, Stage.AIRBORNE).astype(np.int8)
    entered_s = np.where(table[:, 3] < 0, UNKNOWN, AS_OF_S + table[:, 3])
    chance = np.full(len(rows), 0.5)
    seen = ErrorsSeen()
    for _ in range(30):
        seen.add(AS_OF_S, stage, plan_s, chance, entered_s)
    told_s, probability = seen.allowed_for(AS_OF_S, stage, plan_s, chance)
    assert (np.diff(told_s, axis=1) >= 0).all()
    assert (told_s >= AS_OF_S).all()
    assert ((probability > 0) & (probability < 1)).all()
    again = ErrorsSeen.from_blob(seen.to_blob())
    np.testing.assert_array_equal(again.allowed_for(AS_OF_S, stage, plan_s, chance)[0], told_s)


def test_what_was_seen_is_forgotten() -> None:
    """After a month the plan stands again."""
    plan_s = plans(np.full(500, 90.0))
    stage = np.full(500, Stage.GROUND, np.int8)
    seen = ErrorsSeen()
    seen.add(AS_OF_S, stage, plan_s, np.ones(500), plan_s[:, 1] + 3_600)
    late = seen.allowed_for(AS_OF_S, stage[:1], plan_s[:1], np.ones(1))[0]
    assert late[0, 1] > plan_s[0, 1] + 2_000
    seen.add(AS_OF_S + 40 * 86_400, stage[:0], plan_s[:0], np.ones(0), plan_s[:0, 1])
    (early,) = seen.allowed_for(AS_OF_S, stage[:1], plan_s[:1], np.ones(1))[0]
    assert abs(early[1] - plan_s[0, 1]) < 60


def test_estimates_are_of_flights_online_outside_the_sector(
    six_hours: tuple[Store, Flown],
) -> None:
    """By sector and time, each pair once, none of a prefile, none of a flight inside."""
    history = History.load(six_hours[0], airspace(), airports(), START_S, START_S + 7_200)
    forecasts = EntryForecasts(history.sector_ids)
    told = told_at(START_S + 5_000, history, forecasts)
    assert forecasts.latest is told
    assert len(told) > 20
    situation = history.situation(told.as_of_s)
    stage_of = dict(zip(situation.flight_id.tolist(), situation.stage.tolist(), strict=True))
    assert [stage_of[each] for each in told.flight_id.tolist()] == told.stage.tolist()
    assert set(told.stage.tolist()) == {Stage.GROUND, Stage.AIRBORNE}
    pairs = list(zip(told.flight_id.tolist(), told.sector.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    row_of = {number: row for row, number in enumerate(situation.flight_id.tolist())}
    for flight, sector in pairs:
        assert sector not in situation.sector[:, row_of[flight]]
    rows = told.into(int(told.sector[-1]))
    assert (np.diff(told.entry_s[rows, 1]) >= 0).all()
    assert set(told.sector[rows].tolist()) == {int(told.sector[-1])}
    assert told.into(10_000).size == 0


def test_scores_are_what_happened(issued: tuple[Store, History, EntryForecasts]) -> None:
    """Counted again, one by one, from the visits of the past."""
    store, history, forecasts = issued
    kept = store.forecasts.kept("entries", 0, DUE_S)
    assert [each.as_of_s for each in kept] == MOMENTS
    visits = history.visits(START_S, DUE_S)
    entries: dict[tuple[int, int], list[int]] = {}
    for flight, sector, entry_s in zip(
        visits.flight.tolist(), visits.sector.tolist(), visits.entry_s.tolist(), strict=True
    ):
        entries.setdefault((int(history.flights.flight_id[flight]), sector), []).append(entry_s)
    stall_s = START_S + 189 * 60
    told = entered = inside = unknown = 0
    for each in kept:
        estimates = forecasts._unpacked(each.content, each.as_of_s)
        assert len(estimates) <= MOST_KEPT
        for row in range(len(estimates)):
            pair = int(estimates.flight_id[row]), int(estimates.sector[row])
            after = [at for at in entries.get(pair, []) if at > each.as_of_s]
            if not after or after[0] > stall_s:
                unknown += 1
                continue
            told += 1
            entered += 1
            inside += int(estimates.entry_s[row, 0]) <= after[0] <= int(estimates.entry_s[row, 2])
    found = forecasts.accuracy()
    assert sum(each.told for each in found) == told > 50
    assert sum(each.unknown for each in found) == unknown > 0
    assert sum(each.entered for each in found) == entered
    assert sum(round((each.coverage or 0) * each.entered) for each in found) == inside
    ahead = [(each.stage, each.from_s) for each in found]
    assert ahead == sorted(ahead, key=lambda each: (each[0] != "ground", each[1]))


def test_a_restart_goes_on(issued: tuple[Store, History, EntryForecasts]) -> None:
    """With the same figures, the same corrections, and nothing scored twice."""
    store, history, forecasts = issued
    again = EntryForecasts(history.sector_ids)
    again.resume(store)
    assert again.accuracy() == forecasts.accuracy()
    assert again.score(store, DUE_S) == 0
    one = told_at(START_S + 9_000, history, again)
    other = told_at(START_S + 9_000, history, forecasts)
    np.testing.assert_array_equal(one.entry_s, other.entry_s)


def test_what_never_came_is_counted_apart() -> None:
    """It is in no error; and what nobody knows is in nothing but the count of that."""
    figures = EntryFigures()
    plan_s = plans(np.array([30.0, 31.0, 32.0]))
    told = replace(
        _told(plan_s),
        probability=np.array([0.5, 0.25, 0.125], np.float32),
    )
    figures.add(told, np.array([plan_s[0, 1] + 60, UNKNOWN, NOBODY_KNOWS]))
    (found,) = EntryFigures.from_blob(figures.to_blob()).read()
    assert (found.told, found.entered, found.unknown, found.expected) == (2, 1, 1, 0.75)
    assert (found.coverage, found.bias_s, found.mean_absolute_error_s) == (1.0, 60.0, 60.0)
    assert (found.stage, found.from_s, found.to_s) == ("ground", 1_800, 3_600)


def test_what_is_kept_is_bounded_and_follows_the_same_pairs() -> None:
    """A thousand pairs at the most, and whoever is chosen stays chosen."""
    forecasts = EntryForecasts(np.arange(100, 110, dtype=np.int64))
    many = _told(plans(np.linspace(5, 200, 5_000)))
    rows = forecasts._sample(many)
    assert rows.size == MOST_KEPT
    later = many.take(np.arange(1, 5_000))
    chosen = set(many.flight_id[rows].tolist())
    assert len(chosen & set(later.flight_id[forecasts._sample(later)].tolist())) >= MOST_KEPT - 1


@pytest.mark.parametrize("blob", [b"", b"SWFC" + b"\0" * 20, EntryFigures().to_blob()])
def test_a_state_that_cannot_be_read_is_refused(blob: bytes) -> None:
    """And whoever resumes begins anew."""
    with pytest.raises(StoreError):
        ErrorsSeen.from_blob(blob)
    with pytest.raises(StoreError):
        EntryFigures.from_blob(ErrorsSeen().to_blob())


def test_a_damaged_issue_and_state_stop_nothing(store: Store) -> None:
    """What cannot be read is left out; the rest goes on."""
    store.forecasts.keep("entries", AS_OF_S, "", b"no columns at all")
    store.forecasts.keep_state("entries", AS_OF_S - 1, b"neither")
    forecasts = EntryForecasts(np.arange(3, dtype=np.int64))
    forecasts.resume(store)
    assert forecasts.score(store, AS_OF_S + 86_400) == 0
    assert forecasts.accuracy() == []
    assert forecasts.keep(store) == 0


def test_what_waits_for_the_database_is_kept_as_it_was_told(
    six_hours: tuple[Store, Flown], store: Store
) -> None:
    """Of each quarter of an hour the estimates of then, after which tick and by which model."""
    history = History.load(six_hours[0], airspace(), airports(), START_S, DUE_S // 60 * 60)
    forecasts = EntryForecasts(history.sector_ids)
    told = [told_at(moment_s, history, forecasts) for moment_s in MOMENTS]
    again = told_at(MOMENTS[-1] + 300, history, forecasts)
    assert again.as_of_s // 900 == MOMENTS[-1] // 900
    assert forecasts.keep(store) == len(MOMENTS)
    kept = store.forecasts.kept("entries", 0, DUE_S)
    assert [(each.as_of_s, each.seq, each.model) for each in kept] == [
        (moment_s, moment_s, "m1") for moment_s in MOMENTS
    ]
    for each, then in zip(kept, told, strict=True):
        found = forecasts._unpacked(each.content, each.as_of_s)
        np.testing.assert_array_equal(found.entry_s, then.entry_s)
        np.testing.assert_array_equal(found.flight_id, then.flight_id)


def test_a_clock_that_is_set_back_keeps_nothing_from_being_kept(
    six_hours: tuple[Store, Flown], store: Store
) -> None:
    """Whatever is of another quarter of an hour is kept, an earlier one too."""
    history = History.load(six_hours[0], airspace(), airports(), START_S, DUE_S // 60 * 60)
    forecasts = EntryForecasts(history.sector_ids)
    told_at(MOMENTS[-1], history, forecasts)
    told_at(MOMENTS[0], history, forecasts)
    assert forecasts.keep(store) == 2


def _told(plan_s: NDArray[np.int64]) -> EntryEstimates:
    from sectorwatch.forecast.entries.estimates import EntryEstimates  # noqa: PLC0415

    count = len(plan_s)
    return EntryEstimates(
        as_of_s=AS_OF_S,
        flight_id=np.arange(count, dtype=np.int64) * 7_919 + 11,
        stage=np.full(count, Stage.GROUND, np.int8),
        sector=(np.arange(count) % 10).astype(np.int32),
        probability=np.full(count, 0.5, np.float32),
        entry_s=plan_s,
        plan_p=np.full(count, 0.5, np.float32),
        plan_s=plan_s,
        known=np.arange(count, dtype=np.int64),
    )
