"""Training in a process of its own: slow, bounded in memory and time, and in nobody's way."""

from sectorwatch.forecast.worker.order import Order, Report, State
from sectorwatch.forecast.worker.process import WorkerProcess

__all__ = ["Order", "Report", "State", "WorkerProcess"]
