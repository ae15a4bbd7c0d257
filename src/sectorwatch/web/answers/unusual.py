"""The answers about what is unusual now, and about what recurs."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "AnomalyAnswer",
    "AnomalyEvent",
    "AnomalyEvidence",
    "CommonTrait",
    "PatternAnswer",
    "PatternEvidenceAnswer",
]

_SectorName: TypeAlias = Annotated[str, Meta(description="The sector's name in its data set")]
_SectorId: TypeAlias = Annotated[str, Meta(description="The sector's number (53 bit, as text)")]
_Probability: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
_AnomalyType: TypeAlias = Annotated[
    str, Meta(description="traffic_spike, traffic_lull, unusual_mix or mass_disconnect")
]
_PatternType: TypeAlias = Annotated[
    str,
    Meta(
        description="peak_traffic, quiet_period, weekly_cycle, workload_distribution or "
        "sector_correlation"
    ),
]


class CommonTrait(msgspec.Struct, frozen=True):
    """What many of the flights in question share."""

    what: Annotated[str, Meta(description="In words, such as `are inbound to YSSY`")]
    flights: Annotated[int, Meta(description="How many flights")]
    usual: Annotated[
        float | None, Meta(description="How many of as many usually; null where not reckoned")
    ]


class AnomalyEvidence(msgspec.Struct, frozen=True):
    """What an anomaly rests on."""

    observed: Annotated[
        float,
        Meta(
            description="Mean aircraft of the last 15 min; of a mix the flights that share the "
            "trait, of a disconnection those that left"
        ),
    ]
    expected: Annotated[float, Meta(description="What is usual, likewise")]
    low: Annotated[float, Meta(description="Lower end of what is usual, 80 % of the time")]
    high: Annotated[float, Meta(description="Upper end of it")]
    forecast: Annotated[
        float | None,
        Meta(description="What the forecast of an hour before said; null where there was none"),
    ]
    p_value: Annotated[
        _Probability,
        Meta(description="How often as much comes by chance in a sector of its size"),
    ]
    q_value: Annotated[
        _Probability,
        Meta(description="The share of false ones among all sectors as striking as this"),
    ]
    weeks: Annotated[
        int | None,
        Meta(description="Weeks of the same hour that the usual rests on; 0: days alone"),
    ]
    of_flights: Annotated[int | None, Meta(description="Out of how many flights")]
    scope: Annotated[
        str, Meta(description="sector; or network, where all of it lost flights at once")
    ]
    callsigns: Annotated[list[str], Meta(description="The flights in question, a dozen at most")]
    most: Annotated[list[CommonTrait], Meta(description="What most of them share")]


class AnomalyAnswer(msgspec.Struct, frozen=True):
    """Something unusual in a sector; one answer an episode, from its beginning to its end."""

    sector_name: _SectorName
    anomaly_score: Annotated[
        _Probability,
        Meta(description="1 - q_value at its most striking: 0.9 at least where it is told"),
    ]
    is_anomaly: Annotated[bool, Meta(description="True: only anomalies are listed")]
    anomaly_type: _AnomalyType
    description: Annotated[str, Meta(description="In words")]
    anomaly_id: Annotated[str, Meta(description="The same as long as it goes on")]
    sector_id: _SectorId
    partition: Annotated[str | None, Meta(description="Of the sector; null if no longer drawn")]
    began_at: Annotated[Time, Meta(description="When the sector was last as usual, UTC")]
    noticed_at: Annotated[Time, Meta(description="When it was noticed, UTC")]
    seen_at: Annotated[Time, Meta(description="When it was so last, UTC")]
    ended_at: Annotated[MaybeTime, Meta(description="When it ended, UTC; null while it goes on")]
    evidence: AnomalyEvidence


class AnomalyEvent(msgspec.Struct, frozen=True):
    """An anomaly that began or ended."""

    kind: Annotated[str, Meta(description="anomaly")]
    state: Annotated[str, Meta(description="began or ended")]
    anomaly: AnomalyAnswer


class PatternEvidenceAnswer(msgspec.Struct, frozen=True):
    """What a pattern rests on; null where it does not apply."""

    occasions: Annotated[int, Meta(description="How often it could have held: days, or weeks")]
    held: Annotated[int, Meta(description="How often it did")]
    value: Annotated[
        float, Meta(description="Mean aircraft; a share of the work; or a correlation")
    ]
    usual: Annotated[float, Meta(description="What that is compared with")]
    p_value: Annotated[
        _Probability, Meta(description="How often chance gives as much somewhere in a sector")
    ]
    weekday: Annotated[int | None, Meta(description="0 for Monday to 6 for Sunday, local")]
    from_hour: Annotated[int | None, Meta(description="Local hour of the day, 0 to 23")]
    to_hour: Annotated[int | None, Meta(description="Local hour until which")]
    other_sector: Annotated[str | None, Meta(description="The sector that follows this one")]
    lag_min: Annotated[int | None, Meta(description="How many minutes later it follows")]


class PatternAnswer(msgspec.Struct, frozen=True):
    """Something that recurs in a sector."""

    pattern_type: _PatternType
    sector_name: _SectorName
    confidence: Annotated[
        _Probability,
        Meta(description="Probability that it is real: of those told with c, 1 - c are chance"),
    ]
    description: Annotated[str, Meta(description="In words")]
    historical_frequency: Annotated[
        _Probability, Meta(description="Share of its occasions on which it held")
    ]
    sector_id: _SectorId
    partition: Annotated[str | None, Meta(description="Of the sector; null if no longer drawn")]
    as_of: Annotated[Time, Meta(description="When patterns were looked for, UTC")]
    days: Annotated[int, Meta(description="Whole local days of which something is known")]
    time_zone: Annotated[str, Meta(description="Of its hours and days, such as Australia/Sydney")]
    evidence: PatternEvidenceAnswer
