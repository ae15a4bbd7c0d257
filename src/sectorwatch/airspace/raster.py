"""Polygons laid on a grid: which cells are wholly inside, and through which an edge passes.

Cells are half-open as polygons are: a cell holds its western and southern border. A flat cell
number is row * columns + column, from the south and from the west.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sectorwatch.airspace.edges import Edges, Pieces, expand

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Grid", "Looks", "looks", "raster"]

Cells = NDArray[np.int64]
Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

_WEST_OF_ALL = -1000.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells, `per_degree` (a power of two) a degree each way, with an empty rim around them.

    The rim is what makes a look outside the grid safe: whatever is further out is taken for it.
    `south` and `west` are the rim's row and column, counted from 0 N 0 E.
    """

    per_degree: int
    south: int
    west: int
    rows: int
    columns: int

    @classmethod
    def around(
        cls, bounds: tuple[float, float, float, float], most_cells: int, finest: int = 8
    ) -> Grid:
        """The finest grid, up to `finest` a degree, that covers (west, south, east, north).

        It has at most `most_cells` cells where that can be had with one cell a degree.
        """
        per_degree = finest
        while True:
            west, south, east, north = (value * per_degree for value in bounds)
            first_row, first_column = math.floor(south) - 1, math.floor(west) - 1
            rows = math.ceil(north) - first_row + 1
            columns = math.ceil(east) - first_column + 1
            if per_degree == 1 or rows * columns <= most_cells:
                return cls(per_degree, first_row, first_column, rows, columns)
            per_degree //= 2

    def cell_of(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """(row, column) of points, whole numbers of the grid, those outside moved to its rim.

        A coordinate times a power of two is exact, so no point is taken for one beside it.
        """
        row = np.floor(lat * self.per_degree)
        row -= self.south
        column = np.floor(lon * self.per_degree)
        column -= self.west
        np.clip(row, 0, self.rows - 1, out=row)
        np.clip(column, 0, self.columns - 1, out=column)
        return row, column

    def flat(self, row: NDArray[np.integer], column: NDArray[np.integer]) -> Cells:
        """Flat cell numbers of rows and columns that count from 0 N 0 E."""
        flat = row.astype(np.int64) - self.south
        flat *= self.columns
        flat += column - self.west
        return flat

    def row_and_column(self, flat: Cells) -> tuple[Ints, Ints]:
        """(row, column), counted from 0 N 0 E, of flat cell numbers."""
        row, column = np.divmod(flat, self.columns)
        return (row + self.south).astype(np.int32), (column + self.west).astype(np.int32)


def raster(
    edges: Edges, pieces: Pieces, grid: Grid, n_polygons: int
) -> Iterator[tuple[Cells, Cells]]:
    """For each polygon the flat numbers of (cells wholly inside, cells an edge passes through)."""
    owner = edges.owner[pieces.edge].astype(np.int64)
    piece, step = expand(pieces.last - pieces.first + 1)
    size = grid.rows * grid.columns
    cell = grid.flat(pieces.row[piece], pieces.first[piece] + step)
    passed = np.unique(owner[piece] * size + cell)
    # What a ray along the middle of a row crosses says which cells of the row are inside.
    middle = (pieces.row + 0.5) / grid.per_degree
    crossed = (edges.y1[pieces.edge] <= middle) & (middle < edges.y2[pieces.edge])
    row, last, owner = pieces.row[crossed], pieces.last[crossed], owner[crossed]
    polygons = np.arange(n_polygons + 1)
    passed_at = np.searchsorted(passed, polygons * size)
    crossed_at = np.searchsorted(owner, polygons)
    for polygon in range(n_polygons):
        border = passed[passed_at[polygon] : passed_at[polygon + 1]] - polygon * size
        mine = slice(crossed_at[polygon], crossed_at[polygon + 1])
        yield _inside(row[mine], last[mine], border, grid), border


def _inside(row: Ints, last: Ints, border: Cells, grid: Grid) -> Cells:
    """The cells of one polygon that are wholly inside it.

    In a cell that no edge passes one point answers for all: how many crossings lie to the west.
    """
    if not len(row):
        return np.empty(0, dtype=np.int64)
    first_row, first_column = int(row.min()), int(last.min()) + 1
    height, width = int(row.max()) - first_row + 1, int(last.max()) + 2 - first_column
    place = (row - first_row).astype(np.int64) * width + (last + 1 - first_column)
    crossings = np.bincount(place, minlength=height * width).reshape(height, width)
    odd_row, odd_column = np.nonzero(crossings.cumsum(axis=1) & 1)
    cells = grid.flat(odd_row + first_row, odd_column + first_column)
    return cells[~np.isin(cells, border, assume_unique=True)]


@dataclass(frozen=True, slots=True)
class Looks:
    """What a closer look at a polygon in a cell has to count, for n of them.

    A point is inside where `odd` plus the number of edges that its ray crosses, out of
    `edge[first[i]:first[i + 1]]`, is odd.
    """

    odd: NDArray[np.bool_]
    first: Ints
    edge: Ints
    """Rows of `edges`, those of look 0 first."""
    edges: Floats
    """(x1, y1, y2, slope) of the polygons' own edges, then of made ones."""


def looks(edges: Edges, pieces: Pieces, polygon: Ints, cell: Cells, grid: Grid) -> Looks:
    """The closer look at each of the given (polygon, cell) pairs, both of shape (n,).

    Of the edges in the cell's row those east of it never count. Those west of it count for every
    point whose latitude they span, so a chain of them shrinks to "odd or not" and, where it ends
    beside the cell, to a latitude at which that turns: a made edge from there up without end.
    """
    n = len(polygon)
    rising = np.flatnonzero(edges.y1[pieces.edge] != edges.y2[pieces.edge])
    row, column = grid.row_and_column(cell)
    place = edges.owner[pieces.edge[rising]].astype(np.int64) * grid.rows
    place += pieces.row[rising] - grid.south
    order = np.argsort(place, kind="stable")
    by_place, place = rising[order], place[order]
    wanted = polygon.astype(np.int64) * grid.rows + (row - grid.south)
    start = np.searchsorted(place, wanted, side="left")
    count = np.searchsorted(place, wanted, side="right") - start
    look, which = expand(count)
    piece = by_place[start[look] + which]
    west = pieces.last[piece] < column[look]
    within = ~west & (pieces.first[piece] <= column[look])

    odd, turning, turns_at = _west(edges, pieces, piece[west], look[west], n, grid)
    made = np.zeros((len(turns_at), 4))
    made[:, 0], made[:, 1], made[:, 2] = _WEST_OF_ALL, turns_at, np.inf
    owner = np.concatenate((look[within], turning))
    edge = np.concatenate((pieces.edge[piece[within]], len(edges.owner) + np.arange(len(made))))
    order = np.argsort(owner, kind="stable")
    return Looks(
        odd=odd,
        first=np.searchsorted(owner[order], np.arange(n + 1)).astype(np.int32),
        edge=edge[order].astype(np.int32),
        edges=np.vstack((np.column_stack((edges.x1, edges.y1, edges.y2, edges.slope)), made)),
    )


def _west(
    edges: Edges, pieces: Pieces, piece: NDArray[np.intp], look: Ints, n: int, grid: Grid
) -> tuple[NDArray[np.bool_], Ints, Floats]:
    """(is it odd at the row's southern border; which looks turn, and at which latitude)."""
    row = pieces.row[piece]
    y1, y2 = edges.y1[pieces.edge[piece]], edges.y2[pieces.edge[piece]]
    from_south = y1 <= row / grid.per_degree
    to_north = y2 >= (row + 1) / grid.per_degree
    odd = (np.bincount(look[from_south], minlength=n) & 1).astype(np.bool_)
    turning = np.concatenate((look[~from_south], look[~to_north]))
    turns_at = np.concatenate((y1[~from_south], y2[~to_north]))
    # Where two edges of a chain meet it turns twice, which is not at all.
    order = np.lexsort((turns_at, turning))
    turning, turns_at = turning[order], turns_at[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (turning[1:] != turning[:-1]) | (turns_at[1:] != turns_at[:-1])
    starts = np.flatnonzero(new)
    odd_starts = starts[np.diff(np.append(starts, len(order))) % 2 == 1]
    return odd, turning[odd_starts], turns_at[odd_starts]
