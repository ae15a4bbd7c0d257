"""Flights that went in the last weeks and that no plan speaks of yet."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.departed import Departures, pair_keys
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.plans.count import TakeOffs
from sectorwatch.forecast.regulars import PairVisits, Ways, regulars
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from sectorwatch.forecast.situation import Situation

HOUR_S, DAY_S, WEEK_S = 3_600, 86_400, 7 * 86_400
NOW_S = 40 * WEEK_S + 50_000
LOCAL = LocalTime("UTC")
SYDNEY_MELBOURNE, PERTH_SYDNEY = pair_keys(
    np.array([b"YSSY", b"YPPH"]), np.array([b"YMML", b"YSSY"])
).tolist()


def ways() -> Ways:
    """YSSY-YMML is in sector 1 from 15 to 45 min after take-off; YPPH-YSSY in 0 for 3 hours."""
    key = np.array([SYDNEY_MELBOURNE] * 2 + [PERTH_SYDNEY] * 2, dtype=np.uint64)
    visits = PairVisits(
        key,
        np.array([1, 1, 0, 0]),
        np.array([900, 900, 0, 0]),
        np.array([2_700, 2_700, 3 * HOUR_S, 3 * HOUR_S]),
    )
    some = [
        PairVisits(*(getattr(visits, each.name)[rows] for each in fields(visits)))
        for rows in (slice(0, 1), slice(1, 3), slice(3, 4))
    ]
    return Ways.learn(key, some)


def departures(
    after_now_s: int,
    key: int = SYDNEY_MELBOURNE,
    *,
    weekly: bool = False,
    unknown: tuple[int, ...] = (),
) -> Departures:
    """One take-off so long after this time of the day, on each working day of the last weeks.

    Somebody flies elsewhere each day; of so many days ago that are `unknown` nothing is.
    """
    made = Departures()
    days = np.setdiff1d(np.arange(1, 29), unknown)
    # It is a Thursday.
    chosen = days % 7 == 0 if weekly else ~np.isin(days % 7, (4, 5))
    # So that all days are known.
    elsewhere_s = np.append(NOW_S - DAY_S * days, NOW_S - 28 * DAY_S - 7_200)
    made.add(elsewhere_s, np.ones(elsewhere_s.size, dtype=np.uint64))
    times = NOW_S + after_now_s - DAY_S * days[chosen]
    made.add(times, np.full(times.size, key, np.uint64))
    return made


def leaving(now: Situation) -> TakeOffs:
    """Who waits leaves when it is filed, for sure."""
    row = np.flatnonzero(now.stage != Stage.AIRBORNE)
    chance = np.zeros((row.size, 51), dtype=np.float32)
    chance[np.arange(row.size), (now.filed_off_s[row] - NOW_S) // 300] = 1
    return TakeOffs(row, chance)


def situation(*flights: tuple[Stage, int]) -> Situation:
    """YSSY-YMML flights of these stages: filed to leave, or taken off, so long after now."""
    stage = np.array([each for each, _ in flights], dtype=np.int8)
    moment = np.array([NOW_S + after_s for _, after_s in flights], dtype=np.int64)
    made: dict[str, Any] = {
        "as_of_s": NOW_S,
        "places": SimpleNamespace(icao=["YSSY", "YMML"]),
        "stage": stage,
        "origin": np.zeros(stage.size, dtype=np.int32),
        "destination": np.ones(stage.size, dtype=np.int32),
        "filed_off_s": moment,
        "departed_s": np.where(stage == Stage.AIRBORNE, moment, UNKNOWN),
        "online_elsewhere": np.zeros(stage.size, dtype=np.bool_),
    }
    return cast("Situation", SimpleNamespace(**made))


def due(made: Departures, now: Situation) -> tuple[np.ndarray, np.ndarray]:
    """What is still due, and overdue."""
    return regulars(made, ways(), now, leaving(now), LOCAL, 2)


def test_a_flight_of_each_day_is_expected_where_such_flights_go() -> None:
    """It leaves in an hour, so it is in sector 1 from an hour and a quarter on for half an hour."""
    coming, overdue = due(departures(HOUR_S), situation())
    assert coming[1].round(2).tolist() == [0] * 5 + [1, 1] + [0] * 10
    assert not coming[0].any()
    assert not overdue.any()


def test_a_flight_that_is_filed_is_no_longer_missing() -> None:
    """Its plan is counted elsewhere; half an hour more or less is no other flight."""
    coming, _ = due(departures(HOUR_S), situation((Stage.GROUND, 1_800)))
    assert coming.max() < 0.2


def test_a_flight_that_has_taken_off_early_is_no_longer_missing() -> None:
    """It was due in ten minutes and is in the air since five."""
    coming, overdue = due(departures(600), situation((Stage.AIRBORNE, -300)))
    assert max(coming.max(), overdue.max()) < 0.01


def test_what_goes_on_one_day_of_five_is_expected_on_that_day_more_than_on_another() -> None:
    """A Thursday's flight counts twice on a Thursday, and not for sure."""
    coming, _ = due(departures(HOUR_S, weekly=True), situation())
    assert coming.max() == pytest.approx(8 / 24, abs=0.01)


def test_a_flight_that_should_have_gone_is_overdue() -> None:
    """It may still come; that is told apart from those whose time has not come yet."""
    coming, overdue = due(departures(-1_800), situation())
    assert not coming.any()
    assert overdue[1].max() == pytest.approx(1.0, abs=0.01)


def test_days_of_which_nothing_is_known_do_not_count() -> None:
    """A fortnight without a feed is not a fortnight without flights."""
    now = situation()
    whole, holed = (
        regulars(departures(1_800, unknown=unknown), ways(), now, leaving(now), LOCAL, 2)
        for unknown in ((), tuple(range(5, 19)))
    )
    np.testing.assert_allclose(holed, whole, rtol=1e-6)


def covered(*gaps: tuple[int, int]) -> Past:
    """The last weeks, but for gaps from so long before now until so long before now."""
    from_s = NOW_S // 300 * 300 - 30 * DAY_S
    ago_s = NOW_S - (from_s + 60 * np.arange(30 * 1_440))
    known = np.ones(ago_s.size, np.bool_)
    for begins_s, ends_s in gaps:
        known[(ago_s <= begins_s) & (ago_s > ends_s)] = False
    past = Past(np.array([1]), from_s)
    past.add_minutes(from_s, np.zeros((1, ago_s.size), np.int64), known)
    return past


def test_hours_without_a_feed_are_no_hours_without_flights() -> None:
    """Three of them, on a Wednesday and two Thursdays: who leaves each day does so still."""
    days = [1, 7, 14]
    gaps = [(day * DAY_S - 1_800, day * DAY_S - 12_600) for day in days]
    made = departures(HOUR_S)
    arrays = made.to_arrays()
    ago_s = NOW_S - arrays["time_s"]
    there = np.ones(ago_s.size, np.bool_)
    for begins_s, ends_s in gaps:
        there &= (ago_s > begins_s) | (ago_s <= ends_s)
    holed = Departures.from_arrays({name: each[there] for name, each in arrays.items()})
    assert there.sum() < there.size
    now, ours = situation(), ways()
    whole, known, taken = (
        regulars(each, ours, now, leaving(now), LOCAL, 2, past)
        for each, past in ((made, covered()), (holed, covered(*gaps)), (holed, covered()))
    )
    np.testing.assert_allclose(known, whole, atol=1e-6)
    # Taken for hours without flights they would make it rarer.
    assert taken[0].max() < 0.9 * whole[0].max()


def test_with_feeds_all_the_time_it_is_as_if_nobody_asked() -> None:
    """To the last bit."""
    now, made, ours = situation((Stage.GROUND, 1_800)), departures(HOUR_S), ways()
    found = regulars(made, ours, now, leaving(now), LOCAL, 2, covered())
    np.testing.assert_array_equal(found, regulars(made, ours, now, leaving(now), LOCAL, 2))


def test_an_hour_that_is_known_of_no_day_is_not_known() -> None:
    """Nobody can say what is still missing."""
    gaps = [(day * DAY_S, day * DAY_S - 3_600) for day in range(1, 29)]
    now = situation()
    coming, overdue = regulars(
        departures(HOUR_S), ways(), now, leaving(now), LOCAL, 2, covered(*gaps)
    )
    assert np.isnan(coming).all()
    assert np.isnan(overdue).all()


def test_a_day_before_the_first_feed_is_not_known() -> None:
    """Of flights that were in the air at the first one some took off the day before."""
    now, begun = situation(), covered((31 * DAY_S, 3 * DAY_S))
    few, all_of_it = departures(HOUR_S), departures(HOUR_S)
    arrays = few.to_arrays()
    there = arrays["time_s"] > NOW_S - 3 * DAY_S
    there[0] = True
    few = Departures.from_arrays({name: each[there] for name, each in arrays.items()})
    expected = regulars(all_of_it, ways(), now, leaving(now), LOCAL, 2, covered())
    found = regulars(few, ways(), now, leaving(now), LOCAL, 2, begun)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_a_day_nothing_is_known() -> None:
    """That is NaN and no zero."""
    coming, overdue = due(Departures(), situation())
    assert np.isnan(coming).all()
    assert np.isnan(overdue).all()


def test_a_pair_flown_once_is_no_way() -> None:
    """One flight shows no habit."""
    key = np.array([SYDNEY_MELBOURNE], dtype=np.uint64)
    made = Ways.learn(key, [PairVisits(key, np.array([1]), np.array([0]), np.array([900]))])
    assert not made.keys.size


def test_ways_are_kept_and_follow_their_sectors() -> None:
    """In another order, or without a sector that is gone."""
    again = Ways.from_arrays(ways().to_arrays(), 2).of_sectors(np.array([1, -1]))
    coming, _ = regulars(departures(HOUR_S), again, situation(), leaving(situation()), LOCAL, 2)
    assert coming[0].max() == pytest.approx(1.0)
    assert not coming[1].any()


@pytest.mark.parametrize("time_s", [[np.nan, 1.0], [2.5, 1e300]])
def test_take_offs_at_no_time_are_refused(time_s: list[float]) -> None:
    """Of a damaged or foreign file: in words, before anything is made of them."""
    arrays = {"time_s": np.array(time_s), "key": np.ones(2, dtype=np.uint64)}
    with pytest.raises(ModelFileError, match="whole numbers"):
        Departures.from_arrays(arrays)


@pytest.mark.parametrize("time_s", [-1, 1 << 50])
def test_take_offs_of_no_age_are_refused(time_s: int) -> None:
    """Before or after all time."""
    arrays = {"time_s": np.array([time_s]), "key": np.ones(1, dtype=np.uint64)}
    with pytest.raises(ModelFileError, match="at no time"):
        Departures.from_arrays(arrays)


def test_old_take_offs_are_let_go_of() -> None:
    """It is bounded, and what came in twice as often is there as it came."""
    made = Departures()
    for week in range(30):
        times = NOW_S + week * WEEK_S + np.arange(50)
        made.add(times, np.full(50, 7, dtype=np.uint64))
    assert made.from_s > NOW_S + 24 * WEEK_S
    assert made.to_arrays()["key"].size == 250
    assert Departures.from_arrays(made.to_arrays()).until_s == made.until_s


@pytest.mark.parametrize("name", ["keys", "pair", "sector", "offset", "share"])
@pytest.mark.parametrize("change", [-5, 10_000, "short"])
def test_ways_that_lead_nowhere_are_refused(name: str, change: int | str) -> None:
    """A file may say what it will: nothing outside is touched."""
    arrays = ways().to_arrays()
    if change == "short":
        arrays[name] = arrays[name][:-1]
    elif name == "keys":
        arrays[name] = arrays[name][::-1].copy()
    elif name == "share":
        arrays[name] = np.full_like(arrays[name], np.nan)
    else:
        arrays[name] = np.full_like(arrays[name], change)
    with pytest.raises(ModelFileError, match="in it"):
        Ways.from_arrays(arrays, 2)
