"""What the simulator's tests share: a small schedule, networks over it, feeds through the pipeline."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sectorwatch.clock import parse_us
from sectorwatch.feed.accept import accept
from sectorwatch.feed.decode import decode_feed
from sectorwatch.feed.mask import Masker
from sectorwatch.feed.records import Kind
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.simulator import Behaviour, MadeTimetable, Network

if TYPE_CHECKING:
    from sectorwatch.feed.records import Snapshot

START_S = parse_us("2026-11-20T07:00:00Z") // 1_000_000
_MASKER = Masker(MASKING_KEY)


@lru_cache(maxsize=4)
def timetable(seed: int = 1, peak_airborne: int = 60) -> MadeTimetable:
    """A made timetable of Australia, the same one each time it is asked for."""
    return MadeTimetable("australia", seed=seed, peak_airborne=peak_airborne)


def network(
    *, start_s: int = START_S, behaviour: Behaviour | None = None, seed: int = 1
) -> Network:
    """A network over that timetable."""
    return Network(timetable(), behaviour=behaviour, seed=seed, start_s=start_s)


def snapshot_of(feed: bytes) -> Snapshot:
    """A feed as the pipeline reads it."""
    accepted = accept(feed, Kind.FEED, _MASKER)
    return decode_feed(accepted.document, accepted.time_us, accepted.time_us + 2_000_000)
