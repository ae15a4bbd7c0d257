"""The answer about what will take off and land at an airport."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Statement

__all__ = ["AirportOutlookAnswer", "MovementBin"]


class MovementBin(msgspec.Struct, frozen=True):
    """Movements expected in one quarter of an hour."""

    lead_min: Annotated[int, Meta(description="Minutes from `as_of` to where the 15 min begin")]
    start: Annotated[str, Meta(description="When they begin, UTC")]
    mean: Annotated[float, Meta(description="Expected number")]
    low: Annotated[float, Meta(description="Lower end of the 80 % interval")]
    high: Annotated[float, Meta(description="Upper end of the 80 % interval")]
    known: Annotated[float, Meta(description="Of `mean`, by flights online and plans filed ahead")]
    unseen: Annotated[
        float,
        Meta(
            description="Of `mean`, by flights that nobody has filed yet: what is usual at this "
            "time of the local week and not filed so long before"
        ),
    ]
    last_week: Annotated[
        float | None,
        Meta(description="What was seen a week before by local time; null where not known"),
    ]


class AirportOutlookAnswer(msgspec.Struct, frozen=True):
    """Departures and arrivals of the next 4 h; empty lists while nothing is forecast."""

    airport: Annotated[str, Meta(description="ICAO code")]
    name: Annotated[str, Meta(description="What it is called")]
    as_of: MaybeTime
    statement: Statement
    level_today: Annotated[
        float | None,
        Meta(description="Movements of the last 3 h at all airports, as a share of what is usual"),
    ]
    days_learned: Annotated[
        float, Meta(description="How many days of the past each time of the week rests on, in all")
    ]
    departures: list[MovementBin]
    arrivals: list[MovementBin]
