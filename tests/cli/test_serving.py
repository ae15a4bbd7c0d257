from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sectorwatch.cli.serving import address_of, last_snapshot_us, refuse_other_kind
from sectorwatch.clock import parse_us
from sectorwatch.config import Settings
from sectorwatch.errors import DataDirectoryError
from sectorwatch.recordings import AUSTRALIA
from sectorwatch.store import DataDirectory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "http://127.0.0.1:80"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:80"),  # noqa: S104 - shown, not listened on
        ({"host": "::"}, "http://[::1]:80"),
        ({"host": "[::1]"}, "http://[::1]:80"),
        ({"host": "traffic.local"}, "http://traffic.local:80"),
        ({"base_url": "https://traffic.example.org/sw"}, "https://traffic.example.org/sw"),
    ],
)
def test_the_address_is_one_that_a_browser_takes(settings: dict[str, str], address: str) -> None:
    """Where it listens everywhere, here is one of the places."""
    assert address_of(Settings(**settings), 80) == address  # type: ignore[arg-type]


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A data directory whose journal has the made recording's second hour."""
    with DataDirectory.open(tmp_path / "data") as directory:
        directory.journal.mkdir()
        shutil.copy(max(AUSTRALIA.iterdir()), directory.journal)
    return tmp_path / "data"


def test_made_and_real_traffic_do_not_mix(held: Path) -> None:
    """What is held decides; the message names the directory and the way out."""
    refuse_other_kind(held, simulated=True)
    with pytest.raises(DataDirectoryError, match=r"data holds a made network's .*--data-dir"):
        refuse_other_kind(held, simulated=False)


def test_a_directory_that_holds_nothing_takes_either(tmp_path: Path) -> None:
    """New, empty, or no data directory at all: whoever opens it says what there is to say."""
    DataDirectory.open(tmp_path / "empty").close()
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "new", tmp_path / "empty", tmp_path / "file"):
        for simulated in (True, False):
            refuse_other_kind(place, simulated=simulated)
        assert last_snapshot_us(place) == 0


def test_the_last_snapshot_held_is_found(held: Path) -> None:
    """That of the newest file that has any; a damaged one is passed over."""
    (held / "journal/2026-11-01T10Z-0001.journal").write_bytes(b"\x89SWJ")
    assert last_snapshot_us(held) == parse_us("2026-11-01T09:59:45.417103Z")
