"""Which sealed files there are: the database says so, never the file system.

A file that the manifest does not name is what a crash left of a sealing, and is removed at the next
start. A file that was replaced or dropped stays for ten minutes, for readers that hold its name.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, update

from sectorwatch.errors import DataDirectoryError
from sectorwatch.store.files import TEMPORARY_SUFFIX, disk_errors
from sectorwatch.store.schema import segment
from sectorwatch.store.segments import SegmentFile, segment_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Select

    from sectorwatch.clock import Clock
    from sectorwatch.store.database import Database
    from sectorwatch.store.segments import SegmentKind

__all__ = ["KEPT_AFTER_REPLACED_S", "Manifest", "Tidied"]

KEPT_AFTER_REPLACED_S = 600
_END = b"PAR1"
_FIELDS = ("path", "kind", "start_s", "end_s", "first_s", "last_s", "row_count", "size_bytes")


class Tidied(NamedTuple):
    """What a start found."""

    removed: list[str]
    """Files that were in no manifest."""
    missing: list[str]
    """Files of the manifest that are not there, or not whole; they are left out of answers."""


class Manifest:
    """The sealed files of a data directory; `root` is the folder that their paths start from."""

    def __init__(self, database: Database, root: Path, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.root = root

    def files(self, connection: Connection, kind: str, from_s: int, to_s: int) -> list[str]:
        """Whole paths of the files of `kind` with something between the two times, oldest first.

        The files stay readable for ten minutes, whatever becomes of them meanwhile.
        """
        rows = connection.execute(
            select(segment.c.path)
            .where(
                segment.c.kind == kind,
                segment.c.replaced_at_us.is_(None),
                segment.c.missing.is_(False),
                segment.c.first_s < to_s,
                segment.c.last_s >= from_s,
            )
            .order_by(segment.c.start_s)
        )
        return [str(self.root / path) for (path,) in rows]

    def of_period(
        self, connection: Connection, kind: SegmentKind, start_s: int
    ) -> list[SegmentFile]:
        """The files in use of the period that starts at `start_s`."""
        chosen = _in_use().where(segment.c.kind == kind.name, segment.c.start_s == start_s)
        return [SegmentFile(**row._asdict()) for row in connection.execute(chosen)]

    def names(self, connection: Connection, path: str) -> bool:
        """Whether the file at `path` is known, in use or not."""
        return connection.scalar(select(segment.c.path).where(segment.c.path == path)) is not None

    def oldest(self, connection: Connection, kind: str) -> SegmentFile | None:
        """The oldest file in use of `kind`, None where there is none."""
        chosen = _in_use().where(segment.c.kind == kind).order_by(segment.c.start_s).limit(1)
        row = connection.execute(chosen).one_or_none()
        return None if row is None else SegmentFile(**row._asdict())

    def totals(self, connection: Connection) -> dict[str, tuple[int, int]]:
        """Files in use of each kind, and their bytes together."""
        file = segment.c
        found = connection.execute(
            select(file.kind, func.count(), func.sum(file.size_bytes))
            .where(file.replaced_at_us.is_(None), file.missing.is_(False))
            .group_by(file.kind)
        )
        return {kind: (count, int(size)) for kind, count, size in found}

    def free_edition(self, connection: Connection, kind: SegmentKind, start_s: int) -> int:
        """The first edition of a period whose name nothing has, in the manifest or on the disk."""
        known = set(
            connection.scalars(
                select(segment.c.path).where(
                    segment.c.kind == kind.name, segment.c.start_s == start_s
                )
            )
        )
        edition = 0
        while (path := segment_name(kind, start_s, edition)) in known or (
            self.root / path
        ).exists():
            edition += 1
        return edition

    def add(self, connection: Connection, file: SegmentFile) -> None:
        """Names `file`, which lasts on the disk already."""
        connection.execute(
            segment.insert().values(
                **{name: getattr(file, name) for name in _FIELDS},
                sealed_at_us=self._clock.now_us(),
                replaced_at_us=None,
                missing=False,
            )
        )

    def drop(self, connection: Connection, files: Iterable[SegmentFile]) -> None:
        """Takes `files` out of use; they are unlinked when ten minutes have passed."""
        for file in files:
            connection.execute(
                update(segment)
                .where(segment.c.path == file.path)
                .values(replaced_at_us=self._clock.now_us())
            )

    def set_aside(self, paths: Iterable[str]) -> None:
        """Leaves damaged files out of answers from now on; they stay where they are."""
        with self._database.write("setting damaged files aside") as connection:
            connection.execute(
                update(segment).where(segment.c.path.in_(list(paths))).values(missing=True)
            )

    def dropped_bytes(self, connection: Connection) -> int:
        """Bytes of files that are out of use and still there."""
        total = connection.scalar(
            select(func.sum(segment.c.size_bytes)).where(segment.c.replaced_at_us.is_not(None))
        )
        return int(total or 0)

    def unlink_due(self) -> list[str]:
        """Removes the files that went out of use ten minutes ago, and gives their paths."""
        before_us = self._clock.now_us() - KEPT_AFTER_REPLACED_S * 1_000_000
        with self._database.read("asking which replaced files are due") as connection:
            due = list(
                connection.scalars(
                    select(segment.c.path).where(segment.c.replaced_at_us <= before_us)
                )
            )
        if not due:
            return due
        with disk_errors("removing replaced segments"):
            for path in due:
                (self.root / path).unlink(missing_ok=True)
        # Forgotten after they are gone: a crash in between repeats the removal, which harms nobody.
        with self._database.write("forgetting replaced files") as connection:
            connection.execute(segment.delete().where(segment.c.path.in_(due)))
        return due

    def tidy(self) -> Tidied:
        """Makes disk and manifest agree, for a start: nobody else may be sealing."""
        on_disk = set(self._walk())
        with self._database.read("reading the manifest") as connection:
            rows = connection.execute(
                select(*segment.c["path", "missing", "replaced_at_us", "size_bytes"])
            ).all()
        known = {row.path for row in rows}
        # What was cut is as good as gone; a whole one that was restored is there again.
        on_disk -= {
            row.path
            for row in rows
            if row.path in on_disk
            and row.replaced_at_us is None
            and not _is_whole(self.root / row.path, row.size_bytes)
        }
        removed = sorted(on_disk - known)
        with disk_errors("removing files of no manifest"):
            for path in removed:
                (self.root / path).unlink(missing_ok=True)
        missing = sorted(
            row.path for row in rows if row.path not in on_disk and row.replaced_at_us is None
        )
        if {row.path for row in rows if row.missing} != set(missing):
            with self._database.write("marking missing files") as connection:
                connection.execute(update(segment).values(missing=segment.c.path.in_(missing)))
        return Tidied(removed, missing)

    def require_no_strangers(self, label: str) -> None:
        """Refuses a database without history for a directory that has sealed files.

        Tidying would remove them all. Raises DataDirectoryError.
        """
        found = next((path for path in self._walk() if not path.endswith(TEMPORARY_SUFFIX)), None)
        if found is not None:
            raise DataDirectoryError(
                f"{label} is new, but {self.root} holds sealed files such as {found}: use the "
                "database they belong to, or move that folder away"
            )

    def _walk(self) -> Iterator[str]:
        for file in self.root.glob("*/date=*/*"):
            if file.name.endswith((".parquet", TEMPORARY_SUFFIX)):
                yield str(file.relative_to(self.root))


def _is_whole(path: Path, size_bytes: int) -> bool:
    """Whether a file has its size, and ends as Parquet does."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == size_bytes:
            file.seek(-len(_END), os.SEEK_END)
            return file.read() == _END
    return False


def _in_use() -> Select[*tuple[Any, ...]]:
    return select(*segment.c[_FIELDS]).where(
        segment.c.replaced_at_us.is_(None), segment.c.missing.is_(False)
    )
