from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_forecasts import HOUR_S, SECTOR_IDS, STEP_S, Utc, fly, forecast, issued, occupancy, run
from made_ticks import START_S
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.scoring import Scored, Scoring
from sectorwatch.forecast.scoring.figures import Figures
from sectorwatch.observe import LogLevel, Telemetry
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store."""
    with (
        DataDirectory.open(tmp_path / "data") as directory,
        Store.open(directory) as opened,
    ):
        yield opened


def new() -> Scoring:
    """One that has seen nothing."""
    return Scoring(SECTOR_IDS, Utc())


def test_a_forecast_is_scored_once_its_bin_is_final() -> None:
    """Each lead of each issue once, against the mean of the minutes that then came."""
    found = Scored.join(run(new(), fly(6)))
    keys = np.stack([found.as_of_s, found.lead_s, found.row])
    assert np.unique(keys, axis=1).shape == keys.shape
    ends_s = found.as_of_s + found.lead_s + 900
    # The last tick is at 6 h, and with it the minutes until 3 min before are final.
    assert ends_s.max() == START_S + 6 * HOUR_S - 300
    assert len(found) == 3 * sum(
        1
        for issue in range(72)
        for lead_s in LEADS
        if issue * STEP_S + lead_s + 900 <= 6 * HOUR_S - 120
    )
    assert np.allclose(found.truth, found.mean, atol=1e-5)


def test_figures_are_those_of_the_forecasts(store: Store) -> None:
    """Errors, baselines, skill and coverage are what the same forecasts give by hand."""
    scoring = new()
    found = Scored.join(run(scoring, fly(7), store, off=1.5))
    answer = scoring.accuracy()
    assert answer.scored == len(found)
    assert answer.unscored == 0
    hour = answer.by_lead[4]
    here = found.lead_s == HOUR_S
    assert hour.scored == here.sum()
    assert hour.mean_absolute_error == pytest.approx(1.5, abs=1e-4)
    assert hour.bias == pytest.approx(1.5, abs=1e-4)
    assert hour.naive_error == pytest.approx(4.0, abs=1e-4)
    assert hour.skill == pytest.approx(1 - 1.5 / 4.0, abs=1e-4)
    inside = (found.pit[here] >= 0.1) & (found.pit[here] <= 0.9)
    assert hour.coverage == pytest.approx(inside.mean())
    assert hour.hit_share == 1.0
    one = scoring.accuracy(6)
    assert {each.row for each in one.by_series} == {1}
    assert one.by_lead[4].mean_truth == pytest.approx(3.0)
    assert scoring.accuracy(12_345).scored == 0


def test_nothing_is_claimed_before_anything_is_scored() -> None:
    """No figures, no ratio, and a confidence of nought, also of what nobody knows."""
    scoring = new()
    assert scoring.confidence(5, HOUR_S) == 0.0
    assert scoring.confidence(99, HOUR_S) == 0.0
    assert scoring.accuracy().scored == 0
    assert scoring.accuracy().by_lead[4].mean_absolute_error is None
    assert scoring.recent() is None
    assert scoring.error_ratios() == {}


def test_what_a_gap_touches_is_unscored_and_counted(store: Store) -> None:
    """Of an hour without feeds no truth is made; bins that are known by half are scored."""
    scoring = new()
    found = Scored.join(run(scoring, fly(7, gap=(3.0, 4.0)), store))
    unknown = np.isnan(found.truth)
    starts_s = found.as_of_s + found.lead_s - START_S
    assert scoring.accuracy().unscored == unknown.sum() > 0
    assert set(starts_s[unknown].tolist()) == set(range(10_200 + 300, 14_400 - 300, 300))
    # What is empty in a gap would be a truth of nought.
    assert np.allclose(found.truth[~unknown], found.mean[~unknown], atol=0.5)


def test_a_restart_scores_what_waits_and_nothing_twice(store: Store) -> None:
    """Killed at any moment, the figures are those of one that ran on, from the rows that are kept."""
    whole = new()
    run(whole, fly(6), off=2.5)
    first = new()
    ticks = list(fly(6))
    run(first, ticks[:37], store, off=2.5)
    # Not saved: as after a kill, some hours are in the store, and the last is not.
    second = new()
    second.resume(store)
    run(second, ticks[37:], store, off=2.5)
    assert_alike(second, whole)


def test_a_restart_after_a_time_that_nobody_watched(store: Store) -> None:
    """Ticks that went by are read from the store, wherever the reader begins again."""
    whole, some = new(), new()
    ticks = list(fly(9))
    run(whole, ticks[:20], off=2.5)
    run(some, ticks[:20], store, off=2.5)
    for each in ticks[20:90]:
        whole.observe(each)
        store.commit(each)
    some.observe(ticks[89], store)
    assert_alike(some, whole)
    restarted = new()
    restarted.resume(store)
    restarted.save(store)
    for each in ticks[90:]:
        store.commit(each)
        restarted.observe(each, store)
    assert restarted.accuracy().scored == whole.accuracy().scored


def test_one_damaged_row_is_said_once_and_left_out(store: Store) -> None:
    """Of the figures and of the issues that wait; all others are there, however often it resumes."""
    first = new()
    ticks = list(fly(26))
    run(first, ticks[:300], store, off=2.5)
    first.save(store)
    days = store.forecasts.scores("sectors", 0)
    assert len(days) == 2
    whole = new()
    whole.resume(store)
    store.forecasts.keep_scores("sectors", [days[0]._replace(figures=b"SWFC")], from_day_s=0)
    newest_s = store.forecasts.newest("sectors")
    assert newest_s is not None
    store.forecasts.keep("sectors", newest_s + 1, "m1", b"no forecast at all")
    telemetry = Telemetry.open()
    again = Scoring(SECTOR_IDS, Utc(), telemetry=telemetry)
    for _ in range(3):
        again.resume(store)
    before = again.accuracy().scored
    assert before == whole.accuracy(days=1).scored > 0
    # Each of the issues that wait has bins that ended since.
    run(again, ticks[300:], store, off=2.5)
    assert again.accuracy().scored - before == len(ticks[300:]) * 17 * 3
    said = telemetry.log.search(level=LogLevel.WARNING)
    assert [line["operation"] for line in said] == ["damaged_row"] * 2
    telemetry.metrics.collect()
    counted = telemetry.metrics.get_metrics("forecast_rows_damaged_total")
    assert counted[-1].value == 2


def assert_alike(one: Scoring, other: Scoring) -> None:
    """Both have the same figures to the digits that are kept of a forecast."""
    (found, days), (expected, others) = one._ledger.total(), other._ledger.total()
    assert days == others
    for mine, theirs in zip(found.groups(), expected.groups(), strict=True):
        for name, sums in mine.items():
            if name not in {"pit", "inside", "hits"}:
                assert np.allclose(sums, theirs[name], rtol=0.01, atol=0.2), name


def test_a_second_issue_of_a_moment_is_not_scored(store: Store) -> None:
    """What was said first counts."""
    scoring = new()
    (first, *_) = ticks = list(fly(5))
    assert scoring.issued(forecast(first), store)
    assert not scoring.issued(forecast(first, off=9.0), store)
    for each in ticks:
        store.commit(each)
        scoring.observe(each, store)
    assert scoring.accuracy().by_lead[0].mean_absolute_error == pytest.approx(0.0, abs=1e-4)


def test_forecasts_of_another_airspace_count_for_the_sectors_that_are_left(store: Store) -> None:
    """A sector that is gone is nobody's, and one that is new has no figures yet."""
    run(new(), fly(3), store)
    other = Scoring(np.array([77, 6], np.int64), Utc())
    other.resume(store)
    for each in list(fly(5))[37:]:
        store.commit(each)
        other.observe(each, store)
    answer = other.accuracy()
    assert {each.row for each in answer.by_series} == {1}
    assert answer.by_lead[4].mean_truth == pytest.approx(3.0)


def test_a_bin_begins_with_the_full_minute_that_it_lies_in() -> None:
    """A forecast made some seconds after a mark is of the minutes from the mark on."""
    scoring = new()
    ticks = list(fly(2))
    late = issued(START_S + 3, occupancy(START_S + 60 * np.arange(15)).mean(axis=1)[:, None])
    scoring.observe(ticks[0])
    scoring.issued(late)
    found = Scored.join([each for t in ticks[1:6] if (each := scoring.observe(t)) is not None])
    assert np.allclose(found.truth, found.mean, atol=1e-5)


def test_only_the_last_days_are_in_the_figures() -> None:
    """Asked for a day, only its bins count; what is older than four weeks is gone."""
    scoring = new()
    ledger = scoring._ledger
    for day in range(30):
        figures = ledger._of(START_S + 86_400 * day)
        figures.by_series["count"][:] = 1
    assert len(ledger.days) == 28
    assert scoring.accuracy(days=1).scored == 3 * LEADS.size
    assert scoring.accuracy(days=7).scored == 7 * 3 * LEADS.size
    assert scoring.accuracy().scored == 28 * 3 * LEADS.size


def test_figures_come_back_as_they_were_kept() -> None:
    """By the sectors that are there: in another order, without those that are gone."""
    scoring = new()
    found = Scored.join(run(scoring, fly(6), off=2.5))
    figures = Figures(3)
    figures.add(found, np.zeros(len(found), np.int64))
    blob = figures.to_blob(SECTOR_IDS)
    back = Figures.from_blob(blob, SECTOR_IDS)
    for mine, theirs in zip(back.groups(), figures.groups(), strict=True):
        for name, sums in mine.items():
            assert np.array_equal(sums, theirs[name]), name
    turned = Figures.from_blob(blob, np.array([SECTOR_IDS[2], 4, SECTOR_IDS[0]]))
    for group, theirs in ((turned.by_series, figures.by_series), (turned.by_hour, figures.by_hour)):
        assert np.array_equal(group["count"][[0, 2]], theirs["count"][[2, 0]])
        assert not group["count"][1].any()


def test_a_gap_that_was_told_by_a_tick_that_went_by_is_a_gap(store: Store) -> None:
    """Whoever skipped the first tick after it does not take the time before for empty."""
    whole, some = new(), new()
    back_s = START_S + 4 * HOUR_S
    for each in fly(7, gap=(3.0, 4.0)):
        store.commit(each)
        whole.observe(each, store)
        if each.time_us // 1_000_000 != back_s:
            some.observe(each, store)
        for scoring in (whole, some):
            scoring.issued(forecast(each))
    assert_alike(some, whole)
    assert some.accuracy().unscored == whole.accuracy().unscored > 0
