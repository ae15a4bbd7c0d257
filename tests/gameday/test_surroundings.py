"""What surrounds an instance is really there, and really away."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

import pytest

from sectorwatch.gameday.places import Cannot, ballast, small_disk
from sectorwatch.gameday.surroundings import Beacon, Inbox, Letter

if TYPE_CHECKING:
    from pathlib import Path


def test_a_beacon_is_reached_until_it_is_put_out_and_again_on_the_same_port() -> None:
    """So that who asks it need not be told another address."""
    beacon = Beacon()
    beacon.light()
    port = beacon.port
    socket.create_connection(("127.0.0.1", port), 5).close()
    beacon.put_out()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    beacon.light()
    assert beacon.port == port
    socket.create_connection(("127.0.0.1", port), 5).close()
    beacon.put_out()
    beacon.put_out()


def test_letters_arrive() -> None:
    """JSON or not, each with the moment."""
    with Inbox().open() as inbox:
        for body in (b'{"type": "api_timeout"}', b"plain \xff"):
            request = urllib.request.Request(f"http://127.0.0.1:{inbox.port}/", body, method="POST")
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                assert answer.status == 200
    assert inbox.letters[0].body == {"type": "api_timeout"}
    assert "plain" in inbox.letters[1].body
    assert not any(each.tells_of("api_timeout", "store", "firing") for each in inbox.letters)
    assert inbox.letters[0].at_s <= inbox.letters[1].at_s


def test_a_small_disk_is_filled_and_emptied() -> None:
    """A file system of its own; its ballast is gone with the block."""
    try:
        with small_disk(8) as disk:
            with ballast(disk, leave_mb=1):
                size = (disk / "ballast").stat().st_size
                assert 6_000_000 < size < 8_400_000
                with pytest.raises(OSError, match="No space"), (disk / "more").open("wb") as file:
                    file.write(bytes(2_000_000))
            assert not (disk / "ballast").exists()
    except Cannot as why:
        pytest.skip(str(why))
    assert not disk.exists()


def test_a_disk_that_is_full_already_cannot_be_filled(tmp_path: Path) -> None:
    """It says so."""
    with pytest.raises(Cannot, match="are free"), ballast(tmp_path, leave_mb=1e12):
        pass


def test_a_letter_tells_of_one_alert() -> None:
    """An Alertmanager's webhook body, as it is posted."""
    group = {"alertname": "api_timeout", "service": "collector"}
    letter = Letter(1.0, {"status": "firing", "groupLabels": group})
    assert letter.tells_of("api_timeout", "collector", "firing")
    assert not letter.tells_of("api_timeout", "collector", "resolved")
    assert not letter.tells_of("cpu_spike", "collector", "firing")
