"""What is expected at an airport, as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.forecast.horizon import LEADS, LONGEST_S
from sectorwatch.forecast.issued import interval_told
from sectorwatch.web.answers.airports import AirportOutlookAnswer, MovementBin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.airspace.airports import Airport
    from sectorwatch.forecast.airports import AirportForecaster
    from sectorwatch.forecast.airports.outlook import Expected

__all__ = ["airport_outlook", "nothing_expected"]


def nothing_expected(airport: Airport, why: str) -> AirportOutlookAnswer:
    """Say why nothing is forecast."""
    return AirportOutlookAnswer(
        airport=airport.icao,
        name=airport.name,
        as_of=None,
        statement=why,
        level_today=None,
        days_learned=0.0,
        departures=[],
        arrivals=[],
    )


def airport_outlook(
    airport: Airport,
    forecaster: AirportForecaster,
    last_week: tuple[NDArray[np.float32], NDArray[np.float32]],
    why_stale: str,
) -> AirportOutlookAnswer:
    """Show the newest forecast for an airport; there is one."""
    outlook = forecaster.latest
    assert outlook is not None  # noqa: S101 - whoever asks has looked
    days = forecaster.rates.days
    departures, arrivals = (
        _bins(outlook.of(airport.index, kind), outlook.as_of_s, last_week[kind])
        for kind in range(2)
    )
    return AirportOutlookAnswer(
        airport=airport.icao,
        name=airport.name,
        as_of=format_s(outlook.as_of_s),
        statement=" ".join(filter(None, (_statement(days), why_stale))),
        level_today=round(outlook.level, 3) if days else None,
        days_learned=round(days, 1),
        departures=departures,
        arrivals=arrivals,
    )


def _statement(days: float) -> str:
    if not days:
        return (
            "By the flights online and the plans filed ahead alone: no day of the past has been "
            "learned yet, so those that nobody has filed yet are in no number."
        )
    return (
        "By the flights online, the plans filed ahead, and what is usual at this time of the local "
        f"week of flights not filed yet, over the last days ({days:.1f} of them weigh in)."
    )


def _bins(expected: Expected, as_of_s: int, last_week: NDArray[np.float32]) -> list[MovementBin]:
    low, high = interval_told(expected.mean, expected.quantiles)
    return [
        MovementBin(
            lead_min=int(lead_s) // 60,
            start=format_s(as_of_s + int(lead_s)),
            mean=round(float(expected.mean[at]), 2),
            low=round(float(low[at]), 2),
            high=round(float(high[at]), 2),
            known=round(float(expected.known[at]), 2),
            unseen=round(float(expected.unseen[at]), 2),
            last_week=None if np.isnan(last_week[at]) else round(float(last_week[at]), 1),
        )
        for at, lead_s in enumerate(LEADS.tolist())
        if lead_s < LONGEST_S
    ]
