"""A question about a long period, and what every answer to one says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sectorwatch.airspace.within import airports_within
from sectorwatch.clock import format_s, offset_s
from sectorwatch.store.statistics_load import QUARTER_S

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.store.known_spans import KnownSpans
    from sectorwatch.store.queries_statistics import StatisticsQueries

__all__ = [
    "Question",
    "envelope",
    "load_partition",
    "local_days",
    "local_quarters",
    "maybe",
    "moment",
    "share_of",
]

_DAY_S = 86_400

_WHERE = {
    "network": "the whole network",
    "airspace": "the airspace loaded here",
}


@dataclass(frozen=True)
class Question:
    """What is asked: a topic's period, scope and kind of row, and who can tell.

    `airport` leaves only flights from or to it. The period is in whole quarters of an hour.
    """

    queries: StatisticsQueries
    airspace: Airspace
    airports: Airports
    from_s: int
    to_s: int
    scope: Literal["airspace", "network"]
    partition: str | None
    by: str | None
    airport: str | None
    zone: tzinfo
    zone_name: str
    as_of_s: int | None

    @cached_property
    def sector_ids(self) -> list[int] | None:
        """The sectors of the partition, None where none is named: then any."""
        if self.partition is None:
            return None
        return [each.sector_id for each in self.airspace.sectors if self._has(each.partition)]

    def _has(self, partition: str) -> bool:
        return partition == self.partition

    @cached_property
    def within(self) -> NDArray[np.bool_]:
        """Which airports lie within the airspace, or within the partition."""
        return airports_within(self.airspace, self.airports, self.partition)

    def are_within(self, codes: Iterable[str]) -> NDArray[np.bool_]:
        """Which of these airports lie within; one that nobody knows does not."""
        places = [self.airports.get(code) for code in codes]
        return np.array(
            [place is not None and bool(self.within[place.index]) for place in places], np.bool_
        )


def envelope(question: Question, known: KnownSpans, what: str, total: int) -> dict[str, Any]:
    """Give the fields that every answer begins with; `what` says what is counted."""
    known_s = known.total_s()
    share = known_s / (question.to_s - question.from_s)
    where = _WHERE[question.scope]
    if question.partition is not None:
        where = question.partition
    period = f"from {format_s(question.from_s)} to {format_s(question.to_s)}"
    if known_s == 0:
        told = f"Nothing of the time {period} is known but single snapshots, if there are any."
    else:
        told = f"{what}: {where}, {period}. Of that time {_percent(share)} is known."
        if total == 0:
            told += " There was nothing of the kind."
    return {
        "statement": told,
        "start": format_s(question.from_s),
        "end": format_s(question.to_s),
        "as_of": None if question.as_of_s is None else format_s(question.as_of_s),
        "timezone": question.zone_name,
        "scope": question.scope,
        "partition": question.partition,
        "by": question.by,
        "known_share": round(share, 6),
        "known_s": known_s,
        "total": total,
    }


def load_partition(question: Question) -> tuple[str, list[int]]:
    """Give the partition in which load is counted, and the numbers of its sectors.

    The one asked for, else the first of kind fir, else the first: of one only, for else a flight
    would count once in each.
    """
    partitions = question.airspace.partitions
    firs = [each.name for each in partitions if each.kind == "fir"]
    chosen = question.partition or (*firs, partitions[0].name)[0]
    sectors = question.airspace.sectors
    return chosen, [each.sector_id for each in sectors if each.partition == chosen]


def local_quarters(zone: tzinfo, quarter_s: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the local time of quarters of an hour, as seconds since 1970 by the zone's own clock."""
    if zone is UTC:
        return quarter_s
    offsets = np.array([offset_s(zone, time) for time in quarter_s.tolist()], np.int64)
    # No zone in use is off the quarters; those of the nineteenth century are, by minutes.
    return quarter_s + offsets // QUARTER_S * QUARTER_S


def local_days(question: Question) -> list[tuple[str, int, int]]:
    """Give the days by the division's clock, as (date, start, end), cut to the period."""
    quarter_s = np.arange(question.from_s, question.to_s, QUARTER_S, dtype=np.int64)
    days, first = np.unique(local_quarters(question.zone, quarter_s) // _DAY_S, return_index=True)
    edges = [*quarter_s[first].tolist(), question.to_s]
    return [
        (format_s(day * _DAY_S)[:10], start_s, end_s)
        for day, start_s, end_s in zip(days.tolist(), edges, edges[1:], strict=False)
    ]


def _percent(share: float) -> str:
    # Not all is never shown as all, nor something as nothing.
    text = f"{100 * share:.1f} %"
    if share < 1 and text == "100.0 %":
        return "more than 99.9 %"
    return "less than 0.1 %" if text == "0.0 %" else text


def maybe(value: float, digits: int) -> float | None:
    """Round a number; None where it is none."""
    return None if np.isnan(value) else round(float(value), digits)


def moment(time_s: int) -> str | None:
    """Show a moment; None where there is none (-1)."""
    return None if time_s < 0 else format_s(time_s)


def share_of(part: float, whole: float) -> float:
    """Give a share; of nothing it is 0."""
    return round(float(part / whole), 6) if whole else 0.0
