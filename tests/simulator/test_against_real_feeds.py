"""The simulator held against the real feeds, and its numbers held to the page that states them."""

from __future__ import annotations

from pathlib import Path

import pytest
from calibration import BOUND, distances, fingerprint, real_profile, simulated_profile
from feed_profile import CLASSES, QUANTITIES

PAGE = Path(__file__).parents[2] / "docs" / "simulator-calibration.md"
SEED = 314_159
"""One that nothing was fitted with; the page has another."""
ENOUGH = 100


@pytest.mark.real_data
@pytest.mark.timeout(600)
def test_a_made_world_looks_like_the_real_network(real_data: Path) -> None:
    """Each of six distributions is within 0.10 of the real one, in each class of distance.

    One test for all of them: a week of the world is flown for it once, in about 12 s.
    """
    real, made = real_profile(real_data), simulated_profile(real_data, seed=SEED)
    for profile in (real, made):
        for quantity in QUANTITIES:
            for number, name in enumerate(CLASSES):
                # On a handful of flights a bound would hold, or break, by chance.
                assert profile.sample(quantity, number).weights.sum() >= ENOUGH, (quantity, name)
    apart = distances(real, made)
    assert len(apart) == len(QUANTITIES) * len(CLASSES)
    over = {
        (quantity, CLASSES[number]): round(value, 3)
        for (quantity, number), value in apart.items()
        if value > BOUND
    }
    assert over == {}


def test_no_number_changes_without_the_page_that_states_it() -> None:
    """Forecasts are trained on what it flies: nobody may tune it to them unseen."""
    assert f"`{fingerprint()}`" in PAGE.read_text(encoding="utf-8"), (
        "the simulator flies by other numbers than docs/simulator-calibration.md states: measure"
        " again with tools/plot_calibration.py, and say there what changed and why"
    )
