from __future__ import annotations

import asyncio
from typing import Any

import pytest

from observe.made import ManualClock
from sectorwatch.observe import Telemetry
from sectorwatch.observe.alerting.causes import (
    error_of_operation,
    state_of_service,
)


@pytest.fixture
def telemetry() -> Telemetry:
    """A bundle in memory that prints nothing."""
    return Telemetry.open(sinks=[], clock=ManualClock())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": "unhealthy", "last_error": "OSError: no disk"}, "OSError: no disk"),
        ({"status": "unhealthy", "error": "refused"}, "refused"),
        ({"status": "unhealthy", "error": "refused", "last_error": "of last week"}, "refused"),
        ({"status": "unhealthy", "feed_failing": "cut off", "last_error": "old"}, "cut off"),
        ({"status": "unhealthy"}, ""),
        (True, "it depends on below"),
    ],
)
def test_a_service_says_what_it_died_of(telemetry: Telemetry, answer: Any, words: str) -> None:
    """Its last error, what its check said, or whom it depends on."""
    telemetry.health.register(
        "above", lambda: answer, depends_on=["below"] if words[:2] == "it" else []
    )
    telemetry.health.register("below", lambda: False)
    asyncio.run(telemetry.health.check_all_services())
    assert state_of_service(telemetry.health, {"service": "above"})[0] == words
    assert state_of_service(telemetry.health, {"service": "nobody"}) == ("", {})


def test_errors_are_those_of_the_operation_before_others(telemetry: Telemetry) -> None:
    """The last of its own, else of its service, with stack and correlation id."""
    for operation in ("accept", "decode"):
        with pytest.raises(ValueError, match=operation), telemetry.timed(operation, "collector"):
            raise ValueError(f"{operation} found no JSON")
    words, evidence = error_of_operation(
        telemetry.log, {"service": "collector", "operation": "accept"}
    )
    assert words == "accept: ValueError: accept found no JSON"
    assert evidence["by_type"] == {"ValueError": 2}
    assert "raise ValueError" in evidence["stack"]
    other = {"service": "collector", "operation": "other"}
    assert error_of_operation(telemetry.log, other)[0].startswith("decode: ")
    assert error_of_operation(telemetry.log, {"service": "store"}) == ("", {})


def test_the_bundle_knows_whom_to_ask(telemetry: Telemetry) -> None:
    """Each rule whose cause observation can find out by itself."""
    asked = telemetry.alerts._explainers._functions  # whom it asks is seen nowhere else
    assert asked.keys() >= {
        "service_crashed", "service_down", "error_rate", "cpu_spike", "memory_leak",
        "loop_blocked", "disk_filling", "operation_slow",
    }  # fmt: skip
    telemetry.close()
