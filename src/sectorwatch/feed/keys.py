"""All keys of a JSON document found at once, in a few passes over its bytes.

This is for the usual document, written without spaces and with no letter escaped; one that is
unlike it raises `UnusualError`, and is then read with more patience.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["KeySearch", "UnusualError"]

# An escape by which a key could be written that means `cid`, `name`, `remarks` or `text_atis`.
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_PIECE = 1 << 17
_EIGHT = 8
_LONGEST = len(b'{"flight_plan')
_KEYS = (b'"cid"', b'"name"', b'"flight_plan"', b'"remarks"', b'"text_atis"')
# Behind so many spaces there may be a key: that is not looked for.
_FAR = 200
# What stands before a quote that opens a string.
_OPENS = np.isin(np.arange(256), [*b"\t\n\r :,[{"])


class UnusualError(Exception):
    """The document is not written as the network writes it: it is to be read record by record."""


class KeySearch:
    """The keys of `document`: each place where a quote stands before a colon.

    Inside a string such a quote is escaped, so that what stands before it is no key that is asked
    for; one that opens a string which begins with a colon is told by what stands before it. Raises
    UnusualError where letters are escaped or spaces stand before colons, so that a key could be
    missed.
    """

    def __init__(self, document: bytes) -> None:
        if len(document) <= _LONGEST or _escapes_letters(document):
            raise UnusualError
        self._document = document
        self._bytes = np.frombuffer(document, np.uint8)
        found: list[NDArray[np.intp]] = []
        # By pieces that stay in the cache: one pass over the whole costs three times as much.
        for start in range(_EIGHT, len(document) - 1, _PIECE):
            colons = self._bytes[start + 1 : start + 1 + _PIECE] == ord(":")
            found.append(np.flatnonzero(colons) + start)
        # What is not a key is looked at behind this: it is few of all colons.
        ends = np.concatenate(found) if found else np.zeros(0, np.intp)
        before_colon = self._bytes[ends]
        spaces = ends[before_colon <= ord(" ")]
        if any(_follows_key(document, place) for place in spaces.tolist()):
            raise UnusualError
        ends = ends[before_colon == ord('"')]
        eight = np.ndarray((len(document) - 7,), "<u8", buffer=document, strides=(1,))
        before = eight[ends - _EIGHT]
        opens = _OPENS[before >> np.uint64(56)]
        if opens.any():
            ends, before = ends[~opens], before[~opens]
        self._ends, self._before = ends, before

    def _find(self, key: bytes) -> NDArray[np.intp]:
        """Which of all keys is `key`, given with the quote before it; indices into `_ends`."""
        last = key[-_EIGHT:]
        wanted = np.uint64(int.from_bytes(last, "little"))
        found = np.flatnonzero(self._before >> np.uint64(64 - 8 * len(last)) == wanted)
        for index in range(len(key) - _EIGHT):
            # Near the beginning this may look at the end: other bytes there are no key either.
            place = self._ends[found] - len(key) + index
            found = found[self._bytes[place] == key[index]]
        return found

    def heads(self) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
        r"""Where records of members begin and where their third key ends, its quote included.

        Every `cid` in the document is a record's first key and has a `name` behind it; how many
        `name` there are in the whole document comes third.
        """
        cids, names = self._find(b'"cid'), self._find(b'"name')
        if len(cids) == 0:
            return cids, cids, len(names)
        if cids[-1] + 2 >= len(self._ends):
            raise UnusualError
        starts = self._ends[cids] - len(b'{"cid')
        stops = self._ends[cids + 2] + 1
        behind = np.zeros(len(self._ends), np.bool_)
        behind[names] = True
        if not (np.all(behind[cids + 1]) and np.all(starts[1:] >= stops[:-1])):
            raise UnusualError
        return starts, stops, len(names)

    def values(self, key: bytes, opening: bytes) -> tuple[list[int], list[int]]:
        """The values of `key`, all of which begin with `opening`; those that are null left out.

        From where, and up to where at least: to the end of the next key, or to an escaped quote
        inside that looks like one.
        """
        keys = self._find(key)
        if len(keys) == 0:
            return [], []
        starts = self._ends[keys] + 2
        if starts[-1] >= len(self._bytes):
            raise UnusualError
        first = self._bytes[starts]
        opens = first == ord(opening)
        if not np.all(opens | (first == ord("n"))):
            raise UnusualError
        stops = self._ends[np.minimum(keys + 1, len(self._ends) - 1)]
        if keys[-1] + 1 == len(self._ends):
            stops[-1] = len(self._bytes)
        return starts[opens].tolist(), stops[opens].tolist()


def _follows_key(document: bytes, place: int) -> bool:
    """Whether the space at `place`, which stands before a colon, stands behind a key of ours."""
    before = document[max(0, place - _FAR) : place + 1].rstrip(b" \t\r\n")
    return not before or before.endswith(_KEYS)


def _escapes_letters(document: bytes) -> bool:
    r"""Whether a letter is written as `\u00..`, by which a key could hide; escapes are few."""
    place = document.find(b"\\")
    while place >= 0:
        if _ESCAPED_LETTER.match(document, place):
            return True
        place = document.find(b"\\", place + 2)
    return False
