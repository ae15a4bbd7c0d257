"""The next 4 h at a glance: how busy each sector will be, who is there, and what nobody covers.

It shows load, not staffing: who is online now is taken to stay, and nobody else to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S, LONGEST_S
from sectorwatch.forecast.words import clock, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace.airspace import Partition
    from sectorwatch.airspace.model import Sector
    from sectorwatch.forecast.good_times import GoodTime
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.warnings import CapacityWarning

__all__ = ["ASSUMES", "Outlook", "PartitionOutlook", "outlook_of", "outlook_text"]

ASSUMES = (
    "The load is forecast, the staffing is not: whoever owns a sector now is taken to stay for the "
    "whole 4 h, and nobody else to come."
)
WHOLE_BINS = LONGEST_S // BIN_S
"""Bins that lie within the 4 h; one more begins at their end."""
_MINUTES = BIN_S // 60
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class PartitionOutlook:
    """The sectors of a partition together: in it no flight counts twice.

    `expected` is the sum of the means, shape (l,), `uncovered_min` aircraft-minutes without an
    owner, by bin (l,), `uncovered_total_min` over the 4 h.
    """

    name: str
    sectors: int
    staffed: int
    current: int
    expected: NDArray[np.float64]
    uncovered_min: NDArray[np.float64]
    uncovered_total_min: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """All sectors, in the airspace's order: `start_s` of the bins (l,), `staffed` (s,).

    `uncovered_min` are the aircraft-minutes expected without an owner, shape (s, l).
    """

    as_of_s: int
    start_s: NDArray[np.int64]
    staffed: NDArray[np.bool_]
    uncovered_min: NDArray[np.float64]
    partitions: Sequence[PartitionOutlook]


def outlook_of(
    issued: Issued, partitions: Sequence[Partition], staffed: NDArray[np.bool_]
) -> Outlook:
    """Look ahead from an issue; `staffed` says which sectors have an owner now, shape (s,)."""
    mean = issued.mean.astype(np.float64)
    uncovered_min = np.where(staffed[:, None], 0.0, mean) * _MINUTES
    shown = []
    for each in partitions:
        rows = slice(each.first, each.first + each.count)
        missing = uncovered_min[rows].sum(axis=0)
        shown.append(
            PartitionOutlook(
                name=each.name,
                sectors=each.count,
                staffed=int(staffed[rows].sum()),
                current=int(issued.current[rows].sum()),
                expected=mean[rows].sum(axis=0),
                uncovered_min=missing,
                uncovered_total_min=float(missing[:WHOLE_BINS].sum()),
            )
        )
    return Outlook(issued.as_of_s, issued.as_of_s + issued.leads_s, staffed, uncovered_min, shown)


def outlook_text(
    outlook: Outlook,
    partition: Partition,
    sectors: Sequence[Sector],
    good: Sequence[GoodTime],
    warnings: Sequence[CapacityWarning],
    why_stale: str = "",
) -> str:
    """The outlook of one partition in a few lines, to be posted somewhere as it stands.

    `why_stale` says that it is of long ago, and why: its "now" is of then.
    """
    here = next(each for each in outlook.partitions if each.name == partition.name)
    busiest = int(np.argmax(here.expected))
    rows = np.arange(partition.first, partition.first + partition.count)
    lines = [
        (
            f"Outlook for {here.name}, {clock(outlook.as_of_s)} to "
            f"{clock(outlook.as_of_s + LONGEST_S)}"
        ),
        *([f"As of {clock(outlook.as_of_s)}. {why_stale}"] if why_stale else []),
        (
            f"{here.current} aircraft now, most about {here.expected[busiest]:.0f} around "
            f"{clock(int(outlook.start_s[busiest]))}. {_count(here.staffed, here.sectors)}"
        ),
    ]
    if here.uncovered_total_min >= _MINUTES:
        lacking = outlook.uncovered_min[rows, :WHOLE_BINS].sum(axis=1)
        most = [row for row in np.argsort(-lacking)[:_MOST_NAMED].tolist() if lacking[row] > 0]
        named = ", ".join(sectors[partition.first + row].name for row in most)
        lines.append(
            f"If those online stay and nobody comes, about "
            f"{round(here.uncovered_total_min, -1):,.0f} aircraft-minutes go without a controller, "
            f"most in {named}."
        )
    good = [each for each in good if each.partition == partition.name][:_MOST_NAMED]
    if good:
        times = ", ".join(
            f"{each.position} {'now' if each.start_s == outlook.as_of_s else clock(each.start_s)} "
            f"(about {each.aircraft:.0f} at once)"
            for each in good
        )
        lines.append(f"Good times to open: {times}.")
    here_too = [each for each in warnings if each.partition == partition.name][:_MOST_NAMED]
    lines += [
        f"{each.sector} may be above {each.capacity:.0f} from {clock(each.from_s)} to "
        f"{clock(each.to_s)} ({percent(each.p)})."
        for each in here_too
    ]
    return "\n".join(lines)


def _count(staffed: int, sectors: int) -> str:
    if sectors == 1:
        return f"Its one sector has {'a' if staffed else 'no'} controller."
    if not staffed:
        return f"None of the {sectors} sectors has a controller."
    if staffed == sectors:
        return f"All {sectors} sectors have a controller."
    return f"{staffed} of {sectors} sectors {'has' if staffed == 1 else 'have'} a controller."
