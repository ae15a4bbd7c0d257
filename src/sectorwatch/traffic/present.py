"""The present as values: new positions, everybody online, and the network in numbers."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.traffic.tick import Live, NetworkCounts, Positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.feed.records import Controller, Snapshot
    from sectorwatch.traffic.controllers import ControllerLog
    from sectorwatch.traffic.table import FlightTable
    from sectorwatch.traffic.visits import VisitBook

__all__ = ["Squawks", "live", "network_counts", "new_positions", "pressures"]

_CODE_LENGTH = 9
_MOST_CODES = 20_000
_PLAN = attrgetter("flight_plan")
_CODE = attrgetter("transponder")
_PRESSURE = attrgetter("qnh_mb")


class Squawks(dict[str, int]):
    """Transponder codes as the decimal number of their digits, -1 where a code is no number.

    >>> squawks = Squawks()
    >>> squawks["0021"], squawks["2000"], squawks[""], squawks["12A4"]
    (21, 2000, -1, -1)
    """

    def __missing__(self, code: str) -> int:
        """Work a code out once; there are 4,096, and whatever pilots' clients make up."""
        if len(self) >= _MOST_CODES:
            self.clear()
        digits = code.isascii() and code.isdigit() and len(code) <= _CODE_LENGTH
        self[code] = int(code) if digits else -1
        return self[code]

    def of(self, snapshot: Snapshot) -> NDArray[np.int32]:
        """The codes of a snapshot's pilots, shape (n,)."""
        codes = map(self.__getitem__, map(_CODE, snapshot.pilots))
        return np.fromiter(codes, np.int32, len(snapshot.pilots))


def pressures(snapshot: Snapshot) -> NDArray[np.int32]:
    """The altimeter settings of a snapshot's pilots in mb, -1 where unknown, shape (n,)."""
    values = [-1 if value is None else value for value in map(_PRESSURE, snapshot.pilots)]
    bounds = np.iinfo(np.int32)
    return np.array(values, dtype=np.int64).clip(bounds.min, bounds.max).astype(np.int32)


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
    snapshot: Snapshot,
    slots: NDArray[np.intp],
    atc: Sequence[Controller],
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
        owners=log.owners,
        sessions=log.sessions,
        controllers=atc,
        atis=snapshot.atis,
        prefiles=snapshot.prefiles,
        reference=snapshot.reference,
    )


def network_counts(
    snapshot: Snapshot, airborne: NDArray[np.bool_], controllers: int
) -> NetworkCounts:
    """The network in numbers; `controllers` of the snapshot's are real ones."""
    pilots = len(snapshot.pilots)
    flying = int(np.count_nonzero(airborne))
    return NetworkCounts(
        pilots=pilots,
        airborne=flying,
        on_ground=pilots - flying,
        with_plan=sum(map(bool, map(_PLAN, snapshot.pilots))),
        controllers=controllers,
        observers=len(snapshot.controllers) - controllers,
        atis=len(snapshot.atis),
        prefiles=len(snapshot.prefiles),
        connected_clients=snapshot.connected_clients,
        unique_users=snapshot.unique_users,
    )
