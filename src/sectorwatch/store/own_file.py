"""Whether the file that a database was opened from is still the one at its path.

A process that has a file open goes on writing to it wherever it is moved, and into nothing where it
was deleted: all that is written then is lost at the next start, and nothing says so.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sectorwatch.errors import DatabaseAwayError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OwnFile"]


class OwnFile:
    """The file at `path` as it is now, to be told from any other that may lie there later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = _identity(path)

    def require(self, label: str) -> None:
        """Raise DatabaseAwayError where it lies there no more."""
        try:
            now = _identity(self._path)
        except OSError as error:
            raise DatabaseAwayError(
                f"{label} was moved or deleted while it was in use ({error.strerror}): put the "
                "file back, or stop the program and restore it from a backup"
            ) from error
        if now != self._identity:
            raise DatabaseAwayError(
                f"{label} was moved while it was in use, and another file lies in its place: put "
                "the first one back, or restart the program to use the other"
            )


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - asked before every question: half the time of Path's
    return found.st_dev, found.st_ino
