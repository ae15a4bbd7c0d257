"""How much of the journal is kept: by age, by size, and never less than is still needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sectorwatch.errors import JournalWriteError
from sectorwatch.feed.journal_format import being_written, journal_files

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Pruned", "prune"]


class Pruned(NamedTuple):
    """What was removed: the files' names, oldest first, and how many bytes they took."""

    files: tuple[str, ...]
    bytes: int


def prune(
    folder: Path,
    *,
    now_us: int,
    max_age_s: int | None = None,
    max_bytes: int | None = None,
    needed_from_us: int | None = None,
    keep: str | None = None,
) -> Pruned:
    """Remove journal files, oldest first, until none is too old and all together are not too big.

    A file is too old when its hour ended more than `max_age_s` before `now_us`. Never removed are
    the file that is being written (`keep`, or locked by another process) and those that may hold
    snapshots from `needed_from_us` on. Raises JournalWriteError where the disk refuses.
    """
    files = journal_files(folder.iterdir())
    sizes = {file: file.size_bytes() for file in files}
    total = sum(sizes.values())
    removed: list[str] = []
    freed = 0
    for file in files:
        if needed_from_us is not None and file.end_us > needed_from_us:
            break
        too_old = max_age_s is not None and file.end_us < now_us - max_age_s * 1_000_000
        too_much = max_bytes is not None and total - freed > max_bytes
        if file.name == keep or not (too_old or too_much):
            continue
        try:
            if being_written(file.path):
                continue
            file.path.unlink()
        except FileNotFoundError:
            pass  # Somebody else was faster: gone is gone.
        except OSError as error:
            raise JournalWriteError(
                "not_writable", f"cannot remove the journal file {file.path}: {error.strerror}"
            ) from error
        else:
            removed.append(file.name)
        freed += sizes[file]
    return Pruned(tuple(removed), freed)
