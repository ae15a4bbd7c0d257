"""The outlook, good times and capacity warnings as answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.clock import format_s, format_us
from sectorwatch.forecast.good_times import good_times
from sectorwatch.forecast.horizon import BIN_S
from sectorwatch.forecast.issued import BASES, interval_told
from sectorwatch.forecast.outlook import ASSUMES, WHOLE_BINS, outlook_of, outlook_text
from sectorwatch.web.answers.outlook import (
    CapacityWarningAnswer,
    CapacityWarningEvent,
    GoodTimeAnswer,
    OutlookAnswer,
    OwnerNow,
    PartitionOutlookAnswer,
    SectorOutlook,
)
from sectorwatch.web.present.flights import maybe_time
from sectorwatch.web.present.predictions import OF_PLANS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airspace
    from sectorwatch.forecast.capacity import Capacity
    from sectorwatch.forecast.good_times import GoodTime, GoodTimeRule, Openings
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.staffing import Presence
    from sectorwatch.forecast.warnings import CapacityWarning
    from sectorwatch.runtime.foresight import Foresight
    from sectorwatch.traffic.tick import Tick

__all__ = [
    "OutlookParts",
    "no_outlook",
    "outlook_answer",
    "outlook_parts",
    "warning_answer",
    "warning_event",
]


@dataclass(frozen=True, slots=True)
class OutlookParts:
    """What an outlook is put together from, besides the forecast; in the airspace's order."""

    openings: Openings
    capacity: Capacity
    warnings: Sequence[CapacityWarning]
    p_sustained: NDArray[np.float64]
    presence: Presence | None
    confidence: Callable[[int, int], float | None] | None
    rule: GoodTimeRule


def outlook_parts(foresight: Foresight, issued: Issued | None) -> OutlookParts | None:
    """Put together what an outlook by `issued` is made from; None where there can be none.

    So it is where nothing is forecast, and where a forecast was made before sectors were redrawn.
    """
    watch, scoring = foresight.capacity_watch, foresight.scoring
    if watch is None or issued is None:
        return None
    capacity = watch.book.now
    if not np.array_equal(issued.sector_id, capacity.sector_id):
        return None

    def confidence(sector_id: int, lead_s: int) -> float | None:
        # 0.0 is said where nothing is scored; that is no figure.
        return (scoring.confidence(sector_id, lead_s) or None) if scoring is not None else None

    return OutlookParts(
        openings=watch.openings,
        capacity=capacity,
        warnings=watch.warnings.standing(),
        p_sustained=watch.warnings.probability,
        presence=watch.presence,
        confidence=confidence,
        rule=watch.rule,
    )


def no_outlook(tick: Tick | None, statement: str) -> OutlookAnswer:
    """Say why there is none."""
    return OutlookAnswer(
        as_of=None,
        snapshot_time=None if tick is None else format_us(tick.time_us),
        model=None,
        stale=False,
        statement=statement,
        assumes=ASSUMES,
        step_min=BIN_S // 60,
        steps=[],
        text="",
        good_times=[],
        warnings=[],
        partitions=[],
        sectors_total=0,
        sectors=[],
    )


def outlook_answer(
    airspace: Airspace,
    tick: Tick,
    issued: Issued,
    parts: OutlookParts,
    rows: NDArray[np.intp],
    *,
    partition: str,
    why_stale: str,
    limit: int | None = None,
    offset: int = 0,
) -> OutlookAnswer:
    """Show the outlook of the sectors at `rows`; totals are of the partitions that they are in.

    The text is about `partition`, or the first of these where it is none of them. `why_stale` is
    said where the forecast is of long ago.
    """
    owners = tick.live.owners
    staffed = np.array([owner is not None for owner in owners], np.bool_)
    ahead = outlook_of(issued, airspace.partitions, staffed)
    in_rows = {airspace.sectors[row].partition for row in rows.tolist()}
    good = good_times(
        issued,
        parts.openings,
        staffed,
        among=None if rows.size == staffed.size else np.isin(np.arange(staffed.size), rows),
        capacity=parts.capacity,
        presence=parts.presence,
        confidence=parts.confidence,
        rule=parts.rule,
    )
    wanted = {int(number) for number in parts.capacity.sector_id[rows]}
    warnings = [each for each in parts.warnings if each.sector_id in wanted]
    of = [each for each in airspace.partitions if each.name in in_rows]
    about = next((each for each in of if each.name == partition), of[0] if of else None)
    order = rows[np.argsort(-issued.mean[rows].max(axis=1, initial=0.0), kind="stable")]
    shown = order[offset:] if limit is None else order[offset : offset + limit]
    return OutlookAnswer(
        as_of=format_s(issued.as_of_s),
        snapshot_time=format_us(tick.time_us),
        model=issued.model or None,
        stale=bool(why_stale),
        statement=f"{_basis(issued, rows)} {why_stale}".strip(),
        assumes=ASSUMES,
        step_min=BIN_S // 60,
        steps=[format_s(int(start_s)) for start_s in ahead.start_s],
        text=(
            ""
            if about is None
            else outlook_text(ahead, about, airspace.sectors, good, warnings, why_stale)
        ),
        good_times=[_good_time(each) for each in good],
        warnings=[warning_answer(each) for each in warnings],
        partitions=[
            PartitionOutlookAnswer(
                partition=each.name,
                sectors=each.sectors,
                staffed=each.staffed,
                current=each.current,
                expected=_tenths(each.expected),
                uncovered_min=_tenths(each.uncovered_min),
                uncovered_total_min=round(each.uncovered_total_min, 1),
            )
            for each in ahead.partitions
            if each.name in in_rows
        ],
        sectors_total=int(rows.size),
        sectors=_sectors(airspace, tick, issued, parts, ahead.uncovered_min, shown),
    )


def warning_event(warning: CapacityWarning) -> CapacityWarningEvent:
    """Tell of a capacity warning that was raised or that ended."""
    state = "began" if warning.ended_s is None else "ended"
    return CapacityWarningEvent("capacity_warning", state, warning_answer(warning))


def warning_answer(warning: CapacityWarning) -> CapacityWarningAnswer:
    """Show a capacity warning."""
    return CapacityWarningAnswer(
        id=warning.warning_id,
        sector_name=warning.sector,
        partition=warning.partition,
        began=format_s(warning.began_s),
        ended=maybe_time(warning.ended_s),
        start=format_s(warning.from_s),
        end=format_s(warning.to_s),
        peak=warning.peak,
        peak_low=warning.peak_low,
        peak_high=warning.peak_high,
        peak_time=format_s(warning.peak_s),
        capacity=warning.capacity,
        capacity_source=warning.capacity_source,
        probability=warning.p,
        highest_probability=warning.highest_p,
        description=warning.words,
    )


def _sectors(
    airspace: Airspace,
    tick: Tick,
    issued: Issued,
    parts: OutlookParts,
    uncovered_min: NDArray[np.float64],
    rows: NDArray[np.intp],
) -> list[SectorOutlook]:
    # A matrix at a time: number by number it would take as long as all the rest.
    columns: list[Any] = [
        _tenths(each[rows])
        for each in (
            issued.mean,
            *interval_told(issued.mean, issued.quantiles),
            uncovered_min,
        )
    ]
    total = _tenths(uncovered_min[rows, :WHOLE_BINS].sum(axis=1))
    over = np.round(issued.p_over_capacity[rows].astype(np.float64), 2).tolist()
    capacity = parts.capacity
    answers = []
    for at, row in enumerate(rows.tolist()):
        sector, owner = airspace.sectors[row], tick.live.owners[row]
        is_known = capacity.source[row] is not None
        sustained = float(parts.p_sustained[row])
        answers.append(
            SectorOutlook(
                sector_name=sector.name,
                partition=sector.partition,
                kind=sector.kind,
                owner=None if owner is None else OwnerNow(owner.callsign, format_s(owner.since_s)),
                current=int(issued.current[row]),
                expected=columns[0][at],
                low=columns[1][at],
                high=columns[2][at],
                capacity=round(float(capacity.value[row]), 1) if is_known else None,
                capacity_source=capacity.source[row],
                capacity_words=capacity.words[row],
                p_over_capacity=None if np.isnan(issued.capacity[row]) else over[at],
                p_sustained=None if np.isnan(sustained) else round(sustained, 2),
                uncovered_min=columns[3][at],
                uncovered_total_min=total[at],
            )
        )
    return answers


def _good_time(good: GoodTime) -> GoodTimeAnswer:
    return GoodTimeAnswer(
        position=good.position,
        partition=good.partition,
        sectors=list(good.sectors),
        also=list(good.also),
        start=format_s(good.start_s),
        end=format_s(good.end_s),
        aircraft=round(good.aircraft, 1),
        low=round(good.low, 1),
        high=round(good.high, 1),
        busiest=format_s(good.busiest_s),
        covered_min=float(round(good.covered_min)),
        capacity=None if good.capacity is None else round(good.capacity, 1),
        too_much=good.is_too_much,
        weeks_staffed=good.here,
        weeks_known=good.of,
        confidence=None if good.confidence is None else round(good.confidence, 2),
        why=good.words,
    )


def _basis(issued: Issued, rows: NDArray[np.intp]) -> str:
    """Say what the forecasts of these sectors rest on."""
    as_of = format_s(issued.as_of_s)
    by_model = int((issued.basis[rows] == BASES.index("model")).sum())
    if not rows.size:
        return "No sector is both of that partition and of that kind."
    if not by_model:
        return OF_PLANS.format(as_of=as_of)
    words = f"Model {issued.model}, as of {as_of}"
    if by_model < rows.size:
        words += f"; of {rows.size - by_model} sectors with too little history the plans alone"
    return f"{words}."


def _tenths(values: NDArray[Any]) -> Any:
    """In tenths of an aircraft: what lies beyond is not known. As lists."""
    return np.round(values.astype(np.float64), 1).tolist()
