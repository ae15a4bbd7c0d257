from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.made import START_S, ManualClock
from sectorwatch.observe import LogLevel, LogSearch, StructuredLogger, read_tail
from sectorwatch.observe.log_ring import LogRing

if TYPE_CHECKING:
    from pathlib import Path


def _line(number: int) -> bytes:
    return (
        b'{"level":"INFO","category":"service","service":"s","correlation_id":"c","number":%d}\n'
        % number
    )


def test_the_ring_keeps_so_many_of_the_latest() -> None:
    """Past its number of entries the oldest go."""
    ring = LogRing(entries=3)
    for number in range(10):
        ring.append(_line(number))
    assert len(ring) == 3
    assert [entry["number"] for entry in ring.search()] == [9, 8, 7]


def test_the_ring_keeps_so_many_bytes() -> None:
    """Long lines push out more than one; one that is too long for it leaves nothing."""
    ring = LogRing(max_bytes=3 * len(_line(0)))
    for number in range(5):
        ring.append(_line(number))
    assert len(ring) == 3
    ring.append(b"x" * 1_000)
    assert len(ring) == 0
    ring.append(_line(7))
    assert [entry["number"] for entry in ring.search()] == [7]


def _filled(n: int = 25) -> tuple[StructuredLogger, ManualClock]:
    clock = ManualClock()
    log = StructuredLogger("store", sinks=[], clock=clock)
    for number in range(n):
        # Of two lines each the time is the same.
        clock.advance(number % 2)
        level = LogLevel.WARNING if number % 5 == 0 else LogLevel.INFO
        log.log_operation("commit", level, number=number)
    return log, clock


def _pages(log: StructuredLogger, limit: int, **wanted: Any) -> list[list[int]]:
    pages, cursor = [], None
    while True:
        found = log.find(LogSearch(limit=limit, cursor=cursor, **wanted))
        assert found.is_complete
        pages.append([entry["number"] for entry in found.entries])
        cursor = found.cursor
        if cursor is None:
            return pages


@given(st.integers(1, 30))
def test_pages_follow_each_other_without_gap_or_overlap(limit: int) -> None:
    """Newest first, whatever their size, also where lines have the same time."""
    log, _ = _filled()
    pages = _pages(log, limit)
    assert [number for page in pages for number in page] == list(range(24, -1, -1))
    assert {len(page) for page in pages[:-1]} <= {limit}


def test_new_lines_do_not_shift_pages() -> None:
    """Who reads on gets what comes next, however many lines were written meanwhile."""
    log, _ = _filled(10)
    first = log.find(LogSearch(limit=4))
    for number in range(100, 110):
        log.info("commit", number=number)
    second = log.find(LogSearch(limit=4, cursor=first.cursor))
    assert [entry["number"] for entry in second.entries] == [5, 4, 3, 2]


def test_times_and_levels_bound_a_search() -> None:
    """From `since_s` on, up to and without `until_s`."""
    log, _ = _filled()
    found = log.find(LogSearch(since_s=START_S + 3, until_s=START_S + 5))
    assert [entry["number"] for entry in found.entries] == [8, 7, 6, 5]
    found = log.find(LogSearch(level=LogLevel.WARNING, operation="commit", limit=2))
    assert [entry["number"] for entry in found.entries] == [20, 15]
    assert log.find(LogSearch(since_s=1e300)).entries == []
    assert len(log.find(LogSearch(since_s=-1e300)).entries) == 25


def test_a_search_that_takes_too_long_says_so_and_can_go_on() -> None:
    """What was looked through is not looked through again."""
    log, _ = _filled(2_000)
    found = log.lines.ring.find(LogSearch(text="no such thing"), within_s=-1)
    assert (found.entries, found.is_complete) == ([], False)
    ring, cursor, looks = log.lines.ring, found.cursor, 1
    while cursor is not None:
        found = ring.find(LogSearch(text="no such thing", cursor=cursor), within_s=-1)
        cursor, looks = found.cursor, looks + 1
    assert found.is_complete
    assert looks == 8


@given(st.text(max_size=60))
def test_no_text_breaks_a_search(text: str) -> None:
    """Patterns, quotes, halves of characters: text is looked for as it is."""
    log, _ = _filled(5)
    if text.isascii() and text.isprintable():
        log.info("said", number=9, text=text)
        assert log.find(LogSearch(text=text)).entries[0]["number"] == 9
    else:
        log.find(LogSearch(text=text))


def test_what_an_earlier_run_wrote_is_found_again(tmp_path: Path) -> None:
    """From the end of its files, before what this run wrote; torn and foreign lines are left out."""
    log, _ = _filled(6)
    lines = log.lines.ring.lines()
    (tmp_path / "x.log.1").write_bytes(b"".join(lines[:2]))
    (tmp_path / "x.log").write_bytes(b"not ours\n" + b"".join(lines[2:4]) + lines[4][:40])
    ring = LogRing()
    ring.append(lines[5])
    assert ring.take_up(read_tail(tmp_path / "x.log", keep=3, max_bytes=1_000_000))
    assert [entry["number"] for entry in ring.search()] == [5, 3, 2, 1, 0]
    assert not ring.take_up([lines[0]]), "once alone"
    # Of a long past, the end.
    short = list(read_tail(tmp_path / "x.log", keep=3, max_bytes=3 * len(lines[0]) + 60))
    assert [orjson.loads(line)["number"] for line in short] == [3, 2, 1]
    assert list(read_tail(tmp_path / "none.log", keep=3, max_bytes=100)) == []
    small = LogRing(entries=2)
    assert small.take_up(read_tail(tmp_path / "x.log", keep=3, max_bytes=1_000_000))
    assert [entry["number"] for entry in small.search()] == [3, 2]


def test_lines_that_are_none_of_ours_are_passed_over() -> None:
    """A file that somebody else wrote into breaks no search."""
    ring = LogRing()
    for line in (b'{"timestamp":"x"}\n', b'{"timestamp":1,"level":"LOUD"}\n', b"[1]\n", _line(3)):
        ring.append(line)
    assert [entry["number"] for entry in ring.search()] == [3]


@pytest.mark.parametrize("text", ["", "x", "2025-08-06T21:00:00.000000Z", "\u0000", "9" * 36])
def test_only_a_cursor_is_one(text: str) -> None:
    """Anything else can be told at once."""
    assert not LogSearch.is_cursor(text)
    assert LogSearch.is_cursor("2025-08-06T21:00:00.000000Z.0123abcd")
