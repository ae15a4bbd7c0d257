"""The tables that every feed carries: servers, facilities, ratings, as the real ones have them."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from sectorwatch.simulator.names import SERVERS

__all__ = ["REFERENCE", "SERVER_LIST"]

_FACILITIES = (
    "OBS Observer", "FSS Flight Service Station", "DEL Clearance Delivery", "GND Ground",
    "TWR Tower", "APP Approach/Departure", "CTR Enroute",
)  # fmt: skip
_RATINGS = (
    "INAC Inactive", "SUS Suspended", "OBS Observer", "S1 Tower Trainee", "S2 Tower Controller",
    "S3 Senior Student", "C1 Enroute Controller", "C2 Controller 2 (not in use)",
    "C3 Senior Controller", "I1 Instructor", "I2 Instructor 2 (not in use)", "I3 Senior Instructor",
    "SUP Supervisor", "ADM Administrator",
)  # fmt: skip
_PILOT_RATINGS = {
    0: "NEW Basic Member", 1: "PPL Private Pilot License", 3: "IR Instrument Rating",
    7: "CMEL Commercial Multi-Engine License", 15: "ATPL Airline Transport Pilot License",
    31: "FI Flight Instructor", 63: "FE Flight Examiner",
}  # fmt: skip
_MILITARY_RATINGS = {
    0: "M0 No Military Rating", 1: "M1 Military Pilot License",
    3: "M2 Military Instrument Rating", 7: "M3 Military Multi-Engine Rating",
    15: "M4 Military Mission Ready Pilot",
}  # fmt: skip


def _rows(texts: dict[int, str], names: tuple[str, str]) -> Raw:
    rows = []
    for number, text in texts.items():
        short, _, long = text.partition(" ")
        rows.append({"id": number, names[0]: short, names[1]: long})
    return Raw(msgspec.json.encode(rows))


_SHORT, _LONG = ("short", "long"), ("short_name", "long_name")

REFERENCE = {
    "facilities": _rows(dict(enumerate(_FACILITIES)), _SHORT),
    "ratings": _rows({number - 1: text for number, text in enumerate(_RATINGS)}, _SHORT),
    "pilot_ratings": _rows(_PILOT_RATINGS, _LONG),
    "military_ratings": _rows(_MILITARY_RATINGS, _LONG),
}
"""The four tables, encoded."""

SERVER_LIST = Raw(
    msgspec.json.encode(
        [
            {
                "ident": name,
                # Addresses for documentation alone (RFC 5737).
                "hostname_or_ip": f"192.0.2.{number + 1}",
                "location": "Nowhere",
                "name": name,
                "clients_connection_allowed": 1,
                "client_connections_allowed": True,
                "is_sweatbox": False,
            }
            for number, name in enumerate(SERVERS)
        ]
    )
)
"""The list of servers, encoded."""
