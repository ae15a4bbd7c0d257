"""A trace: all that was done under one correlation id, as a tree with times.

Spans are put under their parents, log entries under the span they were written in. A stage's own
time is what none of its children account for; its critical time is what the whole had to wait for
it and for nothing beneath it, so that of children at work at once only the last to end counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.spans import span_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sectorwatch.observe.spans import Span

__all__ = ["Trace", "TraceNode", "trace_of"]

_MOST_NODES = 1_000
_DEEPEST = 60


@dataclass(slots=True)
class TraceNode:
    """A span in its place; seconds all, `offset_s` from the trace's beginning."""

    span: Span
    offset_s: float
    self_s: float = 0.0
    critical_s: float = 0.0
    depth: int = 0
    children: list[TraceNode] = field(default_factory=list)
    entries: list[Mapping[str, Any]] = field(default_factory=list)
    begins_s: float = 0.0
    ends_s: float = 0.0
    """From the first beginning to the last end of it and all beneath it, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The tree, what is worth knowing of the whole, and what of it is missing, in words."""

    correlation_id: str
    started_s: float | None
    total_s: float
    spans: int
    services: tuple[str, ...]
    roots: tuple[TraceNode, ...]
    critical: TraceNode | None
    entries: tuple[Mapping[str, Any], ...]
    """Those that belong to no span here, oldest first."""
    missing: tuple[str, ...]


def trace_of(
    correlation_id: str,
    spans: Sequence[Span],
    entries: Sequence[Mapping[str, Any]],
    *,
    is_ring_full: bool = False,
) -> Trace:
    """The trace of `spans` and `entries` (oldest first), which all have that correlation id.

    `is_ring_full` says that spans kept earlier may have made room since.
    """
    missing: list[str] = []
    # Numbers are given out as spans begin (or later): a parent's is lower than its children's.
    chosen = sorted(spans, key=lambda span: span.number)
    if len(chosen) > _MOST_NODES:
        missing.append(
            f"{len(chosen) - _MOST_NODES} spans of {len(chosen)}, which are more than are shown; "
            f"the first {_MOST_NODES} are"
        )
        chosen = chosen[:_MOST_NODES]
    start_s = min((span.started_s for span in chosen), default=0.0)
    nodes = {span.number: TraceNode(span, span.started_s - start_s) for span in chosen}
    roots, orphans = _linked(nodes)
    if orphans:
        why = (
            "they made room for newer ones or have not ended yet"
            if is_ring_full
            else "they have not ended yet"
        )
        missing.append(f"{orphans} spans that others here are part of: {why}")
    if not chosen:
        missing.append(
            "every span: they made room for newer ones, were before the last start, or have not "
            "ended yet; the entries are what is left"
        )
    loose = _hung_up(nodes, entries)
    _measured(nodes, roots)
    return Trace(
        correlation_id=correlation_id,
        started_s=start_s if chosen else None,
        # From the first's beginning: between two moments since 1970 a span's last digits get lost.
        total_s=max((node.offset_s + node.span.duration_s for node in nodes.values()), default=0.0),
        spans=len(spans),
        services=tuple(sorted({span.service for span in spans})),
        roots=tuple(roots),
        critical=max(nodes.values(), key=lambda node: node.critical_s, default=None),
        entries=tuple(loose),
        missing=tuple(missing),
    )


def _linked(nodes: Mapping[int, TraceNode]) -> tuple[list[TraceNode], int]:
    """Hang every node under its parent; the roots, and how many parents there are not."""
    roots: list[TraceNode] = []
    unknown: set[int] = set()
    for number, node in nodes.items():
        parent = nodes.get(node.span.parent) if node.span.parent < number else None
        if parent is None and node.span.parent:
            unknown.add(node.span.parent)
        # Nesting without end (a recursion) would be more than a reader's stack takes.
        if parent is None or parent.depth >= _DEEPEST:
            roots.append(node)
        else:
            node.depth = parent.depth + 1
            parent.children.append(node)
    for siblings in (roots, *(node.children for node in nodes.values())):
        siblings.sort(key=lambda one: one.offset_s)
    return roots, len(unknown)


def _hung_up(
    nodes: Mapping[int, TraceNode], entries: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Hang each entry under the span it was written in; those without one."""
    by_text = {span_text(number): node for number, node in nodes.items()}
    loose: list[Mapping[str, Any]] = []
    for entry in entries:
        node = by_text.get(str(entry.get("span_id")))
        (loose if node is None else node.entries).append(entry)
    return loose


def _measured(nodes: Mapping[int, TraceNode], roots: Sequence[TraceNode]) -> None:
    """Work out everybody's own and critical time."""
    # Children come after their parents in `nodes`: backwards, all of a node's are done before it.
    for node in reversed(list(nodes.values())):
        node.begins_s = min([node.span.started_s, *(child.begins_s for child in node.children)])
        node.ends_s = max([node.span.ended_s, *(child.ends_s for child in node.children)])
        node.self_s = node.span.duration_s - _covered(node)
    ends_s = max((root.ends_s for root in roots), default=0.0)
    # From the end backwards: whoever ended last is what was waited for.
    waiting: list[tuple[TraceNode | None, Sequence[TraceNode], float]] = [(None, roots, ends_s)]
    while waiting:
        parent, children, cursor_s = waiting.pop()
        for child in sorted(children, key=lambda one: one.ends_s, reverse=True):
            if child.begins_s >= cursor_s:
                continue
            until_s = min(child.ends_s, cursor_s)
            _blame(parent, until_s, cursor_s)
            waiting.append((child, child.children, until_s))
            cursor_s = child.begins_s
        if parent is not None:
            _blame(parent, parent.begins_s, cursor_s)


def _blame(node: TraceNode | None, from_s: float, until_s: float) -> None:
    """Give a node the time between, as far as it was at work then."""
    if node is not None:
        span = node.span
        node.critical_s += max(0.0, min(until_s, span.ended_s) - max(from_s, span.started_s))


def _covered(node: TraceNode) -> float:
    """How much of a node's time its children account for, each moment once."""
    total_s, reached_s = 0.0, node.span.started_s
    for child in sorted(node.children, key=lambda one: one.span.started_s):
        begin_s = max(child.span.started_s, reached_s)
        end_s = min(child.span.ended_s, node.span.ended_s)
        if end_s > begin_s:
            total_s += end_s - begin_s
            reached_s = end_s
    return min(total_s, node.span.duration_s)
