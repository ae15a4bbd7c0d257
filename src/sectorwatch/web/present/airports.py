"""An airport's traffic as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.web.answers.traffic import AirportMovements, AirportTrend, HourCount
from sectorwatch.web.present.history import movement_answer
from sectorwatch.web.present.traffic import probability_of_increase, trend_of

if TYPE_CHECKING:
    from sectorwatch.airspace.airports import Airport
    from sectorwatch.store.queries_airports import AirportHours
    from sectorwatch.store.sources import Page
    from sectorwatch.traffic.tick import Movement

__all__ = ["airport_movements", "airport_trend"]


def airport_movements(
    airport: Airport,
    found: Page[Movement],
    counts: tuple[int, int],
    start_s: int,
    end_s: int,
) -> AirportMovements:
    """Show take-offs and landings; `counts` are (departures, arrivals) in the whole period."""
    return AirportMovements(
        airport=airport.icao,
        name=airport.name,
        start=format_s(start_s),
        end=format_s(end_s),
        total=found.total,
        departures=counts[0],
        arrivals=counts[1],
        movements=[movement_answer(movement) for movement in found.items],
    )


def airport_trend(
    airport: Airport, hours: AirportHours, *, last_hour: int | None, hour_before: int | None
) -> AirportTrend:
    """Show an airport hour by hour; the trend compares the last 60 min with those before.

    What is not known is None: nothing seen is not the same as nothing there.
    """
    rows = zip(
        hours.hour_s.tolist(),
        hours.departures.tolist(),
        hours.arrivals.tolist(),
        hours.known.tolist(),
        strict=True,
    )
    probability = None
    if last_hour is not None and hour_before is not None:
        probability = probability_of_increase(hour_before, last_hour)
    return AirportTrend(
        airport=airport.icao,
        name=airport.name,
        hours=len(hours.hour_s),
        series=[
            HourCount(
                time=format_s(time),
                departures=departures if known else None,
                arrivals=arrivals if known else None,
                known=known,
            )
            for time, departures, arrivals, known in rows
        ],
        last_hour=last_hour,
        hour_before=hour_before,
        trend=None if probability is None else trend_of(probability),
        probability=None if probability is None else round(probability, 4),
    )
