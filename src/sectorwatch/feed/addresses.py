"""Where the feeds are: VATSIM's `status.json`, and what to do where it is not to be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from sectorwatch.errors import FetchError
from sectorwatch.feed.records import Kind

if TYPE_CHECKING:
    import random

    from sectorwatch.clock import Clock

__all__ = [
    "STATUS_URL",
    "VATSIM",
    "AddressBook",
    "FeedAddresses",
    "check_url",
    "document_kind",
    "parse_status",
]

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


class _Outline(msgspec.Struct):
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    general: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    pilots: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


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


def document_kind(document: bytes) -> Literal["status", "feed", "other"]:
    """Whether a document is a `status.json`, a data feed, or neither, by what stands in it."""
    try:
        outline = msgspec.json.decode(document, type=_Outline)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "other"
    if outline.general is not msgspec.UNSET or outline.pilots is not msgspec.UNSET:
        return "feed"
    return "other" if outline.data is msgspec.UNSET else "status"


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


class AddressBook:
    """Keeps the addresses, and knows when to look them up again.

    That is once a day, and sooner (every `again_s` at most) after `failures_to_look` fetches in a
    row have failed. `url` may as well be that of a data feed itself: then that is the address. What
    is known stays known where looking fails; where nothing ever was, and `url` is VATSIM's own,
    the addresses of 2025 serve.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        transceivers_url: str | None = None,
        refresh_s: float = 86_400.0,
        again_s: float = 300.0,
        failures_to_look: int = 3,
    ) -> None:
        self.url = check_url(url)
        self._transceivers = (check_url(transceivers_url),) if transceivers_url else ()
        self.addresses: FeedAddresses | None = None
        self._clock = clock
        self._refresh_s = refresh_s
        self._again_s = again_s
        self._failures_to_look = failures_to_look
        self._failures = 0
        self._is_feed = False
        self._looked_s = float("-inf")
        self._next_s = float("-inf")

    def is_due(self) -> bool:
        """Whether the addresses should be looked up before the next fetch."""
        return not self._is_feed and self._clock.monotonic_s() >= self._next_s

    def learn(self, document: bytes) -> bool:
        """Take what was found at `url`; True where it is no status but itself what is fetched.

        Raises FetchError("bad_status") where it is a status that names no feed.
        """
        kind = document_kind(document)
        if kind == "status":
            found = parse_status(document)
            self._take(FeedAddresses(found.feed, self._transceivers or found.transceivers))
            return False
        if self.addresses is not None:
            raise FetchError("bad_status", "status.json was a status before and is none now")
        # What is neither is handed on, refused and seen; the next look may find better.
        self._is_feed = kind == "feed"
        if self._is_feed:
            self._take(FeedAddresses((self.url,), self._transceivers))
        return True

    def missed(self) -> None:
        """Looking failed: go on with what is known, and look again before long."""
        now_s = self._clock.monotonic_s()
        if self.addresses is None and self.url == STATUS_URL:
            transceivers = self._transceivers or VATSIM.transceivers
            self.addresses = FeedAddresses(VATSIM.feed, transceivers)
        if self.addresses is not None:
            self._looked_s = now_s
            self._next_s = now_s + self._again_s

    def fetched(self, *, well: bool) -> None:
        """A fetch from one of the addresses went well, or failed."""
        self._failures = 0 if well else self._failures + 1
        if self._failures >= self._failures_to_look:
            self._failures = 0
            self._next_s = min(self._next_s, self._looked_s + self._again_s)

    def _take(self, addresses: FeedAddresses) -> None:
        self.addresses = addresses
        self._looked_s = self._clock.monotonic_s()
        self._next_s = self._looked_s + self._refresh_s
