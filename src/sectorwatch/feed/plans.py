"""A filed plan: its text as it came, and what can be understood of what pilots write.

Pilots file altitudes as `FL340`, `34000`, `370`, `VFR/065`, `S1130`; their clients send times such
as `7000` and `0060`. What has one clear meaning is understood, all else is none and counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from sectorwatch.feed.reading import ABSENT, as_int, as_text
from sectorwatch.feed.records import FiledFields, FlightPlan
from sectorwatch.feed.repair import clean_text
from sectorwatch.feed.structure import repair_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "cruise_altitude_ft",
    "cruise_tas_kt",
    "decode_plan",
    "departure_minute",
    "enroute_minutes",
    "read_plan",
]

_TEXTS = {
    "flight_rules": 8,
    "aircraft": 64,
    "aircraft_faa": 16,
    "aircraft_short": 8,
    "departure": 8,
    "arrival": 8,
    "alternate": 16,
    "cruise_tas": 16,
    "altitude": 16,
    "deptime": 16,
    "enroute_time": 16,
    "fuel_time": 16,
    "remarks": 4_096,
    "route": 4_096,
    "assigned_transponder": 8,
}
"""The fields that are text, and how many characters of each are kept."""

_PLACES = ("departure", "arrival", "alternate")
_MAX_REVISION = 1_000_000
_HIGHEST_FT = 100_000
_SLOWEST_KT, _FASTEST_KT = 20, 2_000
_LEVEL_DIGITS = 3
_DAY_MIN = 24 * 60
_LONGEST_MIN = 48 * 60
_FT_PER_M = 1 / 0.3048
_KT_PER_KMH = 1 / 1.852

_ALTITUDE = re.compile(
    r"(?:VFR|IFR|OTP)?[/ ]*(FL|F|A|S|M)?[ /]*(\d{1,6})(FT|M)?(?:[/ ].*)?", re.ASCII
)
_GROUPED = re.compile(r"(\d{1,3})[.,](\d{3})", re.ASCII)
_WITHOUT = frozenset(("", "VFR", "IFR", "OTP", "NONE", "0"))
_TAS = re.compile(r"([NK])?(\d{1,5})(?:KTS?)?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):?(\d\d)Z?|(\d{1,2})", re.ASCII)
_DURATION = re.compile(r"(\d{1,2}):?(\d\d)", re.ASCII)

# What we understand of a plan is no part of this: no feed may say it in our stead.
_WIRE = msgspec.json.Decoder(FiledFields)


def decode_plan(raw: bytes) -> FlightPlan:
    """The plan in `raw`, an object in JSON; an empty plan where it cannot be read."""
    return read_plan(raw)[0]


def read_plan(raw: bytes) -> tuple[FlightPlan, tuple[str, ...]]:
    """The plan in `raw`, and why it had to be repaired: reasons of `REPAIRED`, each once.

    `plan_unfiled`, of `NOTED`, is among them where the times are all zero: none was filed.
    """
    reasons: dict[str, None] = {}
    fields = _fields(raw, reasons)
    texts: dict[str, str] = {}
    for name, limit in _TEXTS.items():
        text = fields[name]
        texts[name] = cleaned = clean_text(text, limit)
        if cleaned != text.strip():
            reasons["plan_text"] = None
    for name in _PLACES:
        texts[name] = texts[name].upper()
    altitude_ft = _understood(cruise_altitude_ft, texts["altitude"], "plan_altitude", reasons)
    tas_kt = _understood(cruise_tas_kt, texts["cruise_tas"], "plan_tas", reasons)
    enroute = _understood(enroute_minutes, texts["enroute_time"], "plan_enroute", reasons)
    departure = _understood(departure_minute, texts["deptime"], "plan_deptime", reasons)
    if not enroute:
        if texts["enroute_time"] and not texts["enroute_time"].strip("0"):
            reasons["plan_unfiled"] = None
        # 0000 is midnight where a time en route was filed with it, and nothing where none was.
        departure = departure or None
    elif texts["enroute_time"][-2:] > "59":
        reasons["plan_enroute"] = None
    revision = fields["revision_id"]
    plan = FlightPlan(
        **texts,
        revision_id=revision if 0 <= revision <= _MAX_REVISION else 0,
        cruise_altitude_ft=altitude_ft,
        cruise_tas_kt=tas_kt,
        departure_minute=departure,
        enroute_minutes=enroute or None,
    )
    return plan, tuple(reasons)


def cruise_altitude_ft(text: str) -> int | None:
    """The altitude that was filed, in feet; None where none was, or none can be meant.

    Up to three digits are a flight level or hundreds of feet (ICAO Doc 4444 appendix 2, item 15;
    S and M are tens of metres), more are feet.

    >>> [cruise_altitude_ft(text) for text in ("FL340", "34000", "370", "VFR/065", "A045", "F340")]
    [34000, 34000, 37000, 6500, 4500, 34000]
    >>> cruise_altitude_ft("S1130"), cruise_altitude_ft("VFR"), cruise_altitude_ft("380000")
    (37073, None, None)
    """
    match = _ALTITUDE.fullmatch(_GROUPED.sub(r"\1\2", text.strip().upper()))
    if match is None:
        return None
    unit, digits, suffix = match.groups()
    number = int(digits)
    if unit in ("S", "M"):
        feet = number * 10 * _FT_PER_M
    elif suffix == "M":
        feet = number * _FT_PER_M
    elif len(digits) <= _LEVEL_DIGITS and suffix is None:
        feet = number * 100
    else:
        feet = number
    return round(feet) if 0 < feet <= _HIGHEST_FT else None


def cruise_tas_kt(text: str) -> int | None:
    """The true airspeed that was filed, in knots: `450`, `N0450`, or `K0830` in km/h.

    >>> cruise_tas_kt("N0450"), cruise_tas_kt("K0833"), cruise_tas_kt("50000"), cruise_tas_kt("0")
    (450, 450, None, None)
    """
    match = _TAS.fullmatch(text.strip().upper())
    if match is None:
        return None
    speed_kt = int(match[2]) * (_KT_PER_KMH if match[1] == "K" else 1)
    return round(speed_kt) if _SLOWEST_KT <= speed_kt <= _FASTEST_KT else None


def departure_minute(text: str) -> int | None:
    """The off-block time that was filed, in minutes after midnight UTC.

    >>> [departure_minute(text) for text in ("1415", "14:15z", "915", "2400", "7000", "5772193")]
    [855, 855, 555, 0, None, None]
    """
    match = _CLOCK.fullmatch(text.strip().upper())
    if match is None:
        return None
    hours, minutes = (match[1], match[2]) if match[2] else (0, match[3])
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > _DAY_MIN:  # noqa: PLR2004 - minutes of an hour
        return None
    return minute % _DAY_MIN


def enroute_minutes(text: str) -> int | None:
    """The time en route that was filed, in minutes; 0 where it is 0000.

    Clients send hours and minutes as two numbers, so that 60 minutes come as `0060`.

    >>> [enroute_minutes(text) for text in ("0130", "0060", "0000", "01224292762")]
    [90, 60, 0, None]
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    minutes = int(match[1]) * 60 + int(match[2])
    return minutes if minutes <= _LONGEST_MIN else None


def _understood(
    understand: Callable[[str], int | None], text: str, reason: str, reasons: dict[str, None]
) -> int | None:
    value = understand(text)
    if value is None and text.upper().strip("0/ ") not in _WITHOUT:
        reasons[reason] = None
    return value


def _fields(raw: bytes, reasons: dict[str, None]) -> dict[str, Any]:
    """The plan's fields, text as text and the revision as a number, whatever they were."""
    try:
        return msgspec.structs.asdict(_WIRE.decode(raw))
    except (ValueError, RecursionError):
        reasons["plan_form"] = None
    try:
        value = msgspec.json.decode(repair_text(raw))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return msgspec.structs.asdict(FiledFields())
    fields: dict[str, Any] = {}
    for name in _TEXTS:
        text = as_text(value.get(name))
        fields[name] = "" if text is ABSENT else text
    revision = as_int(value.get("revision_id"))
    fields["revision_id"] = 0 if revision is ABSENT else revision
    return fields
