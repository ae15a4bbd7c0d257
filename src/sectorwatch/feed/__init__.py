"""Everything between the network and a snapshot: sources, acceptance, the journal, decoding.

The way in is `sectorwatch.feed.accept.accept`. The names here are loaded when they are first asked
for: whoever needs the types alone (`records`) loads no HTTP client with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sectorwatch.feed.accept import Accepted
    from sectorwatch.feed.archive import ArchiveSource
    from sectorwatch.feed.breaker import CircuitBreaker
    from sectorwatch.feed.client import VatsimClient
    from sectorwatch.feed.decode import decode_feed
    from sectorwatch.feed.journal import Journal
    from sectorwatch.feed.journal_reader import JournalReport, read_journal
    from sectorwatch.feed.mask import Masker
    from sectorwatch.feed.plans import decode_plan
    from sectorwatch.feed.quarantine import Quarantine
    from sectorwatch.feed.sources import LiveSource, PacedSource, Source
    from sectorwatch.feed.transceivers import decode_transceivers

__all__ = [
    "Accepted",
    "ArchiveSource",
    "CircuitBreaker",
    "Journal",
    "JournalReport",
    "LiveSource",
    "Masker",
    "PacedSource",
    "Quarantine",
    "Source",
    "VatsimClient",
    "decode_feed",
    "decode_plan",
    "decode_transceivers",
    "read_journal",
]

_HOMES = {
    "Accepted": "accept",
    "ArchiveSource": "archive",
    "CircuitBreaker": "breaker",
    "Journal": "journal",
    "JournalReport": "journal_reader",
    "LiveSource": "sources",
    "Masker": "mask",
    "PacedSource": "sources",
    "Quarantine": "quarantine",
    "Source": "sources",
    "VatsimClient": "client",
    "decode_feed": "decode",
    "decode_plan": "plans",
    "decode_transceivers": "transceivers",
    "read_journal": "journal_reader",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"{__name__} has no {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
