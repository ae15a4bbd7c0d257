"""The picture of a back-test."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.forecast.backtest.plot import _spread, write_plot
from sectorwatch.forecast.horizon import LEADS_S

if TYPE_CHECKING:
    from pathlib import Path


def figures(name: str, ratio: float | None, *, intervals: bool) -> dict[str, Any]:
    """A method's figures: its ratio grows with the lead."""
    rows = [
        {
            "lead_s": lead_s,
            "ratio_to_weekly_naive": None if ratio is None else ratio + 0.02 * number,
            "ratio_low": None if ratio is None else ratio - 0.05,
            "ratio_high": None if ratio is None else ratio + 0.4,
            "pit_histogram": [0.1] * 10 if intervals else None,
        }
        for number, lead_s in enumerate(LEADS_S)
    ]
    blocks = [
        {
            "local_time": f"{4 * n:02d}:00-{4 * n + 4:02d}:00",
            "coverage_80": None if n == 2 else 0.79,
        }
        for n in range(6)
    ]
    return {
        "method": name,
        "label": name.replace("_", " "),
        "leads": rows,
        "coverage_by_block": blocks if intervals else None,
    }


def answer(*methods: dict[str, Any]) -> dict[str, Any]:
    """A back-test of one set."""
    return {
        "from": "2001-03-15T05:00:00Z",
        "to": "2001-05-01T00:00:00Z",
        "time_zone": "America/New_York",
        "moments": 1_224,
        "sets": [
            {"name": "artcc:fir", "sectors": 20, "mean_demand": 58.5, "methods": list(methods)},
            {"name": "empty", "sectors": 1, "mean_demand": 0.0, "methods": []},
        ],
    }


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_every_method_is_drawn_and_named(tmp_path: Path, ending: str) -> None:
    """Ten lines end close to each other, one of them far above: all have their name beside them."""
    names = ["model", "plan", "without_history", "auto_ets", "weekly_naive", "something_new"]
    methods = [figures(name, 0.5 + 0.01 * n, intervals=n < 5) for n, name in enumerate(names)]
    methods += [
        figures("persistence", 4.0, intervals=False),
        figures("silent", None, intervals=False),
    ]
    path = tmp_path / f"backtest.{ending}"
    write_plot(path, answer(*methods))
    if ending == "svg":
        text = path.read_text()
        assert text.count('<g id="axes_') == 3
        return
    import matplotlib.image  # noqa: PLC0415 - an extra

    picture = matplotlib.image.imread(path)
    assert picture.shape[1] > 1_000
    assert picture.std() > 0.1


def test_without_intervals_that_is_said(tmp_path: Path) -> None:
    """Nothing to draw is no error."""
    path = tmp_path / "backtest.svg"
    write_plot(path, answer(figures("persistence", 4.0, intervals=False)))
    assert path.stat().st_size > 10_000


@given(st.lists(st.floats(-1, 9), min_size=1, max_size=12), st.sampled_from([1.6, 100.0]))
def test_names_beside_lines_never_overlap(ends: list[float], top: float) -> None:
    """Each stands apart from the next, in the order of the lines, none above the panel."""
    placed = _spread([(at, str(at), "#000000") for at in ends], 0.0, top)
    heights = [at for at, _, _ in placed]
    assert [float(label) for _, label, _ in placed] == sorted(ends)
    assert all(b - a >= 0.0599 * top for a, b in pairwise(heights))
    assert heights[-1] <= top
