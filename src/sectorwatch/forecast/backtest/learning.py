"""The program's own forecasts as methods of the back-test: plans alone, and models on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.errors import ForecastError
from sectorwatch.forecast.backtest.method import Forecasts
from sectorwatch.forecast.features import FEATURES
from sectorwatch.forecast.horizon import BIN_S, LEADS, LEADS_S
from sectorwatch.forecast.issued import QUANTILES
from sectorwatch.forecast.model.champion import compare
from sectorwatch.forecast.model.files import Header
from sectorwatch.forecast.model.halfway import Prepared
from sectorwatch.forecast.model.model import FORESTS
from sectorwatch.forecast.model.training import OF_HISTORY_ALONE, assembled, drawn, fit
from sectorwatch.forecast.plan_basis import spread_of
from sectorwatch.forecast.unfiled import unfiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.backtest.bins import Bins
    from sectorwatch.forecast.backtest.walked import Walked
    from sectorwatch.forecast.model.model import Model, Prediction
    from sectorwatch.forecast.model.table import Moment, Table

__all__ = ["HISTORY_ALONE", "Boosted", "PlansAlone", "WithoutHistory"]

HISTORY_ALONE = tuple(OF_HISTORY_ALONE)
_FINAL_S = 180
_DAY_S = 86_400
_WITHOUT_PLANS_DAYS = 21
"""Rows of the first weeks do not know what is usual, and whoever has no plans has nothing else."""


class PlansAlone:
    """The plan-based count as it is: nobody who has not filed."""

    name, label = "plan", "Plans alone"

    def __init__(self, walked: Walked) -> None:
        self._walked = walked

    def retrain(self, until_s: int) -> str | None:
        """How plans are carried out, once."""
        self._walked.prepare(until_s)
        return None

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        """The counts."""
        return self._filled(as_of_s).at_leads(leads_s)

    def _said(self, moment: Moment) -> tuple[NDArray[np.float32], ...]:
        """Mean, variance and the probability of nought, each (s, l)."""
        return moment.plan.mean, moment.plan.variance, moment.plan.p_zero

    def _filled(self, as_of_s: NDArray[np.int64]) -> Forecasts:
        """The forecasts of all leads, NaN where a moment is not known."""
        moments = self._walked.day(as_of_s)
        mean, quantiles, p_zero = _nothing(len(self._walked.airspace.sectors), as_of_s.size)
        for row, moment in enumerate(moments):
            if moment is not None:
                mean[:, row], variance, p_zero[:, row] = self._said(moment)
                quantiles[:, row] = spread_of(mean[:, row], variance, p_zero[:, row])
        return Forecasts(mean, quantiles, p_zero)


class WithoutHistory(PlansAlone):
    """What the program says before there is a model: plans, and the share not filed yet."""

    name, label = "without_history", "Plans and unfiled"

    def _said(self, moment: Moment) -> tuple[NDArray[np.float32], ...]:
        more = unfiled(moment.situation.occupancy, LEADS)
        mean, variance, p_zero = super()._said(moment)
        return mean + more, variance + more, p_zero * np.exp(-more)


class Boosted:
    """A model as it is trained for serving, on the schedule, its intervals adapting as it goes.

    Without what `blank` names it is a baseline. As in service a new model takes over only where it
    is better than the one before on the days held back.
    """

    def __init__(
        self, walked: Walked, bins: Bins, name: str, label: str, blank: Sequence[str] = ()
    ) -> None:
        self.name, self.label = name, label
        self._walked, self._bins, self._blank = walked, bins, tuple(blank)
        self._model: Model | None = None
        self._given: list[tuple[int, Prediction]] = []
        self._adapted_s: int | None = None
        self.taken: list[tuple[str, bool]] = []

    def retrain(self, until_s: int) -> str | None:
        """A new model of what was known at `until_s`, where there is enough."""
        walked = self._walked
        known_days = (until_s - walked.history.from_s) / _DAY_S
        if self._blank and known_days < _WITHOUT_PLANS_DAYS:
            return (
                f"{known_days:.1f} days before the first forecast are too few to learn from "
                f"history alone; it takes {_WITHOUT_PLANS_DAYS}"
            )
        walked.prepare(until_s)
        try:
            fitting, held = walked.tables(until_s)
            challenger = self._trained(until_s, fitting, held)
        except ForecastError as error:
            return None if self._model is not None else str(error)
        champion, self._model = self._model, challenger
        if champion is not None:
            won = compare(champion, challenger, held).won
            self.taken.append((challenger.version, won))
            if not won:
                self._model = champion.carrying(challenger, held)
        return None

    def forecast(self, as_of_s: NDArray[np.int64], leads_s: NDArray[np.int64]) -> Forecasts:
        """What the model said at each moment, having heard how its forecasts before came out."""
        model = self._model
        mean, quantiles, p_zero = _nothing(self._bins.mean.shape[0], as_of_s.size)
        for row, moment in enumerate(self._walked.day(as_of_s)):
            if model is None or moment is None:
                continue
            self._adapt(model, moment.as_of_s)
            found = model.predict(moment.rows)
            mean[:, row], quantiles[:, row], p_zero[:, row] = (
                found.mean,
                found.quantiles,
                found.p_zero,
            )
            self._given.append((moment.as_of_s, found))
        return Forecasts(mean, quantiles, p_zero).at_leads(leads_s)

    def _trained(self, until_s: int, fitting: Table, held: Table) -> Model:
        walked, history = self._walked, self._walked.history
        header = Header(
            version=format_s(until_s),
            trained_from_s=int(fitting.as_of_s[0]),
            trained_to_s=until_s,
            fingerprint=walked.airspace.fingerprint,
            zone=walked.local.name,
            features=tuple(FEATURES),
            forests=FORESTS,
            without=self._blank,
            rows=len(fitting),
        )
        fitted = fit(fitting, walked.recipe, self._blank)
        prepared = Prepared(held, held, walked.memory.to_arrays(), walked.learned)
        return assembled(
            fitted, prepared, header, history.sector_ids, drawn(walked.airspace), walked.recipe.seed
        )

    def _adapt(self, model: Model, now_s: int) -> None:
        """Let the intervals hear of forecasts whose time came since the last moment."""
        before_s, self._adapted_s = self._adapted_s, now_s
        if before_s is None:
            return
        ready = LEADS + BIN_S + _FINAL_S
        parts = []
        for as_of_s, given in self._given:
            which = np.flatnonzero((as_of_s + ready <= now_s) & (as_of_s + ready > before_s))
            if not which.size:
                continue
            truth = self._bins.at(as_of_s + LEADS[which])
            parts.append(
                (
                    given.mean[:, which].ravel(),
                    np.broadcast_to(LEADS[which], truth.shape).ravel(),
                    given.quantiles[:, which].reshape(-1, len(QUANTILES)),
                    given.p_zero[:, which].ravel(),
                    truth.ravel(),
                )
            )
        if parts:
            mean, lead_s, quantiles, p_zero, truth = (
                np.concatenate(column) for column in zip(*parts, strict=True)
            )
            elapsed_s = float(now_s - before_s)
            model.conformal.adapt(mean, lead_s, quantiles, p_zero, truth, elapsed_s)
        self._given = [each for each in self._given if each[0] + ready[-1] > now_s]


def _nothing(
    sectors: int, moments: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Means, quantiles and probabilities of nought of which nothing is known yet."""
    shape = sectors, moments, len(LEADS_S)
    mean, p_zero = (np.full(shape, np.nan, np.float32) for _ in range(2))
    return mean, np.full((*shape, len(QUANTILES)), np.nan, np.float32), p_zero
