"""`sectorwatch export`, as it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sectorwatch.config import Settings
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.recordings import AUSTRALIA
from sectorwatch.runtime import replay
from sectorwatch.store import DataDirectory

if TYPE_CHECKING:
    from pathlib import Path

    from cli.calling import Command


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the recording in it."""
    folder = tmp_path_factory.mktemp("exported") / "data"
    replay(Settings(data_dir=folder, environment="testing"), ArchiveSource([AUSTRALIA]))
    return folder


def test_history_is_written_beside_a_running_instance(
    sectorwatch: Command, data_dir: Path, tmp_path: Path
) -> None:
    """Nobody's lock is needed; what is said goes to standard error."""
    with DataDirectory.open(data_dir):
        for what in ("tracks", "visits", "demand"):
            out = tmp_path / f"{what}.csv"
            done = sectorwatch(
                "export", what, "--from", "-4h", "--out", out, "--data-dir", data_dir
            )
            assert (done.code, done.out) == (0, "")
            assert f"rows of {what}" in done.err
            assert "nothing is known" in done.err
            assert out.read_text().count("\n") > 100
    again = sectorwatch("export", "visits", "--from", "-4h", "--out", out, "--data-dir", data_dir)
    assert again.code == 1
    assert "--force" in again.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("visits", "--from", "-4h", "--out", "v.xls"), ".parquet"),
        (("visits", "--from", "noon", "--out", "v.csv"), "noon"),
        (("visits", "--from", "-999999d", "--out", "v.csv"), "-999999d"),
        (("visits", "--from", "-1h", "--to", "-2h", "--out", "v.csv"), "not before"),
        (("demand", "--from", "-4h", "--out", "v.csv", "--callsign", "QFA"), "--sector"),
        (("tracks", "--from", "-4h", "--out", "v.csv", "--sector", "A"), "--airport"),
    ],
)
def test_bad_usage_is_said(
    sectorwatch: Command, data_dir: Path, words: tuple[str, ...], said: str
) -> None:
    """Code 2, with the value and what to give."""
    done = sectorwatch("export", *words, "--data-dir", data_dir)
    assert done.code == 2
    assert said in done.err


def test_no_data_directory_is_said(sectorwatch: Command, tmp_path: Path) -> None:
    """It is not made by asking."""
    done = sectorwatch("export", "tracks", "--from", "-4h", "--out", "t.csv")
    assert done.code == 1
    assert "no data directory" in done.err
    assert not (tmp_path / "data").exists()
