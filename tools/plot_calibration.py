"""Draw the simulator's distributions over the real ones, and write their distances into the page.

    SECTORWATCH_REAL_DATA=... python tools/plot_calibration.py

writes `docs/images/simulator-calibration.png` and the tables of `docs/simulator-calibration.md`.
The seed is another than the test's.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.lines
import numpy as np
from calibration import BOUND, distances, fingerprint, noise_floor, real_profile, simulated_profile
from feed_profile import CLASSES, QUANTITIES, STAGES

from sectorwatch.simulator import Behaviour

if TYPE_CHECKING:
    from distributions import Sample
    from feed_profile import Profile
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "simulator-calibration.md"
PLOT = ROOT / "docs" / "images" / "simulator-calibration.png"
SEED = 7
REAL, MADE, BAD = "#3b4252", "#d08700", "#b3261e"
POINTS = 120
HOURS = (-5.0, 5.0)
# Quantity: what stands at its axis, what a unit is divided by, the axis's ends.
AXES: dict[str, tuple[str, float, tuple[float, float]]] = {
    "altitude": ("Altitude, 1,000 ft", 1_000.0, (-1, 45)),
    "groundspeed": ("Groundspeed, kt", 1.0, (0, 650)),
    "stage": ("Stage of flight", 1.0, (-0.5, 4.5)),
    "completeness": ("Fields of the plan", 1.0, (4, 12.5)),
    "prefile_lead": ("Prefile's lead, h", 60.0, HOURS),
    "overdue": ("Departure overdue, h", 60.0, HOURS),
}


def draw(real: Profile, made: Profile, apart: dict[tuple[str, int], float], path: Path) -> None:
    """Small multiples: a row a quantity, a column a class, two cumulative lines in each."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - after the settings below

    mpl.rcParams.update({
        "font.family": "sans-serif", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
        "axes.edgecolor": "#9aa0a6", "xtick.color": "#5f6368", "ytick.color": "#5f6368",
    })  # fmt: skip
    figure = Figure(figsize=(15, 13.5), layout="constrained")
    panels = figure.subplots(len(QUANTITIES), len(CLASSES), sharey=True)
    for row, (quantity, (label, unit, ends)) in enumerate(AXES.items()):
        for number, name in enumerate(CLASSES):
            panel: Axes = panels[row, number]
            for profile, colour, width in ((real, REAL, 2.4), (made, MADE, 1.4)):
                _line(panel, profile.sample(quantity, number), unit, colour, width)
            value = apart[quantity, number]
            panel.text(
                0.03, 0.86, f"{value:.3f}", transform=panel.transAxes, ha="left",
                color=BAD if value > BOUND else REAL,
                fontweight="bold" if value > BOUND else "normal",
            )  # fmt: skip
            panel.set_xlim(*ends)
            panel.set_ylim(0, 1)
            panel.set_yticks([0, 0.5, 1], ["0", "½", "1"])
            panel.grid(visible=True, color="#e8eaed", linewidth=0.8)
            panel.set_axisbelow(True)
            if row == 0:
                panel.set_title(f"{name} NM", fontsize=11, color=REAL)
            if ends == HOURS:
                panel.set_xticks([-4, -2, 0, 2, 4])
            if quantity == "stage":
                panel.set_xticks(range(len(STAGES)), ["gate", "climb", "cruise", "desc.", "arr."])
            if number == 0:
                panel.set_ylabel(label, fontsize=11, color=REAL)
    figure.legend(
        handles=[
            mpl.lines.Line2D([], [], color=REAL, lw=2.4, label="real feeds"),
            mpl.lines.Line2D([], [], color=MADE, lw=1.4, label="simulated"),
        ],
        loc="outside lower center", ncols=2, frameon=False, fontsize=11,
    )  # fmt: skip
    figure.suptitle(
        "Share of flights up to a value, by filed distance; in each panel how far the two lines "
        f"are apart at most (bound {BOUND:.2f})",
        fontsize=12, color=REAL,
    )  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Software": None}, dpi=90)


def _line(panel: Axes, sample: Sample, unit: float, colour: str, width: float) -> None:
    values = np.unique(sample.values)
    if len(values) > POINTS:
        values = np.unique(sample.quantiles(np.linspace(0, 1, POINTS + 1)))
    order = np.argsort(sample.values)
    summed = np.concatenate(([0.0], np.cumsum(sample.weights[order])))
    share = summed[np.searchsorted(sample.values[order], values, side="right")] / summed[-1]
    at = np.concatenate(([values[0]], values, [1e6])) / unit
    heights = np.concatenate(([0.0], share, [1.0]))
    panel.plot(at, heights, color=colour, linewidth=width, drawstyle="steps-post")


def table(values: dict[tuple[str, int], float]) -> str:
    """The distances as a table in Markdown; those over the bound in bold."""
    lines = ["| | " + " | ".join(f"{name} NM" for name in CLASSES) + " |"]
    lines.append("|---" * (len(CLASSES) + 1) + "|")
    for quantity in QUANTITIES:
        row = [values[quantity, number] for number in range(len(CLASSES))]
        cells = [f"**{v:.3f}**" if v > BOUND else f"{v:.3f}" for v in row]
        lines.append(f"| {quantity.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _further(real: Profile, made: Profile) -> str:
    """Figures that are told and not held to anything, as a table in Markdown."""
    other = made.further()
    rows = [
        f"| {name} | {value:.3g} | {other[name]:.3g} |" for name, value in real.further().items()
    ]
    return "\n".join(
        ["| a share, where no unit is said | real | simulated |", "|---|---:|---:|", *rows]
    )


def main() -> None:
    """Measure, draw, and write the tables between their marks in the page."""
    data = os.environ.get("SECTORWATCH_REAL_DATA", "")
    if not Path(data).is_dir() or not data:
        sys.exit("SECTORWATCH_REAL_DATA names no folder with the real feeds")
    real = real_profile(Path(data))
    made = simulated_profile(Path(data), seed=SEED)
    apart = distances(real, made)
    draw(real, made, apart, PLOT)
    text = PAGE.read_text()
    quiet = simulated_profile(Path(data), seed=SEED, behaviour=Behaviour.none())
    said = {
        "fingerprint": f"The behaviour described here is `{fingerprint()}`.",
        "distances": table(apart),
        "without habits": table(distances(real, quiet)),
        "noise": table(noise_floor(real)),
        "further": _further(real, made),
    }
    for name, words in said.items():
        mark, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        text = re.sub(f"(?s){mark}.*?{end}", f"{mark}{words}\n{end}", text)
    PAGE.write_text(text)
    sys.stdout.write(table(apart) + "\n")


if __name__ == "__main__":
    main()
