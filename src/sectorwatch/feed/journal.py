"""The journal: what came in, as it came in, on the disk before anything is made of it.

One file an hour of snapshot time, and always a new one after a restart or a failed write. A record
that `append` gave a position for is on the disk, whatever is killed next; one that it raised for
is not counted. `docs/journal.md` describes the bytes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import zstandard

from sectorwatch.clock import Clock, SystemClock
from sectorwatch.errors import JournalError, JournalVersionError, JournalWriteError
from sectorwatch.feed.journal_format import (
    FRAME_END,
    HEADER_SIZE,
    MAX_PAYLOAD,
    FileHeader,
    JournalFile,
    Position,
    being_written,
    compression_parameters,
    file_name,
    hour_of,
    journal_files,
    pack_record_header,
)
from sectorwatch.feed.journal_reader import FileReader, JournalReport, Problem
from sectorwatch.feed.retention import Pruned, prune
from sectorwatch.observe import LogLevel, Telemetry

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.feed.records import Kind

__all__ = ["Journal"]

_LATEST_US = 4_102_444_800_000_000  # The year 2100: a file's name has room for no more than 9999.
_REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "not_writable",
    errno.EACCES: "not_writable",
    errno.EPERM: "not_writable",
    errno.ENOENT: "not_writable",
    errno.ENOTDIR: "not_writable",
}
_ADVICE = {
    "disk_full": "the disk is full: make room, or lower journal retention",
    "not_writable": "the folder cannot be written to: check that it exists and whose it is",
    "io": "the disk failed: look at the machine's own log",
}


class Journal:
    """Appends records to a folder of journal files; one writer at a time a folder.

    `key_fingerprint` names the masking key of what is appended. Opening cuts off what a crash left
    half-written (`recovered` tells how much, and where) and goes on in a new file. Raises
    JournalVersionError where a newer version wrote into the folder, JournalWriteError where the
    folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key_fingerprint: str,
        clock: Clock | None = None,
        telemetry: Telemetry | None = None,
        simulated: bool = False,
    ) -> None:
        self.folder = folder
        self.recovered = JournalReport()
        self._fingerprint = key_fingerprint
        self._clock = clock or SystemClock()
        self._simulated = simulated
        self._lock = threading.Lock()
        self._writer: _FileWriter | None = None
        self._closed = False
        telemetry = telemetry or Telemetry.null()
        self._telemetry = telemetry
        self._records = telemetry.metrics.counter("journal_records_total")
        self._raw_bytes = telemetry.metrics.counter("journal_payload_bytes_total", unit="bytes")
        self._disk_bytes = telemetry.metrics.counter("journal_disk_bytes_total", unit="bytes")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _write_error(error, folder) from error
        self._recover()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def append(
        self,
        kind: Kind,
        received_at_us: int,
        snapshot_time_us: int,
        payload: bytes,
        *,
        key_fingerprint: str | None = None,
    ) -> Position:
        """Put a payload on the disk and say where; when this returns, it is there.

        `key_fingerprint` is given where it was masked with another key than the journal's: it then
        stands in a file of its own.

        Raises JournalWriteError where it could not be written: then it is not in the journal, what
        was of it is cut off again, and the next append begins a new file.
        """
        if len(payload) > MAX_PAYLOAD:
            raise JournalError(
                f"a payload of {len(payload)} bytes is over {MAX_PAYLOAD}: it is no feed"
            )
        if not 0 <= snapshot_time_us < _LATEST_US:
            raise JournalError(f"a snapshot at {snapshot_time_us} µs since 1970 is of no real time")
        with self._lock, self._telemetry.timed("journal_append", "journal"):
            if self._closed:
                raise JournalError(f"the journal {self.folder} is closed: open it again")
            header = pack_record_header(kind, received_at_us, snapshot_time_us, payload)
            try:
                fingerprint = self._fingerprint if key_fingerprint is None else key_fingerprint
                writer = self._writer_for(hour_of(snapshot_time_us), fingerprint)
                written = writer.write(header, payload)
            except BaseException as error:
                # Whatever stopped it, the compressor is now ahead of the file.
                failed, self._writer = self._writer, None
                if failed is not None:
                    failed.abandon()
                if isinstance(error, OSError):
                    raise self._told(_write_error(error, self.folder)) from error
                raise
            self._records.inc()
            self._raw_bytes.inc(len(payload))
            self._disk_bytes.inc(written)
            return Position(writer.path.name, writer.records - 1)

    def files(self) -> list[JournalFile]:
        """The journal's files, oldest first, the open one among them."""
        return journal_files(self.folder.iterdir())

    @property
    def open_file(self) -> str | None:
        """The name of the file that records go to now, None where none is open."""
        with self._lock:
            return None if self._writer is None else self._writer.path.name

    def prune(
        self,
        *,
        now_us: int,
        max_age_s: int | None = None,
        max_bytes: int | None = None,
        needed_from_us: int | None = None,
    ) -> Pruned:
        """Remove what is too old or too much, oldest first, never the open file; see `prune`."""
        pruned = prune(
            self.folder,
            now_us=now_us,
            max_age_s=max_age_s,
            max_bytes=max_bytes,
            needed_from_us=needed_from_us,
            keep=self.open_file,
        )
        if pruned.files:
            metrics = self._telemetry.metrics
            metrics.counter("journal_pruned_files_total").inc(len(pruned.files))
            metrics.counter("journal_pruned_bytes_total", unit="bytes").inc(pruned.bytes)
            self._telemetry.log.log_operation(
                "journal_pruned", files=len(pruned.files), bytes=pruned.bytes
            )
        return pruned

    def close(self) -> None:
        """End the open file in order. Closing twice does no harm."""
        with self._lock:
            self._closed = True
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()

    def _writer_for(self, hour_s: int, fingerprint: str) -> _FileWriter:
        """The open file if it is that hour's and key's, else a new one, the old one closed."""
        wanted = hour_s, fingerprint
        if self._writer is not None and wanted != (self._writer.hour_s, self._writer.fingerprint):
            self._writer.close()
            self._writer = None
        if self._writer is None:
            taken = [file.number for file in self.files() if file.hour_s == hour_s]
            header = FileHeader(
                hour_s, self._clock.now_us(), fingerprint, simulated=self._simulated
            )
            path = self.folder / file_name(hour_s, max(taken, default=0) + 1)
            self._writer = _FileWriter(path, header, self._telemetry)
        return self._writer

    def _recover(self) -> None:
        """Cut off what a crash left half-written, so that any reader finds whole records only."""
        for file in self.files():
            try:
                with FileReader(file.path) as reader:
                    if _ends_in_order(file.path) or being_written(file.path):
                        continue
                    for _ in reader.read():
                        pass
                    for _ in reader.finish(self.recovered):
                        pass
                if not reader.stream.damaged and not reader.header.damaged:
                    _cut(file.path, reader)
            except JournalVersionError:
                raise
            except (JournalError, OSError) as error:
                self.recovered.problems.append(Problem(file.name, 0, str(error)))
                with suppress(OSError):
                    # A crash before the header was whole: there is nothing in it.
                    if file.size_bytes() < HEADER_SIZE and not being_written(file.path):
                        self.recovered.torn_bytes += file.size_bytes()
                        file.path.unlink()
        for problem in self.recovered.problems:
            self._telemetry.log.log_operation(
                "journal_recovered",
                level=LogLevel.WARNING,
                file=problem.file,
                offset=problem.offset,
                what=problem.what,
            )

    def _told(self, error: JournalWriteError) -> JournalWriteError:
        self._telemetry.metrics.counter("journal_errors_total", {"reason": error.reason}).inc()
        self._telemetry.log.log_operation(
            "journal_append", level=LogLevel.ERROR, reason=error.reason, what=str(error)
        )
        return error


class _FileWriter:
    """One open file. `size` is where its last whole record ends."""

    def __init__(self, path: Path, header: FileHeader, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        packed = header.pack()
        self.path = path
        self.hour_s = header.hour_s
        self.fingerprint = header.key_fingerprint
        self.records = 0
        self.size = 0
        self._compressor = zstandard.ZstdCompressor(
            compression_params=compression_parameters()
        ).compressobj()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # Waits a moment at most: for a reader that just asks whether it is locked.
            with suppress(OSError):  # A file system without locks: readers take care anyway.
                fcntl.flock(self._fd, fcntl.LOCK_EX)
            self._write(packed)
        except BaseException:
            self.abandon()
            raise

    def write(self, header: bytes, payload: bytes) -> int:
        """Append a record, wait until the disk has it, and say how many bytes it took there.

        Raises OSError, after which the file can only be abandoned.
        """
        before = self.size
        data = self._compressor.compress(header) + self._compressor.compress(payload)
        self._write(data + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        with self._telemetry.timed("fsync", "journal"):
            os.fsync(self._fd)
        if not self.records:
            # The name must be there after a power cut, too.
            _sync_folder(self.path.parent)
        self.size = os.lseek(self._fd, 0, os.SEEK_CUR)
        self.records += 1
        return self.size - before

    def abandon(self) -> None:
        """Cut off what was only half-written, as far as the disk lets us, and close."""
        with suppress(OSError):
            if self.records:
                os.ftruncate(self._fd, self.size)
                os.lseek(self._fd, self.size, os.SEEK_SET)
                self._write(FRAME_END)
                os.fsync(self._fd)
            else:
                self.path.unlink()
        with suppress(OSError):
            os.close(self._fd)

    def close(self) -> None:
        """End the compressed stream and close. A failure costs nothing: all records are there."""
        with suppress(OSError):
            self._write(self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
            os.fsync(self._fd)
        with suppress(OSError):
            os.close(self._fd)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._fd, view)
            view = view[written:]


def _ends_in_order(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-len(FRAME_END), os.SEEK_END)
        return handle.read() == FRAME_END


def _cut(path: Path, reader: FileReader) -> None:
    if not reader.records:
        path.unlink()
        return
    with path.open("r+b") as handle:
        handle.truncate(reader.stream.sound_end)
        handle.seek(0, os.SEEK_END)
        handle.write(FRAME_END)
        handle.flush()
        os.fsync(handle.fileno())


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_error(error: OSError, folder: Path) -> JournalWriteError:
    reason = _REASONS.get(error.errno or 0, "io")
    return JournalWriteError(
        reason, f"cannot write the journal {folder}: {error.strerror}; {_ADVICE[reason]}"
    )
