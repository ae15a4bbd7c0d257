"""Reading a journal back: in time order, in little memory, and past what is damaged.

What cannot be handed out is counted and named in a `JournalReport`: a tail torn off by a crash, a
record with a flipped bit, bytes behind a block that zstd itself cannot decode. Files are read
while they are written, too.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from sectorwatch.errors import JournalError, JournalVersionError
from sectorwatch.feed.journal_format import (
    HEADER_SIZE,
    FileHeader,
    JournalFile,
    Position,
    being_written,
    journal_files,
)
from sectorwatch.feed.journal_stream import RecordStream
from sectorwatch.feed.records import Kind, RawFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.feed.journal_stream import StreamRecord

__all__ = [
    "FileReader",
    "JournalFollower",
    "JournalReport",
    "Problem",
    "journal_headers",
    "read_journal",
    "read_records",
]

_CHUNK = 1 << 18


class Problem(NamedTuple):
    """Something wrong in a file: from about which byte on, in words."""

    file: str
    offset: int
    what: str


@dataclass(slots=True)
class JournalReport:
    """What reading a journal found, filled while it is read.

    `torn_bytes` were cut off by a crash or a full disk before a record was whole.
    `corrupt_records` failed their checksum (a stretch in which no record can be made out counts
    once), and `lost_bytes` of the files held them.
    """

    files: int = 0
    records: int = 0
    torn_bytes: int = 0
    corrupt_records: int = 0
    lost_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)


class FileReader:
    """Reads one file as far as it is there, and more of it when asked again.

    Raises JournalVersionError where a newer version wrote it, JournalError where it is no journal,
    OSError where it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0
        """How many have been handed out."""
        self._handle = path.open("rb")
        try:
            self.header = FileHeader.unpack(self._handle.read(HEADER_SIZE), str(path))
        except BaseException:
            self._handle.close()
            raise
        named = JournalFile.named(path)
        hour_s = None if named is None else named.hour_s
        self.stream = RecordStream(hour_s if self.header.damaged else self.header.hour_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._handle.close()

    def read(self) -> Iterator[tuple[Position, RawFeed]]:
        """The records that are there now and were not handed out before."""
        # Left midway and asked again, it goes on where it was: nothing is kept in here.
        while True:
            while (record := self.stream.next()) is not None:
                yield self._hand_out(record)
            data = self._handle.read(_CHUNK)
            if not data:
                return
            self.stream.push(data)

    def finish(self, report: JournalReport) -> Iterator[tuple[Position, RawFeed]]:
        """What is left where nothing more will come; then `report` tells of this file."""
        while (record := self.stream.next_behind()) is not None:
            yield self._hand_out(record)
        stream, name = self.stream, self.path.name
        rest = self._handle.tell() - stream.sound_end
        report.files += 1
        report.records += self.records
        report.corrupt_records += stream.corrupt
        report.lost_bytes += stream.lost_bytes
        report.problems += (Problem(name, offset, what) for offset, what in stream.notes)
        if self.header.damaged:
            report.problems.append(Problem(name, 0, "the file's header is damaged"))
        if stream.damaged:
            report.lost_bytes += rest
        elif rest and not being_written(self.path):
            report.torn_bytes += rest
            what = f"{rest} bytes of a record that was never whole"
            report.problems.append(Problem(name, stream.sound_end, what))

    def _hand_out(self, record: StreamRecord) -> tuple[Position, RawFeed]:
        # What was lost before it counts: the index is the one that the writer gave, mostly.
        index = self.records + self.stream.corrupt
        self.records += 1
        raw = RawFeed(
            kind=Kind(record.header.kind),
            payload=record.payload,
            received_at_us=record.header.received_at_us,
            masked=True,
            snapshot_time_us=record.header.snapshot_time_us,
            key_fingerprint=self.header.key_fingerprint,
        )
        return Position(self.path.name, index), raw


def read_journal(
    path: Path,
    *,
    after_snapshot_time_us: int | None = None,
    after: Position | None = None,
    report: JournalReport | None = None,
) -> Iterator[RawFeed]:
    """The feeds in a journal (a folder, or one file of it) in time order, one in memory at a time.

    See `read_records` for the parameters and what is raised.
    """
    for _, raw in read_records(
        path, after_snapshot_time_us=after_snapshot_time_us, after=after, report=report
    ):
        yield raw


def read_records(
    path: Path,
    *,
    after_snapshot_time_us: int | None = None,
    after: Position | None = None,
    report: JournalReport | None = None,
) -> Iterator[tuple[Position, RawFeed]]:
    """The feeds in a journal in time order, each with where it stands.

    With `after_snapshot_time_us` only those of later snapshots: files whose hour ended before are
    not opened. With `after` only those behind that record. Damage is told in `report`, not
    raised. Raises JournalVersionError, before anything is read, where a newer version wrote one
    of the files; JournalError where `path` does not exist or is a file and no journal.
    """
    report = JournalReport() if report is None else report
    files = _wanted(path, after_snapshot_time_us, after)
    _refuse_newer(files)
    after_us = -1 if after_snapshot_time_us is None else after_snapshot_time_us
    for file in files:
        try:
            reader = FileReader(file)
        except FileNotFoundError:
            continue  # Retention was faster.
        except JournalVersionError:
            raise
        except (JournalError, OSError) as error:
            if file == path:
                raise JournalError(f"cannot read the journal file {file}: {error}") from error
            _count_unreadable(file, error, report)
            continue
        for position, raw in _records_of(reader, report):
            if after is not None and position.file == after.file and position.index <= after.index:
                continue
            if (raw.snapshot_time_us or 0) > after_us:
                yield position, raw


def journal_headers(path: Path) -> list[FileHeader]:
    """The headers of a journal's files, oldest first, those left out that are damaged.

    Whoever rebuilds learns from them which masking keys the records were masked with. Raises as
    `read_records` does.
    """
    found = []
    for file in _wanted(path, None, None):
        try:
            with FileReader(file) as reader:
                if not reader.header.damaged:
                    found.append(reader.header)
        except JournalVersionError:
            raise
        except (JournalError, OSError):
            continue
    return found


class JournalFollower:
    """Reads a journal folder while another process or thread writes it; each record once.

    Give `after` to begin behind a record, else it begins with the oldest.
    """

    def __init__(self, folder: Path, *, after: Position | None = None) -> None:
        self.folder = folder
        self.report = JournalReport()
        self._after = after
        self._reader: FileReader | None = None
        self._seen: set[str] = set()

    def poll(self) -> Iterator[tuple[Position, RawFeed]]:
        """The records that were written since the last time it was asked."""
        while True:
            waiting = self._unseen()
            if self._reader is None:
                if not waiting or not self._open(waiting[0]):
                    return
                continue
            # Asked before reading: once a newer file stands there, this one grows no more.
            for position, raw in self._reader.read():
                if self._after is None or position > self._after:
                    yield position, raw
            if not waiting:
                return
            yield from self._reader.finish(self.report)
            self.close()

    def close(self) -> None:
        """Let go of the file being read."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _unseen(self) -> list[JournalFile]:
        files = journal_files(self.folder.iterdir())
        self._seen &= {file.name for file in files}
        begin = None if self._after is None else self._after.file
        return [f for f in files if f.name not in self._seen and (begin is None or f.name >= begin)]

    def _open(self, file: JournalFile) -> bool:
        """Begin with `file`; False where it is so new that its header is not there yet."""
        with suppress(FileNotFoundError):
            if file.size_bytes() < HEADER_SIZE and being_written(file.path):
                return False
            self._seen.add(file.name)
            try:
                self._reader = FileReader(file.path)
            except JournalVersionError:
                raise
            except (JournalError, OSError) as error:
                _count_unreadable(file.path, error, self.report)
        return True


def _wanted(path: Path, after_us: int | None, after: Position | None) -> list[Path]:
    if path.is_file():
        return [path]
    try:
        files = journal_files(path.iterdir())
    except OSError as error:
        raise JournalError(f"cannot read the journal {path}: {error.strerror}") from error
    if after_us is not None:
        files = [file for file in files if file.end_us > after_us]
    if after is not None:
        files = [file for file in files if file.name >= after.file]
    return [file.path for file in files]


def _refuse_newer(files: list[Path]) -> None:
    """Raise JournalVersionError before anything was read, rather than halfway through."""
    for file in files:
        try:
            FileReader(file).close()
        except JournalVersionError:
            raise
        except (JournalError, OSError):
            continue  # Told when its turn comes.


def _records_of(reader: FileReader, report: JournalReport) -> Iterator[tuple[Position, RawFeed]]:
    with reader:
        try:
            yield from reader.read()
        except OSError as error:
            what = f"cannot be read on: {error.strerror}"
            report.problems.append(Problem(reader.path.name, reader.stream.sound_end, what))
        yield from reader.finish(report)


def _count_unreadable(file: Path, error: Exception, report: JournalReport) -> None:
    report.files += 1
    with suppress(OSError):
        size = file.stat().st_size
        if size < HEADER_SIZE:
            report.torn_bytes += size
        else:
            report.lost_bytes += size
    report.problems.append(Problem(file.name, 0, str(error)))
