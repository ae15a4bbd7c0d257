"""The instance that the tests of the API ask: real, over the made network, by real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from web.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An instance with two hours of the made network in it."""
    running = System.start(tmp_path_factory.mktemp("instance") / "data")
    try:
        running.catch_up()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def client(system: System) -> Client:
    """A client on the machine that it runs on."""
    return system.client
