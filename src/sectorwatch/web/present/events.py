"""What a tick or a change of a service says to those who listen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from sectorwatch.clock import format_us

if TYPE_CHECKING:
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime import Application, Event
    from sectorwatch.traffic.tick import Tick

__all__ = [
    "HealthEvent",
    "MetricsEvent",
    "TickEvent",
    "health_event",
    "metrics_event",
    "tick_event",
]


class TickEvent(msgspec.Struct, frozen=True):
    """A tick in a line: what there is now and how much changed; the rest is asked for."""

    seq: Annotated[int, Meta(description="The tick's number")]
    snapshot_time: Annotated[str, Meta(description="Time of the feed, UTC")]
    pilots: Annotated[int, Meta(description="Pilots online")]
    airborne: Annotated[int, Meta(description="Flights in the air")]
    controllers: Annotated[int, Meta(description="Controllers online")]
    moved: Annotated[int, Meta(description="New positions")]
    flights_changed: Annotated[int, Meta(description="Flights new, changed or gone")]
    sector_entries: Annotated[int, Meta(description="Visits begun that go on")]
    sector_exits: Annotated[int, Meta(description="Visits ended")]
    movements: Annotated[int, Meta(description="Take-offs and landings")]


def tick_event(tick: Tick) -> TickEvent:
    """Say a tick in a line."""
    begun = sum(visit.exit_s is None for visit in tick.visits)
    return TickEvent(
        seq=tick.seq,
        snapshot_time=format_us(tick.time_us),
        pilots=tick.network.pilots,
        airborne=tick.network.airborne,
        controllers=tick.network.controllers,
        moved=len(tick.positions.flight_id),
        flights_changed=len(tick.flights),
        sector_entries=begun,
        sector_exits=len(tick.visits) - begun,
        movements=len(tick.movements),
    )


class HealthEvent(msgspec.Struct, frozen=True):
    """A service that changed its state, as it is now."""

    time: Annotated[str, Meta(description="When it was told, UTC")]
    service: Annotated[str, Meta(description="The service's name")]
    state: Annotated[str, Meta(description="As in /api/services/status")]
    status: Annotated[str, Meta(description="What its last health check found")]


def health_event(application: Application, event: Event) -> HealthEvent:
    """Say how the service is that an event of the bus is about: now, not when it was told."""
    (known,) = application.supervisor.status(event.name)
    return HealthEvent(
        time=format_us(event.published_us),
        service=event.name,
        state=known.state.value,
        status=application.telemetry.health.status(event.name).status.value,
    )


class MetricsEvent(msgspec.Struct, frozen=True):
    """The gauges as they stand, once a period."""

    time: Annotated[str, Meta(description="When they were read, UTC")]
    metrics_count: Annotated[int, Meta(description="Distinct metric names")]
    active_alerts: Annotated[int, Meta(description="Alerts firing or acknowledged")]
    values: Annotated[
        dict[str, float], Meta(description="Each gauge that has no tags, by name, as it stands")
    ]


def metrics_event(telemetry: Telemetry) -> MetricsEvent:
    """Say how the gauges stand that there is one series of."""
    metrics = telemetry.metrics
    return MetricsEvent(
        time=format_us(round(metrics.now_s() * 1e6)),
        metrics_count=metrics.metrics_count,
        active_alerts=len(telemetry.alerts.get_active_alerts()),
        values={
            one.name: one.latest
            for one in metrics.overview()
            if one.kind == "gauge" and one.series == 1 and one.latest is not None
        },
    )
