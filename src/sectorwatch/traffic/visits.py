"""Visits: who is in which sector, since when; and the minutes' demand that follows from them.

Open visits stand in arrays of shape (partitions, capacity), one place a partition and slot, so that
a flight cannot be in two sectors of a partition. Closed ones are remembered until every minute that
they touch is final.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.traffic.tick import Demand, Visit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.traffic.crossings import Crossings

__all__ = ["Places", "VisitBook", "VisitState"]

_MINUTE_S = 60
# name: (type, value where no visit is open)
_COLUMNS: dict[str, tuple[str, int]] = {
    "sector": ("<i4", -1),
    "entry_s": ("<i8", 0),
    "entry_latitude": ("<f8", 0),
    "entry_longitude": ("<f8", 0),
    "entry_altitude_ft": ("<i4", 0),
}


class VisitState(msgspec.Struct, array_like=True):
    """A book to be kept: open visits by column as little-endian bytes, closed ones one by one."""

    horizon_s: int | None
    closed: list[tuple[int, int, int, int]]
    columns: dict[str, bytes]


class Places:
    """Moments of flights, arrays of shape (n,): when and where each was."""

    __slots__ = ("altitude_ft", "latitude", "longitude", "slot", "time_s")

    def __init__(
        self,
        slot: NDArray[np.intp],
        time_s: NDArray[np.int64],
        latitude: NDArray[np.float64],
        longitude: NDArray[np.float64],
        altitude_ft: NDArray[np.int32],
    ) -> None:
        self.slot = slot
        self.time_s = time_s
        self.latitude = latitude
        self.longitude = longitude
        self.altitude_ft = altitude_ft

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Places:
        """Only those at `which`."""
        return Places(
            self.slot[which],
            self.time_s[which],
            self.latitude[which],
            self.longitude[which],
            self.altitude_ft[which],
        )


class VisitBook:
    """Open and lately closed visits; rows that changed are collected until `rows` takes them.

    `sector_ids` are those of the airspace's sectors, in its order. Nothing is dated before
    `horizon_s`, the first second of the first minute that is not final: what is final stays true.
    """

    sector: NDArray[np.int32]
    entry_s: NDArray[np.int64]
    entry_latitude: NDArray[np.float64]
    entry_longitude: NDArray[np.float64]
    entry_altitude_ft: NDArray[np.int32]

    def __init__(self, partitions: int, capacity: int, sector_ids: Sequence[int]) -> None:
        self._partitions = partitions
        self._sector_id = np.array(sector_ids, dtype=np.int64)
        # (flight_id, sector index, entry_s) -> exit_s
        self.closed: dict[tuple[int, int, int], int] = {}
        self._rows: dict[tuple[int, int, int], Visit] = {}
        self.horizon_s: int | None = None
        # (flight_id, sector_id) -> a visit of before the first snapshot, until that was taken.
        self._expected: dict[tuple[int, int], Visit] = {}
        for name, (kind, empty) in _COLUMNS.items():
            setattr(self, name, np.full((partitions, capacity), empty, dtype=kind))

    def reserve(self, capacity: int) -> None:
        """Have room for `capacity` slots."""
        more = capacity - self.sector.shape[1]
        if more > 0:
            for name, (kind, empty) in _COLUMNS.items():
                room = np.full((self._partitions, more), empty, dtype=kind)
                setattr(self, name, np.concatenate((getattr(self, name), room), axis=1))

    def expect(self, visits: Iterable[Visit]) -> None:
        """Have those of `visits` go on whose flight is in their sector at the first snapshot."""
        self._expected = {(each.flight_id, each.sector_id): each for each in visits}

    def standing(self, flight_id: NDArray[np.int64]) -> list[Visit]:
        """All that are open now; `flight_id` is that of every slot."""
        return [
            Visit(
                int(flight_id[slot]),
                int(self._sector_id[self.sector[partition, slot]]),
                int(self.entry_s[partition, slot]),
                float(self.entry_latitude[partition, slot]),
                float(self.entry_longitude[partition, slot]),
                int(self.entry_altitude_ft[partition, slot]),
            )
            for partition, slot in zip(*np.nonzero(self.sector >= 0), strict=True)
        ]

    def open(self, places: Places, sector: NDArray[np.int32], flight_id: NDArray[np.int64]) -> None:
        """Begin visits at `places` in `sector`, shape (partitions, n), -1 for none.

        `flight_id` is that of every slot.
        """
        for partition, at in zip(*np.nonzero(sector >= 0), strict=True):
            slot = int(places.slot[at])
            self._begin(
                int(partition),
                slot,
                int(flight_id[slot]),
                int(sector[partition, at]),
                int(places.time_s[at]),
                float(places.latitude[at]),
                float(places.longitude[at]),
                float(places.altitude_ft[at]),
            )

    def close(self, places: Places, flight_id: NDArray[np.int64]) -> None:
        """End whatever is open of the flights at `places`, there and then."""
        for partition, at in zip(*np.nonzero(self.sector[:, places.slot] >= 0), strict=True):
            slot = int(places.slot[at])
            self._end(
                int(partition),
                slot,
                int(flight_id[slot]),
                int(places.time_s[at]),
                float(places.latitude[at]),
                float(places.longitude[at]),
                float(places.altitude_ft[at]),
            )

    def cross(
        self, crossings: Crossings, slot: NDArray[np.intp], flight_id: NDArray[np.int64]
    ) -> None:
        """End and begin visits at `crossings`; `slot` is that of every step."""
        horizon_s = self.horizon_s
        columns = zip(
            crossings.partition.tolist(),
            slot[crossings.step].tolist(),
            crossings.time_s.tolist(),
            crossings.latitude.tolist(),
            crossings.longitude.tolist(),
            crossings.altitude_ft.tolist(),
            crossings.previous.tolist(),
            crossings.sector.tolist(),
            strict=True,
        )
        for partition, at, time_s, latitude, longitude, altitude_ft, previous, sector in columns:
            # A crossing found late: the visits of the minutes that are final are not touched.
            when_s = time_s if horizon_s is None else max(time_s, horizon_s)
            flight = int(flight_id[at])
            if previous >= 0:
                self._end(partition, at, flight, when_s, latitude, longitude, altitude_ft)
            if sector >= 0:
                self._begin(partition, at, flight, sector, when_s, latitude, longitude, altitude_ft)

    def rows(self) -> list[Visit]:
        """The rows that changed since this was last asked, one a key, by flight and time."""
        changed = sorted(self._rows.values(), key=_order)
        self._rows = {}
        self._expected = {}
        return changed

    def occupancy(self) -> NDArray[np.int32]:
        """How many visits are open in each sector now."""
        sectors = self.sector[self.sector >= 0]
        counts = np.bincount(sectors, minlength=self._sector_id.size)
        return counts.astype(np.int32)

    def demand(
        self,
        minutes_s: Iterable[int],
        flight_id: NDArray[np.int64],
        in_contact: Sequence[NDArray[np.int64] | None],
    ) -> Demand:
        """Occupancy and entries of minutes that are final now, rows with something in them.

        `flight_id` is that of every slot; `in_contact` has for each minute the flights that were in
        contact then, sorted, or None where nobody knows. Forgets closed visits that no later minute
        needs.
        """
        minutes = list(minutes_s)
        if not minutes:
            return _NO_DEMAND
        partition, slot = np.nonzero(self.sector >= 0)
        sector = self.sector[partition, slot].astype(np.int64)
        entry_s = self.entry_s[partition, slot]
        gone = np.array(
            [(*key, exit_s) for key, exit_s in self.closed.items()], dtype=np.int64
        ).reshape(-1, 4)
        flight = np.concatenate((flight_id[slot], gone[:, 0]))
        sector = np.concatenate((sector, gone[:, 1]))
        entry_s = np.concatenate((entry_s, gone[:, 2]))
        exit_s = np.concatenate((np.full(partition.size, np.iinfo(np.int64).max), gone[:, 3]))
        parts = [
            self._minute(minute, flight, sector, entry_s, exit_s, heard)
            for minute, heard in zip(minutes, in_contact, strict=True)
        ]
        last_s = minutes[-1]
        self.horizon_s = last_s + _MINUTE_S
        self.closed = {key: exit_s for key, exit_s in self.closed.items() if exit_s > last_s}
        return Demand(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _minute(
        self,
        minute_s: int,
        flight: NDArray[np.int64],
        sector: NDArray[np.int64],
        entry_s: NDArray[np.int64],
        exit_s: NDArray[np.int64],
        heard: NDArray[np.int64] | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], *tuple[NDArray[np.int32], ...]]:
        count = self._sector_id.size
        inside = (entry_s <= minute_s) & (minute_s < exit_s)
        begun = (minute_s <= entry_s) & (entry_s < minute_s + _MINUTE_S)
        occupancy = np.bincount(sector[inside], minlength=count)
        entries = np.bincount(sector[begun], minlength=count)
        some = np.flatnonzero(occupancy + entries)
        in_contact = np.full(count, -1)
        if heard is not None:
            inside &= np.isin(flight, heard)
            in_contact = np.bincount(sector[inside], minlength=count)
        return (
            np.full(some.size, minute_s, dtype=np.int64),
            self._sector_id[some],
            occupancy[some].astype(np.int32),
            entries[some].astype(np.int32),
            in_contact[some].astype(np.int32),
        )

    def _begin(
        self,
        partition: int,
        slot: int,
        flight_id: int,
        sector: int,
        time_s: int,
        latitude: float,
        longitude: float,
        altitude_ft: float,
    ) -> None:
        if self.horizon_s is not None:
            time_s = max(time_s, self.horizon_s)
        altitude = round(altitude_ft)
        if self._expected:
            known = self._expected.get((flight_id, int(self._sector_id[sector])))
            if known is not None:
                time_s, altitude = known.entry_s, known.entry_altitude_ft
                latitude, longitude = known.entry_latitude, known.entry_longitude
        self.sector[partition, slot] = sector
        self.entry_s[partition, slot] = time_s
        self.entry_latitude[partition, slot] = latitude
        self.entry_longitude[partition, slot] = longitude
        self.entry_altitude_ft[partition, slot] = altitude
        key = flight_id, sector, time_s
        # Left and entered again within the same second: it never left.
        self.closed.pop(key, None)
        sector_id = int(self._sector_id[sector])
        self._rows[key] = Visit(flight_id, sector_id, time_s, latitude, longitude, altitude)

    def _end(
        self,
        partition: int,
        slot: int,
        flight_id: int,
        time_s: int,
        latitude: float,
        longitude: float,
        altitude_ft: float,
    ) -> None:
        sector = int(self.sector[partition, slot])
        entry_s = int(self.entry_s[partition, slot])
        self.sector[partition, slot] = -1
        # Begun later than the position it ends at (see `horizon_s`): it took no time.
        exit_s = max(time_s, entry_s)
        key = flight_id, sector, entry_s
        self.closed[key] = exit_s
        self._rows[key] = Visit(
            flight_id,
            int(self._sector_id[sector]),
            entry_s,
            float(self.entry_latitude[partition, slot]),
            float(self.entry_longitude[partition, slot]),
            int(self.entry_altitude_ft[partition, slot]),
            exit_s,
            latitude,
            longitude,
            round(altitude_ft),
        )

    def dump(self) -> VisitState:
        """What has to be remembered."""
        return VisitState(
            horizon_s=self.horizon_s,
            closed=[(*key, exit_s) for key, exit_s in self.closed.items()],
            columns={name: getattr(self, name).tobytes() for name in _COLUMNS},
        )

    def load(self, state: VisitState) -> None:
        """Go on from what `dump` gave for a book of this size; ValueError if it is of another."""
        shape = self.sector.shape
        for name, (kind, _) in _COLUMNS.items():
            column = np.frombuffer(state.columns.get(name, b""), dtype=kind)
            setattr(self, name, column.reshape(shape).copy())
        self.closed = {(a, b, c): exit_s for a, b, c, exit_s in state.closed}
        self.horizon_s = state.horizon_s


def _order(visit: Visit) -> tuple[int, int, int]:
    return visit.flight_id, visit.entry_s, visit.sector_id


_NO_DEMAND = Demand(*(np.empty(0, kind) for kind in ("i8", "i8", "i4", "i4", "i4")))
