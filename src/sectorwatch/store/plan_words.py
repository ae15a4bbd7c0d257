"""By which columns a statement asks for a table, and so which index might help it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sectorwatch.observe.statements import Index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["aliases_of", "asked_columns", "batched", "candidates_of"]

_ALIAS = re.compile(r'\b(?:FROM|JOIN|,)\s+"?(\w+)"?\s+AS\s+"?(\w+)"?', re.IGNORECASE)
_STRINGS = re.compile(r"'(?:[^']|'')*'")
_EQUAL = r"\s*(?:=|\bIN\b(?!\s*\(\s*SELECT)|\bIS\s+NULL\b|\bIS\s+\?)"
_RANGE = r"\s*(?:<=?|>=?|\bBETWEEN\b)"
_MOST_CANDIDATES = 5
_SINGLE = re.compile(r"(?P<column>[\w\".]+)\s*=\s*(?P<place>\?|%s(?:::\w+)?)")


def aliases_of(text: str) -> dict[str, str]:
    """Which table each other name stands for.

    >>> aliases_of("SELECT * FROM visit AS v JOIN flight AS f ON 1")
    {'v': 'visit', 'f': 'flight'}
    """
    return {alias: table for table, alias in _ALIAS.findall(_STRINGS.sub("''", text))}


def asked_columns(
    text: str, table: str, columns: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of a table that are asked for by equality, and those by range.

    >>> asked_columns("WHERE t.a = ? AND (t.b IS NULL OR t.b > ?) AND c < 3", "t", "abc")
    (('a', 'b'), ('c',))
    """
    text = _STRINGS.sub("''", text)
    names = [table, *(alias for alias, of in aliases_of(text).items() if of == table)]
    before = "|".join(re.escape(name) for name in names)
    equal, ranged = [], []
    for column in columns:
        name = rf'(?:\b(?:{before})\.|(?<![\w."])){re.escape(column)}\b"?'
        joined = rf"=\s*(?:{before})\.{re.escape(column)}\b"
        if re.search(name + _EQUAL, text, re.IGNORECASE) or re.search(joined, text):
            equal.append(column)
        elif re.search(name + _RANGE, text, re.IGNORECASE):
            ranged.append(column)
    return tuple(equal), tuple(ranged)


def candidates_of(
    text: str, table: str, columns: Iterable[str], present: Sequence[Sequence[str]]
) -> list[Index]:
    """Indexes that what is asked for could use, none that is the beginning of one of `present`.

    >>> [i.ddl for i in candidates_of("WHERE a = ? AND b > ?", "t", "ab", [["a"]])]
    ['CREATE INDEX ix_t_a_b ON t (a, b)', 'CREATE INDEX ix_t_b ON t (b)']
    """
    equal, ranged = asked_columns(text, table, columns)
    wanted: list[tuple[str, ...]] = [(*equal, column) for column in ranged if equal]
    if len(equal) > 1:
        wanted.append(equal)
    wanted += [(column,) for column in (*equal, *ranged)]
    there = {tuple(each[:length]) for each in present for length in range(1, len(each) + 1)}
    kept = [each for each in dict.fromkeys(wanted) if each not in there]
    return [Index(table, each) for each in kept[:_MOST_CANDIDATES]]


def batched(text: str, count: int) -> str | None:
    """The statement that asks at once what this one asks for one value; None where it is not so.

    >>> batched("SELECT a FROM t WHERE t.b = ?", 3)
    'SELECT a FROM t WHERE t.b IN (?, ?, ?)'
    >>> batched("SELECT a FROM t WHERE b = ? ORDER BY c LIMIT 1", 3) is None
    True
    """
    places = text.count("?") + text.count("%s")
    found = list(_SINGLE.finditer(text))
    limited = re.search(r"\bLIMIT\b|\bGROUP\b|\b(?:count|max|min|sum|avg)\(", text, re.IGNORECASE)
    if places != 1 or len(found) != 1 or limited:
        return None
    (one,) = found
    several = ", ".join([one["place"]] * count)
    return f"{text[: one.start()]}{one['column']} IN ({several}){text[one.end() :]}"
