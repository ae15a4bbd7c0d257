"""When flights will enter a sector: with intervals, kept, scored, and set right by the scores."""

from sectorwatch.forecast.entries.accuracy import LookAheadAccuracy
from sectorwatch.forecast.entries.estimates import EntryEstimates, entry_estimates
from sectorwatch.forecast.entries.forecasts import EntryForecasts

__all__ = ["EntryEstimates", "EntryForecasts", "LookAheadAccuracy", "entry_estimates"]
