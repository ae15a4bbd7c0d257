"""Correlation on its way out: the W3C header, for any id."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe import (
    LogCorrelationContext,
    SpanRing,
    current_span,
    new_correlation_id,
    outgoing_headers,
    span_text,
    trace_id_of,
    traceparent,
)

FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@given(st.text(min_size=1, max_size=200))
def test_the_header_has_its_form_whatever_the_id(text: str) -> None:
    """An id that is no trace id is mapped to one, always the same."""
    with LogCorrelationContext(text) as context:
        header = traceparent()
        assert header is not None
        assert FORM.fullmatch(header)
        assert header[3:35] == trace_id_of(context.correlation_id)
        for value in outgoing_headers(is_ours=True).values():
            assert value.isascii()
            assert value.isprintable()


def test_an_id_of_ours_is_the_trace_id_itself_and_the_span_the_parent() -> None:
    """So whoever is asked logs the id that finds both."""
    made = new_correlation_id()
    with LogCorrelationContext(made), SpanRing().span("fetch", "s"):
        assert traceparent() == f"00-{made}-{span_text(current_span())}-01"
        assert outgoing_headers(is_ours=True)["X-Correlation-ID"] == made
        assert list(outgoing_headers()) == ["traceparent"]


def test_the_null_id_of_the_standard_is_never_sent() -> None:
    """32 zeros are no trace id."""
    assert trace_id_of("0" * 32) != "0" * 32


def test_outside_a_correlation_nothing_is_sent() -> None:
    """There is nothing to find anything by."""
    assert traceparent() is None
    assert outgoing_headers(is_ours=True) == {}
