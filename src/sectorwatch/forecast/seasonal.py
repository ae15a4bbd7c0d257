"""What recent truth says of a time: the same by the clock on the wall on other days, and just now.

Days of the same kind together (from Monday to Friday, Saturdays, Sundays) tell far better what is
usual than four days of the same name: on us2001 the mean of 25 misses by a seventh less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S, LEADS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.past import Past

__all__ = ["last_hour", "seasonal"]

_RECENT_S = 1_200
"""How long before now the last bin began that is complete; its minutes are final after 3 min."""
_WEEKS = 4
_DAYS_BACK, _LATEST_DAYS = 35, 5


def seasonal(
    as_of_s: int, past: Past, local: LocalTime, until_s: int | None
) -> dict[str, NDArray[np.float32]]:
    """The bins of the last weeks and of yesterday at the same time by the clock on the wall.

    `alike` is the mean of days of the same kind in the last five weeks, of up to 25; `alike_5` that
    of the last five of these.
    """
    # With a bin on either side, which the mean of the hour is smoothed by.
    bins = as_of_s + np.arange(-1, LEADS.size + 1) * BIN_S
    starts = [local.weeks_before(bins, week) for week in range(1, _WEEKS + 1)]
    starts.append(local.days_before(bins, 1))
    known = past.bin_mean(np.concatenate(starts), until_s=until_s)
    weeks = known.reshape(len(known), _WEEKS + 1, -1)
    every = _mean(weeks[:, :_WEEKS], axis=1)
    around = np.stack([every[:, :-2], every[:, 1:-1], every[:, 1:-1], every[:, 2:]])
    values = {f"week_{week + 1}": weeks[:, week, 1:-1] for week in range(_WEEKS)}
    usual = _mean(around, axis=0)
    days, is_alike = _days_alike(bins[1:-1], past, local, until_s)
    alike = _mean(days, axis=1)
    latest = np.where(np.cumsum(is_alike, axis=0) <= _LATEST_DAYS, days, np.nan)
    return {
        **values,
        "weeks": every[:, 1:-1],
        "usual": usual,
        "alike": alike,
        "alike_5": _mean(latest, axis=1),
        "alike_sd": np.sqrt(_mean((days - alike[:, None]) ** 2, axis=1)),
        "yesterday": weeks[:, _WEEKS, 1:-1],
    }


def last_hour(
    as_of_s: int, past: Past, local: LocalTime, until_s: int | None
) -> dict[str, NDArray[np.float32]]:
    """The last bin and hour that are complete, and what is usual then and now; each (s,)."""
    bins = as_of_s - _RECENT_S - np.arange(4) * BIN_S
    known = past.bin_mean(bins, until_s=until_s)
    asked = np.append(bins, as_of_s - BIN_S // 2 - BIN_S % 2)
    usual = _mean(_days_alike(asked, past, local, until_s)[0], axis=1)
    return {
        "last": known[:, 0],
        "now": _mean(known, axis=1),
        "usual": _mean(usual[:, :4], axis=1),
        "usual_now": usual[:, 4],
    }


def _days_alike(
    bins_s: NDArray[np.int64], past: Past, local: LocalTime, until_s: int | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Bins (n,) on the last days of the same kind, the latest first: (s, days, n), NaN for others.

    And which days these are, (days, n).
    """
    starts = local.days_before(bins_s, np.arange(1, _DAYS_BACK + 1)[:, None])
    is_alike = local.kind_of_day(starts) == local.kind_of_day(bins_s)
    days = np.full((past.sector_ids.size, *starts.shape), np.nan, dtype=np.float32)
    days[:, is_alike] = past.bin_mean(starts[is_alike], until_s=until_s)
    return days, is_alike


def _mean(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """The mean of what is known along an axis; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
