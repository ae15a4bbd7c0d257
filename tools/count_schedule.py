"""Count a schedule's demand by sector, straight from the schedule: an independent count.

Nothing of sectorwatch is used here, so that it can be held against what the pipeline counts. Each
flight moves evenly along the great circle from take-off to landing; a minute's occupancy of a
sector is how many are in its polygon at hh:mm:00. Levels are not looked at.

    python tools/count_schedule.py SCHEDULE.parquet AIRSPACE.geojson --name ICAOCODE \
        --only '^KZ' --without oceanic=1 --from 2001-03-13 --to 2001-03-14
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import airportsdata
import numpy as np
import pyarrow.parquet as pq
import shapely

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["count", "load_polygons"]

_MINUTE_S = 60


def load_polygons(
    path: Path, name: str, only: str = "", without: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Give the polygons of a GeoJSON file by their property `name`, joined where one has several.

    `only` is a pattern that names must match; features with a property and value of `without` are
    left out.
    """
    found: dict[str, list[Any]] = {}
    for feature in json.loads(path.read_text())["features"]:
        properties = feature["properties"]
        if any(str(properties.get(key)) == value for key, value in (without or {}).items()):
            continue
        if re.search(only, str(properties.get(name))):
            shape = shapely.make_valid(shapely.geometry.shape(feature["geometry"]))
            found.setdefault(str(properties[name]), []).append(shape)
    return {key: shapely.union_all(shapes) for key, shapes in found.items()}


def count(
    schedule: Path, polygons: Mapping[str, Any], start: dt.datetime, end: dt.datetime
) -> dict[str, np.ndarray[Any, Any]]:
    """Give the occupancy of each polygon at each whole minute from `start` until before `end`."""
    table = pq.read_table(
        schedule, columns=["origin", "destination", "off_at", "on_at"]
    ).to_pydict()
    airports = airportsdata.load("ICAO")
    known = np.array(
        [
            a in airports and b in airports
            for a, b in zip(table["origin"], table["destination"], strict=True)
        ]
    )
    off, on = (
        np.array(table[key], dtype="datetime64[s]").astype(np.int64) for key in ("off_at", "on_at")
    )
    begin_s, end_s = (int(each.replace(tzinfo=dt.UTC).timestamp()) for each in (start, end))
    wanted = np.flatnonzero(known & (on > off) & (off < end_s) & (on > begin_s))
    if not wanted.size:
        raise SystemExit(f"{schedule} has no flight between {start} and {end}")
    from_, to = (
        np.array([_vector(airports[table[key][row]]) for row in wanted])
        for key in ("origin", "destination")
    )
    off, on = off[wanted], on[wanted]
    angle = np.arccos(np.clip((from_ * to).sum(axis=1), -1, 1))
    minutes = np.arange(begin_s, end_s, _MINUTE_S)
    for shape in polygons.values():
        shapely.prepare(shape)
    boxes = {name: shape.bounds for name, shape in polygons.items()}
    result = {name: np.zeros(minutes.size, dtype=np.int64) for name in polygons}
    for place, minute in enumerate(minutes):
        flying = np.flatnonzero((off <= minute) & (minute < on) & (angle > 0))
        part = (minute - off[flying]) / (on[flying] - off[flying])
        a = angle[flying]
        where = (np.sin((1 - part) * a) / np.sin(a))[:, None] * from_[flying] + (
            np.sin(part * a) / np.sin(a)
        )[:, None] * to[flying]
        lat = np.degrees(np.arcsin(where[:, 2]))
        lon = np.degrees(np.arctan2(where[:, 1], where[:, 0]))
        for name, shape in polygons.items():
            west, south, east, north = boxes[name]
            near = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
            result[name][place] = shapely.contains_xy(shape, lon[near], lat[near]).sum()
    return result


def _vector(airport: Mapping[str, Any]) -> tuple[float, float, float]:
    lat, lon = np.radians(airport["lat"]), np.radians(airport["lon"])
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def main() -> None:
    """Print each sector's mean and peak, and the whole as JSON where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("schedule", type=Path)
    parser.add_argument("airspace", type=Path)
    parser.add_argument("--name", default="name", help="the property that is a sector's name")
    parser.add_argument("--only", default="", help="a pattern that names must match")
    parser.add_argument("--without", action="append", default=[], metavar="PROPERTY=VALUE")
    parser.add_argument("--from", dest="start", type=dt.datetime.fromisoformat, required=True)
    parser.add_argument("--to", dest="end", type=dt.datetime.fromisoformat, required=True)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    without = dict(each.split("=", 1) for each in given.without)
    polygons = load_polygons(given.airspace, given.name, given.only, without)
    counts = count(given.schedule, polygons, given.start, given.end)
    if given.json:
        json.dump({name: series.tolist() for name, series in counts.items()}, sys.stdout)
        return
    for name, series in sorted(counts.items()):
        print(f"{name:12} mean {series.mean():7.2f}  peak {series.max():4}")


if __name__ == "__main__":
    main()
