"""Visits and demand computed again from positions: the same for the same sectors, new for new."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from runtime.world import contents, load_once, settings_for, write_feeds
from sectorwatch.airspace import load_airspace
from sectorwatch.errors import DataDirectoryError, StoreError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import Telemetry
from sectorwatch.runtime import replay
from sectorwatch.runtime.redraw import redraw
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.segments import DAY_S

if TYPE_CHECKING:
    from pathlib import Path

BOX = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "NEW"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[140, -40], [152, -40], [152, -30], [140, -30], [140, -40]]],
            },
        }
    ],
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours over the made airspace, of which one is sealed."""
    load_once()
    folder = tmp_path_factory.mktemp("redrawn")
    write_feeds(folder / "feeds", duration_s=7_200, every_s=60, flights=30, radios=True)
    source = ArchiveSource([folder / "feeds"])
    replay(settings_for(folder / "data"), source, telemetry=Telemetry.null())
    return folder / "data"


@pytest.fixture
def data_dir(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copied = tmp_path / "data"
    subprocess.run(["cp", "-a", str(original), str(copied)], check=True)
    return copied


def seal_days(data_dir: Path) -> None:
    """Has the day's visits and demand sealed, as they are two days later."""
    with DataDirectory.open(data_dir) as directory, Store.open(directory) as store:
        last_s = store.network.known(0, 0).last_s
        assert last_s is not None
        # The hour that is open cannot be sealed yet; all else is.
        with pytest.raises(StoreError, match="not over"):
            store.seal_due(last_s + 4 * DAY_S)
        with store.database.read("asking what is sealed") as connection:
            kinds = set(connection.scalars(select(schema.segment.c.kind)))
    assert kinds >= {"visits", "demand", "contacts"}


@pytest.fixture(params=["in tables", "sealed"])
def kept(request: pytest.FixtureRequest, data_dir: Path) -> Path:
    """The day in tables, or in files."""
    if request.param == "sealed":
        seal_days(data_dir)
    return data_dir


def rows(data_dir: Path) -> dict[str, Any]:
    """Visits and demand, wherever they lie."""
    found = contents(data_dir)
    return {name: found[name] for name in ("visit", "demand")}


def test_the_same_sectors_give_the_same(kept: Path, original: Path) -> None:
    """Every visit to the second and the last digit, every minute of demand, who was in contact."""
    done = redraw(settings_for(kept))
    assert done.days == ["2026-11-01"]
    assert (done.gone, done.remarks) == ([], [])
    assert rows(kept) == rows(original)
    assert len(rows(kept)["visit"]) > 40
    redraw(settings_for(kept))
    assert rows(kept) == rows(original)
    assert contents(kept)["positions"] == contents(original)["positions"]


def test_new_sectors_have_a_past_and_old_ones_keep_theirs(
    kept: Path, original: Path, tmp_path: Path
) -> None:
    """One box instead of all that was: its visits are there, and nothing of the others is gone."""
    box = tmp_path / "box.geojson"
    box.write_text(json.dumps(BOX))
    spec = f"geojson:{box}?name=name"
    done = redraw(settings_for(kept, airspace=[spec]))
    (sector,) = load_airspace([spec]).sectors
    assert len(done.gone) > 10
    assert "made:enroute/YSSY_CTR" in done.gone
    before, after = rows(original), rows(kept)
    assert [row for row in after["visit"] if row[2] != sector.sector_id] == before["visit"]
    assert [row for row in after["demand"] if row[1] != sector.sector_id] == before["demand"]
    visits = [row for row in after["visit"] if row[2] == sector.sector_id]
    minutes = [row for row in after["demand"] if row[1] == sector.sector_id]
    assert len(visits) > 10
    assert sum(row[3] for row in minutes) == sum(row[0] >= minutes[0][0] for row in visits)
    fresh = tmp_path / "fresh"
    source = ArchiveSource([original.parent / "feeds"])
    replay(settings_for(fresh, airspace=[spec]), source, telemetry=Telemetry.null())
    assert visits == rows(fresh)["visit"]
    assert [row[:4] for row in minutes] == [row[:4] for row in rows(fresh)["demand"]]


def test_a_sector_that_nobody_enters_any_more_is_emptied(
    kept: Path, original: Path, tmp_path: Path
) -> None:
    """Drawn where nobody flies, it has no visits, and a day without any is a day all the same."""
    away = json.dumps(BOX).replace("140", "0").replace("152", "10")
    for number, text in enumerate((json.dumps(BOX), away)):
        # Another folder: an airspace is loaded once a path in these tests.
        box = tmp_path / str(number) / "box.geojson"
        box.parent.mkdir()
        box.write_text(text)
        done = redraw(settings_for(kept, airspace=[f"geojson:{box}?name=name"]))
        assert done.days == ["2026-11-01"]
        assert (done.visits == 0) == (number == 1)
    assert rows(kept) == rows(original)


def test_a_day_with_a_damaged_hour_keeps_what_it_had(kept: Path, original: Path) -> None:
    """It is said which, and why; nothing is touched."""
    (file,) = (kept / "segments" / "positions").rglob("*.parquet")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    done = redraw(settings_for(kept))
    assert done.days == []
    assert "2026-11-01 keeps what it had" in done.remarks[0]
    file.write_bytes(content)
    assert rows(kept) == rows(original)


def test_a_period_without_data_is_said(data_dir: Path) -> None:
    """With the one that there is; a directory that is none, or in use, likewise."""
    with pytest.raises(StoreError, match="there are snapshots from 2026-11-01T08:00:00Z"):
        redraw(settings_for(data_dir), from_s=0, to_s=DAY_S)
    with DataDirectory.open(data_dir), pytest.raises(DataDirectoryError, match="in use"):
        redraw(settings_for(data_dir))


def test_a_minute_of_which_no_contact_is_known_stays_so(data_dir: Path, original: Path) -> None:
    """Null before, null after: what was never heard cannot be computed."""
    database = sqlite3.connect(data_dir / "sectorwatch.db")
    database.execute("UPDATE demand SET in_contact = NULL WHERE minute_s % 120 = 0")
    database.commit()
    database.close()
    redraw(settings_for(data_dir))
    expected = [(*row[:4], None) if row[0] % 120 == 0 else row for row in rows(original)["demand"]]
    assert sorted(rows(data_dir)["demand"], key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("kind", ["visits", "demand"])
def test_a_day_with_a_damaged_file_keeps_what_it_had(
    data_dir: Path, original: Path, kind: str
) -> None:
    """Where what is to be replaced cannot be read, it is said, and nothing of it is touched."""
    seal_days(data_dir)
    file, content = damage(data_dir, kind)
    for _ in range(2):
        done = redraw(settings_for(data_dir))
        assert done.days == []
        assert "2026-11-01 keeps what it had" in done.remarks[0]
    file.write_bytes(content)
    assert rows(data_dir) == rows(original)


def test_where_contacts_are_lost_nobody_knows_who_was_in_contact(
    data_dir: Path, original: Path
) -> None:
    """It is unknown, which is not nobody; that it was known once is said."""
    seal_days(data_dir)
    damage(data_dir, "contacts")
    known = rows(original)
    assert any(row[4] for row in known["demand"])
    for _ in range(2):
        done = redraw(settings_for(data_dir))
        assert done.days == ["2026-11-01"]
        assert "contacts are lost" in done.remarks[0]
    (file,) = (data_dir / "segments" / "contacts").rglob("*.parquet")
    file.unlink()
    with sqlite3.connect(data_dir / "sectorwatch.db") as connection:
        connection.execute("UPDATE segment SET replaced_at_us = 0 WHERE missing")
    found = rows(data_dir)
    assert found["visit"] == known["visit"]
    assert [row[:4] for row in found["demand"]] == [row[:4] for row in known["demand"]]
    assert {row[4] for row in found["demand"]} == {None}


def damage(data_dir: Path, kind: str) -> tuple[Path, bytes]:
    """Overwrites the midst of the one sealed file of a kind; gives it and what it held."""
    (file,) = (data_dir / "segments" / kind).rglob("*.parquet")
    content = file.read_bytes()
    half = len(content) // 2
    file.write_bytes(content[:10] + bytes(half - 10) + content[half:])
    return file, content
