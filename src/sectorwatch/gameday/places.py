"""Where an instance keeps its data: an ordinary folder, a small disk, or beside a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sectorwatch.errors import SectorwatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cannot", "ballast", "folder", "small_disk"]

_MB = 1_000_000


class Cannot(SectorwatchError):  # noqa: N818 - no error: this machine has no way to do it
    """A fault that cannot be caused on this machine; the message says why."""


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder, gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="sectorwatch-gameday-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def small_disk(size_mb: float) -> Iterator[Path]:
    """A file system of its own in memory, of so many megabytes; raises Cannot where none can be."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None or os.geteuid() != 0:
        raise Cannot("a small file system can only be mounted by root: run it with sudo")
    with folder() as place:
        done = subprocess.run(  # noqa: S603 - the system's own, with words of ours
            [mount, "-t", "tmpfs", "-o", f"size={size_mb:.0f}m,mode=0700", "tmpfs", str(place)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Cannot(f"no small file system can be mounted here: {done.stderr.strip()}")
        try:
            yield place
        finally:
            # Lazily: whoever still has a file open there must not keep it mounted for ever.
            subprocess.run([umount, "-l", str(place)], check=False)  # noqa: S603 - as above


@contextmanager
def ballast(place: Path, leave_mb: float) -> Iterator[None]:
    """Fill the disk of `place` with a file until `leave_mb` megabytes are free."""
    disk = os.statvfs(place)
    size = disk.f_bavail * disk.f_frsize - int(leave_mb * _MB)
    if size <= 0:
        raise Cannot(f"less than {leave_mb:g} MB are free in {place} already")
    path = place / "ballast"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
