"""The log's entries and traces as answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sectorwatch.clock import format_us
from sectorwatch.observe import LogSearch, span_text, trace_id_of, trace_of
from sectorwatch.web.answers.logs import CriticalStage, LogTrace, TraceRoot, TraceSpan

if TYPE_CHECKING:
    from sectorwatch.observe import Span, StructuredLogger, Telemetry, Trace, TraceNode

__all__ = ["nearest_traces", "root_answer", "trace_answer"]

_MOST_ENTRIES = 1_000
_MOST_NAMED = 5
_MOST_KEPT = 1_000
_TRACE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHORT = 4
"""Of so few characters of an id, those that begin so are named."""


def trace_answer(telemetry: Telemetry, correlation_id: str) -> LogTrace | None:
    """Show what was done under a correlation id; None where nothing of it is kept."""
    log, spans = telemetry.log, telemetry.spans
    ended = spans.of(correlation_id)
    if not ended and _TRACE_ID.fullmatch(correlation_id):
        # What we sent on as a W3C trace id, of a correlation id that is none.
        sent_as = (each for each in spans.recent(_MOST_KEPT) if trace_id_of(each) == correlation_id)
        correlation_id = next(sent_as, correlation_id)
        ended = spans.of(correlation_id)
    found = log.find(LogSearch(correlation_id=correlation_id, limit=_MOST_ENTRIES))
    if not ended and not found.entries:
        return None
    entries = found.entries[::-1]
    trace = trace_of(correlation_id, ended, entries, is_ring_full=spans.is_full)
    missing = list(trace.missing)
    if found.cursor is not None:
        missing.append(f"entries before the last {len(entries)}: /api/logging/entries has them")
    return LogTrace(
        correlation_id=correlation_id,
        started_at=None if trace.started_s is None else _time(trace.started_s),
        total_ms=_ms(trace.total_s),
        span_count=trace.spans,
        services=list(trace.services),
        critical=_critical(trace),
        missing=missing,
        spans=[_span(node, log) for node in trace.roots],
        entries=[dict(entry) for entry in trace.entries],
    )


def root_answer(span: Span, log: StructuredLogger) -> TraceRoot:
    """Show where a trace begins."""
    return TraceRoot(
        correlation_id=span.correlation_id,
        service=span.service,
        operation=span.operation,
        status=span.status,
        started_at=_time(span.started_s),
        duration_ms=_ms(span.duration_s),
        attributes=log.clean(span.attributes) if span.attributes else {},
    )


def nearest_traces(telemetry: Telemetry, correlation_id: str) -> list[str]:
    """Name ids that begin like one that nobody has, else those of what ended last."""
    recent = telemetry.spans.recent(_MOST_KEPT)
    alike = [
        each for each in recent if len(correlation_id) >= _SHORT and each.startswith(correlation_id)
    ]
    return (alike or recent)[:_MOST_NAMED]


def _span(node: TraceNode, log: StructuredLogger) -> TraceSpan:
    span = node.span
    return TraceSpan(
        span_id=span_text(span.number),
        service=span.service,
        operation=span.operation,
        status=span.status,
        offset_ms=_ms(node.offset_s),
        duration_ms=_ms(span.duration_s),
        self_ms=_ms(node.self_s),
        critical_ms=_ms(node.critical_s),
        attributes=log.clean(span.attributes) if span.attributes else {},
        entries=[dict(entry) for entry in node.entries],
        children=[_span(child, log) for child in node.children],
    )


def _critical(trace: Trace) -> CriticalStage | None:
    node = trace.critical
    if node is None:
        return None
    share = node.critical_s / trace.total_s if trace.total_s else 1.0
    return CriticalStage(
        span_id=span_text(node.span.number),
        service=node.span.service,
        operation=node.span.operation,
        critical_ms=_ms(node.critical_s),
        share=round(min(share, 1.0), 4),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 3)


def _time(time_s: float) -> str:
    return format_us(round(time_s * 1_000_000))
