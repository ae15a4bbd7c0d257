"""What is unusual now: spikes and lulls of traffic, odd mixes, flights gone all at once."""

from sectorwatch.forecast.anomalies.anomaly import Anomaly, AnomalyType, Evidence, Most
from sectorwatch.forecast.anomalies.detector import Detector
from sectorwatch.forecast.anomalies.episodes import Look

__all__ = [
    "Anomaly",
    "AnomalyType",
    "Detector",
    "Evidence",
    "Look",
    "Most",
]
