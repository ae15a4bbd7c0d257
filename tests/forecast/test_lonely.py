"""Airspaces at the edge: one sector alone, and nobody ever in it; clocks of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import made_scene
from forecast.flown_past import START_S, airports, fly, snapshots
from sectorwatch.forecast.anomalies import Detector
from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.forecaster import Forecaster
from sectorwatch.forecast.good_times import Openings, good_times
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.outlook import outlook_of, outlook_text
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.patterns import find_patterns, lay_out
from sectorwatch.forecast.scoring import Scoring
from sectorwatch.forecast.warnings import CapacityWarnings
from sectorwatch.web.present.predictions import Measured, prediction

if TYPE_CHECKING:
    from sectorwatch.airspace import Airspace
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Tick

SEA = made_scene.airspace("OCEAN_CTR")  # off Africa, where nobody of the made network flies
ZONES = (
    "Asia/Kolkata",  # half past
    "Asia/Kathmandu",  # a quarter to
    "Australia/Lord_Howe",  # half an hour of summer time
    "Australia/Sydney",  # summer in January
    "Pacific/Chatham",  # both: 12:45 and 13:45
    "America/New_York",
    "UTC",
)
CHANGES_S = (1_743_868_800, 1_759_593_600)  # 5 April and 4 October 2025, 16:00Z


def flown(store: Store, over: Airspace, zone: str) -> tuple[Scoring, Issued, list[Tick]]:
    """An hour and three quarters over it, forecast every 5 min and scored."""
    made = Forecaster(over, airports(), local=LocalTime(zone))
    scoring = Scoring(made.sector_id, made.local)
    issues: list[Issued] = []
    ticks: list[Tick] = []

    def after(tick: Tick) -> None:
        scoring.observe(tick, store)
        ticks.append(tick)
        if tick.time_us // 1_000_000 % 300 < 60:
            issued = made.issue(tick)
            scoring.issued(issued, store)
            issues.append(issued)

    fly(store, snapshots(range(START_S, START_S + 105 * 60, 60)), over=over, after=after)
    return scoring, issues[-1], ticks


def test_one_sector_in_which_nobody_ever_flew_is_told_of_in_every_answer(store: Store) -> None:
    """All is nought and says so: no number is missing, negative, or sure of what nobody measured."""
    scoring, issued, ticks = flown(store, SEA, "Asia/Kathmandu")
    (sector,) = SEA.sectors
    assert issued.mean.shape == (1, issued.leads_s.size)
    for told in (issued.mean, issued.quantiles):
        assert np.isfinite(told).all()
        assert (told == 0).all()
    assert (issued.p_zero == 1).all()
    accuracy = scoring.accuracy(sector.sector_id)
    assert accuracy.scored > 0
    assert scoring.confidence(sector.sector_id, 3_600) == 0.0
    shown = prediction(
        sector, 0, ticks[-1], issued, hours_ahead=4, measured=Measured(), why_stale="", why_none=""
    )
    assert (shown.current_demand, shown.predicted_demand_4h) == (0, 0)
    assert shown.trend_direction == "stable"
    assert all(each.low == each.mean == each.high == 0 for each in shown.horizons)
    capacity = CapacityBook(SEA.sectors).now
    warnings = CapacityWarnings(SEA.sectors)
    warnings.hear(issued, capacity)
    nobody = np.zeros(1, np.bool_)
    good = good_times(issued, Openings(SEA.sectors), nobody, capacity=capacity)
    assert good == []
    text = outlook_text(
        outlook_of(issued, SEA.partitions, nobody),
        SEA.partitions[0],
        SEA.sectors,
        good,
        warnings.standing(),
    )
    assert "0 aircraft now" in text
    assert "nan" not in text.lower()
    past = Past.load(store, SEA, START_S + 100 * 60)
    detector = Detector(SEA, airports(), LocalTime("Asia/Kathmandu"), past)
    for tick in ticks[-30:]:
        assert detector.look(tick).began == ()
    assert detector.is_too_few_of(sector.sector_id)


@pytest.mark.parametrize("level", [0.0, 6.0])
def test_one_sector_alone_has_no_partner_and_no_share_of_the_work(level: float) -> None:
    """What recurs in itself is told where there is anything; with whom, never."""
    local = LocalTime("Pacific/Chatham")

    def mornings(start_s: np.ndarray) -> np.ndarray:
        hour = (start_s + local.offset_s(start_s)) % 86_400 // 3_600
        return np.where((hour >= 7) & (hour < 10), 3 * level, level)[None, :]

    days = lay_out(made_scene.Week(mornings), local, CHANGES_S[0], 35)
    found = find_patterns(days, SEA)
    kinds = {each.pattern_type for each in found}
    assert kinds == ({"peak_traffic"} if level else set())
    if level:
        (peak,) = found
        assert (peak.evidence.from_hour, peak.evidence.to_hour) == (7, 10)
        assert peak.historical_frequency == 1.0


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("change_s", CHANGES_S)
def test_days_and_weeks_go_by_the_clock_on_the_wall_on_either_side_of_summer(
    zone: str, change_s: int
) -> None:
    """Half past eight is half past eight on each of five weeks' days, wherever, whenever."""
    local = LocalTime(zone)

    def at_half_past_eight(start_s: np.ndarray) -> np.ndarray:
        wall = (start_s + local.offset_s(start_s)) % 86_400
        return np.where((wall >= 30_600) & (wall < 31_500), 9.0, 1.0)[None, :]

    until_s = change_s + 12 * 86_400
    past = made_scene.Week(at_half_past_eight)
    days = lay_out(past, local, until_s, 35)
    assert days.number.size == 35
    assert (days.quarters[0].argmax(axis=1) == 34).all()
    assert (days.quarters[0].sum(axis=1) == 95 + 9).all()
    assert np.diff(days.number).tolist() == [1] * 34
    # The bins of the weeks before that forecasts and what is usual look at.
    wall_s = days.number[-1] * 86_400 + 30_600
    now_s = wall_s - int(local.offset_s(wall_s - int(local.offset_s(wall_s))))
    for weeks in range(1, 5):
        assert past.bin_mean(local.weeks_before(np.array([now_s]), weeks))[0, 0] == 9.0
