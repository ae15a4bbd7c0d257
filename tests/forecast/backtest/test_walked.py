"""How the past is walked through: on and on, as a program runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from forecast.flown_past import airports, airspace
from sectorwatch.forecast.backtest.walked import Walked
from sectorwatch.forecast.features import STEP_S
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.model.training import Recipe
from sectorwatch.forecast.plans import LearnedPlans

DAY_S = 86_400


def test_what_lies_between_training_and_the_first_forecast_is_walked_through() -> None:
    """A program would have run on: what it remembers is not days old. No moment comes twice."""
    seen: list[int] = []

    def moments(from_s: int, to_s: int, step_s: int) -> tuple[()]:
        seen.extend(range(from_s, to_s, step_s))
        return ()

    history: Any = SimpleNamespace(from_s=0, sector_ids=np.zeros(1, np.int64))
    walked = Walked(
        history,
        airspace(),
        airports(),
        LocalTime("UTC"),
        Recipe(),
        learn=lambda _until_s: LearnedPlans.priors(),
        training_s=28 * DAY_S,
        walk=cast("Any", SimpleNamespace(moments=moments)),
    )
    walked.prepare(4 * DAY_S)
    assert seen == sorted(set(seen))
    assert seen[-1] >= 4 * DAY_S - STEP_S
    for begin_s in (6 * DAY_S, 7 * DAY_S):
        walked.day(np.arange(begin_s, begin_s + DAY_S, 3_600))
    assert seen == sorted(set(seen))
    assert max(np.diff(seen)) <= STEP_S + 300
    assert seen[-1] == 8 * DAY_S - 3_600
