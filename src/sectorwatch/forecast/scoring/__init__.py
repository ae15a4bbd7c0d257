"""Forecasts scored against what happened: how good they are, and how far to be trusted."""

from __future__ import annotations

from sectorwatch.forecast.scoring.accuracy import Accuracy
from sectorwatch.forecast.scoring.counts import CountScoring
from sectorwatch.forecast.scoring.ledger import DAYS
from sectorwatch.forecast.scoring.scored import Scored
from sectorwatch.forecast.scoring.scoring import Scoring

__all__ = ["DAYS", "Accuracy", "CountScoring", "Scored", "Scoring"]
