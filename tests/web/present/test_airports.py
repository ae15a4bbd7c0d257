"""An airport's trend."""

from __future__ import annotations

import numpy as np
import pytest

from sectorwatch.airspace import Airports
from sectorwatch.store.queries_airports import AirportHours
from sectorwatch.web.present.airports import airport_trend


def hours(known: list[bool]) -> AirportHours:
    """Hours with two departures and an arrival in each of those known."""
    there = np.array(known)
    return AirportHours(
        np.arange(there.size, dtype=np.int64) * 3_600,
        2 * there.astype(np.int32),
        there.astype(np.int32),
        there,
    )


def test_an_hour_without_feeds_has_no_counts() -> None:
    """Nothing seen is not the same as nothing there."""
    sydney = Airports.load().get("YSSY")
    assert sydney is not None
    shown = airport_trend(sydney, hours([False, True]), last_hour=9, hour_before=1)
    counts = [(hour.departures, hour.arrivals, hour.known) for hour in shown.series]
    assert counts == [(None, None, False), (2, 1, True)]
    assert shown.trend == "increasing"
    assert shown.probability is not None
    assert shown.probability > 0.9


@pytest.mark.parametrize(("last_hour", "hour_before"), [(20, None), (None, 20), (None, None)])
def test_no_trend_is_made_of_an_hour_that_nobody_saw(
    last_hour: int | None, hour_before: int | None
) -> None:
    """An instance that began half an hour ago does not call its first flights an increase."""
    sydney = Airports.load().get("YSSY")
    assert sydney is not None
    shown = airport_trend(sydney, hours([True]), last_hour=last_hour, hour_before=hour_before)
    assert (shown.trend, shown.probability) == (None, None)
    assert (shown.last_hour, shown.hour_before) == (last_hour, hour_before)
