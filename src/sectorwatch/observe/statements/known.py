"""One statement as it is kept: its figures so far, and the last values it was asked with."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from math import exp
from math import log as _log
from typing import Any

from sectorwatch.observe.statements.figures import Loop, Repeats, StatementFigures, StatementUse
from sectorwatch.observe.statements.normal import tables_of, verb_of

__all__ = ["Known", "Run", "Sample", "Use"]

Run = tuple["Known", float, int, int, bool, int | None, "tuple[str, Any] | None"]
"""Statement, seconds, rows (-1: unknown), executions, failed, hash of the parameters, sample."""

# Steps of 5 %: the middle of one is within 3 % of what is in it.
_PER_E = 20.0
_LEAST_S = 1e-7
_MOST_USES = 40
_KEPT_SAMPLES = 32
_LONGEST_NAME = 100
_LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """A statement as it was asked, with its values: in memory alone, and never shown."""

    text: str
    parameters: Any


class Use:
    """What one operation does with one statement."""

    __slots__ = ("count", "goes", "loop", "repeats", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.goes = 0
        self.seconds = 0.0
        self.loop: Loop | None = None
        self.repeats: Repeats | None = None

    def add_loop(self, runs: int, seconds: float, of_s: float, correlation_id: str) -> None:
        """Count one go in which it ran again and again."""
        was = self.loop or Loop(0, 0, 0.0, 0.0, 0, "")
        is_worst = runs > was.most_runs
        self.loop = Loop(
            was.goes + 1,
            was.runs + runs,
            was.seconds + seconds,
            was.operation_seconds + of_s,
            max(runs, was.most_runs),
            correlation_id if is_worst else was.example,
        )

    def add_repeats(self, runs: int, seconds: float, of_s: float, correlation_id: str) -> None:
        """Count one go in which it was asked what it had been asked before."""
        was = self.repeats or Repeats(0, 0, 0.0, 0.0, "")
        self.repeats = Repeats(
            was.goes + 1,
            was.runs + runs,
            was.seconds + seconds,
            was.operation_seconds + of_s,
            correlation_id,
        )


class Known:
    """One statement's figures; changed by whoever folds, one thread at a time."""

    def __init__(self, database: str, normal: str, now_s: float) -> None:
        self.id = hashlib.blake2b(f"{database}\n{normal}".encode(), digest_size=6).hexdigest()
        self.database = database
        self.normal = normal
        self.verb = verb_of(normal)
        self.tables = tables_of(normal)
        self.reads = self.verb == "select"
        """Its parameters are compared, to find questions asked twice."""
        self.writes = self.verb in {"insert", "update", "delete"}
        self.keeps = self.verb in {"select", "update", "delete"}
        """The last values it was asked with are kept in memory, to try things out on a copy."""
        self.span_name = " ".join((self.verb, ", ".join(sorted(self.tables))))[:_LONGEST_NAME]
        self.span_about = {"statement_id": self.id, "sql": normal[:_LONGEST_SHOWN]}
        self.told_s = float("-inf")
        """When the log last said that it was slow."""
        self.count = 0
        self.errors = 0
        self.total_s = 0.0
        self.max_s = 0.0
        self.rows: int | None = None
        self.first_seen_s = self.last_seen_s = now_s
        self.uses: dict[tuple[str, str], Use] = {}
        self.samples: deque[tuple[str, Any]] = deque(maxlen=_KEPT_SAMPLES)
        self.series_id = 0
        self.watched_id = 0
        self._steps: dict[int, int] = {}

    def take(self, runs: list[Run], now_s: float) -> tuple[float, int]:
        """Take up its runs; gives their seconds, and how often it was executed in them."""
        steps = self._steps
        spent_s, longest_s, rows, count, said = 0.0, 0.0, 0, 0, False
        for _, seconds, rows_of_it, executions, failed, _, sample in runs:
            spent_s += seconds
            count += executions
            longest_s = seconds if seconds > longest_s else longest_s  # noqa: FURB136 - quicker
            if rows_of_it >= 0:
                said = True
                rows += rows_of_it
            if failed:
                self.errors += 1
            if sample is not None:
                self.samples.append(sample)
            step = int(_log(seconds / executions + _LEAST_S) * _PER_E)
            steps[step] = steps.get(step, 0) + executions
        self.count += count
        self.max_s = max(self.max_s, longest_s)
        self.total_s += spent_s
        if said:
            self.rows = rows if self.rows is None else self.rows + rows
        self.last_seen_s = now_s
        return spent_s, count

    def use(self, operation: str, service: str) -> Use:
        """What an operation does with it; those past a bound are one, "other"."""
        key = (operation, service)
        found = self.uses.get(key)
        if found is None:
            if len(self.uses) >= _MOST_USES:
                key = ("other", "other")
            found = self.uses.setdefault(key, Use())
        return found

    def figures(self) -> StatementFigures:
        """How it stands."""
        return StatementFigures(
            id=self.id,
            database=self.database,
            statement=self.normal,
            verb=self.verb,
            tables=self.tables,
            count=self.count,
            errors=self.errors,
            total_s=self.total_s,
            mean_s=self.total_s / max(self.count, 1),
            p95_s=min(self._quantile(0.95), self.max_s),
            max_s=self.max_s,
            rows=self.rows,
            first_seen_s=self.first_seen_s,
            last_seen_s=self.last_seen_s,
            uses=tuple(
                StatementUse(*names, use.count, use.goes, use.seconds, use.loop, use.repeats)
                for names, use in sorted(
                    self.uses.items(), key=lambda each: each[1].seconds, reverse=True
                )
            ),
        )

    def _quantile(self, share: float) -> float:
        wanted = share * sum(self._steps.values())
        passed = 0
        for step in sorted(self._steps):
            passed += self._steps[step]
            if passed >= wanted:
                # Truncation is toward zero, and all logarithms of less than a second are negative.
                return exp((step - 0.5 if step < 0 else step + 0.5) / _PER_E)
        return 0.0
