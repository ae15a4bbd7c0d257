"""Chance without a generator: every draw is a hash of the seed, who it is for and what it is for.

So a draw does not depend on what was drawn before it: a network that begins later agrees with one
that began earlier, and each hour can be made alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sectorwatch.simulator.chance import bits, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = ["Draws"]

Floats = NDArray[np.float64]


class Draws:
    """Numbers of chance for `members` (whole numbers, shape (n,)) and a purpose, by one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def bits(self, members: ArrayLike, what: str) -> NDArray[np.uint64]:
        """64 bits each."""
        return bits(self.seed, what, members)

    def uniform(self, members: ArrayLike, what: str) -> Floats:
        """0 <= u < 1."""
        return draw(self.seed, what, members)

    def between(self, members: ArrayLike, what: str, low: float, high: float) -> Floats:
        """`low` <= value < `high`."""
        return low + (high - low) * self.uniform(members, what)

    def happens(self, members: ArrayLike, what: str, share: float | Floats) -> NDArray[np.bool_]:
        """True for that share of them."""
        return np.asarray(self.uniform(members, what) < share)

    def index(self, members: ArrayLike, what: str, count: int) -> NDArray[np.intp]:
        """0 <= index < `count`, each as often."""
        return (self.uniform(members, what) * count).astype(np.intp)

    def weighted(
        self, members: ArrayLike, what: str, weights: Sequence[float] | Floats
    ) -> NDArray[np.intp]:
        """An index into `weights`, as often as its weight says."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        found = np.searchsorted(edges, self.uniform(members, what) * edges[-1], side="right")
        return np.asarray(np.minimum(found, len(edges) - 1))

    def normal(self, members: ArrayLike, what: str) -> Floats:
        """Mean 0, deviation 1 (Box and Muller, 1958)."""
        radius = np.sqrt(-2.0 * np.log(1.0 - self.uniform(members, what)))
        return np.asarray(radius * np.cos(2 * np.pi * self.uniform(members, f"{what}/angle")))

    def exponential(self, members: ArrayLike, what: str, mean: float) -> Floats:
        """Above 0, with this mean."""
        return np.asarray(-mean * np.log(1.0 - self.uniform(members, what)))
