"""The last few refused feeds, kept aside for a look, without anybody's name or number in them.

What is refused is broken by definition, so it cannot be masked as a good feed is. Here the rule is
the other way round: whatever might be a member's goes. The values beside `name` and `cid` are cut
out however badly the text around them is formed, and found again anywhere else; what is no text
at all is described, not kept.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from sectorwatch.clock import format_us
from sectorwatch.observe import LogLevel, Telemetry

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.errors import FeedRefusedError

__all__ = ["Quarantine", "without_members"]

_MOST_BYTES = 4 << 20
_SHORTEST_TOKEN = 2
# The key, then a string (perhaps cut off) or anything up to the next end.
_VALUE = re.compile(
    r"""(["'](?:cid|name)["']\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}\]\s]+)""",
    re.IGNORECASE | re.DOTALL,
)
# An ASCII character that nobody needs to escape but who hides something, a key for instance.
_HIDDEN = re.compile(r"\\u00[2-7][0-9a-f]", re.IGNORECASE)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_LONG_NUMBER = re.compile(r"(?<![\d.])\d{6,10}(?![\d.])")
_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"\d+-(?P<reason>[a-z_]+)\.txt", re.ASCII)


def without_members(payload: bytes) -> str:
    """What a refused payload says, with all that may be a member's name or number taken out.

    Numbers of 6 to 10 digits go wherever they stand: member numbers have that form. A payload that
    is no UTF-8 text, or hides text in NULs or escapes, is only described.

    >>> without_members(b'{"cid": 1234567, "name": "Ann Ex", "remarks": "ANN 1234567"')
    '{"cid": ***, "name": ***, "remarks": "*** ***"'
    """
    cut = payload[:_MOST_BYTES]
    try:
        text = cut.decode("utf-8", "strict" if len(cut) == len(payload) else "ignore")
    except UnicodeDecodeError:
        return _described(payload, "no UTF-8 text")
    if "\x00" in text:
        return _described(payload, "text with NUL characters")
    if _HIDDEN.search(text):
        return _described(payload, "text with plain letters escaped")
    members: set[str] = set()
    for _, value in _VALUE.findall(text):
        # As it stands, and as it reads: free text may have it with escapes or without.
        for form in (value, _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value)):
            members |= {
                word.casefold() for word in _WORD.findall(form) if len(word) >= _SHORTEST_TOKEN
            }
    text = _VALUE.sub(r"\1***", text)
    text = _LONG_NUMBER.sub("***", text)
    if members:
        text = _WORD.sub(lambda match: "***" if match[0].casefold() in members else match[0], text)
    return text


def _described(payload: bytes, what: str) -> str:
    digest = hashlib.sha256(payload).hexdigest()
    return (
        f"{len(payload)} bytes, {what}; not kept. It begins {payload[:4].hex()}, SHA-256 {digest}"
    )


class Quarantine:
    """A folder of the last `keep` refused feeds, each with the reason and the time received."""

    def __init__(self, folder: Path, *, keep: int, telemetry: Telemetry | None = None) -> None:
        self.folder = folder
        self._keep = keep
        self._telemetry = telemetry or Telemetry.null()

    def put(self, payload: bytes, received_at_us: int, error: FeedRefusedError) -> None:
        """Keep a refused payload; where the disk will not have it, that is logged and no more."""
        if self._keep == 0:
            return
        content = f"{format_us(received_at_us)} {error.reason}: {error}\n\n"
        content += without_members(payload)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.folder / f"{received_at_us:017d}-{error.reason}.txt"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(content)
            for old in self.files()[: -self._keep]:
                old.unlink(missing_ok=True)
        except OSError as problem:
            self._telemetry.log.log_operation(
                "keep_refused", LogLevel.WARNING, what=str(problem), reason=error.reason
            )

    def files(self) -> list[Path]:
        """What is kept, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))
