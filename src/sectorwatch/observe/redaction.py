"""What a log line must not tell: secrets by their key, and values that are no plain data."""

from __future__ import annotations

import enum
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.secrets_in_text import REDACTED, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["REDACTED", "Redactor", "described", "plain", "scrub", "scrubbed"]

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
    "operatorkey",
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
_LONGEST_KEY = 200
# Of all values in one line together: a list that holds itself many times over has no end.
_MOST_VALUES = 2_000
_TOO_MANY = "[too many values]"


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
        left = [_MOST_VALUES]
        return {
            key: REDACTED if self._is_secret(key) else self._inner(value, 0, left)
            for key, value in context.items()
        }

    def _is_secret(self, key: object) -> bool:
        if key in self._harmless:
            return False
        if isinstance(key, str) and len(key) > _LONGEST_KEY:
            key = key[:_LONGEST_KEY]
        bare = _bare(key)
        if bare in self._keys or any(part in bare for part in _SECRET_PARTS):
            return True
        if len(self._harmless) < _KNOWN_KEYS and isinstance(key, str) and len(key) <= len(bare) * 4:
            self._harmless.add(key)
        return False

    def _inner(self, value: Any, depth: int, left: list[int]) -> Any:
        if depth >= _DEEPEST or left[0] <= 0:
            return plain(value, depth) if left[0] > 0 else _TOO_MANY
        if isinstance(value, dict):
            return {
                key: REDACTED if self._is_secret(key) else self._inner(inner, depth + 1, left)
                for key, inner in _first(value.items(), left)
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._inner(inner, depth + 1, left) for inner in _first(value, left)]
        return value


def _first(values: Iterable[Any], left: list[int]) -> list[Any]:
    """The first of many values, and so many less are left for the rest of the line."""
    first = list(islice(values, min(_MOST_ITEMS, left[0])))
    left[0] -= len(first)
    return first


def scrubbed(value: Any) -> Any:
    """Plain data with the secrets in its texts redacted."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: scrubbed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner) for inner in value]
    return value


def plain(value: Any, depth: int = 0, left: list[int] | None = None) -> Any:
    """Anything as data that JSON can hold, shortened where it is long; never raises."""
    left = [_MOST_VALUES] if left is None else left
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
    elif left[0] <= 0:
        simple = _TOO_MANY
    elif depth < _DEEPEST and isinstance(value, dict):
        simple = _plain_dict(value, depth, left)
    elif depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        simple = [plain(inner, depth + 1, left) for inner in _first(value, left)]
    else:
        simple = described(value)
    return simple


def described(value: object) -> str:
    """What an object says of itself, shortened; that it says nothing where that fails."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        # All that is in it would be gone through to be cut off again.
        return f"[{type(value).__name__} of {len(value)}]"
    try:
        return scrub(_text(repr(value)))
    except Exception:  # noqa: BLE001 - another's __repr__ may do anything
        return f"[{type(value).__name__} without a description]"


def _plain_dict(value: Mapping[Any, Any], depth: int, left: list[int]) -> dict[str, Any]:
    return {
        _text(key) if isinstance(key, str) else described(key): plain(inner, depth + 1, left)
        for key, inner in _first(value.items(), left)
    }


def _text(value: str) -> str:
    short = value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "..."
    # Half a surrogate pair cannot be written as UTF-8.
    return short.encode("utf-8", "replace").decode("utf-8")


def _bare(key: object) -> str:
    return "".join(c for c in str(key).lower() if c.isalnum())
