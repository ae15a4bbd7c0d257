"""The feed read record by record, where it could not be read in one go.

Each record is tried as the feed's specification has it, then with its text repaired, then value by
value: what can be turned into the type it should have is, what cannot is left out, and both count.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from sectorwatch.feed.structure import elements, members, repair_text
from sectorwatch.feed.wire import (
    Wire,
    WireAtis,
    WireController,
    WireGeneral,
    WirePilot,
    WirePrefile,
    WireTables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sectorwatch.feed.repair import Counts

__all__ = ["Loose", "as_float", "as_int", "as_text", "read_by_record", "read_general"]


_Record = TypeVar("_Record", bound=msgspec.Struct)


class _Absent:
    """What a value is turned into that cannot be turned into what it should be."""


ABSENT = _Absent()


def as_text(value: Any) -> Any:
    """Text of a text or a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return ABSENT


def as_float(value: Any) -> Any:
    """A finite number of a number or a text that is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return ABSENT
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return ABSENT
    return number if math.isfinite(number) else ABSENT


def as_int(value: Any) -> Any:
    """A whole number of a number without a fraction or a text that is one."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = value.strip()[:40]
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = as_float(value)
    return int(number) if number is not ABSENT and number.is_integer() else ABSENT


def _as_plan(value: Any) -> Any:
    try:
        return msgspec.Raw(msgspec.json.encode(value)) if isinstance(value, dict) else ABSENT
    except RecursionError:
        return ABSENT


def _as_lines(value: Any) -> Any:
    if isinstance(value, str):
        return value.splitlines()
    if not isinstance(value, list):
        return ABSENT
    lines = [as_text(line) for line in value]
    return [line for line in lines if line is not ABSENT]


class Loose(Generic[_Record]):
    """Reads one type of record, whatever its values' types."""

    def __init__(self, kind: type[_Record], turn: Mapping[str, Callable[[Any], Any]]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)
        self._turn = turn

    def read(self, raw: bytes, counts: Counts) -> _Record | None:
        """The record in `raw`, or None where it is dropped, which is counted."""
        try:
            return self._decoder.decode(raw)
        except (ValueError, RecursionError):
            pass
        repaired = repair_text(raw)
        record: _Record | None
        try:
            record = self._decoder.decode(repaired)
        except (ValueError, RecursionError):
            record = self._read_loosely(repaired, counts)
        if record is not None and repaired != raw:
            counts.repair("bad_text")
        return record

    def _read_loosely(self, raw: bytes, counts: Counts) -> _Record | None:
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            counts.drop("unreadable")
            return None
        if not isinstance(value, dict):
            counts.drop("not_a_record")
            return None
        turned: dict[str, Any] = {}
        wrong = False
        for name, turn in self._turn.items():
            given = value.get(name)
            if given is None:
                continue
            done = turn(given)
            if done is ABSENT:
                wrong = True
                continue
            turned[name] = done
            wrong = wrong or not (done == given or isinstance(done, msgspec.Raw))
        if wrong:
            counts.repair("wrong_type")
        return self._kind(**turned)

    def read_all(self, document: bytes, start: int, end: int, counts: Counts) -> list[_Record]:
        """The records of the array at `start`..`end`; what is no array holds none."""
        if document[start : start + 1] != b"[":
            if document[start:end] != b"null":
                counts.drop("not_a_record")
            return []
        spans = elements(document, start, end)
        records = [self.read(document[begin:stop], counts) for begin, stop in spans]
        return [record for record in records if record is not None]


_PILOTS = Loose(
    WirePilot,
    {
        "cid": as_int,
        "callsign": as_text,
        "server": as_text,
        "pilot_rating": as_int,
        "military_rating": as_int,
        "latitude": as_float,
        "longitude": as_float,
        "altitude": as_float,
        "groundspeed": as_float,
        "heading": as_float,
        "transponder": as_text,
        "qnh_i_hg": as_float,
        "qnh_mb": as_float,
        "flight_plan": _as_plan,
        "logon_time": as_text,
        "last_updated": as_text,
    },
)
_CONTROLLER = {
    "cid": as_int,
    "callsign": as_text,
    "frequency": as_text,
    "facility": as_int,
    "rating": as_int,
    "server": as_text,
    "visual_range": as_float,
    "text_atis": _as_lines,
    "logon_time": as_text,
    "last_updated": as_text,
}
_CONTROLLERS = Loose(WireController, _CONTROLLER)
_ATIS = Loose(WireAtis, {**_CONTROLLER, "atis_code": as_text})
_PREFILES = Loose(
    WirePrefile,
    {"cid": as_int, "callsign": as_text, "flight_plan": _as_plan, "last_updated": as_text},
)
_GENERAL = Loose(
    WireGeneral,
    {
        "update_timestamp": as_text,
        "update": as_text,
        "connected_clients": as_int,
        "unique_users": as_int,
    },
)


def read_general(raw: bytes, counts: Counts) -> WireGeneral:
    """The feed's header in `raw`, whatever its values' types."""
    header = _GENERAL.read(raw, counts) if raw[:1] == b"{" else None
    return header or WireGeneral()


def read_by_record(document: bytes, counts: Counts) -> Wire:
    """The document, each record by itself; where a key stands twice the last counts.

    Raises FeedRefusedError where the document has no parts that could be read.
    """
    wire = Wire(pilots=[])
    for member in members(document):
        raw = document[member.start : member.end]
        match member.key:
            case "pilots":
                wire.pilots = _PILOTS.read_all(document, member.start, member.end, counts)
            case "controllers":
                wire.controllers = _CONTROLLERS.read_all(document, member.start, member.end, counts)
            case "atis":
                wire.atis = _ATIS.read_all(document, member.start, member.end, counts)
            case "prefiles":
                wire.prefiles = _PREFILES.read_all(document, member.start, member.end, counts)
            case "general":
                wire.general = msgspec.Raw(raw)
            case _ if member.key in WireTables.__struct_fields__:
                setattr(wire, member.key, msgspec.Raw(raw))
    return wire
