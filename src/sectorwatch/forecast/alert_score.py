"""How good warnings were: how many of them were right, how many breaches were foreseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S, LONGEST_S

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["AlertScore", "alert_score"]


@dataclass(frozen=True, slots=True)
class AlertScore:
    """Warnings against breaches, counted by episodes; a share of nothing is None.

    `right` of `warnings` were followed by a breach, `foreseen` of `breaches` began while a warning
    stood. `lead_s` is the median time from the warning to the breach, of those foreseen.
    """

    warnings: int
    right: int
    breaches: int
    foreseen: int
    lead_s: float | None

    @property
    def precision(self) -> float | None:
        """Share of the warnings that were right."""
        return self.right / self.warnings if self.warnings else None

    @property
    def recall(self) -> float | None:
        """Share of the breaches that were foreseen."""
        return self.foreseen / self.breaches if self.breaches else None


def alert_score(
    stood: NDArray[np.bool_],
    as_of_s: NDArray[np.int64],
    breach: NDArray[np.bool_],
    start_s: NDArray[np.int64],
    *,
    known: NDArray[np.bool_] | None = None,
    ahead_s: int = LONGEST_S,
) -> AlertScore:
    """Score warnings: `stood` says at which issues one stood, shape (issues, s).

    `breach` has shape (bins, s): which bins belong to a sustained breach (`breach.breached`), bins
    on end that begin at `start_s` (bins,); `known` of which the truth is known, of the same shape.
    A warning is right where a breach lies between it and `ahead_s` later, or its own end where that
    is later. A breach is foreseen where a warning stood at the last issue before it began. What
    cannot be decided does not count: breaches before the first issue, warnings of whose time ahead
    less than all is known, unless they were right.
    """
    known = np.ones(breach.shape, np.bool_) if known is None else known
    warnings = right = breaches = foreseen = 0
    leads: list[int] = []
    for sector in range(stood.shape[1]):
        first, last = _runs(stood[:, sector])
        raised_s = as_of_s[first]
        until_s = np.maximum(raised_s + ahead_s, as_of_s[last])
        happened = breach[:, sector] & known[:, sector]
        for begin_s, end_s in zip(raised_s.tolist(), until_s.tolist(), strict=True):
            ahead = (start_s + BIN_S > begin_s) & (start_s < end_s)
            is_right = bool(happened[ahead].any())
            whole = int((known[:, sector] & ahead).sum()) * BIN_S >= end_s - begin_s
            warnings += is_right or whole
            right += is_right
        for begin in _runs(happened)[0].tolist():
            # One that goes on from time that is not known began who knows when.
            if begin and not known[begin - 1, sector]:
                continue
            issue = int(np.searchsorted(as_of_s, start_s[begin], "right")) - 1
            if issue < 0:
                continue
            breaches += 1
            if stood[issue, sector]:
                foreseen += 1
                since = int(np.searchsorted(first, issue, "right")) - 1
                leads.append(int(start_s[begin] - raised_s[since]))
    return AlertScore(
        warnings, right, breaches, foreseen, float(np.median(leads)) if leads else None
    )


def _runs(flags: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first and the last index of each run of True."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
