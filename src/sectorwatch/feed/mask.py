"""Members' names emptied and their numbers hashed, before anything of a feed is written.

`cid` and `name` are replaced in pilots, controllers, atis and prefiles, and known names and numbers
where they stand as whole words in `remarks` and `text_atis`; everything else stays byte for byte.
The usual document is done in a few passes over its bytes; one that is unlike it (other spacing,
another order, escaped keys, wrong types, a record that cannot be read) record by record.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.keys import KeySearch, UnusualError
from sectorwatch.feed.known import Edit, Known, apply_edits, unescape
from sectorwatch.feed.mask_record import Record, replaced
from sectorwatch.feed.structure import Member, elements, is_readable, members, shape, sound
from sectorwatch.feed.wire import Wire, read_outline, read_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SECTIONS", "UNMASKABLE", "Masked", "Masker"]

SECTIONS = ("pilots", "controllers", "atis", "prefiles")
"""The feed's arrays of records that carry `cid` and `name`."""

UNMASKABLE = "unmaskable"
"""The reason under which a record is counted that is not written: its number cannot be read."""

# The feed's own tables hold no members; any other array might.
_TABLES = frozenset(
    ("general", "servers", "facilities", "ratings", "pilot_ratings", "military_ratings")
)
_HASH_BITS = 53
_NUMBER = attrgetter("cid")
_LONGEST_HEAD = 1_000

# A record's beginning, up to the quote that ends the key after the name.
_HEAD = re.compile(
    rb'\{"cid":(\d{1,19}+),"name":"((?:[^"\\\x00-\x1f]++|\\["\\/bfnrtu])*+)"(.*+)', re.DOTALL
)
_CONTROL = re.compile(rb"[\x00-\x1f]")
# A string, or a list of strings.
_TEXTS = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"|\[(?:"(?:[^"\\]++|\\.)*+"(?:,(?=")|(?=\])))*+\]', re.DOTALL
)
_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
# An escape by which a key could be written that means `cid`, `name`, `remarks` or `text_atis`.
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


@dataclass(frozen=True, slots=True)
class Masked:
    """A feed without names and numbers; `general` is its header, b"" where there is none.

    `wire` is the document read, where it could be read in one go. `dropped` counts, by reason, the
    records that could not be masked and are no longer in the document.
    """

    document: bytes
    general: bytes
    wire: Wire | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)


class _Heads(dict[bytes, bytes]):
    """Beginnings of records as they came, and masked; a new one is learned as it is asked for."""

    def __init__(self, known: Known, number_of: Callable[[int], int], *, numbers: bool) -> None:
        self._known = known
        self._number_of = number_of
        self._numbers = numbers

    def __missing__(self, head: bytes) -> bytes:
        match = _HEAD.fullmatch(head)
        if match is None:
            raise UnusualError
        number = int(match[1])
        if self._numbers:
            self._known.learn_number(number)
        self._known.learn_name(unescape(match[2]))
        masked = b'{"cid":%d,"name":""%b' % (self._number_of(number), match[3])
        if len(head) <= _LONGEST_HEAD:
            self[head] = masked
        return masked


class Masker:
    """Masks feeds by `key`; None keeps members' numbers as they are and empties the names alone.

    It remembers the members of the last hour or two, so that a friend who has left is still found
    in somebody's remarks: `feeds_an_hour` of them are 240 where one comes every 15 s. Not to be
    shared between threads.
    """

    def __init__(self, key: bytes | None, *, feeds_an_hour: int = 240) -> None:
        self._key = key
        self._known = Known(lambda number: str(self.number(number)), documents=feeds_an_hour)
        self._heads = _Heads(self._known, self.number, numbers=key is not None)

    @property
    def fingerprint(self) -> str:
        """What tells this key from others without giving it away; fits a journal's header."""
        if self._key is None:
            return "numbers-kept"
        return hashlib.blake2b(b"fingerprint", key=self._key, digest_size=8).hexdigest()

    def number(self, cid: int) -> int:
        """What stands for a member's number: 53 bits of a keyed hash, exact in JSON."""
        if self._key is None:
            return cid
        digest = hashlib.blake2b(b"%d" % cid, key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") >> (64 - _HASH_BITS)

    def mask(self, document: bytes) -> Masked:
        """`document`, a data feed in JSON, masked.

        Raises FeedRefusedError: `truncated`, `not_json`, `control_characters`, `wrong_shape`.
        """
        self.begin()
        return self.masked(document)

    def begin(self) -> bool:
        """Says that another feed begins; True where what was known is to be learned again."""
        if self._known.turn():
            self._heads.clear()
            return True
        return False

    def news(self) -> list[tuple[str, ...]]:
        """The names and numbers learned since this feed began, as words; () for a mere sign."""
        return self._known.news

    def masked(self, document: bytes) -> Masked:
        """As `mask`, for one of several documents that make up a feed."""
        try:
            return self._usual(document)
        except (UnusualError, ValueError):
            # A text too long to be masked is a ValueError: its record is then left out alone.
            return self._record_by_record(document)

    def _usual(self, document: bytes) -> Masked:
        """The document as the network writes it; raises UnusualError where it is unlike it."""
        keys = KeySearch(document)
        starts, stops, names = keys.heads()
        stop_of = stops.tolist()
        heads = [document[start:stop] for start, stop in zip(starts.tolist(), stop_of, strict=True)]
        masked_heads = list(map(self._heads.__getitem__, heads))
        whole = memoryview(document)
        befores = [0, *stop_of]
        gaps: list[bytes | memoryview] = [
            whole[stop:start]
            for stop, start in zip(befores, [*starts.tolist(), len(document)], strict=True)
        ]
        inside: dict[int, list[tuple[int, int, bytes]]] = {}
        for start, end, new in self._text_edits(document, keys):
            index = bisect_right(stop_of, start)
            at = befores[index]
            if end - at > len(gaps[index]):
                raise UnusualError
            inside.setdefault(index, []).append((start - at, end - at, new))
        for index, edits in inside.items():
            gaps[index] = replaced(bytes(gaps[index]), edits)
        parts: list[bytes | memoryview] = [b""] * (2 * len(heads) + 1)
        parts[0::2] = gaps
        parts[1::2] = masked_heads
        masked = b"".join(parts)
        wire = read_wire(masked)
        outline = wire or read_outline(masked)
        if outline is None:
            raise UnusualError
        members = [*outline.pilots, *outline.controllers, *outline.atis, *outline.prefiles]
        # Each record has a `cid`, and there are as many in the document as records: so each has
        # one and there is no other; with a `name` behind each, and one in each server, no other.
        if (
            len(members) != len(heads)
            or names != len(heads) + len(outline.servers)
            or None in map(_NUMBER, members)
        ):
            raise UnusualError
        return Masked(masked, bytes(outline.general), wire)

    def _text_edits(self, document: bytes, keys: KeySearch) -> list[tuple[int, int, bytes]]:
        """What is to be replaced in the free texts of `document`."""
        keys.values(b'"flight_plan', b"{")
        starts, stops = keys.values(b'"remarks', b'"')
        more_starts, more_stops = keys.values(b'"text_atis', b"[")
        starts += more_starts
        stops += more_stops
        texts = [document[start:stop] for start, stop in zip(starts, stops, strict=True)]
        edits: list[tuple[int, int, bytes]] = []
        for suspect in self._known.suspects(texts):
            start = starts[suspect]
            match = _TEXTS.match(document, start)
            if match is None or _CONTROL.search(match[0]):
                # This is no JSON, or no text, and must not become any by what is taken out of it.
                raise UnusualError
            masked = _STRING.sub(self._string_masked, match[0])
            if masked != match[0]:
                edits.append((start, match.end(), masked))
        return edits

    def _string_masked(self, string: re.Match[bytes]) -> bytes:
        return b'"%b"' % apply_edits(string[1], self._known.edits)

    def _record_by_record(self, document: bytes) -> Masked:
        sound(document)
        general = b""
        arrays: list[_Array] = []
        for member in members(document):
            raw = document[member.start : member.end]
            if member.key == "general":
                general = raw
            if member.key in _TABLES or not _may_hold_members(member.key, raw):
                if not is_readable(raw):
                    raise FeedRefusedError(
                        "not_json",
                        f"the feed's {member.key[:40]!r} is no JSON, {shape(raw[:40])}: "
                        "nothing of it is used; the next may be good",
                    )
                continue
            arrays.append(_Array.read(document, member))
        for record in (each for array in arrays for each in array.records if each is not None):
            if self._key is not None:
                for number in record.numbers:
                    self._known.learn_number(number)
            for name in record.names:
                self._known.learn_name(name)
        edits: list[tuple[int, int, bytes]] = []
        dropped = 0
        for array in arrays:
            dropped += array.mask(edits, self.number, self._known.edits)
        return Masked(
            replaced(document, edits), general, None, {UNMASKABLE: dropped} if dropped else {}
        )


def _may_hold_members(key: str, raw: bytes) -> bool:
    if key in SECTIONS:
        return raw != b"null"
    return raw[:1] in b"[{" and (b'"cid"' in raw or _ESCAPED_LETTER.search(raw) is not None)


@dataclass(slots=True)
class _Array:
    """A section that is masked record by record: None for a record that cannot be."""

    start: int
    end: int
    spans: list[tuple[int, int]]
    records: list[Record | None]

    @classmethod
    def read(cls, document: bytes, member: Member) -> _Array:
        if document[member.start : member.start + 1] != b"[":
            # No array of records: nothing is known of what it holds, so it is not written.
            return cls(member.start, member.end, [], [None])
        spans = elements(document, member.start, member.end)
        return cls(
            member.start,
            member.end,
            spans,
            [Record.read(document[start:end]) for start, end in spans],
        )

    def mask(
        self,
        edits: list[tuple[int, int, bytes]],
        number_of: Callable[[int], int],
        edits_of: Callable[[str], list[Edit]],
    ) -> int:
        """Adds what is to be replaced to `edits`; how many records are dropped."""
        masked = [
            None if record is None else record.masked(number_of, edits_of)
            for record in self.records
        ]
        kept = [record for record in masked if record is not None]
        if len(kept) == len(masked):
            edits += [(*span, record) for span, record in zip(self.spans, kept, strict=True)]
        else:
            edits.append((self.start, self.end, b"[" + b",".join(kept) + b"]"))
        return len(masked) - len(kept)
