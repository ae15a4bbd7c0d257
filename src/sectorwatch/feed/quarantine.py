"""The last few refused payloads, kept aside for a look, with nothing of anybody in them.

What was refused could not be masked record by record, so no text and no number of it is kept: a
letter becomes `x`, a digit `0`. Left are the shape of the document, the names of the feed's own
fields and of HTML's elements: enough to see a proxy's error page, a document cut short, a field
that moved. With it go the size, the reason, and a hash by which two can be told apart.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sectorwatch.clock import format_us

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Quarantine", "redact"]

_HEAD = 4_096
_TAIL = 1_024
_REASON = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_WORD = re.compile(r"\w+")
_FIELDS = frozenset(
    _WORD.findall("""
    general version reload update update_timestamp connected_clients unique_users pilots cid name
    callsign server pilot_rating military_rating latitude longitude altitude groundspeed transponder
    heading qnh_i_hg qnh_mb flight_plan flight_rules aircraft aircraft_faa aircraft_short departure
    arrival alternate cruise_tas deptime enroute_time fuel_time remarks route revision_id
    assigned_transponder logon_time last_updated controllers frequency facility rating visual_range
    text_atis atis atis_code servers ident hostname_or_ip location clients_connection_allowed
    client_connections_allowed is_sweatbox prefiles facilities id short long long_name short_name
    ratings pilot_ratings military_ratings transceivers latDeg lonDeg heightMslM heightAglM
    data v3 error message status
    """)
)
_TAGS = frozenset(
    _WORD.findall("""
    html head title meta link script style body div span p a b br hr h1 h2 h3 center table tr td ul
    li form input img pre code noscript footer header main section
    """)
)
_KEPT = re.compile(
    r'"(?P<field>[A-Za-z0-9_]{2,30})"(?=\s*:)|</?(?P<tag>[A-Za-z][A-Za-z0-9]{0,9})\b'
)
_BEGINNINGS = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK", "zip"),
    (b"{", "object"),
    (b"[", "array"),
    (b"<", "markup"),
)


class Quarantine:
    """Keeps the last `keep` refusals, each a small JSON file in `folder` (in memory where None).

    Keeping something aside never raises: a disk that refuses is counted in `failed`.
    """

    def __init__(self, folder: Path | None, *, keep: int = 10) -> None:
        self.folder = folder
        self.failed = 0
        self._keep = keep
        self._lock = threading.Lock()
        # Keyed, so that a short payload cannot be guessed from its hash.
        self._key = os.urandom(32)
        self._entries: list[dict[str, Any]] = []
        self._number = 0
        if folder is not None:
            with suppress(OSError):
                self._load(folder)

    def keep_aside(
        self, reason: str, payload: bytes, received_at_us: int, *, what: str = "feed"
    ) -> dict[str, Any]:
        """Keep a refused payload's outline under its `reason`, and give what was kept."""
        begins = _begins(payload)
        entry = {
            "received_at": format_us(received_at_us),
            "what": what if _REASON.fullmatch(what) else "other",
            "reason": reason if _REASON.fullmatch(reason) else "other",
            "size": len(payload),
            "hash": hashlib.blake2b(payload, key=self._key, digest_size=8).hexdigest(),
            "begins": begins,
            "head": redact(payload[:_HEAD], markup=begins == "markup"),
            "tail": redact(payload[_HEAD:][-_TAIL:], markup=begins == "markup"),
        }
        with self._lock:
            self._number += 1
            self._entries = _last([*self._entries, entry], self._keep)
            if self.folder is not None and self._keep:
                try:
                    self._store(self.folder, f"{self._number:08d}.json", entry)
                except OSError:
                    self.failed += 1
        return entry

    def entries(self) -> list[dict[str, Any]]:
        """What is kept, the newest last."""
        with self._lock:
            return list(self._entries)

    def _store(self, folder: Path, name: str, entry: dict[str, Any]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / name
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as handle:
            json.dump(entry, handle, indent=1)
        kept = _kept_in(folder)
        for old in kept[: max(0, len(kept) - self._keep)]:
            old.unlink(missing_ok=True)

    def _load(self, folder: Path) -> None:
        for path in _kept_in(folder):
            self._number = int(path.stem)
            try:
                entry = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                continue  # Cut short by a crash: there is nothing to see in it.
            if isinstance(entry, dict):
                self._entries = _last([*self._entries, entry], self._keep)


def redact(data: bytes, *, markup: bool = False) -> str:
    """The shape of `data` as text: no word of it is left but fields' and elements' names.

    Elements' names are left only in `markup`: in a feed one might be somebody's.

    >>> redact(b'{"cid":1234567,"name":"Jane Doe KSFO","x":')
    '{"cid":0000000,"name":"xxxx xxx xxxx","x":'
    """
    text = data.decode("utf-8", "replace")
    out = []
    at = 0
    for match in _KEPT.finditer(text):
        element = markup and (match["tag"] or "").lower() in _TAGS
        if element or match["field"] in _FIELDS:
            out.append(_blank(text[at : match.start()]))
            out.append(match[0])
            at = match.end()
    out.append(_blank(text[at:]))
    return "".join(out)


def _last(entries: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return entries[max(0, len(entries) - count) :]


def _blank(text: str) -> str:
    return "".join(map(_blank_character, text))


def _blank_character(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalnum():
        return "x"
    return character if character.isprintable() or character in "\n\t" else "\N{MIDDLE DOT}"


def _begins(payload: bytes) -> str:
    start = payload[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "blank" if payload else "nothing"
    return next((word for magic, word in _BEGINNINGS if start.startswith(magic)), "other")


def _kept_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if path.stem.isdecimal())
