"""Spans: what was done under a correlation id, within what, from when, how long, how it ended.

A timed operation is one by itself; `SpanRing.span` makes others. The latest that ended are kept, as
tuples of plain values: keeping one costs a tenth of a microsecond, and none is looked at before
somebody asks.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.correlation import correlation_id, current_span, enter_span, leave_span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from types import TracebackType

__all__ = ["NullSpans", "OpenSpan", "Span", "SpanRing", "next_span", "outcome", "span_text"]

Ended = tuple[str, int, int, str, str, float, float, str, "Mapping[str, Any] | None"]
"""Correlation id, number, parent's number, service, operation, monotonic start, seconds, how it
ended, attributes."""

_MOST_SPANS = 10_000
# Anywhere in 48 bits, so that spans of two runs are hardly ever taken for each other; numbers stay
# exact in JSON for as long as any program runs.
next_span: Callable[[], int] = itertools.count(int.from_bytes(os.urandom(6)) + 1).__next__
"""The number of a new span."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span that ended; `started_s` is in seconds since 1970, `status` ok, failed or cancelled."""

    correlation_id: str
    number: int
    parent: int
    service: str
    operation: str
    started_s: float
    duration_s: float
    status: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended_s(self) -> float:
        """When it ended, seconds since 1970."""
        return self.started_s + self.duration_s


def span_text(number: int) -> str:
    """A span's number as it stands in logs, answers and `traceparent`: 16 hexadecimal digits.

    >>> span_text(255)
    '00000000000000ff'
    """
    return f"{number:016x}"


def outcome(error: BaseException) -> str:
    """How a span ended that was left by `error`: cancelling and leaving are no failures."""
    return "failed" if isinstance(error, Exception) else "cancelled"


class OpenSpan:
    """A span under way, for a `with` or `async with`; made by `SpanRing.span`.

    Service, operation and status may be set until it ends: of a request, say, the route is only
    known then.
    """

    __slots__ = (
        "_number",
        "_parent",
        "_ring",
        "_start",
        "_token",
        "attributes",
        "operation",
        "service",
        "status",
    )
    _token: Token[int]

    def __init__(
        self, ring: SpanRing, operation: str, service: str, attributes: dict[str, Any]
    ) -> None:
        self._ring = ring
        self.operation = operation
        self.service = service
        self.attributes = attributes
        self.status = "ok"

    def note(self, **attributes: Any) -> None:
        """Add attributes."""
        self.attributes |= attributes

    def __enter__(self) -> Self:
        self._parent = current_span()
        self._number = next_span()
        self._token = enter_span(self._number)
        self._start = self._ring.monotonic_s()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        duration_s = self._ring.monotonic_s() - self._start
        leave_span(self._token)
        belongs_to = correlation_id()
        if belongs_to:
            status = self.status if exc_val is None else outcome(exc_val)
            self._ring.keep(
                (
                    belongs_to,
                    self._number,
                    self._parent,
                    self.service,
                    self.operation,
                    self._start,
                    duration_s,
                    status,
                    self.attributes or None,
                )
            )

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.__exit__(exc_type, exc_val, exc_tb)


class SpanRing:
    """The latest spans that ended, at most `spans` of them, to be asked for by correlation id."""

    def __init__(self, spans: int = _MOST_SPANS, *, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._now_us = clock.now_us
        self.monotonic_s = clock.monotonic_s
        self._kept: deque[Ended] = deque(maxlen=spans)
        # The built-in itself: the oldest makes room, and no lock is needed.
        self.keep: Callable[[Ended], None] = self._kept.append

    def span(self, operation: str, service: str, **attributes: Any) -> OpenSpan:
        """A span for what a `with` block does, where no timing of it is to be kept as a metric."""
        return OpenSpan(self, operation, service, attributes)

    def record(
        self,
        operation: str,
        service: str,
        duration_s: float,
        *,
        status: str = "ok",
        **attributes: Any,
    ) -> None:
        """Keep a span that ended now and took `duration_s`, within what is open here."""
        belongs_to = correlation_id()
        if belongs_to:
            start = self.monotonic_s() - duration_s
            self.keep(
                (
                    belongs_to,
                    next_span(),
                    current_span(),
                    service,
                    operation,
                    start,
                    duration_s,
                    status,
                    attributes or None,
                )
            )

    def __len__(self) -> int:
        return len(self._kept)

    def ended(self) -> list[Ended]:
        """Every span that is kept, as it is kept, in the order in which they ended."""
        return list(self._kept.copy())

    @property
    def is_full(self) -> bool:
        """Whether the oldest ones make room by now, so that a trace may have lost some."""
        return len(self._kept) == self._kept.maxlen

    def of(self, correlation_id: str) -> list[Span]:
        """The spans of one correlation id, in the order in which they ended."""
        kept = self._kept.copy()
        return self._shown([one for one in kept if one[0] == correlation_id])

    def recent(self, most: int = 10) -> list[str]:
        """The correlation ids of what ended last, newest first."""
        found: dict[str, None] = {}
        for one in reversed(self._kept.copy()):
            found.setdefault(one[0])
            if len(found) >= most:
                break
        return list(found)

    def roots(
        self,
        most: int = 100,
        *,
        service: str | None = None,
        operation: str | None = None,
        at_least_s: float = 0.0,
    ) -> list[Span]:
        """The latest spans that are part of no other, newest first; those that fit what is given.

        `operation` is compared whole, `at_least_s` is how long one took.
        """
        found = []
        for one in reversed(self._kept.copy()):
            if one[2] or one[6] < at_least_s:
                continue
            if (service is None or one[3] == service) and operation in (None, one[4]):
                found.append(one)
                if len(found) >= most:
                    break
        return self._shown(found)

    def _shown(self, ended: list[Ended]) -> list[Span]:
        # What the wall clock was at each start follows from the monotonic one.
        offset_s = self._now_us() / 1e6 - self.monotonic_s()
        return [
            Span(of, number, parent, service, operation, start + offset_s, s, status, about or {})
            for of, number, parent, service, operation, start, s, status, about in ended
        ]


class _NullSpan(OpenSpan):
    def __init__(self) -> None:
        self.operation = self.service = ""
        self.status = "ok"

    def note(self, **attributes: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        pass


class NullSpans(SpanRing):
    """Keeps nothing."""

    def __init__(self) -> None:
        super().__init__(0)
        self._span = _NullSpan()

    def span(self, operation: str, service: str, **attributes: Any) -> OpenSpan:
        """A block that is not measured."""
        del operation, service, attributes
        return self._span

    def record(
        self,
        operation: str,
        service: str,
        duration_s: float,
        *,
        status: str = "ok",
        **attributes: Any,
    ) -> None:
        """Nothing is kept."""
