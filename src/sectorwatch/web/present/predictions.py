"""How busy a sector will be, as an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.clock import format_s, format_us
from sectorwatch.forecast.horizon import HORIZONS_S, LEADS_S
from sectorwatch.forecast.issued import BASES, QUANTILES, interval_told
from sectorwatch.web.answers.predictions import HorizonAnswer, PredictionAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import Sector
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.runtime.foresight import Foresight
    from sectorwatch.traffic.tick import Tick

__all__ = ["OF_PLANS", "Measured", "measured", "prediction", "sector_meant", "trend"]

_SURE = 0.8
_UNITS = {
    "current_demand": "aircraft at once",
    "predicted_demand": "aircraft, mean over the 15 min that begin then",
    "capacity": "aircraft at once",
    "lead_min": "min",
}
OF_PLANS = (
    "There is too little history yet, or it is still being learned from: this is what the plans of "
    "the flights known at {as_of} come to, and of those that nobody has filed yet as many as "
    "VATSIM's feeds have shown beside as many aircraft as are here now. At what hours people fly "
    "here is not known yet."
)
"""What a forecast rests on that no model made."""
_TOO_FEW = (
    "What would be unusual now cannot be told: too few aircraft are here at this hour, or too few "
    "weeks of it are known."
)
_BASES = {"model": "Model {model}, as of {as_of}.", "insufficient_history": OF_PLANS}


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one sector: how good its forecasts were, by lead in seconds, and what is unusual now."""

    confidence: Mapping[int, float] = field(default_factory=dict)
    skill: Mapping[int, float | None] = field(default_factory=dict)
    anomaly_score: float = 0.0
    too_few: bool = False
    """Too few aircraft, or weeks, are known to tell what is unusual."""


def measured(foresight: Foresight, sector_id: int) -> Measured:
    """What has been measured of a sector; nothing where no forecast has been scored."""
    scoring, detector = foresight.scoring, foresight.anomalies
    unusual = 0.0 if detector is None else detector.score_of(sector_id)
    too_few = detector is not None and detector.is_too_few_of(sector_id)
    if scoring is None:
        return Measured(anomaly_score=unusual, too_few=too_few)
    by_lead = scoring.accuracy(sector_id).by_lead
    return Measured(
        confidence={lead_s: scoring.confidence(sector_id, lead_s) for lead_s in LEADS_S},
        skill={each.lead_s: each.skill for each in by_lead},
        anomaly_score=round(unusual, 4),
        too_few=too_few,
    )


def sector_meant(
    airspace: Airspace, tick: Tick | None, home: str | None, partition: str | None = None
) -> Sector:
    """The sector of an answer that nobody named one for: `home`, else the busiest now.

    Where `partition` is given, which there is, it is one in that.
    """
    at_home = airspace.find(home) if home else []
    for found in at_home:
        if partition in {None, found.partition}:
            return found
    numbers = [
        number
        for number, sector in enumerate(airspace.sectors)
        if partition in {None, sector.partition}
    ]
    if tick is None:
        return airspace.sectors[numbers[0]]
    return airspace.sectors[numbers[int(np.argmax(tick.live.occupancy[numbers]))]]


def trend(quantiles: np.ndarray, current: float) -> str:
    """Whether it will be busier: what is likely by 0.8 or more, by the forecast's quantiles.

    >>> trend(np.array([6, 7, 8, 9, 10]), 5), trend(np.array([6, 7, 8, 9, 10]), 7)
    ('increasing', 'stable')
    >>> trend(np.zeros(5), 1)
    'decreasing'
    """
    low, high = np.interp([1 - _SURE, _SURE], QUANTILES, quantiles)
    if low > current:
        return "increasing"
    return "decreasing" if high < current else "stable"


def prediction(
    sector: Sector,
    index: int,
    tick: Tick | None,
    issued: Issued | None,
    *,
    hours_ahead: int,
    measured: Measured,
    why_stale: str,
    why_none: str,
) -> PredictionAnswer:
    """Show the forecast of a sector; `index` is where it stands in the airspace.

    `why_none` is said where there is no forecast of it, `why_stale` where it is of long ago.
    """
    row = None if issued is None else _row_of(issued, sector.sector_id)
    current = None if tick is None else int(tick.live.occupancy[index])
    known: dict[str, Any] = {
        "sector_name": sector.name,
        "partition": sector.partition,
        "current_demand": current,
        "snapshot_time": None if tick is None else format_us(tick.time_us),
        "anomaly_score": measured.anomaly_score,
        "stale": bool(why_stale),
        "units": _UNITS,
    }
    if issued is None or row is None:
        return PredictionAnswer(
            predicted_demand_1h=None,
            predicted_demand_2h=None,
            predicted_demand_4h=None,
            confidence_score=0.0,
            trend_direction="stable",
            as_of=None,
            basis="none",
            model=None,
            statement=why_none,
            capacity=sector.capacity,
            capacity_source=None if sector.capacity is None else "configured",
            horizons=[],
            **known,
        )
    leads = issued.leads_s.tolist()
    one, two, four = (leads.index(lead_s) for lead_s in HORIZONS_S)
    shown = [
        number
        for number, lead_s in enumerate(leads)
        if lead_s <= hours_ahead * 3_600 or lead_s in HORIZONS_S
    ]
    basis = BASES[int(issued.basis[row])]
    as_of = format_s(issued.as_of_s)
    words = _BASES[basis].format(model=issued.model, as_of=as_of)
    if measured.too_few:
        words = f"{words} {_TOO_FEW}"
    horizons = [_horizon(issued, row, number, measured) for number in shown]
    spoken_of = [each for each in horizons if each.lead_min * 60 in HORIZONS_S]
    return PredictionAnswer(
        predicted_demand_1h=_whole(issued.mean[row, one]),
        predicted_demand_2h=_whole(issued.mean[row, two]),
        predicted_demand_4h=_whole(issued.mean[row, four]),
        confidence_score=min(each.confidence_score for each in spoken_of),
        trend_direction=trend(issued.quantiles[row, one], float(issued.current[row])),
        as_of=as_of,
        basis=basis,
        model=issued.model or None,
        statement=f"{words} {why_stale}".rstrip(),
        capacity=_number(issued.capacity[row]),
        capacity_source=_source(sector, issued.capacity[row]),
        horizons=horizons,
        **known,
    )


def _source(sector: Sector, capacity: float) -> str | None:
    """Where a capacity comes from: what is not configured was learned."""
    if np.isnan(capacity):
        return None
    return "learned" if sector.capacity is None else "configured"


def _row_of(issued: Issued, sector_id: int) -> int | None:
    found = np.flatnonzero(issued.sector_id == sector_id)
    return int(found[0]) if found.size else None


def _horizon(issued: Issued, row: int, number: int, measured: Measured) -> HorizonAnswer:
    lead_s = int(issued.leads_s[number])
    skill = measured.skill.get(lead_s)
    low, high = interval_told(issued.mean[row, number], issued.quantiles[row, number])
    return HorizonAnswer(
        lead_min=lead_s // 60,
        start=format_s(issued.as_of_s + lead_s),
        mean=round(float(issued.mean[row, number]), 2),
        low=round(float(low), 2),
        high=round(float(high), 2),
        p_over_capacity=_number(issued.p_over_capacity[row, number], 4),
        confidence_score=round(measured.confidence.get(lead_s, 0.0), 4),
        skill=None if skill is None else round(skill, 4),
    )


def _whole(value: np.floating) -> int:
    """The nearest whole number, a half up: 2.5 is 3 as a reader expects."""
    return int(np.floor(value + 0.5))


def _number(value: np.floating, digits: int = 1) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
