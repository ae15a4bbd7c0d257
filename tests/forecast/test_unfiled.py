"""Flights that nobody has filed, where there is nothing to learn them from."""

from __future__ import annotations

import numpy as np

from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.unfiled import UNFILED_MIN, UNFILED_SHARE, unfiled


def test_they_grow_with_the_lead_and_with_what_is_there() -> None:
    """Next to nobody at once, never more than there are now, nobody where nobody is."""
    found = unfiled(np.array([0, 1, 20]), LEADS)
    assert found.shape == (3, 17)
    assert (found[0] == 0).all()
    assert found[2, 0] < 0.3
    assert (np.diff(found[2]) > 0).all()
    assert found[2, -1] <= 20
    assert np.allclose(found[2], 20 * found[1])


def test_the_table_is_one() -> None:
    """As many shares as moments, both rising, over all that is forecast."""
    assert len(UNFILED_MIN) == len(UNFILED_SHARE)
    assert list(UNFILED_MIN) == sorted(UNFILED_MIN)
    assert list(UNFILED_SHARE) == sorted(UNFILED_SHARE)
    assert UNFILED_MIN[0] == 0
    assert 60 * UNFILED_MIN[-1] >= LEADS[-1]
