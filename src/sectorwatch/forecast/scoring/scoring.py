"""Every forecast issued, kept and scored when its time comes: the object that a program has."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.forecast.horizon import BIN_S, LEADS, LONGEST_S
from sectorwatch.forecast.kept import Readable, keep_issued, kept_issues
from sectorwatch.forecast.scoring.accuracy import Accuracy, accuracy_of
from sectorwatch.forecast.scoring.ledger import DAYS, Ledger
from sectorwatch.forecast.scoring.minutes import MINUTE_S, RecentMinutes
from sectorwatch.forecast.scoring.scored import Scored, scored_of, told
from sectorwatch.forecast.scoring.waiting import Waiting
from sectorwatch.observe import Telemetry
from sectorwatch.traffic.demand import known_minutes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.scoring.ledger import LocalHours
    from sectorwatch.forecast.scoring.promises import Promises
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Gap, Tick

__all__ = ["Scoring"]

_RECENT_S = 2 * 3_600
_CHUNK_S = 2 * 3_600
_RESUMED_S = 12 * 3_600
_SAVE_EVERY_S = 3_600


class Scoring:
    """Keeps what is issued for the sectors `sector_id`, and scores it against what then is.

    `issued`, `observe`, `resume` and `save` belong to one thread, `confidence`, `accuracy` and
    `recent` may be asked by any. Given no store, it keeps nothing and knows of no time in which it
    saw no tick; that is for back-tests.
    """

    def __init__(
        self,
        sector_id: NDArray[np.int64],
        local: LocalHours,
        *,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.sector_id = np.asarray(sector_id, np.int64)
        self._row_of = {number: row for row, number in enumerate(self.sector_id.tolist())}
        self._lead_of = {int(lead_s): number for number, lead_s in enumerate(LEADS)}
        self._ledger = Ledger(self.sector_id, local)
        self._minutes = RecentMinutes(self.sector_id)
        self._waiting = Waiting()
        self._recent: deque[tuple[int, Scored]] = deque()
        self._gaps: list[Gap] = []
        self._seq: int | None = None
        # From then on every tick was seen.
        self._seen_from_s = 0
        self.scored_to_s: int | None = None
        """Every bin that ended until then is scored; None before any is."""
        self._saved_to_s: int | None = None
        self._lock = threading.Lock()
        self.readable = Readable(telemetry)
        self._measures = _Measures(telemetry or Telemetry.null())

    def issued(self, issued: Issued, store: Store | None = None) -> bool:
        """Keeps an issue and has it wait for its time.

        False where one of that moment was kept before: then that one counts, and this one is not
        scored. Raises DatabaseAwayError where it could not be kept: call it again.
        """
        if store is not None and not keep_issued(store.forecasts, issued):
            return False
        self._waiting.add(issued)
        return True

    def observe(self, tick: Tick, store: Store | None = None) -> Scored | None:
        """Takes the minutes that became final with a tick; gives what was scored by them, if any.

        Ticks may be left out: of the time between, minutes are read from the store. Raises
        DatabaseAwayError where they cannot be; the next tick makes up for it.
        """
        if tick.gap is not None:
            self._gaps.append(tick.gap)
        final_s = tick.final_minute_s
        if final_s is None:
            # The first ticks of all: the minutes to come begin with the first.
            if self._minutes.next_s is None:
                self._seen_from_s = -(-(tick.time_us // 1_000_000) // MINUTE_S) * MINUTE_S
                self._minutes.begin(self._seen_from_s)
            self._seq = tick.seq
            return None
        parts: list[Scored] = []
        next_s = self._minutes.next_s
        if self._seq is None or tick.seq != self._seq + 1:
            # Until then there may be a gap that one of the ticks that went by told of.
            self._seen_from_s = tick.time_us // 1_000_000
        if next_s is None or next_s < self._seen_from_s:
            parts += self._catch_up(final_s + MINUTE_S, store)
        else:
            self._take(tick, final_s + MINUTE_S)
        self._seq = tick.seq
        parts += self._score()
        self._measures.say(self._ledger)
        if not parts:
            return None
        if store is not None and self._is_due():
            self.save(store)
        return Scored.join(parts)

    def confidence(self, sector_id: int, lead_s: int) -> float:
        """The share of a sector's forecasts at a lead that were near the truth, 0..1.

        As the contract says; 0.0 before any is scored, and for a sector or lead that nobody knows.
        """
        row, lead = self._row_of.get(sector_id), self._lead_of.get(lead_s)
        if row is None or lead is None:
            return 0.0
        with self._lock:
            return float(self._ledger.confidence()[row, lead])

    def promises(self) -> Promises | None:
        """How probabilities of more than the capacity are set right where plans are forecast from.

        None before any day has figures.
        """
        with self._lock:
            return self._ledger.promises()

    def accuracy(self, sector_id: int | None = None, *, days: int = DAYS) -> Accuracy:
        """How the forecasts of the last `days` days fared: of one sector, or of all."""
        with self._lock:
            figures, of_days = self._ledger.total(days)
        row = None if sector_id is None else self._row_of.get(sector_id, -1)
        return accuracy_of(figures, of_days, row, self.scored_to_s)

    def recent(self) -> Scored | None:
        """What was scored in the last two hours, oldest first; None where nothing was."""
        parts = [scored for _, scored in list(self._recent)]
        return Scored.join(parts) if parts else None

    def error_ratios(self) -> dict[int, float]:
        """The error of the last hours over the usual one, by horizon in seconds; see `drop`."""
        with self._lock:
            return self._ledger.drop.ratios()

    def resume(self, store: Store) -> None:
        """Goes on where another left off: its figures, and the issues that wait still.

        Rows that cannot be read are left out. Raises DatabaseAwayError.
        """
        kept = store.forecasts.scores("sectors", 0)
        with self._lock:
            self._ledger.load(kept, self.readable)
        scored_to_s = max((each.scored_to_s for each in kept), default=None)
        self.scored_to_s = self._saved_to_s = scored_to_s
        self._waiting = Waiting()
        self._seq = None
        newest_s = store.forecasts.newest("sectors")
        if newest_s is None:
            return
        from_s = newest_s - _RESUMED_S
        if scored_to_s is not None:
            from_s = max(from_s, scored_to_s - LONGEST_S - BIN_S)
        for issued in kept_issues(store.forecasts, from_s, newest_s + 1, readable=self.readable):
            self._waiting.add(issued, after_s=scored_to_s)

    def save(self, store: Store) -> None:
        """Keeps the figures as they are now. Raises DatabaseAwayError: it may be tried again."""
        if self.scored_to_s is None:
            return
        self._ledger.keep(store.forecasts, "sectors", self.scored_to_s)
        self._saved_to_s = self.scored_to_s

    def _is_due(self) -> bool:
        if self.scored_to_s is None:
            return False
        if self._saved_to_s is None:
            self._saved_to_s = self.scored_to_s
        return self.scored_to_s - self._saved_to_s >= _SAVE_EVERY_S

    def _take(self, tick: Tick, end_s: int) -> None:
        start_s = self._minutes.next_s
        if start_s is None or end_s <= start_s:
            return
        known = known_minutes(
            start_s, end_s, first_s=start_s, final_minute_s=tick.final_minute_s, gaps=self._gaps
        )
        self._minutes.add(known, tick.demand)
        self._gaps = [each for each in self._gaps if each.end_s > end_s]

    def _catch_up(self, end_s: int, store: Store | None) -> list[Scored]:
        """Reads what was missed from the store, as far as any forecast waits for it."""
        span, next_s = self._waiting.span_s(), self._minutes.next_s
        parts: list[Scored] = []
        if span is not None and store is not None:
            start_s = max(span[0], next_s or span[0])
            if next_s is None or start_s > next_s:
                self._minutes.begin(start_s)
            until_s = min(end_s, span[1])
            for from_s in range(start_s, until_s, _CHUNK_S):
                to_s = min(from_s + _CHUNK_S, until_s)
                found = store.history.demand(self.sector_id.tolist(), from_s, to_s)
                self._minutes.put(found.known, found.occupancy)
                parts += self._score()
        next_s = self._minutes.next_s
        if next_s is None or next_s < end_s:
            unknown = 0 if next_s is None else (end_s - next_s) // MINUTE_S
            if next_s is None:
                self._minutes.begin(end_s)
            else:
                nothing = np.zeros((self.sector_id.size, unknown), np.int32)
                self._minutes.put(np.zeros(unknown, np.bool_), nothing)
        self._gaps = [each for each in self._gaps if each.end_s > end_s]
        return parts

    def _score(self) -> list[Scored]:
        end_s = self._minutes.next_s
        due = [] if end_s is None else self._waiting.due(end_s)
        if end_s is None or not due:
            return []
        truth_of = {start_s: self._minutes.means(start_s) for start_s in {each[0] for each in due}}
        parts = []
        for start_s, issued, lead in due:
            rows = self._rows(issued)
            ours = rows >= 0
            truth = np.where(ours, truth_of[start_s][rows], np.nan).astype(np.float32)
            parts.append(told(issued, lead, rows, truth))
        scored = scored_of(parts)
        if (scored.row < 0).any():
            scored = scored.where(scored.row >= 0)
        now_s = max(start_s for start_s, _, _ in due) + BIN_S
        with self._lock:
            self._ledger.add(scored, now_s)
        self.scored_to_s = max(now_s, self.scored_to_s or now_s)
        self._measures.count(scored)
        self._recent.append((now_s, scored))
        while self._recent[0][0] <= now_s - _RECENT_S:
            self._recent.popleft()
        return [scored]

    def _rows(self, issued: Issued) -> NDArray[np.intp]:
        """Where the sectors of an issue are among ours; -1 for those that are not."""
        if issued.sector_id is self.sector_id or np.array_equal(issued.sector_id, self.sector_id):
            return np.arange(self.sector_id.size)
        return np.array([self._row_of.get(each, -1) for each in issued.sector_id.tolist()], np.intp)


class _Measures:
    """What scoring tells of itself: how much it scored, and how the last hours went."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._metrics = telemetry.metrics
        self._scored = self._metrics.counter("forecasts_scored_total")
        self._unscored = self._metrics.counter("forecasts_unscored_total")

    def count(self, scored: Scored) -> None:
        """These were scored, or their truth will never be known."""
        known = int(np.isfinite(scored.truth).sum())
        self._scored.inc(known)
        self._unscored.inc(len(scored) - known)

    def say(self, ledger: Ledger) -> None:
        """Says how the last hours went, each time: a rule takes what is old for nothing."""
        for lead_s, ratio in ledger.drop.ratios().items():
            tags = {"horizon": f"{lead_s // 3_600}h"}
            self._metrics.gauge("forecast_error_ratio", tags, "ratio").set(ratio)
