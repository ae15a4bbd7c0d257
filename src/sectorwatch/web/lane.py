"""The fast lane: what is encoded already goes out without passing through the framework.

In front of the application stands a table of a few exact paths. Where a request for one of them
reads, is open without a key, and asks for what lies ready, it is answered at once. Everything else
(the first request after a tick, a parameter out of the ordinary, a key, a page) goes through the
application, whose route of the same path documents it, checks it, and gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from sectorwatch.web.access import Gate, Tier
    from sectorwatch.web.hot import Encoded

__all__ = ["FastLane", "Lane", "plain_query"]


@dataclass(frozen=True, slots=True)
class Lane:
    """One path of the table; `ready` gives its answer to plain parameters, None if it has none."""

    path: str
    tier: Tier
    ready: Callable[[Mapping[str, str]], Encoded | None]


class FastLane:
    """Wraps the application; belongs to the event loop."""

    def __init__(self, app: ASGIApp, *, gate: Gate, lanes: Sequence[Lane]) -> None:
        self._app = app
        self._gate = gate
        self._lanes = {lane.path: lane for lane in lanes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do it."""
        lane = self._lanes.get(scope.get("path", "").removeprefix(scope.get("root_path", "")))
        if lane is not None and scope["type"] == "http" and self._gate.is_open(scope, lane.tier):
            query = plain_query(scope["query_string"])
            found = None if query is None else lane.ready(query)
            if found is not None and found.is_ready(scope["headers"]):
                scope["route"] = lane
                await found.send(scope, send)
                return
        await self._app(scope, receive, send)


def plain_query(query: bytes) -> dict[str, str] | None:
    """Read parameters that need no decoding, each there once and not empty; None for any other.

    >>> plain_query(b"airport=YSSY&callsign=QFA")
    {'airport': 'YSSY', 'callsign': 'QFA'}
    >>> plain_query(b"sector=a+b"), plain_query(b"a=1&a=2"), plain_query(b"a=")
    (None, None, None)
    """
    if not query:
        return {}
    if b"%" in query or b"+" in query or b";" in query or not query.isascii():
        return None
    found: dict[str, str] = {}
    for part in query.decode("ascii").split("&"):
        name, _, value = part.partition("=")
        if not value or name in found:
            return None
        found[name] = value
    return found
