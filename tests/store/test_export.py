"""What is exported is what is kept, in every format, in bounded pieces, and nothing by halves."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from made_ticks import START_S, demand, flight, plan, positions, tick
from sectorwatch.airspace.model import Sector
from sectorwatch.clock import parse_us
from sectorwatch.errors import StoreError
from sectorwatch.store.export import Wanted, export
from sectorwatch.store.segments import DAY_S, HOUR_S
from sectorwatch.traffic.tick import Gap, Positions, Visit

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Tick

STEP_S = 60
SECTOR = Sector("made", "enroute", "YSSY_CTR", "Sydney", ())
END_S = START_S + 150 * STEP_S
"""After the last tick."""


def minutely(seq: int) -> Tick:
    """A tick a minute with two flights, 1001 gone after an hour; one flies over 180 degrees."""
    now = START_S + (seq - 1) * STEP_S
    there = positions(2, now)
    longitude = (179.0 + (seq - 1) * 0.02 + 180) % 360 - 180
    there = replace(there, longitude=np.array([round(longitude, 5), there.longitude[1]]))
    if seq > 60:
        there = Positions(*(getattr(there, n)[:1] for n in Positions.__dataclass_fields__))
    gone = START_S + 59 * STEP_S - 3 if seq > 60 else None
    entry, exit_s = START_S + 600, START_S + 1_800
    visits = [Visit(1_000, SECTOR.sector_id, entry, 1.0, 179.5, 9_000)]
    if seq > 30:
        visits = [
            Visit(1_000, SECTOR.sector_id, entry, 1.0, 179.5, 9_000, exit_s, 2.0, -179.5, 9_100)
        ]
    if seq > 90:
        visits.append(Visit(1_000, SECTOR.sector_id, START_S + 5_400, 1.0, 2.0, 9_000))
    return replace(
        tick(seq, time_s=now),
        positions=there,
        flights=[
            flight(1_000, "=CMD|'/C calc'!A0", plan=plan()),
            flight(1_001, "VH-ABC", ended_s=gone),
        ],
        visits=visits if seq > 10 else (),
        demand=demand((now, SECTOR.sector_id, 1, int(seq == 10))),
        final_minute_s=now,
        gap=Gap(now - 60, now) if seq == 100 else None,
    )


def fly(store: Store) -> Store:
    """Two hours and a half, the first sealed."""
    store.keep_sectors([SECTOR])
    for seq in range(1, 151):
        store.commit(minutely(seq))
    store.seal(START_S)
    return store


@pytest.fixture
def flown(store: Store) -> Store:
    """Two hours and a half, the first sealed."""
    return fly(store)


def wanted(kind: Any, out: Path, **more: Any) -> Wanted:
    """All of a kind."""
    content: dict[str, Any] = {"from_s": START_S - 60, "to_s": END_S, **more}
    return Wanted(kind=kind, out=out, form=out.suffix[1:], **content)


def lines(path: Path) -> list[dict[str, str]]:
    """A CSV file, read as whoever reads CSV does."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_tracks_are_every_position_flight_by_flight(flown: Store, tmp_path: Path) -> None:
    """What is sealed and what is not, each flight in one piece, in the units of the names."""
    done = export(flown, wanted("tracks", tmp_path / "t.parquet"))
    table = pq.read_table(tmp_path / "t.parquet")
    assert done.rows == table.num_rows == 150 + 60
    assert table["flight_id"].to_pylist() == [1_001] * 60 + [1_000] * 150
    first = table.slice(60, 1).to_pylist()[0]
    assert first["time_utc"].timestamp() == START_S - 3
    assert (first["longitude_deg"], first["altitude_ft"]) == (179.0, 35_000)
    assert (first["departure"], first["aircraft"], first["qnh_mb"]) == ("YSSY", "B738", 1013)
    times = table["time_utc"].to_numpy()
    assert (np.diff(times[60:].astype("int64")) > 0).all()


def test_a_csv_is_safe_in_a_spreadsheet(flown: Store, tmp_path: Path) -> None:
    """A callsign that begins like a formula is text; times are ISO, in UTC."""
    out = tmp_path / "t.csv"
    export(flown, wanted("tracks", out, callsign="=cmd", from_s=START_S))
    rows = lines(out)
    assert {row["callsign"] for row in rows} == {"'=CMD|'/C calc'!A0"}
    assert rows[0]["flight_id"] == "1000"
    assert parse_us(rows[0]["time_utc"]) == (START_S + STEP_S - 3) * 1_000_000
    assert rows[0]["airborne"] == "true"


def test_tracks_are_lines_cut_at_the_antimeridian(flown: Store, tmp_path: Path) -> None:
    """A feature a flight, with a time for each position."""
    out = tmp_path / "t.geojson"
    export(flown, wanted("tracks", out))
    features = json.loads(out.read_text())["features"]
    assert [each["properties"]["flight_id"] for each in features] == ["1001", "1000"]
    assert [each["geometry"]["type"] for each in features] == ["LineString", "MultiLineString"]
    west, east = features[1]["geometry"]["coordinates"]
    assert (west[-1][0], east[0][0]) == (180, -180)
    assert len(west) + len(east) - 2 == len(features[1]["properties"]["times"]) == 150


@pytest.mark.parametrize("sealed", [False, True])
def test_visits_are_those_that_overlap_the_period(
    flown: Store, tmp_path: Path, sealed: bool
) -> None:
    """From a table or a sealed day: who, where, from when to when; one that lasts has no end."""
    if sealed:
        flown.commit(tick(151, time_s=START_S + 4 * DAY_S))
        assert flown.seal_due(START_S + 4 * DAY_S)
    out = tmp_path / "v.csv"
    assert export(flown, wanted("visits", out)).rows == 2
    whole, lasting = lines(out)
    assert whole["sector"] == "YSSY_CTR"
    assert whole["partition"] == "made:enroute"
    assert whole["duration_s"] == "1200"
    assert (lasting["exit_time_utc"], lasting["exit_latitude_deg"]) == ("", "")
    export(flown, wanted("visits", tmp_path / "v.geojson", to_s=START_S + 900))
    (feature,) = json.loads((tmp_path / "v.geojson").read_text())["features"]
    assert feature["geometry"]["type"] == "MultiLineString"
    assert feature["properties"]["entry_time"].endswith("T00:10:00Z")
    with pytest.raises(StoreError, match="nothing"):
        export(flown, wanted("visits", tmp_path / "no.csv", callsign="VH"))


@pytest.mark.parametrize("sealed", [False, True])
def test_demand_is_every_minute_with_something(flown: Store, tmp_path: Path, sealed: bool) -> None:
    """By sector and minute; what is not known is said."""
    if sealed:
        flown.commit(tick(151, time_s=START_S + 4 * DAY_S))
        flown.seal_due(START_S + 4 * DAY_S)
    done = export(flown, wanted("demand", tmp_path / "d.parquet", sector="made:enroute/yssy_ctr"))
    table = pq.read_table(tmp_path / "d.parquet").to_pydict()
    assert done.rows == 150
    assert sum(table["entries"]) == 1
    assert set(table["occupancy"]) == {1}
    gap = [words for words in done.remarks if "no snapshot" in words]
    assert len(gap) == 1
    with pytest.raises(StoreError, match=r"\.csv"):
        export(flown, wanted("demand", tmp_path / "d.geojson"))


def test_filters_by_airport(flown: Store, tmp_path: Path) -> None:
    """Those that filed it, in any case."""
    done = export(flown, wanted("tracks", tmp_path / "t.csv", airport="ymml"))
    assert done.rows == 150


def test_a_period_without_data_says_which_there_is(flown: Store, tmp_path: Path) -> None:
    """And leaves no file, nor a half one."""
    out = tmp_path / "t.csv"
    with pytest.raises(StoreError, match="there are tracks from 2023-11-13T23:59:57Z"):
        export(flown, wanted("tracks", out, from_s=START_S - DAY_S, to_s=START_S - HOUR_S))
    with pytest.raises(StoreError, match="no sector named"):
        export(flown, wanted("visits", out, sector="NOWHERE"))
    assert list(tmp_path.glob("*t.csv*")) == []


def test_a_file_is_replaced_only_when_told(flown: Store, tmp_path: Path) -> None:
    """And then whole, readable by its owner alone."""
    out = tmp_path / "t.csv"
    out.write_text("mine")
    with pytest.raises(StoreError, match="--force"):
        export(flown, wanted("tracks", out))
    assert out.read_text() == "mine"
    export(flown, wanted("tracks", out, force=True))
    assert len(lines(out)) == 210
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_damaged_hour_is_left_out_and_said(flown: Store, tmp_path: Path) -> None:
    """The rest is there."""
    (file,) = (flown.directory.segments / "positions").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-9])
    done = export(flown, wanted("tracks", tmp_path / "t.csv"))
    assert done.rows == 90
    assert "left out" in done.remarks[0]


def test_what_is_held_is_who_is_online(flown: Store, tmp_path: Path) -> None:
    """A flight's rows are written once it is gone; progress goes up to all of it."""
    seen: list[float] = []
    export(flown, wanted("tracks", tmp_path / "t.csv", progress=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_both_databases_give_the_same(either: Store, tmp_path: Path) -> None:
    """Tracks of an airport, visits of a callsign, demand of a sector."""
    fly(either)
    assert export(either, wanted("tracks", tmp_path / "t.csv", airport="YSSY")).rows == 150
    assert export(either, wanted("visits", tmp_path / "v.csv", callsign="=")).rows == 2
    assert export(either, wanted("demand", tmp_path / "d.csv", sector="YSSY_CTR")).rows == 150
