"""Paths of the API with names in them that exist, for tests and tools that ask for all of them."""

from __future__ import annotations

TRACED = "asked-for-by-a-test"
"""Send it as `X-Correlation-ID` with one request before its trace is asked for."""

_OF_THE_SYSTEM = {
    "/api/services/": ("{name}", "collector"),
    "/api/monitoring/metrics/": ("{name}", "feed_age_seconds"),
    "/api/monitoring/health/": ("{service_name}", "collector"),
    "/api/performance/metrics/": ("{operation}", "system_monitoring"),
    "/api/logging/trace/": ("{correlation_id}", TRACED),
}


def filled(path: str, *, callsign: str, sector: str, topic: str = "routes") -> str:
    """A path of the OpenAPI document with the names of things that are there."""
    for beginning, (part, name) in _OF_THE_SYSTEM.items():
        if path.startswith(beginning):
            return path.replace(part, name)
    names = {"{callsign}": callsign, "{name}": sector, "{icao}": "YSSY", "{topic}": topic}
    for part, name in names.items():
        path = path.replace(part, name)
    assert "{" not in path, f"{path}: give it a name here"
    return path
