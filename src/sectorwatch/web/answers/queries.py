"""What the API answers about statements."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import Time

__all__ = ["Queries", "QueryAnswer", "QueryLoop", "QueryRepeats", "QueryUse"]


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
    uses: Annotated[list[QueryUse], Meta(description="By operation, the costliest first")]


class Queries(msgspec.Struct, frozen=True):
    """Statements, the one that took longest in all first."""

    total: Annotated[int, Meta(description="Different statements, all kinds of them")]
    not_kept: Annotated[dict[str, int], Meta(description="What could not be recorded, by reason")]
    queries: list[QueryAnswer]
