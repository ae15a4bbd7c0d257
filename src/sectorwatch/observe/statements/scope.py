"""One go of an operation: the statements that it runs belong together."""

from __future__ import annotations

import contextvars
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Self

from sectorwatch.observe.correlation import correlation_id

if TYPE_CHECKING:
    from types import TracebackType

    from sectorwatch.observe.statements.known import Run
    from sectorwatch.observe.statements.log import StatementLog

__all__ = ["CURRENT", "StatementScope"]

CURRENT: contextvars.ContextVar[StatementScope | None] = contextvars.ContextVar(
    "statement_scope", default=None
)
"""The innermost go that is under way here and now."""


class StatementScope:
    """A `with` block whose statements are one operation's; made by `StatementLog.during`.

    It reaches into tasks and into threads that carry the context. `operation` and `service` may be
    set until it ends: a request knows its route only when it has been found.
    """

    __slots__ = (
        "_log",
        "_started",
        "_token",
        "correlation_id",
        "duration_s",
        "is_over",
        "operation",
        "runs",
        "service",
    )

    def __init__(self, log: StatementLog, operation: str, service: str) -> None:
        self._log = log
        self.operation = operation
        self.service = service
        self.runs: list[Run] = []
        self.is_over = False
        self.duration_s = 0.0
        self.correlation_id = ""

    def __enter__(self) -> Self:
        self._token = CURRENT.set(self)
        self.correlation_id = correlation_id()
        self._started = perf_counter()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.duration_s = perf_counter() - self._started
        self.is_over = True
        # Where it is left in another context than entered, what is current there is none of ours.
        with suppress(ValueError):
            CURRENT.reset(self._token)
        if self.runs:
            self._log.ended(self)
