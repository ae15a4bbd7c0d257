"""Flights of the present as answers.

What changes seldom (the plan, the times of a flight's life) is made once for as long as the value
it comes from lives; what moves is taken from the arrays, for the flights asked for alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.web.answers.common import SectorRef
from sectorwatch.web.answers.flights import FiledPlan, FlightAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sectorwatch.airspace.model import Sector
    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.traffic.tick import Flight, Live

__all__ = ["FlightPresenter", "Space", "filed_plan", "maybe_time", "squawk"]

_PLAN_FIELDS = tuple(field.name for field in msgspec.structs.fields(FiledPlan))


def filed_plan(plan: FlightPlan | None) -> FiledPlan | None:
    """Show a plan."""
    if plan is None:
        return None
    return FiledPlan(*(getattr(plan, name) for name in _PLAN_FIELDS))


def maybe_time(time_s: int | None) -> str | None:
    """Show a moment that may not have come."""
    return None if time_s is None else format_s(time_s)


def squawk(code: int) -> str:
    """Show a transponder code: four digits, or nothing where it is no number.

    >>> squawk(21), squawk(-1)
    ('0021', '')
    """
    return "" if code < 0 else f"{code:04d}"


class Space(Protocol):
    """Sectors, in the order that flights' numbers of sectors mean."""

    @property
    def sectors(self) -> Sequence[Sector]:
        """All of them."""
        ...


class _Fixed:
    """What does not move while a `Flight` value lives."""

    __slots__ = ("arrived", "departed", "first_seen", "flight_id", "logon", "plan")

    def __init__(self, flight: Flight) -> None:
        self.flight_id = str(flight.flight_id)
        self.plan = filed_plan(flight.plan)
        self.first_seen = format_s(flight.first_seen_s)
        self.logon = format_s(flight.logon_time_s)
        self.departed = maybe_time(flight.departed_s)
        self.arrived = maybe_time(flight.arrived_s)


class FlightPresenter:
    """Makes answers of live flights; keeps what does not move from tick to tick."""

    def __init__(self, airspace: Space) -> None:
        self._refs = [SectorRef(s.name, s.partition) for s in airspace.sectors]
        self._fixed: dict[int, tuple[Flight, _Fixed]] = {}

    def answers(self, live: Live, which: Iterable[int]) -> list[FlightAnswer]:
        """Show the flights at these indices of `live`."""
        index = np.fromiter(which, dtype=np.intp)
        contact = live.contact[index].tolist()
        times = np.datetime_as_string(live.time_s[index].astype("datetime64[s]")).tolist()
        columns = zip(
            index.tolist(),
            times,
            live.latitude[index].round(5).tolist(),
            live.longitude[index].round(5).tolist(),
            live.altitude_ft[index].tolist(),
            live.groundspeed_kt[index].tolist(),
            live.heading_deg[index].tolist(),
            live.transponder[index].tolist(),
            live.qnh_mb[index].tolist(),
            live.airborne[index].tolist(),
            live.sector[:, index].T.tolist(),
            map({each.session_id: each.callsign for each in live.sessions}.get, contact),
            strict=True,
        )
        return [self._answer(live.flights[row[0]], *row[1:]) for row in columns]

    def _answer(
        self,
        flight: Flight,
        time: str,
        latitude: float,
        longitude: float,
        altitude_ft: int,
        groundspeed_kt: int,
        heading_deg: int,
        transponder: int,
        qnh_mb: int,
        airborne: bool,
        sectors: list[int],
        in_contact_with: str | None,
    ) -> FlightAnswer:
        fixed = self._of(flight)
        return FlightAnswer(
            flight_id=fixed.flight_id,
            callsign=flight.callsign,
            cid=flight.cid,
            server=flight.server,
            pilot_rating=flight.pilot_rating,
            latitude=latitude,
            longitude=longitude,
            altitude=altitude_ft,
            groundspeed=groundspeed_kt,
            heading=heading_deg,
            transponder=squawk(transponder),
            qnh_mb=None if qnh_mb < 0 else qnh_mb,
            last_updated=f"{time}Z",
            airborne=airborne,
            sectors=[self._refs[sector] for sector in sectors if sector >= 0],
            in_contact_with=in_contact_with,
            first_seen=fixed.first_seen,
            logon_time=fixed.logon,
            departed_from=flight.departed_from,
            departed_time=fixed.departed,
            arrived_at=flight.arrived_at,
            arrived_time=fixed.arrived,
            reconnects=flight.reconnects,
            flight_plan=fixed.plan,
        )

    def _of(self, flight: Flight) -> _Fixed:
        # By identity: a flight that changed is a new value, and the old one is held here, so its
        # number in memory cannot be another's.
        kept = self._fixed.get(flight.flight_id)
        if kept is not None and kept[0] is flight:
            return kept[1]
        fixed = _Fixed(flight)
        self._fixed[flight.flight_id] = (flight, fixed)
        return fixed

    def forget_gone(self, live: Live) -> None:
        """Let go of what was kept of flights that are not in `live`, now and then."""
        if len(self._fixed) > 2 * len(live.flights) + 100:
            online = {flight.flight_id for flight in live.flights}
            # Copied at once: other threads may put in what they have just made.
            kept = list(self._fixed.items())
            self._fixed = {key: value for key, value in kept if key in online}
