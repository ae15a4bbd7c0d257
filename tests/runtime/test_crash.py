"""kill -9 at any moment: nothing lost, nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.world import ROOT, contents, settings_for, write_feeds
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import Telemetry
from sectorwatch.runtime import replay


@pytest.mark.parametrize("seed", [1])
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(
    tmp_path: Path, seed: int
) -> None:
    """After ten or more kills at random moments every table and position is what it would be."""
    feeds = tmp_path / "feeds"
    write_feeds(feeds, duration_s=7_200, every_s=60, flights=20, radios=True)
    whole = tmp_path / "whole"
    replay(settings_for(whole), ArchiveSource([feeds]), telemetry=Telemetry.null())
    killed_dir = tmp_path / "killed"
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("crash_rounds.py")),
            str(feeds),
            str(killed_dir),
            str(seed),
        ],
        env=os.environ
        | {"PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT / 'src'}", "COVERAGE_CORE": ""},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    assert int(done.stdout.split()[0]) >= 10
    expected, found = contents(whole), contents(killed_dir)
    for name, rows in expected.items():
        assert found[name] == rows, name
    assert len(expected["flight"]) >= 15
    assert expected["visit"]
    assert expected["movement"]
    assert len(expected["contact"]) >= 15
    assert any(row[-1] for row in expected["demand"])
