"""Statements as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.web.answers.queries import QueryAnswer, QueryLoop, QueryRepeats, QueryUse

if TYPE_CHECKING:
    from sectorwatch.observe import StatementFigures
    from sectorwatch.observe.statements import Loop, Repeats

__all__ = ["query_answer"]

_DIGITS = 6


def query_answer(figures: StatementFigures) -> QueryAnswer:
    """Show one statement."""
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
