"""Time, as every room writes it.

Inside the pipeline a moment is an integer: `*_s` whole seconds, `*_us` microseconds, both since
1970-01-01T00:00:00Z. At the edges (JSON, the command line) it is text such as
`2025-08-06T21:00:00Z`. Integers compare exactly, fit arrays, and cannot lose their zone.
"""

from __future__ import annotations

import difflib
import re
import time
import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = [
    "Clock",
    "SystemClock",
    "format_s",
    "format_us",
    "moment_s",
    "offset_s",
    "parse_us",
    "time_zone",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# fromisoformat in Python 3.11 takes 3 or 6 fractional digits of the 0 to 7 that the feed has.
_PATTERN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)

_BACK = re.compile(r"-(\d{1,6})(min|h|d)", re.ASCII)
_UNIT_S = {"min": 60, "h": 3_600, "d": 86_400}


class Clock(Protocol):
    """Where a service gets its time from; injected, so that a test owns it."""

    def now_us(self) -> int:
        """Microseconds since 1970, by the wall clock."""

    def monotonic_s(self) -> float:
        """Seconds since some moment, never running back; for durations alone."""


class SystemClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Microseconds since 1970, by the wall clock."""
        return time.time_ns() // 1_000

    def monotonic_s(self) -> float:
        """Seconds since some moment, never running back; for durations alone."""
        return time.monotonic()


def parse_us(text: str) -> int:
    """Microseconds since 1970 of an ISO 8601 time; without a zone it is UTC.

    Digits past the sixth are cut off. Raises ValueError where `text` is no such time.

    >>> parse_us("2023-03-12T17:24:18.6737571Z")
    1678641858673757
    >>> parse_us("1970-01-01T01:00:00+01:00")
    0
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no time such as 2025-08-06T21:00:00Z")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    zone = match[8]
    if zone and zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        try:
            moment -= offset if zone[0] == "+" else -offset
        except OverflowError:
            raise ValueError(f"{text[:40]!r} is before the first year or after the last") from None
    micro = int((match[7] or "0")[:6].ljust(6, "0"))
    return (moment - _EPOCH) // timedelta(microseconds=1) + micro


def moment_s(text: str, *, now_s: int) -> int:
    """Whole seconds since 1970 of a time, or of so long before `now_s`.

    Raises ValueError where `text` is neither.

    >>> moment_s("-30min", now_s=3_600), moment_s("1970-01-01T00:00:07Z", now_s=0)
    (1800, 7)
    """
    back = _BACK.fullmatch(text)
    if back is not None:
        return now_s - int(back[1]) * _UNIT_S[back[2]]
    return parse_us(text) // 1_000_000


def format_s(time_s: int) -> str:
    """A moment in whole seconds as text.

    >>> format_s(1754514000)
    '2025-08-06T21:00:00Z'
    """
    return (_EPOCH + timedelta(seconds=int(time_s))).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_us(time_us: int) -> str:
    """A moment in microseconds as text; the fraction is there only where it is not zero.

    >>> format_us(1678641858673757)
    '2023-03-12T17:24:18.673757Z'
    """
    seconds, micro = divmod(int(time_us), 1_000_000)
    text = format_s(seconds)
    return f"{text[:-1]}.{micro:06d}Z" if micro else text


def time_zone(name: str) -> tzinfo:
    """The time zone of an IANA name such as `Australia/Sydney`, in any case.

    Raises ValueError with the nearest names where there is none, or where this machine has no time
    zones but UTC.

    >>> time_zone("australia/sydney").key
    'Australia/Sydney'
    """
    wanted = name.strip()
    if wanted.casefold() in {"utc", "z"}:
        return UTC
    known = {each.casefold(): each for each in zoneinfo.available_timezones()}
    if not known:
        raise ValueError(
            f"{wanted[:60]!r} cannot be looked up: this machine has no time zones, install tzdata"
        )
    if wanted.casefold() not in known:
        near = _nearest_zones(wanted[:60].casefold().replace(" ", "_"), known)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise ValueError(
            f"{wanted[:60]!r} is no time zone such as Australia/Sydney or America/New_York{hint}"
        )
    return zoneinfo.ZoneInfo(known[wanted.casefold()])


def _nearest_zones(wanted: str, known: dict[str, str]) -> list[str]:
    # People know the city, not the continent that it is filed under.
    cities = {name.rpartition("/")[2]: name for name in sorted(known, reverse=True)}
    near = [cities[city] for city in difflib.get_close_matches(wanted, cities, n=3, cutoff=0.7)]
    near += difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    return [known[name] for name in dict.fromkeys(near)][:3]


def offset_s(zone: tzinfo, time_s: int) -> int:
    """How far local time in `zone` is ahead of UTC at a moment, in seconds.

    >>> offset_s(time_zone("Australia/Sydney"), 1754514000), offset_s(UTC, 0)
    (36000, 0)
    """
    offset = datetime.fromtimestamp(time_s, tz=zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
