"""A process that appends is killed at random moments; what it said is kept is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sectorwatch.feed.journal import Journal
from sectorwatch.feed.journal_reader import JournalFollower, JournalReport, read_journal
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    import pytest

APPENDING = """
import random, sys
from pathlib import Path
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.records import Kind

run = int(sys.argv[2])
rng = random.Random(run)
text = bytearray(rng.randbytes(150_000).hex().encode())
journal = Journal(Path(sys.argv[1]), key_fingerprint="crash")
for number in range(100_000):
    for _ in range(3_000):
        text[rng.randrange(len(text))] = rng.randrange(33, 126)
    time_us = (run * 100_000 + number) * 15_000_000
    payload = b"%d %d " % (run, number) + bytes(text)
    journal.append(Kind.FEED, time_us, time_us, payload)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_whatever_append_returned_for_is_there_after_kill_9(tmp_path: Path) -> None:
    """Killed again and again amid appends: each record that was acknowledged is read back, whole."""
    rng = random.Random(7)
    acknowledged: list[int] = []
    torn = 0
    follower = JournalFollower(tmp_path)
    followed = 0
    # Killed amid writing its figures, a measured child would spoil those of all.
    unmeasured = {name: v for name, v in os.environ.items() if not name.startswith("COV")}
    for run in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", APPENDING, str(tmp_path), str(run)],
            stdout=subprocess.PIPE,
            env=unmeasured,
        )
        assert child.stdout is not None
        os.read(child.stdout.fileno(), 1)
        deadline = time.monotonic() + rng.uniform(0, 0.08)
        while time.monotonic() < deadline:
            followed += sum(1 for _ in follower.poll())
        child.send_signal(signal.SIGKILL)
        said, _ = child.communicate()
        # The first digit, a 0, was read above.
        acknowledged.append(("0" + said.decode()).count("\n"))
        if run % 3 == 2:
            with Journal(tmp_path, key_fingerprint="crash") as journal:
                torn += journal.recovered.torn_bytes
                assert journal.recovered.corrupt_records == 0

    report = JournalReport()
    found: dict[int, int] = {}
    for raw in read_journal(tmp_path, report=report):
        head = raw.payload.split(b" ", 2)
        of_run, number = int(head[0]), int(head[1])
        assert number == found.get(of_run, 0), "out of order, or one is missing"
        found[of_run] = number + 1
    # One more may be there: written, but the process died before it could say so.
    assert all(found[run] - count in {0, 1} for run, count in enumerate(acknowledged))
    assert report.corrupt_records == report.lost_bytes == 0
    followed += sum(1 for _ in follower.poll())
    assert followed == report.records == sum(found.values())
    follower.close()


def test_each_record_is_on_the_disk_before_append_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is synced after every write, and the folder once the file has a record."""
    calls: list[str] = []
    real_write, real_sync = os.write, os.fsync

    def write(fd: int, data: bytes) -> int:
        calls.append("write")
        return real_write(fd, data)

    def fsync(fd: int) -> None:
        calls.append("sync " + Path(f"/proc/self/fd/{fd}").readlink().name)
        real_sync(fd)

    monkeypatch.setattr("sectorwatch.feed.journal.os.write", write)
    monkeypatch.setattr("sectorwatch.feed.journal.os.fsync", fsync)
    journal = Journal(tmp_path, key_fingerprint="")
    journal.append(Kind.FEED, 0, 0, b"{}")
    first = list(calls)
    journal.append(Kind.FEED, 0, 0, b"{}")
    monkeypatch.undo()
    journal.close()
    name = "1970-01-01T00Z-0001.journal"
    assert first == ["write", "write", f"sync {name}", f"sync {tmp_path.name}"]
    assert calls[4:] == ["write", f"sync {name}"]
