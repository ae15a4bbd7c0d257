"""How it runs: services and their order, the event bus, and the one way through for a feed."""

from __future__ import annotations

from sectorwatch.runtime.application import Application, History
from sectorwatch.runtime.bus import BusAnalytics, DeadLetter, Event, EventBus, HandlerCounts
from sectorwatch.runtime.counts import IntakeCounts, ReplayCounts
from sectorwatch.runtime.pipeline import Pipeline
from sectorwatch.runtime.replay import replay
from sectorwatch.runtime.root import build
from sectorwatch.runtime.run import collect_garbage_seldom, run_application, serve
from sectorwatch.runtime.service import Health, Service, ServiceState, ServiceStatus
from sectorwatch.runtime.supervisor import Supervisor

__all__ = [
    "Application",
    "BusAnalytics",
    "DeadLetter",
    "Event",
    "EventBus",
    "HandlerCounts",
    "Health",
    "History",
    "IntakeCounts",
    "Pipeline",
    "ReplayCounts",
    "Service",
    "ServiceState",
    "ServiceStatus",
    "Supervisor",
    "build",
    "collect_garbage_seldom",
    "replay",
    "run_application",
    "serve",
]
