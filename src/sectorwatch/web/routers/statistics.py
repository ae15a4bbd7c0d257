"""Statistics over any period, as JSON and as CSV."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sectorwatch.clock import format_s, time_zone
from sectorwatch.store.segments import CONTACTS, DEMAND, FLIGHTS, NETWORK, VISITS
from sectorwatch.web.answers.statistics import StatisticsAnswer, TopicList
from sectorwatch.web.context import PUBLIC, Limit, Offset, answer, application_of
from sectorwatch.web.hot import Encoded, HotAnswers, encode
from sectorwatch.web.openapi import documented
from sectorwatch.web.paging import next_link, page
from sectorwatch.web.periods import From, To, period
from sectorwatch.web.present.history import lost_words
from sectorwatch.web.present.statistics import Question
from sectorwatch.web.problems import ApiError, not_found
from sectorwatch.web.routers.airports import airport_named
from sectorwatch.web.routers.sectors import Partition
from sectorwatch.web.tables import CSV, csv_bytes
from sectorwatch.web.topics import TOPICS, Topic, topic_list
from sectorwatch.web.turns import Turns

if TYPE_CHECKING:
    from sectorwatch.runtime import Application
    from sectorwatch.web.answers.statistics import Statistics

router = APIRouter(prefix="/api/statistics", tags=["statistics"], dependencies=PUBLIC)

_DAY_S = 86_400
_STEP_S = 900
# A question that is asked again within this time gets the same answer.
_FRESH_S = 300


@router.get("", responses=documented(TopicList, 304), response_model=None)
async def statistics_topics(request: Request) -> Response:
    """List what there are statistics of, and what the fields of each say."""
    return answer(request, topic_list(application_of(request).settings.timezone))


@router.get(
    "/{topic}",
    responses=documented(StatisticsAnswer, 304, 404, 503, also={CSV: str}),
    response_model=None,
)
async def statistics(
    request: Request,
    topic: Annotated[str, Path(max_length=100, description="One of /api/statistics")],
    start: From = None,
    end: To = None,
    scope: Annotated[
        Literal["airspace", "network"] | None,
        Query(
            description="airspace: what touched the airspace loaded here; network: everything. "
            "The first of the topic's where not asked for"
        ),
    ] = None,
    partition: Annotated[
        Partition, Query(max_length=100, description="Of the airspace only this, as vatspy:fir")
    ] = None,
    by: Annotated[
        str | None, Query(max_length=40, description="What a row is; the first of the topic's else")
    ] = None,
    airport: Annotated[
        str | None, Query(max_length=8, description="Only flights from or to it, where taken")
    ] = None,
    format: Annotated[  # noqa: A002 - the parameter's name
        Literal["json", "csv"], Query(description="JSON, or CSV with the rows alone")
    ] = "json",
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """Give figures of a period (the last 7 days where none is asked for), at most a year of it."""
    application = application_of(request)
    chosen = _topic_named(topic)
    now_s = application.pipeline_now_s()
    start_s, end_s = period(
        start, end, now_s=now_s, default_s=7 * _DAY_S, longest_s=366 * _DAY_S, step_s=_STEP_S
    )
    asked = Asked(
        topic=chosen.name,
        start_s=start_s,
        end_s=end_s,
        scope=_scope(chosen, scope, partition),
        partition=_partition(application, partition),
        by=_by(chosen, by),
        airport=_airport(application, chosen, airport),
        format=format,
        limit=limit,
        offset=offset,
    )
    hot: HotAnswers = request.app.state.statistics
    turns: Turns = request.app.state.turns
    version = now_s // _FRESH_S
    name = repr(asked)
    if hot.ready(name, version) is not None:
        return await hot.get(request.headers.raw, name, version, _never)
    async with turns.turn():
        return await hot.get(
            request.headers.raw, name, version, lambda: _build(request, application, asked)
        )


_READ = (FLIGHTS.name, VISITS.name, CONTACTS.name, DEMAND.name, NETWORK.name)


class Asked(msgspec.Struct, frozen=True):
    """A question as it was understood: equal ones have one answer."""

    topic: str
    start_s: int
    end_s: int
    scope: Literal["airspace", "network"]
    partition: str | None
    by: str | None
    airport: str | None
    format: str
    limit: int | None
    offset: int


def _never() -> Encoded:
    raise AssertionError("what is ready is not built")


def _build(request: Request, application: Application, asked: Asked) -> Encoded:
    tick = application.latest
    question = Question(
        queries=application.store.ask().statistics,
        airspace=application.airspace,
        airports=application.airports,
        from_s=asked.start_s,
        to_s=asked.end_s,
        scope=asked.scope,
        partition=asked.partition,
        by=asked.by,
        airport=asked.airport,
        zone=time_zone(application.settings.timezone),
        zone_name=application.settings.timezone,
        as_of_s=None if tick is None else tick.time_us // 1_000_000,
    )
    topic = TOPICS[asked.topic]
    whole: Statistics = topic.build(question)
    store = application.store.ask()
    # All that a topic may have read: what is lost of another kind is worth knowing, too.
    lost = {kind: store.lost(kind, asked.start_s, asked.end_s) for kind in _READ}
    whole = msgspec.structs.replace(whole, statement=whole.statement + lost_words(lost))
    rows = page(whole.rows, asked.limit, asked.offset)  # type: ignore[attr-defined] # each has them
    kept = {
        "from": format_s(asked.start_s),
        "to": format_s(asked.end_s),
        "scope": asked.scope,
        "partition": asked.partition,
        "by": asked.by,
        "airport": asked.airport,
        "format": None if asked.format == "json" else asked.format,
    }
    headers = next_link(request, kept, total=whole.total, limit=asked.limit, offset=asked.offset)
    if asked.format == "json":
        return Encoded(encode(msgspec.structs.replace(whole, rows=rows)), more=headers)
    return Encoded(
        csv_bytes(topic.row, rows),
        content_type=CSV,
        more=headers
        | {
            "Content-Disposition": f'attachment; filename="{_file_name(asked)}"',
            "X-Known-Share": f"{whole.known_share:g}",
        },
    )


def _file_name(asked: Asked) -> str:
    start, end = (format_s(time).replace(":", "")[:-3] for time in (asked.start_s, asked.end_s))
    by = f"-{asked.by}" if asked.by else ""
    return f"sectorwatch-{asked.topic}{by}-{asked.scope}-{start}Z-{end}Z.csv"


def _topic_named(name: str) -> Topic:
    wanted = name.strip().casefold().replace("-", "_")
    found = TOPICS.get(wanted)
    if found is None:
        near = difflib.get_close_matches(wanted, TOPICS, n=3, cutoff=0.5)
        raise not_found("topic", name, near or list(TOPICS))
    return found


def _scope(
    topic: Topic, scope: Literal["airspace", "network"] | None, partition: str | None
) -> Literal["airspace", "network"]:
    if scope == "network" and partition is not None:
        raise ApiError(
            422, f"partition={partition!r} is of the airspace, not of the network: leave one out."
        )
    if scope is not None and scope not in topic.scopes:
        raise ApiError(
            422,
            f"scope={scope!r}: {topic.name} has {', '.join(topic.scopes)} alone, leave it out.",
        )
    return scope or "airspace"


def _partition(application: Application, name: str | None) -> str | None:
    if name is None:
        return None
    names = {each.name.casefold(): each.name for each in application.airspace.partitions}
    found = names.get(name.strip().casefold())
    if found is None:
        raise not_found("partition", name, list(names.values())[:5])
    return found


def _by(topic: Topic, by: str | None) -> str | None:
    if by is None:
        return topic.by[0] if topic.by else None
    if by not in topic.by:
        may = f"it is one of {', '.join(topic.by)}" if topic.by else "it takes none"
        raise ApiError(422, f"by={by!r} is nothing that {topic.name} has rows by: {may}.")
    return by


def _airport(application: Application, topic: Topic, airport: str | None) -> str | None:
    if airport is None:
        return None
    if not topic.takes_airport:
        those = ", ".join(each.name for each in TOPICS.values() if each.takes_airport)
        raise ApiError(422, f"airport={airport!r}: {topic.name} takes none, but {those} do.")
    return airport_named(application, airport).icao
