"""One member's record masked alone: its bytes edited, or the record written anew.

A record written as the feed's specification says keeps every byte but those that are masked. One
whose keys are escaped or doubled, or whose values are of other types, is read and written anew.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sectorwatch.feed.known import Edit, apply_edits, edited, unescape
from sectorwatch.feed.structure import is_readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Record", "replaced"]

_TOKEN = re.compile(
    rb'[ \t\r\n]*+(?:("(?:[^"\\]++|\\.)*+")|([{}\[\],:])|([^\s{}\[\]",:]++))', re.DOTALL
)
_INTEGER = re.compile(rb"-?\d{1,19}")
_DIGITS = re.compile(r"\s*(\d{1,19})\s*", re.ASCII)

Path = tuple[str | None, ...]
"""The keys that lead to a value; None stands for any place in a list."""

# The free texts, and all keys whose value has to be of one certain type.
_TEXTS: frozenset[Path] = frozenset(
    (("flight_plan", "remarks"), ("text_atis",), ("text_atis", None))
)
_WATCHED: frozenset[Path] = _TEXTS | {("cid",), ("name",), ("flight_plan",)}
_FREE_KEYS = frozenset(("remarks", "text_atis", "flight_plan"))


@dataclass(slots=True)
class Record:
    """A record that can be masked: what it says of members, and where in `raw`."""

    raw: bytes
    numbers: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    heads: list[tuple[int, int, bool]] = field(default_factory=list)
    """Where a number (True) or a name (False) stands."""
    texts: list[tuple[int, int]] = field(default_factory=list)
    """Where the insides of free texts stand."""
    anew: dict[str, Any] | None = None
    """The record read, where it has to be written anew."""

    @classmethod
    def read(cls, raw: bytes) -> Record | None:
        """`raw` as a record; None where it is no object or its member cannot be told."""
        if raw[:1] != b"{":
            return None
        record = cls(raw)
        return record if is_readable(raw) and record._find() else cls._read_anew(raw)

    def _find(self) -> bool:
        """Finds what is to be masked; False where the record is not as it should be."""
        seen: set[Path] = set()
        for path, start, end, escaped_key in _leaves(self.raw):
            first = self.raw[start : start + 1]
            if not first:  # a key: its value follows
                if path in _WATCHED and (escaped_key or path in seen):
                    return False
                seen.add(path)
            elif path == ("cid",) and _INTEGER.fullmatch(self.raw, start, end):
                self.numbers.append(int(self.raw[start:end]))
                self.heads.append((start, end, True))
            elif path == ("name",) and first == b'"':
                self.names.append(unescape(self.raw[start + 1 : end - 1]))
                self.heads.append((start, end, False))
            elif path in _TEXTS and first == b'"':
                self.texts.append((start + 1, end - 1))
            elif _is_odd(path) and (path[-1] == "cid" or self.raw[start:end] != b"null"):
                return False
        return bool(self.numbers)

    @classmethod
    def _read_anew(cls, raw: bytes) -> Record | None:
        try:
            # NaN and Infinity are no JSON, but some write them: as no number they do no harm.
            value = json.loads(raw.decode("utf-8", "replace"), parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or _number(value.get("cid")) is None:
            return None
        record = cls(raw, anew=value)
        for member in _members(value):
            number = _number(member["cid"])
            record.numbers += [] if number is None else [number]
            record.names += _strings(member.get("name"))
        return record

    def masked(
        self, number_of: Callable[[int], int], edits_of: Callable[[str], list[Edit]]
    ) -> bytes | None:
        """The record's bytes, masked; None where it cannot be written."""
        try:
            return self._masked(number_of, edits_of)
        except ValueError:
            return None

    def _masked(
        self, number_of: Callable[[int], int], edits_of: Callable[[str], list[Edit]]
    ) -> bytes:
        if self.anew is not None:
            anew = _Anew(number_of, edits_of).value(self.anew)
            return json.dumps(anew, separators=(",", ":"), allow_nan=False).encode()
        edits = [
            (start, end, b"%d" % number_of(int(self.raw[start:end])) if is_number else b'""')
            for start, end, is_number in self.heads
        ]
        edits += [
            (start, end, apply_edits(self.raw[start:end], edits_of)) for start, end in self.texts
        ]
        return replaced(self.raw, edits)


@dataclass(frozen=True, slots=True)
class _Anew:
    """Masks a value that was read: every object in it that has a `cid`, every free text."""

    number_of: Callable[[int], int]
    edits_of: Callable[[str], list[Edit]]

    def value(self, value: Any, *, free: bool = False) -> Any:
        if isinstance(value, dict):
            return {
                key: self._member(key, each, free=free, member="cid" in value)
                for key, each in value.items()
            }
        if isinstance(value, list):
            return [self.value(each, free=free) for each in value]
        if free and isinstance(value, str):
            return edited(value, self.edits_of(value))
        if free and (number := _number(value)) is not None:
            edits = self.edits_of(str(number))
            return int(edits[0][2] or 0) if edits else value
        return value

    def _member(self, key: str, value: Any, *, free: bool, member: bool) -> Any:
        if member and key == "cid":
            number = _number(value)
            return None if number is None else self.number_of(number)
        if member and key == "name":
            return ""
        plan = key == "flight_plan" and isinstance(value, dict)
        return self.value(value, free=free or (key in _FREE_KEYS and not plan))


def _is_odd(path: Path) -> bool:
    """Whether a value at `path` is of another type than it should be, or another's number."""
    return (
        path in _WATCHED
        or path[-1] == "cid"
        or path[0] in ("name", "text_atis")
        or path[:2] in (("flight_plan", "remarks"), ("flight_plan", None))
    )


def _leaves(raw: bytes) -> Iterator[tuple[Path, int, int, bool]]:
    """Each key (as an empty place at the end) and each string, number and literal of a record."""
    stack: list[str | None] = []
    objects: list[bool] = []
    key_is_next = False
    for match in _TOKEN.finditer(raw):
        string, mark, _ = match.groups()
        if mark in (b"{", b"["):
            objects.append(mark == b"{")
            stack.append(None)
            key_is_next = objects[-1]
        elif mark in (b"}", b"]"):
            objects.pop()
            stack.pop()
        elif mark is not None:
            key_is_next = mark == b"," and objects[-1]
        elif string is not None and key_is_next:
            stack[-1] = unescape(string[1:-1])
            yield tuple(stack), len(raw), len(raw), b"\\" in string
        else:
            start, end = match.span(1 if string is not None else 3)
            yield tuple(stack), start, end, False


def _number(value: Any) -> int | None:
    """A member's number whatever its type; None where it is none."""
    if isinstance(value, str):
        match = _DIGITS.fullmatch(value)
        return int(match[1]) if match else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) < 10**19 else None


def _members(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in `value` that has a `cid`."""
    if isinstance(value, dict):
        if "cid" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _members(each)


def _strings(value: Any) -> Iterator[str]:
    """Every text and number in `value`, as text."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield str(_number(value) if _number(value) is not None else value)


def replaced(document: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """`document` with each (start, end) of `edits`, which do not overlap, replaced."""
    if not edits:
        return document
    parts: list[bytes] = []
    place = 0
    for start, end, new in sorted(edits):
        parts += (document[place:start], new)
        place = end
    parts.append(document[place:])
    return b"".join(parts)
