"""The state of all flights we know, struct of arrays: one slot a flight, whole columns at once.

A slot is found by (member, callsign). It lives from the first record of that pair until the flight
has been absent for so long that it cannot come back; then another may have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.feed.plans import decode_plan
from sectorwatch.feed.records import Pilot
from sectorwatch.traffic.tick import Flight  # noqa: TC001 - msgspec reads it at run time

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NEVER_S", "FlightTable", "HeldFlight", "Key", "TableState"]

Key = tuple[int, str]
PilotTuple = tuple[int, str, str, int, int, str, float | None, int | None, bytes, str]

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
    "has_plan": ("|b1", False),
    "taken": ("|b1", False),
    "present": ("|b1", False),
    "airborne": ("|b1", False),
    "helicopter": ("|b1", False),
    "tracked": ("|b1", False),
    "last_seen_s": ("<i8", NEVER_S),
    "absent_us": ("<i8", 0),
    "plan_since_s": ("<i8", NEVER_S),
}
# Not in states of earlier versions; a state without it is as good, but for what it says.
_LATER = frozenset({"plan_since_s"})


class HeldFlight(msgspec.Struct, array_like=True):
    """A flight in its slot and its last record, as a tuple; plans as raw JSON, once."""

    slot: int
    flight: Flight
    raw_plan: bytes
    record: PilotTuple


class TableState(msgspec.Struct, array_like=True):
    """A table to be kept: its columns by name as little-endian bytes, and the rest as it is."""

    capacity: int
    free: list[int]
    flights: list[HeldFlight]
    columns: dict[str, bytes]
    slot_of_cid: list[tuple[int, int]]


class FlightTable:
    """Slots of flights: numbers in arrays of shape (capacity,), the rest in lists of that length.

    `taken` says which slots have a flight, `present` who was in the last snapshot, `tracked` whose
    place is known now and in the air (these alone occupy sectors), `last_seen_s` the last snapshot
    that had the flight, `absent_us` for how long feeds have been without it. `records` has the last
    record of each, and `has_plan` whether there was a plan in it; `raw_plan` is the last plan that
    there was, and `plan_since_s` when it was received. `slot_of_cid` has one of a member's flights.
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
    has_plan: NDArray[np.bool_]
    taken: NDArray[np.bool_]
    present: NDArray[np.bool_]
    airborne: NDArray[np.bool_]
    helicopter: NDArray[np.bool_]
    tracked: NDArray[np.bool_]
    last_seen_s: NDArray[np.int64]
    absent_us: NDArray[np.int64]
    plan_since_s: NDArray[np.int64]

    def __init__(self, capacity: int = _FIRST_CAPACITY) -> None:
        self.slot_of: dict[Key, int] = {}
        self.slot_of_cid: dict[int, int] = {}
        self.flights: list[Flight | None] = [None] * capacity
        self.raw_plan: list[bytes] = [b""] * capacity
        self.records: list[Pilot | None] = [None] * capacity
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
        self.slot_of[key] = self.slot_of_cid[key[0]] = slot
        self.taken[slot] = True
        return slot

    def release(self, slot: int) -> None:
        """Forget a flight for good."""
        key = self.key(slot)
        del self.slot_of[key]
        if self.slot_of_cid.get(key[0]) == slot:
            del self.slot_of_cid[key[0]]
        self.flights[slot] = None
        self.raw_plan[slot] = b""
        self.records[slot] = None
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
        self.records += [None] * old
        # Lowest first, as in a new table.
        self.free += range(2 * old - 1, old - 1, -1)
        for name, (kind, empty) in _COLUMNS.items():
            more = np.full(old, empty, dtype=kind)
            setattr(self, name, np.concatenate((getattr(self, name), more)))

    def dump(self) -> TableState:
        """All of it; plans as raw JSON alone."""
        held = []
        for slot, (flight, record) in enumerate(zip(self.flights, self.records, strict=True)):
            if flight is not None and record is not None:
                # The plan stands in `raw_plan` already.
                bare = msgspec.structs.replace(record, flight_plan=b"")
                held.append(
                    HeldFlight(
                        slot,
                        msgspec.structs.replace(flight, plan=None),
                        self.raw_plan[slot],
                        msgspec.structs.astuple(bare),
                    )
                )
        columns = {name: getattr(self, name).tobytes() for name in _COLUMNS}
        return TableState(
            self.capacity, list(self.free), held, columns, list(self.slot_of_cid.items())
        )

    @classmethod
    def load(cls, state: TableState) -> FlightTable:
        """A table as it was when `state` was dumped; ValueError where its parts do not agree."""
        table = cls(state.capacity)
        table.free = list(state.free)
        for name, (kind, _) in _COLUMNS.items():
            if name in _LATER and name not in state.columns:
                continue
            column = np.frombuffer(state.columns.get(name, b""), dtype=kind).copy()
            if column.shape != (state.capacity,):
                raise ValueError(f"column {name} has {column.size} of {state.capacity} values")
            setattr(table, name, column)
        for held in state.flights:
            plan = decode_plan(held.raw_plan) if held.raw_plan else None
            flight = msgspec.structs.replace(held.flight, plan=plan)
            table.flights[held.slot] = flight
            table.raw_plan[held.slot] = held.raw_plan
            record = Pilot(*held.record)
            record.flight_plan = held.raw_plan if table.has_plan[held.slot] else b""
            table.records[held.slot] = record
            table.slot_of[flight.cid, flight.callsign] = held.slot
        table.slot_of_cid = dict(state.slot_of_cid)
        return table
