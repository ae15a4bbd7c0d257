"""The data directory: its layout, its version, and the lock that keeps a second instance out."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sectorwatch.errors import DataDirectoryError
from sectorwatch.store.files import (
    FILE_MODE,
    FOLDER_MODE,
    TEMPORARY_SUFFIX,
    sync_folder,
    write_durably,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["FORMAT_VERSION", "DataDirectory"]

FORMAT_VERSION = 1
# What may lie in a folder before its first start: what a start that was cut short left behind, a
# key that was brought along, and what a file system puts into its root.
_OURS = frozenset({"lock", "format" + TEMPORARY_SUFFIX, "masking.key", "lost+found"})
_MARKER = re.compile(r"sectorwatch data directory, format (\d{1,9})\nid ([0-9a-f]{32})\n")
_IN_USE = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


@dataclass(slots=True)
class DataDirectory:
    """An open data directory; every path in it comes from here.

    `instance_id` was drawn when the directory was made: a database says which directory it
    belongs to by it. `is_owner` is False where it was opened beside a running instance, for a
    command that only asks or adds a key. Everything in it can be read by its owner alone.
    """

    path: Path
    instance_id: str
    _lock: int | None = None
    _is_beside: bool = False

    @classmethod
    def open(cls, path: Path | str, *, lock: bool = True) -> Self:
        """Opens the directory at `path`, making it where it is missing, and locks it.

        With `lock` False it is joined beside whoever holds it, and must exist. Raises
        DataDirectoryError where another instance holds it, it cannot be written, it was made by a
        newer version, or it holds what is no data directory of ours.
        """
        path = Path(path).absolute()
        if not lock and not (path / "format").is_file():
            raise DataDirectoryError(
                f"{path} is no data directory of sectorwatch: give the one that `sectorwatch run` "
                "uses by --data-dir"
            )
        handle: int | None = None
        try:
            if lock:
                _make(path)
                handle = _take_lock(path)
            try:
                opened = cls(path, _read_or_write_marker(path), handle)
                if lock:
                    opened.remove_scratch()
            except BaseException:
                if handle is not None:
                    os.close(handle)
                raise
        except OSError as error:
            raise DataDirectoryError(
                f"the data directory {path} cannot be used: {error.strerror or error}. Make it "
                "writable for this user, free some space, or choose another with --data-dir"
            ) from error
        return opened

    @property
    def is_owner(self) -> bool:
        """Whether this process holds the lock."""
        return self._lock is not None

    @property
    def database(self) -> Path:
        """The SQLite database, where no other is configured."""
        return (self.scratch if self._is_beside else self.path) / "sectorwatch.db"

    @property
    def scratch(self) -> Path:
        """Where a new generation of the database is made; gone when that is in use."""
        return self.path / "rebuild"

    @property
    def proofs(self) -> Path:
        """Where copies lie on which an index is tried; gone when that is over."""
        return self.path / "proofs"

    def beside(self) -> DataDirectory:
        """The same directory, with the database of the generation that is being made in it.

        Whoever opened this one closes it, too.
        """
        return replace(self, _is_beside=True)

    @property
    def segments(self) -> Path:
        """The folder of sealed Parquet files."""
        return self.path / "segments"

    @property
    def journal(self) -> Path:
        """The folder of what came in, as it came in."""
        return self.path / "journal"

    @property
    def refused(self) -> Path:
        """The folder of the last few refused feeds."""
        return self.path / "refused"

    @property
    def observations(self) -> Path:
        """The database in which the system keeps what it observed of itself."""
        return self.path / "observe.db"

    @property
    def masking_key(self) -> Path:
        """The key by which members' numbers are hashed; it never leaves this directory."""
        return self.path / "masking.key"

    @property
    def operator_key(self) -> Path:
        """The API key that the first start writes for the person who runs the machine."""
        return self.path / "operator.key"

    def remove_scratch(self) -> None:
        """Removes what is left of a generation that never came into use; for who is the owner.

        And what is left of a copy that something was tried on.
        """
        for folder in (self.scratch, self.proofs):
            if folder.exists():
                shutil.rmtree(folder)

    def close(self) -> None:
        """Gives the lock up; the operating system does the same for a process that dies."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise DataDirectoryError(f"{path} is a file: choose a folder with --data-dir")
    if path.is_dir():
        _refuse_strangers(path)
        return
    path.mkdir(mode=FOLDER_MODE, parents=True)
    sync_folder(path.parent)


def _refuse_strangers(path: Path) -> None:
    """Keep out of a folder that holds something else: what tidies up might take it for its own."""
    if (path / "format").exists():
        return
    strangers = sorted({entry.name for entry in path.iterdir()} - _OURS)
    if strangers and "sectorwatch.db" not in strangers:
        raise DataDirectoryError(
            f"{path} holds {strangers[0]!r} and is no data directory of sectorwatch: choose an "
            "empty folder, or one that does not exist, with --data-dir"
        )


def _take_lock(path: Path) -> int:
    # flock belongs to the open file, so a second opening in one process is refused as well, and
    # it is gone with its process however that died; the pid is there only for the message.
    handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
        os.close(handle)
        if error.errno in _IN_USE:
            by = f"process {holder}" if holder else "another process"
            raise DataDirectoryError(
                f"the data directory {path} is in use by {by}: stop it, or choose another "
                "with --data-dir"
            ) from error
        raise
    return handle


def _read_or_write_marker(path: Path) -> str:
    marker = path / "format"
    try:
        # A few bytes more than ours can have, in case it is something else altogether.
        with marker.open("rb") as file:
            text = file.read(200).decode(errors="replace")
    except FileNotFoundError:
        if (path / "sectorwatch.db").exists():
            raise DataDirectoryError(
                f"{marker} is missing beside a database: restore it from a backup, or move the "
                "database away"
            ) from None
        instance_id = secrets.token_hex(16)
        content = f"sectorwatch data directory, format {FORMAT_VERSION}\nid {instance_id}\n"
        write_durably(marker, content.encode())
        return instance_id
    match = _MARKER.fullmatch(text)
    if match is None:
        raise DataDirectoryError(
            f"{marker} says {text[:60]!r}, which sectorwatch did not write: choose another "
            "directory with --data-dir, or restore the file from a backup"
        )
    if int(match[1]) > FORMAT_VERSION:
        raise DataDirectoryError(
            f"{path} has format {match[1]}, made by a newer sectorwatch; this one knows up to "
            f"{FORMAT_VERSION}: upgrade sectorwatch, or choose another directory with --data-dir"
        )
    return match[2]
