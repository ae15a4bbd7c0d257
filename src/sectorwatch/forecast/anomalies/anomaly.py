"""An anomaly as it is told: what, where, since when, how sure, and what it rests on."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

__all__ = ["Anomaly", "AnomalyType", "Evidence", "Most", "anomaly_id_of"]

AnomalyType = Literal["traffic_spike", "traffic_lull", "unusual_mix", "mass_disconnect"]


class Most(msgspec.Struct, frozen=True):
    """What most flights in question share: `what` in words, how many, and how many usually."""

    what: str
    flights: int
    usual: float | None = None


class Evidence(msgspec.Struct, frozen=True):
    """What an anomaly rests on. Aircraft, but for `p_value` and `q_value`, which are shares.

    `observed` is the mean of the last 15 min (of a mix the flights in question, of a disconnection
    those that left), `expected` and `low` to `high` what is usual (an 80 % interval), `forecast`
    what the forecast of an hour before said, None where there was none. `p_value`: how often as
    much comes by chance in a sector of its size; `q_value`: the share of false ones among all that
    are as striking. `weeks` is on how many weeks of the same hour the usual rests.
    """

    observed: float
    expected: float
    low: float
    high: float
    p_value: float
    q_value: float
    forecast: float | None = None
    weeks: int | None = None
    of_flights: int | None = None
    scope: Literal["sector", "network"] = "sector"
    callsigns: tuple[str, ...] = ()
    most: tuple[Most, ...] = ()


class Anomaly(msgspec.Struct, frozen=True):
    """One episode in one sector, as it stands; times in seconds, `ended_s` None while it goes on.

    `score` is 1 - q_value at its most striking, 0..1. `began_s` is when the sector was last as
    usual, `noticed_s` when that was said.
    """

    anomaly_id: str
    anomaly_type: AnomalyType
    sector_id: int
    sector_name: str
    score: float
    began_s: int
    noticed_s: int
    seen_s: int
    description: str
    evidence: Evidence
    ended_s: int | None = None


def anomaly_id_of(kind: str, sector_id: int, noticed_s: int) -> str:
    """The same id for the same episode, also after a restart.

    >>> anomaly_id_of("traffic_spike", 5, 60) == anomaly_id_of("traffic_spike", 5, 60)
    True
    """
    text = f"{kind}/{sector_id}/{noticed_s}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
