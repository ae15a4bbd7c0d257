from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.flown_past import (
    START_S,
    Flown,
    airports,
    airspace,
    assert_same,
    fly,
    snapshots,
)
from made_ticks import tick as made_tick
from sectorwatch.clock import format_s
from sectorwatch.forecast.drawn import since_of
from sectorwatch.forecast.history import History
from sectorwatch.forecast.now import situation_now
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.situation import UNKNOWN, Stage
from sectorwatch.store import Identity, schema
from sectorwatch.store.segments import POSITIONS
from sectorwatch.traffic import Tracker

if TYPE_CHECKING:
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Visit

HOURS_6 = START_S + 6 * 3_600


def load(store: Store, from_s: int = START_S, to_s: int = HOURS_6) -> History:
    """The past, as a forecast reads it."""
    return History.load(store, airspace(), airports(), from_s, to_s)


def told_then(flown: Flown, as_of_s: int) -> Situation:
    """What the tick said that had been received last."""
    tick = flown.tick_at(as_of_s)
    return situation_now(tick, airspace(), airports(), received_at_us=as_of_s * 1_000_000)


def test_a_past_moment_is_what_was_known_then(six_hours: tuple[Store, Flown]) -> None:
    """Field by field what the tick received last told, at any second, in and after a gap too."""
    store, flown = six_hours
    history = load(store)
    moments = np.random.default_rng(3).integers(START_S + 2, HOURS_6, 150)
    seen = set()
    for as_of_s in sorted(moments.tolist()):
        ours = history.situation(as_of_s)
        assert_same(ours, told_then(flown, as_of_s))
        seen |= set(ours.stage.tolist())
    assert seen == set(Stage)
    assert history.flights.flight_id.size > 50


def test_order_of_asking_does_not_matter(six_hours: tuple[Store, Flown]) -> None:
    """Backwards, and from hour to hour, the answers are the same."""
    store, flown = six_hours
    history = load(store)
    for minute in (300, 10, 301, 61, 59, 240):
        as_of_s = START_S + minute * 60 + 3
        assert_same(history.situation(as_of_s), told_then(flown, as_of_s))


def test_another_future_changes_nothing(store: Store, six_hours: tuple[Store, Flown]) -> None:
    """Other pilots, plans, prefiles and landings after a moment leave it as it was, to the last."""
    parted_s = START_S + 150 * 60
    before = snapshots(range(START_S, parted_s, 60))
    # Another network from then on: nobody of before is there, hundreds of others are.
    after = snapshots(range(parted_s, parted_s + 3_600, 60), seed=9)
    fly(store, [*before, *after])
    ours, theirs = load(store, to_s=parted_s + 3_600), load(six_hours[0])
    last_s = parted_s + 1
    assert len(theirs.situation(parted_s + 120)) != len(ours.situation(parted_s + 120))
    for as_of_s in range(START_S + 2, last_s + 1, 197):
        assert_same(ours.situation(as_of_s), theirs.situation(as_of_s))
    assert_same(ours.situation(last_s), theirs.situation(last_s))
    final_s = ours.final_minute_s(last_s)
    assert final_s == theirs.final_minute_s(last_s)
    bins = np.arange(START_S, last_s, 300)
    np.testing.assert_array_equal(
        ours.bin_mean(bins, until_s=final_s), theirs.bin_mean(bins, until_s=final_s)
    )


def test_a_plan_changed_or_withdrawn_later_is_as_it_was(store: Store) -> None:
    """What is filed after a moment does not reach back to it."""
    times_s = range(START_S, START_S + 7_200, 60)
    feeds = snapshots(times_s)
    parted = 60
    changed = [
        replace(
            feed,
            pilots=[
                type(pilot)(
                    **{name: getattr(pilot, name) for name in pilot.__struct_fields__}
                    | {"flight_plan": pilot.flight_plan.replace(b'"altitude":"', b'"altitude":"1')}
                )
                for pilot in feed.pilots
            ],
            prefiles=[],
        )
        for feed in feeds[parted:]
    ]
    flown = fly(store, [*feeds[:parted], *changed])
    history = load(store, to_s=START_S + 7_200)
    then_s = START_S + (parted - 1) * 60 + 2
    assert_same(history.situation(then_s), told_then(flown, then_s))
    assert np.count_nonzero(history.situation(then_s).stage == Stage.PREFILED)
    later = history.situation(then_s + 60)
    assert_same(later, told_then(flown, then_s + 60))
    assert not np.count_nonzero(later.stage == Stage.PREFILED)


@pytest.mark.postgres
def test_postgresql_knows_the_same(postgres_store: Store, six_hours: tuple[Store, Flown]) -> None:
    """Another database gives the same situations, demand and visits."""
    fly(postgres_store, snapshots(range(START_S, START_S + 5_400, 60)), seal_every=70)
    ours = load(postgres_store, to_s=START_S + 5_400)
    theirs = load(six_hours[0])
    for as_of_s in range(START_S + 2, START_S + 5_300, 611):
        assert_same(ours.situation(as_of_s), theirs.situation(as_of_s))
    known = int(np.count_nonzero(ours.known))
    assert known > 80
    np.testing.assert_array_equal(ours.occupancy[:, :known], theirs.occupancy[:, :known])
    one, other = (each.visits(START_S, START_S + 3_600) for each in (ours, theirs))
    np.testing.assert_array_equal(one.entry_s, other.entry_s)
    np.testing.assert_array_equal(one.sector, other.sector)


def test_before_the_first_snapshot_nothing_is_known(six_hours: tuple[Store, Flown]) -> None:
    """No flight, and it says that this is not complete."""
    history = load(six_hours[0], START_S - 3_600)
    nothing = history.situation(START_S + 1)
    assert len(nothing) == 0
    assert not nothing.complete
    assert nothing.sector.shape == (len(airspace().partitions), 0)
    assert nothing.occupancy.sum() == 0
    assert history.final_minute_s(START_S + 1) is None
    assert len(history.situation(START_S + 2)) > 0


def test_a_stall_of_the_feed_is_known_as_one(six_hours: tuple[Store, Flown]) -> None:
    """In a gap the situation is the last one, not complete; its minutes are unknown, not empty."""
    history = load(six_hours[0])
    in_gap_s = START_S + 200 * 60
    assert not history.situation(in_gap_s).complete
    assert not history.has_snapshot(in_gap_s)
    assert history.situation(START_S + 189 * 60 + 100).complete
    assert not history.known[190:209].any()
    assert np.isnan(history.bin_mean(np.array([in_gap_s - 600]))).all()
    assert any("not known" in each for each in history.notes)


def test_positions_that_are_gone_are_said(store: Store) -> None:
    """Where an hour's file is lost its situations are empty and incomplete, and demand stays."""
    fly(store, snapshots(range(START_S, START_S + 3 * 3_600, 60)), seal_every=60)
    history = load(store, to_s=START_S + 3 * 3_600)
    expected = history.situation(START_S + 5_400)
    assert expected.complete
    with store.database.read("finding a file") as connection:
        (file,) = store.manifest.of_period(connection, POSITIONS, START_S + 3_600)
    (store.manifest.root / file.path).unlink()
    lost = load(store, to_s=START_S + 3 * 3_600).situation(START_S + 5_400)
    assert not lost.complete
    assert not np.count_nonzero(lost.stage == Stage.AIRBORNE)


def test_occupancy_and_visits_are_those_of_the_ticks(six_hours: tuple[Store, Flown]) -> None:
    """Demand by minute, and who visited which sector when, are what the tracker gave."""
    store, flown = six_hours
    history = load(store)
    row_of = {int(number): row for row, number in enumerate(history.sector_ids)}
    expected = np.zeros_like(history.occupancy)
    visits: dict[tuple[int, int, int], Visit] = {}
    for tick in flown.ticks.values():
        for minute, sector, count in zip(
            tick.demand.minute_s.tolist(),
            tick.demand.sector_id.tolist(),
            tick.demand.occupancy.tolist(),
            strict=True,
        ):
            if minute < history.to_s:
                expected[row_of[sector], (minute - START_S) // 60] = count
        visits |= {(each.flight_id, each.sector_id, each.entry_s): each for each in tick.visits}
    np.testing.assert_array_equal(history.occupancy, expected)
    assert history.occupancy.max() > 1
    found = history.visits(START_S - 300, HOURS_6)
    keys = {
        (
            int(history.flights.flight_id[flight]),
            int(history.sector_ids[sector]),
            int(entry),
        ): exit_s
        for flight, sector, entry, exit_s in zip(
            found.flight, found.sector, found.entry_s.tolist(), found.exit_s.tolist(), strict=True
        )
    }
    assert keys == {
        key: UNKNOWN if each.exit_s is None else each.exit_s
        for key, each in visits.items()
        if each.entry_s < HOURS_6
    }


def test_a_past_filled_in_any_way_gives_the_same(six_hours: tuple[Store, Flown]) -> None:
    """From a history, from the store at once or bit by bit, and minute by minute."""
    store, _ = six_hours
    history = load(store, to_s=START_S + 370 * 60)
    whole = Past.of(history)
    until_s = START_S + 370 * 60
    loaded = Past.load(store, airspace(), until_s)
    bit_by_bit = Past.load(store, airspace(), START_S + 3_900)
    for end_s in range(START_S + 4_000, until_s + 400, 437):
        bit_by_bit.catch_up(store, end_s)
    by_minute = Past(history.sector_ids, START_S)
    for column in np.flatnonzero(history.known).tolist():
        by_minute.add(START_S + column * 60, history.occupancy[:, column])
    starts = np.arange(START_S - 900, until_s + 900, 300)
    for final_s in (None, START_S + 100 * 60, START_S + 342 * 60):
        expected = history.bin_mean(starts, until_s=final_s)
        assert np.isfinite(expected).any()
        assert np.isnan(expected).any()
        for past in (whole, loaded, bit_by_bit, by_minute):
            np.testing.assert_array_equal(past.bin_mean(starts, until_s=final_s), expected)


def test_a_past_that_is_stopped_between_two_days_is_gone_on_with(
    six_hours: tuple[Store, Flown],
) -> None:
    """No more than a day is read behind a stop, and nothing is missing or twice afterwards."""
    store, _ = six_hours
    until_s = START_S + 370 * 60
    whole = Past.load(store, airspace(), until_s)
    past = Past.before(store, airspace(), until_s)
    rounds = 0
    while not past.catch_up(store, until_s, iter([False, True]).__next__):
        rounds += 1
        assert past.until_s < until_s - 60
        # A day, but for the first one, which begins at noon or whenever.
        assert (past.until_s + 60) % 86_400 == 0
    assert rounds == 36
    assert past.until_s == whole.until_s
    starts = np.arange(START_S - 900, until_s + 900, 300)
    np.testing.assert_array_equal(past.bin_mean(starts), whole.bin_mean(starts))
    assert np.isfinite(past.bin_mean(starts)).any()


def test_a_past_is_bounded(six_hours: tuple[Store, Flown]) -> None:
    """However long it goes on it keeps five weeks, and forgets what is older."""
    ids = load(six_hours[0]).sector_ids[:2]
    past = Past(ids, START_S)
    size = past.nbytes
    one_day = np.ones((2, 1_440), np.int16)
    for day in range(50):
        past.add_minutes(START_S + day * 86_400, one_day * (day + 1), np.ones(1_440, np.bool_))
    assert past.nbytes == size
    last_s = START_S + 49 * 86_400
    weeks = last_s - np.arange(6) * 7 * 86_400
    np.testing.assert_array_equal(past.bin_mean(weeks)[0], [50, 43, 36, 29, 22, 15])
    assert np.isnan(past.bin_mean(weeks[-1:] - 7 * 86_400)).all()


def test_a_sector_drawn_later_has_no_past_before_it_was_there(store: Store) -> None:
    """What an earlier airspace did not have is unknown then, not empty; told alike by every past."""
    parted_s, until_s = START_S + 5_400, START_S + 3 * 3_600
    ours = airspace().fingerprint
    tracker = Tracker(airspace(), airports())
    for feed in snapshots(range(START_S, until_s, 60)):
        fingerprint = "b" * 32 if feed.time_s < parted_s else ours
        store.identify(Identity(fingerprint, "c" * 32, "d" * 32))
        tick = tracker.advance(feed)
        assert tick is not None
        store.commit(tick)
    store.seal_due(until_s - 60)
    history = load(store, to_s=until_s)
    assert history.airspaces == [(START_S, "b" * 32), (parted_s, ours)]
    first = (history.occupancy > 0).argmax(axis=1)
    was_there = (first < 90) & history.occupancy.any(axis=1)
    assert was_there.any()
    assert not was_there.all()
    np.testing.assert_array_equal(history.since_s, np.where(was_there, 0, parted_s))
    starts = np.arange(START_S, until_s - 1_200, 300)
    means = history.bin_mean(starts)
    np.testing.assert_array_equal(
        np.isnan(means), ~was_there[:, None] & (starts < parted_s)[None, :]
    )
    assert any(f"{int((~was_there).sum())} have no past" in each for each in history.notes)
    loaded = Past.load(store, airspace(), until_s - 180)
    grown = Past.load(store, airspace(), parted_s + 300)
    grown.catch_up(store, until_s - 180)
    for past in (Past.of(history), loaded, grown):
        np.testing.assert_array_equal(past.bin_mean(starts), means)
    # A training that goes through the past in pieces takes none of it for empty either.
    piece = load(store, parted_s, until_s)
    np.testing.assert_array_equal(piece.since_s, history.since_s)
    before = load(store, START_S, parted_s)
    np.testing.assert_array_equal(np.isnan(before.bin_mean(starts[:3])[:, 0]), ~was_there)


def test_days_computed_again_count_for_the_airspace_they_were_computed_for(store: Store) -> None:
    """Then a sector that is new was there on them; before them, nobody knows."""
    day_s = START_S // 86_400 * 86_400
    for seq, (number, each) in enumerate(((0, "b"), (3, "e"), (5, "f")), 1):
        store.identify(Identity(each * 32, "c" * 32, "d" * 32))
        store.commit(made_tick(seq, time_s=day_s + number * 86_400 + 600))
    with store.database.write("noting a day computed again") as connection:
        for number in (2, 3):
            connection.execute(
                schema.meta.insert().values(
                    name=f"airspace_of:{format_s(day_s + number * 86_400)[:10]}", value="f" * 32
                )
            )
    counted = store.history.airspaces(day_s + 30 * 86_400)
    noons_s = [day_s + day * 86_400 + 43_200 for day in range(7)]
    at_noon = [counted[bisect_right(counted, (noon_s, "~")) - 1][1][0] for noon_s in noons_s]
    assert "".join(at_noon) == "bbffeff"
    assert [time_s for time_s, _ in counted] == sorted(time_s for time_s, _ in counted)
    assert store.history.airspaces(day_s + 86_400) == [(day_s + 600, "b" * 32)]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from("abc")), max_size=6),
    st.lists(st.integers(-1, 200), min_size=1, max_size=8),
)
def test_a_sector_is_there_from_the_airspace_on_in_which_it_was_first_used(
    steps: list[tuple[int, str]], first: list[int]
) -> None:
    """Worked out moment by moment: never later than its first flight, nor between two changes."""
    begins = accumulate(length for length, _ in steps)
    spans = list(zip(begins, (each for _, each in steps), strict=True))
    since = since_of(np.array(first, np.int64), spans, "a", 300).tolist()
    begun = [
        time_s
        for number, (time_s, each) in enumerate(spans)
        if not number or each != spans[number - 1][1]
    ]
    for first_s, since_s in zip(first, since, strict=True):
        if first_s >= 0:
            assert since_s <= first_s
            assert since_s == max([0, *(each for each in begun[1:] if each <= first_s)])
        elif not spans or spans[-1][1] == "a":
            assert since_s == max([0, *begun[1:]])
        else:
            assert since_s == 300


def test_every_past_begins_bins_at_the_same_marks(six_hours: tuple[Store, Flown]) -> None:
    """A history, a running program's past and one of a history agree at any second that is asked."""
    store, _ = six_hours
    until_s = START_S + 370 * 60
    history = load(store, to_s=until_s)
    loaded = Past.load(store, airspace(), until_s)
    odd = np.random.default_rng(5).integers(START_S - 1_800, until_s + 1_800, 400)
    for bin_s in (300, 900, 3_600):
        for final_s in (None, START_S + 100 * 60, START_S + 342 * 60):
            expected = history.bin_mean(odd, bin_s, until_s=final_s)
            assert np.isfinite(expected).any()
            for past in (Past.of(history), loaded):
                np.testing.assert_array_equal(past.bin_mean(odd, bin_s, until_s=final_s), expected)
    np.testing.assert_array_equal(history.bin_mean(odd), history.bin_mean(odd // 300 * 300))
