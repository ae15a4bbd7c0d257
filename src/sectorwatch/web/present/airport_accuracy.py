"""How good forecasts of airports were, and which models were tried, as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.web.answers.accuracy import (
    AirportAccuracy,
    AirportHorizon,
    AirportsAccuracy,
    ModelDecision,
)

if TYPE_CHECKING:
    from sectorwatch.forecast.airports import SeriesNames
    from sectorwatch.forecast.scoring import CountScoring
    from sectorwatch.forecast.scoring.accuracy import SeriesAccuracy
    from sectorwatch.store.forecasts import Decision

__all__ = ["airports_accuracy", "model_decision"]

_MOST_AIRPORTS = 25


def airports_accuracy(
    scoring: CountScoring, names: SeriesNames, horizon_s: int | None, days: int
) -> AirportsAccuracy:
    """How forecasts of `days` days fared, at one horizon or all; busy airports one by one."""
    found, series_id = scoring.standing(days)
    told = [
        (each, name)
        for each, name in zip(
            found.by_series,
            names.of(series_id[[each.row for each in found.by_series]].tolist()),
            strict=True,
        )
        if name is not None
    ]
    busy: dict[str, float] = {}
    for each, (icao, _) in told:
        busy[icao] = busy.get(icao, 0.0) + each.scored * (each.mean_truth or 0.0)
    first = {icao: at for at, icao in enumerate(sorted(busy, key=lambda one: (-busy[one], one)))}
    shown = [
        (first[icao], kind, each.lead_s, _one(each, icao, kind))
        for each, (icao, kind) in told
        if first[icao] < _MOST_AIRPORTS and horizon_s in {None, each.lead_s}
    ]
    return AirportsAccuracy(
        scored_to=None if found.scored_to_s is None else format_s(found.scored_to_s),
        scored=found.scored,
        unscored=found.unscored,
        horizons=[
            AirportHorizon(
                lead_min=each.lead_s // 60,
                scored=each.scored,
                unscored=each.unscored,
                mean_movements=_rounded(each.mean_truth),
                mean_absolute_error=_rounded(each.mean_absolute_error),
                bias=_rounded(each.bias),
                seasonal_naive_error=_rounded(each.naive_error),
                persistence_error=_rounded(each.persistence_error),
                plan_error=_rounded(each.plan_error),
                skill=_rounded(each.skill),
                interval_coverage=_rounded(each.coverage),
            )
            for each in found.by_lead
            if found.scored and horizon_s in {None, each.lead_s}
        ],
        by_airport=[each for *_, each in sorted(shown, key=lambda one: one[:3])],
    )


def model_decision(found: Decision) -> ModelDecision:
    """Which of two models was taken, and why in figures."""
    return ModelDecision(
        decided_at=format_s(found.decided_at_s),
        challenger=found.challenger,
        champion=found.champion,
        taken=found.is_taken,
        figures=dict(found.figures),
    )


def _one(found: SeriesAccuracy, icao: str, kind: str) -> AirportAccuracy:
    return AirportAccuracy(
        icao=icao,
        kind=kind,
        lead_min=found.lead_s // 60,
        scored=found.scored,
        mean_movements=_rounded(found.mean_truth),
        mean_absolute_error=_rounded(found.mean_absolute_error),
        skill=_rounded(found.skill),
        interval_coverage=_rounded(found.coverage),
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
