"""Pilots' records turned: each field of all of them, as they stand in the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from sectorwatch.clock import parse_us
from sectorwatch.feed.repair import EARLIEST_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.standing import Known
    from sectorwatch.feed.wire import WirePilot

__all__ = ["PilotFields", "read_fields"]

_TIME_LETTERS = b"0123456789-:.TZ\n"
_TO_THE_SECOND = len("2023-03-12T17:24:18")
_DATE = len("2023-03-12")
_CLOCK_DIGITS, _CLOCK_SIGNS = [11, 12, 14, 15, 17, 18], [10, 13, 16]
_SIGNS = np.frombuffer(b"T::", np.uint8)


class PilotFields(NamedTuple):
    """Columns of shape (n,) in the order of `WirePilot`'s fields; None where there is no value."""

    cid: Sequence[int | None]
    callsign: Sequence[str | None]
    server: Sequence[str | None]
    pilot_rating: Sequence[int | None]
    military_rating: Sequence[int | None]
    latitude: Sequence[float | None]
    longitude: Sequence[float | None]
    altitude: Sequence[float | None]
    groundspeed: Sequence[float | None]
    heading: Sequence[float | None]
    transponder: Sequence[str | None]
    qnh_i_hg: Sequence[float | None]
    qnh_mb: Sequence[float | None]
    flight_plan: Sequence[bytes | msgspec.Raw]
    logon_time: Sequence[str | None]
    last_updated: Sequence[str | None]

    @classmethod
    def of(cls, wire: Sequence[WirePilot]) -> PilotFields:
        """The fields of these records."""
        # Records at once, not field by field: the loops are C's, and each record is read once.
        return cls(*zip(*map(msgspec.structs.astuple, wire), strict=True)) if wire else _NO_FIELDS

    def take(self, rows: Sequence[int]) -> PilotFields:
        """Those of `rows` alone, in their order."""
        columns: list[list[Any]] = [[column[row] for row in rows] for column in self]
        return PilotFields(*columns)


_NO_FIELDS = PilotFields(*((),) * len(PilotFields._fields))


class _Middle(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What moves."""

    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    groundspeed: float | None = None
    transponder: str | None = None
    heading: float | None = None
    qnh_i_hg: float | None = None
    qnh_mb: float | None = None


_MIDDLES = msgspec.json.Decoder(list[_Middle])


def read_fields(
    known: Known,
    middles: Sequence[bytes],
    times: Sequence[bytes],
    odd: Mapping[int, WirePilot],
) -> tuple[PilotFields, NDArray[np.int64] | None] | None:
    """The fields of all records; None where a middle or a time is not what it should be.

    Those of the `odd` are read already. Where the times of the positions can be read all at once,
    they come second, and are left out of the fields.
    """
    plain = [middle for middle in middles if middle] if odd else middles
    # A line break may stand between values, and in none: so no text can go on in the next middle.
    joined = b"[{" + b"},\n{".join(plain) + b"}]" if plain else b"[]"
    together = b"\n".join(times)
    if not len(plain) == len(middles) - len(odd) == joined.count(b"{") == joined.count(b"}"):
        return None
    if together.translate(None, _TIME_LETTERS):
        return None
    try:
        moving = _MIDDLES.decode(joined)
    except (ValueError, RecursionError):
        return None
    for row, read in odd.items():
        moving.insert(row, _middle(read))
    columns = zip(*map(msgspec.structs.astuple, moving), strict=True)
    latitude, longitude, altitude, groundspeed, transponder, heading, inches, millibars = columns
    times_s = _seconds(together, len(times))
    fields = PilotFields(
        known.cid,
        known.callsign,
        known.server,
        known.pilot_rating,
        known.military_rating,
        latitude,
        longitude,
        altitude,
        groundspeed,
        heading,
        transponder,
        inches,
        millibars,
        known.flight_plan,
        known.logon_time,
        # Read by `_seconds`, or one by one as they stand.
        [None] * len(times) if times_s is not None else together.decode("ascii").split("\n"),
    )
    return fields, times_s


def _middle(read: WirePilot) -> _Middle:
    return _Middle(
        read.latitude,
        read.longitude,
        read.altitude,
        read.groundspeed,
        read.transponder,
        read.heading,
        read.qnh_i_hg,
        read.qnh_mb,
    )


def _seconds(times: bytes, count: int) -> NDArray[np.int64] | None:
    """Times on lines of their own, to the second; None where not all are of one day, in UTC."""
    if (times + b"\n").translate(None, b"0123456789.") != b"--T::Z\n" * count:
        return None
    letters = np.frombuffer(times, np.uint8)
    starts = np.append(0, np.flatnonzero(letters == ord("\n")) + 1)
    if min(np.diff(starts, append=len(times) + 1)) <= _TO_THE_SECOND:
        return None
    at = starts[:, None]
    signs, digits = letters[at + _CLOCK_SIGNS], letters[at + _CLOCK_DIGITS] - ord("0")
    date = letters[at + np.arange(_DATE)]
    if not ((signs == _SIGNS).all() and (date == date[0]).all() and (digits <= 9).all()):  # noqa: PLR2004 - a digit
        return None
    try:
        day_s = parse_us(times[:_DATE].decode("ascii") + "T00:00:00Z") // 1_000_000
    except ValueError:
        return None
    hours, minutes, seconds = (10 * digits[:, 0::2].astype(np.int64) + digits[:, 1::2]).T
    if hours.max() > 23 or max(minutes.max(), seconds.max()) > 59 or day_s < EARLIEST_S:  # noqa: PLR2004 - a day's hours, an hour's minutes
        return None
    times_s: NDArray[np.int64] = day_s + 3_600 * hours + 60 * minutes + seconds
    return times_s
