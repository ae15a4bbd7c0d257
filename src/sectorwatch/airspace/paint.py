"""Sectors painted on a grid, each over what is there already, the one that yields to all first.

A cell holds one number, its code:

- `code >= 0` where no edge passes: a profile, which has a sector for every level (the altitudes
  between two neighbouring limits). Profile 0 has none at any.
- `code < 0` where one does: look `~code`. It asks whether one volume has the point and if not goes
  on to another code, which answers for what was painted before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "Painted"]

Ints = NDArray[np.int32]
Cells = NDArray[np.int64]

# Beyond so many numbers in all profiles, stacks of volumes are looked through one by one: slower,
# but no data set can make us hold (number of stacks) x (number of limits) of them.
_MOST_IN_PROFILES = 4_000_000


@dataclass(frozen=True, slots=True)
class Painted:
    """The finished picture; looks of shape (n,) are numbered as the codes say."""

    code: Ints
    """Shape (cells,)."""
    profiles: Ints
    """Sector or -1, shape (profiles, levels)."""
    volume: Ints
    """Which volume a look asks about."""
    cell: Cells
    """The cell of a look at edges, -1 where the volume covers its cell and only levels matter."""
    under: Ints
    """The code to go on to where the volume does not have the point."""


class Canvas:
    """A grid of `n_cells` for volumes whose limits make `n_levels` levels."""

    def __init__(self, n_cells: int, n_levels: int) -> None:
        self._code: Ints = np.zeros(n_cells, dtype=np.int32)
        self._n_levels = n_levels
        self._profiles: list[Ints] = []
        self._number_of: dict[bytes, int] = {}
        self._n_looks = 0
        self._volume: list[Ints] = []
        self._cell: list[Cells] = []
        self._under: list[Ints] = []
        self._profile(np.full(n_levels, -1, dtype=np.int32))

    def fill(self, cells: Cells, volume: int, sector: int, low: int, high: int) -> None:
        """Paints cells that `volume` of `sector` covers wholly, on levels low <= level < high."""
        if low == 0 and high == self._n_levels:
            self._code[cells] = self._profile(np.full(high, sector, dtype=np.int32))
            return
        before = self._code[cells]
        plain = before >= 0
        if len(self._profiles) * self._n_levels > _MOST_IN_PROFILES:
            plain[:] = False
        covered = cells[~plain]
        self._look(covered, volume, np.full(len(covered), -1, dtype=np.int64))
        codes, which = np.unique(before[plain], return_inverse=True)
        self._code[cells[plain]] = self._repainted(codes, sector, low, high)[which]

    def touch(self, cells: Cells, volume: int) -> None:
        """Paints cells through which an edge of `volume` passes."""
        self._look(cells, volume, cells)

    def finish(self) -> Painted:
        """The picture, without the looks that were painted over."""
        under = np.concatenate((*self._under, np.empty(0, dtype=np.int32)))
        reached = np.zeros(self._n_looks, dtype=np.bool_)
        front = ~self._code[self._code < 0]
        while len(front):
            reached[front] = True
            front = under[front]
            front = ~front[front < 0]
        number = np.cumsum(reached, dtype=np.int32) - 1
        return Painted(
            code=_renumbered(self._code, number),
            profiles=np.array(self._profiles, dtype=np.int32),
            volume=np.concatenate((*self._volume, np.empty(0, dtype=np.int32)))[reached],
            cell=np.concatenate((*self._cell, np.empty(0, dtype=np.int64)))[reached],
            under=_renumbered(under[reached], number),
        )

    def _look(self, cells: Cells, volume: int, cell: Cells) -> None:
        n = len(cells)
        self._volume.append(np.full(n, volume, dtype=np.int32))
        self._cell.append(cell)
        self._under.append(self._code[cells])
        self._code[cells] = ~np.arange(self._n_looks, self._n_looks + n, dtype=np.int32)
        self._n_looks += n

    def _repainted(self, codes: Ints, sector: int, low: int, high: int) -> Ints:
        after = np.empty_like(codes)
        for i, code in enumerate(codes):
            profile = self._profiles[code].copy()
            profile[low:high] = sector
            after[i] = self._profile(profile)
        return after

    def _profile(self, sectors: Ints) -> int:
        key = sectors.tobytes()
        number = self._number_of.setdefault(key, len(self._profiles))
        if number == len(self._profiles):
            self._profiles.append(sectors)
        return number


def _renumbered(code: Ints, number: Ints) -> Ints:
    """The code with its looks called by their new numbers."""
    look = code < 0
    new = code.copy()
    new[look] = ~number[~code[look]]
    return new
