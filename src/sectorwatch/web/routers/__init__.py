"""One router a topic."""

from __future__ import annotations

from sectorwatch.web.routers import (
    airports,
    alerts,
    controllers,
    coverage,
    database,
    docs,
    errors,
    events,
    flights,
    logs,
    ml,
    monitoring,
    network,
    notifications,
    performance,
    probes,
    profile,
    queries,
    sectors,
    services,
    statistics,
    status,
    traffic,
)

__all__ = ["ALL"]

ALL = (
    status.router,
    network.router,
    flights.router,
    controllers.router,
    sectors.router,
    airports.router,
    traffic.router,
    coverage.router,
    statistics.router,
    ml.router,
    services.router,
    monitoring.router,
    alerts.router,
    notifications.router,
    events.router,
    errors.router,
    logs.router,
    performance.router,
    profile.router,
    database.router,
    queries.router,
    probes.router,
    docs.router,
)
