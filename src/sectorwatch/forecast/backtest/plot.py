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
_ENOUGH_ROOM = 0.06
_MOST_BARS = 3


def write_plot(path: Path, answer: Mapping[str, Any]) -> None:
    """Write the figures of a back-test as a picture, PNG or whatever the ending says.

    A row a set of sectors: the error of each method relative to last week's bin, by lead; how often
    the truth lay below each level that was promised; the share that the 80 % interval held, by
    the time of day. Raises ImportError where matplotlib is not there.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import

    sets = [each for each in answer["sets"] if each["methods"]]
    height = 1.3 + 3.9 * len(sets)
    figure = Figure(figsize=(15, height), dpi=110, layout="constrained")
    axes = figure.subplots(len(sets), 3, squeeze=False, width_ratios=[1.5, 1, 1.1])
    for row, each in zip(axes, sets, strict=True):
        _errors(row[0], each)
        _reliability(row[1], each)
        _coverage(row[2], each)
    figure.suptitle(
        f"Back-test {answer['from'][:10]} to {answer['to'][:10]}: {answer['moments']:,} moments, "
        f"local time {answer['time_zone']}",
        fontsize=14,
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
        if method["method"] == "model" and None not in (*low, *high):
            axes.fill_between(hours, low, high, color=style["color"], alpha=0.15, linewidth=0)
        shown = [ratio for ratio in ratios if ratio <= _HIGHEST_RATIO]
        highest = max([highest, *shown])
        ends.append((ratios[-1], method["label"], style["color"]))
    top = min(highest * 1.06, _HIGHEST_RATIO)
    for at, label, colour in _spread(ends, top):
        axes.annotate(
            label, (4.06, at), color=colour, fontsize=9, va="center", annotation_clip=False
        )
    axes.set(
        xlim=(0, 4),
        ylim=(0, top),
        xlabel="lead, hours",
        ylabel="mean absolute error / last week's",
        title=f"{each['name']}: {each['sectors']} sectors, mean demand {each['mean_demand']:.1f}",
    )
    axes.grid(visible=True, alpha=0.25)


def _spread(ends: Sequence[tuple[float, str, str]], top: float) -> list[tuple[float, str, str]]:
    """Where labels stand: as near to their lines' ends as they can without overlapping."""
    placed: list[tuple[float, str, str]] = []
    room = top * _ENOUGH_ROOM
    for at, label, colour in sorted(ends):
        text = f"{label} ({at:.2f})"
        lowest = placed[-1][0] + room if placed else 0.0
        placed.append((max(min(at, top), lowest), text, colour))
    over = placed[-1][0] - top if placed else 0.0
    if over <= 0:
        return placed
    # Too high up: down again from the top, each below the one above it.
    limit, lowered = top, []
    for at, text, colour in reversed(placed):
        lowered.append((min(at, limit), text, colour))
        limit = min(at, limit) - room
    return lowered[::-1]


def _reliability(axes: Any, each: Mapping[str, Any]) -> None:
    levels = [level / 10 for level in range(11)]
    axes.plot([0, 1], [0, 1], color="#333333", linewidth=0.8)
    for method in each["methods"]:
        shares = [
            row["pit_histogram"]
            for row in method["leads"]
            if row["lead_s"] in HORIZONS_S and row["pit_histogram"] is not None
        ]
        if not shares:
            continue
        mean = [sum(column) / len(shares) for column in zip(*shares, strict=True)]
        reached = [sum(mean[:number]) for number in range(11)]
        style = _STYLES.get(method["method"], _PLAIN)
        axes.plot(levels, reached, marker="o", markersize=3, label=method["label"], **style)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
        xlabel="probability promised",
        ylabel="share of truths below",
        title="Reliability at 1, 2 and 4 h",
    )
    axes.grid(visible=True, alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="upper left")
    else:
        _say_none(axes)


def _coverage(axes: Any, each: Mapping[str, Any]) -> None:
    axes.axhspan(75, 85, color="#009E73", alpha=0.12, linewidth=0)
    axes.axhline(80, color="#333333", linewidth=0.8)
    shown = [method for method in each["methods"] if method["coverage_by_block"]]
    # More bars nobody reads.
    order = {name: place for place, name in enumerate(_STYLES)}
    shown.sort(key=lambda method: order.get(method["method"], len(order)))
    shown = shown[:_MOST_BARS]
    width = 0.8 / max(len(shown), 1)
    blocks: list[str] = []
    for number, method in enumerate(shown):
        blocks = [
            row["local_time"][:2] + "-" + row["local_time"][6:8]
            for row in method["coverage_by_block"]
        ]
        heights = [100 * (row["coverage_80"] or 0.0) for row in method["coverage_by_block"]]
        at = [block + (number - (len(shown) - 1) / 2) * width for block in range(len(blocks))]
        colour = _STYLES.get(method["method"], _PLAIN)["color"]
        bars = axes.bar(at, heights, width * 0.92, color=colour, label=method["label"])
        if method["method"] == "model":
            axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)
    axes.set_xticks(range(len(blocks)), blocks)
    axes.set(
        ylim=(40, 100),
        xlabel="local time of day, hours",
        ylabel="held by the 80 % interval, %",
        title="Coverage by time of day",
    )
    if shown:
        axes.legend(fontsize=8, loc="lower right", ncols=len(shown))
    else:
        _say_none(axes)


def _say_none(axes: Any) -> None:
    axes.text(
        0.5, 0.5, "no method gave intervals", transform=axes.transAxes, ha="center", color="#777777"
    )
