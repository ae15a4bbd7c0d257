"""What is said of statements: frozen values, never a parameter's value in them."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Loop", "Repeats", "StatementFigures", "StatementUse"]


@dataclass(frozen=True, slots=True)
class Loop:
    """One statement run again and again, each time with other parameters, in one go of something.

    `goes` of the operation did that, with `runs` of the statement that took `seconds` of their
    `operation_seconds`; `most_runs` in a single go, whose correlation id is `example`.
    """

    goes: int
    runs: int
    seconds: float
    operation_seconds: float
    most_runs: int
    example: str


@dataclass(frozen=True, slots=True)
class Repeats:
    """One statement asked again with the very same parameters in one go of something.

    `goes` did that; `runs` of the statement, which took `seconds` of their `operation_seconds`,
    were asked before in the same go.
    """

    goes: int
    runs: int
    seconds: float
    operation_seconds: float
    example: str


@dataclass(frozen=True, slots=True)
class StatementUse:
    """What one operation does with a statement."""

    operation: str
    service: str
    count: int
    goes: int
    seconds: float
    loop: Loop | None
    repeats: Repeats | None


@dataclass(frozen=True, slots=True)
class StatementFigures:
    """One statement since the program started.

    `id` is the same in every run of the program. `rows` is None where the driver never said; times
    in seconds, `p95_s` within 3 %; `last_seen_s` in seconds since 1970.
    """

    id: str
    database: str
    statement: str
    verb: str
    tables: tuple[str, ...]
    count: int
    errors: int
    total_s: float
    mean_s: float
    p95_s: float
    max_s: float
    rows: int | None
    first_seen_s: float
    last_seen_s: float
    uses: tuple[StatementUse, ...] = field(default=())
