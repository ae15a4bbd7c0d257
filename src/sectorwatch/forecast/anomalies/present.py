"""Who is where at a moment, as arrays that one look can be held against the next by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.anomalies.anomaly import Most

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.traffic.tick import Flight, Live, Tick

__all__ = ["Present", "callsigns_of", "most_of", "present_of"]

_SILENT_S = 120
_MOST_SILENT = 0.2
_NAMED = 12
_WORTH_SAYING = 0.4
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Present:
    """A tick's flights: `flight_id` and `airborne` of shape (n,) and `live` as the tick has it.

    `is_stalled`: more than a fifth of all positions are over 2 min old. The feed goes on and says
    nothing new, so nothing can be told by it.
    """

    now_s: int
    live: Live
    flight_id: NDArray[np.int64]
    is_stalled: bool


def present_of(tick: Tick) -> Present:
    """What a tick says of now."""
    live, now_s = tick.live, tick.time_us // 1_000_000
    ids = np.fromiter((each.flight_id for each in live.flights), np.int64, len(live.flights))
    silent = live.time_s < now_s - _SILENT_S
    stalled = bool(silent.size) and float(silent.mean()) > _MOST_SILENT
    return Present(now_s, live, ids, stalled)


def most_of(flights: Sequence[Flight], *, with_server: bool = False) -> tuple[Most, ...]:
    """What many of these flights share: where they fly to or come from, or their server."""
    to, from_, servers = Counter[str](), Counter[str](), Counter[str]()
    for each in flights:
        if each.plan is not None:
            to[each.plan.arrival] += 1
            from_[each.plan.departure] += 1
        servers[each.server] += 1
    found = [("are inbound to", to), ("come from", from_)]
    if with_server:
        found.insert(0, ("were on server", servers))
    most = [
        Most(f"{words} {name}", count)
        for words, counter in found
        for name, count in counter.most_common(1)
        if name and count >= max(_LEAST, _WORTH_SAYING * len(flights))
    ]
    return tuple(most)


def callsigns_of(flights: Sequence[Flight]) -> tuple[str, ...]:
    """The callsigns of the first dozen."""
    return tuple(each.callsign for each in flights[:_NAMED])
