"""What a route can reach: the application it is a face of, and helpers every topic needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Query
from starlette.responses import Response

from sectorwatch.clock import format_s
from sectorwatch.web.access import Tier, tier
from sectorwatch.web.hot import Encoded, EncodedResponse, HotAnswers, encode
from sectorwatch.web.paging import MAX_LIMIT
from sectorwatch.web.problems import ApiError, not_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import Sector
    from sectorwatch.runtime import Application
    from sectorwatch.traffic.tick import Tick
    from sectorwatch.web.stream import StreamHub

__all__ = [
    "ALERTS",
    "OPERATOR",
    "PUBLIC",
    "STAFF",
    "Limit",
    "Offset",
    "answer",
    "application_of",
    "hot_of",
    "hub_of",
    "no_longer_drawn",
    "numbers_of",
    "sector_named",
    "sector_of_old",
    "version_of",
]

PUBLIC = [Depends(tier(Tier.PUBLIC))]
ALERTS = [Depends(tier(Tier.ALERTS))]
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


def version_of(tick: Tick | None) -> int:
    """Give what hot answers are a version of: the tick's number, 0 before the first."""
    return 0 if tick is None else tick.seq


def answer(
    request: Request,
    value: Any,
    *,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> Response:
    """Encode a struct as this request's answer, with an ETag, compressed where it is long."""
    body = encode(value)
    if request.method != "GET":
        return Response(body, media_type=content_type, headers=dict(headers or {}))
    encoded = Encoded(body, content_type=content_type, more=headers)
    if not encoded.is_ready(request.headers.raw):
        encoded.pack()
    return EncodedResponse(encoded)


def numbers_of(airspace: Airspace, sectors: Iterable[Sector]) -> list[int]:
    """Give where these sectors stand in `airspace.sectors`."""
    numbers = (airspace.index_of(sector.sector_id) for sector in sectors)
    return [number for number in numbers if number is not None]


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


def sector_of_old(application: Application, name: str, partition: str | None) -> Sector:
    """Find a sector that is no longer drawn and has a history, by its name; without its shape.

    Raises ApiError 404 with the nearest names of those that are. Asks the database.
    """
    for found in application.store.ask().sectors.kept_named(name):
        if partition is None or found.partition == partition:
            return found
    raise not_found("sector", name, application.airspace.nearest_names(name))


def no_longer_drawn(sector: Sector, span_s: tuple[int, int] | None) -> str:
    """Say of a sector that is no longer drawn, and from when to when there is a history of it."""
    words = f"{sector.name} is not in the airspace any more."
    if span_s is None:
        return f"{words} Nobody was ever seen in it."
    return f"{words} It has demand from {format_s(span_s[0])} to {format_s(span_s[1])}."
