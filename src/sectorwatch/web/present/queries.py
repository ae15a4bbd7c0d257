"""Statements as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.web.answers.queries import (
    QueryAnswer,
    QueryBatch,
    QueryIndex,
    QueryLoop,
    QueryPlan,
    QueryRepeats,
    QueryScan,
    QueryUse,
)

if TYPE_CHECKING:
    from sectorwatch.observe import StatementFigures
    from sectorwatch.observe.statements import Loop, Repeats, Studied

__all__ = ["query_answer"]

_DIGITS = 6


def query_answer(figures: StatementFigures, studied: Studied) -> QueryAnswer:
    """Show one statement, and what was found out about it."""
    return QueryAnswer(
        id=figures.id,
        database=figures.database,
        statement=figures.statement,
        verb=figures.verb,
        tables=list(figures.tables),
        count=figures.count,
        errors=figures.errors,
        total_s=round(figures.total_s, _DIGITS),
        mean_s=round(figures.mean_s, _DIGITS),
        p95_s=round(figures.p95_s, _DIGITS),
        max_s=round(figures.max_s, _DIGITS),
        rows=figures.rows,
        first_seen=format_s(int(figures.first_seen_s)),
        last_seen=format_s(int(figures.last_seen_s)),
        plan=_plan(studied),
        index=_index(studied),
        batch=_batch(studied),
        uses=[
            QueryUse(
                operation=use.operation,
                service=use.service,
                count=use.count,
                goes=use.goes,
                total_s=round(use.seconds, _DIGITS),
                n_plus_one=None if use.loop is None else _loop(use.loop),
                repeated=None if use.repeats is None else _repeats(use.repeats),
            )
            for use in figures.uses
        ],
    )


def _plan(studied: Studied) -> QueryPlan | None:
    if studied.planned_s is None:
        return None
    plan = studied.plan
    asked = format_s(int(studied.planned_s))
    if plan is None or studied.plan_reason:
        return QueryPlan("unknown", [], [], studied.plan_reason, asked)
    scans = [QueryScan(scan.table, scan.rows, scan.to_an_end) for scan in plan.scans]
    return QueryPlan(plan.verdict, list(plan.steps), scans, "", asked)


def _index(studied: Studied) -> QueryIndex | None:
    if studied.index_tried_s is None:
        return None
    proof = studied.index
    return QueryIndex(
        fix=None if proof is None else f"{proof.index.ddl};",
        why=studied.index_reason,
        expected_improvement=None if proof is None else round(proof.improvement, 4),
        without_s=None if proof is None else round(proof.without_s, _DIGITS),
        with_s=None if proof is None else round(proof.with_s, _DIGITS),
        insert_without_s=None if proof is None else round(proof.write_without_s, _DIGITS),
        insert_with_s=None if proof is None else round(proof.write_with_s, _DIGITS),
        index_bytes=None if proof is None else proof.index_bytes,
        rows=None if proof is None else proof.rows,
        one_row_in=None if proof is None else proof.one_in,
        tried=format_s(int(studied.index_tried_s)),
    )


def _batch(studied: Studied) -> QueryBatch | None:
    if studied.batch_tried_s is None:
        return None
    proof = studied.batch
    return QueryBatch(
        why=studied.batch_reason,
        expected_improvement=None if proof is None else round(proof.improvement, 4),
        count=None if proof is None else proof.count,
        singly_s=None if proof is None else round(proof.singly_s, _DIGITS),
        at_once_s=None if proof is None else round(proof.at_once_s, _DIGITS),
        tried=format_s(int(studied.batch_tried_s)),
    )


def _loop(loop: Loop) -> QueryLoop:
    return QueryLoop(
        goes=loop.goes,
        runs=loop.runs,
        most_runs=loop.most_runs,
        total_s=round(loop.seconds, _DIGITS),
        share=_share(loop.seconds, loop.operation_seconds),
        correlation_id=loop.example,
    )


def _repeats(repeats: Repeats) -> QueryRepeats:
    return QueryRepeats(
        goes=repeats.goes,
        runs=repeats.runs,
        total_s=round(repeats.seconds, _DIGITS),
        share=_share(repeats.seconds, repeats.operation_seconds),
        correlation_id=repeats.example,
    )


def _share(part_s: float, whole_s: float) -> float | None:
    return round(min(part_s / whole_s, 1.0), 4) if whole_s > 0 else None
