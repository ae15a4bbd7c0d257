"""The id of a request: the caller's own, where it sent one that may stand in a log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["incoming_correlation_id"]

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII)
_NO_TRACE = "0" * 32


def incoming_correlation_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Read the caller's id: `X-Correlation-ID`, else the trace of a W3C `traceparent`, else None.

    An id that is not plain (64 letters, digits, `._:-`) is not kept: it will stand in logs.

    >>> incoming_correlation_id([(b"x-correlation-id", b"tick-7")])
    'tick-7'
    """
    own = trace = b""
    for name, value in headers:
        if name == b"x-correlation-id":
            own = value
        elif name == b"traceparent":
            trace = value
    if own and _ID.fullmatch(text := own.decode("latin-1")):
        return text
    if trace:
        found = _TRACEPARENT.fullmatch(trace.decode("latin-1").strip())
        if found is not None and found[1] != _NO_TRACE:
            return found[1]
    return None
