"""A statement without what makes it this one: literals out, lists and white space collapsed."""

from __future__ import annotations

import re

__all__ = ["normal_form", "tables_of", "verb_of", "without_lists"]

_LONGEST_READ = 20_000
_LONGEST_SHOWN = 2_000
# Long lists are cut down before anything looks at single words: they can be of any length.
_LONG_LIST = re.compile(r"(?:(?:\?|%s)(?:::[A-Za-z]\w*)?\s*,\s*){2,}")
_TOKEN = re.compile(
    r"""
      (?P<quoted>'(?:[^']|'')*(?:'|\Z))
    | (?P<dollars>\$(?P<tag>(?:[A-Za-z_]\w*)?)\$(?:.*?)(?:\$(?P=tag)\$|\Z))
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<cast>::\s*[A-Za-z]\w*)
    | (?P<place>\?\d*|%s|%\(\w+\)s|[:$@]\w+)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LIST = re.compile(r"\( ?(?:\?|…)(?: ?, ?(?:\?|…))+ ?\)")
_LISTS = re.compile(r"\(\?, …\)(?: ?, ?(?:\(\?, …\)|…))+")
_SINGLES = re.compile(r"\(\?\)(?: ?, ?(?:\(\?\)|…))+")
_TABLES = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE(?!\s+SET\b))\s+"?([A-Za-z_]\w*)', re.IGNORECASE)


def normal_form(text: str) -> str:
    """What statements that differ in their values alone have in common; never a value itself.

    Text in double quotes is a name, as standard SQL has it, and stays.

    >>> normal_form("SELECT  a FROM t WHERE b IN (?, ?, ?) AND c = 'it''s' -- why")
    'SELECT a FROM t WHERE b IN (?, …) AND c = ?'
    >>> normal_form("INSERT INTO t VALUES (1, 2), (3, 4)")
    'INSERT INTO t VALUES (?, …), …'
    """
    text = without_lists(text)
    parts: list[str] = []
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        match kind:
            case "quoted" | "dollars" | "place" | "number" | "tag":
                parts.append("?")
            case "space" | "comment":
                if parts and parts[-1] != " ":
                    parts.append(" ")
            case "cast":
                # What a value is cast to is as much the driver's doing as the value's.
                if not parts or parts[-1] != "?":
                    parts.append(found.group())
            case _:
                parts.append(found.group())
    flat = "".join(parts).strip()
    flat = _LIST.sub("(?, …)", flat)
    flat = _SINGLES.sub("(?), …", _LISTS.sub("(?, …), …", flat))
    return flat if len(flat) <= _LONGEST_SHOWN else flat[: _LONGEST_SHOWN - 1] + "…"


def without_lists(text: str) -> str:
    """A text whose long lists of values are cut down, bounded, but for that as it is."""
    return _LONG_LIST.sub("?, ?, ", text)[:_LONGEST_READ]


def verb_of(normal: str) -> str:
    """What a statement does, lower case; a question that names its parts first is a `select`.

    >>> verb_of("WITH a AS (SELECT ?) SELECT * FROM a"), verb_of("(")
    ('select', 'other')
    """
    found = re.match(r"[A-Za-z]+", normal)
    word = found.group().lower() if found else "other"
    return "select" if word == "with" else word


def tables_of(normal: str) -> tuple[str, ...]:
    """The tables that a statement names, in the order it does.

    >>> tables_of("SELECT * FROM flight JOIN visit ON a = b")
    ('flight', 'visit')
    >>> tables_of("INSERT INTO count VALUES (?) ON CONFLICT DO UPDATE SET n = ?")
    ('count',)
    """
    return tuple(dict.fromkeys(_TABLES.findall(normal)))
