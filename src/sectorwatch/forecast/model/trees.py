"""Boosted trees as plain arrays, and what they say, by numpy alone.

A model is trained by scikit-learn in a process of its own and used in one that never imports it.
What is kept of a tree is numbers: nothing of a file is run when it is read.

All rows are asked at once, a tree at a time, without walking it (QuickScorer; Lucchese et al.,
SIGIR 2015): each node that a row fails rules out the leaves to its left, a bit each, and the lowest
bit that is left when all have been asked is the leaf that the walk would have come to. What the
nodes of one feature rule out depends on the row's value alone, so it is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Forest", "Forests", "forest_of"]

MOST_LEAVES = 64
_MOST_NODES = 4_000_000
# What numbers each part of a forest is made of, as numpy calls the kinds.
_KINDS = {
    **dict.fromkeys(("first", "feature", "left", "right"), "i"),
    **dict.fromkeys(("baseline", "threshold", "value"), "f"),
    "missing_left": "b",
}
_ROWS_AT_ONCE = 8_192
_NONE = -1
# A bit's place by the top bits of its product with a de Bruijn sequence: no logarithm, no rounding.
_DE_BRUIJN: dict[int, tuple[int, int]] = {32: (0x077CB531, 27), 64: (0x03F79D71B4CB0A89, 58)}


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose leaves' values add up to `baseline` and more; nodes of all trees in one row.

    Tree t has the nodes `first[t]` until before `first[t + 1]`, its root first. A row goes left at
    a node where its value of `feature` is at most `threshold`, or missing and `missing_left`; left
    and right are counted within the tree and come after the node itself. In a leaf `feature` is -1
    and `value` counts.
    """

    baseline: NDArray[np.float64]
    first: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], features: int) -> Forest:
        """The forest of `arrays`; raises ModelFileError unless it is one over `features`."""
        try:
            forest = cls(**{each.name: arrays[each.name] for each in fields(cls)})
        except KeyError as error:
            raise ModelFileError(f"its trees have no {error.args[0]!r}") from None
        for name, kind in _KINDS.items():
            if getattr(forest, name).dtype.kind != kind:
                raise ModelFileError(
                    f"{name!r} of its trees is of {getattr(forest, name).dtype}, as it never was"
                )
        _check(forest, features)
        return forest


def forest_of(regressor: Any) -> Forest:
    """What a fitted `HistGradientBoostingRegressor` has learned, without the regressor."""
    trees = [rounds[0].nodes for rounds in regressor._predictors]  # noqa: SLF001 - it has no other
    nodes = np.concatenate(trees)
    if nodes["is_categorical"].any():
        raise ValueError("the trees ask for categories, which only scikit-learn can answer")
    is_leaf = nodes["is_leaf"].astype(bool)
    return Forest(
        baseline=np.asarray(regressor._baseline_prediction, dtype=np.float64).reshape(1),  # noqa: SLF001
        first=np.cumsum([0, *map(len, trees)], dtype=np.int32),
        feature=np.where(is_leaf, _NONE, nodes["feature_idx"]).astype(np.int16),
        threshold=np.where(is_leaf, 0.0, nodes["num_threshold"]),
        missing_left=nodes["missing_go_to_left"].astype(bool) & ~is_leaf,
        left=np.where(is_leaf, 0, nodes["left"]).astype(np.int32),
        right=np.where(is_leaf, 0, nodes["right"]).astype(np.int32),
        value=np.where(is_leaf, nodes["value"], 0.0),
    )


class Forests:
    """Several forests over the same features, made ready to be asked together."""

    def __init__(self, forests: Sequence[Forest], features: int) -> None:
        self._features = features
        self._baselines = [float(forest.baseline[0]) for forest in forests]
        self._edges = [
            np.unique(
                np.concatenate([forest.threshold[forest.feature == column] for forest in forests])
            )
            for column in range(features)
        ]
        leaves = max((_most_leaves(forest) for forest in forests), default=1)
        self._bits = 32 if leaves <= 32 else 64  # noqa: PLR2004 - the smaller of the two words
        self._word: type[Any] = np.uint32 if self._bits == 32 else np.uint64  # noqa: PLR2004
        self._forests = [
            [
                self._ready(forest, int(a), int(b))
                for a, b in zip(forest.first[:-1], forest.first[1:], strict=True)
            ]
            for forest in forests
        ]

    def raw(self, rows: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """What each forest says of each of `rows`, shape (n, features): shape (n, forests).

        Exactly the sums that scikit-learn would come to, before the inverse of a link.
        """
        if rows.ndim != 2 or rows.shape[1] != self._features:  # noqa: PLR2004
            raise ValueError(
                f"rows have shape {rows.shape}; the trees know {self._features} values"
            )
        said = np.empty((len(rows), len(self._forests)))
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            self._say(rows[begin : begin + _ROWS_AT_ONCE], said[begin : begin + _ROWS_AT_ONCE])
        return said

    def _say(self, rows: NDArray[np.floating[Any]], said: NDArray[np.float64]) -> None:
        place = np.empty((self._features, len(rows)), dtype=np.intp)
        for column, edges in enumerate(self._edges):
            values = rows[:, column]
            if edges.size:
                place[column] = edges.searchsorted(values.astype(np.float64))
                place[column][np.isnan(values)] = edges.size + 1
        left, looked_up = (np.empty(len(rows), dtype=self._word) for _ in range(2))
        gained = np.empty(len(rows))
        sequence, shift = (self._word(number) for number in _DE_BRUIJN[self._bits])
        for number, trees in enumerate(self._forests):
            total = np.full(len(rows), self._baselines[number])
            for tables, values in trees:
                if not tables:
                    total += values[0]
                    continue
                column, table = tables[0]
                table.take(place[column], out=left, mode="clip")
                for column, table in tables[1:]:
                    table.take(place[column], out=looked_up, mode="clip")
                    np.bitwise_and(left, looked_up, out=left)
                np.negative(left, out=looked_up)
                np.bitwise_and(left, looked_up, out=left)
                np.multiply(left, sequence, out=left)
                np.right_shift(left, shift, out=left)
                values.take(left.astype(np.intp), out=gained, mode="clip")
                total += gained
            said[:, number] = total

    def _ready(self, forest: Forest, begin: int, end: int) -> _Tree:
        """What each feature's places rule out in one tree, and its leaves' values by their bit."""
        feature, left, right = (
            part[begin:end].tolist() for part in (forest.feature, forest.left, forest.right)
        )
        below, values = _leaves(feature, left, right, forest.value[begin:end])
        every = (1 << self._bits) - 1
        tables: dict[int, NDArray[Any]] = {}
        for node, column in enumerate(feature):
            if column == _NONE:
                continue
            edges = self._edges[column]
            table = tables.get(column)
            if table is None:
                table = tables[column] = np.full(edges.size + 2, every, dtype=self._word)
            kept = self._word(every & ~below[left[node]])
            at = int(edges.searchsorted(forest.threshold[begin + node]))
            table[at + 1 : edges.size + 1] &= kept
            if not forest.missing_left[begin + node]:
                table[edges.size + 1] &= kept
        if not tables:
            return [], np.array(values)
        sequence, shift = _DE_BRUIJN[self._bits]
        by_product = np.zeros(self._bits)
        for bit, value in enumerate(values):
            by_product[((sequence << bit) & every) >> shift] = value
        return list(tables.items()), by_product


_Tree = tuple[list[tuple[int, "NDArray[Any]"]], "NDArray[np.float64]"]


def _leaves(
    feature: list[int], left: list[int], right: list[int], value: NDArray[np.float64]
) -> tuple[list[int], list[float]]:
    """The leaves below each node as bits, and their values, leftmost first."""
    order: list[int] = []
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if feature[node] == _NONE:
            order.append(node)
        else:
            waiting += (right[node], left[node])
    below = [0] * len(feature)
    for bit, node in enumerate(order):
        below[node] = 1 << bit
    # Whatever is below a node comes after it.
    for node in range(len(feature) - 1, -1, -1):
        if feature[node] != _NONE:
            below[node] = below[left[node]] | below[right[node]]
    return below, [float(value[node]) for node in order]


def _most_leaves(forest: Forest) -> int:
    is_leaf = np.concatenate([[0], np.cumsum(forest.feature == _NONE)])
    return int(np.diff(is_leaf[forest.first]).max(initial=0))


def _check(forest: Forest, features: int) -> None:
    nodes = forest.feature.size
    per_node = (forest.threshold, forest.missing_left, forest.left, forest.right, forest.value)
    if not 0 < nodes <= _MOST_NODES or any(part.shape != (nodes,) for part in per_node):
        raise ModelFileError("its trees are not of one length")
    first = forest.first.astype(np.int64)
    if first.size < 2 or first[0] != 0 or first[-1] != nodes or (np.diff(first) < 1).any():  # noqa: PLR2004
        raise ModelFileError("its trees do not begin where they are said to")
    if forest.baseline.shape != (1,) or not np.isfinite(forest.baseline).all():
        raise ModelFileError("its trees add to no number")
    inner = forest.feature != _NONE
    if (forest.feature < _NONE).any() or (forest.feature >= features).any():
        raise ModelFileError(f"its trees ask for a value that is none of the {features}")
    if np.isnan(forest.threshold).any() or not np.isfinite(forest.value).all():
        raise ModelFileError("its trees hold what is no number")
    tree = np.repeat(np.arange(first.size - 1), np.diff(first))
    node = np.arange(nodes) - first[tree]
    length = np.diff(first)[tree]
    for child in (forest.left, forest.right):
        if ((child <= node) | (child >= length))[inner].any():
            raise ModelFileError("a branch of its trees leads out of the tree or back")
    children = np.concatenate(
        [(forest.left + first[tree])[inner], (forest.right + first[tree])[inner]]
    )
    met = np.bincount(children, minlength=nodes)
    met[first[:-1]] += 1
    if (met != 1).any():
        raise ModelFileError("a node of its trees is reached by no way, or by two")
    if _most_leaves(forest) > MOST_LEAVES:
        raise ModelFileError(f"a tree of it has more than {MOST_LEAVES} leaves")
