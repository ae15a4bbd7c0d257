"""When a probability raises a warning and when it takes it back, for many sectors at once.

It takes more to raise one than to keep it, so that a probability that wavers does not blink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["Hysteresis", "WarningRule", "warned"]


@dataclass(frozen=True, slots=True)
class WarningRule:
    """A warning is raised at `raise_p` or more in `issues` issues on end, and ends at `clear_p`.

    It lasts `least_s` at any rate. Issues are on end that are at most `most_between_s` apart.
    """

    raise_p: float = 0.6
    clear_p: float = 0.3
    issues: int = 2
    least_s: int = 1_800
    most_between_s: int = 1_800


class Hysteresis:
    """The state of every sector's warning, arrays of shape (s,)."""

    def __init__(self, sectors: int, rule: WarningRule) -> None:
        self.rule = rule
        self.last_s: int | None = None
        self.streak = np.zeros(sectors, np.int16)
        self.active = np.zeros(sectors, np.bool_)
        self.since_s = np.zeros(sectors, np.int64)

    def take(self, p: NDArray[Any], as_of_s: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which warnings this issue raises, and which it ends; `p` NaN is no reason for one."""
        rule = self.rule
        on_end = self.last_s is not None and as_of_s - self.last_s <= rule.most_between_s
        self.last_s = as_of_s
        p = np.where(np.isnan(p), 0.0, p)
        before = self.streak if on_end else np.zeros_like(self.streak)
        self.streak = np.where(p >= rule.raise_p, np.minimum(before + 1, rule.issues), 0)
        raised = ~self.active & (self.streak >= rule.issues)
        ended = self.active & (p <= rule.clear_p) & (as_of_s - self.since_s >= rule.least_s)
        self.since_s = np.where(raised, as_of_s, self.since_s)
        self.active = (self.active | raised) & ~ended
        return raised, ended


def warned(
    p: NDArray[Any], as_of_s: NDArray[np.int64], rule: WarningRule | None = None
) -> NDArray[np.bool_]:
    """At which issues a warning stood: `p` has shape (issues, s), `as_of_s` (issues,)."""
    state = Hysteresis(p.shape[1], rule or WarningRule())
    stood = np.zeros(p.shape, np.bool_)
    for row, time_s in enumerate(as_of_s.tolist()):
        state.take(p[row], time_s)
        stood[row] = state.active
    return stood
