"""Plans filed ahead, from the snapshot that first had each until it was gone or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sectorwatch.feed.plans import decode_plan
from sectorwatch.traffic.ids import prefile_id
from sectorwatch.traffic.tick import PrefileRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.feed.records import Prefile

__all__ = ["PrefileLog"]

# Member, callsign and the plan as raw JSON: one member can have two prefiles, a changed plan is
# another row.
_Key = tuple[int, str, bytes]


class PrefileLog:
    """Follows prefiles from snapshot to snapshot; times are those of snapshots, whole seconds."""

    def __init__(self) -> None:
        self._open: dict[_Key, PrefileRow] = {}

    def advance(
        self, prefiles: Sequence[Prefile], time_s: int, received_at_us: int
    ) -> list[PrefileRow]:
        """Take over what is filed at `time_s`; the rows that changed, by key."""
        now = {(each.cid, each.callsign, each.flight_plan) for each in prefiles if each.flight_plan}
        changed = []
        for key in self._open.keys() - now:
            gone = msgspec.structs.replace(self._open.pop(key), gone_s=time_s)
            changed.append(gone)
        for key in now - self._open.keys():
            cid, callsign, raw = key
            number = prefile_id(cid, callsign, time_s, raw)
            plan = decode_plan(raw)
            self._open[key] = PrefileRow(number, cid, callsign, time_s, received_at_us, plan)
            changed.append(self._open[key])
        # Sets have no order of their own; rows do.
        return sorted(changed, key=_key)

    def dump(self) -> list[tuple[bytes, int, int, str, int, int]]:
        """What has to be remembered: plans as raw JSON, decoded again by `load`."""
        return [
            (raw, row.prefile_id, cid, callsign, row.first_seen_s, row.received_at_us)
            for (cid, callsign, raw), row in self._open.items()
        ]

    def load(self, state: Sequence[tuple[bytes, int, int, str, int, int]]) -> None:
        """Go on from what `dump` gave."""
        self._open = {
            (cid, callsign, raw): PrefileRow(
                number, cid, callsign, first_seen_s, received_at_us, decode_plan(raw)
            )
            for raw, number, cid, callsign, first_seen_s, received_at_us in state
        }


def _key(row: PrefileRow) -> int:
    return row.prefile_id
