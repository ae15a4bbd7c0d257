"""Flights that went in the last weeks at this time and that no plan speaks of yet.

Much of traffic is the same from day to day: flown between the same airports at the same time. What
has no plan yet is not therefore unknown. For each pair of airports the take-offs of the same hours
of the last weeks, on days of the same kind, are compared with those that are known of now; what is
over is carried through the sectors as flights of this pair usually go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.errors import ModelFileError
from sectorwatch.forecast.departed import days_before, keys_of
from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.forecast.plans.hazards import STEP_S
from sectorwatch.forecast.situation import UNKNOWN, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from sectorwatch.forecast.departed import Covered, Departures
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.plans.count import TakeOffs
    from sectorwatch.forecast.situation import Situation

__all__ = ["PairVisits", "Ways", "regulars"]

_BEFORE = 4
"""Bins of take-offs before now that may still be to come: one hour."""
_SLOTS = _BEFORE + LEADS.size
_OFFSETS = LEADS.size + _BEFORE
_MOST_CELLS = 1_500_000
_MOST_SECTORS = 32_768
_SMEAR = np.array([0.5, 1, 1, 1, 1, 1, 1, 1, 0.5], dtype=np.float32)
_LEAST_CHANCE = 1e-3


@dataclass(frozen=True, slots=True)
class PairVisits:
    """Visits of flights of pairs of airports, (m,): from when until when, in s after take-off."""

    key: NDArray[np.uint64]
    sector: NDArray[np.integer[Any]]
    entered_s: NDArray[np.int64]
    left_s: NDArray[np.int64]


class Ways:
    """How flights of a pair of airports usually go: the share of a bin that they are in a sector.

    Rows (pair, sector, offset) with `share`; the offset counts bins since take-off. Sorted by
    offset; `pair` indexes `keys`, which are in order.
    """

    def __init__(
        self,
        keys: NDArray[np.uint64],
        pair: NDArray[Any],
        sector: NDArray[Any],
        offset: NDArray[Any],
        share: NDArray[Any],
    ) -> None:
        order = np.argsort(offset, kind="stable")
        self.keys = keys
        self.pair = pair[order].astype(np.int32)
        self.sector = sector[order].astype(np.int32)
        self.offset = offset[order].astype(np.int16)
        self.share = share[order].astype(np.float32)
        self._first = np.searchsorted(self.offset, np.arange(_OFFSETS + 1))
        self._through: list[Any] = []
        self._through_of = -1

    @classmethod
    def none(cls) -> Ways:
        """Of no pair at all."""
        none = np.empty(0)
        pair, sector, offset = (none.astype(kind) for kind in (np.int32, np.int32, np.int16))
        return cls(none.astype(np.uint64), pair, sector, offset, none.astype(np.float32))

    @classmethod
    def learn(cls, take_off_key: NDArray[np.uint64], visits: Iterable[PairVisits]) -> Ways:
        """From take-offs (n,) and the visits of these flights, some at a time.

        Pairs of which there was one take-off alone say nothing of what is usual.
        """
        keys, counts = np.unique(take_off_key[take_off_key != 0], return_counts=True)
        keys, counts = keys[counts > 1], counts[counts > 1]
        cell: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        inside: NDArray[Any] = np.empty(0)
        for some in visits:
            more, seconds = _cells(keys, some)
            cell, at = np.unique(np.concatenate([cell, more]), return_inverse=True)
            inside = np.bincount(at, np.concatenate([inside, seconds]), cell.size)
        pair = cell // (_OFFSETS * _MOST_SECTORS)
        share = inside / (BIN_S * counts[pair])
        if cell.size > _MOST_CELLS:
            kept = np.argpartition(inside, -_MOST_CELLS)[-_MOST_CELLS:]
            cell, share, pair = cell[kept], share[kept], pair[kept]
        return cls(keys, pair, cell // _OFFSETS % _MOST_SECTORS, cell % _OFFSETS, share)

    def carried(
        self, take_offs: NDArray[np.float32], sectors: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Take-offs (pair, slot of a bin, first `_BEFORE` before now) as occupancies (s, l).

        Apart those of slots that are still to come, and of those that are over.
        """
        due, overdue = np.zeros((2, sectors, LEADS.size), dtype=np.float32)
        for offset, through in enumerate(self._by_offset(sectors)):
            # A take-off in slot j is at the offset in the bin of lead j - _BEFORE + offset.
            first_lead = max(offset - _BEFORE, 0)
            slots = slice(first_lead + _BEFORE - offset, LEADS.size + _BEFORE - offset)
            if through is None or slots.start >= slots.stop:
                continue
            made = through @ np.ascontiguousarray(take_offs[:, slots])
            before = min(max(_BEFORE - slots.start, 0), made.shape[1])
            overdue[:, first_lead : first_lead + before] += made[:, :before]
            due[:, first_lead + before :] += made[:, before:]
        return due, overdue

    def _by_offset(self, sectors: int) -> list[Any]:
        """Of each offset what take-offs of pairs are multiplied by, None where nothing is known.

        Made when it is first asked for, and kept: it takes longer than what it is for.
        """
        from scipy import sparse  # noqa: PLC0415 - with the first forecast, not with the program

        if self._through_of != sectors:
            self._through_of, self._through = sectors, []
            for begin, end in zip(self._first[:-1].tolist(), self._first[1:].tolist(), strict=True):
                rows = slice(begin, end)
                cells = self.share[rows], (self.sector[rows], self.pair[rows])
                shape = sectors, self.keys.size
                self._through.append(sparse.csr_array(cells, shape=shape) if begin < end else None)
        return self._through

    def of_sectors(self, rows: NDArray[np.intp]) -> Ways:
        """With the sectors that stand at `rows` of these, in that order; -1 is none of them."""
        place = np.full(int(self.sector.max(initial=-1)) + 1, UNKNOWN, dtype=np.int32)
        for new, old in enumerate(rows.tolist()):
            if 0 <= old < place.size:
                place[old] = new
        sector = place[self.sector]
        kept = sector >= 0
        return Ways(self.keys, self.pair[kept], sector[kept], self.offset[kept], self.share[kept])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name."""
        names = ("keys", "pair", "sector", "offset", "share")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], sectors: int) -> Ways:
        """What `to_arrays` gave; raises ModelFileError where it is something else."""
        keys, pair, sector, offset, share = (
            arrays.get(name, np.empty(0)) for name in ("keys", "pair", "sector", "offset", "share")
        )
        if any(part.shape != (pair.size,) for part in (pair, sector, offset, share)):
            raise ModelFileError("the ways in it are not of one length")
        if keys.dtype != np.uint64 or keys.ndim != 1 or (keys[1:] <= keys[:-1]).any():
            raise ModelFileError("the pairs of airports in it are not in order")
        for part, limit in ((pair, keys.size), (sector, sectors), (offset, _OFFSETS)):
            if part.size and (part.dtype.kind != "i" or part.min() < 0 or part.max() >= limit):
                raise ModelFileError("the ways in it lead to what is not there")
        if not np.isfinite(share).all() or share.min(initial=0) < 0:
            raise ModelFileError("the ways in it hold what is no share")
        return cls(
            keys,
            pair,
            sector,
            offset,
            share,
        )


def _cells(
    keys: NDArray[np.uint64], visits: PairVisits
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which cells (pair, sector, offset) visits are in, each once, and for how many seconds."""
    at = np.minimum(np.searchsorted(keys, visits.key), max(keys.size - 1, 0))
    use = (visits.left_s > visits.entered_s) & (visits.entered_s < _OFFSETS * BIN_S)
    use &= (keys[at] == visits.key) if keys.size else False
    way = at[use] * _MOST_SECTORS + visits.sector[use].astype(np.int64)
    enter, leave = visits.entered_s[use], visits.left_s[use]
    cells, seconds = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for offset in range(_OFFSETS):
        inside = np.minimum(leave, (offset + 1) * BIN_S) - np.maximum(enter, offset * BIN_S)
        rows = np.flatnonzero(inside > 0)
        found, place = np.unique(way[rows], return_inverse=True)
        cells.append(found * _OFFSETS + offset)
        seconds.append(np.bincount(place, inside[rows], found.size).astype(np.float64))
    return np.concatenate(cells), np.concatenate(seconds)


def regulars(
    departures: Departures,
    ways: Ways,
    situation: Situation,
    take_offs: TakeOffs,
    local: LocalTime,
    sectors: int,
    covered: Covered | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Occupancies (s, l) that regular flights without a plan would make: still due, and overdue.

    `take_offs` are those to come by the plans of `situation`. NaN where no day of the same kind is
    known, of some slot or of all. `departures` may hold what came later; it is not looked at.
    """
    before_s, length_s = _BEFORE * BIN_S, _SLOTS * BIN_S
    days = days_before(departures, situation.as_of_s, local, before_s, length_s, covered)
    weights = [day.weights(_SLOTS) for day in days]
    seen = np.sum(weights, axis=0)
    if not np.all(seen) or not ways.keys.size:
        unknown = np.full((sectors, LEADS.size), np.nan, dtype=np.float32)
        return unknown, unknown
    shape = ways.keys.size, _SLOTS
    usual = np.zeros(shape[0] * _SLOTS, dtype=np.float64)
    for day, weight in zip(days, weights, strict=True):
        slot = (day.time_s - day.from_s) // BIN_S
        usual += np.tile(weight, shape[0]) * _counted(ways, day.key, slot, None)
    usual = usual.reshape(shape) / seen
    known = _known(ways, situation, take_offs).reshape(shape)
    wide_usual, wide_known = _smeared(usual), _smeared(known)
    with np.errstate(invalid="ignore", divide="ignore"):
        matched = np.where(wide_usual > 0, wide_known / wide_usual, 1.0)
    missing = (usual * np.clip(1 - matched, 0, 1)).astype(np.float32)
    return ways.carried(missing, sectors)


def _known(ways: Ways, situation: Situation, take_offs: TakeOffs) -> NDArray[np.float64]:
    """Take-offs that are known of, by pair and slot, flat."""
    key = keys_of(situation.places.icao, situation.origin, situation.destination)
    is_up = np.flatnonzero((situation.stage == Stage.AIRBORNE) & (situation.departed_s != UNKNOWN))
    slot = (situation.departed_s[is_up] - situation.as_of_s) // BIN_S + _BEFORE
    counts = (slot >= 0) & (slot < _SLOTS)
    found = _counted(ways, key[is_up[counts]], slot[counts], None)
    # Steps of a slot together, a column each.
    steps = LEADS.size * BIN_S // STEP_S
    chance = (
        take_offs.chance[:, :steps]
        .reshape(len(take_offs.row), LEADS.size, steps // LEADS.size)
        .sum(axis=2)
    )
    rows, lead = np.nonzero(chance > _LEAST_CHANCE)
    return found + _counted(ways, key[take_offs.row[rows]], lead + _BEFORE, chance[rows, lead])


def _counted(
    ways: Ways,
    key: NDArray[np.uint64],
    slot: NDArray[np.int64],
    weight: NDArray[np.float32] | None,
) -> NDArray[np.float64]:
    at = np.minimum(np.searchsorted(ways.keys, key), ways.keys.size - 1)
    fits = ways.keys[at] == key
    cell = at[fits] * _SLOTS + slot[fits]
    size = ways.keys.size * _SLOTS
    return np.bincount(cell, None if weight is None else weight[fits], size).astype(np.float64)


def _smeared(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts by slot, as if each might as well have been up to an hour earlier or later."""
    reach = _SMEAR.size // 2
    padded = np.pad(counts, ((0, 0), (reach, reach)))
    return sum(
        (
            float(weight) * padded[:, step : step + counts.shape[1]]
            for step, weight in enumerate(_SMEAR)
        ),
        start=np.zeros_like(counts),
    )
