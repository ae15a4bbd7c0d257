"""How forecasts fared, in figures that people can read: errors beside those of the baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import HORIZONS_S, LEADS_S
from sectorwatch.forecast.scoring.figures import HOURS, OF_PLANS, PARTS, SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.scoring.figures import Figures

__all__ = [
    "Accuracy",
    "HourAccuracy",
    "LeadAccuracy",
    "Promise",
    "SeriesAccuracy",
    "SizeAccuracy",
    "accuracy_of",
]


@dataclass(frozen=True, slots=True)
class LeadAccuracy:
    """Forecasts at one lead; None where nothing is there to be divided by.

    `mean_absolute_error`, `bias` and the errors of the baselines are aircraft, mean over 15 min.
    `skill` is 1 less the ratio of its error to the weekly seasonal-naive one's, over the forecasts
    of which both are known: 0 is as good, 1 perfect, below 0 worse. `coverage` is the share of
    truths that the 80 % interval held. `hit_share` is that of those of five aircraft or more that
    were within two aircraft or a fifth of the truth.
    """

    lead_s: int
    scored: int
    unscored: int
    mean_truth: float | None
    mean_absolute_error: float | None
    bias: float | None
    naive_error: float | None
    persistence_error: float | None
    plan_error: float | None
    skill: float | None
    pinball_loss: float | None
    coverage: float | None
    judged: int
    hit_share: float | None


@dataclass(frozen=True, slots=True)
class HourAccuracy:
    """Forecasts at a horizon whose bins began in one hour of the local day."""

    lead_s: int
    hour: int
    scored: int
    mean_absolute_error: float | None
    skill: float | None
    coverage: float | None


@dataclass(frozen=True, slots=True)
class SizeAccuracy:
    """Forecasts at a horizon of `from_aircraft` to less than `to_aircraft` (None: no end)."""

    lead_s: int
    from_aircraft: float
    to_aircraft: float | None
    scored: int
    mean_forecast: float | None
    mean_truth: float | None
    mean_absolute_error: float | None
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Promise:
    """Of the times when a probability of more than the capacity in a tenth of 0..1 was told."""

    lead_s: int
    from_probability: float
    to_probability: float
    scored: int
    promised: float | None
    happened: float | None


@dataclass(frozen=True, slots=True)
class SetRight:
    """Of forecasts that rest on plans, when a probability in a tenth of 0..1 was computed.

    `told` is what it was set right to, and the losses are mean squares of what either was off.
    """

    lead_s: int
    from_probability: float
    to_probability: float
    scored: int
    computed: float
    told: float
    happened: float
    computed_loss: float
    told_loss: float


@dataclass(frozen=True, slots=True)
class SeriesAccuracy:
    """One sector's forecasts at a horizon; `row` is its index in the order of whoever scores."""

    row: int
    lead_s: int
    scored: int
    mean_truth: float | None
    mean_absolute_error: float | None
    skill: float | None
    coverage: float | None
    hit_share: float | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How the forecasts of some days fared; `days_s` are the days (UTC) that have figures.

    Every bin that ended until `scored_to_s` is scored; None where none is yet. `by_size`, `pit`,
    `promises` and `set_right` are of all sectors together, also where one is asked for. `pit` has
    for each horizon the shares of truths in each tenth of their forecast distribution: a tenth each
    where they hold.
    """

    days_s: Sequence[int]
    scored_to_s: int | None
    scored: int
    unscored: int
    by_lead: Sequence[LeadAccuracy]
    by_hour: Sequence[HourAccuracy]
    by_series: Sequence[SeriesAccuracy]
    by_size: Sequence[SizeAccuracy]
    pit: dict[int, list[float]]
    promises: Sequence[Promise]
    set_right: Sequence[SetRight]


def accuracy_of(
    figures: Figures, days_s: Sequence[int], row: int | None, scored_to_s: int | None
) -> Accuracy:
    """The figures of some days as they are read: of the series `row`, or of all where it is None.

    A negative row is that of a series nobody has: it has no figures.
    """
    rows = np.arange(figures.count) if row is None else np.array([row] if row >= 0 else [], np.intp)
    pooled = {
        name: sums[rows].sum(axis=0, dtype=np.float64) for name, sums in figures.by_series.items()
    }
    by_lead = [_of_lead(pooled, number, lead_s) for number, lead_s in enumerate(LEADS_S)]
    hours = {
        name: sums[rows].sum(axis=0, dtype=np.float64) for name, sums in figures.by_hour.items()
    }
    return Accuracy(
        days_s=list(days_s),
        scored_to_s=scored_to_s,
        scored=round(pooled["count"].sum()),
        unscored=round(pooled["unscored"].sum()),
        by_lead=by_lead,
        by_hour=[
            _of_hour(hours, number, hour)
            for number in range(len(HORIZONS_S))
            for hour in range(HOURS)
            if hours["count"][number, hour]
        ],
        by_series=[
            _of_series(figures, int(each), LEADS_S.index(lead_s), lead_s)
            for each in rows
            for lead_s in HORIZONS_S
            if figures.by_series["count"][each, LEADS_S.index(lead_s)]
        ],
        by_size=[
            _of_size(figures, number, LEADS_S.index(lead_s), lead_s)
            for lead_s in HORIZONS_S
            for number in range(SIZES.size + 1)
            if figures.by_size["count"][number, LEADS_S.index(lead_s)]
        ],
        pit={
            lead_s: _shares(figures.pit[:, LEADS_S.index(lead_s)])
            for lead_s in HORIZONS_S
            if figures.pit[:, LEADS_S.index(lead_s)].any()
        },
        promises=[
            _promise(figures, part, LEADS_S.index(lead_s), lead_s)
            for lead_s in HORIZONS_S
            for part in range(PARTS)
            if figures.chances["count"][part, LEADS_S.index(lead_s)]
        ],
        set_right=[
            _set_right(figures, part, LEADS_S.index(lead_s), lead_s)
            for lead_s in HORIZONS_S
            for part in range(PARTS)
            if figures.of_plans["count"][part, LEADS_S.index(lead_s)]
        ],
    )


def _of_lead(sums: dict[str, NDArray[np.float64]], at: int, lead_s: int) -> LeadAccuracy:
    here = {name: float(each[at]) for name, each in sums.items()}
    return LeadAccuracy(
        lead_s=lead_s,
        scored=round(here["count"]),
        unscored=round(here["unscored"]),
        mean_truth=_ratio(here["truth"], here["count"]),
        mean_absolute_error=_ratio(here["error"], here["count"]),
        bias=_ratio(here["bias"], here["count"]),
        naive_error=_ratio(here["naive_error"], here["naive_count"]),
        persistence_error=_ratio(here["persistence_error"], here["count"]),
        plan_error=_ratio(here["plan_error"], here["count"]),
        skill=_skill(here),
        pinball_loss=_ratio(here["pinball"], here["count"]),
        coverage=_ratio(here["inside"], here["count"]),
        judged=round(here["judged"]),
        hit_share=_ratio(here["hits"], here["judged"]),
    )


def _of_hour(sums: dict[str, NDArray[np.float64]], at: int, hour: int) -> HourAccuracy:
    here = {name: float(each[at, hour]) for name, each in sums.items()}
    return HourAccuracy(
        lead_s=HORIZONS_S[at],
        hour=hour,
        scored=round(here["count"]),
        mean_absolute_error=_ratio(here["error"], here["count"]),
        skill=_skill(here),
        coverage=_ratio(here["inside"], here["count"]),
    )


def _of_series(figures: Figures, row: int, at: int, lead_s: int) -> SeriesAccuracy:
    here = {name: float(each[row, at]) for name, each in figures.by_series.items()}
    return SeriesAccuracy(
        row=row,
        lead_s=lead_s,
        scored=round(here["count"]),
        mean_truth=_ratio(here["truth"], here["count"]),
        mean_absolute_error=_ratio(here["error"], here["count"]),
        skill=_skill(here),
        coverage=_ratio(here["inside"], here["count"]),
        hit_share=_ratio(here["hits"], here["judged"]),
    )


def _of_size(figures: Figures, number: int, at: int, lead_s: int) -> SizeAccuracy:
    here = {name: float(each[number, at]) for name, each in figures.by_size.items()}
    return SizeAccuracy(
        lead_s=lead_s,
        from_aircraft=float(SIZES[number - 1]) if number else 0.0,
        to_aircraft=float(SIZES[number]) if number < SIZES.size else None,
        scored=round(here["count"]),
        mean_forecast=_ratio(here["mean"], here["count"]),
        mean_truth=_ratio(here["truth"], here["count"]),
        mean_absolute_error=_ratio(here["error"], here["count"]),
        coverage=_ratio(here["inside"], here["count"]),
    )


def _promise(figures: Figures, part: int, at: int, lead_s: int) -> Promise:
    here = {name: float(each[part, at]) for name, each in figures.chances.items()}
    return Promise(
        lead_s=lead_s,
        from_probability=part / PARTS,
        to_probability=(part + 1) / PARTS,
        scored=round(here["count"]),
        promised=_ratio(here["promised"], here["count"]),
        happened=_ratio(here["happened"], here["count"]),
    )


def _set_right(figures: Figures, part: int, at: int, lead_s: int) -> SetRight:
    here = {name: float(each[part, at]) for name, each in figures.of_plans.items()}
    return SetRight(
        lead_s=lead_s,
        from_probability=part / PARTS,
        to_probability=(part + 1) / PARTS,
        scored=round(here["count"]),
        **{name: here[name] / here["count"] for name in OF_PLANS if name != "count"},
    )


def _skill(sums: dict[str, float]) -> float | None:
    ratio = _ratio(sums["error_beside_naive"], sums["naive_error"])
    return None if ratio is None else 1 - ratio


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _shares(counts: NDArray[np.float32]) -> list[float]:
    shares: list[float] = (counts / counts.sum(dtype=np.float64)).tolist()
    return shares
