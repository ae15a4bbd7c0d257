"""A feed cut at the pilots that are known: where each stands, and what is left without them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sectorwatch.feed.standing import END, LONGEST_HEAD, LONGEST_MIDDLE, MIDDLE, TAIL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.feed.standing import Known, Runs

__all__ = ["NEXT", "Cut", "cut", "new_records"]

NEXT = b'"},'
"""What stands between the time of a record and the record behind it."""

# Only the header stands before the pilots: so it is the feed's own list and no other.
_OPENING = re.compile(rb'\{"general":\{[^{}\[\]]{0,2000}+\},"pilots":\[')
_RECORD = b'{"cid":'
_LAST = b'"}]'
_OPEN, _CLOSE = b"[]"
_LONGEST_TIME = 60
_RECORDS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(slots=True)
class Cut:
    """A document cut up.

    `runs` are the rows of the last feed that follow one another here too, from and to, and None for
    a record that is new: of those, `new` says in which row of this feed they are, and `starts`
    where in the document. `middles` and `times` are those of all rows, b"" for one that is new.
    `reduced` is the document without the known records, and with `begin` its pilots begin, as in
    the whole one.
    """

    begin: int
    runs: Runs = field(default_factory=list)
    new: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    middles: list[bytes] = field(default_factory=list)
    times: list[bytes] = field(default_factory=list)
    reduced: bytes = b""


def cut(document: bytes, known: Known, row_of: Mapping[bytes, int]) -> Cut | None:
    """`document` cut at the records that are `known`; None where it is written in another way.

    `row_of` gives the row of a head. Nothing is looked for inside of records that are new: as many
    have to be found, when the reduced document is read, as were taken for such here.
    """
    opening = _OPENING.match(document)
    if opening is None:
        return None
    at = opening.end()
    found = Cut(at)
    between: list[bytes] = []
    new_from = -1
    row = 0
    while True:
        start = at
        row_before, (row, at) = row, _follow(document, at, row, known, found)
        if row > row_before:
            found.runs.append((row_before, row))
            if new_from >= 0:
                between.append(document[new_from : start - 1])
                new_from = -1
            behind = document[at - len(NEXT) : at]
            if behind == _LAST:
                break
            if behind != NEXT:
                return None
        head = document[at : document.find(MIDDLE, at, at + LONGEST_HEAD)]
        if row_of.get(head, row) != row:
            row = row_of[head]
            continue
        found.new.append(len(found.times))
        found.starts.append(at)
        found.runs.append(None)
        found.middles.append(b"")
        found.times.append(b"")
        new_from = at if new_from < 0 else new_from
        behind_new = _behind_new(document, at)
        if behind_new is None:
            break
        at = behind_new
    # The list's end and all behind it.
    rest = document[new_from:] if new_from >= 0 else document[at - 1 :]
    left = [*between, rest] if new_from >= 0 else [b",".join(between) + rest]
    found.reduced = document[: found.begin] + b",".join(left)
    return found


def _behind_new(document: bytes, at: int) -> int | None:
    """Where the record behind a new one at `at` begins; None where there is none in the list."""
    found = document.find(_RECORD, at + 1)
    return None if found < 0 or document[found - 1] == _OPEN else found


def _follow(document: bytes, at: int, row: int, known: Known, found: Cut) -> tuple[int, int]:
    """As far as the rows from `row` on follow one another: the row behind them, and where it is."""
    find, starts_with = document.find, document.startswith
    middles, times = found.middles, found.times
    for head, tail in zip(known.head[row:], known.tail[row:], strict=True):
        if not starts_with(head, at):
            break
        middle = at + len(head)
        end = find(TAIL, middle, middle + LONGEST_MIDDLE)
        if end < 0 or not starts_with(tail, end):
            break
        time = end + len(tail)
        middles.append(document[middle:end])
        row += 1
        end = find(NEXT, time, time + _LONGEST_TIME)
        if end < 0:
            # The last of all, or one that goes on in another way.
            end = find(END, time)
            times.append(document[time:end])
            return row, end + len(NEXT)
        times.append(document[time:end])
        at = end + len(NEXT)
    return row, at


def new_records(reduced: bytes, begin: int, count: int) -> list[bytes] | None:
    """The `count` pilots' records of a reduced document as they stand in it.

    None where they are not one after another what they were taken for.
    """
    if count == 0:
        return [] if reduced[begin] == _CLOSE else None
    last = begin
    for _ in range(count - 1):
        last = reduced.find(_RECORD, last + 1)
        if last < 0:
            return None
    end = reduced.find(b"}]", last) + 1
    try:
        records = [bytes(each) for each in _RECORDS.decode(reduced[begin - 1 : end + 1])]
    except (ValueError, RecursionError):
        return None
    # Each begins where one was looked for, and as many as were looked for: so none is in another.
    if len(records) != count or not all(each.startswith(_RECORD) for each in records):
        return None
    return records if b",".join(records) == reduced[begin:end] else None


def spliced(before: bytes, known: Known, found: Cut, odd: Sequence[int], rest: bytes) -> bytes:
    """The whole document masked: each record put together of what is known of it.

    Of the `odd` rows the whole record stands in the place of its head.
    """
    parts = [NEXT] * (5 * len(known.head))
    parts[0::5] = known.masked_head
    parts[1::5] = found.middles
    parts[2::5] = known.masked_tail
    parts[3::5] = found.times
    for row in odd:
        parts[5 * row + 3 : 5 * row + 5] = b"", b","
    # Behind the last comes the list's end, not a comma: it is in what follows.
    parts[-1] = parts[-1][:-1]
    return b"".join((before, *parts, rest))
