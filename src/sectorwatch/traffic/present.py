"""The present as values: new positions, everybody online, and the network in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.traffic.tick import Live, NetworkCounts, Positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.records import Controller, Snapshot
    from sectorwatch.traffic.contacts import ContactLog
    from sectorwatch.traffic.controllers import ControllerLog
    from sectorwatch.traffic.table import FlightTable
    from sectorwatch.traffic.tick import PrefileRow
    from sectorwatch.traffic.visits import VisitBook

__all__ = ["live", "network_counts", "new_positions", "pressure_mb", "squawk_number"]

_CODE_LENGTH = 9
_LEAST, _MOST = -(2**31), 2**31 - 1


def squawk_number(code: str) -> int:
    """A transponder code as the decimal number of its digits, -1 where it is no number.

    >>> [squawk_number(code) for code in ("0021", "2000", "", "12A4")]
    [21, 2000, -1, -1]
    """
    digits = code.isascii() and code.isdigit() and len(code) <= _CODE_LENGTH
    return int(code) if digits else -1


def pressure_mb(qnh_mb: int | None) -> int:
    """An altimeter setting as it is kept: -1 where unknown, as far as 32 bits go."""
    return -1 if qnh_mb is None else max(_LEAST, min(qnh_mb, _MOST))


def new_positions(table: FlightTable, slots: NDArray[np.intp]) -> Positions:
    """The positions of the flights in `slots` as rows, by flight_id."""
    slots = slots[np.argsort(table.flight_id[slots])]
    return Positions(
        flight_id=table.flight_id[slots],
        time_s=table.time_s[slots],
        latitude=table.latitude[slots],
        longitude=table.longitude[slots],
        altitude_ft=table.altitude_ft[slots],
        groundspeed_kt=table.groundspeed_kt[slots],
        heading_deg=table.heading_deg[slots],
        transponder=table.transponder[slots],
        qnh_mb=table.qnh_mb[slots],
        airborne=table.airborne[slots],
    )


def live(
    table: FlightTable,
    visits: VisitBook,
    log: ControllerLog,
    contacts: ContactLog,
    snapshot: Snapshot,
    slots: NDArray[np.intp],
    atc: Sequence[Controller],
    filed: Sequence[PrefileRow],
) -> Live:
    """Everybody in the snapshot, in its order; `slots` are the flights of its records."""
    return Live(
        flights=[table.flights[slot] for slot in slots.tolist()],
        time_s=table.time_s[slots],
        latitude=table.latitude[slots],
        longitude=table.longitude[slots],
        altitude_ft=table.altitude_ft[slots],
        groundspeed_kt=table.groundspeed_kt[slots],
        heading_deg=table.heading_deg[slots],
        transponder=table.transponder[slots],
        qnh_mb=table.qnh_mb[slots],
        airborne=table.airborne[slots],
        sector=visits.sector[:, slots],
        occupancy=visits.occupancy(),
        contact=contacts.session[slots],
        plan_since_s=table.plan_since_s[slots],
        heard_s=contacts.heard_s,
        owners=log.owners,
        sessions=log.sessions,
        controllers=atc,
        atis=snapshot.atis,
        prefiles=snapshot.prefiles,
        filed=filed,
        reference=snapshot.reference,
    )


def network_counts(
    table: FlightTable, snapshot: Snapshot, slots: NDArray[np.intp], controllers: int
) -> NetworkCounts:
    """The network in numbers; `controllers` of the snapshot's are real ones."""
    pilots = len(snapshot.pilots)
    flying = int(np.count_nonzero(table.airborne[slots]))
    return NetworkCounts(
        pilots=pilots,
        airborne=flying,
        on_ground=pilots - flying,
        with_plan=int(np.count_nonzero(table.has_plan[slots])),
        controllers=controllers,
        observers=len(snapshot.controllers) - controllers,
        atis=len(snapshot.atis),
        prefiles=len(snapshot.prefiles),
        connected_clients=snapshot.connected_clients,
        unique_users=snapshot.unique_users,
    )
