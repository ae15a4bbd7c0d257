from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sectorwatch.errors import JournalWriteError
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.journal_reader import read_journal
from sectorwatch.feed.records import Kind
from sectorwatch.feed.retention import prune
from sectorwatch.observe import Telemetry

if TYPE_CHECKING:
    from pathlib import Path

START_S = 1_678_640_400
HOUR_S = 3_600
NOW_US = (START_S + 6 * HOUR_S) * 1_000_000


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Five hours of journal, the last one open, a record each of some 1,000 bytes."""
    journal = Journal(tmp_path, key_fingerprint="")
    for hour in range(5):
        time_us = (START_S + hour * HOUR_S) * 1_000_000
        journal.append(Kind.FEED, time_us, time_us, bytes(range(256)) * 4)
    return journal


def hours(folder: Path) -> list[int]:
    """The hours that are left, counted from the first."""
    return [
        ((raw.snapshot_time_us or 0) // 1_000_000 - START_S) // HOUR_S
        for raw in read_journal(folder)
    ]


def test_what_is_too_old_goes_oldest_first(journal: Journal, tmp_path: Path) -> None:
    """A file's age is counted from the end of its hour."""
    pruned = journal.prune(now_us=NOW_US, max_age_s=3 * HOUR_S)
    assert [name[:13] for name in pruned.files] == ["2023-03-12T17", "2023-03-12T18"]
    assert hours(tmp_path) == [2, 3, 4]
    journal.close()


def test_what_is_let_go_is_counted(tmp_path: Path) -> None:
    """Files and bytes."""
    telemetry = Telemetry.open(sinks=[])
    with Journal(tmp_path, key_fingerprint="", telemetry=telemetry) as journal:
        for hour in range(3):
            time_us = (START_S + hour * HOUR_S) * 1_000_000
            journal.append(Kind.FEED, time_us, time_us, b"x" * 1_000)
        pruned = journal.prune(now_us=NOW_US, max_age_s=4 * HOUR_S)
    metrics = telemetry.metrics
    assert metrics.counter("journal_pruned_files_total").total == len(pruned.files) == 1
    assert metrics.counter("journal_pruned_bytes_total").total == pruned.bytes > 0
    telemetry.close()


def test_what_is_too_much_goes_oldest_first(journal: Journal, tmp_path: Path) -> None:
    """Only as many as are needed, and the bytes freed are told."""
    sizes = [file.size_bytes() for file in journal.files()]
    pruned = journal.prune(now_us=NOW_US, max_bytes=sum(sizes[2:]))
    assert pruned.bytes == sum(sizes[:2])
    assert hours(tmp_path) == [2, 3, 4]
    assert journal.prune(now_us=NOW_US, max_bytes=sum(sizes[2:])).files == ()
    journal.close()


def test_the_open_file_is_never_removed(journal: Journal, tmp_path: Path) -> None:
    """Not for its age, not for its size; and it is still appended to after."""
    journal.prune(now_us=NOW_US + 10**15, max_age_s=0, max_bytes=0)
    assert hours(tmp_path) == [4]
    time_us = (START_S + 4 * HOUR_S) * 1_000_000 + 1
    assert journal.append(Kind.FEED, time_us, time_us, b"{}").index == 1
    journal.close()
    assert journal.prune(now_us=NOW_US + 10**15, max_age_s=0).files != ()
    assert hours(tmp_path) == []


def test_a_file_that_another_process_writes_is_never_removed(
    journal: Journal, tmp_path: Path
) -> None:
    """Its lock is seen, whoever asks."""
    prune(tmp_path, now_us=NOW_US, max_bytes=0)
    assert hours(tmp_path) == [4]
    journal.close()


def test_what_is_still_needed_is_never_removed(journal: Journal, tmp_path: Path) -> None:
    """What the database has not yet taken in stays, however full the disk is."""
    needed_from_us = (START_S + 2 * HOUR_S) * 1_000_000 + 5
    journal.prune(now_us=NOW_US + 10**15, max_age_s=0, max_bytes=0, needed_from_us=needed_from_us)
    assert hours(tmp_path) == [2, 3, 4]
    journal.close()


def test_without_limits_nothing_is_removed(journal: Journal, tmp_path: Path) -> None:
    """Keeping everything is what happens where nobody said otherwise."""
    assert journal.prune(now_us=NOW_US) == ((), 0)
    assert len(hours(tmp_path)) == 5
    journal.close()


def test_other_files_in_the_folder_are_not_touched(journal: Journal, tmp_path: Path) -> None:
    """A note that somebody left there is theirs."""
    (tmp_path / "README").write_text("mine")
    journal.close()
    journal.prune(now_us=NOW_US, max_bytes=0)
    assert [path.name for path in tmp_path.iterdir()] == ["README"]


def test_a_file_that_cannot_be_removed_is_an_error(tmp_path: Path) -> None:
    """It is named, with what the system said."""
    (tmp_path / "2023-03-12T16Z-0001.journal").mkdir()
    with pytest.raises(JournalWriteError, match="2023-03-12T16Z-0001"):
        prune(tmp_path, now_us=NOW_US, max_bytes=0)


def test_a_file_that_went_meanwhile_does_no_harm(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that prune at once do not get in each other's way."""
    journal.close()
    gone = journal.files()[1].path
    files = journal.files()
    gone.unlink()
    monkeypatch.setattr("sectorwatch.feed.retention.journal_files", lambda _: files)
    assert len(prune(tmp_path, now_us=NOW_US, max_bytes=0).files) == 4
