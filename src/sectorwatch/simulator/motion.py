"""Where everybody is: the state of all who are online at a moment, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PilotStates"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class PilotStates:
    """All pilots who are online at `time_s`, arrays of shape (n,).

    `member` is the stable id of the pilot's flight, for draws of chance. `departure` and `arrival`
    are indices into the network's airports, -1 where there is none.
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

    def __len__(self) -> int:
        return len(self.member)
