"""How busy airports are at each time of the local week, and how much of it is known how far ahead.

Learned a day at a time from the movements that are kept, older days counting less and less. A
movement whose flight nobody had filed at the moment a forecast was made is what the plans of that
moment could not know: its share, by how far ahead, is counted, not guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.forecast.horizon import BIN_S, LEADS
from sectorwatch.store.columns import pack_columns, unpack_columns
from sectorwatch.store.segments import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sectorwatch.forecast.local_time import LocalTime

__all__ = ["KINDS", "MovementRates"]

KINDS = ("departure", "arrival")
_QUARTERS, _OF_DAY, _OF_HOUR = 672, 96, 4
_FRIDAY = 4
_FORGET_A_DAY = 0.975
_SAME_DAY = 2.0
"""What a day of the same name tells, and another of the same kind 1: as for take-offs of pairs."""
# So much counts beside a quarter of its kind of day: the same quarter of all days, its whole hour,
# and beside an airport's own movements those of all.
_DAYS_BESIDE, _HOUR_BESIDE, _MOVEMENTS_BESIDE = 0.5, 0.5, 30.0
_LEAST_SEEN = 1e-9
_FORM = 1
_MOST_AIRPORTS = 20_000
_CODE_BYTES = 8


class _Movements(Protocol):
    def first_known(self, from_s: int, to_s: int) -> Iterable[Sequence[tuple[str, int, str, int]]]:
        """(kind, time_s, airport, when its flight was known), some at a time."""


class MovementRates:
    """Movements of airports, by kind; `add_day` and `load` belong to one thread.

    `learned_to_s` is the midnight up to which days were added, 0 before any was.
    """

    def __init__(self, local: LocalTime) -> None:
        self._local = local
        self.learned_to_s = 0
        self._row_of: dict[str, int] = {}
        # Movements by airport, kind and quarter of the week, those not known by how far ahead, and
        # how often each quarter of the week was seen.
        self._counts = np.zeros((0, len(KINDS), _QUARTERS))
        self._unseen = np.zeros((0, len(KINDS), LEADS.size))
        self._seen = np.zeros(_QUARTERS)

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def icao(self) -> list[str]:
        """The airports of which anything was learned, in the order of rows."""
        return list(self._row_of)

    def add_day(
        self, store: _Movements, day_s: int, known: NDArray[np.bool_], step_s: int = 60
    ) -> int:
        """Learn a day that is over, of which the minutes `known` were seen; how many movements.

        Raises DatabaseAwayError; then nothing is learned.
        """
        rows: list[tuple[str, int, str, int]] = []
        for chunk in store.first_known(day_s, day_s + DAY_S):
            rows += chunk
        minutes = day_s + np.arange(known.size, dtype=np.int64) * step_s
        seen = np.bincount(self._local.quarter_of_week(minutes[known]), minlength=_QUARTERS)
        for each in (self._counts, self._unseen, self._seen):
            np.multiply(each, _FORGET_A_DAY, out=each)
        self._seen += seen * step_s / BIN_S
        for _, _, airport, _ in rows:
            self._row_of.setdefault(airport, len(self._row_of))
        self._make_room()
        if rows:
            self._count(rows)
        self.learned_to_s = day_s + DAY_S
        return len(rows)

    def total(self, rows: NDArray[np.integer], times_s: NDArray[np.int64]) -> NDArray[np.float64]:
        """Movements expected in a quarter of an hour at each time (t,): shape (rows, kinds, t).

        By the same quarter of days of the same kind, that of all days beside it, and the hour round
        it. Zero for a row below zero.
        """
        weights = self._weights(self._local.quarter_of_week(times_s))
        rate = self._counts.reshape(-1, _QUARTERS) @ weights
        return self._taken(rate.reshape(len(self), len(KINDS), weights.shape[1]), rows)

    def unseen_share(self, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """How much of it nobody has filed at a lead, shape (rows, kinds, leads)."""
        total = self._counts.sum(axis=2)
        pooled = self._unseen.sum(axis=0) / np.maximum(total.sum(axis=0), 1.0)[:, None]
        beside = _MOVEMENTS_BESIDE * pooled
        share = (self._unseen + beside) / (total + _MOVEMENTS_BESIDE)[:, :, None]
        return self._taken(np.clip(share, 0.0, 1.0), rows)

    @property
    def days(self) -> float:
        """How many days weigh in, older ones less and less."""
        return float(self._seen.sum() / _OF_DAY)

    def busiest(self, most: int) -> list[str]:
        """The airports with the most movements, these first."""
        order = np.argsort(-self._counts.sum(axis=(1, 2)), kind="stable")[:most]
        names = self.icao
        return [names[row] for row in order.tolist()]

    def rows_of(self, icao: Sequence[str]) -> NDArray[np.int64]:
        """The row of each airport, -1 where nothing was learned of it."""
        return np.array([self._row_of.get(each, -1) for each in icao], np.int64)

    def to_blob(self) -> bytes:
        """All of it, to be kept."""
        codes = np.zeros((len(self), _CODE_BYTES), np.uint8)
        for row, name in enumerate(self._row_of):
            code = name.encode()[:_CODE_BYTES]
            codes[row, : len(code)] = np.frombuffer(code, np.uint8)
        return pack_columns(
            {
                "form": np.array([_FORM, self.learned_to_s], np.int64),
                "icao": codes,
                "counts": self._counts.astype(np.float32),
                "unseen": self._unseen.astype(np.float32),
                "seen": self._seen,
            }
        )

    def load(self, blob: bytes) -> None:
        """Go on from what `to_blob` gave. Raises StoreError where it cannot be read."""
        columns = unpack_columns(blob)
        try:
            form = columns["form"]
            codes = [bytes(row).rstrip(b"\0").decode() for row in columns["icao"]]
            shapes = {
                "counts": (len(codes), len(KINDS), _QUARTERS),
                "unseen": (len(codes), len(KINDS), LEADS.size),
                "seen": (_QUARTERS,),
            }
            sound = form.shape == (2,) and form[0] == _FORM and len(codes) <= _MOST_AIRPORTS
            sound = sound and len(set(codes)) == len(codes)
            for name, shape in shapes.items():
                given = columns[name]
                sound = sound and given.shape == shape and bool(np.isfinite(given).all())
        except (LookupError, ValueError) as error:
            raise StoreError(f"what was learned of airports cannot be read: {error!r}") from error
        if not sound:
            raise StoreError("what was learned of airports is of another version: learned anew")
        self._row_of = {name: row for row, name in enumerate(codes)}
        self._counts = columns["counts"].astype(np.float64)
        self._unseen = columns["unseen"].astype(np.float64)
        self._seen = columns["seen"].astype(np.float64)
        self.learned_to_s = int(form[1])

    def _count(self, rows: list[tuple[str, int, str, int]]) -> None:
        row = np.array([self._row_of[airport] for _, _, airport, _ in rows], np.int64)
        kind = np.array([KINDS.index(kind) for kind, _, _, _ in rows], np.int64)
        time_s = np.array([time_s for _, time_s, _, _ in rows], np.int64)
        known_s = np.array([known_s for _, _, _, known_s in rows], np.int64)
        np.add.at(self._counts, (row, kind, self._local.quarter_of_week(time_s)), 1.0)
        # In the middle of its bin, as far as anybody knows.
        for lead, lead_s in enumerate(LEADS.tolist()):
            late = known_s > time_s - lead_s - BIN_S // 2
            np.add.at(self._unseen, (row[late], kind[late], lead), 1.0)

    def _weights(self, asked: NDArray[np.int64]) -> NDArray[np.float64]:
        """What a movement in each quarter of the week counts for in those asked, (quarters, t)."""
        every = np.arange(_QUARTERS)[:, None]
        at_that_time = every % _OF_DAY == asked % _OF_DAY
        alike = _kind_of(every) == _kind_of(asked)
        in_that_hour = alike & (every % _OF_DAY // _OF_HOUR == asked % _OF_DAY // _OF_HOUR)
        weights = (at_that_time & alike) + (_SAME_DAY - 1.0) * (every == asked)
        seen = self._seen @ weights
        for beside, part in ((_DAYS_BESIDE, at_that_time), (_HOUR_BESIDE, in_that_hour)):
            weights += beside * part / np.maximum(self._seen @ part, _LEAST_SEEN)
        return np.asarray(weights / (seen + _DAYS_BESIDE + _HOUR_BESIDE))

    def _make_room(self) -> None:
        more = len(self._row_of) - self._counts.shape[0]
        if more > 0:
            self._counts = np.concatenate([self._counts, np.zeros((more, len(KINDS), _QUARTERS))])
            self._unseen = np.concatenate([self._unseen, np.zeros((more, len(KINDS), LEADS.size))])

    def _taken(self, values: NDArray[np.float64], rows: NDArray[np.integer]) -> NDArray[np.float64]:
        if not values.shape[0]:
            return np.zeros((len(rows), *values.shape[1:]))
        found = values[np.maximum(rows, 0)]
        found[np.asarray(rows) < 0] = 0.0
        return np.asarray(found)


def _kind_of(quarter: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which quarters of the week are of days alike: 0 from Monday to Friday, Saturdays, Sundays."""
    return np.maximum(quarter // _OF_DAY - _FRIDAY, 0)
