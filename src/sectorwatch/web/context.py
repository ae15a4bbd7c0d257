"""What a route can reach: the application it is a face of, and helpers every topic needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Depends, Query
from starlette.responses import Response

from sectorwatch.web.access import Tier, tier
from sectorwatch.web.hot import HotAnswers, respond
from sectorwatch.web.paging import MAX_LIMIT
from sectorwatch.web.problems import ApiError, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import Sector
    from sectorwatch.runtime import Application
    from sectorwatch.web.stream import StreamHub

__all__ = [
    "OPERATOR",
    "PUBLIC",
    "STAFF",
    "Limit",
    "Offset",
    "answer",
    "application_of",
    "hot_of",
    "hub_of",
    "sector_named",
]

PUBLIC = [Depends(tier(Tier.PUBLIC))]
STAFF = [Depends(tier(Tier.STAFF))]
OPERATOR = [Depends(tier(Tier.OPERATOR))]

Limit = Annotated[
    int | None,
    Query(ge=1, le=MAX_LIMIT, description="At most so many; without it, all. See the Link header"),
]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Skip so many")]


def application_of(request: Request) -> Application:
    """Give the application that this request is made to."""
    found: Application = request.app.state.application
    return found


def hot_of(request: Request) -> HotAnswers:
    """Give the answers that are encoded once a tick."""
    found: HotAnswers = request.app.state.hot
    return found


def hub_of(request: Request) -> StreamHub:
    """Give the hub of the event streams."""
    found: StreamHub = request.app.state.hub
    return found


def answer(
    request: Request, value: Any, *, headers: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """Encode a struct as this request's answer, with an ETag for what is read."""
    body = msgspec.json.encode(value)
    if status == 200 and request.method == "GET":  # noqa: PLR2004 - anything else is no content
        response = respond(request, body)
    else:
        response = Response(body, status_code=status, media_type="application/json")
    for name, text in (headers or {}).items():
        response.headers[name] = text
    return response


def sector_named(airspace: Airspace, name: str, partition: str | None = None) -> Sector:
    """Find a sector by its name; of namesakes the one in `partition`, else the first.

    Raises ApiError 404 with the nearest names.
    """
    found = airspace.find(name)
    if partition is not None:
        in_partition = [sector for sector in found if sector.partition == partition]
        if found and not in_partition:
            there = ", ".join(sorted(sector.partition for sector in found))
            raise ApiError(404, f"{found[0].name} is not in {partition[:60]!r}, but in {there}.")
        found = in_partition
    if not found:
        raise not_found("sector", name, airspace.nearest_names(name))
    return found[0]
