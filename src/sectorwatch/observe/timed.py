"""One timed block or function: how long it took, the processor time of its own, how it ended."""

from __future__ import annotations

import inspect
import types
from functools import wraps
from time import thread_time
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import psutil

from sectorwatch.observe.correlation import correlation_id, current_span, enter_span, leave_span
from sectorwatch.observe.spans import next_span, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Token
    from types import TracebackType

    from sectorwatch.observe.performance import Operation, PerformanceCollector

__all__ = ["Finished", "Timed"]

F = TypeVar("F", bound="Callable[..., Any]")

Finished = tuple[int, float, float, float, float]
"""Operation's number, monotonic end, seconds, own processor seconds (-1: unknown), how it ended."""
WELL, FAILED, LOGGED = 0.0, 1.0, 2.0
FAILED_LOGGED = FAILED + LOGGED

# The thread's processor time is a system call, ten times as dear as the clock; memory dearer
# still. What happens oftener than this is measured this often.
_CPU_EVERY_S = 0.001
_MEMORY_EVERY_S = 5.0
_MEGABYTE = 1_000_000


class Timed:
    """Times the block of a `with` or `async with`, or every call of a decorated function.

    Made by `PerformanceCollector.timed`. Within a correlation id it is a span too: what is timed or
    logged inside belongs to it. In an `async with` no processor time is measured: what
    other tasks did meanwhile would be in it. A decorated coroutine function has it, step by step.
    """

    __slots__ = (
        "_collector",
        "_context",
        "_cpu",
        "_memory",
        "_operation",
        "_parent",
        "_slow_s",
        "_span",
        "_start",
        "_token",
    )
    _token: Token[int]

    def __init__(
        self,
        collector: PerformanceCollector,
        operation: Operation,
        slow_s: float,
        context: dict[str, Any],
    ) -> None:
        self._collector = collector
        self._operation = operation
        self._slow_s = slow_s
        self._context = context

    def note(self, **context: Any) -> None:
        """Add context to the line that is logged if this turns out slow or fails."""
        self._context = self._context | context

    def __enter__(self) -> Self:
        operation = self._operation
        start = self._collector.monotonic_s()
        self._memory = -1
        if start >= operation.cpu_due_s:
            operation.cpu_due_s = start + _CPU_EVERY_S
            if start >= operation.memory_due_s:
                operation.memory_due_s = start + _MEMORY_EVERY_S
                self._memory = _resident_bytes()
            self._cpu = thread_time()
        else:
            self._cpu = -1.0
        self._parent = current_span()
        self._span = span = next_span()
        self._token = enter_span(span)
        self._start = start
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        cpu_s = thread_time() - self._cpu if self._cpu >= 0.0 else -1.0
        self._end(cpu_s, exc_val)

    async def __aenter__(self) -> Self:
        self._memory = -1
        self._cpu = -1.0
        self._parent = current_span()
        self._span = span = next_span()
        self._token = enter_span(span)
        self._start = self._collector.monotonic_s()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._end(-1.0, exc_val)

    def __call__(self, function: F) -> F:
        """`function`, each call of it timed; also a coroutine function.

        Raises TypeError for a generator function: its body runs in pieces between which other
        things happen.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function!r} is a generator: time what it does in a `with` block")
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def timed_async(*args: Any, **kwargs: Any) -> Any:
                return await self._again()._follow(function(*args, **kwargs))  # noqa: SLF001 - a copy of itself

            return cast("F", timed_async)

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return cast("F", timed)

    def _again(self) -> Timed:
        """Another one of the same: calls overlap, and each needs a beginning of its own."""
        return Timed(self._collector, self._operation, self._slow_s, self._context)

    def _end(self, cpu_s: float, error: BaseException | None) -> None:
        collector = self._collector
        end = collector.monotonic_s()
        duration_s = end - self._start
        how = WELL
        if error is not None or duration_s >= self._slow_s:
            how = collector.ended_badly(
                self._operation, duration_s, self._slow_s, error, self._context
            )
        leave_span(self._token)
        belongs_to = correlation_id()
        if belongs_to:
            operation = self._operation
            collector.keep_span(
                (
                    belongs_to,
                    self._span,
                    self._parent,
                    operation.service,
                    operation.operation,
                    self._start,
                    duration_s,
                    outcome(error) if error is not None else "ok",
                    self._context or None,
                )
            )
        finished = collector.finished
        finished.append((self._operation.number, end, duration_s, cpu_s, how))
        if self._memory >= 0:
            grown = max(0, _resident_bytes() - self._memory)
            collector.keep_memory(self._operation, grown / _MEGABYTE)
        if len(finished) >= collector.fold_at:
            collector.make_room()

    async def _follow(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        await self.__aenter__()
        spent = [0.0]
        try:
            answer = await _stepping(coroutine, spent)
        except BaseException as error:
            self._end(spent[0], error)
            raise
        self._end(spent[0], None)
        return answer


@types.coroutine
def _stepping(coroutine: Coroutine[Any, Any, Any], spent: list[float]) -> Generator[Any, Any, Any]:
    """Await `coroutine`, adding the thread's time of each of its steps to `spent`.

    The bare protocol of PEP 380, for what happens between the steps is not the coroutine's.
    """
    value: Any = None
    error: BaseException | None = None
    while True:
        begun = thread_time()
        try:
            waits_for = coroutine.send(value) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        finally:
            spent[0] += thread_time() - begun
        value = error = None
        try:
            value = yield waits_for
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - handed on to the coroutine, whatever it is
            error = thrown


def _resident_bytes() -> int:
    return int(_PROCESS.memory_info().rss)


_PROCESS = psutil.Process()
