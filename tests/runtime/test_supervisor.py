"""The supervisor: order, time limits, crashes, restarts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sectorwatch.errors import ServiceError
from sectorwatch.observe import HealthChecker, HealthState
from sectorwatch.runtime.service import Health, Service, ServiceState
from sectorwatch.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable


class Made(Service):
    """A service that notes what is done to it and does as it is told."""

    def __init__(
        self,
        name: str,
        journal: list[str],
        depends_on: tuple[str, ...] = (),
        uses: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.depends_on = depends_on
        self.uses = uses
        self.journal = journal
        self.start_errors: list[BaseException] = []
        self.start_takes_s = 0.0
        self.stop_takes_s = 0.0
        self.stop_error: Exception | None = None
        self.death: asyncio.Future[BaseException] | None = None

    async def start(self) -> None:
        """Start as told."""
        self.journal.append(f"+{self.name}")
        await asyncio.sleep(self.start_takes_s)
        if self.start_errors:
            raise self.start_errors.pop(0)
        self.death = asyncio.get_running_loop().create_future()

    async def stop(self) -> None:
        """Stop as told."""
        self.journal.append(f"-{self.name}")
        await asyncio.sleep(self.stop_takes_s)
        if self.stop_error is not None:
            raise self.stop_error

    async def health(self) -> Health:
        """Well."""
        return Health(HealthState.HEALTHY)

    async def failed(self) -> BaseException:
        """Die when told to."""
        assert self.death is not None
        return await self.death

    def die(self, error: BaseException) -> None:
        """Crash now."""
        assert self.death is not None
        self.death.set_result(error)


def house(journal: list[str]) -> tuple[Made, Made, Made, Made]:
    """A store, a tracker and a collector that stand on it, and an API that asks it."""
    return (
        Made("api", journal, uses=("store",)),
        Made("collector", journal, depends_on=("tracker", "store")),
        Made("tracker", journal, depends_on=("store",)),
        Made("store", journal),
    )


def state_of(supervisor: Supervisor, name: str) -> ServiceState:
    """Where a service stands."""
    return supervisor.status(name)[0].state


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def test_services_start_in_order_and_stop_in_reverse() -> None:
    """Each starts after what it needs, and stops before it."""
    journal: list[str] = []

    async def scenario() -> None:
        supervisor = Supervisor(house(journal))
        assert {each.state for each in supervisor.status()} == {ServiceState.STOPPED}
        await supervisor.start()
        assert {each.state for each in supervisor.status()} == {ServiceState.RUNNING}
        assert [each.name for each in supervisor.status()] == supervisor.order
        await supervisor.stop()
        assert {each.state for each in supervisor.status()} == {ServiceState.STOPPED}

    asyncio.run(scenario())
    starts, stops = journal[:4], journal[4:]
    assert starts == ["+store", "+api", "+tracker", "+collector"]
    assert stops == ["-collector", "-tracker", "-api", "-store"]


def test_state_changes_are_announced() -> None:
    """Whoever wants to know hears a service's name at each step."""
    heard: list[str] = []

    async def scenario() -> None:
        supervisor = Supervisor([Made("a", [])], announce=heard.append)
        await supervisor.start()
        await supervisor.stop()

    asyncio.run(scenario())
    assert heard == ["a"] * 4


def test_two_services_of_one_name_are_refused() -> None:
    """Names are unique."""
    with pytest.raises(ServiceError, match="'a'"):
        Supervisor([Made("a", []), Made("a", [])])


def test_a_start_that_fails_stops_what_had_started() -> None:
    """At the first start an error ends everything in order and is raised as it is."""
    journal: list[str] = []
    services = house(journal)
    services[2].start_errors.append(ValueError("no airspace"))

    async def scenario() -> None:
        supervisor = Supervisor(services)
        with pytest.raises(ValueError, match="no airspace"):
            await supervisor.start()
        assert {each.state for each in supervisor.status()} == {ServiceState.STOPPED}
        assert supervisor.status("tracker")[0].last_error == "ValueError: no airspace"

    asyncio.run(scenario())
    assert journal == ["+store", "+api", "+tracker", "-tracker", "-api", "-store"]


def test_a_start_over_its_time_is_given_up() -> None:
    """A service that does not come up in time is an error that says so."""
    slow = Made("slow", [])
    slow.start_takes_s = 60

    async def scenario() -> None:
        with pytest.raises(ServiceError, match=r"slow did not start within 0\.02 s"):
            await Supervisor([slow], start_timeout_s=0.02).start()

    asyncio.run(scenario())


def test_stopping_takes_no_longer_than_its_limit() -> None:
    """One that hangs is left behind, and those behind it still get their turn."""
    journal: list[str] = []
    services = house(journal)
    services[1].stop_takes_s = 60
    services[2].stop_error = ValueError("torn")

    async def scenario() -> float:
        supervisor = Supervisor(services, stop_timeout_s=1.2)
        await supervisor.start()
        loop = asyncio.get_running_loop()
        started = loop.time()
        await supervisor.stop()
        assert "did not stop within" in str(supervisor.status("collector")[0].last_error)
        assert supervisor.status("tracker")[0].last_error == "ValueError: torn"
        return loop.time() - started

    assert asyncio.run(scenario()) < 5
    assert journal[-1] == "-store"


def test_what_dies_is_started_again_with_what_stands_on_it() -> None:
    """A crash stops the dependants, and brings everything back in order."""
    journal: list[str] = []
    services = house(journal)

    async def scenario() -> None:
        supervisor = Supervisor(services, first_pause_s=0.001)
        await supervisor.start()
        journal.clear()
        services[3].die(OSError("disk gone"))
        await _until(lambda: supervisor.status("store")[0].restarts == 1)
        await _until(lambda: state_of(supervisor, "collector") is ServiceState.RUNNING)
        status = supervisor.status("store")[0]
        assert (status.crashes, status.last_error) == (1, "OSError: disk gone")
        assert status.last_error_us is not None
        # The API asks the store now and then; it does not stand on it.
        assert journal == ["-collector", "-tracker", "-store", "+store", "+tracker", "+collector"]
        await supervisor.stop()

    asyncio.run(scenario())


def test_what_does_not_come_back_is_tried_again() -> None:
    """After a crash a failing start is repeated; meanwhile the dependants wait."""
    journal: list[str] = []
    services = house(journal)

    async def scenario() -> None:
        supervisor = Supervisor(services, first_pause_s=0.01)
        await supervisor.start()
        services[3].start_errors = [OSError("still gone"), OSError("still gone")]
        services[3].die(OSError("disk gone"))
        await _until(lambda: not services[3].start_errors)
        assert state_of(supervisor, "collector") is ServiceState.WAITING
        assert state_of(supervisor, "api") is ServiceState.RUNNING
        await _until(lambda: state_of(supervisor, "collector") is ServiceState.RUNNING)
        assert supervisor.status("store")[0].restarts == 3
        await supervisor.stop()

    asyncio.run(scenario())


def test_one_sibling_that_fails_does_not_keep_the_other_down() -> None:
    """Where two stand on one that restarts and one fails, the other runs again at once."""
    journal: list[str] = []
    bad = Made("bad", journal, depends_on=("store",))
    good = Made("good", journal, depends_on=("store",))
    on_bad = Made("on_bad", journal, depends_on=("bad",))

    async def scenario() -> None:
        supervisor = Supervisor([Made("store", journal), bad, on_bad, good], first_pause_s=0.05)
        await supervisor.start()
        bad.start_errors = [ValueError("not yet")]
        with pytest.raises(ServiceError, match="bad did not start: not yet; on_bad waits for bad"):
            await supervisor.restart("store")
        assert state_of(supervisor, "good") is ServiceState.RUNNING
        await _until(lambda: state_of(supervisor, "on_bad") is ServiceState.RUNNING)
        await supervisor.stop()

    asyncio.run(scenario())


def test_pauses_grow_with_crashes_in_a_row() -> None:
    """A service that keeps dying is started less and less often."""
    service = Made("a", [])

    async def scenario() -> list[float]:
        supervisor = Supervisor([service], first_pause_s=0.01)
        await supervisor.start()
        loop = asyncio.get_running_loop()
        pauses = []
        for number in range(4):
            began = loop.time()
            service.die(ValueError("again"))
            await _until(lambda count=number: supervisor.status()[0].restarts == count + 1)  # type: ignore[misc]
            await _until(lambda: state_of(supervisor, "a") is ServiceState.RUNNING)
            pauses.append(loop.time() - began)
        await supervisor.stop()
        return pauses

    pauses = asyncio.run(scenario())
    assert pauses[3] >= 0.08
    assert pauses[2] >= 0.04


def test_a_long_run_begins_with_the_short_pause_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that had recovered is not punished for crashes long ago."""
    monkeypatch.setattr("sectorwatch.runtime.supervisor._STEADY_AFTER_S", 0.0)
    service = Made("a", [])
    pauses = []

    class Noting(Supervisor):
        async def _retry(self, name: str, pause_s: float) -> None:
            pauses.append(pause_s)
            await super()._retry(name, pause_s)

    async def scenario() -> None:
        supervisor = Noting([service], first_pause_s=0.01)
        await supervisor.start()
        for number in range(8):
            service.die(ValueError("again"))
            await _until(lambda count=number: supervisor.status()[0].restarts == count + 1)  # type: ignore[misc]
            await _until(lambda: state_of(supervisor, "a") is ServiceState.RUNNING)
        await supervisor.stop()

    asyncio.run(scenario())
    assert pauses == [0.01] * 8


def test_restart_on_request() -> None:
    """A restart takes the dependants with it and is counted as no crash."""
    journal: list[str] = []

    async def scenario() -> None:
        supervisor = Supervisor(house(journal))
        await supervisor.start()
        journal.clear()
        await supervisor.restart("tracker")
        assert journal == ["-collector", "-tracker", "+tracker", "+collector"]
        status = supervisor.status("tracker")[0]
        assert (status.restarts, status.crashes, status.state) == (1, 0, ServiceState.RUNNING)
        await supervisor.stop()
        with pytest.raises(ServiceError, match="everything is being stopped"):
            await supervisor.restart("tracker")

    asyncio.run(scenario())


def test_restart_goes_on_when_its_caller_is_gone() -> None:
    """The API can be restarted by a request to it, which does not live to see the end."""

    async def scenario() -> None:
        service = Made("api", [])
        service.stop_takes_s = 0.02
        supervisor = Supervisor([service])
        await supervisor.start()
        caller = asyncio.create_task(supervisor.restart("api"))
        await asyncio.sleep(0.005)
        caller.cancel()
        await _until(lambda: supervisor.status("api")[0].restarts == 1)
        await _until(lambda: state_of(supervisor, "api") is ServiceState.RUNNING)
        await supervisor.stop()

    asyncio.run(scenario())


def test_restart_of_what_does_not_exist() -> None:
    """An unknown name is an error that lists those there are."""

    async def scenario() -> None:
        supervisor = Supervisor([Made("store", [])])
        with pytest.raises(ServiceError, match=r"'stoer'.*store"):
            await supervisor.restart("stoer")
        with pytest.raises(ServiceError, match="'x'"):
            supervisor.status("x")

    asyncio.run(scenario())


def test_stop_interrupts_a_restart_that_hangs() -> None:
    """Stopping everything waits for no start that is under way."""
    service = Made("slow", [])

    async def scenario() -> float:
        supervisor = Supervisor([service], stop_timeout_s=1)
        await supervisor.start()
        service.start_takes_s = 60
        restart = asyncio.create_task(supervisor.restart("slow"))
        await _until(lambda: state_of(supervisor, "slow") is ServiceState.STARTING)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await supervisor.stop()
        with pytest.raises(asyncio.CancelledError):
            await restart
        assert state_of(supervisor, "slow") is ServiceState.STOPPED
        return loop.time() - began

    assert asyncio.run(scenario()) < 5


def test_a_crash_while_stopping_starts_nothing() -> None:
    """What dies during the stop stays dead."""
    journal: list[str] = []
    first, second = Made("first", journal), Made("second", journal)
    second.stop_takes_s = 0.02

    async def scenario() -> None:
        supervisor = Supervisor([first, second], first_pause_s=0.001)
        await supervisor.start()
        stopping = asyncio.create_task(supervisor.stop())
        await asyncio.sleep(0.005)
        first.die(ValueError("late"))
        await stopping
        await asyncio.sleep(0.01)
        assert state_of(supervisor, "first") is ServiceState.STOPPED

    asyncio.run(scenario())
    assert journal == ["+first", "+second", "-second", "-first"]


def test_every_service_has_a_health_check() -> None:
    """Health is asked of each that runs; one that does not run is unhealthy, with the reason."""

    async def scenario() -> None:
        checker = HealthChecker()
        store, api = Made("store", []), Made("api", [], uses=("store",))
        supervisor = Supervisor([store, api], first_pause_s=60)
        supervisor.register_health(checker)
        assert checker.registered == ["api", "store"]
        assert checker.dependencies()["api"] == ("store",)
        await supervisor.start()
        found = await checker.check_all_services()
        assert {each.status for each in found.values()} == {HealthState.HEALTHY}
        store.die(OSError("disk gone"))
        await _until(lambda: state_of(supervisor, "store") is ServiceState.FAILED)
        found = await checker.check_all_services()
        assert found["store"].status is HealthState.UNHEALTHY
        assert found["store"].details["last_error"] == "OSError: disk gone"
        assert found["api"].status is HealthState.DEGRADED
        await supervisor.stop()

    asyncio.run(scenario())
