"""What is known now, as a `Situation`: the tracker's present and the plans that are filed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.feed.records import FlightPlan
from sectorwatch.forecast.situation import UNKNOWN, Places, Situation, Stage
from sectorwatch.traffic.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.traffic.contract import Space
    from sectorwatch.traffic.tick import Tick

__all__ = [
    "Filed",
    "Online",
    "Plans",
    "assemble",
    "filed_moment_s",
    "place_of",
    "places_of",
    "plans_of",
    "situation_now",
]

STALE_AFTER_S = Rules().gap_after_s
_DAY_S, _MINUTE_S = 86_400, 60
_SECOND_US = 1_000_000
_NO_PLAN = FlightPlan()


@dataclass(frozen=True, slots=True)
class Plans:
    """What plans say, of shape (n,), as in `Situation`; `off_minute` is minutes after midnight."""

    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    route: Sequence[str]
    aircraft: Sequence[str]
    off_minute: NDArray[np.int32]
    cruise_ft: NDArray[np.int32]
    tas_kt: NDArray[np.int32]
    enroute_min: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Online:
    """Who is online, of shape (n,); `waiting` are those not yet off the ground."""

    flight_id: NDArray[np.int64]
    cid: NDArray[np.int64]
    callsign: Sequence[str]
    first_seen_s: NDArray[np.int64]
    plan_since_s: NDArray[np.int64]
    plans: Plans
    departed_s: NDArray[np.int64]
    airborne: NDArray[np.bool_]
    waiting: NDArray[np.bool_]
    position_s: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    altitude_ft: NDArray[np.int32]
    groundspeed_kt: NDArray[np.int32]
    heading_deg: NDArray[np.int32]
    sector: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Filed:
    """Plans filed ahead, of shape (m,)."""

    prefile_id: NDArray[np.int64]
    cid: NDArray[np.int64]
    callsign: Sequence[str]
    first_seen_s: NDArray[np.int64]
    received_s: NDArray[np.int64]
    plans: Plans


def situation_now(
    tick: Tick, airspace: Space, airports: Airports, *, received_at_us: int | None = None
) -> Situation:
    """What is known once `tick` has been received, by the flights online and the plans filed.

    `as_of_s` is that moment, rounded up to a whole second; `received_at_us` gives another, later
    one. Raises ValueError where the tick was made over another airspace.
    """
    live = tick.live
    flights = live.flights
    if live.occupancy.size != len(airspace.sectors):
        raise ValueError(
            f"the tick has {live.occupancy.size} sectors, the airspace {len(airspace.sectors)}: "
            "give the one that its tracker has"
        )
    as_of_us = tick.received_at_us if received_at_us is None else received_at_us
    as_of_s = -(-as_of_us // _SECOND_US)
    first_seen_s = np.array([each.first_seen_s for each in flights], np.int64)
    departed_s = np.array(
        [UNKNOWN if each.departed_s is None else each.departed_s for each in flights], np.int64
    )
    arrived = np.array([each.arrived_s is not None for each in flights], np.bool_)
    has_plan = np.array([each.plan is not None for each in flights], np.bool_)
    # Of a flight that a tracker has from before its first snapshot nobody remembers it.
    since_s = np.maximum(live.plan_since_s, first_seen_s)
    online = Online(
        flight_id=np.array([each.flight_id for each in flights], np.int64),
        cid=np.array([each.cid for each in flights], np.int64),
        callsign=[each.callsign for each in flights],
        first_seen_s=first_seen_s,
        plan_since_s=np.where(has_plan, since_s, UNKNOWN),
        plans=plans_of([each.plan or _NO_PLAN for each in flights], airports),
        departed_s=departed_s,
        airborne=live.airborne,
        waiting=~live.airborne & ~arrived & (departed_s == UNKNOWN),
        position_s=live.time_s,
        latitude=live.latitude,
        longitude=live.longitude,
        altitude_ft=live.altitude_ft,
        groundspeed_kt=live.groundspeed_kt,
        heading_deg=live.heading_deg,
        sector=live.sector,
    )
    rows = live.filed
    filed = Filed(
        prefile_id=np.array([each.prefile_id for each in rows], np.int64),
        cid=np.array([each.cid for each in rows], np.int64),
        callsign=[each.callsign for each in rows],
        first_seen_s=np.array([each.first_seen_s for each in rows], np.int64),
        received_s=np.array([-(-each.received_at_us // _SECOND_US) for each in rows], np.int64),
        plans=plans_of([each.plan for each in rows], airports),
    )
    return assemble(
        as_of_s,
        places_of(airports),
        online,
        filed,
        live.occupancy,
        complete=as_of_s - tick.time_us // _SECOND_US <= STALE_AFTER_S,
    )


def assemble(
    as_of_s: int,
    places: Places,
    online: Online,
    filed: Filed,
    occupancy: NDArray[np.int32],
    *,
    complete: bool,
) -> Situation:
    """The situation that these are: in the order of stages and numbers, without who has landed."""
    air, ground = np.flatnonzero(online.airborne), np.flatnonzero(online.waiting)
    ground = ground[np.argsort(online.flight_id[ground])]
    air = air[np.argsort(online.flight_id[air])]
    here = np.concatenate([ground, air])
    ahead = np.argsort(filed.prefile_id)
    stage = np.repeat(
        np.array([Stage.PREFILED, Stage.GROUND, Stage.AIRBORNE], np.int8),
        [ahead.size, ground.size, air.size],
    )
    plan, coming = online.plans, filed.plans

    def numbers(before: NDArray[np.integer], now: NDArray[np.integer]) -> NDArray[np.integer]:
        return np.concatenate([before[ahead], now[here]])

    def position(values: NDArray[np.integer]) -> NDArray[np.integer]:
        return np.concatenate([np.full(ahead.size, UNKNOWN, values.dtype), values[here]])

    def degrees(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([np.full(ahead.size, np.nan), values[here]])

    def texts(before: Sequence[str], now: Sequence[str]) -> list[str]:
        return [before[at] for at in ahead.tolist()] + [now[at] for at in here.tolist()]

    since_s = numbers(filed.received_s, online.plan_since_s).astype(np.int64)
    off_minute = numbers(coming.off_minute, plan.off_minute).astype(np.int64)
    elsewhere = np.isin(filed.cid[ahead], online.cid)
    sector = online.sector[:, here]
    nowhere = np.full((sector.shape[0], ahead.size), UNKNOWN, np.int32)
    return Situation(
        as_of_s=as_of_s,
        places=places,
        stage=stage,
        flight_id=numbers(filed.prefile_id, online.flight_id).astype(np.int64),
        cid=numbers(filed.cid, online.cid).astype(np.int64),
        callsign=texts(filed.callsign, online.callsign),
        first_seen_s=numbers(filed.first_seen_s, online.first_seen_s).astype(np.int64),
        plan_since_s=since_s,
        origin=numbers(coming.origin, plan.origin).astype(np.int32),
        destination=numbers(coming.destination, plan.destination).astype(np.int32),
        route=texts(coming.route, plan.route),
        aircraft=texts(coming.aircraft, plan.aircraft),
        filed_off_s=filed_moment_s(off_minute, since_s),
        cruise_ft=numbers(coming.cruise_ft, plan.cruise_ft).astype(np.int32),
        tas_kt=numbers(coming.tas_kt, plan.tas_kt).astype(np.int32),
        enroute_min=numbers(coming.enroute_min, plan.enroute_min).astype(np.int32),
        online_elsewhere=np.concatenate([elsewhere, np.zeros(here.size, np.bool_)]),
        departed_s=position(online.departed_s).astype(np.int64),
        position_s=position(online.position_s).astype(np.int64),
        latitude=degrees(online.latitude),
        longitude=degrees(online.longitude),
        altitude_ft=position(online.altitude_ft).astype(np.int32),
        groundspeed_kt=position(online.groundspeed_kt).astype(np.int32),
        heading_deg=position(online.heading_deg).astype(np.int32),
        sector=np.concatenate([nowhere, sector], axis=1),
        occupancy=occupancy,
        complete=complete,
    )


def filed_moment_s(
    off_minute: NDArray[np.integer], received_s: NDArray[np.integer]
) -> NDArray[np.int64]:
    """The off-block moment that was meant, of shape (n,): the one nearest to the plan's receipt.

    Nobody files a date. Whoever files 23:50 at 00:10 means twenty minutes ago, and whoever has not
    left an hour after that means the same still: so it is told by when the plan was received, never
    by what time it is now. UNKNOWN where either is.

    >>> midnight = 86_400 * 11_000
    >>> (filed_moment_s(np.array([1430, 5]), np.array([midnight + 600] * 2)) - midnight).tolist()
    [-600, 300]
    """
    minute, since_s = off_minute.astype(np.int64), received_s.astype(np.int64)
    past_s = (minute * _MINUTE_S - since_s) % _DAY_S
    moment_s = since_s + np.where(past_s > _DAY_S // 2, past_s - _DAY_S, past_s)
    return np.where((minute == UNKNOWN) | (since_s == UNKNOWN), UNKNOWN, moment_s)


def places_of(airports: Airports) -> Places:
    """All airports there are, as the places that plans may name."""
    return Places(airports.icao, airports.lat, airports.lon, airports.elevation_ft)


def place_of(icao: str, airports: Airports, known: dict[str, int]) -> int:
    """The index of the airport with this code, UNKNOWN where nobody knows it; kept in `known`."""
    index = known.get(icao)
    if index is None:
        airport = airports.get(icao) if icao else None
        index = known[icao] = UNKNOWN if airport is None else airport.index
    return index


def plans_of(plans: Iterable[FlightPlan], airports: Airports) -> Plans:
    """What plans say, as columns."""
    known: dict[str, int] = {}
    listed = list(plans)
    rows = [
        (
            place_of(plan.departure, airports, known),
            place_of(plan.arrival, airports, known),
            _number(plan.departure_minute),
            _number(plan.cruise_altitude_ft),
            _number(plan.cruise_tas_kt),
            _number(plan.enroute_minutes),
        )
        for plan in listed
    ]
    numbers = np.array(rows, np.int32).reshape(-1, 6).T
    return Plans(
        origin=numbers[0],
        destination=numbers[1],
        route=[plan.route for plan in listed],
        aircraft=[plan.aircraft_short for plan in listed],
        off_minute=numbers[2],
        cruise_ft=numbers[3],
        tas_kt=numbers[4],
        enroute_min=numbers[5],
    )


def _number(said: int | None) -> int:
    return UNKNOWN if said is None else said
