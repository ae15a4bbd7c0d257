from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from sectorwatch.observe import StructuredLogger
from sectorwatch.observe.sinks import FileSink, StreamSink, TerminalSink, standard_sink


def _line(**rest: Any) -> bytes:
    entry = {
        "timestamp": "2025-08-06T21:00:00.123456Z",
        "level": "INFO",
        "category": "service",
        "service": "collector",
        "operation": "commit",
        "correlation_id": "abcdef0123456789",
    }
    return orjson.dumps(entry | rest, None, orjson.OPT_APPEND_NEWLINE)


def _shown(line: bytes, *, colour: bool = False) -> str:
    reading, writing = os.pipe()
    TerminalSink(writing, colour=colour).write(line)
    os.close(writing)
    with os.fdopen(reading) as file:
        return file.read()


def test_a_stream_gets_each_line_whole() -> None:
    """Lines go to the descriptor as they are, long ones too."""
    reading, writing = os.pipe()
    sink = StreamSink(writing)
    long = b"x" * 1_000_000 + b"\n"
    got: list[bytes] = []

    def read() -> None:
        with os.fdopen(reading, "rb") as file:
            got.append(file.read())

    reader = threading.Thread(target=read)
    reader.start()
    sink.write(b"a\n")
    sink.write(long)
    os.close(writing)
    reader.join()
    assert got == [b"a\n" + long]


def test_a_file_is_its_owners_alone_and_is_gone_on_with(tmp_path: Path) -> None:
    """A log file has mode 0600 and is appended to by the next start."""
    path = tmp_path / "log"
    for text in (b"one\n", b"two\n"):
        sink = FileSink(path)
        sink.write(text)
        sink.close()
        sink.close()
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(OSError, match="descriptor"):
        sink.write(b"three\n")


def test_full_files_turn_over_and_the_oldest_go(tmp_path: Path) -> None:
    """No file grows past its limit, so many are kept beside it, and every line is whole."""
    sink = FileSink(tmp_path / "log", max_bytes=100, keep=2)
    for number in range(50):
        sink.write(b"%029d\n" % number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["log", "log.1", "log.2"]
    kept = b"".join((tmp_path / name).read_bytes() for name in reversed(names))
    assert kept.splitlines() == [b"%029d" % number for number in range(42, 50)]
    assert all((tmp_path / name).stat().st_size <= 100 for name in names)
    sink.close()


def test_threads_that_write_at_once_tear_no_line(tmp_path: Path) -> None:
    """Lines of several threads, over many turns, are each whole and none is lost."""
    sink = FileSink(tmp_path / "log", max_bytes=20_000, keep=50)

    def write(number: int) -> None:
        for i in range(500):
            sink.write(b"%02d %04d %s\n" % (number, i, b"x" * 40))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for path in tmp_path.iterdir() for line in path.read_bytes().splitlines()]
    assert len(lines) == len(set(lines)) == 2_000
    assert {len(line) for line in lines} == {48}
    sink.close()


@pytest.mark.parametrize("kind", [StreamSink, TerminalSink])
def test_a_reader_that_reads_no_more_stops_nobody(kind: type[StreamSink | TerminalSink]) -> None:
    """A full pipe refuses lines at once, and takes whole ones again when it is read."""
    reading, writing = os.pipe()
    sink = kind(writing, patience_s=0.01)
    line = _line(said="x" * 500)
    with pytest.raises(BlockingIOError):
        any(sink.write(line) for _ in range(10_000))
    log = StructuredLogger(sinks=[sink])
    log.info("one more")
    assert log.dropped == {"sink_failed": 1}
    os.set_blocking(reading, False)
    got = b""
    while True:
        try:
            got += os.read(reading, 1 << 20)
        except BlockingIOError:
            break
    sink.write(_line(operation="afterwards"))
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as file:
        os.set_blocking(file.fileno(), True)
        got += file.read()
    assert b"afterwards" in got.splitlines()[-1]
    if kind is StreamSink:
        # What stuck halfway ends there; every other line is whole.
        assert sum(not each.endswith(b"}") for each in got.splitlines()) <= 1
        assert orjson.loads(got.splitlines()[-1])["operation"] == "afterwards"


def test_a_file_that_somebody_moved_or_deleted_is_begun_anew(tmp_path: Path) -> None:
    """By a look, or by itself some lines later; where its folder is gone, that is raised."""
    path = tmp_path / "folder" / "log"
    path.parent.mkdir()
    sink = FileSink(path)
    sink.write(b"one\n")
    path.rename(path.with_name("moved"))
    sink.look()
    sink.write(b"two\n")
    path.unlink()
    for _ in range(100):
        sink.write(b"three\n")
    assert path.with_name("moved").read_bytes() == b"one\n"
    assert path.read_bytes().splitlines()[-1] == b"three"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"")
    sink.look()
    sink.write(b"four\n")
    assert path.read_bytes() == b"four\n"
    path.unlink()
    path.with_name("moved").unlink()
    path.parent.rmdir()
    with pytest.raises(FileNotFoundError):
        sink.look()
    sink.close()
    sink.look()


def test_a_full_disk_is_counted_and_gone_on_after() -> None:
    """`/dev/full` takes nothing: the line is kept in memory, and the program does not notice."""
    full = FileSink(Path("/dev/full"))
    log = StructuredLogger(sinks=[full])
    log.info("said")
    assert log.dropped == {"sink_failed": 1}
    assert [entry["operation"] for entry in log.search()] == ["said"]
    full.close()


def test_a_terminal_shows_what_a_person_reads() -> None:
    """Time, level, service and operation first, then the rest; the exception below."""
    text = _shown(_line(rows=12, why="two words", exception={"stack": "Traceback\nValueError: x"}))
    assert text == (
        "21:00:00.123 INFO     collector: commit (abcdef01) rows=12 why='two words'\n"
        "    Traceback\n    ValueError: x\n"
    )


def test_colour_marks_what_is_grave() -> None:
    """Warnings and worse are coloured where that is wanted, information never."""
    assert "\x1b[33mWARNING" in _shown(_line(level="WARNING"), colour=True)
    assert "\x1b" not in _shown(_line(level="WARNING"))
    assert "\x1b" not in _shown(_line(), colour=True)


def test_what_others_sent_cannot_steer_the_terminal() -> None:
    """Control characters in a value are shown, not obeyed."""
    for colour in (True, False):
        text = _shown(
            _line(
                callsign="\x1b[2J",
                operation="a\x1b[2J\nb",
                service="\u202e",
                exception={"stack": "x\x1b[2J"},
            ),
            colour=colour,
        )
        assert "\x1b[2J" not in text
        assert "\u202e" not in text
        assert len(text.splitlines()) == 2


def test_the_standard_sink_is_json_where_nobody_watches() -> None:
    """Standard error that is no terminal gets JSON."""
    program = (
        "from sectorwatch.observe.sinks import standard_sink; print(type(standard_sink()).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "StreamSink"


def test_the_standard_sink_is_readable_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error that is a terminal gets lines for people, without colour where unwanted."""

    class Terminal:
        def fileno(self) -> int:
            return 2

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.setenv("NO_COLOR", "1")
    sink = standard_sink()
    assert isinstance(sink, TerminalSink)
    assert not sink._colour
