"""Columns as a first value and the steps from row to row, and back.

Positions 15 s apart differ by little, and by about as much each time: steps take a fraction of the
bytes. Sums are taken in the column's own type, so that what overflows on the way overflows back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LONGEST_STEP_S", "first_rows", "from_steps", "to_steps"]

LONGEST_STEP_S = 10**8
"""No two positions of a file are so far apart, and no time is so small: it tells the two apart."""


def first_rows(keys: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of the rows, of shape (n,), at which a run of equal `keys` begins."""
    return np.flatnonzero(
        np.concatenate([np.ones(min(len(keys), 1), np.bool_), np.diff(keys) != 0])
    )


def to_steps(values: NDArray[Any], first: NDArray[np.intp]) -> NDArray[Any]:
    """`values` as differences from the row before, but whole at the rows `first`."""
    steps = np.diff(values, prepend=values[:1])
    steps[first] = values[first]
    return steps


def from_steps(steps: NDArray[Any], first: NDArray[np.intp]) -> NDArray[Any]:
    """What `to_steps` was given; `first` begins with 0 wherever there is any row."""
    sums = np.cumsum(steps, dtype=steps.dtype)
    before = sums[first] - steps[first]
    sums -= np.repeat(before, np.diff(first, append=len(steps)))
    return sums
