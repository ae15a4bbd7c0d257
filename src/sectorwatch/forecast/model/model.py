"""A trained model: from rows of features to a mean, five quantiles and the probability of zero."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sectorwatch.errors import ForecastError, ModelFileError, SectorwatchError
from sectorwatch.forecast.features import FEATURES, Memory
from sectorwatch.forecast.issued import QUANTILES
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.model.baseline import Baseline, design, spread
from sectorwatch.forecast.model.conformal import Conformal
from sectorwatch.forecast.model.distribution import pit, settled
from sectorwatch.forecast.model.files import Header, read_file, write_file
from sectorwatch.forecast.model.trees import Forest, Forests
from sectorwatch.forecast.model.zero import ZeroCurve
from sectorwatch.forecast.plans import LearnedPlans
from sectorwatch.forecast.unseen import within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sectorwatch.forecast.model.table import Table

__all__ = ["FORESTS", "Model", "Prediction", "read_model", "write_model"]

FORESTS = ("mean", "q10", "q50", "q90")
"""What forests a model has, in order: factors of the baseline (as logarithms), and deviations."""
ASKED = ("baseline", *FEATURES)
_WIDEST = 3.0
"""The mean is never more than e to this times the baseline, nor less than as much less."""
# A normal distribution's quartile, in units of its outer decile.
_QUARTER = 0.6744898 / 1.2815516
_MOST_SECTORS = 20_000


@dataclass(frozen=True, slots=True)
class Prediction:
    """For sectors and leads (s, l), or any shape: aircraft; `quantiles` one axis more."""

    mean: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    p_zero: NDArray[np.float32]


@dataclass(slots=True)
class Model:
    """What was trained, for the sectors of `sector_id` (s,) as they were drawn then (`drawn`)."""

    header: Header
    sector_id: NDArray[np.int64]
    drawn: NDArray[np.uint64]
    baseline: Baseline
    forests: tuple[Forest, ...]
    zero: ZeroCurve
    conformal: Conformal
    learned: LearnedPlans
    memory: dict[str, NDArray[Any]] = field(repr=False)
    _ready: Forests | None = field(default=None, repr=False)

    @property
    def version(self) -> str:
        """The name that forecasts of this model carry."""
        return self.header.version

    @property
    def fingerprint(self) -> str:
        """Of the airspace that it was trained for."""
        return self.header.fingerprint

    @property
    def trained_from_s(self) -> int:
        """From when on it was shown the past."""
        return self.header.trained_from_s

    @property
    def trained_to_s(self) -> int:
        """Until when it was shown the past, the days it was checked by included."""
        return self.header.trained_to_s

    def rows_of(
        self, sector_id: NDArray[np.int64], drawn: NDArray[np.uint64] | None = None
    ) -> NDArray[np.intp]:
        """Where each sector stands in the model (s,); -1 for one that it does not know.

        A sector that has another shape since is another sector: what is usual in it has changed.
        """
        return rows_of(self.sector_id, self.drawn, sector_id, drawn)

    def memory_for(
        self, rows: NDArray[np.intp], kind: NDArray[np.int8], local: LocalTime
    ) -> Memory:
        """What it remembers, for the sectors at `rows_of` of it, to be gone on with.

        Raises ForecastError where `local` is another clock than the one it counts hours by.
        """
        if local.name != self.header.zone:
            raise ForecastError(
                f"the model {self.version} counts hours in {self.header.zone}, and the local time "
                f"is {local.name} now: another is made with the next training"
            )
        return Memory.from_arrays(self.memory, rows, kind, local)

    def predict(self, features: NDArray[np.float32]) -> Prediction:
        """The forecast of `feature_rows`, (s, l, F), for whatever sectors they are."""
        sectors, leads, width = features.shape
        lead = np.tile(np.arange(leads), sectors)
        said = self.predict_rows(features.reshape(-1, width), lead)
        shape = sectors, leads
        return Prediction(
            said.mean.reshape(shape),
            said.quantiles.reshape(*shape, len(QUANTILES)),
            said.p_zero.reshape(shape),
        )

    def predict_rows(self, rows: NDArray[np.float32], lead: NDArray[np.intp]) -> Prediction:
        """The forecast of n rows of features, each of its lead (an index into `LEADS`)."""
        mean, own, zero = self.own_rows(rows, lead)
        quantiles, zero = self.conformal.corrected(mean, lead, settled(own, zero), zero)
        return Prediction(*(each.astype(np.float32) for each in (mean, quantiles, zero)))

    def own_rows(
        self, rows: NDArray[np.float32], lead: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Mean, quantiles and p_zero before they are corrected: what the trees say."""
        if self._ready is None:
            self._ready = Forests(self.forests, len(ASKED))
        rows = without(rows, self.header.without)
        baseline = self.baseline.of(rows, lead)
        said = self._ready.raw(design(rows, baseline))
        mean = baseline * np.exp(np.clip(said[:, 0], -_WIDEST, _WIDEST))
        own = quantiles_of(baseline, said[:, 1:])
        return mean, own, self.zero.of(mean, lead)

    def calibrated(self, held: Table, seed: int = 1) -> Model:
        """The same model with chances of zero and intervals that come from `held`.

        Those are rows that it was not fitted to; `seed` is for chance where truths are zero.
        """
        mean, own, _ = self.own_rows(held.rows, held.lead)
        zero = ZeroCurve.fit(mean, held.lead, held.truth <= 0)
        p_zero = zero.of(mean, held.lead)
        uniform = np.random.default_rng(seed).random(len(held))
        lies_at = pit(held.truth, settled(own, p_zero), p_zero, uniform)
        return replace(self, zero=zero, conformal=Conformal.fit(lies_at, mean, held.lead))

    def carrying(self, newer: Model, held: Table) -> Model:
        """These trees with what a newer model has learned of plans and of what is usual.

        So they were judged, on the rows `held`; a name with the newer one's date behind it.
        """
        carried = replace(self, learned=newer.learned, memory=newer.memory)
        carried = replace(carried, sector_id=newer.sector_id, drawn=newer.drawn)
        return carried.calibrated(held).saying(
            version=f"{self.version.partition('_')[0]}_{newer.version}",
            trained_to_s=newer.trained_to_s,
            fingerprint=newer.fingerprint,
            zone=newer.header.zone,
        )

    def saying(self, **changes: Any) -> Model:
        """The same model that says something else of itself."""
        return replace(self, header=msgspec.structs.replace(self.header, **changes))


def rows_of(
    known_id: NDArray[np.int64],
    known_drawn: NDArray[np.uint64],
    sector_id: NDArray[np.int64],
    drawn: NDArray[np.uint64] | None = None,
) -> NDArray[np.intp]:
    """Where sectors stand among those known, drawn as they are; -1 for one that is not there."""
    order = np.argsort(known_id)
    at = np.minimum(np.searchsorted(known_id[order], sector_id), order.size - 1)
    rows = order[at]
    known = known_id[rows] == sector_id
    if drawn is not None:
        known &= known_drawn[rows] == drawn
    return np.where(known, rows, -1)


def without(rows: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
    """The rows as if nothing were known of these features."""
    if not names:
        return rows
    blank = rows.copy()
    blank[:, [list(FEATURES).index(name) for name in names]] = np.nan
    return blank


def quantiles_of(baseline: NDArray[np.float64], said: NDArray[np.float64]) -> NDArray[np.float64]:
    """Five quantiles, aircraft, of what the forests of three of them say (n, 3)."""
    low, middle, high = np.sort(said, axis=1).T
    ratios = np.stack(
        [
            low,
            middle - _QUARTER * (middle - low),
            middle,
            middle + _QUARTER * (high - middle),
            high,
        ],
        axis=-1,
    )
    said = baseline[:, None] + spread(baseline)[:, None] * ratios
    return np.asarray(np.maximum(said, 0.0), dtype=np.float64)


def write_model(path: Path, model: Model) -> int:
    """Puts a model at `path`, whole or not at all; gives its size in bytes.

    Raises DiskFullError or StoreError where the disk does not take it.
    """
    arrays: dict[str, NDArray[Any]] = {
        "sector_id": model.sector_id,
        "drawn": model.drawn,
        "baseline": model.baseline.coefficients,
        "zero.log_mean": model.zero.log_mean,
        "zero.p_zero": model.zero.p_zero,
    }
    parts: list[tuple[str, Mapping[str, NDArray[Any]]]] = [
        ("conformal", model.conformal.to_arrays()),
        ("learned", model.learned.to_arrays()),
        ("memory", model.memory),
        *((f"forest.{n}", f.to_arrays()) for n, f in zip(FORESTS, model.forests, strict=True)),
    ]
    for prefix, part in parts:
        arrays |= {f"{prefix}.{name}": np.asarray(each) for name, each in part.items()}
    return write_file(path, model.header, arrays)


def read_model(path: Path) -> Model:
    """The model at `path`. Nothing of the file is run.

    Raises ModelFileError, which says in words what is wrong with it and what becomes of it.
    """
    header, arrays = read_file(path)
    try:
        model = _assembled(header, arrays)
        # What it remembers is taken apart once, so that it is known now and not at noon.
        kind = np.zeros(model.sector_id.size, dtype=np.int8)
        model.memory_for(np.arange(kind.size), kind, LocalTime(header.zone))
    except ModelFileError as error:
        raise ModelFileError(
            f"the model {path} cannot be used: {error}. Another is made with the next training"
        ) from error
    return model


def sectors_of(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Of which sectors a file is, (s,), and how they are drawn.

    Raises ModelFileError where it does not say so.
    """
    sector_id, drawn = (arrays.get(name, np.empty(0)) for name in ("sector_id", "drawn"))
    if sector_id.dtype != np.int64 or sector_id.ndim != 1 or not 0 < sector_id.size < _MOST_SECTORS:
        raise ModelFileError("it names no sectors")
    if np.unique(sector_id).size != sector_id.size:
        raise ModelFileError("it names a sector twice")
    if drawn.dtype != np.uint64 or drawn.shape != sector_id.shape:
        raise ModelFileError("it does not say how its sectors are drawn")
    return sector_id, drawn


def _assembled(header: Header, arrays: dict[str, NDArray[Any]]) -> Model:
    if header.features != tuple(FEATURES) or header.forests != FORESTS:
        raise ModelFileError("it was trained by a sectorwatch that asks for other features")
    if not set(header.without) <= set(FEATURES):
        raise ModelFileError("it does without features that there are not")
    sector_id, drawn = sectors_of(arrays)
    try:
        LocalTime(header.zone)
        learned = LearnedPlans.from_arrays(within(arrays, "learned"))
    except (SectorwatchError, ValueError) as error:
        raise ModelFileError(str(error)) from error
    return Model(
        header=header,
        sector_id=sector_id,
        drawn=drawn,
        baseline=Baseline.from_array(arrays.get("baseline", np.empty(0))),
        forests=tuple(
            Forest.from_arrays(within(arrays, f"forest.{name}"), len(ASKED)) for name in FORESTS
        ),
        zero=ZeroCurve.from_arrays(within(arrays, "zero")),
        conformal=Conformal.from_arrays(within(arrays, "conformal")),
        learned=learned,
        memory=within(arrays, "memory"),
    )
