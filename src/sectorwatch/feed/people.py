"""Controllers', ATIS and prefile records checked, one by one: they are few."""

from __future__ import annotations

import re
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import astuple

from sectorwatch.feed.records import Atis, Controller, Prefile
from sectorwatch.feed.repair import (
    all_match,
    are_members,
    callsigns_or_drop,
    clean_all_lines,
    clean_codes,
    clean_texts,
    latest_of_each,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.feed.repair import Counts, Seconds
    from sectorwatch.feed.wire import WireAtis, WireController, WirePrefile

__all__ = ["check_atis", "check_controllers", "check_prefiles"]

_Record = TypeVar("_Record", Controller, Atis, Prefile)
_Wire = TypeVar("_Wire", "WireController", "WireAtis", "WirePrefile")
_SHORT = 20
_KEY = attrgetter("cid", "callsign")
_FIRST_BYTE = itemgetter(slice(1))
_CODE_AT = Controller.__struct_fields__.index("text_atis")
_FARTHEST_NM = 10_000
_DAY_S = 86_400
_FREQUENCY = re.compile(r"1\d\d\.\d{3}", re.ASCII)
_FREQUENCIES = re.compile(r"(?:1\d\d\.\d{3}\n)*+", re.ASCII)
_NOT_TUNED = "199.998"


def check_controllers(
    wire: Sequence[WireController], time_s: int, seconds: Seconds, counts: Counts
) -> list[Controller]:
    """The controllers of a snapshot of `time_s`; pilots and observers among them are noted."""
    named, callsigns = _named(wire, counts)
    columns = _columns(named, callsigns, time_s, seconds, counts)
    records = _latest(list(map(Controller, *columns)), counts)
    counts.note("not_atc", [record.facility for record in records].count(0))
    counts.note("not_tuned", [record.frequency for record in records].count(_NOT_TUNED))
    counts.note("long_session", sum(record.logon_time_s < time_s - _DAY_S for record in records))
    return records


def check_atis(
    wire: Sequence[WireAtis], time_s: int, seconds: Seconds, counts: Counts
) -> list[Atis]:
    """The ATIS of a snapshot of `time_s`."""
    named, callsigns = _named(wire, counts)
    codes = clean_texts([record.atis_code for record in named], _SHORT, counts)
    columns = _columns(named, callsigns, time_s, seconds, counts)
    before, after = columns[:_CODE_AT], columns[_CODE_AT:]
    return _latest(list(map(Atis, *before, codes, *after)), counts)


def check_prefiles(
    wire: Sequence[WirePrefile], time_s: int, seconds: Seconds, counts: Counts
) -> list[Prefile]:
    """The plans filed by members who are not online under that callsign."""
    named, callsigns = _named(wire, counts)
    if not named:
        return []
    # Records at once, not field by field: there can be a thousand of them.
    cids, _, raw, updated = zip(*map(astuple, named), strict=True)
    plans = list(map(bytes, raw))
    times = _times(updated, time_s, seconds, counts)
    records = list(map(Prefile, cids, callsigns, plans, times))
    if b"".join(map(_FIRST_BYTE, plans)).count(b"{") < len(plans):
        records = [record for record in records if record.flight_plan.startswith(b"{")]
        counts.drop("no_plan", len(plans) - len(records))
    return _latest(records, counts)


def _named(wire: Sequence[_Wire], counts: Counts) -> tuple[Sequence[_Wire], Sequence[str]]:
    """The records that have a member's number and a callsign, and those; the rest is counted."""
    members = are_members([record.cid for record in wire])
    numbered = wire
    if not all(members):
        counts.drop("no_member", members.count(False))
        numbered = [record for record, is_member in zip(wire, members, strict=True) if is_member]
    callsigns = callsigns_or_drop([record.callsign for record in numbered], counts)
    if all(callsigns):
        return numbered, callsigns
    named = [record for record, name in zip(numbered, callsigns, strict=True) if name]
    return named, [name for name in callsigns if name]


def _columns(
    wire: Sequence[WireController],
    callsigns: Sequence[str],
    time_s: int,
    seconds: Seconds,
    counts: Counts,
) -> list[Sequence[Any]]:
    """What controllers and ATIS have in common, checked, in the order of `Controller`."""
    return [
        [record.cid for record in wire],
        callsigns,
        _frequencies([record.frequency for record in wire], counts),
        clean_codes([record.facility for record in wire], counts),
        clean_codes([record.rating for record in wire], counts),
        clean_texts([record.server for record in wire], _SHORT, counts),
        _ranges([record.visual_range or 0.0 for record in wire]),
        clean_all_lines([record.text_atis for record in wire], counts),
        _times([record.logon_time for record in wire], time_s, seconds, counts),
        _times([record.last_updated for record in wire], time_s, seconds, counts),
    ]


def _ranges(given_nm: Sequence[float]) -> list[int]:
    if given_nm and min(given_nm) >= 0 and max(given_nm) <= _FARTHEST_NM:
        return list(map(int, given_nm))
    return [int(min(max(each, 0.0), _FARTHEST_NM)) for each in given_nm]


def _times(texts: Sequence[str | None], time_s: int, seconds: Seconds, counts: Counts) -> list[int]:
    """Times no later than the snapshot; its own where there is none."""
    times = seconds.of(texts)
    if times and min(times) >= 0 and max(times) <= time_s:
        return times
    counts.repair("time_unreadable", sum(each < 0 for each in times))
    counts.repair("time_late", sum(each > time_s for each in times))
    return [time_s if each < 0 else min(each, time_s) for each in times]


def _frequencies(texts: Sequence[str | None], counts: Counts) -> Sequence[str]:
    if all_match(texts, _FREQUENCIES):
        return texts
    return [_frequency(text, counts) for text in texts]


def _frequency(text: str | None, counts: Counts) -> str:
    """A frequency in MHz with three decimals; "" where there is none."""
    if text is None or _FREQUENCY.fullmatch(text):
        return text or ""
    counts.repair("frequency_form")
    try:
        repaired = f"{float(text.strip()[:_SHORT]):.3f}"
    except ValueError:
        return ""
    return repaired if _FREQUENCY.fullmatch(repaired) else ""


def _latest(records: list[_Record], counts: Counts) -> list[_Record]:
    """The records, each member's of one callsign once."""
    keys = list(map(_KEY, records))
    if len(set(keys)) == len(keys):
        return records
    best = latest_of_each(keys, [record.time_s for record in records])
    counts.drop("duplicate", len(records) - len(best))
    return [records[index] for index in best]
