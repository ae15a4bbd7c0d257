"""Every statement that is run, by what it has in common with others.

Recording looks a text up, appends one tuple to a list and does nothing else; figures, metrics and
what was asked twice come of it in batches. Values that statements were asked with are compared by
their hash, and the last few of each kept in memory so that an index can be tried out on a copy:
they are never written, logged or shown.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.correlation import correlation_id, current_span
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import LogCategory, LogLevel, PerformanceMetric
from sectorwatch.observe.performance import metric_name
from sectorwatch.observe.spans import next_span
from sectorwatch.observe.statements.known import Known, Run, Sample
from sectorwatch.observe.statements.normal import normal_form, without_lists
from sectorwatch.observe.statements.scope import CURRENT, StatementScope

if TYPE_CHECKING:
    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.spans import SpanRing
    from sectorwatch.observe.statements.figures import StatementFigures
    from sectorwatch.observe.statements.study import StatementStudy

__all__ = ["StatementLog"]

_FOREVER_S = 1e9
_LONG_TEXT = 8_000
_MOST_TEXT_CHARACTERS = 2_000_000
_FOLD_AT = 256
_MOST_WAITING = 8_192
_MOST_RUNS_A_SCOPE = 20_000
# One that asks ten thousand times in a loop must not push every other trace out.
_MOST_SPANS_A_SCOPE = 200
_TOLD_EVERY_S = 60.0
_MOST_COMPARED = 64
_MOST_KEPT_CHARACTERS = 1_000
_PLAIN = frozenset({int, float, bool, type(None)})
_TEXTS = frozenset({str, bytes})
_LOOP_FROM = 8
_MOST_WATCHED = 20
_WATCHED = "database_watched_statement_seconds"
_ELSEWHERE = ("query", "store")


class StatementLog:
    """Takes statements from any thread, and says what they come to; never raises, never waits.

    At most `most` different statements are kept; those past that are counted as one, "other". What
    was not kept is counted in `drops`.
    """

    is_on = True
    """Whether it is worth telling it anything."""

    def __init__(self, metrics: MetricsCollector, *, most: int = 400) -> None:
        self._metrics = metrics
        self._now_s = metrics.now_s
        self._most = most
        self._known: dict[tuple[str, str], Known] = {}
        self._texts: dict[tuple[str, str], Known] = {}
        self._text_characters = 0
        self._waiting: list[Run] = []
        self._ended: list[tuple[StatementScope, list[Run]]] = []
        self._runs_ended = 0
        self._learning = threading.Lock()
        self._folding = threading.Lock()
        self._operation_series: dict[tuple[str, str], int] = {}
        self.drops = Drops()
        self.slow_s = 1.0
        self.log: StructuredLogger | None = None
        """Where a statement that takes `slow_s` or longer gets a line, once in a minute each."""
        self.spans: SpanRing | None = None
        """Where what is run under a correlation id becomes a span, too."""
        # Watched before this start: what became of them is to be seen after it.
        self._watched = {
            tags.get("statement", "") for tags, _ in metrics.series.ids_of(_WATCHED).values()
        }
        self.study: StatementStudy | None = None
        """Who looks into them, where somebody does."""
        metrics.before_drain.append(self.fold)
        metrics.drop_sources["statements"] = self.drops

    def during(self, operation: str, service: str) -> StatementScope:
        """A `with` block: the statements run in it are of one go of this operation."""
        return StatementScope(self, operation, service)

    def record(
        self,
        database: str,
        text: str,
        parameters: Any,
        seconds: float,
        *,
        rows: int = -1,
        executions: int = 1,
        failed: bool = False,
    ) -> None:
        """Keep one statement that was run on a kind of `database`.

        `parameters` are looked at where it was executed once; `rows` is -1 where the driver does
        not say.
        """
        try:
            if not 0.0 <= seconds < _FOREVER_S:
                self.drops.count("bad_statement")
                return
            is_long = len(text) > _LONG_TEXT
            if is_long:
                # Mostly a list of values: not worth remembering as it is.
                text = without_lists(text)
            known = self._texts.get((database, text)) or self._learn(database, text)
            digest = None
            sample = None
            if executions == 1 and known.keeps and _is_small(parameters):
                digest = hash(parameters) if known.reads else None
                if not is_long:
                    sample = (text, parameters)
            run = (known, seconds, rows, executions, failed, digest, sample)
            scope = CURRENT.get()
            self._note(scope, known, seconds, failed=failed)
            if scope is not None and not scope.is_over:
                if len(scope.runs) < _MOST_RUNS_A_SCOPE:
                    scope.runs.append(run)
                    return
                self.drops.count("scope_full")
            waiting = self._waiting
            if len(waiting) >= _MOST_WAITING:
                self.drops.count("too_many_waiting")
                return
            waiting.append(run)
            if len(waiting) >= _FOLD_AT:
                self._fold_some()
        except Exception:  # noqa: BLE001 - observation never breaks what it observes
            self.drops.count("bad_statement")

    def _note(
        self, scope: StatementScope | None, known: Known, seconds: float, *, failed: bool
    ) -> None:
        """Have it stand in the trace of what it was run for, and in the log where it was slow.

        With its text, and without a value.
        """
        if seconds >= self.slow_s and self.log is not None:
            self._tell_of(self.log, known, seconds)
        spans = self.spans
        if spans is None or (scope is not None and len(scope.runs) >= _MOST_SPANS_A_SCOPE):
            return
        belongs_to = correlation_id()
        if belongs_to:
            spans.keep(
                (
                    belongs_to,
                    next_span(),
                    current_span(),
                    known.database,
                    known.span_name,
                    spans.monotonic_s() - seconds,
                    seconds,
                    "failed" if failed else "ok",
                    known.span_about,
                )
            )

    def _tell_of(self, log: StructuredLogger, known: Known, seconds: float) -> None:
        now_s = self._now_s()
        if abs(now_s - known.told_s) >= _TOLD_EVERY_S:
            known.told_s = now_s
            log.log_operation(
                "slow_statement",
                LogLevel.WARNING,
                LogCategory.DATABASE,
                service="store",
                duration=seconds,
                database=known.database,
                **known.span_about,
            )

    def ended(self, scope: StatementScope) -> None:
        """Take over what ran in a scope; called by it."""
        runs, scope.runs = scope.runs, []
        if self._runs_ended >= _MOST_WAITING:
            self.drops.count("too_many_waiting", len(runs))
            return
        self._ended.append((scope, runs))
        self._runs_ended += len(runs)
        if self._runs_ended >= _FOLD_AT:
            self._fold_some()

    # Questions.

    def statements(self) -> list[StatementFigures]:
        """Every statement since the program started, the one that took longest in all first."""
        self.fold()
        with self._folding:
            found = [one.figures() for one in self._known.values() if one.count]
        return sorted(found, key=lambda each: each.total_s, reverse=True)

    def samples(self, statement_id: str) -> list[Sample]:
        """The last few times that a statement was asked, oldest first, with the values: private."""
        with self._folding:
            for one in self._known.values():
                if one.id == statement_id:
                    return [Sample(*each) for each in one.samples]
        return []

    def watch(self, statement_id: str) -> None:
        """Keep each run of a statement as a metric of its own, from now on; for a few of them.

        `database_watched_statement_seconds` shows what became of it once something was changed.
        """
        with self._folding:
            watched = sum(one.watched_id > 0 for one in self._known.values())
            for one in self._known.values():
                if one.id == statement_id and not one.watched_id and watched < _MOST_WATCHED:
                    self._watch(one)

    # Inside.

    def _watch(self, one: Known) -> None:
        one.watched_id = self._metrics.series_id(
            _WATCHED, {"statement": one.id}, "seconds", "timing"
        )

    def fold(self) -> None:
        """Make figures of what waits."""
        with self._folding:
            self._fold()

    def _fold_some(self) -> None:
        if self._folding.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._folding.release()

    def _fold(self) -> None:
        try:
            waiting = self._waiting[:]
            del self._waiting[: len(waiting)]
            ended = self._ended[:]
            del self._ended[: len(ended)]
            self._runs_ended = 0
            now_s = self._now_s()
            samples: list[tuple[int, float, float]] = []
            if waiting:
                self._take(waiting, *_ELSEWHERE, 1, now_s, samples)
            for (operation, service), goes in _by_operation(ended).items():
                together = [run for _, runs in goes for run in runs]
                self._take(together, operation, service, 0, now_s, samples)
                self._look_at(goes)
            if samples:
                self._metrics.keep_batch(samples)
        except Exception:  # noqa: BLE001 - as for record
            self.drops.count("fold_failed")

    def _take(
        self,
        runs: list[Run],
        operation: str,
        service: str,
        goes: int,
        now_s: float,
        samples: list[tuple[int, float, float]],
    ) -> None:
        series_id = self._series(operation, service)
        for known, its in _by_statement(runs).items():
            spent_s, count = known.take(its, now_s)
            samples += [(series_id, now_s, run[1]) for run in its]
            if known.series_id:
                samples += [(known.series_id, now_s, run[1]) for run in its]
            if known.watched_id:
                samples += [(known.watched_id, now_s, run[1]) for run in its]
            use = known.use(operation, service)
            use.count += count
            use.goes += goes
            use.seconds += spent_s

    def _look_at(self, goes: list[tuple[StatementScope, list[Run]]]) -> None:
        """Count in how many goes of one operation each statement was, and look for loops."""
        of_each: Tally[Known] = Tally()
        for scope, runs in goes:
            statements = {run[0] for run in runs}
            of_each.update(statements)
            if len(statements) < len(runs):
                self._look_for_loops(scope, runs)
        scope = goes[0][0]
        for known, count in of_each.items():
            known.use(scope.operation, scope.service).goes += count

    def _look_for_loops(self, scope: StatementScope, runs: list[Run]) -> None:
        asked_anew = _by_statement(_told_apart(runs))
        for known, its in _by_statement(runs).items():
            if len(its) == 1:
                continue
            use = known.use(scope.operation, scope.service)
            about = (scope.duration_s, scope.correlation_id)
            again, spent_s, seen = 0, 0.0, set()
            for run in asked_anew[known]:
                if run[5] in seen:
                    again += 1
                    spent_s += run[1]
                elif run[5] is not None:
                    seen.add(run[5])
            if again:
                use.add_repeats(again, spent_s, *about)
            # Of writes nothing is compared: however often, one executemany could do them.
            different = (
                len({run[5] for run in its if run[5] is not None})
                if known.reads
                else sum(run[3] == 1 for run in its)
            )
            if different >= _LOOP_FROM:
                use.add_loop(len(its), sum(run[1] for run in its), *about)

    def _learn(self, database: str, text: str) -> Known:
        """The statement that a text not met before is one of."""
        normal = normal_form(text)
        with self._learning:
            key = (database, normal)
            known = self._known.get(key)
            if known is None:
                if len(self._known) >= self._most:
                    self.drops.count("statement_limit")
                    key = (database, "other")
                known = self._known.get(key)
            if known is None:
                known = Known(*key, self._now_s())
                tags = {"database": database, "verb": known.verb}
                known.series_id = self._metrics.series_id(
                    "database_statement_seconds", tags, "seconds", "timing"
                )
                if known.id in self._watched:
                    self._watch(known)
                self._known[key] = known
            self._text_characters += len(text)
            if self._text_characters > _MOST_TEXT_CHARACTERS:
                self._texts.clear()
                self._text_characters = len(text)
            self._texts[(database, text)] = known
            return known

    def _series(self, operation: str, service: str) -> int:
        found = self._operation_series.get((operation, service))
        if found is None:
            found = self._metrics.series_id(
                metric_name(PerformanceMetric.DATABASE_QUERY_TIME),
                {"operation": operation, "service": service},
                "seconds",
                "timing",
            )
            if len(self._operation_series) < self._most:
                self._operation_series[(operation, service)] = found
        return found


def _by_operation(
    ended: list[tuple[StatementScope, list[Run]]],
) -> dict[tuple[str, str], list[tuple[StatementScope, list[Run]]]]:
    """What ended, all goes of an operation together: so each statement is looked at once."""
    found: dict[tuple[str, str], list[tuple[StatementScope, list[Run]]]] = {}
    for each in ended:
        found.setdefault((each[0].operation, each[0].service), []).append(each)
    return found


def _told_apart(runs: list[Run]) -> list[Run]:
    """The runs, the same question being another one once what it asks was written to."""
    if not any(run[0].writes for run in runs):
        return runs
    written: Tally[str] = Tally()
    told: list[Run] = []
    for run in runs:
        known, digest = run[0], run[5]
        if known.writes:
            written.update((*known.tables[:1], ""))
        elif digest is not None:
            # Of a question that names no table nobody knows what it asks.
            since = tuple(written[table] for table in known.tables or ("",))
            told.append((*run[:5], hash((digest, since)), run[6]))
            continue
        told.append(run)
    return told


def _by_statement(runs: list[Run]) -> dict[Known, list[Run]]:
    found: dict[Known, list[Run]] = {}
    for run in runs:
        its = found.get(run[0])
        if its is None:
            found[run[0]] = [run]
        else:
            its.append(run)
    return found


def _is_small(parameters: Any) -> bool:
    """Whether values can be compared and kept at no cost worth speaking of."""
    if parameters.__class__ is not tuple or len(parameters) > _MOST_COMPARED:
        return False
    for value in parameters:
        kind = value.__class__
        if kind in _PLAIN:
            continue
        if kind not in _TEXTS or len(value) > _MOST_KEPT_CHARACTERS:
            return False
    return True
