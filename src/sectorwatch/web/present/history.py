"""What is kept of a flight as answers: visits, movements, its track, its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.store.geojson import METRES_A_FOOT, line_geometry
from sectorwatch.web.answers.common import LostTime
from sectorwatch.web.answers.flights import (
    FlightDetail,
    FlightStats,
    LineFeature,
    LineGeometry,
    MovementAnswer,
    Track,
    TrackFeatures,
    TrackPoint,
    VisitAnswer,
)
from sectorwatch.web.present.flights import filed_plan, maybe_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.store.lost import Lost
    from sectorwatch.store.queries_tracks import Track as KeptTrack
    from sectorwatch.traffic.tick import Flight, Movement, Visit
    from sectorwatch.web.answers.coverage import ContactAnswer, FlightContact
    from sectorwatch.web.answers.flights import FlightAnswer

__all__ = [
    "flight_detail",
    "flight_stats",
    "lost_words",
    "missing_answer",
    "movement_answer",
    "track_answer",
    "track_features",
    "visit_answer",
]


def visit_answer(visit: Visit, names: Mapping[int, tuple[str, str]]) -> VisitAnswer:
    """Show a visit; `names` maps a sector's number to its name and partition."""
    # A sector that the airspace of today no longer has keeps its number, if not its name.
    name, partition = names.get(visit.sector_id, (str(visit.sector_id), "unknown"))
    return VisitAnswer(
        sector=name,
        partition=partition,
        entry_time=format_s(visit.entry_s),
        exit_time=maybe_time(visit.exit_s),
        duration_s=None if visit.exit_s is None else visit.exit_s - visit.entry_s,
        entry_latitude=visit.entry_latitude,
        entry_longitude=visit.entry_longitude,
        entry_altitude_ft=visit.entry_altitude_ft,
        exit_latitude=visit.exit_latitude,
        exit_longitude=visit.exit_longitude,
        exit_altitude_ft=visit.exit_altitude_ft,
    )


def missing_answer(lost: Sequence[Lost]) -> list[LostTime]:
    """Show times of which nothing is left."""
    return [LostTime(format_s(each.start_s), format_s(each.end_s), each.why) for each in lost]


def lost_words(lost: Mapping[str, Sequence[Lost]]) -> str:
    """Say in words what is lost, by kind of segments; nothing where nothing is."""
    said = []
    for kind, times in lost.items():
        if times:
            first, last = format_s(times[0].start_s), format_s(max(each.end_s for each in times))
            more = f" (and {len(times) - 1} more)" if len(times) > 1 else ""
            said.append(
                f" Of {kind} between {first} and {last} some are lost: {times[0].why}{more}."
            )
    return "".join(said)


def movement_answer(movement: Movement) -> MovementAnswer:
    """Show a take-off or a landing."""
    return MovementAnswer(
        kind=movement.kind,
        airport=movement.airport,
        time=format_s(movement.time_s),
        callsign=movement.callsign,
        flight_id=str(movement.flight_id),
    )


def flight_detail(
    flight: Flight,
    live: FlightAnswer | None,
    visits: Sequence[Visit],
    movements: Sequence[Movement],
    names: Mapping[int, tuple[str, str]],
    contacts: list[ContactAnswer],
    coverage: FlightContact,
    lost: Sequence[Lost],
) -> FlightDetail:
    """Show a flight with all that is known of it."""
    return FlightDetail(
        flight_id=str(flight.flight_id),
        callsign=flight.callsign,
        online=live is not None,
        live=live,
        first_seen=format_s(flight.first_seen_s),
        ended=maybe_time(flight.ended_s),
        departed_from=flight.departed_from,
        departed_time=maybe_time(flight.departed_s),
        arrived_at=flight.arrived_at,
        arrived_time=maybe_time(flight.arrived_s),
        reconnects=flight.reconnects,
        flight_plan=filed_plan(flight.plan),
        visits=[visit_answer(visit, names) for visit in visits],
        movements=[movement_answer(movement) for movement in movements],
        contacts=contacts,
        coverage=coverage,
        missing=missing_answer(lost),
    )


def _times(kept: KeptTrack) -> list[str]:
    return [f"{text}Z" for text in np.datetime_as_string(kept.positions.time_s.astype("M8[s]"))]


def track_answer(kept: KeptTrack) -> Track:
    """Show a track as a list of points."""
    here = kept.positions
    rows = zip(
        _times(kept),
        kept.latitude.round(5).tolist(),
        kept.longitude.round(5).tolist(),
        here.altitude_ft.tolist(),
        here.groundspeed_kt.tolist(),
        here.heading_deg.tolist(),
        here.airborne.tolist(),
        strict=True,
    )
    points = [TrackPoint(*row) for row in rows]
    missing = missing_answer(kept.lost)
    return Track(str(kept.flight.flight_id), kept.flight.callsign, len(points), points, missing)


def track_features(kept: KeptTrack) -> TrackFeatures:
    """Show a track as GeoJSON, cut at the antimeridian as RFC 7946 wants it."""
    longitude, latitude = kept.longitude.round(5), kept.latitude.round(5)
    altitude_m = (kept.positions.altitude_ft * METRES_A_FOOT).round(1)
    points = np.column_stack([longitude, latitude, altitude_m])
    properties: dict[str, object] = {
        "flight_id": str(kept.flight.flight_id),
        "callsign": kept.flight.callsign,
        "times": _times(kept),
    }
    if kept.lost:
        properties["missing"] = missing_answer(kept.lost)
    geometry = line_geometry(points)
    shown = None if geometry is None else LineGeometry(**geometry)
    feature = LineFeature("Feature", shown, properties)
    return TrackFeatures("FeatureCollection", [feature])


def flight_stats(
    kept: KeptTrack, visits: int, movements: int, direct_distance_nm: float | None
) -> FlightStats:
    """Show a flight in figures."""
    figures, flight = kept.figures(), kept.flight
    online_s = 0
    if figures.first_s is not None and figures.last_s is not None:
        online_s = figures.last_s - figures.first_s
    mean_kt = figures.distance_nm / figures.airborne_s * 3_600 if figures.airborne_s else None
    return FlightStats(
        flight_id=str(flight.flight_id),
        callsign=flight.callsign,
        positions=figures.positions,
        first_position=maybe_time(figures.first_s),
        last_position=maybe_time(figures.last_s),
        online_s=online_s,
        airborne_s=figures.airborne_s,
        distance_flown_nm=round(figures.distance_nm, 2),
        direct_distance_nm=None if direct_distance_nm is None else round(direct_distance_nm, 2),
        max_altitude_ft=figures.max_altitude_ft,
        max_groundspeed_kt=figures.max_groundspeed_kt,
        mean_groundspeed_kt=None if mean_kt is None else round(mean_kt, 1),
        sectors_visited=visits,
        movements=movements,
        reconnects=flight.reconnects,
    )
