"""What the training of a model takes, in the program's own worker and within its own bounds.

28 days of us2001 (SECTORWATCH_US2001 names the folder that `us2001_months.py` has made): 351 sectors,
16,500 flights a day. The model stays among those of that folder, for other benchmarks.

`python benchmarks/forecast_training.py FOLDER --from DAY --to DAY [--tables DIR]` is for trying what a
model learns: its error by lead against the week before. The rows are made once and kept in DIR, so
that trees, recipes and features to be left out take a minute each: `tables(...)`, `fit(...)`,
`told(...)`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _network
import numpy as np
import us2001_months

from sectorwatch.airspace import Airports, load_airspace
from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.features import FEATURES, Memory
from sectorwatch.forecast.history import History
from sectorwatch.forecast.horizon import HORIZONS_S, LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.measures import randomised_pit, within_80
from sectorwatch.forecast.model.champion import crossed
from sectorwatch.forecast.model.files import Header
from sectorwatch.forecast.model.halfway import Prepared
from sectorwatch.forecast.model.model import FORESTS, Model, read_model
from sectorwatch.forecast.model.table import Table
from sectorwatch.forecast.model.training import (
    OF_HISTORY_ALONE,
    Recipe,
    assembled,
    fit,
    prepare,
)
from sectorwatch.forecast.plans import LearnedPlans
from sectorwatch.forecast.worker.order import Order, Report
from sectorwatch.forecast.worker.process import WorkerProcess
from sectorwatch.forecast.worker.work import SUFFIX, models_dir
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONG = True
ZONE = "America/New_York"
UNTIL, DAYS = "2001-03-15T05:00:00Z", 28
WITHIN_S, WITHIN_MB = 180, 800
_TOLD_EVERY_S = 20.0


def folder() -> Path:
    """The months flown, flown first where they are not there."""
    found = Path(os.environ.get("SECTORWATCH_US2001", us2001_months.FOLDER))
    if not (found / "specs.json").exists():
        us2001_months.fly(found, _network.at_s(us2001_months.END))
    return found


def trained(at: Path) -> Report:
    """Have the worker train a model of the 28 days; it is put among those of the folder."""
    to_s = _network.at_s(UNTIL)
    worker = WorkerProcess.start(
        Order(
            data_dir=str(at / "data"),
            database_url=None,
            airspace=tuple(json.loads((at / "specs.json").read_text())),
            zone=ZONE,
            from_s=to_s - DAYS * 86_400,
            to_s=to_s,
            memory_mb=WITHIN_MB,
            limit_s=7_200,
            niceness=0,
        )
    )
    while (report := worker.wait(_TOLD_EVERY_S)).state == "running":
        print(f"{report.seconds:6.0f} s {report.share:.0%} {report.words}", file=sys.stderr)
    return report


def model(at: Path) -> Model:
    """The newest model of the folder, trained first where none fits this version."""
    for path in sorted(models_dir(at / "data").glob(f"*{SUFFIX}"), reverse=True):
        try:
            return read_model(path)
        except ModelFileError as error:
            print(error, file=sys.stderr)
    report = trained(at)
    assert report.state == "done", report.words
    return read_model(Path(report.path))


def run() -> dict[str, Any]:
    """Train once: time and memory are those of the whole process, from its start to the file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = trained(folder())
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked_s = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
    assert report.state == "done", report.words
    return {
        "target": "issue 5: training",
        "what": f"a model of {DAYS} days of us2001, 351 sectors, in the worker, its memory bound to {WITHIN_MB} MB",
        "against": "the time and the memory that it may take",
        "reach": f"< {WITHIN_S // 60} min; ≤ {WITHIN_MB} MB",
        "figures": {
            "time": f"{report.seconds:.0f} s",
            "the processor's time": f"{worked_s:.0f} s",
            "peak of memory": f"{report.peak_mb:.0f} MB",
        },
        "ratio": round(max(report.seconds / WITHIN_S, report.peak_mb / WITHIN_MB), 2),
        "met": report.seconds < WITHIN_S and report.peak_mb <= WITHIN_MB,
        "note": f"on days held back: {report.words}.",
    }


def tables(
    at: Path, from_s: int, to_s: int, recipe: Recipe, keep: Path | None = None
) -> tuple[Prepared, NDArray[np.int64]]:
    """The rows of a period, all of the held back days' cells among them; made once where kept."""
    airspace = load_airspace(json.loads((at / "specs.json").read_text()))
    began_s = time.perf_counter()
    with (
        DataDirectory.open(at / "data") as directory,
        Store.open(directory) as store,
    ):
        airports = Airports.load()
        history = History.load(store, airspace, airports, from_s, to_s)
        print(f"history {time.perf_counter() - began_s:.1f} s, {_peak_mb():.0f} MB", flush=True)
        prepared = prepare(
            history,
            airspace,
            airports,
            from_s,
            to_s,
            local=LocalTime(ZONE),
            recipe=recipe,
            progress=_Told(),
        )
    print(f"walked {time.perf_counter() - began_s:.1f} s, {_peak_mb():.0f} MB", flush=True)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        prepared.fitting.save(keep / "fitting.npz")
        prepared.held.save(keep / "held.npz")
    return prepared, history.sector_ids


def told(said: NDArray[Any], quantiles: Any, p_zero: Any, held: Table) -> dict[str, Any]:
    """Ratios of pooled absolute errors to the week before, and coverage, by set and lead."""
    naive = held.column("week_1")
    chance = np.random.default_rng(0).random(len(held))
    lies_at = randomised_pit(held.truth, quantiles, p_zero, chance)
    found: dict[str, Any] = {}
    for name, kind in (("artcc", 0), ("high", 1)):
        for horizon_s in HORIZONS_S:
            rows = (held.column("kind") == kind) & (LEADS[held.lead] == horizon_s)
            rows &= np.isfinite(naive)
            error = np.abs(said[rows] - held.truth[rows]).sum()
            ratio = error / np.abs(naive[rows] - held.truth[rows]).sum()
            found[f"{name} {horizon_s // 3600} h"] = {
                "ratio": round(float(ratio), 4),
                "coverage": round(float(within_80(lies_at[rows]).mean()), 4),
                "rows": int(rows.sum()),
            }
    return found


class _Told:
    def __init__(self) -> None:
        self._told_s = 0.0

    def __call__(self, share: float, words: str) -> None:
        if time.perf_counter() - self._told_s > 10:
            self._told_s = time.perf_counter()
            print(f"{share:.0%} {words}", flush=True)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _header(from_s: int, to_s: int, blank: tuple[str, ...]) -> Header:
    return Header(
        version="benchmark",
        trained_from_s=from_s,
        trained_to_s=to_s,
        fingerprint="",
        zone=ZONE,
        features=tuple(FEATURES),
        forests=FORESTS,
        without=blank,
    )


def main() -> None:
    """Make or load the rows, train, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="from_", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--again", action="store_true", help="use the rows kept in --tables")
    parser.add_argument("--history-alone", action="store_true")
    parser.add_argument("--recipe", type=json.loads, default={})
    arguments = parser.parse_args()
    from_s, to_s = (_network.at_s(f"{day}T05:00:00Z") for day in (arguments.from_, arguments.to))
    # All cells of the days held back, for the pooled error of all sectors.
    recipe = dataclasses.replace(Recipe(), held_rows=10**9, **arguments.recipe)
    prepared: Prepared | None
    if arguments.again:
        fitting, held = (Table.load(arguments.tables / f"{n}.npz") for n in ("fitting", "held"))
        prepared = None
    else:
        prepared, _ = tables(arguments.folder, from_s, to_s, recipe, arguments.tables)
        fitting, held = prepared.fitting, prepared.held
    began_s = time.perf_counter()
    blank = OF_HISTORY_ALONE if arguments.history_alone else ()
    fitted = fit(fitting, recipe, blank, _Told())
    print(f"fitted {time.perf_counter() - began_s:.1f} s, {_peak_mb():.0f} MB", flush=True)
    baseline = fitted.baseline.of(held.rows, held.lead)
    _say("plan and unseen", held.column("plan_and_unseen"), held)
    _say("linear", baseline, held)
    if prepared is None:
        memory = Memory(np.zeros(1, np.int8), LocalTime(ZONE)).to_arrays()
        prepared = Prepared(fitting, held, memory, LearnedPlans.priors())
    header = _header(from_s, to_s, blank)
    ids = np.arange(1)
    model = assembled(fitted, prepared, header, ids, ids.astype(np.uint64), recipe.seed)
    # Intervals of each half by the other one, as a champion is compared.
    said = crossed(model, held)
    _say("mean", said.mean, held)
    _say("median", said.quantiles[:, 2], held)
    print(json.dumps(told(said.quantiles[:, 2], said.quantiles, said.p_zero, held), indent=1))


def _say(name: str, said: NDArray[Any], held: Table) -> None:
    """The ratios of a point forecast alone."""
    quantiles = np.repeat(said[:, None], 5, axis=1)
    found = told(said, quantiles, np.zeros(len(held)), held)
    print(name, " ".join(f"{key} {value['ratio']:.3f}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
