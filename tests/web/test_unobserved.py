"""With observation off the program runs the same: null objects stand where it looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asking import filled
from web.system import System, operator

if TYPE_CHECKING:
    from pathlib import Path

_OF_WHAT_WAS_OBSERVED = (
    "/api/monitoring/metrics/",
    "/api/performance/metrics/",
    "/api/logging/trace/",
)


def test_everything_is_served_and_nothing_is_kept(tmp_path: Path) -> None:
    """Each endpoint answers, but for names of what was observed; no file of ours is written."""
    system = System.start(tmp_path / "data", observation=False)
    try:
        system.catch_up()
        system.tick()
        tick = system.application.latest
        assert tick is not None
        for path, operations in system.client.get("/openapi.json").json()["paths"].items():
            if "get" not in operations or path == "/api/events/stream":
                continue
            asked = filled(path, callsign=tick.live.flights[0].callsign, sector="YMML_FIR")
            answer = system.client.get(asked)
            is_observed = asked.startswith(_OF_WHAT_WAS_OBSERVED)
            assert answer.status == (404 if is_observed else 200), (asked, answer.body[:300])
        restarted = system.client.ask("POST", "/api/services/store/restart", operator())
        assert restarted.status == 200, restarted.body
        assert system.client.get("/api/monitoring/alerts").json() == []
    finally:
        system.stop()
    assert not (tmp_path / "data/observe.db").exists()
    assert not list((tmp_path / "data/logs").glob("*"))
