"""Statistics of load: peaks by day, hours of the week, and sectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.store.statistics_load import QUARTER_S, Series, online
from sectorwatch.web.answers.statistics import (
    BusiestHourRow,
    BusiestHoursAnswer,
    PeakRow,
    PeaksAnswer,
    SectorLoadRow,
    SectorsAnswer,
)
from sectorwatch.web.present.statistics import (
    envelope,
    load_partition,
    local_days,
    local_quarters,
    maybe,
    moment,
)
from sectorwatch.web.present.statistics_staff import sessions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.known_spans import KnownSpans
    from sectorwatch.web.present.statistics import Question

__all__ = ["busiest_hours", "peaks", "sectors"]

_HOUR_S, _WEEK_H = 3_600, 168
# 1970-01-01 was a Thursday.
_THURSDAY = 3
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class _Load:
    """Quarters of an hour one after another, shape (n,)."""

    partition: str | None
    known: KnownSpans
    known_s: NDArray[np.int64]
    quarter_s: NDArray[np.int64]
    pilots: Series
    airborne: Series
    controllers: Series


def _load(question: Question) -> _Load:
    quarter_s = np.arange(question.from_s, question.to_s, QUARTER_S, dtype=np.int64)
    queries = question.queries.load
    partition = question.partition
    if question.scope == "network":
        network = queries.network(question.from_s, question.to_s)
        known = network.known
        pilots, airborne, controllers = network.pilots, network.airborne, network.controllers
    else:
        partition, ids = load_partition(question)
        inside = queries.sectors(question.from_s, question.to_s, ids)
        known = inside.known
        sessions = sessions_of(question)
        controllers = online(sessions.start_s, sessions.end_s, question.from_s, question.to_s)
        # A session goes on through a gap, but nobody saw it.
        controllers = _where_known(controllers, known.seconds(quarter_s, quarter_s + QUARTER_S))
        pilots = airborne = inside.airborne
    known_s = known.seconds(quarter_s, quarter_s + QUARTER_S)
    return _Load(
        partition=partition,
        known=known,
        known_s=known_s,
        quarter_s=quarter_s,
        pilots=pilots,
        airborne=airborne,
        controllers=controllers,
    )


def _where_known(series: Series, known_s: NDArray[np.int64]) -> Series:
    """Nothing is said of quarters of which nothing is known."""
    unknown = known_s == 0
    return Series(
        np.where(unknown, np.nan, series.mean),
        np.where(unknown, 0, series.peak),
        np.where(unknown, -1, series.peak_s),
    )


def peaks(question: Question) -> PeaksAnswer:
    """Find the most pilots and the most controllers at once, by day and over the period."""
    load = _load(question)
    days = local_days(question)
    starts = np.array([start_s for _, start_s, _ in days], np.int64)
    group = np.searchsorted(starts, load.quarter_s, side="right") - 1
    rows = _peak_rows(load, group, [date for date, _, _ in days])
    (period,) = _peak_rows(load, np.zeros(len(group), np.int64), [None])
    what = "Most pilots and most controllers at once"
    said = envelope(question, load.known, what, len(rows)) | {"partition": load.partition}
    return PeaksAnswer(**said, period=period, rows=rows)


def _peak_rows(load: _Load, group: NDArray[np.int64], dates: Sequence[str | None]) -> list[PeakRow]:
    size = len(dates)
    pilots = load.pilots.grouped(group, size, load.known_s)
    controllers = load.controllers.grouped(group, size, load.known_s)
    share = np.bincount(group, load.known_s, size) / (
        np.bincount(group, minlength=size) * QUARTER_S
    )
    rows = []
    for n, date in enumerate(dates):
        # A single snapshot says how many there were, if not for how long.
        is_known = share[n] > 0 or max(pilots.peak_s[n], controllers.peak_s[n]) >= 0
        flying, controlling = int(pilots.peak[n]), int(controllers.peak[n])
        rows.append(
            PeakRow(
                date=date,
                peak_pilots=flying if is_known else None,
                peak_pilots_time=moment(int(pilots.peak_s[n])) if flying else None,
                mean_pilots=maybe(pilots.mean[n], 3),
                peak_controllers=controlling if is_known else None,
                peak_controllers_time=moment(int(controllers.peak_s[n])) if controlling else None,
                mean_controllers=maybe(controllers.mean[n], 3),
                pilots_per_controller=round(flying / controlling, 3) if controlling else None,
                known_share=round(float(share[n]), 6),
            )
        )
    return rows


def busiest_hours(question: Question) -> BusiestHoursAnswer:
    """Order hours by how many flights were in the air: of the week, or of each date."""
    load = _load(question)
    local_s = local_quarters(
        UTC if question.by == "hour_of_week_utc" else question.zone, load.quarter_s
    )
    hour_of_week = (local_s // _HOUR_S + _THURSDAY * 24) % _WEEK_H
    by_date = question.by == "date_hour"
    key = load.quarter_s // _HOUR_S if by_date else hour_of_week
    keys, first, group = np.unique(key, return_index=True, return_inverse=True)
    size = len(keys)
    airborne = load.airborne.grouped(group, size, load.known_s)
    controllers = load.controllers.grouped(group, size, load.known_s)
    share = np.bincount(group, load.known_s, size) / (
        np.bincount(group, minlength=size) * QUARTER_S
    )
    order = np.lexsort([keys, -np.nan_to_num(airborne.mean, nan=-1.0)])
    clock = "UTC" if question.by == "hour_of_week_utc" else question.zone_name
    rows = []
    for rank, n in enumerate(order.tolist(), 1):
        week = int(hour_of_week[first[n]])
        rows.append(
            BusiestHourRow(
                rank=rank,
                time=format_s(int(keys[n]) * _HOUR_S) if by_date else None,
                weekday=_WEEKDAYS[week // 24],
                hour=week % 24,
                clock=clock,
                mean_airborne=maybe(airborne.mean[n], 3),
                peak_airborne=int(airborne.peak[n])
                if share[n] > 0 or airborne.peak_s[n] >= 0
                else None,
                peak_airborne_time=moment(int(airborne.peak_s[n])) if airborne.peak[n] else None,
                mean_controllers=maybe(controllers.mean[n], 3),
                known_share=round(float(share[n]), 6),
            )
        )
    what = "Flights in the air by hour"
    said = envelope(question, load.known, what, len(rows)) | {"partition": load.partition}
    return BusiestHoursAnswer(**said, rows=rows)


def sectors(question: Question) -> SectorsAnswer:
    """Order sectors by how busy they were, with how much of the time they had an owner."""
    sums = question.queries.load.by_sector(question.from_s, question.to_s)
    owned = question.queries.staff.owned(question.from_s, question.to_s)
    known_s = sums.known.total_s()
    ids, place = np.unique(owned.sector_id, return_inverse=True)
    worked_s = np.bincount(place, sums.known.seconds(owned.start_s, owned.end_s), len(ids))
    staffed = dict(zip(ids.tolist(), worked_s.tolist(), strict=True))
    busy = {number: n for n, number in enumerate(sums.sector_id.tolist())}
    names = question.queries.load.sector_names()
    names |= {each.sector_id: (each.name, each.partition) for each in question.airspace.sectors}
    here = {each.sector_id for each in question.airspace.sectors}
    chosen = [
        (number, *name)
        for number, name in names.items()
        if (number in busy or number in here) and question.partition in {None, name[1]}
    ]

    def load(number: int) -> tuple[int, int, int, int]:
        n = busy.get(number)
        if n is None:
            return 0, 0, -1, 0
        return tuple(int(each[n]) for each in (sums.total, sums.peak, sums.peak_s, sums.entries))  # type: ignore[return-value]

    chosen.sort(key=lambda each: (-load(each[0])[0], each[2], each[1]))
    is_known = sums.minutes > 0
    rows = []
    for rank, (number, name, partition) in enumerate(chosen, 1):
        total, peak, peak_s, entries = load(number)
        rows.append(
            SectorLoadRow(
                rank=rank,
                sector=name,
                partition=partition,
                mean_occupancy=round(total / sums.minutes, 3) if is_known else None,
                peak_occupancy=peak if is_known else None,
                peak_occupancy_time=moment(peak_s) if peak else None,
                entries=entries if is_known else None,
                staffed_share=round(staffed.get(number, 0) / known_s, 6) if known_s else None,
            )
        )
    said = envelope(question, sums.known, "Sectors by flights inside", len(rows))
    return SectorsAnswer(**said, rows=rows)
