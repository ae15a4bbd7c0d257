"""What stands of a pilot's record from feed to feed, told from what moves by its bytes.

A record is a head (who it is), a middle (the numbers that move), a tail (plan and logon time) and
the time of its position. Only a record that is written so, says nothing else, and has nothing in
head and tail that would have to be repaired, is taken for one that can be known again.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sectorwatch.feed.known import words
from sectorwatch.feed.pilots import is_plain
from sectorwatch.feed.wire import NULL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sectorwatch.feed.wire import WirePilot

__all__ = [
    "END",
    "LONGEST_HEAD",
    "LONGEST_MIDDLE",
    "MIDDLE",
    "NO_HEAD",
    "TAIL",
    "Known",
    "Row",
    "Runs",
    "learn",
    "moved_up",
    "stranger",
]

MIDDLE = b'"latitude":'
TAIL = b',"flight_plan":'
END = b'"}'
NO_HEAD = b"\0"
"""No record begins so: it is never found."""
_TIME = b'"last_updated":"'
LONGEST_HEAD, LONGEST_MIDDLE = 1_000, 400


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    """What a head says, and nothing else."""

    cid: int
    name: str
    callsign: str | None = None
    server: str | None = None
    pilot_rating: int | None = None
    military_rating: int | None = None


class _Tail(msgspec.Struct, forbid_unknown_fields=True):
    """What stands behind it."""

    flight_plan: msgspec.Raw = NULL
    logon_time: str | None = None
    last_updated: str | None = None


class _Remarks(msgspec.Struct):
    remarks: str | None = None


_HEADS = msgspec.json.Decoder(_Head)
_TAILS = msgspec.json.Decoder(_Tail)
_REMARKS = msgspec.json.Decoder(_Remarks | None)

_Said = tuple[int | None, str | None, str | None, int | None, int | None, bytes, str | None]
"""What a record says that does not move: cid, callsign, server, ratings, plan and logon time."""

Runs = list[tuple[int, int] | None]
"""Rows that follow one another, from and to; None for one that is new between them."""


class Row(NamedTuple):
    """What is known of a record.

    Its bytes as they came and masked, the words of its remarks as they came, and what it says of
    who it is. One that is not to be known again has a head that no record has.
    """

    head: bytes
    tail: bytes
    masked_head: bytes
    masked_tail: bytes
    words: frozenset[str]
    cid: int | None
    callsign: str | None
    server: str | None
    pilot_rating: int | None
    military_rating: int | None
    flight_plan: bytes
    logon_time: str | None
    has_plan: bool


class Known(NamedTuple):
    """What is known of all records of a feed: the fields of `Row` as columns, in its order."""

    head: list[bytes]
    tail: list[bytes]
    masked_head: list[bytes]
    masked_tail: list[bytes]
    words: list[frozenset[str]]
    cid: list[int | None]
    callsign: list[str | None]
    server: list[str | None]
    pilot_rating: list[int | None]
    military_rating: list[int | None]
    flight_plan: list[bytes]
    logon_time: list[str | None]
    has_plan: list[bool]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Known:
        """The columns of these rows."""
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        return cls(*(columns or ([] for _ in cls._fields)))

    def moved_up(self, runs: Runs, new: Sequence[Row]) -> Known:
        """The same in the rows of the next feed, with the rows that are new."""
        columns: list[tuple[list[Any], list[Any]]] = list(zip(self, Known.of(new), strict=True))
        return Known(*(moved_up(column, added, runs) for column, added in columns))


def moved_up(column: Sequence[Any], new: Iterable[Any], runs: Runs) -> list[Any]:
    """A column of the last feed as it stands in this one, with what is `new` between."""
    values = iter(new)
    moved: list[Any] = []
    for run in runs:
        if run is None:
            moved.append(next(values))
        else:
            moved += column[run[0] : run[1]]
    return moved


class _Parts(NamedTuple):
    """A record's parts, of which the head ends with a comma and the tail before the time."""

    head: bytes
    middle: bytes
    tail: bytes
    time: bytes


def learn(
    document: bytes, start: int, masked: bytes, *, remarks: bool
) -> tuple[Row, bytes, bytes] | None:
    """The row of the record at `start`, which is `masked`, its middle and its time.

    None where it is written in a way that could be mistaken for another later, or says something
    that has to be repaired, and counted, every time. Words are taken where `remarks` are asked for.
    """
    parts, masked_parts = _parts(document, start), _parts(masked, 0)
    if parts is None or masked_parts is None or _strictly(parts) is None:
        return None
    said = _strictly(masked_parts)
    named = _words(parts) if remarks else frozenset()
    if said is None or named is None or not is_plain(*said):
        return None
    cid, callsign, server, pilot_rating, military_rating, plan, logon_time = said
    row = Row(
        head=parts.head,
        tail=parts.tail,
        masked_head=masked_parts.head,
        masked_tail=masked_parts.tail,
        words=named,
        cid=cid,
        callsign=callsign,
        server=server,
        pilot_rating=pilot_rating,
        military_rating=military_rating,
        flight_plan=plan,
        logon_time=logon_time,
        has_plan=plan[:1] == b"{",
    )
    return row, parts.middle, parts.time


def stranger(read: WirePilot, record: bytes) -> Row:
    """The row of a record that is not to be known again; its bytes stand in the head's place."""
    plan = bytes(read.flight_plan)
    return Row(
        head=NO_HEAD,
        tail=NO_HEAD,
        masked_head=record,
        masked_tail=b"",
        words=frozenset(),
        cid=read.cid,
        callsign=read.callsign,
        server=read.server,
        pilot_rating=read.pilot_rating,
        military_rating=read.military_rating,
        flight_plan=plan,
        logon_time=read.logon_time,
        has_plan=plan[:1] == b"{",
    )


def _parts(document: bytes, start: int) -> _Parts | None:
    """The parts of the record at `start`; None where it is written in another way."""
    middle = document.find(MIDDLE, start, start + LONGEST_HEAD)
    tail = document.find(TAIL, middle, middle + LONGEST_MIDDLE)
    time = document.find(_TIME, tail) + len(_TIME)
    end = document.find(END, time)
    if not start < middle < tail < time < end:
        return None
    head = document[start:middle]
    parts = _Parts(head, document[middle:tail], document[tail:time], document[time:end])
    # In a head nothing may be opened that is not closed in it.
    plain = head.count(b"{") == 1 and b"[" not in head and b"}" not in head
    once = parts.tail.count(b'"remarks"') <= 1 and b'"text_atis"' not in parts.tail
    return parts if plain and once else None


def _strictly(parts: _Parts) -> _Said | None:
    """What head and tail say where they say only that, and each by itself."""
    try:
        head = _HEADS.decode(parts.head[:-1] + b"}")
        tail = _TAILS.decode(b"{" + parts.tail[1:] + END)
    except (ValueError, RecursionError):
        return None
    return (
        head.cid,
        head.callsign,
        head.server,
        head.pilot_rating,
        head.military_rating,
        bytes(tail.flight_plan),
        tail.logon_time,
    )


def _words(parts: _Parts) -> frozenset[str] | None:
    """The words of the remarks as they came; None where they cannot be read alone."""
    if b'"remarks"' not in parts.tail:
        return frozenset()
    try:
        plan = _REMARKS.decode(_TAILS.decode(b"{" + parts.tail[1:] + END).flight_plan)
    except (ValueError, RecursionError):
        return None
    # The same words stand in the remarks of many.
    return frozenset(map(intern, words((plan and plan.remarks) or "")))
