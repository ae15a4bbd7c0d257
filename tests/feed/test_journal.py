from __future__ import annotations

import errno
import os
import random
import stat
import subprocess
import sys
import threading
import zlib
from typing import TYPE_CHECKING

import pytest

from sectorwatch.errors import JournalError, JournalVersionError, JournalWriteError
from sectorwatch.feed import journal as journal_module
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.journal_format import FRAME_END, Position, being_written
from sectorwatch.feed.journal_reader import JournalReport, read_journal, read_records
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START_US = 1_678_640_400_000_000
STEP_US = 15_000_000
HOUR_US = 3_600_000_000


class FixedClock:
    """A clock that stands still."""

    def now_us(self) -> int:
        """The start of the tests' hour."""
        return START_US

    def monotonic_s(self) -> float:
        """Zero."""
        return 0.0


def payloads(count: int, size: int = 2_000, seed: int = 1) -> list[bytes]:
    """Payloads that differ a little from one to the next, as feeds do."""
    rng = random.Random(seed)
    text = bytearray(rng.randbytes(size).hex().encode())
    out = []
    for _ in range(count):
        for _ in range(20):
            text[rng.randrange(len(text))] = rng.randrange(33, 126)
        out.append(bytes(text))
    return out


def opened(folder: Path) -> Journal:
    """A journal over `folder`."""
    return Journal(folder, key_fingerprint="test", clock=FixedClock())


def test_what_was_appended_comes_back(tmp_path: Path) -> None:
    """Kind, both times and the payload are read as they were appended, in order, masked."""
    sent = payloads(8)
    with opened(tmp_path / "j") as journal:
        for i, payload in enumerate(sent):
            kind = Kind.TRANSCEIVERS if i % 4 == 3 else Kind.FEED
            position = journal.append(kind, START_US + i + 7, START_US + i, payload)
            assert position == Position("2023-03-12T17Z-0001.journal", i)
    got = list(read_journal(tmp_path / "j"))
    assert [raw.payload for raw in got] == sent
    assert [raw.kind for raw in got] == [1, 1, 1, 2, 1, 1, 1, 2]
    assert [raw.received_at_us for raw in got] == [START_US + i + 7 for i in range(8)]
    assert [raw.snapshot_time_us for raw in got] == [START_US + i for i in range(8)]
    assert all(raw.masked for raw in got)


def test_an_empty_payload_is_a_record_too(tmp_path: Path) -> None:
    """Nothing about a record depends on there being something in it."""
    with opened(tmp_path) as journal:
        journal.append(Kind.FEED, START_US, START_US, b"")
        journal.append(Kind.FEED, START_US, START_US + 1, b"x")
    assert [raw.payload for raw in read_journal(tmp_path)] == [b"", b"x"]


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    """The folder is 0700 and each file 0600, whatever the umask allows."""
    before = os.umask(0)
    try:
        with opened(tmp_path / "deep" / "j") as journal:
            journal.append(Kind.FEED, START_US, START_US, b"{}")
            modes = {stat.S_IMODE(file.path.stat().st_mode) for file in journal.files()}
    finally:
        os.umask(before)
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "deep" / "j").stat().st_mode) == 0o700


def test_each_hour_has_a_file_of_its_own(tmp_path: Path) -> None:
    """The hour is the snapshot's, so a replayed day lies in files as the live day did."""
    with opened(tmp_path) as journal:
        for i in range(6):
            journal.append(Kind.FEED, START_US, START_US + i * HOUR_US // 2, b"%d" % i)
        names = [file.name for file in journal.files()]
        assert journal.open_file == names[-1]
    assert names == [f"2023-03-12T{hour}Z-0001.journal" for hour in (17, 18, 19)]
    assert [raw.payload for raw in read_journal(tmp_path)] == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_a_time_before_the_hour_opens_a_file_of_that_hour(tmp_path: Path) -> None:
    """Each file holds its own hour alone, so that reading may skip by the name."""
    with opened(tmp_path) as journal:
        for time_us in (START_US + 5, START_US - 5, START_US + 6):
            journal.append(Kind.FEED, time_us, time_us, b"%d" % time_us)
        names = [file.name for file in journal.files()]
    assert names == [
        "2023-03-12T16Z-0001.journal",
        "2023-03-12T17Z-0001.journal",
        "2023-03-12T17Z-0002.journal",
    ]
    times = [raw.snapshot_time_us for raw in read_journal(tmp_path)]
    assert times == [START_US - 5, START_US + 5, START_US + 6]


def test_after_a_restart_it_is_a_new_file(tmp_path: Path) -> None:
    """A file that was closed, or left open by a crash, is never appended to."""
    for run in range(3):
        journal = opened(tmp_path)
        journal.append(Kind.FEED, START_US, START_US + run, b"%d" % run)
        if run != 1:
            journal.close()
        else:
            crash(journal)
    names = [file.name for file in opened(tmp_path).files()]
    assert names == [f"2023-03-12T17Z-000{n}.journal" for n in (1, 2, 3)]
    assert [raw.payload for raw in read_journal(tmp_path)] == [b"0", b"1", b"2"]


def test_no_file_is_made_before_there_is_a_record(tmp_path: Path) -> None:
    """Starting and stopping without a feed leaves nothing behind."""
    opened(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    """Appending after close is a mistake of the caller, told in words; closing again is none."""
    journal = opened(tmp_path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append(Kind.FEED, 0, 0, b"")


def test_a_payload_that_is_no_feed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no reader would believe is not written, and the journal goes on."""
    monkeypatch.setattr(journal_module, "MAX_PAYLOAD", 10)
    with opened(tmp_path) as journal:
        with pytest.raises(JournalError, match="11 bytes"):
            journal.append(Kind.FEED, START_US, START_US, b"x" * 11)
        journal.append(Kind.FEED, START_US, START_US, b"x")


@pytest.mark.parametrize("time_us", [-1, 4_102_444_800_000_000, 2**62])
def test_a_time_that_is_none_is_refused(tmp_path: Path, time_us: int) -> None:
    """No file is begun for an hour that nobody will see."""
    with opened(tmp_path) as journal, pytest.raises(JournalError, match=str(time_us)):
        journal.append(Kind.FEED, START_US, time_us, b"{}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_written_by_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """Opening it raises in words, and nothing in it is touched."""
    with opened(tmp_path) as journal:
        journal.append(Kind.FEED, START_US, START_US, b"{}")
        path = journal.files()[0].path
    data = bytearray(path.read_bytes())
    data[8] = 9
    data[60:64] = zlib.crc32(data[:60]).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(JournalVersionError, match="version 9"):
        opened(tmp_path)
    with pytest.raises(JournalVersionError, match="version 9"):
        list(read_journal(tmp_path))
    assert path.read_bytes() == data


def test_a_torn_tail_is_cut_and_reported_when_opened(tmp_path: Path) -> None:
    """After a crash amid a record the next start cuts it off and says how much, and where."""
    sent = payloads(3)
    path, ends = crashed_file(tmp_path, sent)
    whole = path.read_bytes()
    path.write_bytes(whole[: ends[2] - 5])
    journal = opened(tmp_path)
    torn = ends[2] - 5 - ends[1]
    assert journal.recovered.torn_bytes == torn
    assert journal.recovered.records == 2
    assert [(p.file, p.offset) for p in journal.recovered.problems] == [(path.name, ends[1])]
    assert path.read_bytes() == whole[: ends[1]] + FRAME_END
    report = JournalReport()
    assert [raw.payload for raw in read_journal(tmp_path, report=report)] == sent[:2]
    assert (report.torn_bytes, report.problems) == (0, [])
    assert opened(tmp_path).recovered == JournalReport()


def test_a_crash_between_records_loses_nothing(tmp_path: Path) -> None:
    """A stream that ends without its end, but on a record's, has nothing to cut."""
    sent = payloads(3)
    path, ends = crashed_file(tmp_path, sent)
    journal = opened(tmp_path)
    assert (journal.recovered.records, journal.recovered.torn_bytes) == (3, 0)
    assert path.stat().st_size == ends[2] + len(FRAME_END)


@pytest.mark.parametrize("size", [0, 17, 63, 64, 67, 70, 75])
def test_a_crash_before_the_first_record_leaves_nothing(tmp_path: Path, size: int) -> None:
    """A file in which no record ever became whole is removed at the next start."""
    path, _ = crashed_file(tmp_path, payloads(1))
    os.truncate(path, size)
    journal = opened(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert journal.recovered.records == 0
    position = journal.append(Kind.FEED, START_US, START_US, b"{}")
    journal.close()
    assert position.index == 0


def test_a_damaged_file_is_reported_and_never_cut(tmp_path: Path) -> None:
    """Where a bit was flipped there may be more to save: nothing is cut off."""
    path, ends = crashed_file(tmp_path, payloads(4))
    data = bytearray(path.read_bytes())
    data[(ends[0] + ends[1]) // 2] ^= 4
    path.write_bytes(data)
    journal = opened(tmp_path)
    assert journal.recovered.corrupt_records >= 1
    assert path.read_bytes() == data


def test_a_foreign_file_with_a_journals_name_is_named_and_kept(tmp_path: Path) -> None:
    """It is told at the start, and the journal works beside it."""
    foreign = tmp_path / "2023-03-12T17Z-0001.journal"
    foreign.write_bytes(b"not a journal at all" * 10)
    with opened(tmp_path) as journal:
        assert "no journal" in journal.recovered.problems[0].what
        assert journal.append(Kind.FEED, START_US, START_US, b"{}").file.endswith("0002.journal")
    assert foreign.exists()


def test_a_file_that_another_process_writes_is_not_recovered(tmp_path: Path) -> None:
    """Its half-written tail is not torn: it is only not finished yet."""
    writing = opened(tmp_path)
    writing.append(Kind.FEED, START_US, START_US, payloads(1)[0])
    path = writing.files()[0].path
    before = path.read_bytes()
    assert being_written(path)
    assert opened(tmp_path).recovered == JournalReport()
    assert path.read_bytes() == before
    writing.close()
    assert not being_written(path)


def test_it_is_readable_while_it_is_written(tmp_path: Path) -> None:
    """Another handle sees every record as soon as append has returned."""
    with opened(tmp_path) as journal:
        for i, payload in enumerate(payloads(5)):
            journal.append(Kind.FEED, START_US, START_US + i, payload)
            report = JournalReport()
            assert len(list(read_journal(tmp_path, report=report))) == i + 1
            assert report.problems == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENOSPC, "disk_full"), (errno.EROFS, "not_writable"), (errno.EIO, "io")],
)
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_failed_append_is_not_counted_and_the_next_one_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str, call: str
) -> None:
    """The error names its reason, the half-written is cut off, and a new file goes on."""
    sent = payloads(4)
    journal = opened(tmp_path)
    for i in (0, 1):
        journal.append(Kind.FEED, START_US, START_US + i, sent[i])
    path = journal.files()[0].path
    with monkeypatch.context() as patched:
        patched.setattr(f"sectorwatch.feed.journal.os.{call}", failing(getattr(os, call), code))
        with pytest.raises(JournalWriteError, match="cannot write the journal") as caught:
            journal.append(Kind.FEED, START_US, START_US + 2, sent[2])
    assert caught.value.reason == reason
    report = JournalReport()
    assert [raw.payload for raw in read_journal(path, report=report)] == sent[:2]
    assert journal.open_file is None
    position = journal.append(Kind.FEED, START_US, START_US + 3, sent[3])
    assert position == Position("2023-03-12T17Z-0002.journal", 0)
    journal.close()
    report = JournalReport()
    assert [raw.payload for raw in read_journal(tmp_path, report=report)] == [*sent[:2], sent[3]]
    assert (report.torn_bytes, report.corrupt_records) == (0, 0)


def test_a_write_that_takes_only_a_part_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may write less than it was given; the rest follows."""
    sent = payloads(3)
    real = os.write
    monkeypatch.setattr(
        "sectorwatch.feed.journal.os.write", lambda fd, data: real(fd, bytes(data)[:100])
    )
    with opened(tmp_path) as journal:
        for i, payload in enumerate(sent):
            journal.append(Kind.FEED, START_US, START_US + i, payload)
    assert [raw.payload for raw in read_journal(tmp_path)] == sent


def test_a_first_record_that_fails_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk not one empty file is left per attempt."""
    journal = opened(tmp_path)
    with monkeypatch.context() as patched:
        for call in ("fsync", "fsync", "write", "write"):
            patched.setattr(
                f"sectorwatch.feed.journal.os.{call}", failing(getattr(os, call), errno.ENOSPC)
            )
            with pytest.raises(JournalWriteError, match="disk is full"):
                journal.append(Kind.FEED, START_US, START_US, b"{}")
            patched.undo()
    assert list(tmp_path.iterdir()) == []
    assert journal.append(Kind.FEED, START_US, START_US, b"{}").index == 0
    journal.close()


def test_an_interrupt_amid_an_append_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compressor is ahead of the file then, so the next record begins a new one."""
    sent = payloads(3)
    journal = opened(tmp_path)
    journal.append(Kind.FEED, START_US, START_US, sent[0])

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sectorwatch.feed.journal.os.write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append(Kind.FEED, START_US, START_US + 1, sent[1])
    journal.append(Kind.FEED, START_US, START_US + 2, sent[2])
    journal.close()
    assert [raw.payload for raw in read_journal(tmp_path)] == [sent[0], sent[2]]


def test_a_close_that_fails_loses_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end mark is a courtesy: every record was on the disk before."""
    sent = payloads(2)
    journal = opened(tmp_path)
    for i, payload in enumerate(sent):
        journal.append(Kind.FEED, START_US, START_US + i, payload)
    with monkeypatch.context() as patched:
        patched.setattr("sectorwatch.feed.journal.os.write", failing(os.write, errno.ENOSPC))
        journal.close()
    assert [raw.payload for raw in read_journal(tmp_path)] == sent


def test_a_folder_that_went_away_is_an_error_with_advice(tmp_path: Path) -> None:
    """It is not made again behind the owner's back: a disk may not be mounted."""
    journal = opened(tmp_path / "j")
    (tmp_path / "j").rmdir()
    with pytest.raises(JournalWriteError, match="check that it exists") as caught:
        journal.append(Kind.FEED, START_US, START_US, b"{}")
    assert caught.value.reason == "not_writable"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file in its place is named."""
    (tmp_path / "f").write_text("")
    with pytest.raises(JournalWriteError, match="cannot write the journal"):
        opened(tmp_path / "f" / "j")


FULL = """
import resource, signal, sys
from pathlib import Path
from sectorwatch.errors import JournalWriteError
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.records import Kind
import random
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
journal = Journal(Path(sys.argv[1]), key_fingerprint="")
rng = random.Random(5)
for i in range(8):
    try:
        journal.append(Kind.FEED, i, i, rng.randbytes(6_000))
        print("ok", i)
    except JournalWriteError as error:
        print(error.reason, i)
"""


def test_a_limit_of_the_system_itself_is_met_in_order(tmp_path: Path) -> None:
    """Where the kernel takes half of a record and then refuses, the record is not half-counted."""
    # Measured, the child could not write its figures either.
    unmeasured = {name: v for name, v in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=unmeasured,
    )
    said = [line.split() for line in done.stdout.splitlines()]
    assert [word for word, _ in said] == ["ok"] * 3 + ["disk_full"] + ["ok"] * 3 + ["disk_full"]
    report = JournalReport()
    got = [raw.received_at_us for raw in read_journal(tmp_path, report=report)]
    assert got == [int(number) for word, number in said if word == "ok"]
    assert (report.files, report.torn_bytes, report.corrupt_records) == (2, 0, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into read-only folders")
def test_a_read_only_folder_is_an_error_with_advice(tmp_path: Path) -> None:
    """Not a traceback: which folder, and what to check."""
    journal = opened(tmp_path)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(JournalWriteError, match="whose it is"):
            journal.append(Kind.FEED, START_US, START_US, b"{}")
    finally:
        tmp_path.chmod(0o700)


def test_threads_may_append_at_once(tmp_path: Path) -> None:
    """Each record is whole and has a position of its own."""
    journal = opened(tmp_path)
    positions: list[tuple[Position, bytes]] = []

    def work(seed: int) -> None:
        for payload in payloads(10, seed=seed):
            position = journal.append(Kind.FEED, START_US, START_US, payload)
            positions.append((position, payload))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    stored = {position: raw.payload for position, raw in read_records(tmp_path)}
    assert len(stored) == 30
    assert stored == dict(positions)


def failing(real: Callable[..., int | None], code: int) -> Callable[..., int | None]:
    """`real`, that fails the first time, halfway through where it writes."""
    state = {"failed": False}

    def call(fd: int, *args: bytes) -> int | None:
        if state["failed"]:
            return real(fd, *args)
        state["failed"] = True
        if args:
            real(fd, bytes(args[0])[: len(args[0]) // 2])
        raise OSError(code, os.strerror(code))

    return call


def crash(journal: Journal) -> None:
    """Let go of the open file as a killed process does: no end mark, no flush."""
    assert journal._writer is not None
    os.close(journal._writer._fd)
    journal._writer = None


def crashed_file(folder: Path, sent: list[bytes]) -> tuple[Path, list[int]]:
    """A file that a killed process left, and where each of its records ends."""
    journal = opened(folder)
    ends = []
    for i, payload in enumerate(sent):
        journal.append(Kind.FEED, START_US, START_US + i, payload)
        ends.append(journal.files()[0].size_bytes())
    path = journal.files()[0].path
    crash(journal)
    return path, ends
