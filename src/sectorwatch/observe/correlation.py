"""What belongs together: one id for everything done on behalf of one request or tick.

The id, and the span that is open within it, live in context variables, so asyncio tasks inherit
them by themselves; `carry` takes them into threads.
"""

from __future__ import annotations

import contextvars
import os
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = [
    "LogCorrelationContext",
    "carry",
    "correlation_id",
    "current_span",
    "enter_span",
    "leave_span",
    "new_correlation_id",
]

P = ParamSpec("P")
T = TypeVar("T")

_MAX_LENGTH = 128
_CURRENT: contextvars.ContextVar[str] = contextvars.ContextVar("correlation_id", default="")

_SPAN: contextvars.ContextVar[int] = contextvars.ContextVar("span", default=0)

correlation_id: Callable[[], str] = _CURRENT.get
"""The id of what is being done here and now; "" outside any `LogCorrelationContext`."""

# The built-ins themselves, for every timed operation calls them.
current_span: Callable[[], int] = _SPAN.get
"""The number of the span that is open here and now; 0 outside any."""
enter_span: Callable[[int], contextvars.Token[int]] = _SPAN.set
"""Make a span the open one; `leave_span` takes what this gives."""


def leave_span(token: contextvars.Token[int]) -> None:
    """Make the span open again that was before `enter_span`; never raises."""
    try:
        _SPAN.reset(token)
    except (ValueError, RuntimeError):
        # Left in another context than entered, or twice: what is open there is none of ours.
        return


def new_correlation_id() -> str:
    """A fresh id: 32 hexadecimal digits, as a W3C trace id has."""
    return os.urandom(16).hex()


def carry(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, to be called in another thread with the context of here and now.

    Each call runs in a copy of its own, so that several threads may call it at once.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor() as pool, LogCorrelationContext("tick-7"):
    ...     pool.submit(carry(correlation_id)).result()
    'tick-7'
    """
    context = contextvars.copy_context()

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.copy().run(function, *args, **kwargs)

    return carried


class LogCorrelationContext:
    """Binds a correlation id for a `with` or `async with` block; nests, and restores on leaving.

    Without an id one is made; a given one is kept as it came, but for control characters and
    anything past 128 characters, which could only be meant to harm a log. `span` is the span that
    what happens here belongs to, where it began elsewhere (a handler's event, say); spans of
    another correlation id are never a parent here.
    """

    __slots__ = ("_span", "_tokens", "correlation_id")

    def __init__(self, correlation_id: str | None = None, *, span: int = 0) -> None:
        self.correlation_id = _clean(correlation_id) or new_correlation_id()
        self._span = span
        self._tokens: list[tuple[contextvars.Token[str], contextvars.Token[int]]] = []

    def __enter__(self) -> Self:
        mine = self.correlation_id
        span = self._span or (_SPAN.get() if _CURRENT.get() == mine else 0)
        self._tokens.append((_CURRENT.set(mine), _SPAN.set(span)))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        token, span = self._tokens.pop()
        leave_span(span)
        try:
            _CURRENT.reset(token)
        except ValueError:
            # Left in another context than entered (a generator closed by the collector, say): what
            # was current there is none of ours, so there is nothing to restore.
            return

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.__exit__(exc_type, exc_val, exc_tb)


def _clean(given: str | None) -> str:
    if not given:
        return ""
    text = str(given)[:_MAX_LENGTH]
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())
