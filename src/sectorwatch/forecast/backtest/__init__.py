"""Back-test: forecasts as of the past, scored against what happened, beside the baselines."""

from sectorwatch.forecast.backtest.plot import write_plot
from sectorwatch.forecast.backtest.run import METHODS, Wanted, run

__all__ = ["METHODS", "Wanted", "run", "write_plot"]
