"""Controllers and radios as the feeds have them: from a `Staffing` and pilots' `RadioSet`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.simulator.radios import RadioSet, station_radios
from sectorwatch.simulator.records import (
    TICKS_A_SECOND,
    AtisRecord,
    ControllerRecord,
    Radio,
    Transceivers,
    timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.simulator.control import Staffing
    from sectorwatch.simulator.stations import Station

__all__ = ["StationsFeed"]

_UPDATED_EVERY_S = 15
_FRACTIONS = 9_999_999
_SPREAD = 2_654_435_761


class StationsFeed:
    """Makes records of a staffing; what stays from one feed to the next is made once."""

    def __init__(self) -> None:
        self._staffing: Staffing | None = None
        self._controllers: list[ControllerRecord] = []
        self._atis: list[AtisRecord] = []
        self._masts: list[Transceivers] = []

    def records(
        self, staffing: Staffing, time_s: int
    ) -> tuple[list[ControllerRecord], list[AtisRecord]]:
        """The records of `controllers[]` and `atis[]` at a moment."""
        self._look_at(staffing)
        stations = (*staffing.controllers, *staffing.atis)
        made: list[ControllerRecord | AtisRecord] = [*self._controllers, *self._atis]
        for record, station in zip(made, stations, strict=True):
            # Each sends its record every 15 s, at a moment of its own.
            chance = station.session * _SPREAD
            sent_s = time_s - (time_s + chance) % _UPDATED_EVERY_S
            sent_s = max(sent_s, station.logon_s)
            record.last_updated = timestamp(sent_s * TICKS_A_SECOND + chance % _FRACTIONS)
        return self._controllers, self._atis

    def stations(
        self, staffing: Staffing, radios: RadioSet, callsigns: Sequence[str]
    ) -> list[Transceivers]:
        """The transceivers feed: pilots, then everybody who has a mast."""
        self._look_at(staffing)
        of_pilot: list[list[Radio] | None] = [
            [] if is_there else None for is_there in radios.in_feed.tolist()
        ]
        for pilot, *radio in zip(
            radios.pilot.tolist(),
            (radios.number - 1).tolist(),
            radios.frequency_hz.tolist(),
            radios.latitude.tolist(),
            radios.longitude.tolist(),
            radios.height_msl_m.tolist(),
            radios.height_agl_m.tolist(),
            strict=True,
        ):
            mine = of_pilot[pilot]
            if mine is not None:
                mine.append(Radio(*radio))
        pilots = [
            Transceivers(callsign, mine)
            for callsign, mine in zip(callsigns, of_pilot, strict=True)
            if mine is not None
        ]
        return pilots + self._masts

    def _look_at(self, staffing: Staffing) -> None:
        if staffing is self._staffing:
            return
        self._staffing = staffing
        self._controllers = [_controller(station) for station in staffing.controllers]
        self._atis = [_atis(station) for station in staffing.atis]
        self._masts = [
            Transceivers(
                station.callsign,
                [Radio(number, *radio) for number, radio in enumerate(station_radios(station))],
            )
            for station in (*staffing.controllers, *staffing.atis)
            if len(station.masts.latitude)
        ]


def _logon(station: Station) -> str:
    return timestamp(station.logon_s * TICKS_A_SECOND + station.session * _SPREAD % _FRACTIONS)


def _controller(station: Station) -> ControllerRecord:
    return ControllerRecord(
        cid=station.cid,
        name=station.name,
        callsign=station.callsign,
        frequency=station.frequency,
        facility=station.facility,
        rating=station.rating,
        server=station.server,
        visual_range=station.visual_range,
        text_atis=station.text_atis,
        last_updated="",
        logon_time=_logon(station),
    )


def _atis(station: Station) -> AtisRecord:
    return AtisRecord(
        cid=station.cid,
        name=station.name,
        callsign=station.callsign,
        frequency=station.frequency,
        facility=station.facility,
        rating=station.rating,
        server=station.server,
        visual_range=station.visual_range,
        atis_code=station.atis_code,
        text_atis=station.text_atis,
        last_updated="",
        logon_time=_logon(station),
    )
