"""Ticks made by hand, for whoever tests what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sectorwatch.feed.records import FlightPlan, Reference
from sectorwatch.traffic.tick import (
    Contact,
    Demand,
    Flight,
    Gap,
    Live,
    Movement,
    NetworkCounts,
    Ownership,
    PlanRevision,
    Positions,
    PrefileRow,
    Session,
    Tick,
    Visit,
)

START_S = 1_700_000_000 // 86_400 * 86_400  # a midnight
STEP_S = 15
EMPTY_32 = np.empty(0, np.int32)
EMPTY_64 = np.empty(0, np.int64)


def positions(count: int, time_s: int, *, seed: int = 0, first_id: int = 1_000) -> Positions:
    """`count` flights somewhere, those with an even index moving as time goes on."""
    random = np.random.default_rng(seed)
    latitude = random.uniform(-60, 60, count)
    longitude = random.uniform(-170, 170, count)
    moving = np.arange(count) % 2 == 0
    elapsed = (time_s - START_S) / 3600
    return Positions(
        flight_id=np.arange(first_id, first_id + count, dtype=np.int64),
        time_s=np.full(count, time_s - 3, np.int64),
        latitude=np.round(latitude + moving * elapsed * 0.5, 5),
        longitude=np.round(longitude + moving * elapsed * 0.3, 5),
        altitude_ft=np.where(moving, 35_000, 12).astype(np.int32),
        groundspeed_kt=np.where(moving, 450, 0).astype(np.int32),
        heading_deg=random.integers(0, 360, count).astype(np.int32),
        transponder=random.integers(0, 7777, count).astype(np.int32),
        qnh_mb=np.full(count, 1013, np.int32),
        airborne=moving,
    )


def demand(*rows: tuple[int, ...]) -> Demand:
    """Rows of (minute_s, sector_id, occupancy, entries, in_contact); the last may be left out."""
    table = np.array([(*row, -1)[:5] for row in rows], np.int64).reshape(-1, 5)
    return Demand(table[:, 0], table[:, 1], *table[:, 2:].astype(np.int32).T)


def plan(departure: str = "YSSY", arrival: str = "YMML", **more: Any) -> FlightPlan:
    """A plan that an airliner would file."""
    filed: dict[str, Any] = {
        "flight_rules": "I",
        "aircraft": "B738/M-SDE2FGHIRWXY/LB1",
        "aircraft_short": "B738",
        "departure": departure,
        "arrival": arrival,
        "altitude": "34000",
        "route": "WOL H65 RAZZI Q29 LIZZI",
        "remarks": "PBN/A1B1 /V/",
    }
    return FlightPlan(**filed | more)


def flight(flight_id: int, callsign: str, first_seen_s: int = START_S, **more: Any) -> Flight:
    """A flight with what every flight has."""
    return Flight(
        flight_id=flight_id,
        cid=800_000 + flight_id % 1000,
        callsign=callsign,
        first_seen_s=first_seen_s,
        logon_time_s=first_seen_s - 60,
        server="SYDNEY",
        pilot_rating=0,
        **{"plan": None, **more},
    )


def session(session_id: int, callsign: str, first_seen_s: int = START_S, **more: Any) -> Session:
    """A controller's session with what every session has."""
    return Session(
        session_id=session_id,
        cid=810_000,
        callsign=callsign,
        frequency="124.550",
        facility=6,
        rating=5,
        server="SYDNEY",
        visual_range=400,
        logon_time_s=first_seen_s - 10,
        first_seen_s=first_seen_s,
        **more,
    )


def network(pilots: int) -> NetworkCounts:
    """Counts that fit `pilots` pilots."""
    return NetworkCounts(pilots, pilots // 2, pilots - pilots // 2, pilots, 3, 1, 2, 5, pilots, 9)


LIVE = Live(
    flights=(),
    time_s=EMPTY_64,
    latitude=np.empty(0),
    longitude=np.empty(0),
    altitude_ft=EMPTY_32,
    groundspeed_kt=EMPTY_32,
    heading_deg=EMPTY_32,
    transponder=EMPTY_32,
    qnh_mb=EMPTY_32,
    airborne=np.empty(0, np.bool_),
    sector=np.empty((1, 0), np.int32),
    occupancy=EMPTY_32,
    contact=EMPTY_64,
    plan_since_s=EMPTY_64,
    heard_s=None,
    owners=(),
    sessions=(),
    controllers=(),
    atis=(),
    prefiles=(),
    filed=(),
    reference=Reference(),
)


def tick(seq: int, *, count: int = 4, time_s: int | None = None, **more: Any) -> Tick:
    """The tick `seq` of a network that steps every 15 s; `more` replaces what it holds."""
    time_s = START_S + (seq - 1) * STEP_S if time_s is None else time_s
    content: dict[str, Any] = {
        "positions": positions(count, time_s),
        "flights": (),
        "plans": (),
        "prefiles": (),
        "visits": (),
        "movements": (),
        "sessions": (),
        "ownerships": (),
        "contacts": (),
        "demand": demand(),
        "final_minute_s": None,
        "gap": None,
        "network": network(count),
        "live": LIVE,
    }
    return Tick(
        seq=seq,
        time_us=time_s * 1_000_000 + 123_456,
        received_at_us=time_s * 1_000_000 + 2_000_000,
        **content | more,
    )


def full_tick(seq: int) -> Tick:
    """A tick with a row of every kind."""
    now_s = START_S + (seq - 1) * STEP_S
    us = now_s * 1_000_000
    sydney = (-33.94612, 151.17723, 9_000)
    return tick(
        seq,
        flights=(
            flight(1_000, "QFA12", plan=plan(), departed_s=now_s, departed_from="YSSY"),
            flight(1_001, "VH-ÄÖ\0\ud800"),
        ),
        plans=(PlanRevision(1_000, us + 2_000_000, us, plan()),),
        prefiles=(PrefileRow(77, 800_123, "JST500", now_s, us, plan("YMML", "YBBN")),),
        visits=(Visit(1_000, 5, now_s, *sydney), Visit(1_002, 5, now_s - 900, *sydney)),
        movements=(Movement(1_000, "departure", "YSSY", now_s, "QFA12"),),
        sessions=(session(42, "ML-GUN_CTR"),),
        ownerships=(Ownership(5, now_s, 42, "ML-GUN_CTR", "first in its list"),),
        contacts=(
            Contact(1_000, 42, now_s, 124_550, airborne=True),
            Contact(1_001, 42, now_s - 600, 124_550, airborne=False, end_s=now_s - 30),
        ),
        demand=demand((now_s // 60 * 60 - 180, 5, 2, 1, 1), (now_s // 60 * 60 - 180, 6, 1, 0)),
        final_minute_s=now_s // 60 * 60 - 180,
        gap=Gap(now_s - 120, now_s),
    )


@dataclass
class SetClock:
    """A clock that stands still until a test moves it."""

    us: int = START_S * 1_000_000

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return self.us

    def monotonic_s(self) -> float:
        """Seconds since 1970."""
        return self.us / 1_000_000

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.us += int(seconds * 1_000_000)
