"""Capacity warnings: one for each time that a sector is about to be above its capacity.

Made of the forecasts as they are issued. A warning is about half an hour on end at least, within
the likeliest hour of the next 4; it is raised and taken back with hysteresis, goes on across
restarts, and says in words what is expected when.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sectorwatch.airspace.model import stable_id
from sectorwatch.forecast.breach import ADJACENT_CORRELATION, sustained
from sectorwatch.forecast.horizon import BIN_S
from sectorwatch.forecast.hysteresis import Hysteresis, WarningRule
from sectorwatch.forecast.issued import interval_told
from sectorwatch.forecast.words import clock, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace.model import Sector
    from sectorwatch.forecast.breach import Sustained
    from sectorwatch.forecast.capacity import Capacity
    from sectorwatch.forecast.issued import Issued

__all__ = ["CapacityWarning", "CapacityWarnings"]

_MOST_ENDED = 500
_LIKELY = 0.5
_PAIRS_AN_HOUR = 3
_FORM = 1


class CapacityWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A sector that is expected above its capacity for half an hour or more; as last issued.

    `from_s` until `to_s` is when, `peak` the greatest mean of a quarter of an hour expected, at
    `peak_s`, with its 80 % interval. `p` is the probability of half an hour above within the
    likeliest hour of the next 4, as of `updated_s`; `highest_p` the greatest of all its issues.
    Once `ended_s` is there it is over.
    """

    warning_id: str
    sector_id: int
    sector: str
    partition: str
    began_s: int
    updated_s: int
    from_s: int
    to_s: int
    peak: float
    peak_low: float
    peak_high: float
    peak_s: int
    capacity: float
    capacity_source: str
    p: float
    highest_p: float
    ended_s: int | None = None
    words: str = ""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on across a restart."""

    form: int
    last_s: int | None
    streaks: dict[str, int]
    open: list[CapacityWarning]
    ended: list[CapacityWarning]


class CapacityWarnings:
    """The warnings that stand, and the last that ended; written by one thread, read by any.

    `kept` is what `state` gave before a restart. Raises ValueError where it cannot be read.
    """

    def __init__(
        self,
        sectors: Sequence[Sector],
        rule: WarningRule | None = None,
        kept: bytes | None = None,
    ) -> None:
        self._sectors = sectors
        self._state = Hysteresis(len(sectors), rule or WarningRule())
        self._open: dict[int, CapacityWarning] = {}
        self._ended: deque[CapacityWarning] = deque(maxlen=_MOST_ENDED)
        self.probability = np.full(len(sectors), np.nan)
        """Of a sustained breach within 4 h, by the last issue heard; shape (s,), NaN unknown."""
        if kept is not None:
            self._go_on(kept)

    def standing(self) -> list[CapacityWarning]:
        """Those that stand, the likeliest first."""
        return sorted(self._open.values(), key=lambda each: (-each.p, each.from_s, each.sector_id))

    def ended(self) -> list[CapacityWarning]:
        """The last that ended, newest first."""
        return list(self._ended)

    @property
    def is_quiet(self) -> bool:
        """Whether none stands, and none is about to."""
        return not self._open and not self._state.streak.any()

    def get(self, warning_id: str) -> CapacityWarning | None:
        """The one of this number; None where it is unknown or long over."""
        for each in (*self.standing(), *self.ended()):
            if each.warning_id == warning_id:
                return each
        return None

    def hear(
        self,
        issued: Issued,
        capacity: Capacity,
        correlation: float = ADJACENT_CORRELATION,
    ) -> list[CapacityWarning]:
        """Take in an issue; gives the warnings that it raised or ended.

        Sectors of `issued` and `capacity` are in the airspace's order. One that is not newer than
        the last is passed over.
        """
        if self._state.last_s is not None and issued.as_of_s <= self._state.last_s:
            return []
        chance = sustained(issued.p_over_capacity, correlation)
        raised, ended = self._state.take(chance.hour, issued.as_of_s)
        standing = dict(self._open)
        changed = []
        for row in np.flatnonzero(self._state.active).tolist():
            before = None if raised[row] else standing.get(row)
            standing[row] = now = self._warning(row, issued, capacity, chance, before)
            if raised[row]:
                changed.append(now)
        for row in np.flatnonzero(ended).tolist():
            over = _over(standing.pop(row), issued.as_of_s, float(chance.hour[row]))
            self._ended.appendleft(over)
            changed.append(over)
        self.probability = chance.p
        self._open = standing
        return changed

    def state(self) -> bytes:
        """What has to be kept, so that a restart changes nothing."""
        streaks = {
            str(self._sectors[row].sector_id): int(self._state.streak[row])
            for row in np.flatnonzero(self._state.streak).tolist()
        }
        kept = _Kept(
            form=_FORM,
            last_s=self._state.last_s,
            streaks=streaks,
            open=self.standing(),
            ended=self.ended(),
        )
        return msgspec.json.encode(kept)

    def _go_on(self, kept: bytes) -> None:
        try:
            found = msgspec.json.decode(kept, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"these are no capacity warnings: {error}") from error
        if found.form != _FORM:
            raise ValueError(f"capacity warnings of form {found.form}; this program knows {_FORM}")
        row_of = {each.sector_id: row for row, each in enumerate(self._sectors)}
        self._ended.extend(found.ended)
        self._state.last_s = found.last_s
        for number, streak in found.streaks.items():
            if number.isdecimal() and int(number) in row_of:
                self._state.streak[row_of[int(number)]] = min(streak, self._state.rule.issues)
        for each in found.open:
            row = row_of.get(each.sector_id)
            if row is None:
                over = msgspec.structs.replace(
                    each,
                    ended_s=each.updated_s,
                    words=f"{each.sector} is not in the airspace any more.",
                )
                self._ended.appendleft(over)
                continue
            self._open[row] = each
            self._state.active[row] = True
            self._state.since_s[row] = each.began_s

    def _warning(
        self,
        row: int,
        issued: Issued,
        capacity: Capacity,
        chance: Sustained,
        before: CapacityWarning | None,
    ) -> CapacityWarning:
        sector, as_of_s = self._sectors[row], issued.as_of_s
        limit, source = float(capacity.value[row]), capacity.source[row]
        p = float(chance.hour[row])
        if before is not None and (np.isnan(p) or p <= self._state.rule.clear_p):
            # It stands for its shortest time yet: what was expected is no longer.
            return msgspec.structs.replace(
                before, updated_s=as_of_s, p=0.0 if np.isnan(p) else round(p, 3)
            )
        first, last = _when(issued.p_over_capacity[row], chance.pair[row], int(chance.hour_at[row]))
        peak = first + int(np.argmax(issued.mean[row, first : last + 1]))
        low, high = interval_told(issued.mean[row, peak], issued.quantiles[row, peak])
        made = CapacityWarning(
            warning_id=(
                str(stable_id("capacity", sector.sector_id, as_of_s))
                if before is None
                else before.warning_id
            ),
            sector_id=sector.sector_id,
            sector=sector.name,
            partition=sector.partition,
            began_s=as_of_s if before is None else before.began_s,
            updated_s=as_of_s,
            from_s=as_of_s + int(issued.leads_s[first]),
            to_s=as_of_s + int(issued.leads_s[last]) + BIN_S,
            peak=round(float(issued.mean[row, peak]), 2),
            peak_low=round(float(low), 2),
            peak_high=round(float(high), 2),
            peak_s=as_of_s + int(issued.leads_s[peak]),
            capacity=round(limit, 2),
            capacity_source=source or "",
            p=round(p, 3),
            highest_p=round(max(p, 0.0 if before is None else before.highest_p), 3),
        )
        return msgspec.structs.replace(made, words=_words(made))


def _when(p_over: NDArray[np.float32], pair: NDArray[np.float64], hour_at: int) -> tuple[int, int]:
    """The first and the last bin of the breach.

    The likeliest two on end of the likeliest hour, and what joins them.
    """
    first = hour_at + int(np.argmax(pair[hour_at : hour_at + _PAIRS_AN_HOUR]))
    last = first + 1
    while first > 0 and p_over[first - 1] >= _LIKELY:
        first -= 1
    while last < p_over.size - 1 and p_over[last + 1] >= _LIKELY:
        last += 1
    return first, last


def _words(warning: CapacityWarning) -> str:
    of = "its configured capacity" if warning.capacity_source == "configured" else "what is usual"
    most = f"{warning.capacity:.1f}".removesuffix(".0")
    return (
        f"{warning.sector} is expected to be above {of} of {most} aircraft from "
        f"{clock(warning.from_s)} to {clock(warning.to_s)}: most at {clock(warning.peak_s)}, about "
        f"{warning.peak:.0f} ({warning.peak_low:.0f} to {warning.peak_high:.0f}). "
        f"Probability of half an hour or more on end: {percent(warning.p)}."
    )


def _over(warning: CapacityWarning, now_s: int, p: float) -> CapacityWarning:
    if np.isnan(p):
        why = f"What {warning.sector} takes is not known any more."
    else:
        why = (
            f"{warning.sector} is no longer expected above capacity for half an hour on end: "
            f"probability {percent(p)}."
        )
    p = 0.0 if np.isnan(p) else p
    return msgspec.structs.replace(
        warning, ended_s=now_s, updated_s=now_s, p=round(p, 3), words=why
    )
