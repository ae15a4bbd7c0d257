from __future__ import annotations

import zipfile
from itertools import islice
from pathlib import Path

import orjson
import pytest
from made_network import made_network
from make_recording import records, write

from sectorwatch.cli.playing import LEAD_S, Recording
from sectorwatch.feed.journal_format import journal_files
from sectorwatch.feed.journal_reader import journal_headers, read_journal
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.recordings import AUSTRALIA, MASKING_KEY

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_shipped_recording_is_what_the_generator_makes() -> None:
    """Its first ten minutes, record by record: times and every byte of the payloads."""
    made = list(islice(records(), 50))
    shipped = list(islice(read_journal(AUSTRALIA), 50))
    assert [(raw.kind, raw.received_at_us, raw.snapshot_time_us) for raw in shipped] == [
        record[:3] for record in made
    ]
    assert [raw.payload for raw in shipped] == [record[3] for record in made]


def test_the_shipped_recording_is_whole() -> None:
    """Two hours at 15 s, transceivers once a minute, small, and said to be made."""
    kinds = [raw.kind for raw in read_journal(AUSTRALIA)]
    assert (kinds.count(Kind.FEED), kinds.count(Kind.TRANSCEIVERS)) == (480, 120)
    headers = journal_headers(AUSTRALIA)
    assert all(header.simulated for header in headers)
    assert {header.key_fingerprint for header in headers} == {Masker(MASKING_KEY).fingerprint}
    assert sum(file.stat().st_size for file in AUSTRALIA.iterdir()) < 1_500_000


def test_nobody_is_in_the_recording() -> None:
    """Not even the invented members' names and numbers."""
    feed = orjson.loads(next(iter(made_network())).data)
    shipped = next(iter(read_journal(AUSTRALIA))).payload
    assert all(b'"cid":%d,' % pilot["cid"] not in shipped for pilot in feed["pilots"])
    assert all(pilot["name"].encode() not in shipped for pilot in feed["pilots"])


def test_the_same_seed_gives_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written twice, and over itself, they are equal byte for byte."""
    monkeypatch.setattr("make_recording.DURATION_S", 120)
    monkeypatch.setattr("make_recording.records", lambda: records(duration_s=120))
    sizes = [write(tmp_path / name) for name in ("one", "two", "two")]
    assert len(set(sizes)) == 1
    [one], [two] = ((tmp_path / name).iterdir() for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_mode & 0o777 == 0o644


def test_the_beginning_comes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """75 minutes without a wait, then the rest; at the end the person is told."""
    recording = Recording(1_000_000)
    feeds = [raw for raw in recording if raw.kind is Kind.FEED]
    assert len(feeds) == 480
    assert (recording.is_simulated, recording.is_live) == (True, False)
    assert recording.name == "a made recording of Australia"
    assert "The recording has ended" in capsys.readouterr().err
    begin_us = feeds[0].received_at_us
    at_once = [raw for raw in feeds if raw.received_at_us < recording._at_once_until_us]
    assert at_once[-1].received_at_us - begin_us == pytest.approx(LEAD_S * 1e6, abs=30e6)


def test_what_is_held_comes_at_once_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Gone on with, a demo does not sit through what it has; closed, it says nothing."""
    last_us = journal_files(AUSTRALIA.iterdir())[0].hour_s * 1_000_000 + 6_600_000_000
    recording = Recording(1.0, held_until_us=last_us)
    for raw in recording:
        # Of the next one it would wait for its time.
        if raw.received_at_us > last_us - 15_000_000:
            recording.close()
    assert capsys.readouterr().err == ""


def test_the_recording_is_in_the_wheel(tmp_path: Path) -> None:
    """Who installs sectorwatch with pip has it, and the type information."""
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(REPOSITORY))
    wheel = next(builder.build(directory=str(tmp_path), versions=["standard"]))
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"sectorwatch/recordings/australia/{file.name}" for file in AUSTRALIA.iterdir()} < names
    assert {"sectorwatch/py.typed", "sectorwatch/__main__.py"} < names
