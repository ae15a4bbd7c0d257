from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sectorwatch.cli.simulating import Wish, network_of
from sectorwatch.feed.accept import accept
from sectorwatch.feed.journal_reader import journal_headers, read_journal
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator import SimulatedSource, made_schedule

if TYPE_CHECKING:
    from pathlib import Path

    from cli.calling import Command
    from sectorwatch.simulator import Schedule

START_S = 1_795_420_800  # 2026-11-23T08:00:00Z
PERIOD = ("--from", "2026-11-23T08:00:00Z", "--to", "2026-11-23T08:10:00Z")


def write(schedule: Schedule, path: Path) -> Path:
    """A schedule as the Parquet file that it would come in."""
    codes = schedule.airports.icao
    times = {
        name: pa.array(column * 1_000, type=pa.timestamp("ms"))
        for name, column in (
            ("filed_off_at", schedule.filed_off_s),
            ("off_at", schedule.off_s),
            ("on_at", schedule.on_s),
        )
    }
    columns = {
        "flight_id": schedule.flight_id,
        "origin": [codes[place] for place in schedule.origin.tolist()],
        "destination": [codes[place] for place in schedule.destination.tolist()],
        "distance_nm": schedule.distance_nm,
        **times,
    }
    pq.write_table(pa.table(columns), path)
    return path


def test_what_is_simulated_can_be_replayed(sectorwatch: Command, tmp_path: Path) -> None:
    """A journal like any other, marked as simulated: as many records go in as come out."""
    made = sectorwatch("simulate", "made:australia", *PERIOD, "--out", "j", "--json")
    assert made.code == 0
    counts = made.json()
    assert counts["feeds"] == 40
    assert counts["transceivers"] == 10
    assert counts["pilots"] > 1_000
    assert all(header.simulated for header in journal_headers(tmp_path / "j"))
    replayed = sectorwatch("replay", "j", "--json").json()
    for name in ("feeds", "pilots", "controllers"):
        assert replayed[name] == counts[name]
    assert replayed["dropped"] == {}


def test_the_same_wish_gives_the_same_bytes(sectorwatch: Command, tmp_path: Path) -> None:
    """And another seed gives others."""
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        words = ("--made", "australia", "--seed", seed, "--cadence", 120, *PERIOD)
        assert sectorwatch("simulate", *words, "--out", name).code == 0
    one, two, other = (
        [file.read_bytes() for file in sorted((tmp_path / name).iterdir())]
        for name in ("one", "two", "other")
    )
    assert one == two != other


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A schedule of two short flights that take off within some minutes."""
    schedule = made_schedule("australia", start_s=START_S, days=1, peak_airborne=150)
    part = schedule.taking_off(START_S, START_S + 1_200)
    quick = np.argsort(part.on_s - part.off_s)[:2]
    return write(part.rows(np.sort(quick)), tmp_path / "s.parquet")


def test_a_schedule_is_replayed_as_it_is(sectorwatch: Command, short: Path) -> None:
    """Flown straight into the pipeline."""
    counts = sectorwatch("replay", short, "--json").json()
    assert counts["flights"] >= 2
    assert counts["movements"] >= 3
    assert counts["dropped"] == {}


def test_a_schedule_replayed_gives_what_its_journal_holds(
    sectorwatch: Command, tmp_path: Path, short: Path
) -> None:
    """Straight into the pipeline or by way of a journal: the same bytes, masked alike."""
    wish = Wish(sources=[str(short)], airspace=["made:australia"], cadence_s=60)
    masker = Masker(MASKING_KEY)
    straight, time_us = [], None
    for raw in SimulatedSource(network_of(wish), cadence_s=60):
        accepted = accept(raw.payload, raw.kind, masker, last_time_us=time_us)
        time_us = accepted.time_us
        straight.append((raw.kind, raw.received_at_us, time_us, accepted.document))
    words = ("--out", "j", "--airspace", "made:australia", "--cadence", 60)
    assert sectorwatch("simulate", short, *words).code == 0
    journal = [
        (raw.kind, raw.received_at_us, raw.snapshot_time_us, raw.payload)
        for raw in read_journal(tmp_path / "j")
    ]
    assert journal == straight


def test_a_journal_is_never_written_over(sectorwatch: Command, tmp_path: Path) -> None:
    """The folder is named, and nothing in it is touched."""
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "mine").write_text("precious")
    result = sectorwatch("simulate", "made:australia", *PERIOD, "--out", "j")
    assert result.code == 1
    assert "j is there already" in result.err
    assert [file.name for file in (tmp_path / "j").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "give a SCHEDULE"),
        (("made:australia",), 2, "give either --out"),
        (("made:australia", "--out", "j", "--serve", "0"), 2, "give either --out"),
        (("made:australia", "--out", "j", "--lockstep"), 2, "are for --serve"),
        (("made:australia", "--serve", "0", "--speed", "0"), 2, "serves nothing new"),
        (("made:australia", "--serve", "0", "--speed", "inf"), 2, "serves nothing new"),
        (("made:australia", "--serve", "0", "--speed", "nan"), 2, "serves nothing new"),
        (("made:atlantis", "--out", "j"), 1, "no schedule is made for 'atlantis'"),
        (("nowhere.parquet", "--out", "j"), 1, "there is no nowhere.parquet"),
        (("made:us", "made:world", "--out", "j"), 1, "give it alone"),
        (("made:us", "--from", "yesterday", "--out", "j"), 2, "is no time such as"),
        (("made:us", "--from", "2026-11-02", "--out", "j"), 2, "is no time such as"),
        (("made:us", "--from", PERIOD[3], "--to", PERIOD[1], "--out", "j"), 2, "is not before"),
        (("made:us", "--from", "1900-01-01T00:00:00Z", "--out", "j"), 2, "from 2000 to 2099"),
        (("made:us", "--to", "9000-01-01T00:00:00Z", "--out", "j"), 2, "from 2000 to 2099"),
        (("made:us", "--cadence", "0", "--out", "j"), 2, "--cadence"),
    ],
)
def test_what_cannot_be_simulated_is_said(
    sectorwatch: Command, words: tuple[str, ...], code: int, says: str
) -> None:
    """In words, with the value, and nothing is written."""
    result = sectorwatch("simulate", *words)
    assert result.code == code
    assert says in result.err.replace("\n", " ")


def test_rows_left_out_are_counted_for_the_person(sectorwatch: Command, tmp_path: Path) -> None:
    """By reason, on standard error and in the answer."""
    schedule = made_schedule("australia", start_s=START_S, days=1, peak_airborne=20)
    part = schedule.taking_off(START_S, START_S + 3_600)
    part.on_s[0] = part.off_s[0] - 60
    file = write(part, tmp_path / "s.parquet")
    result = sectorwatch("simulate", file, *PERIOD, "--cadence", 300, "--out", "j", "--json")
    assert result.json()["left_out"] == {"backwards": 1}
    assert "Left out: 1 flight, backwards" in result.err


def test_a_schedule_among_feeds_is_refused(sectorwatch: Command, tmp_path: Path) -> None:
    """Flown time and recorded time are not mixed."""
    (tmp_path / "a.parquet").touch()
    (tmp_path / "a.json").write_text("{}")
    result = sectorwatch("replay", "a.parquet", "a.json")
    assert result.code == 1
    assert "a.parquet is a schedule" in result.err


def test_it_is_served_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """At the address that it prints; each fetch brings the next feed in lockstep."""
    words = ["simulate", "made:australia", *PERIOD, "--serve", "0", "--lockstep"]
    child = subprocess.Popen(
        [sys.executable, "-m", "sectorwatch", *words],
        env={"PYTHONPATH": ":".join(sys.path)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    try:
        status = json.loads(_fetched(child.stdout.readline().strip()))
        [feed] = status["data"]["v3"]
        times = [json.loads(_fetched(feed))["general"]["update_timestamp"][:19] for _ in range(3)]
        assert times == [f"2026-11-23T08:00:{second}" for second in ("00", "15", "30")]
    finally:
        child.send_signal(signal.SIGTERM)
        child.stdout.close()
        assert child.wait(timeout=60) == 0


def _fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own
        body: bytes = answer.read()
    return body


def test_ctrl_c_leaves_a_journal_that_can_be_read(tmp_path: Path) -> None:
    """It ends after the feed under way, with code 130."""
    journal = tmp_path / "j"
    words = ["simulate", "made:us", "--from", "2026-11-23T00:00:00Z", "--out", str(journal)]
    child = subprocess.Popen(
        [sys.executable, "-m", "sectorwatch", *words],
        env={"PYTHONPATH": ":".join(sys.path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    until_s = time.monotonic() + 60
    while not (journal.is_dir() and any(journal.iterdir())) and time.monotonic() < until_s:
        time.sleep(0.05)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _, words_said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "can be replayed" in words_said
    feeds = [raw for raw in read_journal(journal) if raw.kind is Kind.FEED]
    assert len(feeds) >= 1
