"""What a log line must not tell: secrets by their key, and values that are no plain data."""

from __future__ import annotations

import enum
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["REDACTED", "Redactor", "plain", "scrub"]

REDACTED = "[redacted]"

# Parts of a key, without case and punctuation, that make it a secret's.
_SECRET_PARTS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "maskingkey",
    "authorization",
    "credential",
    "cookie",
    "dsn",
)
_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})
_KNOWN_KEYS = 4_096
_DEEPEST = 8
_MOST_ITEMS = 200
_LONGEST_TEXT = 4_000
_LARGEST_INTEGER = 1 << 63

# Secrets in running text, which an exception's message may well quote.
_IN_TEXT = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 " + REDACTED),
    (
        re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]{0,200}):[^\s@/]{1,200}@"),
        rf"\1:{REDACTED}@",
    ),
    (
        re.compile(
            r"(?i)\b(pass(?:word|wd|phrase)|secret|(?:api|access|private)[_-]?key|[a-z_]{0,40}token)"
            r"(['\"]?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&'\"]+)"
        ),
        rf"\1\2{REDACTED}",
    ),
)


class Redactor:
    """Replaces the values of keys that name secrets, however deep they lie.

    `keys` are further keys to redact, each compared whole, without case and punctuation.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = frozenset(_bare(key) for key in keys)
        # Keys found harmless before: a line whose keys are all among them needs no second look.
        self._harmless: set[str] = set()

    def __call__(self, context: dict[str, Any]) -> dict[str, Any]:
        """`context` itself where nothing has to be changed, else a copy without the secrets."""
        if self._harmless.issuperset(context) and _PLAIN_TYPES.issuperset(
            map(type, context.values())
        ):
            return context
        return {
            key: REDACTED if self._is_secret(key) else self._inner(value, 0)
            for key, value in context.items()
        }

    def _is_secret(self, key: object) -> bool:
        if key in self._harmless:
            return False
        bare = _bare(key)
        if bare in self._keys or any(part in bare for part in _SECRET_PARTS):
            return True
        if len(self._harmless) < _KNOWN_KEYS and isinstance(key, str) and len(key) <= len(bare) * 4:
            self._harmless.add(key)
        return False

    def _inner(self, value: Any, depth: int) -> Any:
        if depth >= _DEEPEST:
            return plain(value, depth)
        if isinstance(value, dict):
            return {
                key: REDACTED if self._is_secret(key) else self._inner(inner, depth + 1)
                for key, inner in list(value.items())[:_MOST_ITEMS]
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._inner(inner, depth + 1) for inner in list(value)[:_MOST_ITEMS]]
        return value


def scrub(text: str) -> str:
    """Running text without the secrets that can be told by their form.

    >>> scrub("GET https://ann:pa55@example.org/?api_key=123&x=1")
    'GET https://ann:[redacted]@example.org/?api_key=[redacted]&x=1'
    """
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def plain(value: Any, depth: int = 0) -> Any:
    """Anything as data that JSON can hold, shortened where it is long; never raises."""
    simple: Any
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, bool | float):
        simple = value
    elif isinstance(value, int):
        simple = value if -_LARGEST_INTEGER <= value < _LARGEST_INTEGER else "[huge integer]"
    elif isinstance(value, str):
        simple = _text(value)
    elif isinstance(value, datetime | date):
        simple = value.isoformat()
    elif depth < _DEEPEST and isinstance(value, dict):
        simple = _plain_dict(value, depth)
    elif depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        simple = [plain(inner, depth + 1) for inner in list(value)[:_MOST_ITEMS]]
    else:
        simple = described(value)
    return simple


def described(value: object) -> str:
    """What an object says of itself, shortened; that it says nothing where that fails."""
    try:
        return scrub(_text(repr(value)))
    except Exception:  # noqa: BLE001 - another's __repr__ may do anything
        return f"[{type(value).__name__} without a description]"


def _plain_dict(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    return {
        _text(key) if isinstance(key, str) else described(key): plain(inner, depth + 1)
        for key, inner in list(value.items())[:_MOST_ITEMS]
    }


def _text(value: str) -> str:
    short = value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "..."
    # Half a surrogate pair cannot be written as UTF-8.
    return short.encode("utf-8", "replace").decode("utf-8")


def _bare(key: object) -> str:
    return "".join(c for c in str(key).lower() if c.isalnum())
