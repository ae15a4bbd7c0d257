from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from sectorwatch.airspace.edges import pieces_of, polygon_edges, sound
from sectorwatch.airspace.raster import Grid, raster

Cells = set[tuple[int, int]]


def cells_of(polygon: Polygon, per_degree: int = 4) -> tuple[Cells, Cells]:
    """(row, column) of the cells wholly inside, and of those an edge passes through."""
    edges = polygon_edges(sound([polygon]))
    grid = Grid.around(edges.bounds, 10**9, finest=per_degree)
    ((inside, border),) = raster(edges, pieces_of(edges, per_degree), grid, 1)
    row, column = grid.row_and_column(inside)
    border_row, border_column = grid.row_and_column(border)
    return (
        set(zip(row.tolist(), column.tolist(), strict=True)),
        set(zip(border_row.tolist(), border_column.tolist(), strict=True)),
    )


def test_a_box_on_the_borders_of_cells_needs_no_closer_look() -> None:
    """Edges along the borders of half-open cells pass through none of them."""
    inside, border = cells_of(box(0, 0, 1, 0.5))
    assert inside == {(row, column) for row in range(2) for column in range(4)}
    assert border == set()


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=3, max_size=7),
    st.sampled_from([1, 2, 4]),
)
def test_cells_are_inside_where_shapely_says_so(
    corners: list[tuple[float, float]], per_degree: int
) -> None:
    """A cell wholly inside is covered, one that no edge passes is covered or touched at most."""
    polygon = Polygon(corners)
    if not polygon.is_valid:
        return
    inside, border = cells_of(polygon, per_degree)
    assert not inside & border
    for row in range(-1, 3 * per_degree + 1):
        for column in range(-1, 3 * per_degree + 1):
            west, south = column / per_degree, row / per_degree
            cell = box(west, south, west + 1 / per_degree, south + 1 / per_degree)
            shared = polygon.intersection(cell).area * per_degree**2
            if (row, column) in inside:
                assert shared == pytest.approx(1)
            elif (row, column) not in border:
                assert shared == pytest.approx(0)


def test_a_grid_is_as_fine_as_it_may_be() -> None:
    """The grid halves its cells a degree until it has no more cells than allowed, or one."""
    whole = (-180.0, -90.0, 180.0, 90.0)
    assert Grid.around(whole, 1_100_000).per_degree == 4
    assert Grid.around((0.0, 0.0, 10.0, 10.0), 1_100_000).per_degree == 8
    assert Grid.around(whole, 10).per_degree == 1


def test_points_outside_a_grid_are_on_its_rim() -> None:
    """Whatever lies outside is moved to the rim, and the rim is inside nothing."""
    grid = Grid.around((0.0, 0.0, 1.0, 1.0), 1_000, finest=1)
    assert (grid.rows, grid.columns) == (3, 3)
    row, column = grid.cell_of(np.array([-179.0, 0.5, 179.0]), np.array([-89.0, 0.5, 89.0]))
    assert row.tolist() == [0, 1, 2]
    assert column.tolist() == [0, 1, 2]


def test_flat_numbers_go_there_and_back() -> None:
    """A flat cell number is its row and column again."""
    grid = Grid.around((-3.0, -2.0, 4.0, 5.0), 1_000, finest=2)
    flat = np.arange(grid.rows * grid.columns)
    assert np.array_equal(grid.flat(*grid.row_and_column(flat)), flat)


def test_many_polygons_keep_their_own_cells() -> None:
    """Each polygon of many has the cells it has alone."""
    polygons = [box(0.1, 0.1, 2.1, 2.1), Polygon(), box(1.1, 1.1, 1.2, 1.2)]
    edges = polygon_edges(sound(polygons))
    grid = Grid.around(edges.bounds, 10**6, finest=4)
    found = list(raster(edges, pieces_of(edges, 4), grid, 3))
    assert [len(border) for _, border in found] == [32, 0, 1]
    assert [len(inside) for inside, _ in found] == [49, 0, 0]
    assert shapely.is_valid(polygons[0])
