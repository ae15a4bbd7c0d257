"""The event loop serves traffic: whoever asks what was observed never makes it wait."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sectorwatch.observe import AlertSeverity, AlertType
from web.system import operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.observe import Alert
    from web.system import Client, System

_ASKED = (
    ("GET", "/api/monitoring/alerts"),
    ("GET", "/api/monitoring/alerts/history"),
    ("GET", "/api/monitoring/metrics"),
    ("GET", "/api/monitoring/silences"),
    ("GET", "/api/performance/alerts"),
    ("POST", "/api/monitoring/alerts/{id}/acknowledge"),
    ("POST", "/api/monitoring/alerts/alert_unknown/acknowledge"),
    ("POST", "/api/monitoring/alerts/alert_unknown/resolve"),
    ("DELETE", "/api/monitoring/silences?id=silence_unknown"),
)


@pytest.fixture
def alert(system: System) -> Iterator[Alert]:
    """An alert that goes on."""
    alerts = system.application.telemetry.alerts
    made = alerts.create_alert(AlertType.CPU_SPIKE, AlertSeverity.LOW, "made", "loop_is_free")
    yield made
    alerts.resolve_alert(made.id)


@pytest.mark.parametrize(("method", "path"), _ASKED)
def test_alerts_that_are_busy_hold_up_nobody_else(
    system: System, client: Client, alert: Alert, method: str, path: str
) -> None:
    """While somebody has the book of alerts, who asks for one waits and all others are served."""
    book = system.application.telemetry.alerts._book
    with ThreadPoolExecutor(1) as pool:
        with book.lock:
            waits = pool.submit(client.ask, method, path.format(id=alert.id), operator())
            assert _is_free(client)
            assert not waits.done()
        assert waits.result(20).status in {200, 404}


def test_telling_of_an_alert_holds_up_nobody(system: System, client: Client, alert: Alert) -> None:
    """The stream's topic `alert` is read from the book outside the loop."""
    application = system.application
    with application.telemetry.alerts._book.lock:
        application.bus.publish("alert", name=alert.id)
        assert _is_free(client)


def test_health_of_monitoring_holds_up_nobody(system: System, client: Client) -> None:
    """It is asked in the loop every 15 s, and says how many alerts there are without the book."""
    telemetry = system.application.telemetry
    with ThreadPoolExecutor(1) as pool, telemetry.alerts._book.lock:
        asked = pool.submit(system.call, telemetry.health.check_all_services())
        assert _is_free(client)
        assert asked.result(20)["monitoring"].details["alerts"]["evaluating"]


def _is_free(client: Client) -> bool:
    """Whether the loop still answers once it has had time to take up what was asked before."""
    answered = threading.Event()

    def ask() -> None:
        for _ in range(20):
            if client.get("/livez").status != 200:
                return
        answered.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    # Held up it answers never: the book is let go of only after this.
    return answered.wait(30)
