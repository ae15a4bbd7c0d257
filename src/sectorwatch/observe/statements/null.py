"""A log of statements with nothing behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sectorwatch.observe.drops import Drops
from sectorwatch.observe.statements.log import StatementLog
from sectorwatch.observe.statements.scope import StatementScope

if TYPE_CHECKING:
    from types import TracebackType

    from sectorwatch.observe.statements.figures import StatementFigures
    from sectorwatch.observe.statements.known import Sample

__all__ = ["NullStatements"]
# ruff: noqa: ARG002, D102 - what they would do with their arguments stands in the real ones


class _NullScope(StatementScope):
    def __init__(self) -> None:
        self.operation = self.service = self.correlation_id = ""
        self.runs = []
        self.is_over = True
        self.duration_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        pass


_SCOPE = _NullScope()


class NullStatements(StatementLog):
    """Looks at no statement."""

    is_on = False

    def __init__(self) -> None:
        self.drops = Drops()
        self.slow_s = 1.0
        self.study = None

    def during(self, operation: str, service: str) -> StatementScope:
        return _SCOPE

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
        pass

    def ended(self, scope: StatementScope) -> None:
        pass

    def statements(self) -> list[StatementFigures]:
        return []

    def samples(self, statement_id: str) -> list[Sample]:
        return []

    def watch(self, statement_id: str) -> None:
        pass

    def fold(self) -> None:
        pass
