"""Pilots' records checked and put into columns: what moves as arrays, the rest as it came."""

from __future__ import annotations

import re
import struct
from collections import Counter
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from sectorwatch.feed.records import Pilot, PilotColumns
from sectorwatch.feed.repair import (
    all_match,
    are_members,
    callsigns_or_drop,
    clean_codes,
    clean_texts,
    latest_of_each,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.repair import Counts, Seconds
    from sectorwatch.feed.wire import WirePilot

__all__ = ["check_pilots"]

_LOWEST_FT, _HIGHEST_FT = -2_000, 100_000
_FASTEST_KT = 5_000
_QNH_INHG = (25.0, 32.5)
_QNH_MB = (850.0, 1_100.0)
_OLD_S = 60
_FIRST_BYTE = itemgetter(slice(1))
_CIRCLE, _HALF_CIRCLE = 360, 180
_SHORT, _LONG = 20, 40
_SQUAWKS = re.compile(r"(?:[0-7]{4}\n)*+", re.ASCII)


class _Fields(NamedTuple):
    """The records of the wire turned: each field of all of them, in the order of `WirePilot`."""

    cid: tuple[int | None, ...]
    callsign: tuple[str | None, ...]
    server: tuple[str | None, ...]
    pilot_rating: tuple[int | None, ...]
    military_rating: tuple[int | None, ...]
    latitude: tuple[float | None, ...]
    longitude: tuple[float | None, ...]
    altitude: tuple[float | None, ...]
    groundspeed: tuple[float | None, ...]
    heading: tuple[float | None, ...]
    transponder: tuple[str | None, ...]
    qnh_i_hg: tuple[float | None, ...]
    qnh_mb: tuple[float | None, ...]
    flight_plan: tuple[msgspec.Raw, ...]
    logon_time: tuple[str | None, ...]
    last_updated: tuple[str | None, ...]

    @classmethod
    def of(cls, wire: Sequence[WirePilot]) -> _Fields:
        # Records at once, not field by field: the loops are C's, and each record is read once.
        return cls(*zip(*map(msgspec.structs.astuple, wire), strict=True)) if wire else _NO_FIELDS


_NO_FIELDS = _Fields(*((),) * len(_Fields._fields))


def check_pilots(
    wire: Sequence[WirePilot], time_s: int, seconds: Seconds, counts: Counts
) -> tuple[list[Pilot], PilotColumns]:
    """The pilots of a snapshot of `time_s`, and their columns; what is wrong is counted."""
    fields = _Fields.of(wire)
    callsigns = callsigns_or_drop(fields.callsign, counts)
    latitude = _column(fields.latitude)
    longitude = _column(fields.longitude)
    altitude = _column(fields.altitude)
    groundspeed = _column(fields.groundspeed)
    heading = _column(fields.heading)
    keep = np.fromiter(map(bool, callsigns), np.bool_, len(callsigns))
    members = np.array(are_members(fields.cid), np.bool_)
    keep = _drop(keep, members, "no_member", counts)
    keep = _drop(keep, ~(np.isnan(latitude) | np.isnan(longitude)), "no_position", counts)
    with np.errstate(invalid="ignore"):
        in_range = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 360)  # noqa: PLR2004 - degrees
    keep = _drop(keep, in_range, "position_range", counts)
    keep = _drop(keep, ~np.isnan(altitude), "no_altitude", counts)
    keep = _drop(keep, ~np.isnan(groundspeed), "no_groundspeed", counts)
    times = np.array(seconds.of(fields.last_updated), np.int64)
    keep = _drop_duplicates(keep, fields.cid, callsigns, times, counts)
    if not keep.all():
        rows = np.flatnonzero(keep)
        fields = _Fields.of([wire[row] for row in rows.tolist()])
        callsigns = [callsigns[row] for row in rows.tolist()]
        latitude, longitude, times = latitude[rows], longitude[rows], times[rows]
        altitude, groundspeed, heading = altitude[rows], groundspeed[rows], heading[rows]
    columns = PilotColumns(
        latitude=latitude,
        longitude=_longitude(longitude, counts),
        altitude_ft=_clipped(altitude, _LOWEST_FT, _HIGHEST_FT, "altitude_range", counts),
        groundspeed_kt=_clipped(groundspeed, 0, _FASTEST_KT, "groundspeed_range", counts),
        heading_deg=_heading(heading, counts),
        time_s=_times(times, time_s, counts),
    )
    counts.note("position_zero", int(np.count_nonzero((latitude == 0) & (longitude == 0))))
    counts.note("position_old", int(np.count_nonzero(columns.time_s < time_s - _OLD_S)))
    return _pilots(fields, callsigns, counts), columns


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    """A column of numbers, NaN where there is none."""
    with suppress(struct.error):  # one is None
        return np.frombuffer(bytearray(struct.pack(f"{len(values)}d", *values)), np.float64)
    return np.array(values, np.float64)


def _drop(
    keep: NDArray[np.bool_], good: NDArray[np.bool_], reason: str, counts: Counts
) -> NDArray[np.bool_]:
    """What of `keep` is `good`; what is not is counted, each record for its first reason."""
    counts.drop(reason, int(np.count_nonzero(keep & ~good)))
    return keep & good


def _drop_duplicates(
    keep: NDArray[np.bool_],
    cids: Sequence[int | None],
    callsigns: Sequence[str],
    times: NDArray[np.int64],
    counts: Counts,
) -> NDArray[np.bool_]:
    if len(set(callsigns)) < len(callsigns):
        rows = np.flatnonzero(keep).tolist()
        pairs = [(cids[row], callsigns[row]) for row in rows]
        best = latest_of_each(pairs, times[rows].tolist())
        counts.drop("duplicate", len(rows) - len(best))
        counts.note("callsign_twice", len(best) - len({callsigns[rows[index]] for index in best}))
        keep = np.zeros_like(keep)
        keep[[rows[index] for index in best]] = True
    if len(set(cids)) < len(cids):
        kept = [cids[row] for row in np.flatnonzero(keep).tolist()]
        counts.note("member_twice", len(kept) - len(set(kept)))
    return keep


def _longitude(longitude: NDArray[np.float64], counts: Counts) -> NDArray[np.float64]:
    beyond = (longitude >= _HALF_CIRCLE) | (longitude < -_HALF_CIRCLE)
    if not beyond.any():
        return longitude
    counts.repair("longitude_wrapped", int(np.count_nonzero(beyond)))
    wrapped = (longitude + _HALF_CIRCLE) % _CIRCLE - _HALF_CIRCLE
    return np.where(beyond, wrapped, longitude)


def _clipped(
    values: NDArray[np.float64], lowest: int, highest: int, reason: str, counts: Counts
) -> NDArray[np.int32]:
    beyond = (values < lowest) | (values > highest)
    counts.repair(reason, int(np.count_nonzero(beyond)))
    return np.rint(np.clip(values, lowest, highest)).astype(np.int32)


def _heading(heading: NDArray[np.float64], counts: Counts) -> NDArray[np.int32]:
    full = heading == _CIRCLE
    counts.repair("heading_360", int(np.count_nonzero(full)))
    outside = ~((heading >= 0) & (heading <= _CIRCLE))
    counts.repair("heading_range", int(np.count_nonzero(outside)))
    turned = np.where(np.isnan(heading), 0, heading) % _CIRCLE
    return np.asarray(np.rint(turned) % _CIRCLE, np.int32)


def _times(times: NDArray[np.int64], time_s: int, counts: Counts) -> NDArray[np.int64]:
    counts.repair("time_unreadable", int(np.count_nonzero(times < 0)))
    counts.repair("time_late", int(np.count_nonzero(times > time_s)))
    return np.where(times < 0, time_s, np.minimum(times, time_s))


def _pilots(fields: _Fields, callsigns: Sequence[str], counts: Counts) -> list[Pilot]:
    qnh_i_hg, qnh_mb = _qnh(fields, counts)
    transponders = clean_texts(fields.transponder, _SHORT, counts)
    if not all_match(transponders, _SQUAWKS):
        how_many = Counter(transponders)
        odd = [code for code in how_many if not _SQUAWKS.fullmatch(f"{code}\n")]
        counts.note("squawk_odd", sum(map(how_many.__getitem__, odd)))
    return list(
        map(
            Pilot,
            fields.cid,
            callsigns,
            clean_texts(fields.server, _SHORT, counts),
            clean_codes(fields.pilot_rating, counts),
            clean_codes(fields.military_rating, counts),
            transponders,
            qnh_i_hg,
            qnh_mb,
            _plans(fields.flight_plan, counts),
            clean_texts(fields.logon_time, _LONG, counts),
        )
    )


def _plans(raw: Sequence[msgspec.Raw], counts: Counts) -> list[bytes]:
    """The plans as they stand in JSON; b"" where there is none."""
    plans = list(map(bytes, raw))
    none = plans.count(b"null")
    counts.note("no_flight_plan", none)
    first = b"".join(map(_FIRST_BYTE, plans))
    if first.count(b"{") + none == len(plans):
        place = first.find(b"n")
        while place >= 0:
            plans[place] = b""
            place = first.find(b"n", place + 1)
        return plans
    odd = sum(plan[:1] != b"{" for plan in plans if plan not in {b"", b"null"})
    counts.repair("wrong_type", odd)
    counts.note("no_flight_plan", odd)
    return [plan if plan[:1] == b"{" else b"" for plan in plans]


def _qnh(fields: _Fields, counts: Counts) -> tuple[list[float | None], list[int | None]]:
    """The altimeter settings; None where there is none that an altimeter could have."""
    inches, millibars = _column(fields.qnh_i_hg), _column(fields.qnh_mb)
    good_inches = (inches >= _QNH_INHG[0]) & (inches <= _QNH_INHG[1])
    good_millibars = (millibars >= _QNH_MB[0]) & (millibars <= _QNH_MB[1])
    off = ~(good_inches | np.isnan(inches)) | ~(good_millibars | np.isnan(millibars))
    counts.repair("qnh_range", int(np.count_nonzero(off)))
    i_hg: list[float | None] = inches.tolist()
    mb: list[int | None] = np.where(good_millibars, np.rint(millibars), 0).astype(int).tolist()
    for index in np.flatnonzero(~good_inches).tolist():
        i_hg[index] = None
    for index in np.flatnonzero(~good_millibars).tolist():
        mb[index] = None
    return i_hg, mb
