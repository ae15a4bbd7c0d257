"""A model without training: it says what the plans come to, with an interval around."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.features import FEATURES, PARTS, Memory
from sectorwatch.forecast.horizon import LEADS_S
from sectorwatch.forecast.model.baseline import Baseline
from sectorwatch.forecast.model.conformal import Conformal
from sectorwatch.forecast.model.files import Header
from sectorwatch.forecast.model.model import FORESTS, Model
from sectorwatch.forecast.model.training import drawn, kinds_of
from sectorwatch.forecast.model.trees import Forest
from sectorwatch.forecast.model.zero import ZeroCurve
from sectorwatch.forecast.plans import LearnedPlans

if TYPE_CHECKING:
    from sectorwatch.airspace import Airspace
    from sectorwatch.forecast.local_time import LocalTime

__all__ = ["made_model"]


def made_model(airspace: Airspace, local: LocalTime, *, to_s: int, version: str = "made") -> Model:
    """A model of the sectors of `airspace`, as if trained on the week before `to_s`."""
    coefficients = np.zeros((len(LEADS_S), len(PARTS)))
    coefficients[:, PARTS.index("plan_and_unseen")] = 1.0
    return Model(
        header=Header(
            version=version,
            trained_from_s=to_s - 7 * 86_400,
            trained_to_s=to_s,
            fingerprint=airspace.fingerprint,
            zone=local.name,
            features=tuple(FEATURES),
            forests=FORESTS,
        ),
        sector_id=np.array([each.sector_id for each in airspace.sectors], dtype=np.int64),
        drawn=drawn(airspace),
        baseline=Baseline.from_array(coefficients),
        forests=tuple(_always(value) for value in (0.0, -1.3, 0.0, 1.3)),
        zero=ZeroCurve.expected(),
        conformal=Conformal.untaught(),
        learned=LearnedPlans.priors(),
        memory=Memory(kinds_of(airspace), local).to_arrays(),
    )


def _always(value: float) -> Forest:
    """A forest that says the same of every row."""
    none = np.zeros(1)
    return Forest(
        baseline=np.array([value]),
        first=np.array([0, 1], dtype=np.int32),
        feature=np.array([-1], dtype=np.int16),
        threshold=none,
        missing_left=np.array([False]),
        left=none.astype(np.int32),
        right=none.astype(np.int32),
        value=none,
    )
