"""Sectors and controllers of the present as answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from sectorwatch.clock import format_s, format_us
from sectorwatch.web.answers.sectors import (
    ControllerAnswer,
    ControllerList,
    OwnerAnswer,
    PositionListEntry,
    SectorAnswer,
    SectorDetail,
    SectorList,
    VolumeAnswer,
)
from sectorwatch.web.present.coverage import sectors_in_contact
from sectorwatch.web.present.flights import maybe_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import Sector, Volume
    from sectorwatch.traffic.tick import Live, Owner, Session, Tick
    from sectorwatch.web.answers.coverage import PositionLoad
    from sectorwatch.web.present.flights import Space

__all__ = [
    "Sky",
    "controller_answers",
    "controller_list",
    "owner_answer",
    "sector_answers",
    "sector_detail",
    "sector_list",
]


@dataclass(frozen=True, slots=True)
class Sky:
    """Sectors that a moment speaks of: the first `drawn` are in today's airspace."""

    sectors: Sequence[Sector]
    drawn: int


def owner_answer(owner: Owner | None) -> OwnerAnswer | None:
    """Show who owns a sector."""
    if owner is None:
        return None
    return OwnerAnswer(owner.callsign, owner.frequency, format_s(owner.since_s), owner.why)


def sector_answers(
    airspace: Space,
    live: Live | None,
    which: Iterable[int] | None = None,
    *,
    drawn: int | None = None,
) -> list[SectorAnswer]:
    """Show sectors with their load and owner: those at these indices, else all, in order.

    Only the first `drawn` are in today's airspace; without it all are.
    """
    count = len(airspace.sectors)
    occupancy = [0] * count if live is None else live.occupancy.tolist()
    owners: Sequence[Owner | None] = [None] * count if live is None else live.owners
    heard = None if live is None else sectors_in_contact(live, count)
    in_contact = [None] * count if heard is None else heard.tolist()
    return [
        SectorAnswer(
            name=sector.name,
            label=sector.label,
            kind=sector.kind,
            partition=sector.partition,
            sector_id=str(sector.sector_id),
            occupancy=occupancy[number],
            in_contact=in_contact[number],
            capacity=sector.capacity,
            staffed=owners[number] is not None,
            owner=owner_answer(owners[number]),
            in_airspace=drawn is None or number < drawn,
        )
        for number in (range(count) if which is None else which)
        for sector in (airspace.sectors[number],)
    ]


def sector_list(airspace: Airspace, tick: Tick | None) -> SectorList:
    """Show all sectors."""
    return SectorList(
        snapshot_time=None if tick is None else format_us(tick.time_us),
        made=airspace.is_made,
        total=len(airspace.sectors),
        sectors=sector_answers(airspace, None if tick is None else tick.live),
    )


def sector_detail(
    sector: Sector,
    answer: SectorAnswer,
    namesakes: Sequence[Sector],
    contacts: list[PositionLoad] | None,
) -> SectorDetail:
    """Show a sector with its shape, who may work it, and who is in contact with whom inside."""
    return SectorDetail(
        sector=answer,
        contacts=contacts,
        volumes=[_volume(volume) for volume in sector.volumes],
        positions=[
            PositionListEntry(rule.prefix, list(rule.suffixes), rule.frequency_mhz, rule.why)
            for rule in sector.positions
        ],
        notes=list(sector.notes),
        also_named=[other.partition for other in namesakes if other is not sector],
    )


def _volume(volume: Volume) -> VolumeAnswer:
    return VolumeAnswer(
        floor_ft=volume.floor_ft if math.isfinite(volume.floor_ft) else None,
        ceiling_ft=volume.ceiling_ft if math.isfinite(volume.ceiling_ft) else None,
        geometry=dict(shapely.geometry.mapping(volume.polygon)),
    )


def controller_list(airspace: Airspace, tick: Tick | None) -> ControllerList:
    """Show all controllers online: those who control, by callsign."""
    if tick is None:
        return ControllerList(None, 0, [])
    answers = controller_answers(airspace, tick.live, tick.time_us // 1_000_000)
    return ControllerList(format_us(tick.time_us), len(answers), answers)


def controller_answers(airspace: Space, live: Live, now_s: int) -> list[ControllerAnswer]:
    """Show the controllers of `live`, by callsign."""
    owned: dict[int, list[str]] = {}
    for sector, owner in zip(airspace.sectors, live.owners, strict=True):
        if owner is not None:
            owned.setdefault(owner.session_id, []).append(sector.name)
    texts = {(c.cid, c.callsign): c.text_atis for c in live.controllers}
    facilities, ratings = live.reference.facilities, live.reference.ratings
    return [
        _controller(
            session,
            texts.get((session.cid, session.callsign), ()),
            facilities,
            ratings,
            owned.get(session.session_id, []),
            now_s,
        )
        for session in sorted(live.sessions, key=lambda session: session.callsign)
    ]


def _controller(
    session: Session,
    text_atis: Sequence[str],
    facilities: Mapping[int, tuple[str, str]],
    ratings: Mapping[int, tuple[str, str]],
    sectors: list[str],
    now_s: int,
) -> ControllerAnswer:
    return ControllerAnswer(
        session_id=str(session.session_id),
        callsign=session.callsign,
        cid=session.cid,
        frequency=session.frequency,
        facility=session.facility,
        facility_name=facilities.get(session.facility, ("", ""))[0],
        rating=session.rating,
        rating_name=ratings.get(session.rating, ("", ""))[0],
        server=session.server,
        visual_range=session.visual_range,
        logon_time=format_s(session.logon_time_s),
        first_seen=format_s(session.first_seen_s),
        online_s=max(0, now_s - session.logon_time_s),
        text_atis=list(text_atis),
        # One sector may stand in several partitions under the same name.
        sectors=sorted(set(sectors)),
        ended=maybe_time(session.ended_s),
    )
