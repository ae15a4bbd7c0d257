"""Anomalies from their beginning to their end, each told once: hysteresis and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from sectorwatch.forecast.anomalies.anomaly import Anomaly, AnomalyType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["Episodes", "Look"]

_MOST_RECENT = 500
_RECENT_S = 24 * 3_600
ENDS_AFTER_S = 900
"""So long must a sector be as usual again before an anomaly has ended."""
_LONGEST_S = 24 * 3_600


@dataclass(frozen=True, slots=True)
class Look:
    """What began and what ended at one look."""

    began: tuple[Anomaly, ...] = ()
    ended: tuple[Anomaly, ...] = ()


class Episodes:
    """The anomalies that go on, and those that ended in the last 24 h; at most 500 of these.

    `active` and `recent` are replaced whole: they may be read from any thread.
    """

    def __init__(self, kept: bytes = b"") -> None:
        self._open: dict[tuple[AnomalyType, int], Anomaly] = {}
        self._ended: list[Anomaly] = []
        self._over_since_s: dict[tuple[AnomalyType, int], int] = {}
        try:
            found = msgspec.json.decode(kept, type=list[Anomaly]) if kept else []
        except (msgspec.MsgspecError, UnicodeDecodeError):
            found = []
        for each in found[: 2 * _MOST_RECENT]:
            if each.ended_s is None:
                self._open[each.anomaly_type, each.sector_id] = each
            else:
                self._ended.append(each)
        self.active: tuple[Anomaly, ...] = ()
        self.recent: tuple[Anomaly, ...] = ()
        self._show()

    def dump(self) -> bytes:
        """All of it as JSON, for `kept`."""
        return msgspec.json.encode(self.recent)

    def is_open(self, kind: AnomalyType, sector_id: int) -> bool:
        """Whether an anomaly of this kind goes on in a sector."""
        return (kind, sector_id) in self._open

    def update(
        self,
        now_s: int,
        begins: Mapping[tuple[AnomalyType, int], Callable[[], Anomaly]],
        goes_on: Mapping[tuple[AnomalyType, int], Callable[[Anomaly], Anomaly]],
        unknown: Collection[AnomalyType] = (),
    ) -> Look:
        """Take in a look: what is unusual enough to begin, and what is unusual enough to go on.

        One that goes on is told anew as its function says. One that does not for 15 min has ended,
        as of when it was last seen; so has one that has lasted a day: that is no exception then. Of
        kinds that are `unknown` at this look nothing ends for that, and nothing is told anew.
        """
        began, ended = [], []
        for key, make in begins.items():
            if key not in self._open:
                self._open[key] = make()
                began.append(self._open[key])
        for key in list(self._open):
            anomaly = self._open[key]
            again = goes_on.get(key)
            is_long = now_s - anomaly.noticed_s >= _LONGEST_S
            if again is not None and not is_long:
                self._over_since_s.pop(key, None)
                self._open[key] = again(anomaly)
                continue
            if key[0] in unknown and not is_long:
                self._over_since_s.pop(key, None)
                continue
            since_s = self._over_since_s.setdefault(key, now_s)
            if now_s - since_s >= ENDS_AFTER_S or is_long or now_s < since_s:
                over = msgspec.structs.replace(anomaly, ended_s=max(anomaly.seen_s, since_s))
                del self._open[key], self._over_since_s[key]
                self._ended.append(over)
                ended.append(over)
        keep_s = now_s - _RECENT_S
        self._ended = [e for e in self._ended if (e.ended_s or 0) >= keep_s][-_MOST_RECENT:]
        self._show()
        return Look(tuple(began), tuple(ended))

    def _show(self) -> None:
        self.active = tuple(sorted(self._open.values(), key=lambda each: -each.score))
        newest = sorted(self._ended, key=lambda each: -(each.ended_s or 0))
        self.recent = (*self.active, *newest)
