"""What the API answers about statements."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import Time

__all__ = [
    "Queries",
    "QueryAnswer",
    "QueryBatch",
    "QueryIndex",
    "QueryLoop",
    "QueryPlan",
    "QueryRepeats",
    "QueryScan",
    "QueryUse",
]


class QueryLoop(msgspec.Struct, frozen=True):
    """A statement run again and again in one go of an operation, each time with other values."""

    goes: Annotated[int, Meta(description="Goes of the operation in which that happened")]
    runs: Annotated[int, Meta(description="Runs of the statement in them")]
    most_runs: Annotated[int, Meta(description="The most in a single go")]
    total_s: Annotated[float, Meta(description="Seconds they took")]
    share: Annotated[
        float | None, Meta(description="Of the time of those goes, the fraction spent on it")
    ]
    correlation_id: Annotated[str, Meta(description="Of the go with the most, for the logs")]


class QueryRepeats(msgspec.Struct, frozen=True):
    """A statement asked again with the same values in one go of an operation."""

    goes: Annotated[int, Meta(description="Goes of the operation in which that happened")]
    runs: Annotated[int, Meta(description="Runs that asked what had been asked before")]
    total_s: Annotated[float, Meta(description="Seconds that these took")]
    share: Annotated[
        float | None, Meta(description="Of the time of those goes, the fraction spent on them")
    ]
    correlation_id: Annotated[str, Meta(description="Of the last such go, for the logs")]


class QueryUse(msgspec.Struct, frozen=True):
    """What one operation does with a statement."""

    operation: Annotated[str, Meta(description="The operation, or the route")]
    service: Annotated[str, Meta(description="Whose it is")]
    count: Annotated[int, Meta(description="Executions")]
    goes: Annotated[int, Meta(description="Goes of the operation with this statement in them")]
    total_s: Annotated[float, Meta(description="Seconds in all")]
    n_plus_one: Annotated[
        QueryLoop | None, Meta(description="Run again and again in one go, if it was")
    ]
    repeated: Annotated[QueryRepeats | None, Meta(description="Asked in vain, if it was")]


class QueryScan(msgspec.Struct, frozen=True):
    """A table that a statement walks through."""

    table: Annotated[str, Meta(description="Its name")]
    rows: Annotated[int, Meta(description="Rows in it, about")]
    to_an_end: Annotated[
        bool, Meta(description="Only up to a value, or from one on, led there by an index")
    ]


class QueryPlan(msgspec.Struct, frozen=True):
    """How the database goes about a statement; asked for once an hour at most."""

    verdict: Annotated[
        str,
        Meta(description="search (by indexes), half_scan, scan, or unknown: see why"),
    ]
    steps: Annotated[list[str], Meta(description="The database's own steps")]
    scans: Annotated[list[QueryScan], Meta(description="Large tables that it walks through")]
    why: Annotated[str, Meta(description="Why there is no plan, where there is none")]
    asked: Annotated[Time, Meta(description="When it was asked for")]


class QueryIndex(msgspec.Struct, frozen=True, kw_only=True):
    """An index tried on a copy of the tables, never on the database itself."""

    fix: Annotated[str | None, Meta(description="What would make it; null: none helps")]
    why: Annotated[str, Meta(description="Why none is proposed, where none is")]
    expected_improvement: Annotated[
        float | None, Meta(description="The fraction of its time that the statement would save")
    ]
    without_s: Annotated[float | None, Meta(description="Median seconds without it")]
    with_s: Annotated[float | None, Meta(description="Median seconds with it")]
    insert_without_s: Annotated[
        float | None, Meta(description="Seconds to insert 1000 rows without it")
    ]
    insert_with_s: Annotated[float | None, Meta(description="Seconds to insert 1000 rows with it")]
    index_bytes: Annotated[int | None, Meta(description="Bytes that it takes")]
    rows: Annotated[int | None, Meta(description="Rows of the tables that were tried on")]
    one_row_in: Annotated[
        int | None, Meta(description="1: all rows were copied; n: one in n, drawn by chance")
    ]
    tried: Annotated[Time, Meta(description="When it was tried")]


class QueryBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Asking at once what a loop asks one by one, tried on a copy."""

    why: Annotated[str, Meta(description="Why it could not be tried, where it could not")]
    expected_improvement: Annotated[
        float | None, Meta(description="The fraction of the statements' time that is saved")
    ]
    count: Annotated[int | None, Meta(description="Runs that were put into one")]
    singly_s: Annotated[float | None, Meta(description="Median seconds of the runs")]
    at_once_s: Annotated[float | None, Meta(description="Median seconds of the one")]
    tried: Annotated[Time, Meta(description="When it was tried")]


class QueryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A statement since the program started; the values it was asked with are never shown."""

    id: Annotated[str, Meta(description="The same in every run of the program")]
    database: Annotated[str, Meta(description="sqlite, postgresql or duckdb (the sealed files)")]
    statement: Annotated[str, Meta(description="Its text without its values")]
    verb: Annotated[str, Meta(description="select, insert, update, delete or another")]
    tables: Annotated[list[str], Meta(description="Tables that it names")]
    count: Annotated[int, Meta(description="Executions; rows of an executemany are one each")]
    errors: Annotated[int, Meta(description="Executions that failed")]
    total_s: Annotated[float, Meta(description="Seconds in all")]
    mean_s: Annotated[float, Meta(description="Mean seconds")]
    p95_s: Annotated[float, Meta(description="95 of 100 were faster, within 3 %")]
    max_s: Annotated[float, Meta(description="The longest")]
    rows: Annotated[int | None, Meta(description="Rows read or written; null: never told")]
    first_seen: Time
    last_seen: Time
    plan: Annotated[
        QueryPlan | None, Meta(description="null: it takes too little time for anybody to ask")
    ]
    index: Annotated[QueryIndex | None, Meta(description="null: none was tried")]
    batch: Annotated[QueryBatch | None, Meta(description="null: it was not tried")]
    uses: Annotated[list[QueryUse], Meta(description="By operation, the costliest first")]


class Queries(msgspec.Struct, frozen=True):
    """Statements, the one that took longest in all first."""

    total: Annotated[int, Meta(description="Different statements, all kinds of them")]
    not_kept: Annotated[dict[str, int], Meta(description="What could not be recorded, by reason")]
    queries: list[QueryAnswer]
