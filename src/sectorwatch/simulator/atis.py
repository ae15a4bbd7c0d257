"""The ATIS that towers and approaches run on their own number, a letter further every half hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.simulator.chance import key_of, lot, pick
from sectorwatch.simulator.channels import ATIS_KHZ
from sectorwatch.simulator.masts import Masts
from sectorwatch.simulator.stations import Station

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sectorwatch.simulator.controlling import Controlling

__all__ = ["AtisDesk"]

_TOWER, _APPROACH = 4, 5
_FACILITY, _HEIGHT_M = 4, 100.0
_AFTER_S = (30, 400)
"""When it comes after its controller. Estimate."""
_CODE_S = 1_800
_LETTERS = 26
_KINDS: tuple[tuple[str, ...], ...] = ((), ("",), ("_A", "_D"), ("", "_A", "_D"))
"""For all, for arrivals and departures, or both: by how many there are."""


class AtisDesk:
    """Makes the stations of `atis[]`; those of the last half hour are kept."""

    def __init__(self, numbers: Controlling, *, seed: int) -> None:
        self._shares = numbers.atis_count
        self._seed = seed
        self._period = 0
        self._made: dict[int, tuple[Station, tuple[Station, ...]]] = {}

    def at(self, controllers: Iterable[Station], time_s: int) -> tuple[list[Station], int]:
        """Those that `controllers` run at a moment, each callsign once, and when that changes."""
        period = time_s // _CODE_S
        if period != self._period:
            self._period = period
            self._made.clear()
        found: dict[str, Station] = {}
        change_s = (period + 1) * _CODE_S
        for station in controllers:
            if station.facility not in (_TOWER, _APPROACH):
                continue
            of, theirs = self._made.get(station.session, (None, ()))
            if of is not station:
                # Their antenna is where their station's is now.
                count = pick(lot(self._seed, "atis", station.session), self._shares)
                theirs = tuple(self._station(station, kind, period) for kind in _KINDS[count])
                self._made[station.session] = station, theirs
            for atis in theirs:
                if time_s < atis.logon_s:
                    change_s = min(change_s, atis.logon_s)
                else:
                    found.setdefault(atis.callsign, atis)
        return list(found.values()), change_s

    def _station(self, station: Station, kind: str, period: int) -> Station:
        lead = station.callsign.split("_")[0]
        key = key_of(f"{lead}{kind} ATIS")
        code = chr(ord("A") + (period + key) % _LETTERS)
        zulu = f"{period // 2 % 24:02d}{period % 2 * 30:02d}Z"
        low_s, high_s = _AFTER_S
        after_s = low_s + (high_s - low_s) * lot(
            self._seed, "atis after", station.session, len(kind)
        )
        logon_s = station.logon_s + int(after_s)
        masts = station.masts
        return Station(
            session=key_of(f"{station.session}{kind} atis"),
            position=-1,
            callsign=f"{lead}{kind}_ATIS",
            channel_khz=ATIS_KHZ[int(lot(self._seed, "atis channel", key) * len(ATIS_KHZ))],
            facility=_FACILITY,
            rating=station.rating,
            cid=station.cid,
            name=station.name,
            server=station.server,
            visual_range=50 if key % 2 else 0,
            logon_s=logon_s,
            active_s=logon_s,
            until_s=station.until_s,
            text_atis=(
                f"{lead} INFORMATION {code} AT TIME {zulu}. EXPECT ILS APPROACH. WIND CALM",
                f"CAVOK. ON FIRST CONTACT ACKNOWLEDGE INFORMATION {code}",
            ),
            masts=Masts(
                masts.latitude[:1],
                masts.longitude[:1],
                masts.height_msl_m[:1] - masts.height_agl_m[:1] + _HEIGHT_M,
                np.array([_HEIGHT_M]),
            ),
            atis_code=code,
        )
