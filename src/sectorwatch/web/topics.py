"""What there are statistics of: the table of topics, with what each takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import Meta

from sectorwatch.web.answers import statistics as answers
from sectorwatch.web.present import statistics_contacts as of_contacts
from sectorwatch.web.present import statistics_flights as of_flights
from sectorwatch.web.present import statistics_load as of_load
from sectorwatch.web.present import statistics_staff as of_staff

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec

    from sectorwatch.web.answers.statistics import Statistics
    from sectorwatch.web.present.statistics import Question

__all__ = ["TOPICS", "Topic", "topic_list"]

_BOTH = ("airspace", "network")


@dataclass(frozen=True)
class Topic:
    """A topic: how it is worked out, what its rows are, and what may be asked of it."""

    name: str
    words: str
    row: type[msgspec.Struct]
    build: Callable[[Question], Statistics]
    by: tuple[str, ...] = ()
    scopes: tuple[str, ...] = _BOTH
    takes_airport: bool = False

    def fields(self) -> list[tuple[str, str]]:
        """The fields of a row with what they say, in order."""
        hints = get_type_hints(self.row, include_extras=True)
        return [(name, _words(hints[name])) for name in self.row.__struct_fields__]


def _words(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        for each in get_args(hint)[1:]:
            if isinstance(each, Meta) and each.description:
                return each.description
    return ""


TOPICS = {
    topic.name: topic
    for topic in (
        Topic(
            "airports",
            "Take-offs and landings by airport, with ranks.",
            answers.AirportRow,
            of_flights.airports,
        ),
        Topic(
            "routes",
            "Flights by pair of airports, both directions apart, with the median time.",
            answers.RouteRow,
            of_flights.routes,
            takes_airport=True,
        ),
        Topic(
            "flight_times",
            "Median and tenths of the time from take-off to landing by pair of airports, against "
            "the great circle.",
            answers.FlightTimeRow,
            of_flights.flight_times,
            takes_airport=True,
        ),
        Topic(
            "aircraft",
            "Flights and hours by type of aircraft.",
            answers.AircraftRow,
            of_flights.aircraft,
            takes_airport=True,
        ),
        Topic(
            "hours",
            "Controllers' hours by kind of position, or by position; members are counted, never "
            "named.",
            answers.HoursRow,
            of_staff.hours,
            by=("position_type", "position"),
        ),
        Topic(
            "peaks",
            "The most pilots against the most controllers at once, by local day and over the "
            "period, with when.",
            answers.PeakRow,
            of_load.peaks,
            by=("day",),
        ),
        Topic(
            "busiest_hours",
            "Flights in the air by hour: of the week by the division's clock or by UTC, or of each "
            "date.",
            answers.BusiestHourRow,
            of_load.busiest_hours,
            by=("hour_of_week", "hour_of_week_utc", "date_hour"),
        ),
        Topic(
            "sectors",
            "Sectors by how busy they were: mean, peak, entries, and the share of time with an "
            "owner.",
            answers.SectorLoadRow,
            of_load.sectors,
            scopes=("airspace",),
        ),
        Topic(
            "coverage",
            "Flights by instrument rules: the share ever in radio contact, and the share of their "
            "time in the air, by local day and over the period.",
            answers.CoverageRow,
            of_contacts.coverage,
            by=("day",),
        ),
        Topic(
            "contacts",
            "How many positions a flight was in contact with, as a distribution, or the positions "
            "contacted.",
            answers.ContactRow,
            of_contacts.contacts,
            by=("count", "position"),
            takes_airport=True,
        ),
    )
}
"""The topics by name."""


def topic_list(timezone: str) -> answers.TopicList:
    """List the topics."""
    return answers.TopicList(
        timezone=timezone,
        topics=[
            answers.TopicAnswer(
                topic=topic.name,
                words=topic.words,
                by=list(topic.by),
                scopes=list(topic.scopes),
                takes=["airport"] if topic.takes_airport else [],
                fields=[answers.FieldAnswer(*field) for field in topic.fields()],
            )
            for topic in TOPICS.values()
        ],
    )
