"""Where the feeds are: VATSIM's `status.json`, and what to do where it is not to be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from sectorwatch.errors import FetchError
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    import random

__all__ = ["STATUS_URL", "VATSIM", "FeedAddresses", "check_url", "parse_status"]

STATUS_URL = "https://status.vatsim.net/status.json"
_MOST = 20
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class FeedAddresses:
    """The addresses of the data feed and of the transceivers feed, any of which will do."""

    feed: tuple[str, ...]
    transceivers: tuple[str, ...] = ()

    def choose(self, kind: Kind, rng: random.Random) -> str | None:
        """One address at random, as VATSIM asks of whoever reads its feeds; None if there is none.

        >>> import random
        >>> FeedAddresses(("https://a/f.json",)).choose(Kind.FEED, random.Random(1))
        'https://a/f.json'
        """
        among = self.feed if kind is Kind.FEED else self.transceivers
        return rng.choice(among) if among else None


# Where status.json cannot be had at the very first start; as it named them in 2025.
VATSIM = FeedAddresses(
    feed=("https://data.vatsim.net/v3/vatsim-data.json",),
    transceivers=("https://data.vatsim.net/v3/transceivers-data.json",),
)


class _Lists(msgspec.Struct):
    v3: list[str] = []
    transceivers: list[str] = []


class _Status(msgspec.Struct):
    data: _Lists


class _Any(msgspec.Struct):
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def check_url(url: str) -> str:
    """`url` if it is one that a feed can be asked at. Raises ValueError, which says why not.

    >>> check_url("ftp://example.org/feed")
    Traceback (most recent call last):
    ValueError: 'ftp://example.org/feed' is no address of a feed: it must begin with http:// or https://
    """
    if len(url) > _LONGEST or not url.isprintable() or " " in url:
        raise ValueError(f"{url[:80]!r} is no address of a feed: it holds what no address may")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError(
            f"{url[:80]!r} is no address of a feed: it must begin with http:// or https://"
        )
    _ = parts.port  # Raises ValueError by itself where it is no port.
    if not parts.hostname:
        raise ValueError(f"{url[:80]!r} is no address of a feed: it names no host")
    return url


def is_status(document: bytes) -> bool:
    """Whether a document is a `status.json`, rather than a feed itself: it holds `data`."""
    try:
        return msgspec.json.decode(document, type=_Any).data is not msgspec.UNSET
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def parse_status(document: bytes) -> FeedAddresses:
    """The addresses that a `status.json` names; those that are none are left out.

    Raises FetchError("bad_status") where it names no address of a data feed.
    """
    try:
        lists = msgspec.json.decode(document, type=_Status).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FetchError("bad_status", f"status.json cannot be read: {error}") from error
    feed, transceivers = _usable(lists.v3), _usable(lists.transceivers)
    if not feed:
        raise FetchError("bad_status", "status.json names no usable address under data.v3")
    return FeedAddresses(feed, transceivers)


def _usable(urls: list[str]) -> tuple[str, ...]:
    usable = []
    for url in urls[:_MOST]:
        try:
            usable.append(check_url(url))
        except ValueError:
            continue
    return tuple(dict.fromkeys(usable))
