"""A back-test as a picture: error by lead, reliability, and coverage round the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sectorwatch.forecast.horizon import HORIZONS_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["write_plot"]

# Colours that those who confuse red and green tell apart (Okabe and Ito, 2008).
_STYLES: dict[str, dict[str, Any]] = {
    "model": {"color": "#0072B2", "linewidth": 2.6, "zorder": 5},
    "history_boosting": {"color": "#E69F00", "linewidth": 1.6},
    "without_history": {"color": "#009E73", "linewidth": 1.6},
    "plan": {"color": "#7A5195", "linewidth": 1.4, "linestyle": ":"},
    "hour_of_week": {"color": "#CC79A7", "linewidth": 1.4},
    "auto_ets": {"color": "#D55E00", "linewidth": 1.4},
    "weekly_naive": {"color": "#333333", "linewidth": 1.2},
    "weekly_naive_utc": {"color": "#999999", "linewidth": 1.2, "linestyle": "--"},
    "persistence": {"color": "#56B4E9", "linewidth": 1.2},
}
_PLAIN: dict[str, Any] = {"color": "#777777", "linewidth": 1.2}
_HIGHEST_RATIO = 1.6
_HOUR_S = 3_600
_LAST_H = HORIZONS_S[-1] / _HOUR_S
_ENOUGH_ROOM = 0.06


def write_plot(path: Path, answer: Mapping[str, Any]) -> None:
    """Write the figures of a back-test as a picture, PNG or whatever the ending says.

    A row a set of sectors: the error of each method relative to last week's bin, by lead; how often
    the truth lay below each level that was promised; the share that the 80 % interval held, by
    the time of day. A method has one colour in all of them, and its name beside its line. Raises
    ImportError where matplotlib is not there.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415 - as above

    sets = [each for each in answer["sets"] if each["methods"]]
    height = 1.4 + 4.3 * len(sets)
    layout = ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.1)
    figure = Figure(figsize=(17, height), dpi=110, layout=layout)
    axes = figure.subplots(len(sets), 3, squeeze=False, width_ratios=[1.5, 1, 1])
    for row, each in zip(axes, sets, strict=True):
        _errors(row[0], each)
        _reliability(row[1], each)
        _coverage(row[2], each)
    figure.suptitle(
        f"Back-test {answer['from'][:10]} to {answer['to'][:10]}: {answer['moments']:,} moments, "
        f"local time {answer['time_zone']}",
        fontsize=15,
        fontweight="bold",
    )
    figure.savefig(path)


def _errors(axes: Any, each: Mapping[str, Any]) -> None:
    axes.axhline(1.0, color="#333333", linewidth=0.8)
    ends: list[tuple[float, str, str]] = []
    highest = 1.1
    for method in each["methods"]:
        points = [
            (
                row["lead_s"] / _HOUR_S,
                row["ratio_to_weekly_naive"],
                row["ratio_low"],
                row["ratio_high"],
            )
            for row in method["leads"]
            if row["ratio_to_weekly_naive"] is not None
        ]
        if not points:
            continue
        style = _STYLES.get(method["method"], _PLAIN)
        hours, ratios, low, high = zip(*points, strict=True)
        axes.plot(hours, ratios, **style)
        if method["method"] == "model":
            _tell_of_model(axes, points, style["color"])
            if None not in (*low, *high):
                axes.fill_between(hours, low, high, color=style["color"], alpha=0.15, linewidth=0)
        shown = [ratio for ratio in ratios if ratio <= _HIGHEST_RATIO]
        highest = max([highest, *shown])
        ends.append((ratios[-1], f"{method['label']} ({ratios[-1]:.2f})", style["color"]))
    top = min(highest * 1.06, _HIGHEST_RATIO)
    _name(axes, ends, 0.0, top)
    axes.set(
        xlim=(0, 4),
        ylim=(0, top),
        xlabel="hours ahead",
        ylabel="mean error, where last week's is 1",
    )
    axes.set_title(
        f"{each['name']}: {each['sectors']} sectors, {each['mean_demand']:.1f} aircraft on average"
        "\nHow far off? Lower is better",
        fontsize=12,
    )
    axes.grid(visible=True, alpha=0.25)


def _tell_of_model(axes: Any, points: Sequence[tuple[float, ...]], colour: str) -> None:
    """Its figures at the horizons that are spoken of."""
    for hours, ratio, *_ in points:
        if hours * _HOUR_S in HORIZONS_S:
            axes.plot([hours], [ratio], marker="o", markersize=6, color=colour, zorder=6)
            at = (-22, -17) if hours >= _LAST_H else (0, -17)
            _write(axes, f"{ratio:.2f}", (hours, ratio), at, colour)


def _write(
    axes: Any, text: str, point: tuple[float, float], at: tuple[float, float], colour: str
) -> None:
    """A figure beside a point, legible on any line."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415 - as in `write_plot`

    axes.annotate(
        text,
        point,
        at,
        textcoords="offset points",
        color=colour,
        fontsize=11,
        fontweight="bold",
        ha="center",
        path_effects=[withStroke(linewidth=3, foreground="white")],
        zorder=7,
    )


def _name(axes: Any, ends: Sequence[tuple[float, str, str]], low: float, top: float) -> None:
    """Write each line's name where it ends: no legend to look up, and none in the way."""
    right = axes.get_yaxis_transform()
    for at, label, colour in _spread(ends, low, top):
        axes.annotate(
            label,
            (1.015, at),
            xycoords=right,
            color=colour,
            fontsize=10,
            va="center",
            annotation_clip=False,
        )


def _spread(
    ends: Sequence[tuple[float, str, str]], low: float, top: float
) -> list[tuple[float, str, str]]:
    """Where labels stand: as near to their lines' ends as they can without overlapping."""
    placed: list[tuple[float, str, str]] = []
    room = (top - low) * _ENOUGH_ROOM
    for at, label, colour in sorted(ends):
        lowest = placed[-1][0] + room if placed else low
        placed.append((max(min(at, top), lowest), label, colour))
    # Too high up: down again from the top, each below the one above it.
    limit, lowered = top, []
    for at, label, colour in reversed(placed):
        lowered.append((min(at, limit), label, colour))
        limit = min(at, limit) - room
    return lowered[::-1]


def _reliability(axes: Any, each: Mapping[str, Any]) -> None:
    levels = [10 * level for level in range(11)]
    axes.plot([0, 100], [0, 100], color="#333333", linewidth=0.8)
    shown = 0
    for method in each["methods"]:
        shares = [
            row["pit_histogram"]
            for row in method["leads"]
            if row["lead_s"] in HORIZONS_S and row["pit_histogram"] is not None
        ]
        if not shares:
            continue
        shown += 1
        mean = [sum(column) / len(shares) for column in zip(*shares, strict=True)]
        reached = [100 * sum(mean[:number]) for number in range(11)]
        style = _STYLES.get(method["method"], _PLAIN)
        axes.plot(levels, reached, marker="o", markersize=3, **style)
    axes.set(
        xlim=(0, 100),
        ylim=(0, 100),
        aspect="equal",
        xlabel="promised: it will be below this with ... %",
        ylabel="it was below, %",
    )
    axes.set_title(
        "Do the probabilities hold?\nOn the diagonal they do (1, 2 and 4 h)", fontsize=12
    )
    axes.grid(visible=True, alpha=0.25)
    if not shown:
        _say_none(axes)


def _coverage(axes: Any, each: Mapping[str, Any]) -> None:
    axes.axhspan(75, 85, color="#009E73", alpha=0.12, linewidth=0)
    axes.axhline(80, color="#333333", linewidth=0.8)
    blocks: list[str] = []
    ends: list[tuple[float, str, str]] = []
    for method in each["methods"]:
        if not method["coverage_by_block"]:
            continue
        rows = method["coverage_by_block"]
        blocks = [row["local_time"][:2] + "-" + row["local_time"][6:8] for row in rows]
        held = [
            float("nan") if row["coverage_80"] is None else 100 * row["coverage_80"] for row in rows
        ]
        style = _STYLES.get(method["method"], _PLAIN)
        is_model = method["method"] == "model"
        axes.plot(range(len(held)), held, marker="o", markersize=7 if is_model else 4, **style)
        if is_model:
            for block, share in enumerate(held):
                if share == share:  # noqa: PLR0124 - what is no number is not written
                    _write(axes, f"{share:.0f}", (block, share), (0, 10), style["color"])
        known = [share for share in held if share == share]  # noqa: PLR0124 - as above
        if known:
            ends.append((known[-1], method["label"], style["color"]))
    _name(axes, ends, 0.0, 100.0)
    axes.set_xticks(range(len(blocks)), blocks)
    axes.set(
        ylim=(0, 100),
        xlim=(-0.4, max(len(blocks) - 0.6, 0.6)),
        xlabel="local time of day, hours",
        ylabel="truths that the 80 % interval held, %",
    )
    axes.set_title(
        "Do the intervals hold, day and night?\n80 is promised (1, 2 and 4 h)", fontsize=12
    )
    axes.grid(visible=True, axis="y", alpha=0.25)
    if not ends:
        _say_none(axes)


def _say_none(axes: Any) -> None:
    axes.text(
        0.5, 0.5, "no method gave intervals", transform=axes.transAxes, ha="center", color="#777777"
    )
