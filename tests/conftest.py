"""What every test may use: the real data, where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Two busy cores make single examples slow now and then; what counts is what they find.
settings.register_profile(
    "sectorwatch", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("sectorwatch")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real feeds, airspace and schedules; skips where it is not there."""
    value = os.environ.get("SECTORWATCH_REAL_DATA", "")
    if not value:
        pytest.skip("SECTORWATCH_REAL_DATA is not set: no real feeds, airspace and schedules")
    path = Path(value)
    if not path.is_dir():
        pytest.skip(f"SECTORWATCH_REAL_DATA={value} is no folder")
    return path
