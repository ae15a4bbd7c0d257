from __future__ import annotations

import gzip
import itertools
import os
import random
import re
import sys
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorwatch.clock import parse_us
from sectorwatch.errors import JournalError
from sectorwatch.feed import journal_stream
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.journal_format import (
    FRAME_HEADER,
    HEADER_SIZE,
    FileHeader,
    Position,
    pack_record_header,
    record_crc,
)
from sectorwatch.feed.journal_reader import (
    FileReader,
    JournalFollower,
    JournalReport,
    journal_headers,
    read_journal,
    read_records,
)
from sectorwatch.feed.records import Kind, RawFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR_S = 1_678_640_400
START_US = HOUR_S * 1_000_000
HOUR_US = 3_600_000_000
NAME = "2023-03-12T17Z-0001.journal"


def made_payloads(sizes: list[int], seed: int) -> list[bytes]:
    """Payloads of these sizes, each mostly the one before it, as feeds are."""
    rng = random.Random(seed)
    text = bytearray(rng.choices(b'{}[]":,0123456789abcdefghij', k=max(sizes)))
    out = []
    for size in sizes:
        for _ in range(max(3, size // 200)):
            text[rng.randrange(len(text))] = rng.randrange(33, 126)
        out.append(bytes(text[:size]))
    return out


def journal_of(folder: Path, sent: list[bytes], *, start_us: int = START_US) -> list[int]:
    """A journal of one file over `folder`; gives where each of its records ends."""
    ends = []
    with Journal(folder, key_fingerprint="test") as journal:
        for i, payload in enumerate(sent):
            kind = Kind.TRANSCEIVERS if i % 4 == 3 else Kind.FEED
            journal.append(kind, start_us + i, start_us + i, payload)
            ends.append(journal.files()[-1].size_bytes())
    return ends


class Sample(NamedTuple):
    """A file's bytes, the payloads in it, and where each record ends; some span several blocks."""

    data: bytes
    sent: list[bytes]
    ends: list[int]

    def __repr__(self) -> str:
        return f"<a journal of {len(self.data)} bytes>"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A file of eight records, small and large."""
    folder = tmp_path_factory.mktemp("sample")
    sent = made_payloads([900, 1_200, 400, 140_000, 1_100, 300_000, 800, 700], seed=3)
    ends = journal_of(folder, sent)
    return Sample((folder / NAME).read_bytes(), sent, ends)


def read_back(folder: Path, data: bytes) -> tuple[list[RawFeed], JournalReport]:
    """What a journal file of these bytes gives."""
    (folder / NAME).write_bytes(data)
    report = JournalReport()
    return list(read_journal(folder, report=report)), report


def test_every_cut_gives_every_whole_record_and_no_other(tmp_path: Path, sample: Sample) -> None:
    """Cut at any byte: the records before it come whole, and what is left over is counted."""
    data, sent, ends = sample
    # All of the small ones, and around every place where something begins or ends.
    cuts = set(range(ends[2] + 40)) | {e + d for e in ends for d in range(-6, 7)}
    cuts |= set(random.Random(1).sample(range(len(data)), 150))
    for cut in sorted(c for c in cuts if 0 <= c <= len(data)):
        got, report = read_back(tmp_path, data[:cut])
        whole = sum(end <= cut for end in ends)
        assert [raw.payload for raw in got] == sent[:whole], cut
        assert report.records == whole
        assert report.corrupt_records == 0
        sound = ends[whole - 1] if whole else HEADER_SIZE + len(FRAME_HEADER)
        if cut == len(data):
            assert report.problems == []
        elif cut < sound:
            assert report.torn_bytes == (cut if cut < HEADER_SIZE else cut - HEADER_SIZE)
        else:
            assert report.torn_bytes == cut - sound
            assert [p.offset for p in report.problems] == ([sound] if cut > sound else [])


def test_who_watches_the_program_does_not_disturb_the_reading(
    tmp_path: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profiler holds frames, and with them what their calls were given, beyond their end."""
    frames = []

    def watched(header: memoryview, payload: memoryview) -> int:
        frames.append(sys._getframe())
        return record_crc(header, payload)

    monkeypatch.setattr(journal_stream, "record_crc", watched)
    got, report = read_back(tmp_path, sample.data)
    assert [raw.payload for raw in got] == sample.sent
    assert report.problems == []
    assert len(frames) >= len(sample.sent)


@settings(max_examples=300)
@given(where=st.integers(0, 2**32))
def test_a_flipped_bit_never_gives_a_wrong_record(
    sample: Sample,
    tmp_path_factory: pytest.TempPathFactory,
    where: int,
) -> None:
    """Whatever bit flips: all before it is delivered, nothing wrong ever is, and it is reported."""
    data, sent, ends = sample
    bit = where % (len(data) * 8)
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    got, report = read_back(tmp_path_factory.getbasetemp(), bytes(damaged))
    assert_sound(got, sent, ends, first_damage=bit // 8)
    # A few bits of a zstd block carry nothing: flipped, the records are still what they were.
    assert report.problems or len(got) == len(sent), "the damage went unnoticed"
    assert report.records == len(got)
    if len(got) < len(sent):
        assert report.corrupt_records + (report.torn_bytes > 0) >= 1
        assert report.lost_bytes + report.torn_bytes > 0


@settings(max_examples=150)
@given(where=st.integers(0, 2**32), size=st.integers(1, 5_000), how=st.integers(0, 3))
def test_a_burst_of_garbage_never_gives_a_wrong_record(
    sample: Sample,
    tmp_path_factory: pytest.TempPathFactory,
    where: int,
    size: int,
    how: int,
) -> None:
    """A stretch overwritten, cut out or put in twice costs what it touched, and never lies."""
    data, sent, ends = sample
    start = where % len(data)
    middle = (b"", bytes(size), b"\xff" * size, data[start : start + size] * 2)[how]
    damaged = data[:start] + middle + data[start + size :]
    got, _ = read_back(tmp_path_factory.getbasetemp(), damaged)
    assert_sound(got, sent, ends, first_damage=start)


@settings(max_examples=100)
@given(garbage=st.binary(max_size=400), head=st.integers(0, HEADER_SIZE + 10))
def test_any_bytes_at_all_are_read_without_a_crash(
    sample: Sample,
    tmp_path_factory: pytest.TempPathFactory,
    garbage: bytes,
    head: int,
) -> None:
    """A file of anything gives no record and no error but a journal's own."""
    folder = tmp_path_factory.getbasetemp()
    got, _ = read_back(folder, sample[0][:head] + garbage)
    assert got == []
    with suppress(JournalError):
        assert list(read_journal(folder / NAME)) == []


def assert_sound(
    got: list[RawFeed], sent: list[bytes], ends: list[int], *, first_damage: int
) -> None:
    """Each record that came is one that was sent, in order; none from before the damage lacks."""
    numbers = [raw.received_at_us - START_US for raw in got]
    assert numbers == sorted(set(numbers))
    for number, raw in zip(numbers, got, strict=True):
        assert raw.payload == sent[number]
        assert raw.snapshot_time_us == START_US + number
        assert raw.kind == (Kind.TRANSCEIVERS if number % 4 == 3 else Kind.FEED)
    intact = sum(end <= first_damage for end in ends)
    assert numbers[:intact] == list(range(intact))


def raw_blocks(records: list[bytes]) -> bytes:
    """A file whose records lie in raw blocks, so that a test knows where every byte is."""
    header = FileHeader(HOUR_S, 0, "test").pack()
    blocks = b"".join((len(r) << 3).to_bytes(3, "little") + r for r in records)
    return header + FRAME_HEADER + blocks + b"\x01\0\0"


def record(number: int, payload: bytes) -> bytes:
    """A record's bytes."""
    head = pack_record_header(Kind.FEED, START_US + number, START_US + number, payload)
    return head + payload


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ((0, b"\xff\xff\xff\x7f"), "what should be a record is none"),
        ((0, b"\x70\x00\x00\x00"), "checksum does not hold"),
        ((0, b"\xff\xff\x00\x00"), "the length of a record is damaged"),
        ((4, b"\x00\x00\x00\x00"), "checksum does not hold"),
        ((8, b"\x07"), "what should be a record is none"),
        ((9, b"\x01"), "what should be a record is none"),
        ((20, b"\0" * 8), "what should be a record is none"),
        ((40, b"?"), "checksum does not hold"),
    ],
)
def test_reading_goes_on_behind_a_damaged_record(
    tmp_path: Path, damage: tuple[int, bytes], problem: str
) -> None:
    """Length, checksum, kind, time or payload: the next record is found all the same."""
    records = [bytearray(record(n, b"payload %d " % n * 9)) for n in range(5)]
    at, value = damage
    records[2][at : at + len(value)] = value
    got, report = read_back(tmp_path, raw_blocks([bytes(r) for r in records]))
    assert [raw.received_at_us - START_US for raw in got] == [0, 1, 3, 4]
    assert report.corrupt_records == 1
    assert report.lost_bytes == len(records[2]) + 3
    assert problem in report.problems[0].what
    assert report.problems[0].offset == HEADER_SIZE + 6 + 2 * (len(records[0]) + 3)
    assert report.torn_bytes == 0


def test_positions_count_what_was_lost(tmp_path: Path) -> None:
    """A record behind a damaged one keeps the index that append gave it."""
    records = [bytearray(record(n, b"x" * 50)) for n in range(4)]
    records[1][30] ^= 1
    (tmp_path / NAME).write_bytes(raw_blocks([bytes(r) for r in records]))
    assert [p.index for p, _ in read_records(tmp_path)] == [0, 2, 3]


def test_two_damaged_records_count_as_two(tmp_path: Path) -> None:
    """Each record whose header still speaks counts by itself."""
    records = [bytearray(record(n, b"x" * 50)) for n in range(5)]
    records[1][40] ^= 1
    records[2][40] ^= 1
    _, report = read_back(tmp_path, raw_blocks([bytes(r) for r in records]))
    assert (report.corrupt_records, report.records) == (2, 3)


def test_a_damaged_last_record_is_corrupt_not_torn(tmp_path: Path) -> None:
    """It is all there, but not as it was written."""
    records = [bytearray(record(n, b"x" * 50)) for n in range(2)]
    records[1][40] ^= 1
    _, report = read_back(tmp_path, raw_blocks([bytes(r) for r in records]))
    assert (report.corrupt_records, report.records, report.torn_bytes) == (1, 1, 0)
    assert report.lost_bytes == len(records[1]) + 3 + 3


def test_a_last_block_that_is_not_the_last_is_read_over(tmp_path: Path) -> None:
    """One flipped bit says "the last block": all behind it comes, and the bit is reported."""
    data = bytearray(raw_blocks([record(n, b"x" * 50) for n in range(3)]))
    data[HEADER_SIZE + len(FRAME_HEADER)] |= 1
    got, report = read_back(tmp_path, bytes(data))
    assert len(got) == 3
    assert [p.what for p in report.problems] == ["a block that claims to be the last is not"]


def test_zeros_behind_the_last_record_are_a_torn_tail(tmp_path: Path) -> None:
    """After a power cut a file may be longer than what was ever written into it."""
    data = raw_blocks([record(n, b"x" * 50) for n in range(3)])[:-3]
    got, report = read_back(tmp_path, data + bytes(4096))
    assert (len(got), report.torn_bytes, report.corrupt_records) == (3, 4096, 0)


def test_a_damaged_file_header_does_not_cost_the_records(tmp_path: Path) -> None:
    """Each record has a checksum of its own; that the header is damaged is said."""
    data = bytearray(raw_blocks([record(n, b"x" * 50) for n in range(3)]))
    data[20] ^= 0xFF
    got, report = read_back(tmp_path, bytes(data))
    assert len(got) == 3
    assert "header is damaged" in report.problems[0].what
    other = tmp_path / "renamed"
    other.write_bytes(data)
    assert len(list(read_journal(other))) == 3


def test_a_damaged_frame_header_does_not_cost_the_records(tmp_path: Path) -> None:
    """It is the same in every file, so it needs no believing."""
    data = bytearray(raw_blocks([record(n, b"x" * 50) for n in range(3)]))
    data[HEADER_SIZE + 5] ^= 0xFF
    got, report = read_back(tmp_path, bytes(data))
    assert len(got) == 3
    assert "head of the compressed stream" in report.problems[0].what


def test_a_length_that_lies_cannot_take_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record never claims more than a feed may have: the buffer stays that small."""
    monkeypatch.setattr(journal_stream, "MAX_PAYLOAD", 1_000)
    records = [record(0, b"x" * 50), record(1, b"x" * 1_001), record(2, b"y")]
    got, report = read_back(tmp_path, raw_blocks(records))
    assert [raw.received_at_us - START_US for raw in got] == [0, 2]
    assert report.corrupt_records == 1


def test_reading_behind_a_time_opens_only_files_that_may_hold_it(tmp_path: Path) -> None:
    """Files of hours that ended before are not even opened."""
    for hour in range(4):
        journal_of(tmp_path, made_payloads([500] * 3, hour), start_us=START_US + hour * HOUR_US)
    (tmp_path / NAME).write_bytes(b"spoiled, so that opening it would show")
    report = JournalReport()
    after_us = START_US + 2 * HOUR_US + 1
    got = list(read_journal(tmp_path, after_snapshot_time_us=after_us, report=report))
    assert [raw.snapshot_time_us for raw in got] == [
        START_US + 2 * HOUR_US + 2,
        *(START_US + 3 * HOUR_US + i for i in range(3)),
    ]
    assert (report.files, report.problems) == (2, [])


def test_the_last_moment_of_an_hour_belongs_to_it(tmp_path: Path) -> None:
    """Asked for what comes after the last microsecond but one, the last record comes."""
    with Journal(tmp_path, key_fingerprint="") as journal:
        journal.append(Kind.FEED, 0, START_US + HOUR_US - 1, b"last")
    after_us = START_US + HOUR_US - 2
    assert [r.payload for r in read_journal(tmp_path, after_snapshot_time_us=after_us)] == [b"last"]
    assert list(read_journal(tmp_path, after_snapshot_time_us=after_us + 1)) == []


def test_reading_behind_a_position_goes_on_where_it_was(tmp_path: Path) -> None:
    """Every position given is one that reading can go on behind, also in the next file."""
    for hour in range(3):
        journal_of(tmp_path, made_payloads([300] * 3, hour), start_us=START_US + hour * HOUR_US)
    everything = list(read_records(tmp_path))
    for i, (position, _) in enumerate(everything):
        assert list(read_records(tmp_path, after=position)) == everything[i + 1 :]


def test_one_file_may_be_read_alone_under_any_name(tmp_path: Path) -> None:
    """A file copied out of the folder is read by its header, not by its name."""
    sent = made_payloads([500, 600], 1)
    journal_of(tmp_path, sent)
    (tmp_path / NAME).rename(tmp_path / "copy.bin")
    assert [raw.payload for raw in read_journal(tmp_path / "copy.bin")] == sent


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is named, with what the system said."""
    with pytest.raises(JournalError, match=r"nowhere: No such file"):
        list(read_journal(tmp_path / "nowhere"))


def test_a_file_that_is_no_journal_is_an_error_alone_and_a_problem_among_others(
    tmp_path: Path,
) -> None:
    """Asked for that file, it raises; in a folder the others are read and it is told."""
    journal_of(tmp_path, made_payloads([500], 1))
    foreign = tmp_path / "2023-03-12T16Z-0001.journal"
    foreign.write_bytes(b"x" * 100)
    with pytest.raises(JournalError, match="no journal"):
        list(read_journal(foreign))
    report = JournalReport()
    assert len(list(read_journal(tmp_path, report=report))) == 1
    assert (report.lost_bytes, report.problems[0].file) == (100, foreign.name)


def test_a_file_that_cannot_be_opened_is_a_problem_of_its_own(tmp_path: Path) -> None:
    """A folder where a file should be does not stop the others from being read."""
    journal_of(tmp_path, made_payloads([500], 1))
    (tmp_path / "2023-03-12T16Z-0001.journal").mkdir()
    report = JournalReport()
    assert len(list(read_journal(tmp_path, report=report))) == 1
    assert "directory" in report.problems[0].what
    assert [header.key_fingerprint for header in journal_headers(tmp_path)] == ["test"]


def test_a_disk_that_fails_midway_keeps_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records from before the failing place are delivered, and the rest is told."""
    sent = made_payloads([200_000] * 4, 2)
    ends = journal_of(tmp_path, sent)
    monkeypatch.setattr("sectorwatch.feed.journal_reader._CHUNK", ends[1])
    real = FileReader.__init__

    class Failing:
        def __init__(self, handle: object) -> None:
            self.handle, self.reads = handle, 0

        def read(self, size: int) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise OSError(5, "Input/output error")
            data: bytes = self.handle.read(size)  # type: ignore[attr-defined]
            return data

        def __getattr__(self, name: str) -> object:
            return getattr(self.handle, name)

    def opened(self: FileReader, path: Path) -> None:
        real(self, path)
        self._handle = Failing(self._handle)  # type: ignore[assignment]

    monkeypatch.setattr(FileReader, "__init__", opened)
    report = JournalReport()
    assert [raw.payload for raw in read_journal(tmp_path, report=report)] == sent[:2]
    assert "Input/output error" in report.problems[0].what


def test_a_file_that_retention_took_meanwhile_is_passed_over(tmp_path: Path) -> None:
    """Listing and reading are two moments; between them a file may go."""
    for hour in range(3):
        journal_of(tmp_path, made_payloads([300], hour), start_us=START_US + hour * HOUR_US)
    reading = read_journal(tmp_path)
    next(reading)
    (tmp_path / "2023-03-12T18Z-0001.journal").unlink()
    assert [raw.snapshot_time_us for raw in reading] == [START_US + 2 * HOUR_US]


def test_a_file_removed_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    """An open file stays readable, whatever becomes of its name."""
    sent = made_payloads([300] * 3, 1)
    journal_of(tmp_path, sent)
    reading = read_journal(tmp_path)
    first = next(reading)
    (tmp_path / NAME).unlink()
    assert [first.payload, *(raw.payload for raw in reading)] == sent


def test_reading_takes_the_memory_of_one_feed(tmp_path: Path) -> None:
    """However long the journal: what is held is a record and a block, never the file."""
    journal_of(tmp_path, made_payloads([200_000] * 20, 1))
    with FileReader(tmp_path / NAME) as reader:
        held = [len(reader.stream._buffer) for _ in reader.read()]
    assert len(held) == 20
    assert max(held) < 200_000


def test_headers_tell_the_masking_key_and_whether_it_is_made(tmp_path: Path) -> None:
    """Whoever rebuilds learns which keys the records were masked with; a damaged one tells none."""
    for key in ("one", "two"):
        with Journal(tmp_path, key_fingerprint=key, simulated=key == "two") as journal:
            journal.append(Kind.FEED, START_US, START_US, b"{}")
    said = [(header.key_fingerprint, header.simulated) for header in journal_headers(tmp_path)]
    assert said == [("one", False), ("two", True)]
    assert [header.key_fingerprint for header in journal_headers(tmp_path / NAME)] == ["one"]
    data = bytearray((tmp_path / NAME).read_bytes())
    data[40] ^= 1
    (tmp_path / NAME).write_bytes(data)
    assert [header.key_fingerprint for header in journal_headers(tmp_path)] == ["two"]


def test_a_newer_file_stops_headers_and_followers_too(tmp_path: Path) -> None:
    """A newer version's file is not guessed at."""
    journal_of(tmp_path, [b"{}"])
    newer(tmp_path / NAME)
    with pytest.raises(JournalError, match="update sectorwatch"):
        journal_headers(tmp_path)
    with pytest.raises(JournalError, match="update sectorwatch"):
        list(JournalFollower(tmp_path).poll())


def newer(path: Path) -> None:
    """Make a file one of a newer format version."""
    data = bytearray(path.read_bytes())
    data[8] = 2
    data[60:64] = zlib.crc32(data[:60]).to_bytes(4, "little")
    path.write_bytes(data)


def test_a_follower_sees_each_record_once_as_it_comes(tmp_path: Path) -> None:
    """Through new hours, restarts and half-written tails, polled at any moment."""
    sent = made_payloads([700] * 12, 4)
    follower = JournalFollower(tmp_path)
    got = [raw.payload for _, raw in follower.poll()]
    number = 0
    for run in range(3):
        with Journal(tmp_path, key_fingerprint="") as journal:
            for i in range(4):
                time_us = START_US + (number // 3) * HOUR_US + i
                journal.append(Kind.FEED, time_us, time_us, sent[number])
                number += 1
                if (number + run) % 3:
                    got += [raw.payload for _, raw in follower.poll()]
    got += [raw.payload for _, raw in follower.poll()]
    assert got == sent
    assert list(follower.poll()) == []
    follower.close()


def test_a_follower_waits_for_a_record_that_is_half_there(tmp_path: Path) -> None:
    """Half a record is neither delivered nor torn; the other half completes it."""
    (tmp_path / "source").mkdir()
    sent = made_payloads([900] * 3, 5)
    ends = journal_of(tmp_path / "source", sent)
    data = (tmp_path / "source" / NAME).read_bytes()
    follower = JournalFollower(tmp_path)
    got: list[bytes] = []
    with (tmp_path / NAME).open("wb") as handle:
        for start, end in (
            (0, 10),
            (10, ends[0] + 9),
            (ends[0] + 9, ends[1]),
            (ends[1], len(data)),
        ):
            handle.write(data[start:end])
            handle.flush()
            if start:
                got += [raw.payload for _, raw in follower.poll()]
    assert got == sent
    follower.close()


def test_a_follower_left_midway_goes_on_where_it_was(tmp_path: Path) -> None:
    """Whoever takes one record at a poll gets all of them, each once."""
    sent = made_payloads([700] * 12, 4)
    journal_of(tmp_path, sent)
    follower = JournalFollower(tmp_path)
    got = [raw.payload for _ in sent for _, raw in itertools.islice(follower.poll(), 1)]
    assert got == sent
    assert list(follower.poll()) == []
    follower.close()


def test_a_follower_begins_behind_a_position(tmp_path: Path) -> None:
    """What was seen before is not seen again."""
    for hour in range(2):
        journal_of(tmp_path, made_payloads([300] * 3, hour), start_us=START_US + hour * HOUR_US)
    (tmp_path / "2023-03-12T16Z-0001.journal").write_bytes(b"never opened")
    follower = JournalFollower(tmp_path, after=Position(NAME, 1))
    assert [p for p, _ in follower.poll()] == [
        Position(NAME, 2),
        *(Position("2023-03-12T18Z-0001.journal", i) for i in range(3)),
    ]
    assert follower.report.problems == []
    follower.close()


def test_a_follower_passes_over_what_is_no_journal(tmp_path: Path) -> None:
    """It is told in the report, and the next file is followed."""
    (tmp_path / "2023-03-12T16Z-0001.journal").write_bytes(b"x" * 100)
    journal_of(tmp_path, [b"{}"])
    follower = JournalFollower(tmp_path)
    assert [raw.payload for _, raw in follower.poll()] == [b"{}"]
    assert len(follower.report.problems) == 1
    follower.close()


def test_a_follower_waits_for_a_header_that_is_being_written(tmp_path: Path) -> None:
    """A file so new that its header is not whole yet is looked at again later."""
    with Journal(tmp_path, key_fingerprint="") as journal:
        journal.append(Kind.FEED, START_US, START_US, b"{}")
        data = (tmp_path / NAME).read_bytes()
        os.truncate(tmp_path / NAME, 20)
        follower = JournalFollower(tmp_path)
        assert list(follower.poll()) == []
        (tmp_path / NAME).write_bytes(data)
        assert len(list(follower.poll())) == 1
        follower.close()


def real_runs(folder: Path, pattern: str) -> Iterator[tuple[int, bytes]]:
    """Real feeds with their times."""
    for path in sorted((folder / "feed").glob(pattern)):
        payload = gzip.decompress(path.read_bytes())
        found = re.search(rb'"update_timestamp"\s*:\s*"([^"]+)"', payload)
        assert found is not None
        yield parse_us(found[1].decode()), payload


@pytest.mark.real_data
def test_real_feeds_come_back_byte_for_byte(tmp_path: Path, real_data: Path) -> None:
    """All real feeds of a dense run go through, at least 15 times smaller where they repeat."""
    feeds = list(real_runs(real_data, "vatsim-v3_20230807*"))
    sizes = []
    with Journal(tmp_path, key_fingerprint="") as journal:
        for time_us, payload in feeds:
            journal.append(Kind.FEED, time_us + 5, time_us, payload)
            sizes.append(journal.files()[-1].size_bytes())
    got = list(read_journal(tmp_path))
    assert [(raw.snapshot_time_us, raw.payload) for raw in got] == feeds
    assert len(feeds[2][1]) / (sizes[2] - sizes[1]) > 15
