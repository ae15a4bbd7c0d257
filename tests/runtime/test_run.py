"""Running until told to stop: signals, and how long stopping may take."""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.world import ROOT, contents, settings_for, write_feeds
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import Telemetry
from sectorwatch.runtime import replay
from sectorwatch.runtime.run import collect_garbage_seldom, raise_file_limit


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of a made network."""
    folder = tmp_path_factory.mktemp("made") / "feeds"
    write_feeds(folder, duration_s=120, every_s=30, flights=6)
    return folder


def started(feeds: Path, data_dir: Path, mode: str) -> subprocess.Popen[str]:
    """An instance in a process of its own, once it runs."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("run_child.py")),
            str(feeds),
            str(data_dir),
            mode,
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "started\n", process.communicate()[1][-3_000:]
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_in_order(tmp_path: Path, feeds: Path, number: int) -> None:
    """Told to stop, it ends well within five seconds, and what it took in is kept whole."""
    process = started(feeds, tmp_path / "data", "good")
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors[-3_000:]
    assert time.monotonic() - began < 5
    replay(settings_for(tmp_path / "data"), ArchiveSource([feeds]), telemetry=Telemetry.null())
    replay(settings_for(tmp_path / "whole"), ArchiveSource([feeds]), telemetry=Telemetry.null())
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")


@pytest.mark.parametrize("mode", ["stuck", "busy"])
def test_what_does_not_stop_is_left_behind(tmp_path: Path, feeds: Path, mode: str) -> None:
    """Where something hangs, the process ends without it within the time it has."""
    process = started(feeds, tmp_path / "data", mode)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert time.monotonic() - began < 5


def test_a_second_signal_ends_it_at_once(tmp_path: Path, feeds: Path) -> None:
    """Whoever cannot wait presses again."""
    process = started(feeds, tmp_path / "data", "busy")
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode in {1, 128 + signal.SIGINT, -signal.SIGINT}


def test_as_many_files_may_be_opened_as_the_machine_allows() -> None:
    """The soft limit goes up to what is wanted or the hard one, and never down."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert raise_file_limit(512) == 512
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, hard)
        assert raise_file_limit(300) == 512
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_is_there_at_the_start_is_left_out_of_collections() -> None:
    """The long-lived is frozen, and new things are looked at more seldom than usual."""
    was = gc.get_threshold()
    gc.set_threshold(*(usual := (700, 10, 10)))
    frozen = gc.get_freeze_count()
    try:
        collect_garbage_seldom()
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold()[0] > usual[0]
        assert gc.get_threshold()[1:] == usual[1:]
        assert gc.isenabled()
    finally:
        gc.set_threshold(*was)
        gc.unfreeze()
