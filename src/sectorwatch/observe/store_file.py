"""The SQLite file that observation is kept in: opened, and put aside where it is damaged."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.observe.drops import Drops

__all__ = ["is_damage", "open_or_replace", "open_reader", "put_aside"]

_APPLICATION_ID = 0x0B5E_4E00
_FORMAT = 1
_BUSY_S = 2.0
_DAMAGED = ("malformed", "not a database", "corrupt", "encrypted")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file itself is bad, not that it is full, locked or away.

    >>> is_damage(sqlite3.DatabaseError("database disk image is malformed"))
    True
    """
    return any(word in str(error) for word in _DAMAGED)


def open_or_replace(path: Path | None, drops: Drops) -> tuple[Path | None, sqlite3.Connection]:
    """A connection to write with, and the path it stands for; None, in memory, if there is no way.

    A damaged file, or one of a newer version, is put aside and a new one begun; all is counted.
    """
    if path is None:
        return None, _open(":memory:")
    for _ in range(2):
        try:
            # Made here, so that it is readable by its owner alone from the first byte on.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            return path, _open(str(path))
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                break
            put_aside(path, drops)
        except OSError:
            break
    # Without a disk the program is still watched, until it ends.
    drops.count("open_failed")
    return None, _open(":memory:")


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read. Raises `sqlite3.Error`."""
    reader = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=_BUSY_S)
    reader.execute("PRAGMA query_only=1")
    return reader


def put_aside(path: Path, drops: Drops) -> None:
    """Rename a file that cannot be used to `.damaged`, for a look; the last such one is kept."""
    drops.count("damaged_file_put_aside")
    try:
        path.replace(path.with_name(f"{path.name}.damaged"))
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
    except OSError:
        drops.count("put_aside_failed")


def _open(name: str) -> sqlite3.Connection:
    # Statements and transactions are ours alone: the driver must not begin any by itself.
    writer = sqlite3.connect(name, check_same_thread=False, isolation_level=None, timeout=_BUSY_S)
    try:
        # An hour of one series takes about 2 kB: small pages would be half empty.
        writer.execute("PRAGMA page_size=16384")
        writer.execute("PRAGMA auto_vacuum=INCREMENTAL")
        writer.execute("PRAGMA journal_mode=WAL")
        # Checkpoints are made after commits, when no reader waits for them.
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("PRAGMA journal_size_limit=16000000")
        writer.execute("PRAGMA cache_size=-4096")
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        if version > _FORMAT:
            # Put aside like a damaged one, never written to.
            raise sqlite3.DatabaseError(f"not a database of version {_FORMAT} but {version}")
        writer.execute(f"PRAGMA user_version={_FORMAT}")
        writer.execute(f"PRAGMA application_id={_APPLICATION_ID}")
    except sqlite3.Error:
        writer.close()
        raise
    return writer
