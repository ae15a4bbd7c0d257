"""Small airspace data sets of our own making, each with the traps that the real ones have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "box_ring",
    "feature",
    "write_geojson",
    "write_vatspy",
    "write_vatsys",
]


def box_ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    """A rectangle's ring, closed."""
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(properties: Any, *rings: Any, parts: Sequence[Any] | None = None) -> dict[str, Any]:
    """A GeoJSON feature of one polygon, or of `parts`, each a list of rings."""
    if parts is None:
        geometry = {"type": "Polygon", "coordinates": list(rings)}
    else:
        geometry = {"type": "MultiPolygon", "coordinates": list(parts)}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def write_geojson(path: Path, features: Sequence[Any]) -> Path:
    """A FeatureCollection in a file."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def _boundary(ident: str, ring: Any, label: tuple[float, float]) -> dict[str, Any]:
    properties = {
        "id": ident,
        "oceanic": "0",
        "label_lon": str(label[0]),
        "label_lat": f"{label[1]}",
    }
    return feature(properties, parts=[[ring]])


VATSPY_DAT = """\
;a comment
[Countries]
Nowhere|AA|Control

[Airports]
AAAX|Somewhere|5.0|5.0||AAAA|0 ; io

[FIRs]
;ICAO|NAME|CALLSIGN PREFIX|FIR BOUNDARY
AAAA|Alpha||AAAA
AAAA|Alpha|ALF|AAAA
AAAA-E|Alpha (East)|AAAA_E|AAAA-E
AAAA-E|Alpha (East)|AAAA_E1|AAAA-E
BBBB|Bravo|BRV|BBBB
BBBM|Bravo Military||BBBB
NOPE|Nobody||NOPE
CCCC|Charlie||CCCC

[UIRs]
EURX|Upper Everything|AAAA,BBBB
ZZ-U|Upper Nowhere|ZZZZ

[IDL]
52.0|-192.5
48.0|-180.0
"""


def write_vatspy(folder: Path, dat: str = VATSPY_DAT) -> Path:
    """A VATSpy folder.

    AAAA (0..10, 0..10) with AAAA-E (5..10), BBBB (10..20) twice, its second shape inside AAAA;
    CCCC across the antimeridian, twice the same; DDDD, which no row knows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bow_tie = [[30, 0], [40, 10], [40, 0], [30, 10], [30, 0]]
    across = [[175, 0], [-175, 0], [-175, 10], [175, 10], [175, 0]]
    features = [
        _boundary("AAAA", box_ring(0, 0, 10, 10), (2, 5)),
        _boundary("AAAA-E", box_ring(5, 0, 10, 10), (7, 5)),
        _boundary("BBBB", box_ring(10, 0, 20, 10), (15, 5)),
        _boundary("BBBB", box_ring(1, 1, 4, 4), (15, 5)),
        _boundary("CCCC", across, (180, 5)),
        _boundary("CCCC", across, (180, 5)),
        _boundary("DDDD", bow_tie, (31, 5)),
        {"type": "Feature", "properties": {"id": "EEEE"}, "geometry": None},
        {"type": "Feature", "properties": {"id": ""}, "geometry": None},
        "no feature",
    ]
    write_geojson(folder / "Boundaries.geojson", features)
    (folder / "VATSpy.dat").write_text(dat, encoding="utf-8")
    return folder


VATSYS_VOLUMES = """\
<?xml version="1.0"?>
<Volumes>
  <!-- an airspace of four squares <Boundary Name="COMMENTED">-00+000/</Boundary> -->
  <Boundary Name="WEST">
    -100000.000+1300000.000/
    -100000.000+1400000.000/ <!-- a corner -->
    -200000.000+1400000.000/
    -200000.000+1300000.000/
    -100000.000+1300000.000
  </Boundary>
  <Boundary Name="EAST">-10.0+140.0/ -10.0+150.0/ -20.0+150.0/ -20.0+140.0/ -10.0+140.0</Boundary>
  <Boundary Name="SOUTH">
    -2000.000+13000.000/
    -2000.000+15000.000/
    -2960.000+15000.000/
    -2960.000+13000.000
  </Boundary>
  <Boundary Name="TMA">-14+134/ -14+136/ -16+136/ -16+134/ -14+134</Boundary>
  <Boundary Name="TMA">-14+134/ -14+136/ -16+136/ -16+134/ -14+134</Boundary>
  <Boundary Name="TMA">-14+134/ -14+135/ -16+135/ -16+134/ -14+134</Boundary>
  <Boundary Name="BY_NAME">ELBIS/ IKUMA/ CIN</Boundary>
  <Boundary Name="SPARE">-40+134/ -40+136/ -42+136</Boundary>

  <Volume Name="W" LowerLimit="0" UpperLimit="60000"><Boundaries>WEST</Boundaries></Volume>
  <Volume Name="E" LowerLimit="0"><Boundaries>EAST, SOUTH</Boundaries></Volume>
  <Volume Name="S" LowerLimit="60000" UpperLimit="0"><Boundaries>SOUTH</Boundaries></Volume>
  <Volume Name="T" LowerLimit="0" UpperLimit="24500"><Boundaries>TMA</Boundaries></Volume>
  <Volume Name="T_CAP" LowerLimit="24500" UpperLimit="60000"><Boundaries>TMA</Boundaries></Volume>
  <Volume Name="LOST" LowerLimit="0" UpperLimit="60000"><Boundaries>NOWHERE</Boundaries></Volume>
  <Volume Name="ODD" LowerLimit="high" UpperLimit="60000"><Boundaries>TMA</Boundaries></Volume>
  <Volume Name="W" LowerLimit="0" UpperLimit="1"><Boundaries>TMA</Boundaries></Volume>
  <Volume Name="UNUSED" LowerLimit="500" UpperLimit="400"><Boundaries>TMA</Boundaries></Volume>
</Volumes>
"""

VATSYS_SECTORS = """\
<?xml version="1.0" encoding="utf-8"?>
<Sectors>
  <Sector FullName="West" Frequency="128.850" Callsign="AA-WST_CTR" Name="WST">
    <Volumes>W,T_CAP</Volumes>
    <ResponsibleSectors>EST,STH,NOBODY</ResponsibleSectors>
  </Sector>
  <Sector FullName="East" Frequency="130.45" Callsign="AA-EST_CTR" Name="EST">
    <Volumes>E,NOPE</Volumes>
    <ResponsibleSectors>TAN</ResponsibleSectors>
  </Sector>
  <Sector FullName="South Radio" Frequency="123.450" Callsign="BB-STH_FSS" Name="STH">
    <Volumes>S</Volumes>
    <ResponsibleSectors>WST</ResponsibleSectors>
  </Sector>
  <Sector FullName="West Training" Frequency="128.850" Callsign="WEST_T_CTR" Name="WSTT">
    <Volumes>W</Volumes>
    <ResponsibleSectors>WST</ResponsibleSectors>
  </Sector>
  <Sector FullName="Town Approach (North)" Frequency="124.700" Callsign="TN_APP" Name="TAN">
    <Volumes>T</Volumes>
    <ResponsibleSectors>TAS</ResponsibleSectors>
  </Sector>
  <Sector FullName="Town Departures" Frequency="not tuned" Callsign="TN-S_DEP" Name="TAS">
    <Volumes>T</Volumes>
    <ResponsibleSectors>TAN,TAS</ResponsibleSectors>
  </Sector>
  <Sector FullName="Town Finals" Frequency="119.250" Callsign="TN-F_APP" Name="TAF" />
  <Sector FullName="Town Tower" Frequency="120.500" Callsign="TN_TWR" Name="TN ADC">
    <Volumes>T</Volumes>
  </Sector>
  <Sector FullName="Lost" Frequency="120.000" Callsign="LOST_CTR" Name="LST">
    <Volumes>LOST</Volumes>
  </Sector>
  <Sector FullName="Twice" Frequency="120.000" Callsign="TWICE_CTR" Name="WST" />
  <Sector FullName="No callsign" Frequency="120.000" Callsign="?" Name="XXX" />
</Sectors>
"""

VATSYS_POSITIONS = """\
<?xml version="1.0" encoding="utf-8"?>
<Positions>
  <Group Name="Enroute">
    <Position Name="West" Type="ASD" DefaultCenter="-3233.200+15056.266">
      <Sectors><Sector Name="WST" /><Sector Name="GONE" /></Sectors>
    </Position>
  </Group>
  <!-- <Position Name="EVENT"><Sectors><Sector Name="NOT HERE" /></Sectors></Position> -->
  <Position Name="TOWN" Type="ASMGCS" />
</Positions>
"""


def write_vatsys(
    folder: Path,
    *,
    volumes: str = VATSYS_VOLUMES,
    sectors: str = VATSYS_SECTORS,
    positions: str = VATSYS_POSITIONS,
) -> Path:
    """A vatSys profile: two squares side by side, one below, and a town's approach in the first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Volumes.xml").write_text(volumes, encoding="utf-8")
    (folder / "Sectors.xml").write_text(sectors, encoding="utf-8")
    (folder / "Positions.xml").write_text(positions, encoding="utf-8")
    return folder
