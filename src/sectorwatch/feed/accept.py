"""A payload accepted or refused whole: size, JSON, shape, time, and everybody's names off it.

What comes out may be written down; it goes into the journal before anything is made of it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sectorwatch.clock import format_us, parse_us
from sectorwatch.errors import FeedRefusedError
from sectorwatch.feed.compression import MAX_BYTES
from sectorwatch.feed.mask import Masked
from sectorwatch.feed.reading import read_general
from sectorwatch.feed.records import Kind
from sectorwatch.feed.repair import Counts
from sectorwatch.feed.structure import elements, is_readable, members, shape, sound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sectorwatch.feed.mask import Masker
    from sectorwatch.feed.regulars import Attended, Regulars
    from sectorwatch.feed.wire import Wire

__all__ = ["FUTURE_AFTER_US", "REFUSALS", "STALE_AFTER_US", "Accepted", "accept"]

REFUSALS = {
    "bad_compression": "not compressed in the way it says, or in none that is understood",
    "bomb": "so few bytes that become so many that it was made to do harm",
    "control_characters": "raw control characters inside a text, which JSON does not allow",
    "empty": "nothing at all",
    "future": "a time ahead of this machine's clock: all that follow would be older",
    "made": "a simulated network's, where the real one is read",
    "no_time": "no time that can be read in its header",
    "not_json": "no JSON",
    "not_made": "not a simulated network's, where one is read",
    "older": "unknown, and older than the last",
    "stale": "live, and older than a feed that is still looked after",
    "too_large": "over 64 MB",
    "truncated": "its end is missing",
    "unreadable": "a file that cannot be read",
    "wrong_shape": "JSON, but no feed: no header or no pilots, or no list of stations",
}
"""Why a feed is refused whole: `FeedRefusedError.reason`, and what it means."""

STALE_AFTER_US = 15 * 60 * 1_000_000
"""A live feed older than this is refused; a flight that was gone so long has ended."""

FUTURE_AFTER_US = 10 * 60 * 1_000_000
"""A live feed further ahead of our clock than this is refused."""

_EARLIEST_US = 946_684_800_000_000  # 2000-01-01: what is earlier is a time that was never set
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01: the journal takes nothing later
_UPDATE = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACES = b" \t\r\n"


class _Header(msgspec.Struct):
    general: msgspec.Raw
    pilots: msgspec.Raw


class _Mark(msgspec.Struct):
    simulated: bool = False


_HEADER = msgspec.json.Decoder(_Header)
_MARK = msgspec.json.Decoder(_Mark)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Accepted:
    """A payload that may be written down.

    `document` is masked, `time_us` its own time; `is_new` is False where it is held already.
    `dropped` counts records by reason that are no longer in it. `wire` is the document as it was
    read to mask it, `attended` the same where its pilots were known again, both for `decode_feed`;
    None where it has to be read again.
    """

    kind: Kind
    document: bytes
    time_us: int
    is_new: bool
    dropped: Mapping[str, int] = field(default_factory=dict)
    wire: Wire | None = None
    attended: Attended | None = None


def accept(
    payload: bytes,
    kind: Kind,
    masker: Masker,
    *,
    last_time_us: int | None = None,
    now_us: int | None = None,
    already_masked: bool = False,
    holds: Callable[[int], bool] | None = None,
    stale_after_us: int | None = STALE_AFTER_US,
    regulars: Regulars | None = None,
    simulated: bool | None = None,
) -> Accepted:
    """`payload`, decompressed, as it may be written down. Raises FeedRefusedError, see `REFUSALS`.

    `last_time_us` is the time of the newest data feed accepted; `holds` says whether a time is
    held. `now_us` is the clock's time where the feed is live, None where it comes from an archive:
    then nothing is stale. What is `already_masked`, from our own journal, is left as it is. With
    `regulars`, pilots that are as they were in the feed before are neither masked nor read again.
    `simulated` is whether a simulated network's feed is meant, None where either will do.
    """
    document = _checked(payload)
    if kind is Kind.TRANSCEIVERS:
        return _accept_transceivers(document, last_time_us, now_us)
    masked, attended = _masked(document, None if already_masked else masker, regulars)
    is_read = masked.wire is not None or attended is not None
    general = masked.general if is_read else _header(document)
    if general[:1] != b"{":
        raise _wrong_shape("general", general)
    if simulated is not None:
        _check_kind(general, simulated=simulated)
    time_us = _time_of(general)
    is_new = time_us != last_time_us and not (holds is not None and holds(time_us))
    if is_new:
        _check_time(time_us, last_time_us, now_us, stale_after_us)
    return Accepted(kind, masked.document, time_us, is_new, masked.dropped, masked.wire, attended)


def _masked(
    document: bytes, masker: Masker | None, regulars: Regulars | None
) -> tuple[Masked, Attended | None]:
    """The document masked, where there is a `masker`, and its pilots where they are known."""
    if regulars is not None:
        known = regulars.read(document, masker)
        if known is not None:
            return known
    elif masker is not None:
        masker.begin()
    return (Masked(document, b"") if masker is None else masker.masked(document)), None


def _checked(payload: bytes) -> bytes:
    if len(payload) > MAX_BYTES:
        raise FeedRefusedError(
            "too_large",
            f"the feed has {len(payload):,} bytes, over the limit of {MAX_BYTES:,}: "
            "is this the address of the v3 data feed?",
        )
    document = payload.removeprefix(_BYTE_ORDER_MARK)
    if not document.strip(_SPACES):
        raise FeedRefusedError("empty", "the feed is empty: nothing of it is used")
    return document


def _header(document: bytes) -> bytes:
    """The feed's header, where there are pilots too. Raises FeedRefusedError."""
    try:
        header = _HEADER.decode(document)
        general, pilots = bytes(header.general), bytes(memoryview(header.pilots)[:20])
    except (ValueError, RecursionError):
        sound(document)
        parts = {each.key: document[each.start : each.end] for each in members(document)}
        general, pilots = parts.get("general", b""), parts.get("pilots", b"")[:20]
    if pilots[:1] != b"[":
        raise _wrong_shape("pilots", pilots)
    return general


def _wrong_shape(name: str, found: bytes) -> FeedRefusedError:
    what = f"{shape(found[:20])} where its {name!r} should be" if found else f"no {name!r}"
    return FeedRefusedError(
        "wrong_shape",
        f"the feed has {what}, so it is no v3 data feed: is this the right address?",
    )


def _time_of(general: bytes) -> int:
    """The feed's own time: `update_timestamp`, else `update`, which is to the second."""
    header = read_general(general, Counts())
    texts = [header.update_timestamp or ""]
    if match := _UPDATE.fullmatch(header.update or ""):
        texts.append("{}-{}-{}T{}:{}:{}Z".format(*match.groups()))
    for text in texts:
        try:
            time_us = parse_us(text)
        except (ValueError, OverflowError):
            continue
        if _EARLIEST_US <= time_us < _LATEST_US:
            return time_us
    raise FeedRefusedError(
        "no_time",
        f"the feed's time is {(header.update_timestamp or '')[:40]!r}, which is none such as "
        "2025-08-06T21:00:00Z: nothing of it is used; the next may be good",
    )


def _check_kind(general: bytes, *, simulated: bool) -> None:
    """Keep real and made traffic apart: a simulated network says of itself that it is one."""
    says_so = False
    if b"simulated" in general:
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            says_so = _MARK.decode(general).simulated
    if says_so and not simulated:
        raise FeedRefusedError(
            "made",
            "the feed says that it is a simulated network's: nothing of it is kept among real "
            "traffic; set simulated = true (or run --simulated), with a data directory of its own",
        )
    if simulated and not says_so:
        raise FeedRefusedError(
            "not_made",
            "the feed does not say that it is a simulated network's, as `simulated` is set: unset "
            "it, or name the simulated network's address",
        )


def _check_time(
    time_us: int, last_time_us: int | None, now_us: int | None, stale_after_us: int | None
) -> None:
    if now_us is not None:
        if stale_after_us is not None and now_us - time_us > stale_after_us:
            raise FeedRefusedError(
                "stale",
                f"the feed is of {format_us(time_us)} and it is {format_us(now_us)}: older than "
                f"{stale_after_us // 1_000_000} s; the network may have stopped, or this "
                "machine's clock be wrong",
            )
        if time_us - now_us > FUTURE_AFTER_US:
            raise FeedRefusedError(
                "future",
                f"the feed is of {format_us(time_us)} and it is {format_us(now_us)}: check this "
                "machine's clock",
            )
    if last_time_us is not None and time_us < last_time_us:
        raise FeedRefusedError(
            "older",
            f"the feed of {format_us(time_us)} is unknown and older than the last one, of "
            f"{format_us(last_time_us)}: feeds have to come in the order of their times",
        )


def _accept_transceivers(document: bytes, last_time_us: int | None, now_us: int | None) -> Accepted:
    """The transceivers feed, which names nobody and has no time: it has that of the feed before."""
    try:
        _LIST.decode(document)
    except (ValueError, RecursionError):
        sound(document)
        stripped = document.strip(_SPACES)
        if not stripped.startswith(b"["):
            reason = "wrong_shape" if is_readable(document) else "not_json"
            raise FeedRefusedError(
                reason,
                f"the transceivers feed begins with {shape(stripped[:20])}, not with a list: "
                "is this the right address?",
            ) from None
        elements(stripped, 0, len(stripped))
    time_us = last_time_us if last_time_us is not None else now_us
    if time_us is None:
        raise FeedRefusedError(
            "no_time", "a transceivers feed has no time of its own, and no data feed came before it"
        )
    return Accepted(Kind.TRANSCEIVERS, document, time_us, is_new=True)
