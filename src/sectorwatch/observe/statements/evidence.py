"""What the optimizer is told of statements: indexes that were proven, loops, questions in vain."""

from __future__ import annotations

import re
from collections import Counter as Tally
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import as_datetime
from sectorwatch.observe.statements.planning import Index
from sectorwatch.observe.tuning.findings import (
    Difficulty,
    Finding,
    Measure,
    Outcome,
    RecommendationType,
)

if TYPE_CHECKING:
    from sectorwatch.observe.statements.figures import Loop, Repeats, StatementFigures, StatementUse
    from sectorwatch.observe.statements.log import StatementLog
    from sectorwatch.observe.statements.planning import IndexProof
    from sectorwatch.observe.statements.study import StatementStudy, Studied

__all__ = ["StatementEvidence"]

_SHOWN = 300
_LONG_S = 0.05
_INDEX_KEY = re.compile(r"index:(?P<database>\w+):(?P<table>\w+)\((?P<columns>[\w,]+)\)")


class StatementEvidence:
    """A source of findings over a log of statements and the study of them.

    Loops and questions in vain are told of where they took `least_s` in all, and `least_share` of
    the operation that runs them; an index where it would have saved `least_saved` of all time, or
    people wait for what it is missing from.
    """

    name = "statements"

    def __init__(
        self,
        log: StatementLog,
        study: StatementStudy,
        *,
        least_s: float = 0.05,
        least_share: float = 0.05,
        least_saved: float = 0.0005,
    ) -> None:
        self._least_saved = least_saved
        self._least_s = least_s
        self._least_share = least_share
        self._log = log
        self._study = study

    def collect(self, now_s: float) -> list[Finding]:
        """Everything found by now."""
        found: list[Finding] = []
        seen: set[str] = set()
        statements = self._log.statements()
        written = _written(statements)
        for one in statements:
            studied = self._study.of(one.id)
            up_s = max(now_s - one.first_seen_s, 60.0)
            proof = studied.index
            if proof is not None and one.uses:
                added_s = proof.added_s(written[proof.index.table])
                saved_s = one.total_s * proof.improvement
                finding = _index(one, studied, proof, up_s, saved_s, added_s)
                # Whoever writes often and asks once a day is worse off with it.
                matters = saved_s >= self._least_saved * up_s or one.p95_s >= _LONG_S
                if matters and saved_s > added_s and finding.key not in seen:
                    # One index serves several statements: the costliest speaks for it.
                    self._log.watch(one.id)
                    found.append(finding)
            for use in one.uses:
                loop, again = use.loop, use.repeats
                if loop is not None and self._matters(loop.seconds, loop.operation_seconds):
                    found.append(_loop(one, use, loop, studied, up_s))
                if again is not None and self._matters(again.seconds, again.operation_seconds):
                    found.append(_again(one, use, again, up_s))
            seen |= {finding.key for finding in found}
        return found

    def _matters(self, seconds: float, of_s: float) -> bool:
        return of_s > 0 and seconds >= self._least_s and seconds >= self._least_share * of_s

    def outcome(self, key: str, now_s: float) -> Outcome | None:
        """Whether an index that was proposed is there, also if that was before this start."""
        del now_s
        found = _INDEX_KEY.fullmatch(key)
        if found is None:
            return None
        index = Index(found["table"], tuple(found["columns"].split(",")))
        if self._study.has(found["database"], index):
            return Outcome(applied=True, words=f"An index on {index.table} begins so now.")
        return None


def _written(statements: list[StatementFigures]) -> Tally[str]:
    """How many rows of each table were written since the start."""
    written: Tally[str] = Tally()
    for one in statements:
        if one.tables and one.verb in {"insert", "update", "delete"}:
            written[one.tables[0]] += one.rows or 0
    return written


def _index(
    one: StatementFigures,
    studied: Studied,
    proof: IndexProof,
    up_s: float,
    saved_s: float,
    added_s: float,
) -> Finding:
    use = one.uses[0]
    plan = studied.plan
    walked = ", ".join(
        f"{scan.table} ({scan.rows} rows)" for scan in (plan.scans if plan is not None else ())
    )
    rows = "all rows" if proof.one_in == 1 else f"one row in {proof.one_in}, drawn by chance"
    return Finding(
        service=use.service,
        operation=use.operation,
        type=RecommendationType.DATABASE_INDEX,
        key=f"index:{one.database}:{proof.index.table}({','.join(proof.index.columns)})",
        description=(
            f"A statement walks through {walked}: {one.statement[:_SHOWN]}. On a copy of {rows} it "
            f"took {_ms(proof.with_s)} with the index {proof.index.name}, "
            f"{_ms(proof.without_s)} without."
        ),
        fix=f"{proof.index.ddl};",
        difficulty=Difficulty.LOW,
        expected_improvement=max(0.0, proof.improvement),
        reason=(
            f"Measured on a copy, medians of {proof.rounds} runs in turns: the time of the "
            "statement itself."
        ),
        cost_share=min(1.0, one.total_s / up_s),
        measure=Measure("database_watched_statement_seconds", {"statement": one.id}),
        evidence={
            **_evidence(one),
            "plan": list(plan.steps) if plan is not None else [],
            "copy_rows": proof.rows,
            "copy_one_row_in": proof.one_in,
            "without_s": proof.without_s,
            "with_s": proof.with_s,
            "insert_1000_rows_without_s": proof.write_without_s,
            "insert_1000_rows_with_s": proof.write_with_s,
            "index_bytes": proof.index_bytes,
            "saved_s_since_start": saved_s,
            "added_to_writes_s_since_start": added_s,
        },
    )


def _loop(
    one: StatementFigures, use: StatementUse, loop: Loop, studied: Studied, up_s: float
) -> Finding:
    share = min(1.0, loop.seconds / loop.operation_seconds)
    batch = studied.batch
    if batch is None:
        expected = None
        reason = studied.batch_reason or "asking at once was not tried on a copy yet"
    else:
        expected = max(0.0, share * batch.improvement)
        reason = (
            f"{share:.0%} of the operation's time goes into it; on a copy {batch.count} runs took "
            f"{_ms(batch.singly_s)}, asking at once {_ms(batch.at_once_s)} (the driver's own cost "
            "of each run is not in that)"
        )
    return Finding(
        service=use.service,
        operation=use.operation,
        type=RecommendationType.QUERY_BATCHING,
        key=f"loop:{one.id}:{use.service}:{use.operation}",
        description=(
            f"One {use.operation} ran the same statement {loop.most_runs} times with other values: "
            f"{one.statement[:_SHOWN]}."
        ),
        fix="Ask for all of them at once: a list of values in one statement, or a join.",
        difficulty=Difficulty.MEDIUM,
        expected_improvement=expected,
        reason=reason,
        cost_share=min(1.0, loop.seconds / up_s),
        evidence={
            **_evidence(one),
            "goes": loop.goes,
            "runs": loop.runs,
            "most_runs_in_one": loop.most_runs,
            "share_of_operation": share,
            "correlation_id": loop.example,
        },
    )


def _again(one: StatementFigures, use: StatementUse, repeats: Repeats, up_s: float) -> Finding:
    share = min(1.0, repeats.seconds / repeats.operation_seconds)
    return Finding(
        service=use.service,
        operation=use.operation,
        type=RecommendationType.QUERY_BATCHING,
        key=f"again:{one.id}:{use.service}:{use.operation}",
        description=(
            f"{use.operation} asks the same thing again: {repeats.runs} runs in {repeats.goes} of "
            f"its goes had the values of one before: {one.statement[:_SHOWN]}."
        ),
        fix="Ask once, and hand the answer to whoever needs it in the same request.",
        difficulty=Difficulty.LOW,
        expected_improvement=share,
        reason=(
            "Measured: the time that runs took whose answer was known, of the time of the "
            "operation in which they ran."
        ),
        cost_share=min(1.0, repeats.seconds / up_s),
        evidence={
            **_evidence(one),
            "goes": repeats.goes,
            "runs_in_vain": repeats.runs,
            "seconds_in_vain": repeats.seconds,
            "correlation_id": repeats.example,
        },
    )


def _evidence(one: StatementFigures) -> dict[str, Any]:
    return {
        "statement_id": one.id,
        "statement": one.statement,
        "database": one.database,
        "count": one.count,
        "total_s": one.total_s,
        "p95_s": one.p95_s,
        "since": as_datetime(one.first_seen_s).isoformat(),
    }


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
