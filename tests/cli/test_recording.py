from __future__ import annotations

import zipfile
from itertools import islice
from pathlib import Path

import orjson
import pytest
from made_network import made_network
from make_recording import records, write

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


def test_the_recording_is_in_the_wheel(tmp_path: Path) -> None:
    """Who installs sectorwatch with pip has it, and the type information."""
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(REPOSITORY))
    wheel = next(builder.build(directory=str(tmp_path), versions=["standard"]))
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"sectorwatch/recordings/australia/{file.name}" for file in AUSTRALIA.iterdir()} < names
    assert {"sectorwatch/py.typed", "sectorwatch/__main__.py"} < names
