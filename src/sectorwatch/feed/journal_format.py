"""The journal's bytes: what a file begins with, what a record begins with, how files are named.

`docs/journal.md` describes the format in full, so that another program can read it.
"""

from __future__ import annotations

import fcntl
import re
import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import zstandard

from sectorwatch.clock import format_s
from sectorwatch.errors import JournalError, JournalVersionError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sectorwatch.feed.records import Kind

__all__ = [
    "FRAME_END",
    "FRAME_HEADER",
    "HEADER_SIZE",
    "HOUR_S",
    "LEVEL",
    "MAGIC",
    "MAX_FINGERPRINT",
    "MAX_PAYLOAD",
    "RECORD_HEADER_SIZE",
    "VERSION",
    "WINDOW_LOG",
    "FileHeader",
    "JournalFile",
    "Position",
    "RecordHeader",
    "being_written",
    "compression_parameters",
    "file_name",
    "hour_of",
    "journal_files",
    "pack_record_header",
    "record_crc",
]

# As PNG's: a byte that is no ASCII, and line ends that a transfer "as text" would change.
MAGIC = b"\x89SWJ\r\n\x1a\n"
VERSION = 1
HEADER_SIZE = 64
RECORD_HEADER_SIZE = 28
LEVEL = 3
WINDOW_LOG = 24
# What a zstd frame of that window begins with: no size, no checksum, no dictionary. Known
# beforehand, a reader needs to believe no length or window that a damaged file claims.
FRAME_HEADER = b"\x28\xb5\x2f\xfd\x00" + bytes([(WINDOW_LOG - 10) << 3])
# An empty raw block with the "last" bit: what a frame that was closed in order ends with.
FRAME_END = b"\x01\x00\x00"
HOUR_S = 3600
# A feed of 64 MB grows by masking: a member number of 1 digit may become one of 16.
MAX_PAYLOAD = 1 << 27
MAX_FINGERPRINT = 28

_FLAG_SIMULATED = 1
_HEADER = struct.Struct("<8sHHIqq28s")
_RECORD = struct.Struct("<IIB3xqq")
_U32 = struct.Struct("<I")
_NAME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d)Z-(\d{4,9})\.journal", re.ASCII)


class Position(NamedTuple):
    """Where a record stands: the file's name and the record's index in it, counted from 0."""

    file: str
    index: int  # type: ignore[assignment]  # a tuple has a method of that name; nobody asks it


def hour_of(time_us: int) -> int:
    """The start of the hour that a moment lies in, seconds since 1970.

    >>> hour_of(1678641858673757)
    1678640400
    """
    return time_us // 1_000_000 // HOUR_S * HOUR_S


def file_name(hour_s: int, number: int) -> str:
    """The name of the `number`-th file of an hour; names sort as hour and number do.

    >>> file_name(1678640400, 1)
    '2023-03-12T17Z-0001.journal'
    """
    return f"{format_s(hour_s)[:13]}Z-{number:04d}.journal"


def compression_parameters() -> zstandard.ZstdCompressionParameters:
    """How records are compressed: level 3 with a window of 16 MiB, some ten feeds."""
    return zstandard.ZstdCompressionParameters.from_level(LEVEL, window_log=WINDOW_LOG)


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The 64 bytes that a file begins with.

    `key_fingerprint` says which masking key the records were masked with; a header that was
    damaged (`damaged`) knows neither it nor `created_us`.
    """

    hour_s: int
    created_us: int
    key_fingerprint: str
    simulated: bool = False
    damaged: bool = False

    def pack(self) -> bytes:
        """The header as bytes. Raises JournalError where the fingerprint does not fit."""
        fingerprint = self.key_fingerprint.encode()
        if len(fingerprint) > MAX_FINGERPRINT:
            raise JournalError(
                f"the key fingerprint {self.key_fingerprint!r} is longer than {MAX_FINGERPRINT} "
                "bytes: give a shorter one"
            )
        flags = _FLAG_SIMULATED if self.simulated else 0
        head = _HEADER.pack(MAGIC, VERSION, flags, 0, self.hour_s, self.created_us, fingerprint)
        return head + _U32.pack(zlib.crc32(head))

    @classmethod
    def unpack(cls, data: bytes, name: str) -> FileHeader:
        """The header that `data` (64 bytes) holds; `name` is for the words of an error.

        A header whose checksum fails is given back as `damaged`: the records behind it are
        checked one by one anyway. Raises JournalVersionError where a newer version wrote it,
        JournalError where it is no journal.
        """
        if len(data) < HEADER_SIZE:
            raise JournalError(f"{name} is no whole journal: {len(data)} of {HEADER_SIZE} bytes")
        magic, version, flags, _, hour_s, created_us, fingerprint = _HEADER.unpack_from(data)
        sound = _U32.unpack_from(data, _HEADER.size)[0] == zlib.crc32(data[: _HEADER.size])
        if not sound:
            # Of a header in doubt nothing is believed but that it is one of ours.
            if magic != MAGIC and version != VERSION:
                raise JournalError(f"{name} is no journal: it begins with {data[:8]!r}")
            return cls(hour_s=0, created_us=0, key_fingerprint="", damaged=True)
        if magic != MAGIC:
            raise JournalError(f"{name} is no journal: it begins with {data[:8]!r}")
        if version < 1:
            raise JournalError(f"{name} is no journal: there is no format version {version}")
        if version > VERSION:
            raise JournalVersionError(
                f"{name} is a journal of format version {version}; this version of sectorwatch "
                f"reads up to {VERSION}: update sectorwatch, or give another data directory"
            )
        return cls(
            hour_s=hour_s,
            created_us=created_us,
            key_fingerprint=fingerprint.rstrip(b"\0").decode("utf-8", "replace"),
            simulated=bool(flags & _FLAG_SIMULATED),
        )


class RecordHeader(NamedTuple):
    """The 28 bytes before a payload."""

    length: int
    crc: int
    kind: int
    received_at_us: int
    snapshot_time_us: int

    @classmethod
    def unpack(cls, data: bytes | bytearray, offset: int) -> RecordHeader:
        """The record header at `offset`; whether it makes sense is the caller's question."""
        return cls(*_RECORD.unpack_from(data, offset))


def pack_record_header(
    kind: Kind, received_at_us: int, snapshot_time_us: int, payload: bytes
) -> bytes:
    """The 28 bytes that go before `payload`, its checksum among them."""
    blank = _RECORD.pack(len(payload), 0, kind, received_at_us, snapshot_time_us)
    return _RECORD.pack(
        len(payload), record_crc(blank, payload), kind, received_at_us, snapshot_time_us
    )


def record_crc(header: bytes | bytearray | memoryview, payload: bytes | memoryview) -> int:
    """CRC-32 of a record: its header without the checksum itself, then the payload."""
    return zlib.crc32(payload, zlib.crc32(header[8:], zlib.crc32(header[:4])))


@dataclass(frozen=True, slots=True, order=True)
class JournalFile:
    """One file of a journal, as its name says; ordered by hour, then number."""

    hour_s: int
    number: int
    path: Path = field(compare=False)

    @property
    def name(self) -> str:
        """The file's name, as `Position.file` has it."""
        return self.path.name

    @property
    def end_us(self) -> int:
        """The end of the file's hour: every record in it is of an earlier snapshot."""
        return (self.hour_s + HOUR_S) * 1_000_000

    def size_bytes(self) -> int:
        """The file's size now, 0 where it is gone."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @classmethod
    def named(cls, path: Path) -> JournalFile | None:
        """The file at `path`, None where its name is not a journal file's."""
        match = _NAME.fullmatch(path.name)
        if match is None:
            return None
        year, month, day, hour, number = (int(part) for part in match.groups())
        try:
            moment = datetime(year, month, day, hour, tzinfo=UTC)
        except ValueError:
            return None
        return cls(int(moment.timestamp()), number, path)


def journal_files(paths: Iterable[Path]) -> list[JournalFile]:
    """Those of `paths` that are named as journal files, oldest first."""
    return sorted(file for path in paths if (file := JournalFile.named(path)) is not None)


def being_written(path: Path) -> bool:
    """Whether a living process has the file open for appending: the writer holds a lock on it."""
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False  # A file system without locks: as if nobody wrote.
    return False
