"""The tracker's radio contact held against who was staged to work whom."""

from __future__ import annotations

import pytest
from contact_scoring import Score, score_contacts

from sectorwatch.airspace import load_airspace
from sectorwatch.simulator import Network
from simulator.flown import timetable

# A Friday evening in Australia.
EVENING_S = 1_795_132_800 + 8 * 3_600


@pytest.fixture(scope="module")
def score() -> Score:
    """An hour and three quarters of an evening, through the real decoding and tracker."""
    network = Network(
        timetable(peak_airborne=100),
        load_airspace(["made:australia"]),
        seed=4,
        start_s=EVENING_S,
        end_s=EVENING_S + 6_300,
        stations=30.0,
    )
    return score_contacts(network)


def test_most_of_the_time_found_was_staged_and_most_staged_is_found(score: Score) -> None:
    """Precision and recall of contact time, text-only pilots and listeners among them."""
    assert score.staged_s > 8 * 3_600
    # What is found too much are mostly listeners: people at a gate, on the channel, not yet worked.
    assert score.precision > 0.88
    assert score.recall > 0.85


def test_what_is_missed_has_a_cause(score: Score) -> None:
    """Pilots of whom no radio is known, samples a minute apart: hardly anything else.

    What cannot be seen is no fault of the tracker's; of what can be seen it finds nearly all.
    """
    assert score.staged_s - score.both_s == score.missed.total()
    assert score.found_s - score.both_s == score.made_up.total()
    unseen_s = score.missed["pilot without a radio"]
    assert unseen_s > 0
    seen_s = score.staged_s - unseen_s
    assert score.both_s / seen_s > 0.97
    assert score.missed["station without a radio"] < 0.005 * score.staged_s
    edges_s = score.missed["between samples"] + score.made_up["between samples"]
    assert edges_s < 0.03 * score.staged_s
