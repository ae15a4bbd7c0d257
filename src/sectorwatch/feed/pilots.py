"""Pilots' records checked and put into columns: what moves as arrays, the rest as it came."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from operator import itemgetter, ne
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from sectorwatch.feed.fields import PilotFields
from sectorwatch.feed.records import Pilot, PilotColumns
from sectorwatch.feed.repair import (
    MAX_CALLSIGN,
    Counts,
    all_match,
    are_members,
    callsigns_or_drop,
    clean_codes,
    clean_text,
    clean_texts,
    latest_of_each,
    normalise_callsign,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec
    from numpy.typing import NDArray

    from sectorwatch.feed.regulars import Attended, Before
    from sectorwatch.feed.repair import Seconds
    from sectorwatch.feed.wire import WirePilot

__all__ = ["check_fields", "check_pilots"]

_LOWEST_FT, _HIGHEST_FT = -2_000, 100_000
_FASTEST_KT = 5_000
_QNH_INHG = (25.0, 32.5)
_QNH_MB = (850.0, 1_100.0)
_OLD_S = 60
_FIRST_BYTE = itemgetter(slice(1))
_MOST_SQUAWKS = 20_000
_CIRCLE, _HALF_CIRCLE = 360, 180
_SHORT, _LONG = 20, 40
_SQUAWKS = re.compile(r"(?:[0-7]{4}\n)*+", re.ASCII)


def check_pilots(
    wire: Sequence[WirePilot], time_s: int, seconds: Seconds, counts: Counts
) -> tuple[list[Pilot], PilotColumns]:
    """The pilots of a snapshot of `time_s`, and their columns; what is wrong is counted."""
    return check_fields(PilotFields.of(wire), time_s, seconds, counts)


def check_fields(
    fields: PilotFields,
    time_s: int,
    seconds: Seconds,
    counts: Counts,
    attended: Attended | None = None,
) -> tuple[list[Pilot], PilotColumns]:
    """As `check_pilots`, of the fields turned.

    Of what is `attended`, only what is new is made anew; the other pilots are handed out again.
    """
    callsigns = _callsigns(fields.callsign, attended, counts)
    latitude = _column(fields.latitude)
    longitude = _column(fields.longitude)
    altitude = _column(fields.altitude)
    groundspeed = _column(fields.groundspeed)
    heading = _column(fields.heading)
    keep = np.ones(len(callsigns), np.bool_)
    if not all(callsigns):
        keep = np.fromiter(map(bool, callsigns), np.bool_, len(callsigns))
    members = np.array(are_members(fields.cid), np.bool_)
    keep = _drop(keep, members, "no_member", counts)
    keep = _drop(keep, ~(np.isnan(latitude) | np.isnan(longitude)), "no_position", counts)
    with np.errstate(invalid="ignore"):
        in_range = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 360)  # noqa: PLR2004 - degrees
    keep = _drop(keep, in_range, "position_range", counts)
    keep = _drop(keep, ~np.isnan(altitude), "no_altitude", counts)
    keep = _drop(keep, ~np.isnan(groundspeed), "no_groundspeed", counts)
    if attended is not None and attended.times_s is not None:
        times = attended.times_s
    else:
        times = np.array(seconds.of(fields.last_updated), np.int64)
    keep = _drop_duplicates(keep, fields.cid, callsigns, times, counts)
    if not keep.all():
        rows = np.flatnonzero(keep)
        fields = fields.take(rows.tolist())
        # Which row was which before is no longer told: all are made anew.
        attended = None
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
    return _pilots(fields, callsigns, attended, counts), columns


def is_plain(
    cid: int | None,
    callsign: str | None,
    server: str | None,
    pilot_rating: int | None,
    military_rating: int | None,
    flight_plan: bytes,
    logon_time: str | None,
) -> bool:
    """Whether nothing of this has to be repaired, so that there is nothing to count."""
    return (
        cid is not None
        and are_members([cid]) == [True]
        and bool(callsign)
        and normalise_callsign(callsign) == callsign
        and len(callsign) <= MAX_CALLSIGN
        and clean_text(server, _SHORT) == (server or "")
        and clean_text(logon_time, _LONG) == (logon_time or "")
        and clean_codes([pilot_rating, military_rating], Counts())
        == [
            pilot_rating or 0,
            military_rating or 0,
        ]
        and (flight_plan[:1] == b"{" or flight_plan == b"null")
    )


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


def _callsigns(
    texts: Sequence[str | None], attended: Attended | None, counts: Counts
) -> Sequence[str]:
    """The callsigns, normalised; those of pilots made already stand as they are."""
    if attended is None or attended.before is None:
        return callsigns_or_drop(texts, counts)
    callsigns: list[str] = list(texts)  # type: ignore[arg-type] # of a pilot made it is a text
    cleaned = callsigns_or_drop([texts[row] for row in attended.new], counts)
    for row, callsign in zip(attended.new, cleaned, strict=True):
        callsigns[row] = callsign
    return callsigns


def _pilots(
    fields: PilotFields, callsigns: Sequence[str], attended: Attended | None, counts: Counts
) -> list[Pilot]:
    """A pilot a record."""
    qnh_i_hg, qnh_mb = _qnh(fields, counts)
    transponders = clean_texts(fields.transponder, _SHORT, counts)
    if not all_match(transponders, _SQUAWKS):
        counts.note("squawk_odd", sum(map(_odd_squawks.__getitem__, transponders)))
        if len(_odd_squawks) > _MOST_SQUAWKS:
            _odd_squawks.clear()
    if attended is None or attended.before is None:
        pilots = _made(fields, callsigns, transponders, qnh_i_hg, qnh_mb, counts)
    else:
        pilots = _again(fields, attended.before, transponders, qnh_i_hg, qnh_mb)
        new = list(attended.new)
        begun = _made(
            fields.take(new),
            [callsigns[row] for row in new],
            [transponders[row] for row in new],
            [qnh_i_hg[row] for row in new],
            [qnh_mb[row] for row in new],
            counts,
        )
        for row, pilot in zip(new, begun, strict=True):
            pilots[row] = pilot
        counts.note("no_flight_plan", attended.planless)
    if attended is not None:
        attended.keep(pilots)
    return pilots


def _again(
    fields: PilotFields,
    before: Before,
    transponders: Sequence[str],
    qnh_i_hg: Sequence[float | None],
    qnh_mb: Sequence[int | None],
) -> list[Pilot]:
    """The pilots there were before, another where transponder or pressure changed.

    What stands where a row is new is none.
    """
    count = len(fields.cid)
    others = np.fromiter(map(ne, fields.transponder, before.transponder), np.bool_, count)
    others |= np.fromiter(map(ne, fields.qnh_i_hg, before.qnh_i_hg), np.bool_, count)
    others |= np.fromiter(map(ne, fields.qnh_mb, before.qnh_mb), np.bool_, count)
    pilots: list[Pilot] = list(before.pilots)  # type: ignore[arg-type] # new ones are put in behind this
    for row in np.flatnonzero(others).tolist():
        if before.pilots[row] is not None:
            pilots[row] = replace(
                pilots[row],
                transponder=transponders[row],
                qnh_i_hg=qnh_i_hg[row],
                qnh_mb=qnh_mb[row],
            )
    return pilots


def _made(
    fields: PilotFields,
    callsigns: Sequence[str],
    transponders: Sequence[str],
    qnh_i_hg: Sequence[float | None],
    qnh_mb: Sequence[int | None],
    counts: Counts,
) -> list[Pilot]:
    columns = (
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
    return list(map(Pilot, *columns))


class _OddSquawks(dict[str, bool]):
    """Which transponder codes are odd; the same ones come again and again."""

    def __missing__(self, code: str) -> bool:
        self[code] = odd = _SQUAWKS.fullmatch(f"{code}\n") is None
        return odd


_odd_squawks = _OddSquawks()


def _plans(raw: Sequence[bytes | msgspec.Raw], counts: Counts) -> list[bytes]:
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


def _qnh(fields: PilotFields, counts: Counts) -> tuple[list[float | None], list[int | None]]:
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
