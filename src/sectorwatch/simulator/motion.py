"""Where everybody is: the state of all who are online at a moment, as arrays.

Everything a flight ever does is worked out once, when it comes into view (`flights_of`); its state
at a moment is then closed form, for all at once and at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sectorwatch.airspace.geodesy import distance_nm, initial_bearing_deg
from sectorwatch.simulator import ground, performance, routes
from sectorwatch.simulator.behaviour import distance_class, drawn, drawn_by_distance
from sectorwatch.simulator.chance import draw
from sectorwatch.simulator.ground import Grounds, ground_at, moved
from sectorwatch.simulator.members import LAP_S, NEVER, Members, Sort
from sectorwatch.simulator.performance import FAST, HELICOPTER, PISTON, Profile
from sectorwatch.simulator.routes import Ends, Paths
from sectorwatch.simulator.tables import joined, taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.simulator.behaviour import Behaviour
    from sectorwatch.simulator.draws import Draws
    from sectorwatch.simulator.schedule import ScheduleAirports

__all__ = ["Flights", "Movements", "PilotStates", "flights_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Numbers = NDArray[np.intp]

_HOLD_NM = 18.0
"""About how long a circle of a hold is: four minutes at 270 kt."""
_CIRCUIT_NM = (1.6, 0.9)
_CIRCUIT_FT = 1_000.0
_STEP_S = 120.0
_KT = 3_600.0
_FREEZE_BLOCK_S = 600.0
_LATE_S = 0.5
_RVSM_FT = 29_000.0
_TRANSITION_FT = 18_000.0
_ANY_LEVEL_FT = 3_500.0
_BY_EYE_FT = (1_500.0, 5_500.0)


@dataclass(frozen=True, slots=True, eq=False)
class PilotStates:
    """All pilots who are online at `time_s`, arrays of shape (n,).

    `member` is the stable id of the pilot's session, for draws of chance. `departure` and `arrival`
    are indices into the network's airports, -1 where there is none. `updated_us` is when each sent
    its position, `row` its place in the network's tables at the moment.
    """

    time_s: int
    member: NDArray[np.int64]
    callsign: Sequence[str]
    latitude: Floats
    longitude: Floats
    altitude_ft: Integers
    groundspeed_kt: Integers
    heading_deg: Integers
    airborne: NDArray[np.bool_]
    departure: Integers
    arrival: Integers
    updated_us: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    row: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.intp))

    def __len__(self) -> int:
        return len(self.member)


@dataclass(frozen=True, eq=False)
class Flights:
    """How sessions are flown, tables of n rows beside `Members`.

    `type` is an index into `performance.TYPES`; waypoints are (n, 5), `waypoint_count` of which
    count; `filed_ft` is the level filed, `amended_ft` what it becomes.
    """

    type: NDArray[np.int16]
    profile: Profile
    paths: Paths
    ground: Grounds
    waypoint_lat: Floats
    waypoint_lon: Floats
    waypoint_count: NDArray[np.int8]
    filed_ft: Integers
    amended_ft: Integers
    enroute_min: Integers
    altitude_error: Floats
    field_error_ft: Floats


def flights_of(
    members: Members, airports: ScheduleAirports, draws: Draws, behaviour: Behaviour
) -> Flights:
    """How each of these sessions is flown; those that never fly have a flight all the same."""
    ids, origin, destination = members.member, members.origin, members.destination
    never = members.off_s == NEVER
    off_s = np.where(never, members.logon_s, members.off_s).astype(np.float64)
    usual_s = np.full(len(ids), _KT)
    duration_s = np.where(never, usual_s, members.on_s - members.off_s).astype(np.float64)
    lat, lon, elevation = airports.latitude, airports.longitude, airports.elevation_ft
    apart_nm = distance_nm(lat[origin], lon[origin], lat[destination], lon[destination])
    duration_s = np.where(never, apart_nm / 400.0 * _KT + 1_500.0, duration_s)
    wanted_ft = drawn_by_distance(
        behaviour.cruise_ft, draws.uniform(ids, "cruise"), distance_class(apart_nm)
    )
    by_eye = (members.sort == Sort.CIRCUIT) | (members.sort == Sort.WANDERER)
    wanted_ft = np.where(by_eye, draws.between(ids, "by eye", *_BY_EYE_FT), wanted_ft)
    wanted_ft = np.where(members.sort == Sort.SUPERSONIC, 56_000.0, wanted_ft)

    axes_deg = ground.runway_axes_deg(airports)
    times_s = off_s, off_s + duration_s
    first = ground.lay_out(
        airports, axes_deg, (origin, destination), times_s, (usual_s * 0, usual_s * 0), draws, ids
    )
    ends = Ends(
        first.lift_lat,
        first.lift_lon,
        first.runway_deg,
        first.touch_lat,
        first.touch_lon,
        first.runway2_deg,
    )
    points = routes.waypoints(draws, ids, ends, behaviour.route_detour_share, members.ring_nm)
    paths = routes.paths_through(ends, *points)
    fields_ft = elevation[origin], elevation[destination]
    kinds = performance.choose_class(draws, ids, paths.length_nm, duration_s, wanted_ft)
    kinds = np.where(members.sort == Sort.SUPERSONIC, FAST, kinds)
    rotor = draws.happens(ids, "rotor", 0.12)
    kinds = np.where(by_eye, np.where(rotor, HELICOPTER, PISTON), kinds)
    course = initial_bearing_deg(lat[origin], lon[origin], lat[destination], lon[destination])
    filed_ft = _level_ft(wanted_ft, kinds, course, np.maximum(*fields_ft), by_eye)
    # Levels keep their direction, so that another one is an even number of thousands away.
    other_ft = drawn_by_distance(
        behaviour.other_level_ft, draws.uniform(ids, "other level"), distance_class(apart_nm)
    )
    flown_ft = filed_ft + np.where(by_eye, 0.0, np.round(other_ft / 2_000.0) * 2_000.0)
    flown_ft = np.minimum(flown_ft, np.maximum(filed_ft, behaviour.other_level_up_to_ft))
    flown_ft = _level_ft(flown_ft, kinds, course, np.maximum(*fields_ft), by_eye)
    profile = performance.profile_of(kinds, paths.length_nm, duration_s, flown_ft, fields_ft)
    laid = ground.lay_out(
        airports,
        axes_deg,
        (origin, destination),
        times_s,
        (profile.off_kt, profile.on_kt),
        draws,
        ids,
    )
    amended_ft = filed_ft + np.where(filed_ft >= _TRANSITION_FT, 2_000, 1_000)
    wind = 1.0 + 0.05 * draws.normal(ids, "planned wind")
    planned_s = performance.flight_time_s(kinds, paths.length_nm, filed_ft, wind)
    return Flights(
        type=performance.choose_type(draws, ids, kinds).astype(np.int16),
        profile=profile,
        paths=paths,
        ground=laid,
        waypoint_lat=points[0],
        waypoint_lon=points[1],
        waypoint_count=points[2],
        filed_ft=filed_ft.astype(np.int32),
        amended_ft=amended_ft.astype(np.int32),
        enroute_min=np.maximum(planned_s / 60, 5).astype(np.int32),
        altitude_error=behaviour.altitude_error_share * draws.normal(ids, "altitude error"),
        field_error_ft=behaviour.field_error_ft * draws.normal(ids, "field error"),
    )


def _level_ft(
    wanted_ft: Floats,
    kinds: Numbers,
    course_deg: Floats,
    field_ft: Floats,
    by_eye: NDArray[np.bool_],
) -> Floats:
    """A level of the semicircular rule near the one wanted (ICAO Annex 2, appendix 3)."""
    ceiling = np.array([each.ceiling_ft for each in performance.CLASSES])[kinds]
    least = np.ceil((field_ft + 1_000.0) / 1_000.0) * 1_000.0
    east = course_deg < 180.0  # noqa: PLR2004 - half a turn
    # Odd thousands eastward, even ones westward; from FL410 up only every other.
    level = np.clip(wanted_ft, least, ceiling) / 1_000.0
    level = np.round((level - east) / 2.0) * 2.0 + east
    high = (level > 41) & (kinds != FAST)  # noqa: PLR2004 - thousands of feet
    level = np.where(high, np.where(east, 45, 43), level)
    level = np.where(level * 1_000.0 > ceiling, level - 2, level)
    level = np.where(level * 1_000.0 < least, level + 2, level)
    # Below 3,000 ft everybody flies as they like, a little above the field.
    low = (wanted_ft < _ANY_LEVEL_FT) & (field_ft < _ANY_LEVEL_FT / 2)
    some = np.maximum(
        np.round(wanted_ft / 100.0) * 100.0, np.ceil(field_ft / 100.0) * 100.0 + 800.0
    )
    level = np.where(low & ~by_eye, some / 1_000.0, level)
    return np.asarray(level * 1_000.0 + np.where(by_eye, 500.0, 0.0))


class Movements:
    """The motion of some sessions; `at` gives who is online and where."""

    def __init__(
        self,
        members: Members,
        flights: Flights,
        callsigns: NDArray[np.object_],
        draws: Draws,
        behaviour: Behaviour,
    ) -> None:
        self.members = members
        self.flights = flights
        self.callsigns = callsigns
        self._draws = draws
        self._behaviour = behaviour
        ids = members.member
        self._phase_s = draws.uniform(ids, "phase") * behaviour.position_period_s
        self._says_360 = draws.happens(ids, "says 360", behaviour.heading_360_share)
        self._is_late = draws.happens(ids, "late update", behaviour.late_update_share)
        self._on_null_island = draws.happens(ids, "null island", behaviour.null_island_share)
        self._flies = members.off_s != NEVER
        self._sits = self._flies | np.isin(members.sort, (Sort.GATE_SITTER, Sort.TWICE))
        self._circles = (members.sort == Sort.CIRCUIT) | (
            (members.origin == members.destination) & (members.sort == Sort.SCHEDULED) & self._flies
        )
        flown_s = np.where(self._flies, members.on_s - members.off_s, 0)
        self._lap_s = flown_s / np.maximum(np.round(flown_s / LAP_S), 1)

    @classmethod
    def together(cls, parts: Sequence[Movements], kept: Sequence[NDArray[np.bool_]]) -> Movements:
        """The sessions of all parts that are to be kept, in one."""
        first = parts[0]
        return cls(
            joined([taken(part.members, keep) for part, keep in zip(parts, kept, strict=True)]),
            joined([taken(part.flights, keep) for part, keep in zip(parts, kept, strict=True)]),
            np.concatenate([part.callsigns[keep] for part, keep in zip(parts, kept, strict=True)]),
            first._draws,  # noqa: SLF001 - one of us
            first._behaviour,  # noqa: SLF001
        )

    def online(self, time_s: int) -> NDArray[np.bool_]:
        """Who is connected as a pilot, shape (n,), outages of the network not counted."""
        members = self.members
        online = self._sits & (members.logon_s <= time_s) & (members.logoff_s > time_s)
        is_gone = (members.gap_from_s <= time_s) & (members.gap_to_s > time_s)
        return np.asarray(online & ~is_gone)

    def at(
        self, time_s: int, rows: Numbers | None = None, *, fraction_s: float = 0.0
    ) -> PilotStates:
        """The state of everybody online, or of `rows`, so long after a whole second."""
        if rows is None:
            rows = np.flatnonzero(self.online(time_s))
        members, flights = self.members, self.flights
        sent_s = self._sent_s(time_s, fraction_s, rows)
        off_s, on_s = members.off_s[rows], members.on_s[rows]
        airborne = self._flies[rows] & (sent_s >= off_s) & (sent_s < on_s)
        count = len(rows)
        latitude, longitude, altitude = np.empty(count), np.empty(count), np.empty(count)
        speed, heading = np.empty(count), np.empty(count)

        low = np.flatnonzero(~airborne)
        on = rows[low]
        profile = flights.profile
        here = ground_at(
            flights.ground,
            on,
            np.maximum(off_s[low] - sent_s[low], 0.0),
            sent_s[low] - on_s[low],
            (members.taxi_out_s[on], members.taxi_in_s[on]),
            (profile.off_kt[on], profile.on_kt[on]),
        )
        latitude[low], longitude[low], speed[low], heading[low] = here
        landed = sent_s[low] >= on_s[low]
        altitude[low] = np.where(landed, profile.field_on_ft[on], profile.field_off_ft[on])
        altitude[low] += flights.field_error_ft[on]

        up = np.flatnonzero(airborne & ~self._circles[rows])
        for target, values in zip(
            (latitude, longitude, altitude, speed, heading),
            self._flying(rows[up], sent_s[up] - off_s[up], sent_s[up]),
            strict=True,
        ):
            target[up] = values
        around = np.flatnonzero(airborne & self._circles[rows])
        for target, values in zip(
            (latitude, longitude, altitude, speed, heading),
            self._circling(rows[around], sent_s[around] - off_s[around]),
            strict=True,
        ):
            target[around] = values

        lost = self._on_null_island[rows] & (
            sent_s < members.logon_s[rows] + self._behaviour.null_island_s
        )
        for target in (latitude, longitude, altitude, speed, heading):
            target[lost] = 0.0
        degrees = np.round(heading).astype(np.int32) % 360
        degrees[(degrees == 0) & self._says_360[rows]] = 360
        return PilotStates(
            time_s=time_s,
            member=members.member[rows],
            callsign=self.callsigns[rows].tolist(),
            latitude=np.round(latitude, 5),
            longitude=np.round(longitude, 5),
            altitude_ft=np.round(altitude).astype(np.int32),
            groundspeed_kt=np.round(speed).astype(np.int32),
            heading_deg=degrees,
            airborne=airborne,
            departure=members.origin[rows],
            arrival=members.destination[rows],
            updated_us=(sent_s * 1_000_000).astype(np.int64),
            row=rows,
        )

    def _sent_s(self, time_s: int, fraction_s: float, rows: Numbers) -> Floats:
        """When each sent the position that the network has of it at `time_s`."""
        period_s = self._behaviour.position_period_s
        if not period_s:
            return np.full(len(rows), float(time_s))
        phase = self._phase_s[rows]
        now_s = time_s + fraction_s
        sent_s = np.floor((now_s - phase) / period_s) * period_s + phase
        sent_s += np.where(self._is_late[rows], now_s - sent_s + _LATE_S, 0.0)
        if self._behaviour.freeze_share:
            sent_s = self._frozen(sent_s, rows)
        return np.asarray(np.maximum(sent_s, self.members.logon_s[rows]))

    def _frozen(self, sent_s: Floats, rows: Numbers) -> Floats:
        """Those of whom nothing comes for a while, once in some of their ten minutes."""
        member, seed = self.members.member[rows], self._draws.seed
        shift_s = self._phase_s[rows] * _FREEZE_BLOCK_S / self._behaviour.position_period_s
        block = ((sent_s + shift_s) // _FREEZE_BLOCK_S).astype(np.int64)
        frozen = np.flatnonzero(draw(seed, "freezes", member, block) < self._behaviour.freeze_share)
        keys = member[frozen], block[frozen]
        length_s = drawn(self._behaviour.freeze_s, draw(seed, "freeze", *keys))
        begin_s = block[frozen] * _FREEZE_BLOCK_S - shift_s[frozen]
        begin_s += draw(seed, "freeze when", *keys) * (_FREEZE_BLOCK_S - length_s)
        still = (sent_s[frozen] >= begin_s) & (sent_s[frozen] < begin_s + length_s)
        sent_s[frozen] = np.where(still, begin_s, sent_s[frozen])
        return sent_s

    def _flying(self, rows: Numbers, flown_s: Floats, at_s: Floats) -> tuple[Floats, ...]:
        flights, profile = self.flights, self.flights.profile
        come_nm = performance.flown_nm(profile, rows, flown_s)
        hold_nm, hold_at = profile.hold_nm[rows], profile.hold_at_nm[rows]
        held_nm = np.clip(come_nm - hold_at, 0.0, hold_nm)
        along_nm = np.clip(come_nm - held_nm, 0.0, profile.path_nm[rows])
        places = flights.paths.at(rows, along_nm)
        latitude, longitude, course = places.latitude, places.longitude, places.course_deg
        holding = np.flatnonzero((held_nm > 0) & (held_nm < hold_nm))
        if len(holding):
            circles = np.maximum(np.round(hold_nm[holding] / _HOLD_NM), 1.0)
            radius = hold_nm[holding] / (2 * np.pi * circles)
            turned = held_nm[holding] / radius
            to_right = course[holding] + 90.0
            # Round a point to the right of the track, from where the track is left.
            middle = moved(latitude[holding], longitude[holding], to_right, radius)
            latitude[holding], longitude[holding] = moved(
                *middle, to_right + 180.0 + np.degrees(turned), radius
            )
            course[holding] = (course[holding] + np.degrees(turned)) % 360.0
        altitude = performance.altitude_ft(profile, rows, flown_s)
        amended_s = self.members.amended_s[rows]
        step = np.clip((at_s - amended_s) / _STEP_S, 0.0, 1.0)
        stepped = (flights.amended_ft[rows] - flights.filed_ft[rows]) * step
        # Of what was added at cruise the descent loses its share: nobody falls at its beginning.
        field_ft = profile.field_on_ft[rows]
        height = (altitude - field_ft) / np.maximum(profile.cruise_ft[rows] - field_ft, 1.0)
        altitude = altitude + stepped * np.clip(height, 0.0, 1.0)
        altitude *= 1.0 + flights.altitude_error[rows] * np.minimum(altitude / _TRANSITION_FT, 1.0)
        altitude += flights.field_error_ft[rows]
        return latitude, longitude, altitude, performance.speed_kt(profile, rows, flown_s), course

    def _circling(self, rows: Numbers, flown_s: Floats) -> tuple[Floats, ...]:
        """Left-hand circuits, a touch-and-go each: an ellipse from the lift-off on and back."""
        lap_s = self._lap_s[rows]
        angle = 2 * np.pi * flown_s / lap_s
        ground_of, profile = self.flights.ground, self.flights.profile
        runway = ground_of.runway_deg[rows]
        along, aside = _CIRCUIT_NM
        ahead_nm, left_nm = along * np.sin(angle), aside * (1 - np.cos(angle))
        place = moved(ground_of.lift_lat[rows], ground_of.lift_lon[rows], runway, ahead_nm)
        latitude, longitude = moved(*place, runway - 90.0, left_nm)
        ahead_kt = along * np.cos(angle) * 2 * np.pi / lap_s * _KT
        left_kt = aside * np.sin(angle) * 2 * np.pi / lap_s * _KT
        height = _CIRCUIT_FT * np.minimum(1.0, 1.5 * np.abs(np.sin(angle / 2)))
        return (
            latitude,
            longitude,
            profile.field_off_ft[rows] + height,
            np.hypot(ahead_kt, left_kt),
            (runway - np.degrees(np.arctan2(left_kt, ahead_kt))) % 360.0,
        )
