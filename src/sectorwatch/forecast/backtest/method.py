"""What a method of forecasting is to the back-test, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sectorwatch.forecast.horizon import LEADS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Forecasts", "Method"]


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecasts of sectors (s,) at moments (n,) for leads (l,): `mean` has shape (s, n, l).

    NaN where the method says nothing. `quantiles` (s, n, l, q) at `QUANTILES` and `p_zero`
    (s, n, l) are None for methods that give a number alone.
    """

    mean: NDArray[np.float32]
    quantiles: NDArray[np.float32] | None = None
    p_zero: NDArray[np.float32] | None = None

    def of(self, sectors: NDArray[np.intp]) -> Forecasts:
        """Those of some sectors."""
        return Forecasts(
            self.mean[sectors],
            None if self.quantiles is None else self.quantiles[sectors],
            None if self.p_zero is None else self.p_zero[sectors],
        )

    def at_leads(self, leads_s: NDArray[np.int64]) -> Forecasts:
        """Of forecasts for all of `LEADS` those of some."""
        which = np.searchsorted(LEADS, leads_s)
        return Forecasts(
            self.mean[:, :, which],
            None if self.quantiles is None else self.quantiles[:, :, which],
            None if self.p_zero is None else self.p_zero[:, :, which],
        )


class Method(Protocol):
    """A way to forecast. It sees nothing that came after the moment that it forecasts at."""

    @property
    def name(self) -> str:
        """As the command and the answer call it."""
        ...

    @property
    def label(self) -> str:
        """As tables and plots call it."""
        ...

    def retrain(self, until_s: int) -> str | None:
        """Learn from what was known at `until_s`; where that cannot be, why, in words."""
        ...

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        """What it said at each moment: those of one day, in order, after the last `retrain`."""
        ...
