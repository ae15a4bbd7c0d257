from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made_ticks import START_S
from sectorwatch.errors import StoreError
from sectorwatch.store import Store
from sectorwatch.store.forecasts import Decision, Kept, Scores
from sectorwatch.store.segments import DAY_S

if TYPE_CHECKING:
    from sectorwatch.store import DataDirectory


def test_what_was_issued_is_kept_as_it_was(either: Store) -> None:
    """By kind and in order; one of the same moment that comes later changes nothing."""
    forecasts = either.forecasts
    assert forecasts.keep("sectors", START_S + 300, "m2", b"second", seq=8)
    assert forecasts.keep("sectors", START_S, "m1", b"first", seq=7)
    assert forecasts.keep("airports", START_S, "", b"other")
    assert not forecasts.keep("sectors", START_S, "m9", b"anew", seq=9)
    first, second = Kept(START_S, 7, "m1", b"first"), Kept(START_S + 300, 8, "m2", b"second")
    assert forecasts.kept("sectors", START_S, START_S + 301) == [first, second]
    assert forecasts.kept("sectors", START_S + 1, START_S + 300) == []
    assert forecasts.kept("airports", 0, START_S + 1) == [Kept(START_S, 0, "", b"other")]


def test_a_restart_finds_all_of_it(directory: DataDirectory) -> None:
    """What was kept is there for whoever opens the directory next."""
    with Store.open(directory) as store:
        store.forecasts.keep("sectors", START_S, "m1", b"first")
        store.forecasts.keep_state("conformal", START_S, b"state")
    with Store.open(directory) as store:
        assert store.forecasts.kept("sectors", 0, 2 * START_S) == [Kept(START_S, 0, "m1", b"first")]
        assert store.forecasts.state("conformal") == (START_S, b"state")


def test_figures_of_a_day_take_the_place_of_those_before(either: Store) -> None:
    """One row a day, days that are too old are let go, other kinds stay."""
    forecasts = either.forecasts
    old, day = START_S - DAY_S, START_S
    forecasts.keep_scores("airports", [Scores(old, day, b"theirs")], from_day_s=old)
    forecasts.keep_scores("sectors", [Scores(old, day, b"old")], from_day_s=old)
    forecasts.keep_scores("sectors", [Scores(day, day + 300, b"a")], from_day_s=old)
    forecasts.keep_scores("sectors", [Scores(day, day + 600, b"b")], from_day_s=old)
    assert forecasts.scores("sectors", old) == [
        Scores(old, day, b"old"),
        Scores(day, day + 600, b"b"),
    ]
    forecasts.keep_scores("sectors", [Scores(day, day + 900, b"c")], from_day_s=day)
    assert forecasts.scores("sectors", 0) == [Scores(day, day + 900, b"c")]
    assert len(forecasts.scores("airports", 0)) == 1


def test_a_state_takes_the_place_of_the_one_before(either: Store) -> None:
    """Each maker has one; who has none is told so."""
    either.forecasts.keep_state("conformal", START_S, b"a")
    either.forecasts.keep_state("conformal", START_S + 60, b"b")
    assert either.forecasts.state("conformal") == (START_S + 60, b"b")
    assert either.forecasts.state("anomalies") is None


def test_decisions_between_models_are_kept_with_their_figures(either: Store) -> None:
    """Newest first; figures that are no JSON are refused before anything is written."""
    figures = {"challenger": {"mae": 0.71}, "champion": None}
    first = Decision(START_S, "m1", "", True, figures)
    second = Decision(START_S + DAY_S, "m2", "m1", False, {})
    for each in (first, second):
        either.forecasts.keep_decision(each)
    assert either.forecasts.decisions() == [second, first]
    assert either.forecasts.decisions(limit=1) == [second]
    with pytest.raises(StoreError, match="figures of m3 are no JSON"):
        either.forecasts.keep_decision(Decision(START_S, "m3", "", True, {"at": object()}))
    assert len(either.forecasts.decisions()) == 2
