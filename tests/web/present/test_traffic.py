"""Trends of two counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.feed.records import Reference
from sectorwatch.web.present.traffic import probability_of_increase, ratings, trend_of


@given(st.integers(0, 3_000), st.integers(0, 3_000))
def test_more_and_fewer_mirror_each_other(before: int, after: int) -> None:
    """The probabilities of a rise and of a fall add up to one, in the exact and the normal form."""
    up, down = probability_of_increase(before, after), probability_of_increase(after, before)
    assert math.isclose(up + down, 1.0, abs_tol=1e-9)
    assert 0.0 <= up <= 1.0


def test_the_normal_form_joins_the_exact_one() -> None:
    """Where the formula changes, the figure does not."""
    exact = probability_of_increase(970, 1_029)
    normal = probability_of_increase(971, 1_030)
    assert abs(exact - normal) < 0.002


@pytest.mark.parametrize(
    ("before", "after", "trend"),
    [(0, 0, "stable"), (0, 1, "stable"), (1, 9, "increasing"), (9, 1, "decreasing")],
)
def test_few_movements_are_no_trend(before: int, after: int, trend: str) -> None:
    """One movement more or less says nothing; eight do."""
    assert trend_of(probability_of_increase(before, after)) == trend


def test_ratings_before_the_first_feed_are_the_built_in_ones() -> None:
    """The endpoint answers at once, and says where its tables come from."""
    built_in = ratings(None)
    assert built_in.source == "built_in"
    assert {row.short for row in built_in.ratings} >= {"OBS", "S1", "C1", "SUP"}
    from_feed = ratings(Reference(ratings={5: ("C1", "Enroute Controller")}))
    assert from_feed.source == "feed"
    assert [row.id for row in from_feed.ratings] == [5]
