"""What makes these tests quick: the made airspace and the world's airports are loaded once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from sectorwatch.airspace import Airports, Airspace, load_airspace
from sectorwatch.runtime import root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.config import Settings


@cache
def _airspace(specs: tuple[str, ...]) -> Airspace:
    return load_airspace(specs)


@cache
def _airports() -> Airports:
    return Airports.load()


@pytest.fixture(autouse=True, scope="session")
def _loaded_once() -> None:
    """Load what never changes once for all tests of this room."""
    patch = pytest.MonkeyPatch()

    def airspace(specs: Sequence[str], capacities: Mapping[str, int] | None = None) -> Airspace:
        return load_airspace(specs, capacities) if capacities else _airspace(tuple(specs))

    def airports(_settings: Settings) -> Airports:
        return _airports()

    patch.setattr(root, "load_airspace", airspace)
    patch.setattr(root, "_airports", airports)
