from __future__ import annotations

import gzip
import hashlib
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from made_network import made_network

from sectorwatch.cli.replaying import KEYS
from sectorwatch.recordings import AUSTRALIA
from sectorwatch.store import DataDirectory

if TYPE_CHECKING:
    from cli.calling import Command


def contents(data_dir: Path) -> dict[str, Any]:
    """Every row of every table, and the hash of every sealed file and of the journal's."""
    with sqlite3.connect(data_dir / "sectorwatch.db") as database:
        tables = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        kept: dict[str, Any] = {
            table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr)  # noqa: S608 - our own tables
            for table in tables
            if not table.startswith("sqlite_")
        }
    database.close()
    for folder in ("segments", "journal"):
        for file in (data_dir / folder).rglob("*.*"):
            kept[str(file.relative_to(data_dir))] = hashlib.sha256(file.read_bytes()).hexdigest()
    return kept


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty minutes of a made network, plain and compressed, and two files that are no feed."""
    folder = tmp_path_factory.mktemp("feeds")
    for number, feed in enumerate(made_network(seed=5, duration_s=1_200, flights=20)):
        stem = f"feed_{feed.time:%Y%m%dT%H%M%SZ}"
        if number % 3 == 0:
            (folder / f"{stem}.json").write_bytes(feed.data)
        elif number % 3 == 1:
            (folder / f"{stem}.json.gz").write_bytes(gzip.compress(feed.data, 1))
        else:
            (folder / f"{stem}.json.zst").write_bytes(zstandard.compress(feed.data))
    (folder / "broken.json").write_bytes(b'{"general": {"update_timestamp": "2026-11-01T08:10')
    (folder / "torn.json.gz").write_bytes(
        gzip.compress(b"".join(b"%d," % n for n in range(500)))[:-40]
    )
    return folder


def test_feeds_go_through_and_are_counted(sectorwatch: Command, feeds: Path) -> None:
    """The contract's keys and no others; what was refused is said beside."""
    result = sectorwatch("replay", feeds, "--json")
    counts = result.json()
    assert result.code == 0
    assert tuple(counts) == KEYS
    assert counts["feeds"] == 80
    assert counts["pilots"] > 1_000
    assert counts["controllers"] == 80 * 8
    assert counts["flights"] >= 15
    assert counts["visits"] >= counts["flights"] / 2
    assert "torn.json.gz" in result.err
    assert "truncated" in result.err


def test_a_second_run_changes_nothing(sectorwatch: Command, tmp_path: Path) -> None:
    """The same counts, the same rows in every table, the same bytes in every sealed file."""
    first = sectorwatch("replay", AUSTRALIA, "--json").json()
    kept = contents(tmp_path / "data")
    assert any(name.endswith(".parquet") for name in kept)
    second = sectorwatch("replay", AUSTRALIA, "--json").json()
    assert {**second, "seconds": 0} == {**first, "seconds": 0}
    assert contents(tmp_path / "data") == kept


def test_without_json_it_is_a_table(sectorwatch: Command, feeds: Path) -> None:
    """For people: what and how many."""
    result = sectorwatch("replay", feeds, "--airspace", "made:australia", "--data-dir", "d")
    assert result.code == 0
    assert "flights" in result.out
    assert " s\n" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere does not exist"),
        ((".",), "holds no feed"),
        ((AUSTRALIA, "--airspace", "vatspy:nowhere"), "nowhere/VATSpy.dat is not there"),
        ((AUSTRALIA, "--data-dir", "/dev/null/data"), "/dev/null/data cannot be used"),
        ((AUSTRALIA, "--data-dir", "full"), "which sectorwatch did not write"),
        ((AUSTRALIA, "--config", "nowhere.toml"), "nowhere.toml cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    sectorwatch: Command, tmp_path: Path, words: tuple[object, ...], said: str
) -> None:
    """Code 1, the value that was wrong, and no traceback."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full/format").write_text("something else")
    result = sectorwatch("replay", *words)
    assert (result.code, result.out) == (1, "")
    assert said in result.err
    assert "Traceback" not in result.err


def test_made_and_real_traffic_are_replayed_apart(sectorwatch: Command, feeds: Path) -> None:
    """Neither at once, where real members would be masked with the public key, nor after another."""
    at_once = sectorwatch("replay", feeds, AUSTRALIA)
    assert at_once.code == 1
    assert "replay each kind in a run of its own" in at_once.err
    assert sectorwatch("replay", feeds, "--data-dir", "real").code == 0
    made = sectorwatch("replay", AUSTRALIA, "--data-dir", "real")
    assert made.code == 1
    assert "holds the real network's traffic" in made.err
    assert sectorwatch("replay", AUSTRALIA, "--data-dir", "made").code == 0
    real = sectorwatch("replay", feeds, "--data-dir", "made")
    assert real.code == 1
    assert "holds a made network's traffic" in real.err


def test_a_replay_that_accepts_nothing_has_failed(
    sectorwatch: Command, tmp_path: Path, feeds: Path
) -> None:
    """Code 1 and why, beside the counts; one good feed among bad ones is enough for 0."""
    (tmp_path / "torn.json").write_text('{"general": ')
    result = sectorwatch("replay", "torn.json", "--json")
    assert (result.code, result.json()["feeds"]) == (1, 0)
    assert "Refused: 1 feed, truncated" in result.err
    assert "not one feed was accepted" in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert sectorwatch("replay", "torn.json", feeds, "--json").code == 0


def test_a_journal_of_a_newer_version_is_refused(sectorwatch: Command, tmp_path: Path) -> None:
    """As source and in the data directory: the message says to upgrade, and nothing is touched."""
    with DataDirectory.open(tmp_path / "data") as directory:
        newer = directory.journal
    newer.mkdir()
    for file in AUSTRALIA.iterdir():
        data = bytearray(file.read_bytes())
        data[8:10] = (99).to_bytes(2, "little")
        data[60:64] = zlib.crc32(bytes(data[:60])).to_bytes(4, "little")
        (newer / file.name).write_bytes(data)
    for words in (("replay", newer, "--data-dir", "other"), ("replay", AUSTRALIA), ("run",)):
        result = sectorwatch(*words)
        assert result.code == 1
        assert "format version 99" in result.err.splitlines()[-1]
        assert "update sectorwatch" in result.err
    assert {file.name for file in newer.iterdir()} == {file.name for file in AUSTRALIA.iterdir()}


def test_an_interrupt_keeps_what_went_through(tmp_path: Path, sectorwatch: Command) -> None:
    """SIGINT ends it after the feed under way, with code 130; the same command goes on."""
    command = [str(Path(sys.executable).parent / "sectorwatch"), "replay", str(AUSTRALIA), "--json"]
    running = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    journal = tmp_path / "data/journal"
    deadline = time.monotonic() + 60
    while not (journal.is_dir() and any(journal.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert sectorwatch("replay", AUSTRALIA, "--json").json()["feeds"] == 480


@pytest.mark.real_data
def test_all_real_feeds_go_through(sectorwatch: Command, real_data: Path) -> None:
    """Every one of the 68, with every pilot record that their index counts, over the world."""
    airspace = f"vatspy:{real_data}/airspace/vatspy"
    words = ("replay", real_data / "feed", "--airspace", airspace, "--json")
    counts = sectorwatch(*words).json()
    assert counts["feeds"] == 68
    assert counts["pilots"] == 56_399
    assert counts["repaired"]["heading_360"] == 106
