"""A sector's occupancy over time as an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.web.answers.sectors import MinuteBin, Occupancy, QuarterBin
from sectorwatch.web.present.flights import maybe_time
from sectorwatch.web.present.history import missing_answer

if TYPE_CHECKING:
    from sectorwatch.airspace.model import Sector
    from sectorwatch.store.queries_sectors import Minutes

__all__ = ["occupancy_answer"]


def occupancy_answer(
    sector: Sector,
    kept: Minutes,
    start_s: int,
    end_s: int,
    *,
    now: int | None,
    statement: str | None = None,
) -> Occupancy:
    """Show minutes and quarters of an hour; what is not known is null, never zero.

    `now` is None and there is a `statement` where the sector is no longer drawn.
    """
    rows = zip(
        kept.minute_s.tolist(),
        kept.occupancy.tolist(),
        kept.entries.tolist(),
        kept.known.tolist(),
        strict=True,
    )
    minutes = [
        MinuteBin(format_s(time), load if known else None, entries if known else None)
        for time, load, entries, known in rows
    ]
    bins = kept.quarters()
    quarters = [
        QuarterBin(
            time=format_s(time),
            mean_occupancy=round(mean, 3) if known else None,
            peak_occupancy=peak if known else None,
            entries=entries if known else None,
            minutes_known=known,
        )
        for time, mean, peak, entries, known in zip(
            bins.start_s.tolist(),
            bins.mean_occupancy.tolist(),
            bins.peak_occupancy.tolist(),
            bins.entries.tolist(),
            bins.minutes_known.tolist(),
            strict=True,
        )
    ]
    return Occupancy(
        sector=sector.name,
        partition=sector.partition,
        start=format_s(start_s),
        end=format_s(end_s),
        final_until=maybe_time(kept.final_minute_s),
        now=now,
        minutes=minutes,
        quarters=quarters,
        in_airspace=now is not None,
        statement=statement,
        missing=missing_answer(kept.lost),
    )
