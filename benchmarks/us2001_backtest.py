"""The back-test on us2001: learned until mid-March, then rolling to the end of April.

Over the months that `us2001_months.py` flies (SECTORWATCH_US2001 names the folder; flown where it is
missing, which takes over an hour). The 20 ARTCCs and the 331 high sectors apart, each bin counted,
empty ones too; models are trained anew every week of what had come true by then. Writes
`docs/images/us2001-backtest.png`.

Plans are visible as far ahead as on the network; beside it as they were flown, and each from 30 min
before its filed time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import _network
import us2001_months
from _steady import data

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.forecast.backtest import METHODS, Wanted, write_plot
from sectorwatch.forecast.backtest import run as backtest
from sectorwatch.forecast.horizon import HORIZONS_S
from sectorwatch.store import DataDirectory, Store

LONG = True
TRAIN_UNTIL = "2001-03-15T05:00:00Z"
# The schedule ends with April: nobody takes off after that, and what is forecast must have been.
END = "2001-04-30T19:45:00Z"
ZONE = "America/New_York"
REACH = {"artcc:fir": (0.53, 0.64, 0.71), "high:enroute": (0.53, 0.67, 0.74)}
HELD, HELD_APART, LEAST_MEAN = (0.78, 0.82), (0.75, 0.85), 5.0
PLOT = Path(__file__).resolve().parents[1] / "docs" / "images" / "us2001-backtest.png"
MAIN = "network"
# Another walk and another training each; an empty BACKTEST_BESIDE leaves them out.
BESIDE = tuple(os.environ.get("BACKTEST_BESIDE", "as-flown,30").replace(",", " ").split())
BESIDE_METHODS = ("model", "weekly_naive")


def folder() -> Path:
    """The months flown, flown first where they are not there."""
    found = Path(os.environ.get("SECTORWATCH_US2001", us2001_months.FOLDER))
    if not (found / "specs.json").exists():
        us2001_months.fly(found, _network.at_s(us2001_months.END))
    return found


def wanted(visibility: str, methods: tuple[str, ...]) -> Wanted:
    """The back-test that is asked for."""
    begin_s = _network.at_s(TRAIN_UNTIL)
    return Wanted(
        from_s=begin_s,
        to_s=_network.at_s(END),
        train_until_s=begin_s,
        methods=methods,
        visibility=visibility,
        time_zone=ZONE,
        training_days=int(os.environ.get("BACKTEST_TRAINING_DAYS", "56")),
        rows=int(os.environ.get("BACKTEST_ROWS", "500000")),
    )


def answer(visibility: str, methods: tuple[str, ...]) -> dict[str, Any]:
    """Made once, and kept in the folder of the months as JSON beside them."""
    at = folder()
    began_s = told_s = time.monotonic()

    def progress(what: str, part: float) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s > 20:
            told_s = now_s
            print(f"{now_s - began_s:6.0f} s {what} {part:.0%}", file=sys.stderr, flush=True)

    airspace = load_airspace(json.loads((at / "specs.json").read_text()))
    with (
        # With its lock, so that tables of an older version are brought up to date.
        DataDirectory.open(at / "data") as directory,
        Store.open(directory) as store,
    ):
        found = backtest(
            store, airspace, Airports.load(), wanted(visibility, methods), progress=progress
        )
    (at / f"backtest-{visibility}.json").write_text(json.dumps(found, indent=1))
    return found


def run() -> dict[str, Any]:
    """Everything; both sets against the targets, at every lead."""
    assert data().is_dir()
    main = answer(MAIN, METHODS)
    write_plot(PLOT, main)
    figures: dict[str, str] = {}
    misses: list[str] = []
    worst = 0.0
    for each in main["sets"]:
        figures |= _set_figures(each)
        misses += _errors_missed(each) + _intervals_missed(each)
        worst = max(worst, *(ratio / limit for ratio, limit in _against(each)))
    seen = [main["visibility"]]
    for visibility in BESIDE:
        beside = answer(visibility, BESIDE_METHODS)
        seen.append(beside["visibility"])
        for each in beside["sets"]:
            figures[f"{each['name']}, model, plans {visibility}"] = _ratios(_named(each, "model"))
    return {
        "target": "forecasts",
        "what": "mean occupancy of the 15-min bin 1 / 2 / 4 h ahead, mean absolute error pooled over"
        f" all bins, {TRAIN_UNTIL} to {END}, {main['moments']:,} moments; trained on what came before",
        "against": "the bin a week before, by local time",
        "reach": "; ".join(f"{name} ≤ {' / '.join(map(str, r))}" for name, r in REACH.items()),
        "figures": figures,
        "ratio": round(worst, 3),
        "met": not misses,
        "note": _note(main, seen, misses),
    }


def _set_figures(each: dict[str, Any]) -> dict[str, str]:
    """What stands in the row about a set of sectors."""
    name, model = each["name"], _named(each, "model")
    figures = {f"{name}, {method['label']}": _ratios(method) for method in each["methods"]}
    figures[f"{name}, model's 80 % interval at 1 / 2 / 4 h"] = _shares(
        [_at(model, lead_s) for lead_s in HORIZONS_S]
    )
    figures[f"{name}, by 4-hour block"] = _shares(model["coverage_by_block"])
    if large := _large(model):
        figures[f"{name}, by size decile of mean ≥ 5"] = _shares(large)
    alerts = model["alerts"]
    if alerts is not None:
        figures[f"{name}, warnings"] = (
            f"{alerts['warnings']}, precision {alerts['precision']}, recall {alerts['recall']} of "
            f"{alerts['breaches']} breaches"
        )
    return figures


def _against(each: dict[str, Any]) -> list[tuple[float, float]]:
    """The model's ratio and the one to reach, for each horizon."""
    model = _named(each, "model")
    ratios = [_at(model, lead_s)["ratio_to_weekly_naive"] for lead_s in HORIZONS_S]
    return list(zip(ratios, REACH[each["name"]], strict=True))


def _errors_missed(each: dict[str, Any]) -> list[str]:
    """Where the model misses its target, or is no better than smoothing or than history alone."""
    missed = []
    there = {method["method"] for method in each["methods"]}
    for lead_s, (ratio, limit) in zip(HORIZONS_S, _against(each), strict=True):
        at = f"{each['name']} {lead_s // 3_600} h"
        if ratio > limit:
            missed.append(f"{at} {ratio:.3f} over {limit}")
        for other in sorted({"history_boosting", "auto_ets"} & there):
            theirs = _at(_named(each, other), lead_s)["ratio_to_weekly_naive"]
            if theirs is not None and ratio >= theirs:
                missed.append(f"{at} no better than {other}")
    return missed


def _intervals_missed(each: dict[str, Any]) -> list[str]:
    """Where the model's intervals hold too little or too much."""
    model = _named(each, "model")
    asked = [(f"{lead_s // 3_600} h", _at(model, lead_s), HELD) for lead_s in HORIZONS_S]
    asked += [(row["local_time"], row, HELD_APART) for row in model["coverage_by_block"]]
    asked += [(f"decile {row['decile']}", row, HELD_APART) for row in _large(model)]
    return [
        f"{each['name']} {at} holds {row['coverage_80']:.1%}"
        for at, row, (low, high) in asked
        if not low <= row["coverage_80"] <= high
    ]


def _large(method: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in method["coverage_by_size_decile"] if row["mean_demand"] >= LEAST_MEAN]


def _named(each: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(m for m in each["methods"] if m["method"] == name)
    return found


def _shares(rows: list[dict[str, Any]]) -> str:
    return " / ".join(f"{row['coverage_80']:.1%}" for row in rows)


def _note(main: dict[str, Any], seen: list[dict[str, Any]], misses: list[str]) -> str:
    visible = "; ".join(
        f"{each['plans']} {each['visible_1h']:.0%} / {each['visible_2h']:.0%} / {each['visible_4h']:.0%}"
        for each in seen
    )
    remarks = " ".join(main["remarks"])
    return (
        f"visible of those airborne in 1 / 2 / 4 h: {visible}. "
        f"{'Not met: ' + '; '.join(misses) + '. ' if misses else ''}{remarks} "
        f"Took {main['seconds'] / 60:.0f} min."
    )


def _at(method: dict[str, Any], lead_s: int) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in method["leads"] if row["lead_s"] == lead_s)
    return found


def _ratios(method: dict[str, Any]) -> str:
    rows = [_at(method, lead_s) for lead_s in HORIZONS_S]
    return " / ".join(
        "none" if row["ratio_to_weekly_naive"] is None else f"{row['ratio_to_weekly_naive']:.3f}"
        for row in rows
    )


if __name__ == "__main__":
    print(run())
