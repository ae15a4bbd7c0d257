"""When a record continues a flight and when it begins another: rules as functions of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sectorwatch.feed.records import FlightPlan
    from sectorwatch.traffic.rules import Rules

__all__ = ["may_continue", "new_departure_filed", "reach_nm"]

_HOUR_S = 3600


def reach_nm(elapsed_s: ArrayLike, groundspeed_kt: ArrayLike, rules: Rules) -> NDArray[np.float64]:
    """How far a flight can have come in `elapsed_s`, at most; numbers or arrays.

    `groundspeed_kt` is the greater one of those it had before and after.
    """
    speed_kt = np.maximum(
        rules.reach_speed_kt, rules.reach_factor * np.asarray(groundspeed_kt, dtype=np.float64)
    )
    hours = np.maximum(np.asarray(elapsed_s, dtype=np.float64), 0.0) / _HOUR_S
    return np.asarray(rules.reach_slack_nm + speed_kt * hours)


def may_continue(
    *, same_logon: bool, absent_s: float, elapsed_s: int, reachable: bool, rules: Rules
) -> bool:
    """Whether a member's record under the same callsign is the same flight as before.

    `absent_s` is how long feeds that we have were without it, `elapsed_s` the whole time since it
    was last in one, gaps of our own included. On the same connection it is the same flight while it
    has not been absent for too long; after a reconnect only if all of that time is short enough,
    and the place could have been reached.
    """
    if absent_s > rules.reconnect_within_s:
        return False
    return same_logon or (elapsed_s <= rules.reconnect_within_s and reachable)


def new_departure_filed(
    before: FlightPlan | None, after: FlightPlan, arrived_at: str | None
) -> bool:
    """Whether a plan filed after a landing is for another flight, not the one just ended.

    It is where it departs from elsewhere than the plan before did; and where it departs from the
    airport of the landing, as the plan before did too, but goes elsewhere or at another time.

    >>> from sectorwatch.feed.records import FlightPlan
    >>> out, back = FlightPlan(departure="A", arrival="B"), FlightPlan(departure="B", arrival="A")
    >>> new_departure_filed(out, back, "B")
    True
    >>> new_departure_filed(out, FlightPlan(departure="A", arrival="B", route="DCT"), "B")
    False
    """
    if not after.departure:
        return False
    if before is None or after.departure != before.departure:
        return True
    here = after.departure == arrived_at
    return here and (after.arrival, after.deptime) != (before.arrival, before.deptime)
