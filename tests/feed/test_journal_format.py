from __future__ import annotations

import zlib
from pathlib import Path

import pytest
import zstandard

from sectorwatch.errors import JournalError, JournalVersionError
from sectorwatch.feed.journal_format import (
    FRAME_END,
    FRAME_HEADER,
    HEADER_SIZE,
    RECORD_HEADER_SIZE,
    FileHeader,
    JournalFile,
    RecordHeader,
    compression_parameters,
    file_name,
    hour_of,
    journal_files,
    pack_record_header,
    record_crc,
)
from sectorwatch.feed.records import Kind

HOUR_S = 1_678_640_400


def test_a_header_comes_back_as_it_went() -> None:
    """What is packed into the 64 bytes is what is read from them."""
    header = FileHeader(HOUR_S, 1_678_641_858_000_000, "b2:0123456789abcdef", simulated=True)
    packed = header.pack()
    assert len(packed) == HEADER_SIZE
    assert FileHeader.unpack(packed, "x") == header


def test_a_fingerprint_that_does_not_fit_is_refused() -> None:
    """A fingerprint of more than 28 bytes would be cut silently, so it is an error."""
    with pytest.raises(JournalError, match="longer than 28"):
        FileHeader(HOUR_S, 0, "x" * 29).pack()


def test_a_newer_version_is_said_to_be_newer() -> None:
    """A file of version 2, its checksum in order, says to update sectorwatch."""
    packed = bytearray(FileHeader(HOUR_S, 0, "").pack())
    packed[8] = 2
    with pytest.raises(JournalVersionError, match=r"format version 2.*update sectorwatch"):
        FileHeader.unpack(_resealed(packed), "some.journal")


def test_version_0_does_not_exist() -> None:
    """A version that never was is no journal, though the checksum holds."""
    packed = bytearray(FileHeader(HOUR_S, 0, "").pack())
    packed[8] = 0
    with pytest.raises(JournalError, match="no format version 0"):
        FileHeader.unpack(_resealed(packed), "x")


@pytest.mark.parametrize("data", [b"", b"\x89SWJ", bytes(63)])
def test_a_header_cut_short_is_an_error(data: bytes) -> None:
    """Less than 64 bytes are no header, and the error says how many there are."""
    with pytest.raises(JournalError, match=f"{len(data)} of 64"):
        FileHeader.unpack(data, "x")


def test_what_is_no_journal_is_said_to_be_none() -> None:
    """64 bytes of something else are refused with what they begin with."""
    with pytest.raises(JournalError, match=r"no journal.*PNG"):
        FileHeader.unpack(b"\x89PNG\r\n\x1a\n" + bytes(56), "x.journal")


def test_another_magic_with_a_sound_checksum_is_no_journal() -> None:
    """The checksum alone does not make a journal."""
    packed = bytearray(FileHeader(HOUR_S, 0, "").pack())
    packed[1:4] = b"ABC"
    with pytest.raises(JournalError, match="no journal"):
        FileHeader.unpack(_resealed(packed), "x")


@pytest.mark.parametrize("bit", range(HEADER_SIZE * 8))
def test_any_flipped_bit_in_a_header_is_noticed(bit: int) -> None:
    """Each of the 512 bits matters: one flipped makes the header a damaged one."""
    packed = bytearray(FileHeader(HOUR_S, 1, "abc").pack())
    packed[bit // 8] ^= 1 << bit % 8
    assert FileHeader.unpack(bytes(packed), "x").damaged


def test_the_frame_header_is_the_one_zstd_writes() -> None:
    """The six bytes that a reader takes for granted are what the compressor gives."""
    stream = zstandard.ZstdCompressor(compression_params=compression_parameters()).compressobj()
    data = stream.compress(b"x") + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    assert data.startswith(FRAME_HEADER)
    assert stream.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH) == FRAME_END


def test_a_record_header_comes_back_and_its_checksum_holds() -> None:
    """The checksum covers the header but itself, and the payload."""
    payload = b'{"general":{}}'
    packed = pack_record_header(Kind.TRANSCEIVERS, 5, 4, payload)
    assert len(packed) == RECORD_HEADER_SIZE
    header = RecordHeader.unpack(packed, 0)
    assert header == (len(payload), record_crc(packed, payload), 2, 5, 4)


def test_names_sort_as_time_does() -> None:
    """A folder sorted by name is sorted by hour, then by number."""
    names = [file_name(HOUR_S + 3600 * hour, number) for hour in range(30) for number in (1, 2, 10)]
    assert names == sorted(names)
    files = journal_files(Path("/j") / name for name in reversed(names))
    assert [file.name for file in files] == names


@pytest.mark.parametrize(
    "name",
    [
        "2023-03-12T17Z-1.journal",
        "2023-13-12T17Z-0001.journal",
        "x.journal",
        "2023-03-12T17Z-0001.journal.gz",
    ],
)
def test_other_names_are_no_journal_files(name: str) -> None:
    """Whatever else lies in the folder is not touched and not read."""
    assert JournalFile.named(Path(name)) is None


def test_a_file_that_is_gone_has_no_size(tmp_path: Path) -> None:
    """Retention may be faster than whoever asks."""
    file = JournalFile.named(tmp_path / file_name(HOUR_S, 1))
    assert file is not None
    assert file.size_bytes() == 0
    assert file.end_us == (HOUR_S + 3600) * 1_000_000


def test_the_hour_of_a_time_before_1970_is_the_one_it_lies_in() -> None:
    """Hours are cut downward, also on the far side of zero."""
    assert hour_of(-1) == -3600


def _resealed(packed: bytearray) -> bytes:
    return bytes(packed[:60]) + zlib.crc32(packed[:60]).to_bytes(4, "little")
