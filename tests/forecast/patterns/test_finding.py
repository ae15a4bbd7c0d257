"""Patterns: what recurs is found and told, noise hardly ever is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from made_scene import THURSDAY_S, Week, airspace
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.patterns import Days, Pattern, Patterns, find_patterns, lay_out

NAMES = [f"S{number:02d}_CTR" for number in range(20)]
SPACE = airspace(*NAMES)
DAYS = 35
FIRST = 20_000  # a Monday is 19,996


def days_of(level: np.ndarray, seed: int, *, days: int = DAYS) -> Days:
    """Poisson counts around a level (sectors, days, 96)."""
    chance = np.random.default_rng(seed)
    number = np.arange(FIRST, FIRST + days)
    quarters = chance.poisson(level).astype(np.float32)
    return Days(quarters, (number + 3) % 7, number)


def drifting(seed: int, memory: float) -> np.ndarray:
    """Levels that wander, and forget within so many quarters of an hour."""
    chance = np.random.default_rng(seed)
    keep = np.exp(-1 / memory)
    state = chance.normal(size=len(NAMES))
    path = np.empty((len(NAMES), DAYS * 96))
    steps = chance.normal(size=path.shape) * np.sqrt(1 - keep**2)
    for at in range(path.shape[1]):
        state = keep * state + steps[:, at]
        path[:, at] = state
    return np.exp(1.2 + 0.5 * path).reshape(len(NAMES), DAYS, 96)


def told(found: list[Pattern], kind: str, sector: str) -> list[Pattern]:
    """Of a kind and a sector."""
    return [each for each in found if (each.pattern_type, each.sector_name) == (kind, sector)]


@pytest.mark.parametrize("memory", [0.5, 200.0])
def test_of_noise_a_confidence_is_as_rarely_reached_as_it_says(memory: float) -> None:
    """Of airspaces of nothing but noise in a fifth at most is anything told with 0.8."""
    false = Counter[str]()
    rounds = 8
    for seed in range(rounds):
        found = find_patterns(days_of(drifting(seed, memory), seed), SPACE, seed)
        false.update({each.pattern_type for each in found})
    # Of eight rounds that each go wrong with a probability of 0.2, hardly ever more than four do.
    assert all(count <= 4 for count in false.values()), false


def test_a_daily_peak_and_the_quiet_hours_are_told() -> None:
    """With the hours, how much, and how often."""
    level = np.full((len(NAMES), DAYS, 96), 4.0)
    level[3, :, 72:84] = 11.0
    level[3, :, 12:24] = 0.3
    found = find_patterns(days_of(level, 1), SPACE)
    (peak,) = told(found, "peak_traffic", "S03_CTR")
    assert (peak.evidence.from_hour, peak.evidence.to_hour) == (18, 21)
    assert peak.confidence > 0.99
    assert peak.historical_frequency == 1.0
    assert peak.description.startswith("S03_CTR: busiest from 18:00 to 21:00 local time: 11 air")
    (quiet,) = told(found, "quiet_period", "S03_CTR")
    assert (quiet.evidence.from_hour, quiet.evidence.to_hour) == (3, 6)


def test_a_busy_evening_of_one_weekday_is_a_pattern() -> None:
    """Every Thursday from 19 to 22; it held in all weeks but one."""
    level = np.full((len(NAMES), DAYS, 96), 4.0)
    weekday = (np.arange(FIRST, FIRST + DAYS) + 3) % 7
    thursdays = np.flatnonzero(weekday == 3)
    level[5, thursdays[1:], 76:88] = 14.0
    level[5, thursdays[0], 76:88] = 1.0
    found = find_patterns(days_of(level, 2), SPACE)
    (peak,) = told(found, "peak_traffic", "S05_CTR")
    assert "Thursdays from 19:00 to 22:00".lower() in peak.description.lower()
    assert (peak.evidence.weekday, peak.evidence.held, peak.evidence.occasions) == (3, 4, 5)
    assert peak.historical_frequency == pytest.approx(0.8)


def test_a_busy_day_of_the_week_is_told() -> None:
    """Saturdays, at half as much again."""
    level = np.full((len(NAMES), DAYS, 96), 4.0)
    level[7, (np.arange(FIRST, FIRST + DAYS) + 3) % 7 == 5] = 6.0
    (cycle,) = told(find_patterns(days_of(level, 3), SPACE), "weekly_cycle", "S07_CTR")
    assert cycle.description.startswith("S07_CTR: busiest on Saturdays")
    assert cycle.evidence.weekday == 5


def test_who_carries_more_than_an_even_share_is_told() -> None:
    """A sector with three times what the others have."""
    level = np.full((len(NAMES), DAYS, 96), 4.0)
    level[2] = 12.0
    found = find_patterns(days_of(level, 4), SPACE)
    shares = [each for each in found if each.pattern_type == "workload_distribution"]
    assert [each.sector_name for each in shares] == ["S02_CTR"]
    assert shares[0].evidence.value == pytest.approx(12 / (12 + 19 * 4), rel=0.05)


def test_a_sector_that_follows_another_is_told_with_its_lag() -> None:
    """What goes up and down in one does so in the other half an hour later."""
    wandering = drifting(5, 6.0)
    flat = wandering.reshape(len(NAMES), -1)
    flat[9] = np.roll(flat[4], 2)
    found = find_patterns(days_of(2 * wandering, 5), SPACE)
    (pair,) = [each for each in found if each.pattern_type == "sector_correlation"]
    assert (pair.sector_name, pair.evidence.other_sector) == ("S04_CTR", "S09_CTR")
    assert pair.evidence.lag_min == 30
    assert "S09_CTR follows about 30 min later" in pair.description


def test_with_little_known_little_is_told() -> None:
    """Nine days say nothing; none at all neither."""
    level = np.full((len(NAMES), 9, 96), 4.0)
    level[3, :, 72:84] = 20.0
    assert find_patterns(days_of(level, 6, days=9), SPACE) == []
    assert find_patterns(days_of(level[:, :0], 6, days=0), SPACE) == []


def test_an_empty_airspace_has_no_pattern() -> None:
    """Nor a division by nothing."""
    assert find_patterns(days_of(np.zeros((len(NAMES), DAYS, 96)), 7), SPACE) == []


def test_days_are_local_ones_across_a_change_of_the_clock() -> None:
    """Eight in the morning is eight in the morning in March and in April."""
    local = LocalTime("America/New_York")

    def at_eight(start_s: np.ndarray) -> np.ndarray:
        hour = (start_s + local.offset_s(start_s)) % 86_400 // 3_600
        return np.where(hour == 8, 9.0, 1.0)[None, :]

    until_s = 988_000_000  # 2001-04-23; the clock changed on 1 April
    days = lay_out(Week(at_eight), local, until_s, DAYS)
    assert days.number.size == DAYS
    assert (days.hours[0].argmax(axis=1) == 8).all()
    assert (days.weekday[-1], days.number[-1]) == (6, (until_s - 4 * 3_600) // 86_400 - 1)


def test_a_day_of_which_not_all_is_known_is_left_out_and_breaks_a_week() -> None:
    """Of three weeks with a hole in the second, the others are whole."""
    hole_s = THURSDAY_S - 10 * 86_400

    def holed(start_s: np.ndarray) -> np.ndarray:
        return np.where(start_s // 86_400 == hole_s // 86_400, np.nan, 1.0)[None, :]

    days = lay_out(Week(holed), LocalTime("UTC"), THURSDAY_S, 21)
    assert days.number.size == 20
    assert days.weeks().shape == (2, 7)


def test_patterns_are_looked_for_once_an_hour_and_kept() -> None:
    """The same after a restart; what cannot be read is looked for anew."""

    def evenings(start_s: np.ndarray) -> np.ndarray:
        busy = (start_s % 86_400 // 3_600 == 19) & (np.arange(len(NAMES)) == 1)[:, None]
        return np.where(busy, 20.0, 4.0) + np.sin(start_s / 7_000.0 * np.arange(1, 21)[:, None])

    patterns = Patterns(SPACE, LocalTime("UTC"), Week(evenings))
    assert patterns.look(THURSDAY_S)
    assert not patterns.look(THURSDAY_S + 3_000)
    assert patterns.newest is not None
    assert told(list(patterns.newest.patterns), "peak_traffic", "S01_CTR")
    again = Patterns(SPACE, LocalTime("UTC"), Week(evenings))
    again.take_up(patterns.dump())
    assert again.newest == patterns.newest
    again.take_up(b"{broken")
    assert again.newest is None


def test_a_sector_drawn_later_takes_nothing_from_the_others_and_is_judged_by_its_own_days() -> None:
    """Unknown is not zero: too few days of one sector are too few of that one alone."""
    level = np.full((len(NAMES), DAYS, 96), 4.0)
    level[:, :, 32:44] = 12.0
    for begun, is_told in ((DAYS - 12, True), (DAYS - 6, False)):
        days = days_of(level, 1)
        before = find_patterns(days, SPACE)
        days.quarters[3, :begun] = np.nan
        days.quarters[3, begun, :40] = np.nan
        found = find_patterns(days, SPACE)
        for name in NAMES:
            peaks = told(found, "peak_traffic", name)
            if name != NAMES[3]:
                (was,) = told(before, "peak_traffic", name)
                assert [(each.description, each.days) for each in peaks] == [
                    (was.description, DAYS)
                ]
            else:
                assert [each.days for each in peaks] == ([DAYS - begun - 1] if is_told else [])
        if is_told:
            (peak,) = told(found, "peak_traffic", NAMES[3])
            assert peak.evidence.occasions == DAYS - begun - 1
            assert peak.evidence.value > 10


def test_a_sector_that_is_new_and_empty_hides_nothing_of_its_partition() -> None:
    """Who carries the work, and who follows whom, is told of the others as before."""
    level = np.full((len(NAMES), DAYS, 96), 2.0)
    level[0] = 9.0
    level[7] = 0.0
    chance = np.random.default_rng(9)
    level[4] = np.repeat(chance.lognormal(1.0, 0.7, (DAYS, 24)), 4, axis=1)
    level[5] = np.roll(level[4].ravel(), 4).reshape(DAYS, 96)
    days = days_of(level, 3)
    before = find_patterns(days, SPACE)
    assert told(before, "workload_distribution", NAMES[0])
    assert told(before, "sector_correlation", NAMES[4])
    days.quarters[7, : DAYS - 2] = np.nan
    found = find_patterns(days, SPACE)
    for kind in ("workload_distribution", "sector_correlation"):
        mine = [each.description for each in found if each.pattern_type == kind]
        assert mine == [each.description for each in before if each.pattern_type == kind]


def test_days_are_laid_out_though_one_sector_was_drawn_in_their_midst() -> None:
    """Days are left out where nothing is known of any sector."""
    clock = LocalTime("UTC")

    def drawn(start_s: np.ndarray) -> np.ndarray:
        means = np.ones((2, start_s.size), np.float32)
        means[1, start_s < THURSDAY_S - 5 * 86_400 + 7_200] = np.nan
        means[:, start_s // 86_400 == THURSDAY_S // 86_400 - 2] = np.nan
        return means

    days = lay_out(Week(drawn), clock, THURSDAY_S, 8)
    assert days.number.size == 7
    assert days.known.sum(axis=1).tolist() == [7, 3]
    assert [each.tolist() for each in sorted(days.alike(), key=lambda rows: rows[0])] == [[0], [1]]
    assert days.of(np.array([0, 1])).number.size == 3
