from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sectorwatch.errors import DataDirectoryError
from sectorwatch.feed.mask_key import load_or_create_key

if TYPE_CHECKING:
    from pathlib import Path


def test_a_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """The first start makes a key of 32 bytes, mode 0600; later ones find the same."""
    path = tmp_path / "masking.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert load_or_create_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["masking.key"]
    assert load_or_create_key(tmp_path / "other.key") != key


def test_two_who_begin_at_once_get_one_key(tmp_path: Path) -> None:
    """Whoever comes second takes the key that is there, and leaves nothing behind."""
    path = tmp_path / "masking.key"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: load_or_create_key(path), range(16)))
    assert len(set(keys)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["masking.key"]


def test_a_key_that_others_could_read_is_closed(tmp_path: Path) -> None:
    """A key restored from a copy with too many rights loses them."""
    path = tmp_path / "masking.key"
    key = load_or_create_key(path)
    path.chmod(0o644)
    assert load_or_create_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"abc", b"zz" * 32, b"ab" * 31, b"\xff\xfe"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """Another key is never put silently in its place: members would be hashed otherwise."""
    path = tmp_path / "masking.key"
    path.write_bytes(content)
    with pytest.raises(DataDirectoryError, match=r"put .*back from a copy"):
        load_or_create_key(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The error names the file and what to do."""
    with pytest.raises(DataDirectoryError, match=r"masking\.key.* cannot be used"):
        load_or_create_key(tmp_path / "nowhere" / "masking.key")


def test_a_key_that_is_public_is_taken_for_a_new_one_alone(tmp_path: Path) -> None:
    """A simulated network's directory has it from its first start; one that is there stays."""
    path, public = tmp_path / "masking.key", b"p" * 32
    assert load_or_create_key(path, public) == public
    assert load_or_create_key(path) == public
    assert load_or_create_key(path, b"q" * 32) == public
