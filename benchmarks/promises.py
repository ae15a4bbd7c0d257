"""Probabilities of more than the capacity, before and after they are set right, day after day.

Of the forecasts by plans alone that an instance has kept, a demo's for instance: `sectorwatch demo
--history-days 8 --data-dir DIR`, then `python benchmarks/promises.py DIR`. Each sector is taken to
hold what it had in nine tenths of the time (and in eight, and nineteen twentieths), so that all
have a capacity. A day's probabilities are set right by the days before it alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace import load_airspace
from sectorwatch.forecast.breach import p_above
from sectorwatch.forecast.horizon import BIN_S, HORIZONS_S, LEADS, LEADS_S
from sectorwatch.forecast.kept import Readable, kept_issues
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.scoring.promises import Promises
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from sectorwatch.forecast.issued import Issued

_DAY_S = 86_400
_DAYS = 28
_PARTS = 10
_LEAST = 1.5


def main(folder: Path, airspace: str) -> None:
    """Print Brier's score of what was computed and of what would have been told."""
    space = load_airspace([airspace])
    with DataDirectory.open(folder, lock=False) as directory, Store.open(directory) as store:
        newest_s = store.forecasts.newest("sectors")
        assert newest_s is not None, "no forecast is kept here"
        from_s = newest_s - _DAYS * _DAY_S
        issues = kept_issues(store.forecasts, from_s, newest_s, readable=Readable())
        past = Past.load(store, space, newest_s)
    plans = [each for each in issues if not each.model]
    load = past.bin_mean(np.arange(from_s, newest_s, BIN_S))
    for share in (0.8, 0.9, 0.95):
        capacity = np.nanquantile(load, share, axis=1)
        capacity[capacity < _LEAST] = np.nan
        print(f"more than a sector has in {share:.0%} of the time, {len(plans)} moments")
        _walk([_Moment(each, past, capacity) for each in plans])


class _Moment:
    """A forecast's probabilities, and whether it was so: of sectors and leads where both are."""

    def __init__(self, issued: Issued, past: Past, capacity: np.ndarray) -> None:
        assert np.array_equal(issued.sector_id, past.sector_ids), "other sectors then"
        self.as_of_s = issued.as_of_s
        level = np.broadcast_to(capacity[:, None], issued.mean.shape)
        self.computed = p_above(issued.quantiles, issued.p_zero, level)
        truth = past.bin_mean(issued.as_of_s + LEADS)
        self.happened = truth > level
        self.known = np.isfinite(self.computed) & np.isfinite(truth)


def _walk(moments: list[_Moment]) -> None:
    sums = {name: np.zeros((_PARTS, LEADS.size)) for name in ("count", "computed", "happened")}
    promises, until_s, waiting = Promises.of(sums), moments[0].as_of_s + _DAY_S, list(moments)
    before, after, cases = (np.zeros(LEADS.size) for _ in range(3))
    for each in moments:
        if each.as_of_s >= until_s:
            # Only what had come true by then.
            while waiting and waiting[0].as_of_s + LEADS_S[-1] + BIN_S <= until_s:
                _add(sums, waiting.pop(0))
            promises, until_s = Promises.of(sums), until_s + _DAY_S
        told = promises.told(each.computed)
        before += _loss(each, each.computed)
        after += _loss(each, told)
        cases += each.known.sum(axis=0)
    for lead_s in HORIZONS_S:
        at = LEADS_S.index(lead_s)
        print(
            f"  {lead_s // 3_600} h: Brier {before[at] / cases[at]:.4f} as computed, "
            f"{after[at] / cases[at]:.4f} set right, of {cases[at]:.0f}"
        )


def _loss(moment: _Moment, told: np.ndarray) -> np.ndarray:
    loss = np.where(moment.known, (told - moment.happened) ** 2, 0.0)
    return np.asarray(loss.sum(axis=0))


def _add(sums: dict[str, np.ndarray], moment: _Moment) -> None:
    part = np.minimum((_PARTS * np.nan_to_num(moment.computed)).astype(int), _PARTS - 1)
    lead = np.broadcast_to(np.arange(LEADS.size), part.shape)
    at = part[moment.known], lead[moment.known]
    np.add.at(sums["count"], at, 1)
    np.add.at(sums["computed"], at, moment.computed[moment.known])
    np.add.at(sums["happened"], at, moment.happened[moment.known])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--airspace", default="made:australia")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.airspace)
