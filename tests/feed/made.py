"""Feeds made as the network writes them: keys in its order, no spaces, text as UTF-8."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from sectorwatch.clock import parse_us

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2025-08-06T21:00:00.1234567Z"
TIME_US = parse_us(TIME)
TIME_S = TIME_US // 1_000_000


def plan(**changes: Any) -> dict[str, Any]:
    """A flight plan."""
    return {
        "flight_rules": "I",
        "aircraft": "B738/M-SDE2E3FGHIRWXY/LB1",
        "aircraft_faa": "B738/L",
        "aircraft_short": "B738",
        "departure": "YSSY",
        "arrival": "YMML",
        "alternate": "YMAV",
        "cruise_tas": "450",
        "altitude": "36000",
        "deptime": "2030",
        "enroute_time": "0115",
        "fuel_time": "0300",
        "remarks": "PBN/A1B1 RMK/TCAS /V/",
        "route": "WOL H65 LEECE Q29 BOOIN",
        "revision_id": 1,
        "assigned_transponder": "3456",
        **changes,
    }


def pilot(cid: Any = 1234567, callsign: Any = "QFA401", **changes: Any) -> dict[str, Any]:
    """A pilot's record; a change to `...` leaves the key out."""
    record = {
        "cid": cid,
        "name": "Kennedy Steve KJFK",
        "callsign": callsign,
        "server": "SYDNEY",
        "pilot_rating": 0,
        "military_rating": 0,
        "latitude": -33.94611,
        "longitude": 151.17722,
        "altitude": 12345,
        "groundspeed": 250,
        "transponder": "3456",
        "heading": 44,
        "qnh_i_hg": 29.92,
        "qnh_mb": 1013,
        "flight_plan": plan(),
        "logon_time": "2025-08-06T19:55:01.5Z",
        "last_updated": "2025-08-06T20:59:58.1415926Z",
        **changes,
    }
    return {key: value for key, value in record.items() if value is not ...}


def controller(cid: Any = 1300001, callsign: Any = "SY_APP", **changes: Any) -> dict[str, Any]:
    """A controller's record."""
    record = {
        "cid": cid,
        "name": "Alex Doe",
        "callsign": callsign,
        "frequency": "124.400",
        "facility": 5,
        "rating": 5,
        "server": "SYDNEY",
        "visual_range": 150,
        "text_atis": ["Sydney Approach", "Feedback: vatpac.org"],
        "last_updated": "2025-08-06T20:59:50Z",
        "logon_time": "2025-08-06T18:00:00.123Z",
        **changes,
    }
    return {key: value for key, value in record.items() if value is not ...}


def atis(cid: Any = 1300001, callsign: Any = "YSSY_ATIS", **changes: Any) -> dict[str, Any]:
    """An ATIS record."""
    record = {
        "cid": cid,
        "name": "Alex Doe",
        "callsign": callsign,
        "frequency": "126.250",
        "facility": 4,
        "rating": 5,
        "server": "SYDNEY",
        "visual_range": 0,
        "atis_code": "K",
        "text_atis": ["YSSY ATIS K 2045", "RWY 16L AND R FOR ARR AND DEP"],
        "last_updated": "2025-08-06T20:59:51.9Z",
        "logon_time": "2025-08-06T18:01:00Z",
        **changes,
    }
    return {key: value for key, value in record.items() if value is not ...}


def prefile(cid: Any = 1400001, callsign: Any = "JST702", **changes: Any) -> dict[str, Any]:
    """A plan filed beforehand."""
    record = {
        "cid": cid,
        "name": str(cid),
        "callsign": callsign,
        "flight_plan": plan(),
        "last_updated": "2025-08-06T20:30:00Z",
        **changes,
    }
    return {key: value for key, value in record.items() if value is not ...}


def feed(
    pilots: list[Any] | None = None,
    controllers: list[Any] | None = None,
    atis: list[Any] | None = None,
    prefiles: list[Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A whole feed."""
    pilots, controllers = pilots or [], controllers or []
    atis, prefiles = atis or [], prefiles or []
    members = {each["cid"] for each in (*pilots, *controllers, *atis) if _has_cid(each)}
    document = {
        "general": {
            "version": 3,
            "reload": 1,
            "update": "20250806210000",
            "update_timestamp": TIME,
            "connected_clients": len(pilots) + len(controllers) + len(atis),
            "unique_users": len(members),
        },
        "pilots": pilots,
        "controllers": controllers,
        "atis": atis,
        "servers": [{"ident": "SYDNEY", "location": "Sydney, Australia", "name": "SYDNEY"}],
        "prefiles": prefiles,
        "facilities": [
            {"id": 0, "short": "OBS", "long": "Observer"},
            {"id": 5, "short": "APP", "long": "Approach/Departure"},
        ],
        "ratings": [{"id": 5, "short": "C1", "long": "Enroute Controller"}],
        "pilot_ratings": [{"id": 0, "short_name": "NEW", "long_name": "Basic Member"}],
        "military_ratings": [{"id": 0, "short_name": "M0", "long_name": "No Military Rating"}],
        **changes,
    }
    return {key: value for key, value in document.items() if value is not ...}


def _has_cid(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get("cid"), (int, str, float))


def encode(value: Any) -> bytes:
    """A value as the network writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def network(size: int = 12) -> dict[str, Any]:
    """A feed with all kinds of records."""
    return feed(
        pilots=[
            pilot(1000000 + index, f"QFA{index}", name=f"Pilot Number{index} YS{index % 10}Y")
            for index in range(size)
        ],
        controllers=[controller(), controller(1300002, "SY_TWR", text_atis=None)],
        atis=[atis(), atis(1300003, "YMML_ATIS", atis_code=None)],
        prefiles=[prefile(), prefile(1400002, "VOZ801")],
    )


def real_feeds(real_data: Path) -> list[Path]:
    """The real feeds' files, oldest first."""
    return sorted((real_data / "feed").glob("*.json.gz"))


def unzipped(path: Path) -> bytes:
    """What is in a file compressed by gzip."""
    return gzip.decompress(path.read_bytes())


def busiest(real_data: Path) -> bytes:
    """The real feed with the most pilots, 1,706 of them."""
    return unzipped(real_data / "feed" / "vatsim-v3_20230312T172418Z.json.gz")
