"""Good times to open a position, on cases of which the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.made_issues import AS_OF_S, issued, sector
from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.good_times import (
    STAY_S,
    GoodTime,
    GoodTimeRule,
    Openings,
    good_times,
    start_times,
)
from sectorwatch.forecast.staffing import Presence

SYDNEY = sector("YSSY_CTR", "YSSY_CTR", "YMMM_FSS")
MELBOURNE = sector("YMML_CTR", "YMML_CTR", "YMMM_FSS")
BOTH = [SYDNEY, MELBOURNE]
NOBODY = np.zeros(2, np.bool_)


def found(mean: object, staffed: object = NOBODY, **more: object) -> list[GoodTime]:
    """Good times for the two sectors."""
    sectors = more.pop("sectors", BOTH)
    assert isinstance(sectors, list)
    return good_times(issued(sectors, mean), Openings(sectors), np.asarray(staffed), **more)  # type: ignore[arg-type]


def test_it_is_when_most_comes_that_nobody_covers() -> None:
    """A wave from 1 h to 3 h ahead: open at its beginning."""
    mean = np.full((2, 17), 1.0)
    mean[0, 4:12] = 9.0
    (best,) = found(mean)
    assert best.position == "YSSY_CTR"
    assert best.start_s == AS_OF_S + 3_600
    assert best.end_s == best.start_s + STAY_S
    assert best.covered_min == pytest.approx(9 * 120)
    assert best.aircraft == pytest.approx(9.0)
    assert best.words.startswith(
        "A good time to open YSSY_CTR is 09:05Z: until 11:05Z about 9 aircraft at once are expected"
    )
    assert "about 1,080 aircraft-minutes" in best.words


def test_nobody_waits_for_little_more() -> None:
    """Even traffic: now. A wave that is there already: now, although its top is later."""
    even = found(np.array([[6.0], [0.0]]))
    assert even[0].start_s == AS_OF_S
    assert "is now (08:05Z)" in even[0].words
    mean = np.zeros((2, 17))
    mean[0, :9] = (8, 8, 8, 8, 8, 8, 8, 8, 8.5)
    assert found(mean)[0].start_s == AS_OF_S


def test_a_sector_with_an_owner_needs_nobody() -> None:
    """Whoever is online is taken to stay."""
    mean = np.full((2, 17), 5.0)
    assert [each.position for each in found(mean, [True, False])] == ["YMML_CTR"]
    assert found(mean, [True, True]) == []


def test_what_is_hardly_anything_is_no_reason_to_open() -> None:
    """Two at once on the mean, by the rule; and one may set another."""
    mean = np.array([[1.9], [2.1]])
    assert [each.position for each in found(mean)] == ["YMML_CTR"]
    lower = found(mean, rule=GoodTimeRule(least_aircraft=1.0))
    assert [each.position for each in lower] == ["YMML_CTR", "YSSY_CTR"]


def test_they_are_ranked_by_what_they_cover_and_bounded() -> None:
    """Most first, so many at most."""
    sectors = [sector(f"A{n:02}_CTR", f"A{n:02}_CTR") for n in range(20)]
    mean = np.arange(20.0)[:, None]
    best = found(mean, np.zeros(20, np.bool_), sectors=sectors, rule=GoodTimeRule(most=3))
    assert [each.position for each in best] == ["A19_CTR", "A18_CTR", "A17_CTR"]


def test_a_position_has_all_the_sectors_it_is_first_for() -> None:
    """Together; those behind whose own position it stands are named, and not counted."""
    sectors = [
        sector("ARL_CTR", "ML-ARL_CTR"),
        sector("KAT_CTR", "ML-ARL_CTR"),
        sector("WOL_CTR", "ML-WOL_CTR", "ML-ARL_CTR"),
    ]
    mean = np.array([[2.0], [1.5], [4.0]])
    best = found(mean, np.zeros(3, np.bool_), sectors=sectors)
    by_name = {each.position: each for each in best}
    assert by_name["ML-ARL_CTR"].sectors == ("ARL_CTR", "KAT_CTR")
    assert by_name["ML-ARL_CTR"].also == ("WOL_CTR",)
    assert by_name["ML-ARL_CTR"].covered_min == pytest.approx(3.5 * 120)
    assert best[0].position == "ML-WOL_CTR"


def test_a_position_that_leads_in_two_partitions_is_told_once() -> None:
    """Where it covers most: they are the same aircraft."""
    sectors = [sector("YSSY_CTR", "YSSY_CTR"), sector("YBBB", "YSSY_CTR", dataset="other")]
    best = found(np.array([[3.0], [5.0]]), NOBODY, sectors=sectors)
    assert [(each.position, each.partition) for each in best] == [("YSSY_CTR", "other:enroute")]


def test_more_than_a_sector_takes_is_not_counted_and_said() -> None:
    """Twelve where eight are taken: eight count."""
    sectors = [sector("YSSY_CTR", "YSSY_CTR", capacity=8)]
    best = found(12.0, np.zeros(1, np.bool_), sectors=sectors, capacity=CapacityBook(sectors).now)
    assert best[0].covered_min == pytest.approx(8 * 120)
    assert best[0].aircraft == pytest.approx(12.0)
    assert best[0].is_too_much
    assert "more than the 8" in best[0].words


def test_who_is_usually_there_is_evidence_and_changes_no_rank() -> None:
    """In words, and only of weeks enough."""
    presence = Presence(np.array([[6] * 9, [0] * 9], np.int16), np.full(9, 8, np.int16))
    usual, never = found(np.array([[6.0], [5.0]]), presence=presence)
    assert (usual.here, usual.of) == (6, 8)
    assert "somebody was here in 6 of the last 8 weeks" in usual.words
    assert "Nobody was here at this hour in any of the last 8 weeks" in never.words
    few = Presence(np.zeros((2, 9), np.int16), np.full(9, 2, np.int16))
    assert "weeks" not in found(6.0, presence=few)[0].words


def test_confidence_is_what_was_measured_at_the_nearest_horizon() -> None:
    """And nothing where nothing was scored."""
    asked: list[tuple[int, int]] = []

    def confidence(sector_id: int, lead_s: int) -> float | None:
        asked.append((sector_id, lead_s))
        return None if sector_id == MELBOURNE.sector_id else 0.7

    best = found(np.array([[6.0], [5.0]]), confidence=confidence)
    assert [each.confidence for each in best] == [0.7, None]
    assert asked == [(SYDNEY.sector_id, 3_600), (MELBOURNE.sector_id, 3_600)]


def test_the_interval_of_two_hours_is_narrower_than_that_of_a_quarter() -> None:
    """Errors of an hour and more apart go together less."""
    (best, _) = found(6.0)
    assert 6 * 0.7 < best.low < 6 < best.high < 6 * 1.3
    alone, _ = found(6.0, correlation=0.0)
    assert best.high - best.low > alone.high - alone.low


def test_a_sector_that_nobody_is_listed_for_has_no_position_to_open() -> None:
    """There is nothing to say of it."""
    assert found(9.0, np.zeros(1, np.bool_), sectors=[sector("NOWHERE")]) == []


def test_starts_are_those_whose_two_hours_are_forecast() -> None:
    """Every quarter of an hour of the next two."""
    assert start_times(AS_OF_S) == [AS_OF_S + 900 * n for n in range(9)]
