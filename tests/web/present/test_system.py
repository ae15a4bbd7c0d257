"""The system itself, as answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sectorwatch.feed.breaker import BreakerState
from sectorwatch.observe import HealthState, HealthStatus
from sectorwatch.runtime import ServiceState, ServiceStatus
from sectorwatch.web.present.status import worst_of
from sectorwatch.web.present.system import breaker_answer, health_of, nearest_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_a_breaker_that_is_open_says_since_when_and_until() -> None:
    """Closed it has neither."""
    state = BreakerState("feed", "open", 5, 1_000_000, 31_000_000, "connect", 2)
    shown = breaker_answer(state)
    assert (shown.opened_at, shown.next_try) == ("1970-01-01T00:00:01Z", "1970-01-01T00:00:31Z")
    closed = breaker_answer(BreakerState("feed", "closed", 0, None, None, None, 2))
    assert (closed.opened_at, closed.next_try, closed.opened_times) == (None, None, 2)


def test_where_no_name_is_near_all_are_named() -> None:
    """There are few services; a guess that is far off is shown what there is."""
    names = ["collector", "store", "api"]
    assert nearest_of("colector", names)[0] == "collector"
    assert nearest_of("xyz" * 500, names) == ["api", "collector", "store"]


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([], HealthState.UNKNOWN),
        ([HealthState.HEALTHY, HealthState.HEALTHY], HealthState.HEALTHY),
        ([HealthState.HEALTHY, HealthState.UNKNOWN], HealthState.UNKNOWN),
        ([HealthState.UNKNOWN, HealthState.DEGRADED], HealthState.DEGRADED),
        ([HealthState.DEGRADED, HealthState.UNHEALTHY], HealthState.UNHEALTHY),
    ],
)
def test_the_whole_is_as_its_worst_part(states: Sequence[HealthState], worst: HealthState) -> None:
    """What is not known yet is no good news, and no bad news either."""
    assert worst_of(states) is worst


def test_a_check_from_before_a_stop_says_nothing_of_what_is_stopped() -> None:
    """A service that does not run is not healthy, whatever was found while it did."""
    checked = HealthStatus("store", HealthState.HEALTHY, datetime.now(tz=UTC), 0.1, 0, {})
    found = {
        state: health_of(ServiceStatus("store", state, 0, 0, 0, None, None, (), (), None), checked)
        for state in ServiceState
    }
    assert found == {
        ServiceState.RUNNING: HealthState.HEALTHY,
        ServiceState.STARTING: HealthState.DEGRADED,
        ServiceState.STOPPING: HealthState.DEGRADED,
        ServiceState.STOPPED: HealthState.UNHEALTHY,
        ServiceState.FAILED: HealthState.UNHEALTHY,
        ServiceState.WAITING: HealthState.UNHEALTHY,
    }
