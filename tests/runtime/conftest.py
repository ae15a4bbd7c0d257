"""What makes these tests quick: the made airspace and the world's airports are loaded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.world import load_once
from sectorwatch.runtime import root

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def _loaded_once() -> Iterator[None]:
    """Load what never changes once for all tests of this room."""
    patch = pytest.MonkeyPatch()
    # Set to what they are, so that the patch knows what to put back.
    for name in ("load_airspace", "_airports"):
        patch.setattr(root, name, vars(root)[name])
    load_once()
    yield
    patch.undo()
