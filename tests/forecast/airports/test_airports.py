from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.flown_past import START_S, Flown, airports, airspace
from sectorwatch.errors import StoreError
from sectorwatch.forecast.airports import AirportForecaster, MovementRates, series_id
from sectorwatch.forecast.airports.counts import count_quantiles
from sectorwatch.forecast.airports.fields import known_movements
from sectorwatch.forecast.history import History
from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.plans import LearnedPlans, PlanCounter
from sectorwatch.forecast.plans.field_times import FieldTimes, field_times
from sectorwatch.forecast.plans.hazards import OFF_STEPS
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sectorwatch.store import Store

SYDNEY = LocalTime("Australia/Sydney")
DAY_S = 86_400
MONDAY_S = 1_700_000_000 // DAY_S * DAY_S - DAY_S  # 2023-11-13
ALL_DAY = np.ones(1_440, np.bool_)


@given(st.lists(st.tuples(st.floats(0, 80), st.floats(0.02, 4)), min_size=1, max_size=20))
def test_quantiles_of_counts_are_in_order_and_hold_the_mean(
    rows: list[tuple[float, float]],
) -> None:
    """Of any mean and spread: never below zero, rising, and the middle one near the mean."""
    mean = np.array([each[0] for each in rows])
    variance = mean * [each[1] for each in rows]
    quantiles, none = count_quantiles(mean, variance)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()
    assert ((none >= 0) & (none <= 1)).all()
    assert (np.abs(quantiles[:, 2] - mean) <= 1.0 + np.sqrt(variance)).all()


@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("mean", [0.7, 4.0, 22.0])
def test_intervals_of_counts_hold_what_they_promise(mean: float, ratio: float) -> None:
    """Drawn by chance, with half a count added or taken by chance, 80 % are in."""
    chance = np.random.default_rng(5)
    if ratio == 1.0:
        drawn = chance.poisson(mean, 40_000)
    elif ratio > 1:
        drawn = chance.negative_binomial(mean / (ratio - 1), 1 / ratio, 40_000)
    else:
        trials = round(mean / (1 - ratio))
        drawn = chance.binomial(trials, 1 - ratio, 40_000)
        mean = trials * (1 - ratio)
    quantiles, none = count_quantiles(np.array([mean]), np.array([mean * ratio]))
    near = drawn + chance.uniform(-0.5, 0.5, drawn.size)
    low, high = quantiles[0, 0], quantiles[0, -1]
    assert abs(none[0] - (drawn == 0).mean()) < 0.01
    # What is below zero is as good as zero.
    assert abs((near > high).mean() - 0.1) < 0.01
    if low > 0:
        assert abs((near < low).mean() - 0.1) < 0.01


class Kept:
    """Movements as a store would give them: every day at the same times."""

    def __init__(self, *rows: tuple[str, int, str, int]) -> None:
        self.rows = rows

    def first_known(self, from_s: int, to_s: int) -> Iterator[Sequence[tuple[str, int, str, int]]]:
        """Rows of (kind, second of the day, airport, known so long before)."""
        assert to_s - from_s == DAY_S
        yield [
            (kind, from_s + at_s, airport, from_s + at_s - before_s)
            for kind, at_s, airport, before_s in self.rows
        ]


def rates_of(*rows: tuple[str, int, str, int], days: int = 14) -> MovementRates:
    """What is learned of the same day again and again, by UTC."""
    rates = MovementRates(LocalTime("UTC"))
    for day in range(days):
        assert rates.add_day(Kept(*rows), MONDAY_S + day * DAY_S, ALL_DAY) == len(rows)
    return rates


def test_what_is_usual_is_usual_at_its_time() -> None:
    """Four departures each day at 09:05 are expected then, and hardly any at other times."""
    rates = rates_of(*[("departure", 32_700, "YSSY", 600)] * 4)
    times_s = MONDAY_S + 21 * DAY_S + np.array([32_400, 33_300, 36_000])
    (departures, arrivals) = rates.total(rates.rows_of(["YSSY"]), times_s)[0]
    assert 3.0 < departures[0] <= 4.01
    assert departures[1] < 0.6
    assert departures[2] == 0.0
    assert arrivals.sum() == 0.0
    whole_day = MONDAY_S + np.arange(96) * BIN_S
    assert abs(rates.total(rates.rows_of(["YSSY"]), whole_day)[0, 0].sum() - 4.0) < 0.2
    assert rates.total(rates.rows_of(["KJFK"]), times_s).sum() == 0.0


class KeptOn(Kept):
    """The same, on some days of the week alone (0 is Monday)."""

    def __init__(self, days: set[int], *rows: tuple[str, int, str, int]) -> None:
        super().__init__(*rows)
        self.days = days

    def first_known(self, from_s: int, to_s: int) -> Iterator[Sequence[tuple[str, int, str, int]]]:
        """As above."""
        if (from_s - MONDAY_S) // DAY_S % 7 in self.days:
            yield from super().first_known(from_s, to_s)


def test_a_week_tells_what_is_usual_on_a_working_day() -> None:
    """From Monday to Friday days are alike, and a Saturday tells of Saturdays: by the wall clock."""
    rates = MovementRates(LocalTime("UTC"))
    kept = KeptOn({0, 1, 2, 3, 4}, *[("departure", 32_700, "YSSY", 600)] * 4)
    for day in range(7):
        rates.add_day(kept, MONDAY_S + day * DAY_S, ALL_DAY)
    next_s = MONDAY_S + 7 * DAY_S + 32_400 + np.arange(7) * DAY_S
    departures = rates.total(rates.rows_of(["YSSY"]), next_s)[0, 0]
    assert (departures[:5] > 3.5).all()
    assert (departures[5:] < 0.6).all()
    west = MovementRates(LocalTime("Etc/GMT+12"))
    for day in range(7):
        west.add_day(kept, MONDAY_S + day * DAY_S, ALL_DAY)
    # There a Saturday's morning by UTC is still Friday's evening, and working days are alike.
    assert west.total(west.rows_of(["YSSY"]), next_s[5:6])[0, 0, 0] > 2.0


def test_what_comes_on_one_day_of_the_week_is_expected_most_on_that_day() -> None:
    """Days of one kind are told together, and those of the same name count twice."""
    rates = MovementRates(LocalTime("UTC"))
    kept = KeptOn({3}, *[("arrival", 32_700, "YSSY", 600)] * 12)
    for day in range(28):
        rates.add_day(kept, MONDAY_S + day * DAY_S, ALL_DAY)
    next_s = MONDAY_S + 28 * DAY_S + 32_400 + np.arange(7) * DAY_S
    arrivals = rates.total(rates.rows_of(["YSSY"]), next_s)[0, 1]
    assert arrivals.argmax() == 3
    assert arrivals[3] > 1.5 * arrivals[2]
    assert 1.0 < arrivals[2] < 12 / 5


def test_what_nobody_files_so_long_before_is_counted() -> None:
    """Half are filed 20 min ahead and half 2 h: up to then they are known, and not before."""
    rates = rates_of(
        *[("departure", 30_000, "YSSY", 1_200)] * 20, *[("departure", 30_000, "YSSY", 7_500)] * 20
    )
    share = rates.unseen_share(rates.rows_of(["YSSY"]))[0, 0]
    lead = dict(zip((LEADS // 60).tolist(), share.tolist(), strict=True))
    assert lead[0] < 0.05
    assert 0.45 < lead[30] < 0.55
    assert 0.45 < lead[105] < 0.55
    assert lead[180] > 0.95


def test_time_without_feeds_is_not_time_without_traffic() -> None:
    """A day of which half was seen says of that half alone."""
    rates = MovementRates(LocalTime("UTC"))
    seen = np.arange(1_440) < 720
    for day in range(28):
        rates.add_day(Kept(("arrival", 20_000, "YMML", 0)), MONDAY_S + day * DAY_S, seen)
    times_s = MONDAY_S + 35 * DAY_S + np.array([19_800, 60_000])
    arrivals = rates.total(rates.rows_of(["YMML"]), times_s)[0, 1]
    assert arrivals[0] > 0.7
    assert rates.days < 14


def test_what_was_learned_outlives_a_restart_and_damage() -> None:
    """To the last number; and what cannot be read is refused."""
    rates = rates_of(("departure", 100, "YSSY", 50), ("arrival", 90, "YMML", 5), days=3)
    again = MovementRates(LocalTime("UTC"))
    again.load(rates.to_blob())
    assert again.icao == rates.icao == again.busiest(9)
    assert again.learned_to_s == rates.learned_to_s == MONDAY_S + 3 * DAY_S
    times_s = MONDAY_S + np.arange(96) * BIN_S
    rows = rates.rows_of(["YMML", "YSSY"])
    np.testing.assert_allclose(again.total(rows, times_s), rates.total(rows, times_s), rtol=1e-5)
    for blob in (b"", b"SWFC" + b"\0" * 30, rates.to_blob()[:-7]):
        with pytest.raises(StoreError):
            again.load(blob)


def made_times(**more: Any) -> FieldTimes:
    """One flight at the gate that surely takes off in 40 to 45 min, and one in the air."""
    off = np.zeros((1, OFF_STEPS + 1))
    off[0, 8] = 1.0
    made: dict[str, Any] = {
        "waiting_row": np.array([0]),
        "waiting_state": np.array([0]),
        "off": off,
        "row": np.array([0, 1]),
        "state": np.array([0, UNKNOWN]),
        "land_s": np.array([3_600.0, 1_350.0]),
        "land_sd_s": np.array([30.0, 100.0]),
        "arrives": np.array([1.0, 0.9]),
    }
    return FieldTimes(**made | more)


class TwoFlights:
    """As much of a situation as is asked for."""

    origin = np.array([5, 6], np.int32)
    destination = np.array([7, UNKNOWN], np.int32)


def test_known_flights_are_in_the_bins_of_their_times() -> None:
    """Off in 42 min, on an hour later; who is in the air lands in 15 to 30 min, if at all."""
    found = known_movements(TwoFlights(), made_times())  # type: ignore[arg-type]
    assert found.place.tolist() == [5, 7, UNKNOWN]
    assert found.kind.tolist() == [0, 1, 1]
    assert found.chance[0].round(3).tolist()[:4] == [0, 0, 1, 0]
    assert found.chance[1].argmax() == 6
    assert abs(found.chance[1].sum() - 1) < 1e-6
    assert found.chance[2, 1] == pytest.approx(0.9, abs=0.01)


def test_who_is_late_to_land_lands_next() -> None:
    """Reckoned to be down long ago, and still in the air: in the first bin."""
    late = made_times(land_s=np.array([3_600.0, -900.0]))
    found = known_movements(TwoFlights(), late)  # type: ignore[arg-type]
    assert found.chance[2, 0] == pytest.approx(0.9, abs=0.01)


def test_forecasts_of_a_flown_past(six_hours: tuple[Store, Flown]) -> None:
    """Departures and arrivals expected at a moment are about those that then were."""
    store, _ = six_hours
    history = History.load(store, airspace(), airports(), START_S, START_S + 6 * 3_600)
    forecaster = AirportForecaster(airports(), SYDNEY)
    as_of_s = START_S + 80 * 60 + 2
    situation = history.situation(as_of_s)
    counter = PlanCounter(airspace(), airports())
    times = field_times(counter.carried(situation, LearnedPlans.priors()))
    waiting = np.count_nonzero(situation.stage != Stage.AIRBORNE)
    assert 0 < times.waiting_row.size <= waiting
    assert (times.off.sum(axis=1) > 0.999).all()
    outlook = forecaster.issue(situation, times)
    assert forecaster.latest is outlook
    assert outlook.unseen.sum() == 0
    # Feeds stall 110 min later.
    until_s = as_of_s + 90 * 60
    moved = history.movements
    was = (moved.time_s > as_of_s) & (moved.time_s <= until_s)
    arrived = int(np.count_nonzero(was & (moved.kind == 1)))
    expected = float(outlook.known[:, 1, :6].sum())
    assert 0.6 * arrived < expected < 1.5 * arrived
    departed = int(np.count_nonzero(was & (moved.kind == 0)))
    assert 0.2 * departed < float(outlook.known[:, 0, :6].sum()) < 1.2 * departed
    issued = forecaster.issued(store, outlook)
    series = forecaster.series(outlook)
    assert issued.sector_id.tolist() == [series_id(*each) for each in series]
    assert issued.mean.shape == (len(series), LEADS.size)
    assert issued.quantiles.shape == (len(series), LEADS.size, 5)
    assert np.isnan(issued.naive).all()
    row = series.index(("YSSY", "arrival"))
    expected_there = outlook.of(int(outlook.place[row // 2]), 1)
    np.testing.assert_allclose(issued.mean[row], expected_there.mean, rtol=1e-5)
    np.testing.assert_allclose(issued.quantiles[row], expected_there.quantiles, rtol=1e-4)
    nowhere = outlook.of(0, 0)
    assert nowhere.mean.sum() == 0
    assert nowhere.quantiles.shape == (LEADS.size, 5)


def test_movements_by_the_minute_are_those_kept(six_hours: tuple[Store, Flown]) -> None:
    """Each airport and kind its own; nothing is known of a stall."""
    store, flown = six_hours
    told = [each for tick in flown.ticks.values() for each in tick.movements]
    series = [("YSSY", "departure"), ("YMML", "arrival"), ("ZZZZ", "arrival")]
    found = store.history.movement_minutes(series, START_S, START_S + 6 * 3_600)
    for row, (airport, kind) in enumerate(series):
        expected = [
            each.time_s
            for each in told
            if (each.airport, each.kind) == (airport, kind)
            and START_S <= each.time_s < START_S + 6 * 3_600
            and found.known[(each.time_s - START_S) // 60]
        ]
        assert found.occupancy[row].sum() == len(expected)
    assert found.occupancy[0].sum() > 3
    assert not found.known[190:209].any()
    known = {
        (airport, kind): (time_s, first_s)
        for rows in store.history.first_known(START_S, START_S + 6 * 3_600)
        for kind, time_s, airport, first_s in rows
    }
    assert all(first_s <= time_s for time_s, first_s in known.values())
    assert any(first_s < time_s - 900 for time_s, first_s in known.values())


def test_nothing_kept_nothing_learned(store: Store) -> None:
    """A new store says nothing, and no day is over in one."""
    forecaster = AirportForecaster(airports(), SYDNEY)
    forecaster.resume(store)
    assert forecaster.learn(store, START_S) is None
    assert forecaster.look_at_level(store, START_S) == 1.0
    assert forecaster.latest is None
    store.forecasts.keep_state("airports", 1, b"damaged")
    forecaster.resume(store)
    assert len(forecaster.rates) == 0
