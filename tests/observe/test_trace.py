"""Traces: the tree, whose time it was, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe import Span, span_text, trace_of

if TYPE_CHECKING:
    from sectorwatch.observe import Trace, TraceNode


def _span(number: int, parent: int, start: float, duration: float, name: str = "") -> Span:
    return Span("t", number, parent, "s", name or f"op{number}", 1_000.0 + start, duration, "ok")


def _flat(trace: Trace) -> dict[int, TraceNode]:
    found: dict[int, TraceNode] = {}
    waiting = list(trace.roots)
    while waiting:
        node = waiting.pop()
        found[node.span.number] = node
        waiting += node.children
    return found


def test_children_at_work_at_once_are_not_counted_twice() -> None:
    """A stage's own time is what no child accounts for; only the last to end was waited for."""
    trace = trace_of(
        "t",
        [
            _span(2, 1, 1, 4, "journal"),
            _span(3, 1, 1, 7, "decode"),
            _span(4, 1, 8, 1, "commit"),
            _span(1, 0, 0, 10, "take"),
        ],
        [],
    )
    (take,) = trace.roots
    assert [child.span.operation for child in take.children] == ["journal", "decode", "commit"]
    assert take.self_s == pytest.approx(2)
    nodes = _flat(trace)
    assert [nodes[n].critical_s for n in (1, 2, 3, 4)] == pytest.approx([2, 0, 7, 1])
    assert trace.critical is nodes[3]
    assert trace.total_s == pytest.approx(10)
    assert trace.missing == ()


def test_what_goes_on_after_its_parent_ended_belongs_to_the_whole() -> None:
    """A handler that is called later: the total reaches to its end, the parent's time does not."""
    trace = trace_of("t", [_span(1, 0, 0, 2), _span(2, 1, 3, 5)], [])
    nodes = _flat(trace)
    assert trace.total_s == pytest.approx(8)
    assert nodes[1].self_s == pytest.approx(2)
    assert (nodes[1].critical_s, nodes[2].critical_s) == pytest.approx((2, 5))


def test_what_is_missing_is_said() -> None:
    """A parent that is not there leaves its children as roots, and a word about it."""
    trace = trace_of("t", [_span(5, 4, 0, 1), _span(6, 4, 1, 1)], [], is_ring_full=True)
    assert [root.span.number for root in trace.roots] == [5, 6]
    assert trace.missing == (
        "1 spans that others here are part of: they made room for newer ones or have not ended yet",
    )
    trace = trace_of("t", [], [{"operation": "x"}])
    assert trace.total_s == 0
    assert trace.critical is None
    assert "every span" in trace.missing[0]
    assert trace.entries == ({"operation": "x"},)


def test_entries_hang_where_they_were_written() -> None:
    """By their span's id; those of none, or of one that is gone, stand beside the tree."""
    inside, outside = {"span_id": span_text(2)}, {"span_id": span_text(9)}
    trace = trace_of("t", [_span(1, 0, 0, 2), _span(2, 1, 0, 1)], [inside, outside, {}])
    assert _flat(trace)[2].entries == [inside]
    assert trace.entries == (outside, {})


def test_a_recursion_without_end_stays_readable() -> None:
    """Deeper than sixty levels, and past a thousand spans, what is shown ends."""
    trace = trace_of("t", [_span(n, n - 1, n, 10_000 - 2 * n) for n in range(1, 2_000)], [])
    assert len(_flat(trace)) == 1_000
    assert "999 spans of 1999" in trace.missing[0]
    assert max(node.depth for node in _flat(trace).values()) == 60


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.floats(0, 100, width=32), st.floats(0, 100, width=32)),
        max_size=12,
    )
)
def test_no_time_is_made_or_counted_twice(given_spans: list[tuple[int, float, float]]) -> None:
    """Whatever spans come: all are in the tree once, and critical times fit into the total."""
    spans = [_span(n, *one) for n, one in enumerate(given_spans, 1)]
    trace = trace_of("t", spans, [])
    nodes = _flat(trace)
    assert sorted(nodes) == [span.number for span in spans]
    assert sum(node.critical_s for node in nodes.values()) <= trace.total_s + 1e-6
    for node in nodes.values():
        assert -1e-9 <= node.self_s <= node.span.duration_s + 1e-9
        assert -1e-9 <= node.critical_s <= node.span.duration_s + 1e-6
