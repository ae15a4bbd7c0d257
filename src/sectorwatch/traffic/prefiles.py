"""Plans filed ahead, from the snapshot that first had each until it was gone or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sectorwatch.feed.plans import decode_plan
from sectorwatch.traffic.ids import prefile_id
from sectorwatch.traffic.tick import PrefileRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sectorwatch.feed.records import Prefile

__all__ = ["PrefileLog"]

# Member, callsign and the plan as raw JSON: one member can have two prefiles, a changed plan is
# another row.
_Key = tuple[int, str, bytes]


class PrefileLog:
    """Follows prefiles from snapshot to snapshot; times are those of snapshots, whole seconds."""

    def __init__(self) -> None:
        self._open: dict[_Key, PrefileRow] = {}
        # Plans by member and callsign, as they were filed last, where each had one; else None.
        self._filed: dict[tuple[int, str], bytes] | None = None
        # Prefiles of before the first snapshot, until that has been taken.
        self._expected: list[PrefileRow] = []

    def expect(self, prefiles: Iterable[PrefileRow]) -> None:
        """Have those of `prefiles` go on that the first snapshot has with the same plan.

        The others are gone with it.
        """
        self._expected = list(prefiles)

    @property
    def rows(self) -> list[PrefileRow]:
        """All that are filed now."""
        return list(self._open.values())

    def advance(
        self, prefiles: Sequence[Prefile], time_s: int, received_at_us: int
    ) -> list[PrefileRow]:
        """Take over what is filed at `time_s`; the rows that changed, by key."""
        lost, begun = self._differences(prefiles)
        changed = []
        for key in lost:
            gone = msgspec.structs.replace(self._open.pop(key), gone_s=time_s)
            changed.append(gone)
        expected = {(each.cid, each.callsign, each.plan): each for each in self._expected}
        self._expected = []
        for key in begun:
            cid, callsign, raw = key
            plan = decode_plan(raw)
            row = expected.pop((cid, callsign, plan), None) if expected else None
            if row is None:
                number = prefile_id(cid, callsign, time_s, raw)
                row = PrefileRow(number, cid, callsign, time_s, received_at_us, plan)
            self._open[key] = msgspec.structs.replace(row, gone_s=None)
            changed.append(self._open[key])
        # Filed until this snapshot, the first, which has them no more.
        changed += [msgspec.structs.replace(row, gone_s=time_s) for row in expected.values()]
        # Sets have no order of their own; rows do.
        return sorted(changed, key=_key)

    def _differences(self, prefiles: Sequence[Prefile]) -> tuple[Iterable[_Key], Iterable[_Key]]:
        """What is filed no more, and what is new."""
        before = self._filed
        filed = {(each.cid, each.callsign): each.flight_plan for each in prefiles}
        is_plain = len(filed) == len(prefiles) and all(filed.values())
        self._filed = filed if is_plain else None
        if is_plain and before is not None:
            # Most are as they were, and to compare a plan takes a fraction of hashing it.
            lost = [(*name, raw) for name, raw in before.items() if filed.get(name) != raw]
            return lost, [(*name, raw) for name, raw in filed.items() if before.get(name) != raw]
        now = {(each.cid, each.callsign, each.flight_plan) for each in prefiles if each.flight_plan}
        return self._open.keys() - now, now - self._open.keys()

    def dump(self) -> list[tuple[bytes, int, int, str, int, int]]:
        """What has to be remembered: plans as raw JSON, decoded again by `load`."""
        return [
            (raw, row.prefile_id, cid, callsign, row.first_seen_s, row.received_at_us)
            for (cid, callsign, raw), row in self._open.items()
        ]

    def load(self, state: Sequence[tuple[bytes, int, int, str, int, int]]) -> None:
        """Go on from what `dump` gave."""
        self._filed = None
        self._open = {
            (cid, callsign, raw): PrefileRow(
                number, cid, callsign, first_seen_s, received_at_us, decode_plan(raw)
            )
            for raw, number, cid, callsign, first_seen_s, received_at_us in state
        }


def _key(row: PrefileRow) -> int:
    return row.prefile_id
