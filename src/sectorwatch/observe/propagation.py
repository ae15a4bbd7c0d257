"""Correlation over HTTP: what requests of ours carry, so that who is asked can log the same id.

`traceparent` is that of W3C Trace Context (level 1): version, trace id, parent id, flags.
"""

from __future__ import annotations

import hashlib
import os
import re

from sectorwatch.observe.correlation import correlation_id, current_span
from sectorwatch.observe.spans import span_text

__all__ = ["outgoing_headers", "trace_id_of", "traceparent"]

_TRACE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NONE = "0" * 32


def trace_id_of(correlation: str) -> str:
    """A correlation id as a W3C trace id: itself where it is one, else always the same for it.

    >>> trace_id_of("4bf92f3577b34da6a3ce929d0e0e4736")
    '4bf92f3577b34da6a3ce929d0e0e4736'
    >>> trace_id_of("tick-7") == trace_id_of("tick-7") != trace_id_of("tick-8")
    True
    """
    if _TRACE_ID.fullmatch(correlation) and correlation != _NONE:
        return correlation
    encoded = correlation.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()


def traceparent() -> str | None:
    """The header's value for a request made here and now; None outside any correlation id."""
    correlation = correlation_id()
    if not correlation:
        return None
    parent = span_text(current_span() or int.from_bytes(os.urandom(7)) + 1)
    return f"00-{trace_id_of(correlation)}-{parent}-01"


def outgoing_headers(*, is_ours: bool = False) -> dict[str, str]:
    """The headers for a request of ours; to `is_ours`, also our own `X-Correlation-ID`."""
    parent = traceparent()
    if parent is None:
        return {}
    headers = {"traceparent": parent}
    correlation = correlation_id()
    if is_ours and correlation.isascii() and correlation.isprintable():
        headers["X-Correlation-ID"] = correlation
    return headers
