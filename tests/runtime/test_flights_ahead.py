"""Forecasts of airports beside those of sectors: kept, whatever the database does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from made_ticks import LIVE, START_S, tick
from runtime.world import _airports, _airspace
from sectorwatch.clock import SystemClock
from sectorwatch.config import Settings
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.observe import Telemetry
from sectorwatch.runtime.foresight import make_foresight
from sectorwatch.runtime.slots import StoreSlot
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from pathlib import Path

AIRSPACE = _airspace(("made:australia",))


def test_airports_of_each_moment_are_kept_when_the_database_is_back(tmp_path: Path) -> None:
    """Those of each moment by themselves, though newer ones were made meanwhile."""
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        slot = StoreSlot(lambda: store, CircuitBreaker("database", SystemClock()))
        foresight = make_foresight(
            Settings(),
            AIRSPACE,
            _airports(),
            slot,
            data_dir=tmp_path,
            telemetry=Telemetry.null(),
        )
        forecaster = foresight.forecaster
        assert forecaster is not None
        part = {getattr(each, "__name__", ""): each for each in foresight.after_issue}
        some = np.ones((1, 2, 17), np.float32)
        somewhere: dict[str, Any] = {"place": np.array([5], np.int32), "known": some}
        somewhere |= {"variance": some, "unseen": 0 * some}
        live = replace(LIVE, occupancy=np.zeros(len(AIRSPACE.sectors), np.int32))
        airports = foresight.airports
        assert airports is not None
        made = []
        for seq in (1, 2, 3):
            newest = tick(seq, time_s=START_S + seq * 300, live=live)
            issued = forecaster.issue(newest)
            assert forecaster.situation is not None
            about = newest, issued, forecaster.situation
            part["estimate_airports"](*about)
            assert airports.latest is not None
            if seq < 3:
                airports.latest = replace(airports.latest, **somewhere)
            part["note_airports"](*about)
            with pytest.raises(DatabaseAwayError):
                part["keep_airports"](*about)
            made.append(about)
        slot.start()
        for about in made:
            part["keep_airports"](*about)
        kept = store.forecasts.kept("airports", 0, 2**40)
        # At the third nobody was to come anywhere.
        assert [each.as_of_s for each in kept] == [issued.as_of_s for _, issued, _ in made[:2]]
        assert [each.seq for each in kept] == [1, 2]
