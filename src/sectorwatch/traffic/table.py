"""The state of all flights we know, struct of arrays: one slot a flight, whole columns at once.

A slot is found by (member, callsign). It lives from the first record of that pair until the flight
has been absent for so long that it cannot come back; then another may have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.feed.plans import decode_plan
from sectorwatch.traffic.tick import Flight  # noqa: TC001 - msgspec reads it at run time

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NEVER_S", "FlightTable", "HeldFlight", "Key", "TableState"]

Key = tuple[int, str]

NEVER_S = -(2**62)
"""A time before every other: the position of a flight that has none yet."""

_FIRST_CAPACITY = 256
# name: (type, value of an empty slot)
_COLUMNS: dict[str, tuple[str, int | float | bool]] = {
    "flight_id": ("<i8", 0),
    "time_s": ("<i8", NEVER_S),
    "latitude": ("<f8", 0.0),
    "longitude": ("<f8", 0.0),
    "altitude_ft": ("<i4", 0),
    "groundspeed_kt": ("<i4", 0),
    "heading_deg": ("<i4", 0),
    "transponder": ("<i4", -1),
    "qnh_mb": ("<i4", -1),
    "taken": ("|b1", False),
    "present": ("|b1", False),
    "airborne": ("|b1", False),
    "helicopter": ("|b1", False),
    "tracked": ("|b1", False),
    "last_seen_s": ("<i8", NEVER_S),
    "absent_us": ("<i8", 0),
}


class HeldFlight(msgspec.Struct, array_like=True):
    """A flight in its slot, its plan as raw JSON alone."""

    slot: int
    flight: Flight
    raw_plan: bytes
    logon_time: str


class TableState(msgspec.Struct, array_like=True):
    """A table to be kept: its columns by name as little-endian bytes, and the rest as it is."""

    capacity: int
    free: list[int]
    flights: list[HeldFlight]
    columns: dict[str, bytes]


class FlightTable:
    """Slots of flights: numbers in arrays of shape (capacity,), the rest in lists of that length.

    `taken` says which slots have a flight, `present` who was in the last snapshot, `tracked` whose
    place is known now and in the air (these alone occupy sectors), `last_seen_s` the last snapshot
    that had the flight, `absent_us` for how long feeds have been without it. `raw_plan` is the last
    plan that was not empty.
    """

    flight_id: NDArray[np.int64]
    time_s: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    altitude_ft: NDArray[np.int32]
    groundspeed_kt: NDArray[np.int32]
    heading_deg: NDArray[np.int32]
    transponder: NDArray[np.int32]
    qnh_mb: NDArray[np.int32]
    taken: NDArray[np.bool_]
    present: NDArray[np.bool_]
    airborne: NDArray[np.bool_]
    helicopter: NDArray[np.bool_]
    tracked: NDArray[np.bool_]
    last_seen_s: NDArray[np.int64]
    absent_us: NDArray[np.int64]

    def __init__(self, capacity: int = _FIRST_CAPACITY) -> None:
        self.slot_of: dict[Key, int] = {}
        self.flights: list[Flight | None] = [None] * capacity
        self.raw_plan: list[bytes] = [b""] * capacity
        self.logon_time: list[str] = [""] * capacity
        self.free: list[int] = list(range(capacity - 1, -1, -1))
        for name, (kind, empty) in _COLUMNS.items():
            setattr(self, name, np.full(capacity, empty, dtype=kind))

    @property
    def capacity(self) -> int:
        """How many slots there are, free ones included."""
        return len(self.flights)

    def take(self, key: Key) -> int:
        """A free slot for a pair that has none; makes room where there is none."""
        if not self.free:
            self._grow()
        slot = self.free.pop()
        self.slot_of[key] = slot
        self.taken[slot] = True
        return slot

    def release(self, slot: int) -> None:
        """Forget a flight for good."""
        del self.slot_of[self.key(slot)]
        self.flights[slot] = None
        self.raw_plan[slot] = b""
        self.logon_time[slot] = ""
        self.clear(slot)
        self.free.append(slot)

    def clear(self, slot: int) -> None:
        """Make the numbers of a slot those of a flight that nothing is known of."""
        for name, (_, empty) in _COLUMNS.items():
            getattr(self, name)[slot] = empty

    def flight(self, slot: int) -> Flight:
        """The flight in a slot that is taken."""
        flight = self.flights[slot]
        if flight is None:
            raise LookupError(f"slot {slot} holds no flight")
        return flight

    def key(self, slot: int) -> Key:
        """The pair that a slot stands for."""
        flight = self.flight(slot)
        return flight.cid, flight.callsign

    def _grow(self) -> None:
        old = self.capacity
        self.flights += [None] * old
        self.raw_plan += [b""] * old
        self.logon_time += [""] * old
        # Lowest first, as in a new table.
        self.free += range(2 * old - 1, old - 1, -1)
        for name, (kind, empty) in _COLUMNS.items():
            more = np.full(old, empty, dtype=kind)
            setattr(self, name, np.concatenate((getattr(self, name), more)))

    def dump(self) -> TableState:
        """All of it; plans as raw JSON alone."""
        held = [
            HeldFlight(slot, msgspec.structs.replace(flight, plan=None), raw_plan, logon_time)
            for slot, (flight, raw_plan, logon_time) in enumerate(
                zip(self.flights, self.raw_plan, self.logon_time, strict=True)
            )
            if flight is not None
        ]
        columns = {name: getattr(self, name).tobytes() for name in _COLUMNS}
        return TableState(self.capacity, list(self.free), held, columns)

    @classmethod
    def load(cls, state: TableState) -> FlightTable:
        """A table as it was when `state` was dumped; ValueError where its parts do not agree."""
        table = cls(state.capacity)
        table.free = list(state.free)
        for name, (kind, _) in _COLUMNS.items():
            column = np.frombuffer(state.columns.get(name, b""), dtype=kind).copy()
            if column.shape != (state.capacity,):
                raise ValueError(f"column {name} has {column.size} of {state.capacity} values")
            setattr(table, name, column)
        for held in state.flights:
            plan = decode_plan(held.raw_plan) if held.raw_plan else None
            flight = msgspec.structs.replace(held.flight, plan=plan)
            table.flights[held.slot] = flight
            table.raw_plan[held.slot] = held.raw_plan
            table.logon_time[held.slot] = held.logon_time
            table.slot_of[flight.cid, flight.callsign] = held.slot
        return table
