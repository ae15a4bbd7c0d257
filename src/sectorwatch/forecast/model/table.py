"""The past carried through moment by moment: the same rows that a running program would have had.

`Walk` goes forward through a history and gives the rows of each moment; what it learns on the way
(`Memory`) at each moment had come to light by then. `Table` is a sample of these with their truths:
what a model is trained on. It can be kept on disk, for experiments.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.forecast.departed import pairs_flown
from sectorwatch.forecast.features import FEATURES, STEP_S, Memory, feature_rows
from sectorwatch.forecast.horizon import LEADS, LONGEST_S
from sectorwatch.forecast.model.conformal import SIZE_EDGES, size_class
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.regulars import PairVisits, Ways
from sectorwatch.forecast.situation import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sectorwatch.forecast.history import History
    from sectorwatch.forecast.plans import PlanCount
    from sectorwatch.forecast.plans.usual_off import UsualTakeOffs
    from sectorwatch.forecast.situation import Situation

__all__ = ["Moment", "Sampler", "Table", "Walk"]

_DAY_S = 86_400
_WAYS_EVERY_S = 7 * _DAY_S
_WAYS_OF_S = 8 * _DAY_S
_MARK_S = 300
_MORE_MOMENTS = 8
"""Besides those that rows are shared out among: of the last hours not all has come true."""
_WHERE = {name: column for column, name in enumerate(FEATURES)}


@dataclass(frozen=True, slots=True)
class Moment:
    """What was known at `as_of_s`, (s, l, F), and what then was, (s, l), NaN where unknown."""

    as_of_s: int
    situation: Situation
    plan: PlanCount
    rows: NDArray[np.float32]
    truth: NDArray[np.float32]


@dataclass(slots=True)
class Table:
    """Rows of features (n, F) with what they are of and what then was, arrays of shape (n,)."""

    rows: NDArray[np.float32]
    lead: NDArray[np.intp]
    sector: NDArray[np.int32]
    as_of_s: NDArray[np.int64]
    truth: NDArray[np.float32]

    def __len__(self) -> int:
        return self.truth.size

    def column(self, name: str) -> NDArray[np.float32]:
        """One feature of all rows."""
        return self.rows[:, _WHERE[name]]

    def take(self, rows: NDArray[Any] | slice) -> Table:
        """Only these rows: by index, as a mask, or from one to another."""
        return Table(*(column[rows] for column in _columns(self)))

    def save(self, path: Path) -> None:
        """Puts it on disk for experiments, as plain arrays."""
        np.savez(path, **{each.name: getattr(self, each.name) for each in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Table:
        """What `save` put there."""
        with np.load(path, allow_pickle=False) as kept:
            return cls(**{each.name: kept[each.name] for each in fields(cls)})


def _columns(table: Table) -> list[NDArray[Any]]:
    return [getattr(table, each.name) for each in fields(table)]


def _room(rows: int) -> Table:
    """For so many rows, of which nothing is said yet."""
    return Table(
        np.empty((rows, len(FEATURES)), np.float32),
        np.empty(rows, np.intp),
        np.empty(rows, np.int32),
        np.empty(rows, np.int64),
        np.empty(rows, np.float32),
    )


class Sampler:
    """Chooses about `rows` cells of `moments` moments, as many of each size as there are.

    Drawn evenly, nearly all would be of small sectors. With `seed` the same are drawn again.
    """

    def __init__(self, rows: int, moments: int, seed: int = 1) -> None:
        self._quota = max(1, rows // max(int(moments), 1))
        self._chance = np.random.default_rng(seed)
        self._moments = max(int(moments), 1)
        self._table = _room(0)
        self._count = 0

    def add(self, moment: Moment) -> None:
        """Choose among the cells of a moment whose truth is known."""
        known = np.flatnonzero(np.isfinite(moment.truth).ravel())
        expected = moment.rows[:, :, _WHERE["usual"]].ravel()[known]
        counted = moment.rows[:, :, _WHERE["plan_and_unseen"]].ravel()[known]
        sizes = size_class(np.fmax(expected, counted))
        picked = known[self._picked(sizes)]
        leads = moment.truth.shape[1]
        first, self._count = self._count, self._count + picked.size
        if self._count > len(self._table):
            # For all at once, so that it is not there twice in the end; pages of memory are taken
            # only when they are written to.
            a_moment = min(self._quota, moment.truth.size)
            wanted = (self._moments + _MORE_MOMENTS) * a_moment - len(self._table)
            more = _room(max(wanted, self._count))
            pairs = zip(_columns(self._table), _columns(more), strict=True)
            self._table = Table(*map(np.concatenate, pairs)) if first else more
        chosen = Table(
            moment.rows.reshape(-1, moment.rows.shape[2])[picked],
            picked % leads,
            (picked // leads).astype(np.int32),
            np.full(picked.size, moment.as_of_s, dtype=np.int64),
            moment.truth.ravel()[picked],
        )
        for column, values in zip(_columns(self._table), _columns(chosen), strict=True):
            column[first : self._count] = values

    def table(self) -> Table:
        """All that was chosen."""
        return self._table.take(slice(self._count))

    def _picked(self, sizes: NDArray[np.intp]) -> NDArray[np.intp]:
        if sizes.size <= self._quota:
            return np.arange(sizes.size)
        count = np.bincount(sizes, minlength=SIZE_EDGES.size + 1)
        left, share = self._quota, np.zeros(count.size, dtype=np.int64)
        # The rarest first: what they do not use is for the others.
        for place, size in enumerate(np.argsort(count).tolist()):
            share[size] = min(count[size], left // (count.size - place))
            left -= int(share[size])
        order = self._chance.permutation(sizes.size)
        order = order[np.argsort(sizes[order], kind="stable")]
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        rank = np.arange(sizes.size) - np.repeat(first, count)
        return np.sort(order[rank < np.repeat(share, count)])


class Walk:
    """Goes through `history` in order of time; `memory` is what it has learned so far.

    `count` is the plan-based count of a situation, by when flights usually take off. A walk may be
    made once and gone on with: `moments` begins where the last call ended, or later. A long past
    may be walked through in pieces, each with the `memory`, the `past` and the `departed_s` of the
    one before; the `past` is then added to as minutes become final, as a running program's is.
    """

    def __init__(
        self,
        history: History,
        count: Callable[[Situation, UsualTakeOffs], PlanCount],
        memory: Memory,
        *,
        past: Past | None = None,
        departed_s: int = 0,
    ) -> None:
        self.history = history
        self.memory = memory
        self._count = count
        self._past = past or Past.of(history)
        self._grows = past is not None
        self._ways_s = history.from_s
        self.departed_s = departed_s

    def moments(self, from_s: int, to_s: int, step_s: int = STEP_S) -> Iterator[Moment]:
        """The moments from `from_s` until before `to_s`, on marks of 5 min.

        Those without a feed of the last minutes are left out.
        """
        for as_of_s in range(-(-from_s // _MARK_S) * _MARK_S, to_s, step_s):
            if not self.history.has_snapshot(as_of_s):
                continue
            situation = self.history.situation(as_of_s)
            if not situation.complete:
                continue
            self._look_back(as_of_s)
            until_s = self.history.final_minute_s(as_of_s)
            if self._grows and until_s is not None:
                self._grow(until_s)
            plan = self._count(situation, self.memory.usual_take_offs(self._past))
            rows = feature_rows(situation, plan, self._past, self.memory, until_s)
            self.memory.note(situation, plan, self._past, until_s)
            truth = self.history.bin_mean(as_of_s + LEADS)
            yield Moment(as_of_s, situation, plan, rows, truth)

    def close(self, as_of_s: int) -> None:
        """Learn what there is to be learned of a piece that ends at `as_of_s`."""
        until_s = self.history.final_minute_s(as_of_s)
        if self._grows and until_s is not None:
            self._grow(until_s)
        self._learn_departures(as_of_s)
        if as_of_s - self._ways_s >= _WAYS_EVERY_S // 2:
            self._learn_ways(as_of_s)

    def _look_back(self, as_of_s: int) -> None:
        """Once a day which flights took off, once a week how flights go; of what is over."""
        if as_of_s - LONGEST_S - self.departed_s >= _DAY_S:
            self._learn_departures(as_of_s)
        if as_of_s - self._ways_s >= _WAYS_EVERY_S:
            self._learn_ways(as_of_s)

    def _learn_departures(self, as_of_s: int) -> None:
        """Moments are so far apart that short flights take off and land between two of them."""
        flights = self.history.flights
        # Of later ones some may still be noted when they are first seen in the air.
        until_s = as_of_s - LONGEST_S
        new = (flights.departed_s > self.departed_s) & (flights.departed_s <= until_s)
        keys = pairs_flown(self.history, new, as_of_s)
        self.memory.departures.replace(self.departed_s, until_s, flights.departed_s[new], keys)
        self.departed_s = until_s

    def _learn_ways(self, as_of_s: int) -> None:
        self._ways_s = as_of_s
        self.memory.ways = self._ways(max(self.history.from_s, as_of_s - _WAYS_OF_S), as_of_s)

    def _grow(self, until_s: int) -> None:
        """Let the past know the minutes until `until_s`."""
        history, from_s = self.history, self._past.until_s + 60
        self._past.since_s = history.since_s
        first = max(0, (from_s - history.from_s) // 60)
        end = max(first, (until_s - history.from_s) // 60 + 1)
        minutes = slice(first, end)
        self._past.add_minutes(
            history.from_s + first * 60, history.occupancy[:, minutes], history.known[minutes]
        )

    def _ways(self, from_s: int, to_s: int) -> Ways:
        flights = self.history.flights
        # Visits of flights that took off after that would be cut.
        off = (flights.departed_s >= from_s) & (flights.departed_s < to_s - LONGEST_S)
        keys = np.zeros(flights.departed_s.size, dtype=np.uint64)
        keys[off] = pairs_flown(self.history, off, to_s)
        days = range(from_s, to_s, _DAY_S)
        visits = (self._visits(keys, day_s, min(day_s + _DAY_S, to_s), to_s) for day_s in days)
        return Ways.learn(keys[off], visits)

    def _visits(self, keys: NDArray[np.uint64], from_s: int, until_s: int, to_s: int) -> PairVisits:
        """The visits begun in a period and ended by `to_s` of flights with one of `keys`."""
        visits = self.history.visits(from_s, until_s)
        ended = (visits.flight >= 0) & (visits.exit_s != UNKNOWN) & (visits.exit_s <= to_s)
        ended[ended] = keys[visits.flight[ended]] != 0
        flight = visits.flight[ended]
        off_s = self.history.flights.departed_s[flight]
        return PairVisits(
            keys[flight],
            visits.sector[ended],
            visits.entry_s[ended] - off_s,
            visits.exit_s[ended] - off_s,
        )
