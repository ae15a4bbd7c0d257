"""Everything that was known at one moment, and nothing that came later.

A `Situation` is the only thing about flights that a forecast is made of. It comes from the tracker
for now (`now.py`) and from the store for any moment of the past (`history.py`), alike to the last
number: that is what makes a back-test mean something.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["UNKNOWN", "Places", "Situation", "Stage"]

UNKNOWN = -1
"""A number or a moment that nobody said; where an index is meant, that there is none."""


class Stage(IntEnum):
    """How far a flight has come."""

    PREFILED = 0
    """Filed by somebody who is not online under that callsign."""
    GROUND = 1
    """Online and not yet off the ground. Those that have landed are in no situation."""
    AIRBORNE = 2


@dataclass(frozen=True, slots=True)
class Places:
    """Airports that plans name, arrays of shape (p,): degrees, and feet (NaN where unknown).

    It only grows while a program runs: an index stays what it was.
    """

    icao: Sequence[str]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    elevation_ft: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known at `as_of_s`, arrays of shape (n,), ordered by stage, then flight_id.

    `flight_id` is a prefile's `prefile_id` where the stage is PREFILED. Places are indices into
    `places`, UNKNOWN where none is filed or nobody knows it. `filed_off_s` is the filed off-block
    time as the moment that was meant, `plan_since_s` when the plan, as it stands, was received.
    Of prefiles everything about position is UNKNOWN (coordinates NaN) and `first_seen_s` is when it
    was first seen. `online_elsewhere`: the member of a prefile is online under another callsign.
    `occupancy` and `sector` are as in `traffic.Live`: per sector of the airspace, and an index into
    it per partition and flight, shape (partitions, n), UNKNOWN for none. `complete` is False where
    the last snapshot before `as_of_s` is older than 5 min: then this is all there was to be known.
    """

    as_of_s: int
    places: Places
    stage: NDArray[np.int8]
    flight_id: NDArray[np.int64]
    cid: NDArray[np.int64]
    callsign: Sequence[str]
    first_seen_s: NDArray[np.int64]
    plan_since_s: NDArray[np.int64]
    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    route: Sequence[str]
    aircraft: Sequence[str]
    filed_off_s: NDArray[np.int64]
    cruise_ft: NDArray[np.int32]
    tas_kt: NDArray[np.int32]
    enroute_min: NDArray[np.int32]
    online_elsewhere: NDArray[np.bool_]
    departed_s: NDArray[np.int64]
    position_s: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    altitude_ft: NDArray[np.int32]
    groundspeed_kt: NDArray[np.int32]
    heading_deg: NDArray[np.int32]
    sector: NDArray[np.int32]
    occupancy: NDArray[np.int32]
    complete: bool = True

    def __len__(self) -> int:
        return self.stage.size
