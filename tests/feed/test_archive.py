from __future__ import annotations

import gzip
import json
import os
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from sectorwatch.clock import format_us, parse_us
from sectorwatch.errors import FeedError, JournalVersionError
from sectorwatch.feed.archive import ArchiveSource, Progress, Refusal
from sectorwatch.feed.journal import Journal
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sectorwatch.feed.sources import Source

START_US = parse_us("2023-03-12T17:00:00Z")
S = 1_000_000


def document(time_us: int, *, first: bool = True) -> bytes:
    """A feed of a time, with `general` at its beginning or, as some tools write it, sorted."""
    general = {"version": 3, "update_timestamp": format_us(time_us)}
    atis = [{"text_atis": ['SAYS "update_timestamp":"2001-01-01T00:00:00Z"', "X" * 6_000]}]
    parts = {"general": general, "atis": atis} if first else {"atis": atis, "general": general}
    return json.dumps(parts).encode()


def journal(folder: Path, seconds: list[int], *, key: str = "k", simulated: bool = False) -> None:
    """A journal of feeds at these seconds."""
    with Journal(folder, key_fingerprint=key, simulated=simulated) as made:
        for second in seconds:
            time_us = START_US + second * S
            made.append(Kind.FEED, time_us + 2 * S, time_us, document(time_us))


def seconds_of(source: ArchiveSource) -> list[int]:
    """When the feeds of a source were received, in seconds from the start."""
    return [(raw.received_at_us - START_US) // S for raw in source]


def test_a_folder_is_played_in_the_order_of_time(tmp_path: Path) -> None:
    """Whatever the names, the folders and the compression: by the time in the feed."""
    pack: list[tuple[str, Callable[[bytes], bytes]]] = [
        ("z.json", bytes),
        ("deep/er/y.json.gz", gzip.compress),
        ("deep/x.json.zst", zstandard.compress),
        ("w.json", gzip.compress),
    ]
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for second, (name, compress) in enumerate(pack):
        (tmp_path / name).write_bytes(compress(document(START_US + second * S)))
    (tmp_path / "index.csv").write_text("not a feed")
    source: Source = ArchiveSource([tmp_path])
    assert isinstance(source, ArchiveSource)
    got = list(source)
    assert [raw.payload for raw in got] == [document(START_US + n * S) for n in range(4)]
    assert [raw.received_at_us for raw in got] == [START_US + n * S for n in range(4)]
    assert not any(raw.masked for raw in got)
    assert source.now_us() == START_US + 3 * S
    assert (source.is_live, source.is_simulated, source.refused) == (False, False, {})
    assert source.name == str(tmp_path)


def test_a_time_that_stands_late_in_the_document_is_found(tmp_path: Path) -> None:
    """Behind six thousand bytes of something else, and not the one that a text speaks of."""
    late = [document(START_US + number * S, first=False) for number in range(3)]
    (tmp_path / "9.json").write_bytes(late[0])
    (tmp_path / "8.json").write_bytes(gzip.compress(late[1]))
    (tmp_path / "7.json").write_bytes(zstandard.compress(late[2]))
    assert seconds_of(ArchiveSource([tmp_path])) == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("transceivers_20210421T16Z.json", "2021-04-21T16:00:00Z"),
        ("t-2021-04-21T16-05-07Z.json.gz", "2021-04-21T16:05:07Z"),
        ("20210421_160507.json", "2021-04-21T16:05:07Z"),
        ("20210421160507.json", "2021-04-21T16:05:07Z"),
        ("20210421.json", "2021-04-21T00:00:00Z"),
    ],
)
def test_where_no_time_is_in_it_the_name_tells(tmp_path: Path, name: str, time: str) -> None:
    """The transceivers feed carries no time of its own."""
    data = b'\xef\xbb\xbf [{"callsign":"A","transceivers":[]}]'
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    (raw,) = ArchiveSource([tmp_path / name])
    assert format_us(raw.received_at_us) == time
    assert (raw.kind, raw.payload) == (Kind.TRANSCEIVERS, data)


@pytest.mark.parametrize("name", ["t.json", "20219999.json", "20210421T2599Z.json"])
def test_where_the_name_tells_nothing_either_the_file_s_own_time_counts(
    tmp_path: Path, name: str
) -> None:
    """When it was last changed is better than nothing."""
    (tmp_path / name).write_bytes(b"[]")
    os.utime(tmp_path / name, ns=(0, START_US * 1_000))
    (raw,) = ArchiveSource([tmp_path])
    assert raw.received_at_us == START_US


def test_broken_files_are_passed_over_and_told(tmp_path: Path) -> None:
    """A folder with broken files goes on; each is counted by its reason and named."""
    good = document(START_US)
    (tmp_path / "a.json").write_bytes(good)
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(good)[:-20])
    (tmp_path / "c.json.gz").write_bytes(b"\x1f\x8bgarbage")
    (tmp_path / "d.json").mkdir()
    (tmp_path / "e.json").symlink_to(tmp_path / "gone")
    (tmp_path / "f.json.zst").write_bytes(zstandard.compress(bytes(65_000_000)))
    with (tmp_path / "g.json").open("wb") as handle:
        handle.truncate(65_000_000)
    told: list[Refusal] = []
    source = ArchiveSource([tmp_path], on_refused=told.append)
    assert [raw.payload for raw in source] == [good]
    assert source.refused == {
        "truncated": 1,
        "bad_compression": 1,
        "unreadable": 1,
        "bomb": 1,
        "too_large": 1,
    }
    assert {refusal.path.name for refusal in told} == {
        "b.json.gz", "c.json.gz", "e.json", "f.json.zst", "g.json",
    }  # fmt: skip
    assert all(str(refusal.path) in str(refusal.error) for refusal in told)


def test_what_is_no_json_is_handed_on(tmp_path: Path) -> None:
    """Whether a document is a feed is not the source's question: acceptance refuses it."""
    (tmp_path / "20230312T170000Z.json").write_bytes(b"<html>")
    (raw,) = ArchiveSource([tmp_path])
    assert (raw.kind, raw.payload) == (Kind.FEED, b"<html>")


def test_a_journal_is_played_as_it_was_received(tmp_path: Path) -> None:
    """Its records say when they were received and of which snapshot they are, and are masked."""
    journal(tmp_path, [0, 15, 3_600])
    source = ArchiveSource([tmp_path])
    got = list(source)
    assert [raw.received_at_us for raw in got] == [START_US + n * S for n in (2, 17, 3_602)]
    assert [raw.snapshot_time_us for raw in got] == [START_US + n * S for n in (0, 15, 3_600)]
    assert all(raw.masked for raw in got)
    assert source.key_fingerprints == {"k"}
    assert source.journal_report.records == 3


def test_files_and_journals_are_merged_by_time(tmp_path: Path) -> None:
    """A mixture of everything is one sequence."""
    (tmp_path / "files").mkdir()
    for second in (5, 20, 4_000):
        (tmp_path / "files" / f"{second}.json").write_bytes(document(START_US + second * S))
    journal(tmp_path / "one", [0, 15, 3_600])
    journal(tmp_path / "two", [10, 3_601], simulated=True)
    source = ArchiveSource([tmp_path / "files", tmp_path])
    # The journals' feeds were received two seconds after their snapshots.
    assert seconds_of(source) == [2, 5, 12, 17, 20, 3_602, 3_603, 4_000]
    assert source.is_simulated


def test_nothing_is_played_twice(tmp_path: Path) -> None:
    """A folder, the same again, a file in it and a journal file in it give each feed once."""
    (tmp_path / "a.json").write_bytes(document(START_US))
    journal(tmp_path / "j", [10, 3_600])
    (first, _) = sorted((tmp_path / "j").iterdir())
    paths = [tmp_path, tmp_path / "a.json", first, tmp_path / "j", tmp_path]
    assert seconds_of(ArchiveSource(paths)) == [0, 12, 3_602]
    assert seconds_of(ArchiveSource([first])) == [12]
    assert "…" in ArchiveSource(paths).name


def test_a_journal_file_under_another_name_is_known_by_its_beginning(tmp_path: Path) -> None:
    """A copy that somebody sent is played as it is."""
    journal(tmp_path / "j", [10])
    (file,) = (tmp_path / "j").iterdir()
    file.rename(tmp_path / "copy")
    assert seconds_of(ArchiveSource([tmp_path / "copy"])) == [12]


def test_only_what_comes_after_a_time_is_played(tmp_path: Path) -> None:
    """A start from a checkpoint goes on behind it."""
    for second in (0, 20):
        (tmp_path / f"{second}.json").write_bytes(document(START_US + second * S))
    journal(tmp_path / "j", [5, 15, 25])
    told: list[Progress] = []
    source = ArchiveSource(
        [tmp_path], after_snapshot_time_us=START_US + 15 * S, progress=told.append
    )
    assert seconds_of(source) == [20, 27]
    assert told[-1].done_bytes == told[-1].total_bytes


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    """Bytes done never run back and end at the total; broken files count as done."""
    for second in range(5):
        (tmp_path / f"{second}.json").write_bytes(document(START_US + second * 900 * S))
    (tmp_path / "broken.json.gz").write_bytes(b"\x1f\x8b" + bytes(500))
    journal(tmp_path / "j", [n * 500 for n in range(12)])
    told: list[Progress] = []
    feeds = list(ArchiveSource([tmp_path], progress=told.append))
    done = [progress.done_bytes for progress in told]
    assert done == sorted(done)
    assert len(set(done)) > 12
    assert done[-1] == told[-1].total_bytes
    assert told[-1].feeds == len(feeds) == 17
    assert told[-1].total_bytes == sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """Before anything is played, with the path."""
    with pytest.raises(FeedError, match="nowhere does not exist"):
        ArchiveSource([tmp_path / "nowhere"])


def test_a_folder_without_a_feed_is_an_error(tmp_path: Path) -> None:
    """An empty replay would look like a good one."""
    (tmp_path / "index.csv").write_text("x")
    with pytest.raises(FeedError, match="holds no feed"):
        ArchiveSource([tmp_path])


def test_a_newer_journal_is_an_error(tmp_path: Path) -> None:
    """It is said in words, not passed over."""
    journal(tmp_path, [1])
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[8] = 2
    data[60:64] = zlib.crc32(data[:60]).to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(JournalVersionError, match="update sectorwatch"):
        list(ArchiveSource([tmp_path]))


def test_it_can_be_closed_midway(tmp_path: Path) -> None:
    """Nothing more is handed out."""
    journal(tmp_path, [1, 2, 3])
    source = ArchiveSource([tmp_path])
    got = []
    for raw in source:
        got.append(raw)
        source.close()
    assert len(got) == 1


def test_a_file_that_went_meanwhile_is_told(tmp_path: Path) -> None:
    """Between looking and reading a file may go."""
    for second in range(2):
        (tmp_path / f"{second}.json").write_bytes(document(START_US + second * S))
    source = ArchiveSource([tmp_path])
    reading = iter(source)
    next(reading)
    (tmp_path / "1.json").unlink()
    assert list(reading) == []
    assert source.refused == {"unreadable": 1}


@pytest.mark.real_data
def test_all_real_feeds_come_in_order(real_data: Path) -> None:
    """68 feeds of five years and one of transceivers, with the times that their index gives."""
    got = list(ArchiveSource([real_data / "feed", real_data / "transceivers"]))
    times = [raw.received_at_us for raw in got]
    assert times == sorted(times)
    lines = (real_data / "feed" / "index.csv").read_text().splitlines()[1:]
    known = sorted(parse_us(line.split(",")[1]) for line in lines)
    assert [t for t, raw in zip(times, got, strict=True) if raw.kind is Kind.FEED] == known
    assert len(got) == 69
