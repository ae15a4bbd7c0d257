from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sectorwatch.errors import DataDirectoryError
from sectorwatch.store.directory import DataDirectory

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from sectorwatch.store.directory import DataDirectory
with DataDirectory.open(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """A new directory is 0700, its files 0600, and it keeps the identity it was given."""
    with DataDirectory.open(tmp_path / "deep" / "data") as directory:
        assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
        for file in directory.path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert directory.is_owner
    with DataDirectory.open(tmp_path / "deep" / "data") as again:
        assert again.instance_id == directory.instance_id


def test_every_path_lies_inside(directory: DataDirectory) -> None:
    """What the directory names is in it, and no two are the same."""
    paths = {
        directory.database,
        directory.segments,
        directory.journal,
        directory.refused,
        directory.observations,
        directory.masking_key,
        directory.operator_key,
    }
    assert len(paths) == 7
    assert all(path.parent == directory.path for path in paths)


def test_second_instance_stops_and_names_the_first(directory: DataDirectory) -> None:
    """Even within one process a second opening is refused, with the process that holds it."""
    with pytest.raises(DataDirectoryError, match=rf"in use by process {os.getpid()}: stop it"):
        DataDirectory.open(directory.path)


def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A directory held by a process that was killed can be opened at once."""
    path = tmp_path / "data"
    child = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(DataDirectoryError, match=f"in use by process {child.pid}"):
            DataDirectory.open(path)
        child.send_signal(signal.SIGKILL)
        child.wait(60)
        DataDirectory.open(path).close()
    finally:
        child.kill()
        child.communicate()


def test_running_instance_can_be_joined(directory: DataDirectory) -> None:
    """A command joins without a lock; a folder that is none of ours is not joined."""
    joined = DataDirectory.open(directory.path, lock=False)
    assert not joined.is_owner
    assert joined.instance_id == directory.instance_id
    joined.close()
    with pytest.raises(DataDirectoryError, match="is no data directory of sectorwatch"):
        DataDirectory.open(directory.path / "nowhere", lock=False)


def test_newer_directory_is_refused(tmp_path: Path) -> None:
    """A format that we do not know is named, with what to do, and nothing is touched."""
    DataDirectory.open(tmp_path).close()
    marker = tmp_path / "format"
    marker.write_text(marker.read_text().replace("format 1", "format 2"))
    with pytest.raises(DataDirectoryError, match=r"format 2, made by a newer .* upgrade"):
        DataDirectory.open(tmp_path)
    # The refusal gave the lock up.
    marker.write_text(marker.read_text().replace("format 2", "format 1"))
    DataDirectory.open(tmp_path).close()


@pytest.mark.parametrize("text", ["", "hello\n", "\0" * 500])
def test_marker_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """A marker that we did not write says that this is somebody else's folder."""
    (tmp_path / "format").write_text(text)
    with pytest.raises(DataDirectoryError, match="which sectorwatch did not write"):
        DataDirectory.open(tmp_path)


def test_lost_marker_is_not_made_anew(tmp_path: Path) -> None:
    """A database without its marker is not taken for a new directory."""
    (tmp_path / "sectorwatch.db").touch()
    with pytest.raises(DataDirectoryError, match="is missing beside a database"):
        DataDirectory.open(tmp_path)


def test_file_in_its_place_is_refused(tmp_path: Path) -> None:
    """A file where the folder should be, or above it, is named."""
    (tmp_path / "data").touch()
    with pytest.raises(DataDirectoryError, match="is a file"):
        DataDirectory.open(tmp_path / "data")
    with pytest.raises(DataDirectoryError, match="cannot be used: Not a directory"):
        DataDirectory.open(tmp_path / "data" / "below")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.ENOLCK])
def test_unusable_disk_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whatever the disk refuses, the message has its words and says what to do."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.ftruncate", refuse)
    with pytest.raises(DataDirectoryError, match=rf"cannot be used: {os.strerror(number)}|in use"):
        DataDirectory.open(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A folder that this user may not write to stops the start with clear words."""
    tmp_path.chmod(0o755)
    code = (
        "import sys\nfrom sectorwatch.store.directory import DataDirectory\n"
        "from sectorwatch.errors import DataDirectoryError\nimport os\nos.setuid(65534)\n"
        "try:\n    DataDirectory.open(sys.argv[1])\n"
        "except DataDirectoryError as error:\n    print(error)\n"
    )
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert "cannot be used: Permission denied. Make it writable" in done.stdout


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    """Given the wrong folder, such as one of recordings, nothing is written into it."""
    (tmp_path / "recording.json.gz").write_bytes(b"x")
    with pytest.raises(DataDirectoryError, match=r"'recording\.json\.gz'.*empty folder"):
        DataDirectory.open(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["recording.json.gz"]


def test_a_key_brought_along_and_a_start_cut_short_are_no_strangers(tmp_path: Path) -> None:
    """A folder with just those becomes a data directory."""
    for name in ("masking.key", "lock", "lost+found", "format.part"):
        (tmp_path / name).touch()
    with DataDirectory.open(tmp_path) as directory:
        assert directory.is_owner
