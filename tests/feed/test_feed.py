"""What the room hands out."""

from __future__ import annotations

import subprocess
import sys

import pytest

import sectorwatch.feed


@pytest.mark.parametrize("name", sectorwatch.feed.__all__)
def test_each_public_name_is_there(name: str) -> None:
    """And is a class or a function, not the module of the same name."""
    found = getattr(sectorwatch.feed, name)
    assert found.__name__ == name


def test_another_name_is_said_not_to_be_there() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sectorwatch.feed.nonsense


def test_the_types_load_no_http_client() -> None:
    """Whoever needs the records alone starts fast."""
    program = "import sys, sectorwatch.feed.records; print('aiohttp' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
