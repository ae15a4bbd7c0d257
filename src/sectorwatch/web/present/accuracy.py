"""How good forecasts were, as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sectorwatch.clock import format_s
from sectorwatch.forecast.horizon import HORIZONS_S
from sectorwatch.web.answers.accuracy import (
    AccuracyAnswer,
    EntryAccuracy,
    HorizonAccuracy,
    HourAccuracy,
    PromiseAccuracy,
    SectorAccuracy,
    SetRightAccuracy,
    SizeAccuracy,
)
from sectorwatch.web.present.airport_accuracy import airports_accuracy, model_decision

if TYPE_CHECKING:
    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import Sector
    from sectorwatch.forecast.entries import LookAheadAccuracy
    from sectorwatch.forecast.scoring import Accuracy, Scoring
    from sectorwatch.forecast.scoring.accuracy import LeadAccuracy
    from sectorwatch.runtime.foresight import Foresight

__all__ = ["accuracy_answer"]

_UNITS = {
    "mean_demand": "aircraft, mean over 15 min",
    "mean_absolute_error": "aircraft",
    "bias": "aircraft",
    "pinball_loss": "aircraft",
    "lead_min": "min",
}


def accuracy_answer(
    foresight: Foresight,
    airspace: Airspace,
    sector: Sector | None,
    horizon_s: int | None,
    days: int,
) -> AccuracyAnswer:
    """How forecasts of the last `days` days fared: of one sector or all, at one horizon or all.

    Estimates of entries are of all sectors, whichever is asked for; airports and models stand by
    themselves.
    """
    shown = _of_sectors(foresight, airspace, sector, horizon_s, days)
    found = () if foresight.entries is None else foresight.entries.accuracy(days)
    counts, names = foresight.airport_scoring, foresight.airport_series
    training = foresight.training
    return msgspec.structs.replace(
        shown,
        entries=[_entry(each) for each in found],
        airports=None
        if counts is None or names is None
        else airports_accuracy(counts, names, horizon_s, days),
        models=[] if training is None else [model_decision(each) for each in training.decisions],
    )


def _entry(found: LookAheadAccuracy) -> EntryAccuracy:
    return EntryAccuracy(
        stage=found.stage,
        from_min=found.from_s // 60,
        to_min=found.to_s // 60,
        told=found.told,
        unknown=found.unknown,
        expected=round(found.expected, 1),
        entered=found.entered,
        interval_coverage=_rounded(found.coverage),
        early=_rounded(found.early),
        late=_rounded(found.late),
        bias_s=_rounded(found.bias_s),
        mean_absolute_error_s=_rounded(found.mean_absolute_error_s),
    )


def _of_sectors(
    foresight: Foresight,
    airspace: Airspace,
    sector: Sector | None,
    horizon_s: int | None,
    days: int,
) -> AccuracyAnswer:
    scoring = foresight.scoring
    name = None if sector is None else sector.name
    if scoring is None:
        return _answer(name, days, "Nothing is forecast here: the setting forecasting is false.")
    found = scoring.accuracy(None if sector is None else sector.sector_id, days=days)
    zone = None if foresight.local is None else foresight.local.name
    if not found.scored:
        return _answer(
            name, days, _nothing(found), time_zone=zone, scored_to=_time(found.scored_to_s)
        )

    def is_meant(lead_s: int) -> bool:
        return horizon_s is None or lead_s == horizon_s

    return AccuracyAnswer(
        sector_name=name,
        days=days,
        days_scored=len(found.days_s),
        scored_to=_time(found.scored_to_s),
        statement=_words(found, name, horizon_s),
        time_zone=zone,
        scored=found.scored,
        unscored=found.unscored,
        horizons=[_horizon(each) for each in found.by_lead if is_meant(each.lead_s)],
        by_hour=[
            HourAccuracy(
                lead_min=each.lead_s // 60,
                local_hour=each.hour,
                scored=each.scored,
                mean_absolute_error=_rounded(each.mean_absolute_error),
                skill=_rounded(each.skill),
                interval_coverage=_rounded(each.coverage),
            )
            for each in found.by_hour
            if is_meant(each.lead_s)
        ],
        by_sector=_sectors(found, airspace, scoring, horizon_s),
        by_size=[
            SizeAccuracy(
                lead_min=each.lead_s // 60,
                from_aircraft=each.from_aircraft,
                to_aircraft=each.to_aircraft,
                scored=each.scored,
                mean_forecast=_rounded(each.mean_forecast),
                mean_demand=_rounded(each.mean_truth),
                mean_absolute_error=_rounded(each.mean_absolute_error),
                interval_coverage=_rounded(each.coverage),
            )
            for each in found.by_size
            if is_meant(each.lead_s)
        ],
        pit={
            str(lead_s // 60): [round(share, 4) for share in shares]
            for lead_s, shares in found.pit.items()
            if is_meant(lead_s)
        },
        over_capacity=[
            PromiseAccuracy(
                lead_min=each.lead_s // 60,
                from_probability=each.from_probability,
                to_probability=each.to_probability,
                scored=each.scored,
                promised=_rounded(each.promised),
                happened=_rounded(each.happened),
            )
            for each in found.promises
            if is_meant(each.lead_s)
        ],
        over_capacity_of_plans=[
            SetRightAccuracy(
                lead_min=each.lead_s // 60,
                from_probability=each.from_probability,
                to_probability=each.to_probability,
                scored=each.scored,
                computed=round(each.computed, 4),
                told=round(each.told, 4),
                happened=round(each.happened, 4),
                brier_before=round(each.computed_loss, 4),
                brier_after=round(each.told_loss, 4),
            )
            for each in found.set_right
            if is_meant(each.lead_s)
        ],
        error_ratio={
            str(lead_s // 60): round(ratio, 3)
            for lead_s, ratio in scoring.error_ratios().items()
            if is_meant(lead_s)
        },
        units=_UNITS,
    )


def _answer(
    name: str | None,
    days: int,
    statement: str,
    *,
    time_zone: str | None = None,
    scored_to: str | None = None,
) -> AccuracyAnswer:
    """Say why there is nothing."""
    return AccuracyAnswer(
        sector_name=name,
        days=days,
        days_scored=0,
        scored_to=scored_to,
        statement=statement,
        time_zone=time_zone,
        scored=0,
        unscored=0,
        horizons=[],
        by_hour=[],
        by_sector=[],
        by_size=[],
        pit={},
        over_capacity=[],
        over_capacity_of_plans=[],
        error_ratio={},
        units=_UNITS,
    )


def _sectors(
    found: Accuracy, airspace: Airspace, scoring: Scoring, horizon_s: int | None
) -> list[SectorAccuracy]:
    by_id = {each.sector_id: each for each in airspace.sectors}
    shown = []
    for each in found.by_series:
        number = int(scoring.sector_id[each.row])
        sector = by_id.get(number)
        if sector is None or horizon_s not in {None, each.lead_s}:
            continue
        shown.append(
            SectorAccuracy(
                sector_name=sector.name,
                partition=sector.partition,
                lead_min=each.lead_s // 60,
                scored=each.scored,
                mean_demand=_rounded(each.mean_truth),
                mean_absolute_error=_rounded(each.mean_absolute_error),
                skill=_rounded(each.skill),
                interval_coverage=_rounded(each.coverage),
                near_share=_rounded(each.hit_share),
                confidence_score=round(scoring.confidence(number, each.lead_s), 4),
            )
        )
    return sorted(shown, key=lambda one: -(one.mean_demand or 0.0))


def _horizon(one: LeadAccuracy) -> HorizonAccuracy:
    return HorizonAccuracy(
        lead_min=one.lead_s // 60,
        scored=one.scored,
        unscored=one.unscored,
        mean_demand=_rounded(one.mean_truth),
        mean_absolute_error=_rounded(one.mean_absolute_error),
        bias=_rounded(one.bias),
        seasonal_naive_error=_rounded(one.naive_error),
        persistence_error=_rounded(one.persistence_error),
        plan_error=_rounded(one.plan_error),
        skill=_rounded(one.skill),
        pinball_loss=_rounded(one.pinball_loss),
        interval_coverage=_rounded(one.coverage),
        counted=one.judged,
        near_share=_rounded(one.hit_share),
    )


def _nothing(found: Accuracy) -> str:
    if found.unscored:
        return (
            f"Nothing is scored: of the times that {found.unscored} forecasts speak of too little "
            "is known, for feeds were missing."
        )
    return (
        "Nothing is scored yet: a forecast is scored when the 15 min that it speaks of are over, "
        "the first about 20 min after it was issued, those of 4 h ahead 4 h later."
    )


def _words(found: Accuracy, name: str | None, horizon_s: int | None) -> str:
    """Say in a sentence or two what the figures come to."""
    days = "day" if len(found.days_s) == 1 else f"{len(found.days_s)} days"
    told = [f"Of {found.scored:,} forecasts scored of the last {days}"]
    told[0] += "" if name is None else f" for {name}"
    wanted = HORIZONS_S if horizon_s is None else (horizon_s,)
    errors = [
        f"{each.mean_absolute_error:.2f} aircraft at {each.lead_s / 3600:g} h"
        + ("" if each.naive_error is None else f" (the week before: {each.naive_error:.2f})")
        for each in found.by_lead
        if each.lead_s in wanted and each.mean_absolute_error is not None
    ]
    words = f"{told[0]}, the mean error was {', '.join(errors)}." if errors else f"{told[0]}."
    if found.unscored:
        words += f" {found.unscored:,} could not be scored, for feeds were missing."
    return words


def _time(time_s: int | None) -> str | None:
    return None if time_s is None else format_s(time_s)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
