"""What chance alone would give: the yardstick of every pattern.

Each test takes the greatest of many figures (of all hours, all days of the week), so it is held
against the greatest of as many made by chance. What chance gives is made of the data themselves:
signs of whole days turned round, days of a week dealt anew. That keeps how hours hang together, and
all sectors are turned alike and share one yardstick, which makes it finer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ROUNDS", "exceeded", "signs", "strength"]

ROUNDS = 499


def signs(days: int, seed: int) -> NDArray[np.float64]:
    """Random signs of days, shape (rounds, days)."""
    return np.random.default_rng(seed).choice([-1.0, 1.0], (ROUNDS, days))


def strength(deviation: NDArray[np.float64], sign: NDArray[np.float64]) -> NDArray[np.float64]:
    """How steadily each column of deviations (days, columns) lies above zero, by rounds of signs.

    Shape (rounds, columns); with signs of one it is the figure itself. Between -sqrt(days) and
    sqrt(days); 0 where nothing deviates.
    """
    size = np.sqrt((deviation**2).sum(axis=0))
    return np.asarray(sign @ deviation / np.where(size > 0, size, 1.0))


def exceeded(
    found: NDArray[np.float64], by_chance: NDArray[np.float64], least: float
) -> NDArray[np.float64]:
    """The share of chance's figures at least as great as each found, shape (n,), `least` at least.

    `by_chance` has shape (n, rounds). Where fewer than a hundred sectors share the yardstick their
    own rounds are all there is.
    """
    pool = np.sort(by_chance.ravel())
    above = pool.size - np.searchsorted(pool, found, side="left")
    return np.maximum((above + 1) / (pool.size + 1), least)
