from __future__ import annotations

import numpy as np

from sectorwatch.airspace.paint import Canvas


def cells(*numbers: int) -> np.ndarray:
    """Cell numbers as the canvas takes them."""
    return np.array(numbers, dtype=np.int64)


def test_a_blank_canvas_has_no_sector_anywhere() -> None:
    """Nothing painted is profile 0, which has no sector at any level."""
    painted = Canvas(4, 3).finish()
    assert painted.code.tolist() == [0, 0, 0, 0]
    assert painted.profiles.tolist() == [[-1, -1, -1]]
    assert painted.volume.size == painted.cell.size == painted.under.size == 0


def test_same_stacks_share_a_profile() -> None:
    """Cells in which the same was painted share a code; what covers all levels wins alone."""
    canvas = Canvas(5, 2)
    canvas.fill(cells(0, 1, 2), volume=0, sector=7, low=0, high=1)
    canvas.fill(cells(1, 2, 3), volume=1, sector=8, low=1, high=2)
    canvas.fill(cells(2), volume=2, sector=9, low=0, high=2)
    canvas.fill(cells(4), volume=3, sector=7, low=0, high=1)
    painted = canvas.finish()
    assert painted.profiles[painted.code].tolist() == [[7, -1], [7, 8], [9, 9], [-1, 8], [7, -1]]
    assert painted.code[0] == painted.code[4]


def test_a_look_goes_on_to_what_was_painted_before() -> None:
    """Where an edge passes the look says which volume, and what lies under it."""
    canvas = Canvas(2, 1)
    canvas.fill(cells(0), volume=0, sector=5, low=0, high=1)
    canvas.touch(cells(0, 1), volume=1)
    painted = canvas.finish()
    looks = ~painted.code
    assert painted.volume[looks].tolist() == [1, 1]
    assert painted.cell[looks].tolist() == [0, 1]
    assert painted.profiles[painted.under[looks]].tolist() == [[5], [-1]]


def test_what_is_painted_over_is_forgotten() -> None:
    """Looks that no cell leads to any more are not kept."""
    canvas = Canvas(2, 1)
    canvas.touch(cells(0, 1), volume=0)
    canvas.fill(cells(0), volume=1, sector=1, low=0, high=1)
    painted = canvas.finish()
    assert painted.volume.tolist() == [0]
    assert painted.code[1] == ~0


def test_a_covering_volume_over_a_look_minds_levels_alone() -> None:
    """A volume that covers a cell in which an edge of another passes is a look without a cell."""
    canvas = Canvas(1, 2)
    canvas.touch(cells(0), volume=0)
    canvas.fill(cells(0), volume=1, sector=1, low=0, high=1)
    painted = canvas.finish()
    top = ~painted.code[0]
    assert (painted.volume[top], painted.cell[top]) == (1, -1)
    assert painted.volume[~painted.under[top]] == 0
