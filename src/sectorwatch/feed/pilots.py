"""Pilots' records checked and put into columns: what moves as arrays, the rest as it came."""

from __future__ import annotations

import re
from contextlib import suppress
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.feed.records import Pilot, PilotColumns
from sectorwatch.feed.repair import (
    are_members,
    callsign_or_drop,
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
_CALLSIGNS = re.compile(r"(?:[A-Z0-9_-]{1,20}\n)*", re.ASCII)
_SQUAWKS = re.compile(r"(?:[0-7]{4}\n)*", re.ASCII)


def check_pilots(
    wire: Sequence[WirePilot], time_s: int, seconds: Seconds, counts: Counts
) -> tuple[list[Pilot], PilotColumns]:
    """The pilots of a snapshot of `time_s`, and their columns; what is wrong is counted."""
    callsigns = _callsigns(wire, counts)
    latitude = _column(wire, "latitude")
    longitude = _column(wire, "longitude")
    altitude = _column(wire, "altitude")
    groundspeed = _column(wire, "groundspeed")
    heading = _column(wire, "heading")
    keep = np.array([bool(callsign) for callsign in callsigns], np.bool_)
    members = np.array(are_members([pilot.cid for pilot in wire]), np.bool_)
    keep = _drop(keep, members, "no_member", counts)
    keep = _drop(keep, ~(np.isnan(latitude) | np.isnan(longitude)), "no_position", counts)
    with np.errstate(invalid="ignore"):
        in_range = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 360)  # noqa: PLR2004 - degrees
    keep = _drop(keep, in_range, "position_range", counts)
    keep = _drop(keep, ~np.isnan(altitude), "no_altitude", counts)
    keep = _drop(keep, ~np.isnan(groundspeed), "no_groundspeed", counts)
    times = np.array(seconds.of([pilot.last_updated for pilot in wire]), np.int64)
    keep = _drop_duplicates(keep, wire, callsigns, times, counts)
    if not keep.all():
        rows = np.flatnonzero(keep)
        wire = [wire[row] for row in rows.tolist()]
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
    return _pilots(wire, callsigns, counts), columns


def _column(wire: Sequence[WirePilot], name: str) -> NDArray[np.float64]:
    """A column of numbers, NaN where there is none."""
    return np.array(list(map(attrgetter(name), wire)), np.float64)


def _callsigns(wire: Sequence[WirePilot], counts: Counts) -> list[str]:
    """The callsigns, normalised; "" for a record that has to be dropped."""
    given = [pilot.callsign for pilot in wire]
    with suppress(TypeError):  # one is None
        if _CALLSIGNS.fullmatch("\n".join([*given, ""])):  # type: ignore[list-item] # as above
            return given  # type: ignore[return-value] # as above
    return [callsign_or_drop(callsign, counts) for callsign in given]


def _drop(
    keep: NDArray[np.bool_], good: NDArray[np.bool_], reason: str, counts: Counts
) -> NDArray[np.bool_]:
    """What of `keep` is `good`; what is not is counted, each record for its first reason."""
    counts.drop(reason, int(np.count_nonzero(keep & ~good)))
    return keep & good


def _drop_duplicates(
    keep: NDArray[np.bool_],
    wire: Sequence[WirePilot],
    callsigns: Sequence[str],
    times: NDArray[np.int64],
    counts: Counts,
) -> NDArray[np.bool_]:
    cids = [pilot.cid for pilot in wire]
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


def _pilots(wire: Sequence[WirePilot], callsigns: Sequence[str], counts: Counts) -> list[Pilot]:
    qnh_i_hg, qnh_mb = _qnh(wire, counts)
    transponders = clean_texts([pilot.transponder for pilot in wire], _SHORT, counts)
    if not _SQUAWKS.fullmatch("\n".join([*transponders, ""])):
        odd = [code for code in transponders if not _SQUAWKS.fullmatch(f"{code}\n")]
        counts.note("squawk_odd", len(odd))
    return list(
        map(
            Pilot,
            [pilot.cid for pilot in wire],
            callsigns,
            clean_texts([pilot.server for pilot in wire], _SHORT, counts),
            clean_codes([pilot.pilot_rating for pilot in wire], counts),
            clean_codes([pilot.military_rating for pilot in wire], counts),
            transponders,
            qnh_i_hg,
            qnh_mb,
            _plans(wire, counts),
            clean_texts([pilot.logon_time for pilot in wire], _LONG, counts),
        )
    )


def _plans(wire: Sequence[WirePilot], counts: Counts) -> list[bytes]:
    """The plans as they stand in JSON; b"" where there is none."""
    raw = [bytes(pilot.flight_plan) for pilot in wire]
    counts.note("no_flight_plan", raw.count(b"null"))
    plans = [b"" if plan == b"null" else plan for plan in raw]
    if not set(map(_FIRST_BYTE, plans)) <= {b"{", b""}:
        odd = [index for index, plan in enumerate(plans) if _FIRST_BYTE(plan) not in {b"{", b""}]
        counts.repair("wrong_type", len(odd))
        counts.note("no_flight_plan", len(odd))
        for index in odd:
            plans[index] = b""
    return plans


def _qnh(wire: Sequence[WirePilot], counts: Counts) -> tuple[list[float | None], list[int | None]]:
    """The altimeter settings; None where there is none that an altimeter could have."""
    inches, millibars = _column(wire, "qnh_i_hg"), _column(wire, "qnh_mb")
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
