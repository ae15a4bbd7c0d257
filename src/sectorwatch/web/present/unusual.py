"""Anomalies and patterns as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.web.answers.unusual import (
    AnomalyAnswer,
    AnomalyEvent,
    AnomalyEvidence,
    CommonTrait,
    PatternAnswer,
    PatternEvidenceAnswer,
)

if TYPE_CHECKING:
    from sectorwatch.airspace import Airspace
    from sectorwatch.forecast.anomalies import Anomaly
    from sectorwatch.forecast.patterns import Pattern, PatternsFound

__all__ = ["anomaly_answer", "anomaly_event", "pattern_answer"]


def anomaly_answer(anomaly: Anomaly, airspace: Airspace) -> AnomalyAnswer:
    """Show an anomaly."""
    rests_on = anomaly.evidence
    return AnomalyAnswer(
        sector_name=anomaly.sector_name,
        anomaly_score=round(anomaly.score, 4),
        is_anomaly=True,
        anomaly_type=anomaly.anomaly_type,
        description=anomaly.description,
        anomaly_id=anomaly.anomaly_id,
        sector_id=str(anomaly.sector_id),
        partition=_partition(airspace, anomaly.sector_id),
        began_at=format_s(anomaly.began_s),
        noticed_at=format_s(anomaly.noticed_s),
        seen_at=format_s(anomaly.seen_s),
        ended_at=None if anomaly.ended_s is None else format_s(anomaly.ended_s),
        evidence=AnomalyEvidence(
            observed=round(rests_on.observed, 2),
            expected=round(rests_on.expected, 2),
            low=round(rests_on.low, 2),
            high=round(rests_on.high, 2),
            forecast=None if rests_on.forecast is None else round(rests_on.forecast, 2),
            p_value=rests_on.p_value,
            q_value=rests_on.q_value,
            weeks=rests_on.weeks,
            of_flights=rests_on.of_flights,
            scope=rests_on.scope,
            callsigns=list(rests_on.callsigns),
            most=[
                CommonTrait(
                    each.what,
                    each.flights,
                    None if each.usual is None else round(each.usual, 2),
                )
                for each in rests_on.most
            ],
        ),
    )


def anomaly_event(anomaly: Anomaly, airspace: Airspace) -> AnomalyEvent:
    """Tell of an anomaly that began or ended."""
    state = "began" if anomaly.ended_s is None else "ended"
    return AnomalyEvent("anomaly", state, anomaly_answer(anomaly, airspace))


def pattern_answer(
    pattern: Pattern, found: PatternsFound, airspace: Airspace, time_zone: str
) -> PatternAnswer:
    """Show a pattern."""
    rests_on = pattern.evidence
    return PatternAnswer(
        pattern_type=pattern.pattern_type,
        sector_name=pattern.sector_name,
        confidence=pattern.confidence,
        description=pattern.description,
        historical_frequency=round(pattern.historical_frequency, 4),
        sector_id=str(pattern.sector_id),
        partition=_partition(airspace, pattern.sector_id),
        as_of=format_s(found.as_of_s),
        days=pattern.days,
        time_zone=time_zone,
        evidence=PatternEvidenceAnswer(
            occasions=rests_on.occasions,
            held=rests_on.held,
            value=round(rests_on.value, 3),
            usual=round(rests_on.usual, 3),
            p_value=rests_on.p_value,
            weekday=rests_on.weekday,
            from_hour=rests_on.from_hour,
            to_hour=rests_on.to_hour,
            other_sector=rests_on.other_sector,
            lag_min=rests_on.lag_min,
        ),
    )


def _partition(airspace: Airspace, sector_id: int) -> str | None:
    number = airspace.index_of(sector_id)
    return None if number is None else airspace.sectors[number].partition
