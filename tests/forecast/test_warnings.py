"""Capacity warnings: raised late, kept long, one an episode, across restarts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.made_issues import AS_OF_S, issued, sector
from sectorwatch.forecast.alert_score import alert_score
from sectorwatch.forecast.breach import breached
from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.hysteresis import WarningRule, warned
from sectorwatch.forecast.warnings import CapacityWarnings

SECTORS = [sector("YSSY_CTR", "YSSY_CTR", capacity=8), sector("YMML_CTR", "YMML_CTR", capacity=8)]
CAPACITY = CapacityBook(SECTORS).now
STEP_S = 300
QUIET = np.full((2, 17), 4.0)
BUSY = QUIET.copy()
BUSY[0, 5:9] = (10.0, 12.0, 11.0, 10.0)


def hear(warnings: CapacityWarnings, mean: np.ndarray, step: int) -> list[tuple[str, bool]]:
    """Whom an issue raised a warning for (True) or ended one."""
    found = warnings.hear(
        issued(SECTORS, mean, as_of_s=AS_OF_S + step * STEP_S, capacity=CAPACITY), CAPACITY
    )
    return [(each.sector, each.ended_s is None) for each in found]


def test_it_takes_two_issues_to_raise_one_and_time_to_end_it() -> None:
    """One issue says nothing; one that is raised stands for half an hour at any rate."""
    warnings = CapacityWarnings(SECTORS)
    assert hear(warnings, BUSY, 0) == []
    assert hear(warnings, QUIET, 1) == hear(warnings, BUSY, 2) == []
    assert hear(warnings, BUSY, 3) == [("YSSY_CTR", True)]
    for step in range(4, 9):
        assert hear(warnings, QUIET, step) == []
    assert hear(warnings, QUIET, 9) == [("YSSY_CTR", False)]
    assert warnings.standing() == []
    (over,) = warnings.ended()
    assert over.ended_s == AS_OF_S + 9 * STEP_S
    assert "no longer expected" in over.words


def test_it_says_what_is_expected_when() -> None:
    """From and to, the peak with its interval, the capacity and where it comes from."""
    warnings = CapacityWarnings(SECTORS)
    hear(warnings, BUSY, 0)
    hear(warnings, BUSY, 1)
    (found,) = warnings.standing()
    as_of_s = AS_OF_S + STEP_S
    assert (found.from_s, found.to_s) == (as_of_s + 5 * 900, as_of_s + 9 * 900)
    assert (found.peak, found.peak_s) == (12.0, as_of_s + 6 * 900)
    assert (found.peak_low, found.peak_high) == (8.4, 15.6)
    assert found.words == (
        "YSSY_CTR is expected to be above its configured capacity of 8 aircraft from 09:25Z to "
        "10:25Z: most at 09:40Z, about 12 (8 to 16). Probability of half an hour or more on end: "
        "about 95 %."
    )
    assert warnings.get(found.warning_id) == found
    assert warnings.get("1") is None


def test_one_that_stands_is_kept_up_to_date_under_its_number() -> None:
    """The window moves with the forecast; the greatest probability is remembered."""
    warnings = CapacityWarnings(SECTORS)
    hear(warnings, BUSY, 0)
    hear(warnings, BUSY, 1)
    (first,) = warnings.standing()
    later = QUIET.copy()
    later[0, 3:6] = 8.5
    assert hear(warnings, later, 2) == []
    (then,) = warnings.standing()
    assert then.warning_id == first.warning_id
    assert then.began_s == first.began_s
    assert then.from_s == AS_OF_S + 2 * STEP_S + 3 * 900
    assert then.p < first.p == then.highest_p


def test_a_single_busy_quarter_raises_nothing() -> None:
    """However busy it is."""
    once = QUIET.copy()
    once[0, 6] = 30.0
    warnings = CapacityWarnings(SECTORS)
    assert hear(warnings, once, 0) == hear(warnings, once, 1) == []


def test_a_chance_that_is_spread_over_hours_raises_nothing() -> None:
    """Half an hour above is likely some time, and nobody could say when."""
    warnings = CapacityWarnings(SECTORS)
    for step in range(3):
        assert hear(warnings, np.array([[7.0], [1.0]]), step) == []
    assert warnings.probability[0] > 0.6


def test_a_sector_of_unknown_capacity_has_no_warning() -> None:
    """However busy it is; and one whose capacity is no longer known loses the one it has."""
    unknown = CapacityBook([sector("YSSY_CTR"), sector("YMML_CTR")]).now
    warnings = CapacityWarnings(SECTORS)
    for step in range(2):
        busy = issued(SECTORS, BUSY * 9, as_of_s=AS_OF_S + step * STEP_S, capacity=unknown)
        assert warnings.hear(busy, unknown) == []
    assert np.isnan(warnings.probability).all()
    hear(warnings, BUSY, 2)
    hear(warnings, BUSY, 3)
    assert len(warnings.standing()) == 1
    over = []
    for step in range(4, 11):
        busy = issued(SECTORS, BUSY, as_of_s=AS_OF_S + step * STEP_S, capacity=unknown)
        over += warnings.hear(busy, unknown)
    assert "not known any more" in over[0].words


def test_an_older_issue_changes_nothing() -> None:
    """Nor the same once more."""
    warnings = CapacityWarnings(SECTORS)
    hear(warnings, BUSY, 5)
    assert hear(warnings, BUSY, 5) == hear(warnings, BUSY, 2) == []
    assert hear(warnings, BUSY, 6) == [("YSSY_CTR", True)]


def test_a_pause_begins_the_count_anew() -> None:
    """Two issues with an hour between them are not two on end."""
    warnings = CapacityWarnings(SECTORS)
    assert hear(warnings, BUSY, 0) == hear(warnings, BUSY, 12) == []
    assert hear(warnings, BUSY, 13) == [("YSSY_CTR", True)]


@pytest.mark.parametrize("at", range(1, 14))
def test_a_restart_changes_nothing(at: int) -> None:
    """Wherever it falls: the same warnings, under the same numbers."""
    means = [QUIET, BUSY, BUSY, BUSY, *[QUIET] * 7, BUSY, BUSY, BUSY]
    whole, before = CapacityWarnings(SECTORS), CapacityWarnings(SECTORS)
    for step, mean in enumerate(means):
        hear(whole, mean, step)
    for step, mean in enumerate(means[:at]):
        hear(before, mean, step)
    after = CapacityWarnings(SECTORS, kept=before.state())
    for step, mean in enumerate(means[at:], at):
        hear(after, mean, step)
    assert after.standing() == whole.standing()
    assert after.ended() == whole.ended()


def test_a_sector_that_is_gone_takes_its_warning_along() -> None:
    """After a restart with another airspace, and says so."""
    warnings = CapacityWarnings(SECTORS)
    hear(warnings, BUSY, 0)
    hear(warnings, BUSY, 1)
    after = CapacityWarnings(SECTORS[1:], kept=warnings.state())
    assert after.standing() == []
    assert "not in the airspace any more" in after.ended()[0].words


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"{",
        b"[]",
        b'{"form": 1}',
        b"\xff",
        b'{"form":9,"last_s":1,"streaks":{},"open":[],"ended":[]}',
    ],
)
def test_what_cannot_be_read_is_refused(kept: bytes) -> None:
    """A file that is cut, or of another version."""
    with pytest.raises(ValueError, match="capacity warnings"):
        CapacityWarnings(SECTORS, kept=kept)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_warning_never_blinks(p: list[float]) -> None:
    """Each lasts half an hour at least, and none begins at less than it takes."""
    rule = WarningRule()
    times = AS_OF_S + STEP_S * np.arange(len(p))
    stood = warned(np.array(p)[:, None], times, rule)[:, 0]
    edges = np.flatnonzero(np.diff(stood.astype(int)))
    for begin, end in itertools.pairwise(edges):
        if stood[begin + 1]:
            assert times[end + 1] - times[begin + 1] >= rule.least_s
            assert min(p[begin : begin + 2]) >= rule.raise_p
            assert p[end + 1] <= rule.clear_p


def test_warnings_are_scored_against_what_happened() -> None:
    """Precision of those given, recall of what came, and how long before."""
    start_s = AS_OF_S + 900 * np.arange(48)
    load = np.full((2, 48), 4.0)
    load[0, [10, 11, 12, 30, 31]] = 9.0
    load[1, [5, 20, 21]] = 9.0
    breach = breached(load, np.array([8.0, 8.0])).T
    times = AS_OF_S + 300 * np.arange(3 * 48)
    stood = np.zeros((times.size, 2), np.bool_)
    stood[18:40, 0] = True  # right: 12 issues before bin 10
    stood[20:30, 1] = True  # right within 4 h, but over when it came
    stood[66:70, 1] = True  # wrong
    score = alert_score(stood, times, breach, start_s)
    assert (score.warnings, score.right) == (3, 2)
    assert (score.breaches, score.foreseen) == (3, 1)
    assert score.precision == pytest.approx(2 / 3)
    assert score.recall == pytest.approx(1 / 3)
    assert score.lead_s == 12 * 300


def test_what_cannot_be_decided_is_not_scored() -> None:
    """A warning whose time is not over, or not known, and a breach that began unseen."""
    start_s = AS_OF_S + 900 * np.arange(20)
    breach = np.zeros((20, 1), np.bool_)
    breach[8:10] = True
    known = np.ones((20, 1), np.bool_)
    known[5:8] = False
    times = AS_OF_S + 300 * np.arange(60)
    stood = np.zeros((60, 1), np.bool_)
    stood[45:] = True
    score = alert_score(stood, times, breach, start_s, known=known)
    assert (score.warnings, score.breaches) == (0, 0)
    assert score.precision is None
    assert score.recall is None
