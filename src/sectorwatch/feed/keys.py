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

_STRING_INSIDE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_STRING_LIST = re.compile(rb'\[(?:"(?:[^"\\]++|\\.)*+",?)*+\]', re.DOTALL)
# An escape by which a key could be written that means `cid`, `name`, `remarks` or `text_atis`.
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_PIECE = 1 << 17
_EIGHT = 8
_LONGEST = len(b'{"flight_plan')
_KEYS = (b'"cid', b'"name', b'"flight_plan', b'"remarks', b'"text_atis')


class UnusualError(Exception):
    """The document is not written as the network writes it: it is to be read record by record."""


class KeySearch:
    """The keys of `document`: each place where a quote stands before a colon.

    Inside a string such a quote is escaped, so that what stands before it is no key that is asked
    for. Raises UnusualError where letters are escaped, so that a key could be missed.
    """

    def __init__(self, document: bytes) -> None:
        if len(document) <= _LONGEST or _escapes_letters(document):
            raise UnusualError
        self._document = document
        self._bytes = np.frombuffer(document, np.uint8)
        found: list[NDArray[np.intp]] = []
        # By pieces that stay in the cache: one pass over the whole costs three times as much.
        for start in range(_EIGHT, len(document) - 1, _PIECE):
            quotes = self._bytes[start : start + _PIECE]
            after = self._bytes[start + 1 : start + 1 + _PIECE]
            ends = (after == ord(":")) | (after <= ord(" "))
            ends &= quotes[: len(after)] == ord('"')
            found.append(np.flatnonzero(ends) + start)
        ends_or_spaces = np.concatenate(found) if found else np.zeros(0, np.intp)
        eight = np.ndarray((len(document) - 7,), "<u8", buffer=document, strides=(1,))
        before = eight[ends_or_spaces - _EIGHT]
        spaced = self._bytes[ends_or_spaces + 1] != ord(":")
        # A colon may follow behind the space; where a text begins with one, nothing does.
        self._before = before[spaced]
        self._ends = ends_or_spaces[spaced]
        if any(len(self._find(key)) for key in _KEYS):
            raise UnusualError
        self._before = before[~spaced]
        self._ends = ends_or_spaces[~spaced]

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

    def strings(self, key: bytes) -> tuple[list[int], list[int]]:
        """The insides of the strings that are values of `key`: from where, to where."""
        document = self._document
        starts = (self.values(key, b'"') + 1).tolist()
        find = document.find
        ends = [find(b'"', start) for start in starts]
        escaped = self._bytes[np.array(ends, np.intp) - 1] == ord("\\")
        for index in np.flatnonzero(escaped).tolist():
            match = _STRING_INSIDE.match(document, starts[index])
            ends[index] = match.end() if match else starts[index]
        return starts, ends

    def lists(self, key: bytes) -> tuple[list[int], list[int]]:
        """The lists of strings that are values of `key`, brackets and all: from where, to where."""
        starts = self.values(key, b"[").tolist()
        matches = [_STRING_LIST.match(self._document, start) for start in starts]
        ends = [match.end() for match in matches if match is not None]
        if len(ends) < len(starts):
            raise UnusualError
        return starts, ends

    def values(self, key: bytes, opening: bytes) -> NDArray[np.intp]:
        """Where the values of `key` begin, all with `opening`; those that are null left out."""
        starts = self._ends[self._find(key)] + 2
        if len(starts) and starts[-1] >= len(self._bytes):
            raise UnusualError
        first = self._bytes[starts]
        opens = first == ord(opening)
        if not np.all((self._bytes[starts - 1] == ord(":")) & (opens | (first == ord("n")))):
            raise UnusualError
        values: NDArray[np.intp] = starts[opens]
        return values


def _escapes_letters(document: bytes) -> bool:
    r"""Whether a letter is written as `\u00..`, by which a key could hide; escapes are few."""
    place = document.find(b"\\")
    while place >= 0:
        if _ESCAPED_LETTER.match(document, place):
            return True
        place = document.find(b"\\", place + 2)
    return False
