"""A JSON document cut into its parts without reading them: each part may then fail alone.

A parser that meets one half of a surrogate pair, or a thousand brackets in one another, gives up
the whole document. This only follows strings and brackets, without recursion, so that a good
record is found whatever its neighbours hold.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.quarantine import redact

__all__ = ["Member", "elements", "is_readable", "members", "repair_text", "shape", "sound"]

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\[\]{}:\"]++")
# Up to the next bracket that stands in no string.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}])', re.DOTALL)
# As far as all strings are free of raw control characters.
_CLEAN_STRINGS = re.compile(rb'(?:[^"]++|"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+")*+', re.DOTALL)
_LONE_SURROGATE = re.compile(
    rb"(?<!\\)((?:\\\\)*+)"
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
# The busiest real feed has 12,000 in all; looking at more than this would take minutes.
_MOST_BRACKETS = 4_000_000
_ANY = msgspec.json.Decoder(msgspec.Raw)


class Member(NamedTuple):
    """A member of an object: its key, and where in the document its value stands."""

    key: str
    start: int
    end: int


def members(document: bytes) -> list[Member]:
    """The members of the object that `document` is, in their order.

    Raises FeedRefusedError: `truncated`, `not_json`, or `wrong_shape` where it is no object.
    """
    start = _skip(document, 0)
    if document[start : start + 1] != b"{":
        raise FeedRefusedError(
            "wrong_shape" if is_readable(document) else "not_json",
            f"the feed begins with {shape(document[start : start + 20])}, not with an object: "
            "is this the address of the v3 data feed?",
        )
    found: list[Member] = []
    place = _skip(document, start + 1)
    if document[place : place + 1] != b"}":
        while True:
            match = _STRING.match(document, place)
            if match is None:
                raise _broken(document, place)
            key = _key(match[0])
            place = _skip(document, match.end())
            if document[place : place + 1] != b":":
                raise _broken(document, place)
            place = _skip(document, place + 1)
            end = _value_end(document, place)
            found.append(Member(key, place, end))
            place = _skip(document, end)
            if document[place : place + 1] != b",":
                break
            place = _skip(document, place + 1)
    if document[place : place + 1] != b"}":
        raise _broken(document, place)
    if (after := _skip(document, place + 1)) != len(document):
        raise FeedRefusedError(
            "not_json",
            f"the feed goes on with {shape(document[after : after + 20])} after its end: "
            "nothing of it is used; the next may be good",
        )
    return found


def elements(document: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where the elements of the array at `start`..`end` stand. Raises FeedRefusedError."""
    found: list[tuple[int, int]] = []
    place = _skip(document, start + 1)
    if document[place : place + 1] == b"]":
        return found
    while True:
        stop = _value_end(document, place)
        found.append((place, stop))
        place = _skip(document, stop)
        if place >= end - 1:
            break
        if document[place : place + 1] != b",":
            raise _broken(document, place)
        place = _skip(document, place + 1)
    if document[place : place + 1] != b"]":
        raise _broken(document, place)
    return found


def is_readable(part: bytes) -> bool:
    """Whether `part` is JSON, but for halves of surrogate pairs, which JSON's grammar allows."""
    for attempt in (part, _without_lone_surrogates(part)):
        try:
            _ANY.decode(attempt)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def sound(document: bytes) -> None:
    """Raises FeedRefusedError where a string holds a raw control character."""
    match = _CLEAN_STRINGS.match(document)
    place = match.end() if match else 0
    if place == len(document):
        return
    # What stopped it is a control character in the string that begins here, or the string's end.
    control = re.compile(rb"[\x00-\x1f]").search(document, place)
    string = _STRING.match(document, place)
    if control is not None and (string is None or control.start() < string.end()):
        raise FeedRefusedError(
            "control_characters",
            f"the feed has the raw control character {control[0]!r} in a string (byte "
            f"{control.start()}), which is no JSON: nothing of it is used; the next may be good",
        )


def shape(part: bytes) -> str:
    """What may be said of `part` in a message: letters are `x`, digits `0`, fields' names stay."""
    return repr(redact(part, markup=part.startswith(b"<")))


def repair_text(part: bytes) -> bytes:
    """`part` with U+FFFD for what is no UTF-8 and for halves of surrogate pairs."""
    return _without_lone_surrogates(part.decode("utf-8", "replace").encode())


def _without_lone_surrogates(part: bytes) -> bytes:
    return _LONE_SURROGATE.sub(lambda match: match[1] + (match[2] or b"\\ufffd"), part)


def _skip(document: bytes, place: int) -> int:
    match = _SPACE.match(document, place)
    return match.end() if match else place


def _key(raw: bytes) -> str:
    try:
        return str(msgspec.json.decode(repair_text(raw)))
    except ValueError:
        raise FeedRefusedError(
            "not_json", f"the feed's key {shape(raw[:40])} is no JSON: nothing of it is used"
        ) from None


def _value_end(document: bytes, place: int) -> int:
    first = document[place : place + 1]
    if first == b'"':
        match = _STRING.match(document, place)
    elif first and first in b"[{":
        return _closed(document, place)
    else:
        match = _SCALAR.match(document, place)
    if match is None:
        raise _broken(document, place)
    return match.end()


def _closed(document: bytes, place: int) -> int:
    depth = 0
    for _ in range(_MOST_BRACKETS):
        match = _TO_BRACKET.match(document, place)
        if match is None:
            raise _broken(document, len(document))
        depth += 1 if match[1] in b"[{" else -1
        place = match.end()
        if depth == 0:
            return place
    raise FeedRefusedError(
        "not_json",
        f"the feed has over {_MOST_BRACKETS:,} brackets in one value, which no feed has: "
        "nothing of it is used",
    )


def _broken(document: bytes, place: int) -> FeedRefusedError:
    if place >= len(document) or document[place : place + 1] == b'"':
        # A string is not found only where it does not end.
        return FeedRefusedError(
            "truncated",
            f"the feed breaks off after {len(document):,} bytes, with "
            f"{shape(document[-20:])}: nothing of it is used; the next may be whole",
        )
    return FeedRefusedError(
        "not_json",
        f"the feed is no JSON at byte {place:,}, {shape(document[place : place + 20])}: "
        "nothing of it is used; the next may be good",
    )
