"""Files that are there whole after a power cut, or not at all.

The order is always: write under a temporary name, sync the file, rename it, sync the folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from sectorwatch.errors import DiskFullError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "FILE_MODE",
    "FOLDER_MODE",
    "TEMPORARY_SUFFIX",
    "disk_errors",
    "make_folders",
    "publish",
    "sync_folder",
    "tree_bytes",
    "write_durably",
]

FILE_MODE = 0o600
FOLDER_MODE = 0o700
TEMPORARY_SUFFIX = ".part"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turns what the file system says into our own errors; `doing` completes "while ...".

    Raises DiskFullError where no space is left, StoreError for anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise DiskFullError(
                f"no space is left while {doing}: free some, or set a lower disk_budget ({error})"
            ) from error
        raise StoreError(f"{error} while {doing}: check the disk and its permissions") from error


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` last through a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folders(folder: Path, root: Path) -> None:
    """Makes `folder` below `root`, readable by its owner alone, each new name synced."""
    missing = []
    while folder != root and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=FOLDER_MODE, exist_ok=True)
        sync_folder(each.parent)


def publish(temporary: Path, final: Path) -> None:
    """Gives a file written under a temporary name its own, and makes both content and name last."""
    handle = os.open(temporary, os.O_RDONLY)
    try:
        os.fchmod(handle, FILE_MODE)
        os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(final)
    sync_folder(final.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Puts `content` at `path`, 0600, whole or not at all."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    publish(temporary, path)


def tree_bytes(folder: Path) -> int:
    """Bytes of all files below `folder`, as their sizes say; what vanishes meanwhile counts 0."""
    total = 0
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(FileNotFoundError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total
