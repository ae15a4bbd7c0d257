from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from sectorwatch.errors import DiskFullError, StoreError
from sectorwatch.store import files

if TYPE_CHECKING:
    from pathlib import Path


def test_file_is_there_whole_and_private(tmp_path: Path) -> None:
    """What is written durably is there, 0600, with nothing beside it."""
    files.write_durably(tmp_path / "a", b"one")
    files.write_durably(tmp_path / "a", b"two")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that could not be synced never takes the place of the one before."""
    files.write_durably(tmp_path / "a", b"one")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        files.write_durably(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EFBIG, DiskFullError),
        (errno.EIO, StoreError),
    ],
)
def test_disk_errors_are_ours(number: int, kind: type[StoreError]) -> None:
    """A full disk is told from any other trouble with it."""
    with pytest.raises(kind, match="while sealing") as caught, files.disk_errors("sealing"):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind


def test_folders_are_made_down_to_the_last(tmp_path: Path) -> None:
    """Each missing folder is made for its owner alone; those that are there are left."""
    files.make_folders(tmp_path / "a" / "b", tmp_path)
    files.make_folders(tmp_path / "a" / "b", tmp_path)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_tree_is_measured_without_following_links(tmp_path: Path) -> None:
    """All files below count, links by themselves, a folder that is not there nothing."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one").write_bytes(bytes(1000))
    (tmp_path / "two").write_bytes(bytes(500))
    (tmp_path / "link").symlink_to("/etc")
    assert files.tree_bytes(tmp_path) == 1500 + len("/etc")
    assert files.tree_bytes(tmp_path / "none") == 0
