from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from sectorwatch.airspace.edges import expand, pieces_of, polygon_edges, sound


def test_edges_point_up_whichever_way_a_ring_runs() -> None:
    """A shared edge is the same numbers in both polygons, and level ones point east."""
    polygons = sound([box(0, 0, 1, 1), box(1, 0, 2, 1, ccw=False)])
    edges = polygon_edges(polygons)
    rows = np.column_stack((edges.owner, edges.x1, edges.y1, edges.x2, edges.y2)).tolist()
    assert [0, 1, 0, 1, 1] in rows
    assert [1, 1, 0, 1, 1] in rows
    assert (edges.y1 <= edges.y2).all()
    assert (edges.x1 <= edges.x2)[edges.y1 == edges.y2].all()
    assert edges.bounds == (0.0, 0.0, 2.0, 1.0)


def test_edges_of_no_length_are_left_out() -> None:
    """A corner that stands twice makes no edge, and no polygons have no edges."""
    edges = polygon_edges(sound([Polygon([(0, 0), (0, 0), (2, 0), (2, 2), (2, 2)])]))
    assert len(edges.owner) == 3
    assert polygon_edges(sound([])).bounds == (0.0, 0.0, 0.0, 0.0)


def test_a_slope_that_overflows_is_none() -> None:
    """An edge that rises by next to nothing over a long way is taken for level."""
    edges = polygon_edges(sound([Polygon([(0, 0), (90, 5e-324), (90, 1)])]))
    assert np.isfinite(edges.slope).all()


def test_what_crosses_itself_is_made_sound() -> None:
    """Repaired polygons are valid and flat; sound ones are the very same."""
    square = box(0, 0, 1, 1)
    bow_tie = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    spiked = Polygon([(0, 0), (2, 0), (2, 2), (2, 5), (2, 2), (0, 2)])
    shapes = sound([square, bow_tie, spiked])
    assert shapes[0] is square
    assert shapely.is_valid(shapes).all()
    assert isinstance(shapes[1], MultiPolygon)
    assert shapes[2].area == 4.0
    assert shapes[2].geom_type == "Polygon"


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=3, max_size=8, unique=True),
    st.sampled_from([1, 2, 4, 8]),
)
def test_pieces_hold_every_point_of_their_edges(
    corners: list[tuple[float, float]], per_degree: int
) -> None:
    """The cell of any point within an edge is one that a piece of the edge passes through."""
    edges = polygon_edges(np.array([shapely.Polygon(corners)], dtype=object))
    pieces = pieces_of(edges, per_degree)
    rng = np.random.default_rng(1)
    part = rng.uniform(0, 1, (20, 1))
    lon = edges.x1 + part * (edges.x2 - edges.x1)
    lat = edges.y1 + part * (edges.y2 - edges.y1)
    for edge in range(len(edges.owner)):
        mine = pieces.edge == edge
        for x, y in zip(lon[:, edge] * per_degree, lat[:, edge] * per_degree, strict=True):
            if abs(x - round(x)) < 1e-6 or abs(y - round(y)) < 1e-6:
                continue  # on a border of cells, where it may be of either
            row, column = np.floor(y), np.floor(x)
            passes = (pieces.first <= column) & (column <= pieces.last) & (pieces.row == row)
            assert (passes & mine).any()


def test_expand_numbers_the_repeats() -> None:
    """Each index is repeated as often as said and its repeats are numbered from 0."""
    whose, which = expand(np.array([0, 3, 1]))
    assert whose.tolist() == [1, 1, 1, 2]
    assert which.tolist() == [0, 1, 2, 0]
    assert [part.size for part in expand(np.array([], dtype=int))] == [0, 0]
