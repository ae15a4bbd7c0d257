"""The members' names and numbers that are known, and where they stand in free text.

A word is a run of letters and digits in any script; `_` parts words. A name is found where its
words follow one another, whatever their case and whatever stands between them, so that
`Steve Kennedy KJFK` is found in `PIC/STEVE KENNEDY,`: also without the home airport that clients
put behind it. A number is a word of its own.

What was seen in the last hour or two is known, not only who is online at the moment: remarks name
friends who have left. Two generations bound how long and how much is remembered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["LONGEST_TEXT", "Edit", "Known", "apply_edits", "edited", "unescape"]

Edit = tuple[int, int, str]
"""Where in a text, from and to, and what stands there instead."""

_WORD = re.compile(r"[^\W_]+")
_HOME_AIRPORT = re.compile(r" [A-Z][A-Z0-9]{3}$", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
LONGEST_TEXT = 1 << 16
_MAX_WORDS = 12
_MAX_DIGITS = 100
_LONGEST_NAME = 400
_LOOK = 8
_FOLD = 0x2020202020202020
_MIX = 0x9E3779B97F4A7C15
_MASK64 = (1 << 64) - 1
_LENGTH_MASKS = [(1 << (8 * length)) - 1 for length in range(_LOOK + 1)]


_ASCII = 0x80
# What each byte is to words: 0 parts them, 1 is an ASCII letter or digit, 2 part of another letter
# or of a sign, so that a word may begin with it or behind it.
_KINDS = bytes(2 if byte >= _ASCII else int(chr(byte).isalnum()) for byte in range(256))


class _Look:
    """A quick look at many words at once, which may take one for known that is not.

    It compares up to eight bytes of each word, letters in lower case, as a 64-bit integer of which
    two hashes have to be in a table; one pair of tables a length.
    """

    def __init__(self) -> None:
        self._tables: dict[int, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}

    def add(self, word: bytes) -> None:
        """Makes `word` be found, in any case."""
        start = word[:_LOOK]
        key = (int.from_bytes(start, "little") | _FOLD) & _LENGTH_MASKS[len(start)]
        mixed = (key * _MIX) & _MASK64
        if len(start) not in self._tables:
            empty = np.zeros((2, 1 << 16), np.bool_)
            self._tables[len(start)] = (empty[0], empty[1])
        first, second = self._tables[len(start)]
        first[mixed >> 48] = second[(mixed >> 32) & 0xFFFF] = True

    def hits(self, keys: NDArray[np.uint64]) -> Iterator[NDArray[np.intp]]:
        """Which of `keys`, the first eight bytes of words in lower case, may be known."""
        for length, (first, second) in self._tables.items():
            mixed = (keys & np.uint64(_LENGTH_MASKS[length])) * np.uint64(_MIX)
            hits = np.flatnonzero(first[mixed >> np.uint64(48)])
            rest = (mixed[hits] >> np.uint64(32)) & np.uint64(0xFFFF)
            yield hits[second[rest]]


class _Generation:
    """What was learned since the last turn."""

    def __init__(self) -> None:
        self.phrases: dict[tuple[str, ...], str] = {}
        self.longest: dict[str, int] = {}
        self.symbols: set[str] = set()
        self.look = _Look()
        self.documents = 0

    def add(self, phrase: tuple[str, ...], replacement: str, spellings: Iterable[str]) -> None:
        # A number that is somebody's name too stays a number: its hash says more than nothing.
        if not self.phrases.get(phrase):
            self.phrases[phrase] = replacement
        self.longest[phrase[0]] = max(len(phrase), self.longest.get(phrase[0], 0))
        for spelling in spellings:
            self.look.add(spelling.encode("utf-8", "ignore"))


class Known:
    """Names and numbers of members, as they were learned from the feeds that passed.

    `number_as` gives the text that stands for a member's number from now on. A generation ends
    after `documents` feeds or `entries` names and numbers; the one before it is still known.
    """

    def __init__(
        self, number_as: Callable[[int], str], *, documents: int = 240, entries: int = 40_000
    ) -> None:
        self._number_as = number_as
        self._documents = documents
        self._entries = entries
        self._young = _Generation()
        self._old = _Generation()
        self.news: list[tuple[str, ...]] = []
        """What was learned since the feed began, as words; () for a name without any."""

    def turn(self) -> bool:
        """Says that another feed begins: True where a generation begins with it.

        Whoever was seen in neither of two generations is forgotten, and whoever is to be known
        beyond the next has to be learned again.
        """
        self._young.documents += 1
        self.news = []
        if self._young.documents <= self._documents and len(self._young.phrases) < self._entries:
            return False
        self._old, self._young = self._young, _Generation()
        self._young.documents = 1
        return True

    def learn_number(self, number: int) -> None:
        """Takes in a member's number."""
        self._learn_digits(str(abs(number)))

    def learn_name(self, name: str) -> None:
        """Takes in one member's name."""
        name = " ".join(name[:_LONGEST_NAME].split())
        if not name:
            return
        forms = {name, _HOME_AIRPORT.sub("", name)}
        phrases = {tuple(words(form)) for form in forms} - {()}
        if not phrases:
            if not self._young.symbols.issuperset(name.split()):
                self.news.append(())
            self._young.symbols.update(name.split())
        for phrase in phrases:
            if len(phrase) == 1 and _NUMBER.fullmatch(phrase[0]):
                self._learn_digits(phrase[0])
                continue
            # The longest word is the rarest in texts; the home airport is in most of them.
            longest = max(_WORD.findall(_HOME_AIRPORT.sub("", name)) or phrase, key=len)
            spellings = {longest.casefold()}
            if not longest.isascii():
                spellings |= {longest, longest.lower(), longest.upper(), longest.title()}
            self._learn(phrase[:_MAX_WORDS], "", spellings)

    def _learn_digits(self, digits: str) -> None:
        self._learn((digits,), self._number_as(int(digits[:_MAX_DIGITS])), (digits,))

    def _learn(self, phrase: tuple[str, ...], replacement: str, spellings: Iterable[str]) -> None:
        if phrase not in self._young.phrases:
            self.news.append(phrase)
        self._young.add(phrase, replacement, spellings)

    def edits(self, text: str) -> list[Edit]:
        """What is to be replaced in `text`, in order and without overlap; [] if nothing is known.

        What a removal brings together is looked at again: no name is left by removing another.
        Raises ValueError where the text is longer than any that is written by hand.
        """
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"a text of {len(text)} characters is not masked")
        found = self._symbol_edits(text)
        young, old = self._young.longest.keys(), self._old.longest.keys()
        there = set(words(text))
        if young.isdisjoint(there) and old.isdisjoint(there):
            return found
        spans = [
            (match.start(), match.end(), match[0].casefold()) for match in _WORD.finditer(text)
        ]
        before = len(found) - 1
        while len(found) > before:
            before = len(found)
            spans = self._pass(spans, found)
        # Of one edit inside another only the outer is done.
        found.sort(key=lambda edit: (edit[0], -edit[1]))
        outer: list[Edit] = []
        for edit in found:
            if not outer or edit[0] >= outer[-1][1]:
                outer.append(edit)
        return outer

    def _pass(self, spans: list[Edit], found: list[Edit]) -> list[Edit]:
        """One look at the words in `spans`: adds to `found`, and gives the words that are left."""
        young, old = self._young, self._old
        left: list[Edit] = []
        place = 0
        while place < len(spans):
            word = spans[place][2]
            longest = max(young.longest.get(word, 0), old.longest.get(word, 0))
            texts = tuple(span[2] for span in spans[place : place + longest])
            for count in range(len(texts), 0, -1):
                replacement = young.phrases.get(texts[:count], old.phrases.get(texts[:count]))
                if replacement is not None:
                    edit = (spans[place][0], spans[place + count - 1][1], replacement)
                    found.append(edit)
                    # A number's hash stays between its neighbours, as a word equal to nothing.
                    left += [(edit[0], edit[1], "")] if replacement else []
                    place += count
                    break
            else:
                left.append(spans[place])
                place += 1
        return left

    def _symbol_edits(self, text: str) -> list[Edit]:
        symbols = self._young.symbols | self._old.symbols
        if not symbols:
            return []
        found = re.finditer(r"\S+", text)
        return [(match.start(), match.end(), "") for match in found if match[0] in symbols]

    def suspects(self, texts: Sequence[bytes]) -> list[int]:
        r"""Which of `texts` (UTF-8, JSON escapes not undone) `edits` must look at.

        Each that holds something known is among them; so are those with a `\`, and a few more.
        """
        if not texts:
            return []
        blob = b"\n".join(texts)
        ends = np.cumsum(list(map(len, texts))) + np.arange(1, len(texts) + 1)
        places = [np.flatnonzero(np.frombuffer(blob, np.uint8) == ord("\\"))]
        generations = [self._young, self._old]
        if any(
            symbol.encode("utf-8", "ignore") in blob
            for generation in generations
            for symbol in generation.symbols
        ):
            return list(range(len(texts)))
        starts, keys = _word_starts(blob)
        for generation in generations:
            places += [starts[hits] for hits in generation.look.hits(keys)]
        found = np.unique(np.searchsorted(ends, np.concatenate(places), side="right"))
        return [int(index) for index in found]


def _word_starts(blob: bytes) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
    """Where words may begin in `blob`, and the eight bytes there with letters in lower case."""
    kinds = np.frombuffer(blob.translate(_KINDS), np.uint8)
    first = kinds != 0
    first[1:] &= kinds[:-1] != 1
    starts = np.flatnonzero(first)
    padded = blob + bytes(_LOOK)
    eight = np.ndarray((len(blob),), "<u8", buffer=padded, strides=(1,))
    return starts, eight[starts] | np.uint64(_FOLD)


def words(text: str) -> list[str]:
    """The words of a text, case taken away.

    >>> words("PIC/Steve_Kennedy, 1234567")
    ['pic', 'steve', 'kennedy', '1234567']
    """
    return [word.casefold() for word in _WORD.findall(text)]


def unescape(raw: bytes) -> str:
    """The text that stands between two quotes in JSON; what is no UTF-8 there is kept apart."""
    text = raw.decode("utf-8", "surrogateescape")
    if "\\" not in text:
        return text
    try:
        return str(msgspec.json.decode(b'"' + raw + b'"'))
    except ValueError:
        return "".join(_plain(unit) for unit in json_units(text))


_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def json_units(text: str) -> list[str]:
    """A JSON string's inside cut into what stands for one character each."""
    return _UNIT.findall(text)


def _plain(unit: str) -> str:
    if len(unit) == 1:
        return unit
    if unit[1] == "u" and len(unit) > 2:  # noqa: PLR2004 - `\u` and its digits
        code = bytes.fromhex(unit.replace("\\u", ""))
        return code.decode("utf-16-be", "surrogatepass")
    return _SHORT.get(unit[1], unit[1])


def apply_edits(raw: bytes, edits_of: Callable[[str], list[Edit]]) -> bytes:
    """A JSON string's inside with what `edits_of` its text says replaced, else byte for byte."""
    text = unescape(raw)
    edits = edits_of(text)
    if not edits:
        return raw
    units = json_units(raw.decode("utf-8", "surrogateescape"))
    done: list[str] = []
    place = 0
    for start, end, replacement in edits:
        done += units[place:start]
        done.append(replacement)
        place = end
    done += units[place:]
    return "".join(done).encode("utf-8", "surrogateescape")


def edited(text: str, edits: list[Edit]) -> str:
    """`text` with `edits` done.

    >>> edited("PIC/STEVE, 1234567", [(4, 9, ""), (11, 18, "77")])
    'PIC/, 77'
    """
    done: list[str] = []
    place = 0
    for start, end, replacement in edits:
        done += (text[place:start], replacement)
        place = end
    return "".join((*done, text[place:]))
