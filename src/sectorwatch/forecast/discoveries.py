"""How many of the things found are chance: Benjamini and Hochberg's q-values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["q_values"]


def q_values(p: ArrayLike, *, tests: int | None = None) -> NDArray[np.float64]:
    """The share of false discoveries among all that are at least as striking as each, shape (n,).

    `tests` is how many were made, where that is more than `p` has values (the rest are taken to
    have found nothing). NaN, what was not tested, stays NaN and is not counted. Benjamini and
    Hochberg 1995: holds for tests that are independent, or positively dependent (Benjamini and
    Yekutieli 2001), as one-sided tests of neighbouring sectors are.

    >>> q_values([0.01, 0.5, 0.02, float("nan")]).tolist()
    [0.03, 0.5, 0.03, nan]
    """
    values = np.asarray(p, dtype=np.float64)
    found = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    if known.size:
        order = known[np.argsort(values[known], kind="stable")]
        made = max(order.size, tests or 0)
        raw = values[order] * made / np.arange(1, order.size + 1)
        found[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return found
