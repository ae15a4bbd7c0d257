"""How many will take off and land at airports: of the flights known, and of those not filed yet."""

from sectorwatch.forecast.airports.forecaster import AirportForecaster, series_id
from sectorwatch.forecast.airports.outlook import AirportOutlook
from sectorwatch.forecast.airports.rates import MovementRates
from sectorwatch.forecast.airports.scoring import SeriesNames, airport_scoring

__all__ = [
    "AirportForecaster",
    "AirportOutlook",
    "MovementRates",
    "SeriesNames",
    "airport_scoring",
    "series_id",
]
