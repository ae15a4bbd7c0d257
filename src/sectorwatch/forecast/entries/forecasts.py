"""Estimates of entries as a program has them: the newest, what is kept of them, how they fared.

What is kept is a sample: every 15 min, and of that issue the flight and sector pairs with the
lowest hashes, a thousand at the most, so that a pair once chosen is followed as it comes nearer.
They are scored 4 h 20 min later, by the visits that are kept then.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.forecast.entries.accuracy import NOBODY_KNOWS, EntryFigures
from sectorwatch.forecast.entries.errors_seen import ErrorsSeen
from sectorwatch.forecast.entries.estimates import EntryEstimates, entry_estimates
from sectorwatch.forecast.horizon import LONGEST_S
from sectorwatch.forecast.situation import UNKNOWN
from sectorwatch.store.columns import pack_columns, unpack_columns
from sectorwatch.store.forecasts import Kept, Scores
from sectorwatch.store.segments import DAY_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.entries.accuracy import LookAheadAccuracy
    from sectorwatch.forecast.plans import EntryOutlook
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.store import Store

__all__ = ["KEPT_EVERY_S", "MOST_KEPT", "EntryForecasts"]

KEPT_EVERY_S = 900
MOST_KEPT = 1_000
DAYS = 28
_GRACE_S = 900
"""An entry so much later than 4 h counts still: intervals reach there."""
_FINAL_S = 300
"""Visits that began so long ago are known."""
_STATE = "entries"
_MOST_WAITING = 200
"""Samples: some two days of them wait for the database, 20 kB each."""


class EntryForecasts:
    """Estimates of entries into the sectors `sector_id`; written by one thread, read by any."""

    def __init__(self, sector_id: NDArray[np.int64]) -> None:
        self._sector_id = np.asarray(sector_id, np.int64)
        self.latest: EntryEstimates | None = None
        self._seen = ErrorsSeen()
        self._days: dict[int, EntryFigures] = {}
        self.scored_to_s: int | None = None
        """The moment of the last issue that was scored; None before any."""
        self._noted_mark: int | None = None
        self._to_keep: deque[Kept] = deque(maxlen=_MOST_WAITING)
        self._lock = threading.Lock()

    def issue(
        self, situation: Situation, outlook: EntryOutlook, *, model: str = "", seq: int = 0
    ) -> EntryEstimates:
        """The estimates of a moment, which are `latest`; a sample waits to be kept, where due."""
        told = self.latest = entry_estimates(situation, outlook, self._seen)
        mark = told.as_of_s // KEPT_EVERY_S
        if mark != self._noted_mark:
            content = self._packed(told.take(self._sample(told)))
            self._to_keep.append(Kept(told.as_of_s, seq, model, content))
            self._noted_mark = mark
        return told

    def keep(self, store: Store) -> int:
        """Keeps the samples that wait, each of its moment; how many were new.

        Raises DatabaseAwayError: what is not kept then goes on waiting, some two days of it.
        """
        count = 0
        while self._to_keep:
            as_of_s, seq, model, content = self._to_keep[0]
            count += store.forecasts.keep("entries", as_of_s, model, content, seq=seq)
            self._to_keep.popleft()
        return count

    def score(self, store: Store, now_s: int) -> int:
        """Scores what is due, oldest first; how many estimates that were. DatabaseAwayError.

        What an issue, an hour of issues at a time, is held against is read from the store.
        """
        due_s = now_s - LONGEST_S - _GRACE_S - _FINAL_S
        from_s = (self.scored_to_s or 0) + 1
        issues = store.forecasts.kept("entries", from_s, due_s + 1)[: 3_600 // KEPT_EVERY_S]
        if not issues:
            return 0
        first_s, last_s = issues[0].as_of_s, issues[-1].as_of_s + LONGEST_S + _GRACE_S
        truth = _Entries(store, self._sector_id, first_s, last_s)
        count = 0
        changed: set[int] = set()
        for each in issues:
            try:
                told = self._unpacked(each.content, each.as_of_s)
            except StoreError:
                # Damaged, or of another version: it says nothing of how good estimates are.
                continue
            entered_s = truth.after(told)
            day_s = each.as_of_s // DAY_S * DAY_S
            changed.add(day_s)
            with self._lock:
                self._days.setdefault(day_s, EntryFigures()).add(told, entered_s)
            known = entered_s != NOBODY_KNOWS
            self._seen.add(
                each.as_of_s,
                told.stage[known],
                told.plan_s[known],
                told.plan_p[known],
                entered_s[known],
            )
            count += len(told)
        self.scored_to_s = issues[-1].as_of_s
        oldest_s = max(self._days, default=0) - (DAYS - 1) * DAY_S
        with self._lock:
            self._days = {day: each for day, each in self._days.items() if day >= oldest_s}
        store.forecasts.keep_state(_STATE, self.scored_to_s, self._seen.to_blob())
        for day_s in sorted(changed & self._days.keys()):
            scores = Scores(day_s, self.scored_to_s, self._days[day_s].to_blob())
            store.forecasts.keep_scores("entries", [scores], from_day_s=oldest_s)
        return count

    def resume(self, store: Store) -> None:
        """Goes on where another left off. Raises DatabaseAwayError."""
        state = store.forecasts.state(_STATE)
        kept = store.forecasts.scores("entries", 0)
        days = {}
        seen = ErrorsSeen()
        try:
            if state is not None:
                seen = ErrorsSeen.from_blob(state[1])
            days = {each.day_s: EntryFigures.from_blob(each.figures) for each in kept}
        except StoreError:
            # Of another version: what it said was of other classes. It is learned anew in hours.
            seen, days = ErrorsSeen(), {}
        with self._lock:
            self._seen, self._days = seen, days
        self.scored_to_s = None if state is None else state[0]

    def accuracy(self, days: int = DAYS) -> list[LookAheadAccuracy]:
        """How the estimates of the last days fared, by stage and look-ahead."""
        total = EntryFigures()
        with self._lock:
            newest_s = max(self._days, default=0)
            for day_s, figures in self._days.items():
                if day_s > newest_s - days * DAY_S:
                    total.sums += figures.sums
        return total.read()

    def _sample(self, told: EntryEstimates) -> NDArray[np.intp]:
        """The rows with the lowest hashes of flight and sector."""
        number = self._sector_id[told.sector].astype(np.uint64)
        mixed = (told.flight_id.astype(np.uint64) ^ number) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        if mixed.size <= MOST_KEPT:
            return np.arange(mixed.size)
        return np.sort(np.argpartition(mixed, MOST_KEPT)[:MOST_KEPT])

    def _packed(self, told: EntryEstimates) -> bytes:
        after = [told.entry_s - told.as_of_s, told.plan_s - told.as_of_s]
        ids, which = np.unique(self._sector_id[told.sector], return_inverse=True)
        return pack_columns(
            {
                "sector_id": ids,
                "flight_id": told.flight_id,
                "sector": which.astype(np.int32),
                "stage": told.stage,
                "probability": told.probability,
                "plan_p": told.plan_p,
                "entry_after_s": after[0].T.astype(np.int32),
                "plan_after_s": after[1].T.astype(np.int32),
            },
            {"probability": "probability", "plan_p": "probability"},
        )

    def _unpacked(self, content: bytes, as_of_s: int) -> EntryEstimates:
        """What was told, as far as our sectors go. Raises StoreError where it cannot be read."""
        columns = unpack_columns(content)
        try:
            row_of = {number: row for row, number in enumerate(self._sector_id.tolist())}
            rows = np.array([row_of.get(each, -1) for each in columns["sector_id"].tolist()], int)
            sector = rows[columns["sector"]] if rows.size else np.empty(0, np.int64)
            ours = np.flatnonzero(sector >= 0)
            return EntryEstimates(
                as_of_s=as_of_s,
                flight_id=columns["flight_id"][ours],
                stage=columns["stage"][ours],
                sector=sector[ours].astype(np.int32),
                probability=columns["probability"][ours],
                plan_p=columns["plan_p"][ours],
                entry_s=columns["entry_after_s"].T[ours].astype(np.int64) + as_of_s,
                plan_s=columns["plan_after_s"].T[ours].astype(np.int64) + as_of_s,
                known=np.empty(0, np.int64),
            )
        except (LookupError, ValueError) as error:
            raise StoreError(f"estimates as of {as_of_s} cannot be read: {error!r}") from error


class _Entries:
    """Who entered which sector when, in a period, looked up by flight and sector."""

    def __init__(self, store: Store, sector_id: NDArray[np.int64], from_s: int, to_s: int) -> None:
        parts = [each[:3] for each in store.history.visits(from_s, to_s + 1)]
        flight_id, number, entry_s = (
            np.concatenate([np.empty(0, np.int64), *(part[n] for part in parts)]) for n in range(3)
        )
        row = rows_of(sector_id, number)
        ours = np.flatnonzero(row >= 0)
        self._flight_id, flight = np.unique(flight_id[ours], return_inverse=True)
        self._sectors = max(int(sector_id.size), 1)
        self._from_s, self._span_s = from_s - 1, to_s - from_s + 2
        self._keys = np.sort(self._key(flight, row[ours], entry_s[ours]))
        known = store.network.known(from_s, to_s)
        self._gap_s = np.array([gap.start_s for gap in known.gaps], np.int64)
        self._gap_end_s = np.array([gap.end_s for gap in known.gaps], np.int64)

    def after(self, told: EntryEstimates) -> NDArray[np.int64]:
        """When each pair entered after the moment; UNKNOWN: never, NOBODY_KNOWS: feeds stalled."""
        end_s = told.as_of_s + LONGEST_S + _GRACE_S
        flight = rows_of(self._flight_id, told.flight_id)
        # Entries in the order of flight, sector, time; the next one is of the same two, or of none.
        after = self._key(flight, told.sector, np.full(len(told), told.as_of_s + 1))
        last = self._key(flight, told.sector, np.full(len(told), end_s))
        at = np.searchsorted(self._keys, after)
        found = self._keys[np.minimum(at, self._keys.size - 1)] if self._keys.size else after - 1
        same = (flight >= 0) & (found >= after) & (found <= last)
        entered_s = np.where(same, found % self._span_s + self._from_s, UNKNOWN)
        stalls = self._gap_s[(self._gap_end_s > told.as_of_s) & (self._gap_s < end_s)]
        if stalls.size:
            # What was before the stall is known; of all else nobody knows when, or whether.
            first_s = int(stalls.min())
            entered_s = np.where((entered_s >= 0) & (entered_s <= first_s), entered_s, NOBODY_KNOWS)
        return entered_s

    def _key(
        self, flight: NDArray[np.int64], sector: NDArray[np.integer], time_s: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        pair = flight.astype(np.int64) * self._sectors + sector
        return np.asarray(pair * self._span_s + (time_s - self._from_s))


def rows_of(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of `wanted` is in `ids`, UNKNOWN where it is not."""
    if not ids.size:
        return np.full(wanted.shape, UNKNOWN, np.int64)
    order = np.argsort(ids)
    at = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), ids.size - 1)]
    return np.where(ids[at] == wanted, at, UNKNOWN)
