"""Training beside a program whose database is a PostgreSQL."""

from __future__ import annotations

import shutil
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlalchemy import create_engine, delete, insert, select

from forecast.flown_days import END_S, FROM_S
from made_ticks import tick
from runtime.world import _airports, _airspace
from sectorwatch.clock import SystemClock
from sectorwatch.config import Settings
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.forecast.worker import Order
from sectorwatch.observe import Telemetry
from sectorwatch.runtime import training as module
from sectorwatch.runtime.foresight import make_foresight
from sectorwatch.runtime.slots import StoreSlot
from sectorwatch.store import DataDirectory, Store, schema

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from postgres_server import PostgresServer


def copied(flown: Store, folder: Path, url: str) -> None:
    """The days that were flown, with their rows in another database and without the first."""
    with DataDirectory.open(folder) as directory, Store.open(directory, url):
        pass
    shutil.copytree(
        flown.directory.path,
        folder,
        ignore=shutil.ignore_patterns("sectorwatch.db*", "*lock*", "models"),
        dirs_exist_ok=True,
    )
    one = create_engine(f"sqlite:///{flown.directory.database}")
    other = create_engine(url)
    with one.connect() as source, other.begin() as target:
        for table in schema.metadata.sorted_tables:
            rows = [dict(row) for row in source.execute(select(table)).mappings()]
            target.execute(delete(table))
            if rows:
                target.execute(insert(table), rows)
    one.dispose()
    other.dispose()


def test_a_running_program_trains_on_what_its_postgresql_has(
    flown_days: Store, postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker reads it there, the model serves, and which one serves is kept there."""
    url = postgres.new_database(f"training_{uuid.uuid4().hex}")
    folder = tmp_path / "data"
    copied(flown_days, folder, url)
    # A small training of three days: that it waits for a week has a test of its own.
    monkeypatch.setattr(module, "FEWEST_DAYS", 3)
    monkeypatch.setattr(module, "Order", partial(Order, rows=3_000, rounds=8))
    telemetry = Telemetry.open()
    with DataDirectory.open(folder) as directory, Store.open(directory, url) as store:
        slot = StoreSlot(lambda: store, CircuitBreaker("database", SystemClock()))
        slot.start()
        foresight = make_foresight(
            Settings(airspace=("made:australia",), database_url=SecretStr(url)),
            _airspace(("made:australia",)),
            _airports(),
            slot,
            data_dir=folder,
            telemetry=telemetry,
        )
        training, forecaster = foresight.training, foresight.forecaster
        assert training is not None
        assert forecaster is not None
        now = tick(1, time_s=END_S, final_minute_s=END_S - 360)

        def goes_on() -> bool:
            training.look(now)
            return training.is_running

        assert goes_on()
        while goes_on():
            time.sleep(0.05)
        report = training.report
        assert report is not None
        assert report.state == "done", report.words
        model = forecaster.model
        assert model is not None
        assert model.version == report.version
        assert FROM_S < model.trained_to_s <= END_S
        [decision] = store.forecasts.decisions()
        assert decision.challenger == report.challenger
        assert decision.is_taken
    # It was all there was to read: no second database came to be in the directory.
    assert not (folder / "sectorwatch.db").exists()
    words = " ".join(str(line) for line in telemetry.log.search())
    assert url not in words
