from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from observe.made import ManualClock
from sectorwatch.observe import HealthChecker, HealthState, HealthStatus, ObserveStore

if TYPE_CHECKING:
    from pathlib import Path


def _check(checker: HealthChecker, check: Any, name: str = "store") -> HealthStatus:
    return asyncio.run(checker.check_service_health(name, check))


async def _well() -> None:
    await asyncio.sleep(0)


async def _ill() -> None:
    raise ConnectionError("database is away, password=hunter2")


class _Asked:
    async def __call__(self) -> dict[str, Any]:
        return {"depth": 3}


@pytest.mark.parametrize(
    ("answer", "state", "details"),
    [
        (None, HealthState.HEALTHY, {}),
        (True, HealthState.HEALTHY, {}),
        (False, HealthState.UNHEALTHY, {}),
        (HealthState.DEGRADED, HealthState.DEGRADED, {}),
        ("degraded", HealthState.DEGRADED, {}),
        ({"queue": 3}, HealthState.HEALTHY, {"queue": 3}),
        ({"status": "degraded", "queue": 9}, HealthState.DEGRADED, {"queue": 9}),
    ],
)
def test_a_check_may_answer_in_several_forms(
    answer: Any, state: HealthState, details: dict[str, Any]
) -> None:
    """None, a bool, a state, or details with a state in them."""
    status = _check(HealthChecker(), lambda: answer)
    assert (status.service, status.status, status.details) == ("store", state, details)


@pytest.mark.parametrize("answer", ["splendid", 7, {"status": "splendid"}, []])
def test_an_answer_that_makes_no_sense_is_unhealthy(answer: Any) -> None:
    """A check that answers nonsense is broken itself, and the details quote what it said."""
    status = _check(HealthChecker(), lambda: answer)
    assert status.status is HealthState.UNHEALTHY
    assert status.details["error_type"] == "ValueError"


def test_async_checks_of_all_kinds() -> None:
    """Coroutine functions, objects whose call is async, and functions that give an awaitable."""
    checker = HealthChecker()
    assert _check(checker, _well).status is HealthState.HEALTHY
    assert _check(checker, _Asked()).details == {"depth": 3}
    assert _check(checker, lambda: _well()).status is HealthState.HEALTHY  # noqa: PLW0108 - a plain function is the point


def test_one_that_raises_is_unhealthy_with_the_error_in_details() -> None:
    """Type and message of the exception, without secrets; it never reaches the caller."""
    for check in (_ill, lambda: 1 / 0):
        status = _check(HealthChecker(), check)
        assert status.status is HealthState.UNHEALTHY
        assert status.error_count == 1
    assert status.details == {"error": "division by zero", "error_type": "ZeroDivisionError"}
    assert _check(HealthChecker(), _ill).details["error"] == (
        "database is away, password=[redacted]"
    )


def test_a_check_that_leaves_the_program_is_unhealthy_too() -> None:
    """Even SystemExit out of a check ends there."""

    def leave() -> None:
        raise SystemExit(1)

    assert _check(HealthChecker(), leave).status is HealthState.UNHEALTHY


def test_a_check_over_its_time_limit_is_unhealthy_and_not_begun_again_while_it_hangs() -> None:
    """A hung function holds up nobody; until it comes back no second one is started."""
    release, calls = threading.Event(), []

    def hang() -> None:
        calls.append(1)
        release.wait(10)

    async def run() -> list[HealthStatus]:
        checker = HealthChecker(time_limit_s=0.05)
        found = [await checker.check_service_health("store", hang) for _ in range(3)]
        release.set()
        for _ in range(3_000):
            await asyncio.sleep(0.005)
            last = await checker.check_service_health("store", lambda: True)
            if last.status is HealthState.HEALTHY:
                break
        return [*found, last]

    first, second, third, last = asyncio.run(run())
    assert "did not answer within 0.05 s" in first.details["error"]
    assert "still hangs" in second.details["error"]
    assert third.error_count == 3
    assert last.status is HealthState.HEALTHY
    assert len(calls) == 1


def test_an_async_check_that_ignores_being_cancelled_holds_up_nobody() -> None:
    """The time limit holds even where the check swallows its cancelling."""

    async def run() -> tuple[HealthStatus, HealthStatus, float]:
        release = asyncio.Event()

        async def stubborn() -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            raise RuntimeError("late")

        checker = HealthChecker(time_limit_s=0.05)
        begun = time.monotonic()
        first = await checker.check_service_health("store", stubborn)
        took = time.monotonic() - begun
        second = await checker.check_service_health("store", stubborn)
        release.set()
        await asyncio.sleep(0.01)
        return first, second, took

    first, second, took = asyncio.run(run())
    assert first.status is second.status is HealthState.UNHEALTHY
    assert took < 5


def test_a_blocking_check_does_not_stop_the_loop() -> None:
    """While a function blocks in its thread, the event loop goes on."""
    begun, release = threading.Event(), threading.Event()

    def block() -> bool:
        begun.set()
        return release.wait(60)

    async def run() -> HealthStatus:
        checker = HealthChecker(time_limit_s=60)
        task = asyncio.create_task(checker.check_service_health("store", block))
        while not begun.is_set():
            await asyncio.sleep(0.005)
        for _ in range(4):
            await asyncio.sleep(0.005)
        assert not task.done()
        release.set()
        return await task

    assert asyncio.run(run()).status is HealthState.HEALTHY


def test_cancelling_the_caller_cancels_the_check() -> None:
    """Whoever waits for a check may be cancelled; the check is, too."""

    async def run() -> bool:
        begun, cancelled = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            try:
                begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        task = asyncio.create_task(HealthChecker().check_service_health("store", slow))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        return cancelled.is_set()

    assert asyncio.run(run())


def test_two_checks_of_one_service_at_once_do_not_take_each_other_for_hung() -> None:
    """A question asked beside another that is still within its time is simply answered."""

    async def run() -> list[HealthStatus]:
        checker = HealthChecker()
        return list(
            await asyncio.gather(
                *(checker.check_service_health("store", lambda: time.sleep(0.05)) for _ in range(3))
            )
        )

    assert {status.status for status in asyncio.run(run())} == {HealthState.HEALTHY}


def _registered() -> HealthChecker:
    checker = HealthChecker()
    checker.register("journal", lambda: False)
    checker.register("store", lambda: True, depends_on=["journal"])
    checker.register("forecast", lambda: True, depends_on=["store"])
    checker.register("api", lambda: "unhealthy", depends_on=["store"])
    checker.register("log", lambda: True)
    return checker


def test_a_service_whose_dependency_is_unhealthy_is_at_best_degraded() -> None:
    """Near or far, the cause is named; what is itself unhealthy stays so; others are untouched."""
    statuses = asyncio.run(_registered().check_all_services())
    assert {name: status.status.value for name, status in statuses.items()} == {
        "journal": "unhealthy",
        "store": "degraded",
        "forecast": "degraded",
        "api": "unhealthy",
        "log": "healthy",
    }
    assert statuses["forecast"].details == {"degraded_by": ["journal"]}


def test_a_circle_of_dependencies_comes_to_an_end() -> None:
    """Services that depend on each other are looked at once each."""
    checker = HealthChecker()
    checker.register("a", lambda: True, depends_on=["b", "nobody"])
    checker.register("b", lambda: False, depends_on=["a"])
    statuses = asyncio.run(checker.check_all_services())
    assert statuses["a"].status is HealthState.DEGRADED
    assert statuses["b"].details == {}


def test_the_registry_says_who_is_looked_at() -> None:
    """Registering again replaces; unregistering stops the looking, not the memory."""
    checker = _registered()
    assert checker.registered == ["api", "forecast", "journal", "log", "store"]
    assert checker.dependencies()["forecast"] == ("store",)
    assert checker.status("log").status is HealthState.UNKNOWN
    assert checker.latest("log") is None
    assert checker.latest("nobody") is None
    asyncio.run(checker.check_all_services())
    checker.register("journal", lambda: True)
    checker.unregister("log")
    checker.unregister("nobody")
    statuses = asyncio.run(checker.check_all_services())
    assert "log" not in statuses
    assert statuses["store"].status is HealthState.HEALTHY
    assert checker.statuses()["log"].status is HealthState.HEALTHY
    latest = checker.latest("journal")
    assert latest is not None
    assert latest.error_count == 1


def test_services_given_are_looked_at_beside_those_registered() -> None:
    """`check_all_services` with a mapping asks exactly those."""
    statuses = asyncio.run(HealthChecker().check_all_services({"x": lambda: True, "y": _ill}))
    assert [status.status.value for status in statuses.values()] == ["healthy", "unhealthy"]


def test_failures_are_counted_for_a_day() -> None:
    """`error_count` is the failed checks of the last 24 h; older ones go."""
    clock = ManualClock()
    checker = HealthChecker(clock=clock)
    for _ in range(3):
        _check(checker, lambda: False)
        clock.advance(8 * 3_600)
    assert checker.status("store").error_count == 3
    clock.advance(1 * 3_600)
    assert checker.status("store").error_count == 2
    assert len(checker.history("store", 48)) == 3
    assert len(checker.history("store", 10)) == 1
    assert checker.history("nobody") == []


def test_history_and_failures_survive_a_restart(tmp_path: Path) -> None:
    """Checks of an earlier run are there, and count; after a week they are deleted."""
    clock = ManualClock()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    checker = HealthChecker(clock=clock, store=store)
    _check(checker, lambda: False)
    clock.advance(60)
    _check(checker, lambda: {"queue": 3})
    store.flush()
    store.flush()
    store.close()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    checker = HealthChecker(clock=clock, store=store)
    history = checker.history("store")
    assert [status.status.value for status in history] == ["unhealthy", "healthy"]
    assert history[1].details == {"queue": 3}
    assert checker.status("store").status is HealthState.UNKNOWN
    _check(checker, lambda: True)
    assert checker.status("store").error_count == 1
    clock.advance(8 * 86_400)
    store.flush()
    with store.read() as reader:
        assert reader.execute("SELECT count(*) FROM health_check").fetchone() == (0,)
    store.close()


def test_details_stay_small_and_plain() -> None:
    """Whatever a check puts in its details can be written as JSON, and is not endless."""
    status = _check(HealthChecker(), lambda: {f"k{i}": object() for i in range(500)})
    assert status.details["truncated"] is True
    assert len(status.details) <= 11
    own = HealthStatus("x", HealthState.DEGRADED, status.timestamp, details={"a": 1})
    assert _check(HealthChecker(), lambda: own).status is HealthState.DEGRADED


def test_a_check_whose_own_work_was_cancelled_is_unhealthy_and_ends_nobody_elses() -> None:
    """Such as one that waits for a task which a restart cancelled meanwhile."""

    async def asks() -> None:
        async def work() -> None:
            await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await task

    async def main() -> dict[str, HealthStatus]:
        checker = HealthChecker()
        checker.register("asks", asks)
        checker.register("well", lambda: True)
        return await checker.check_all_services()

    found = asyncio.run(main())
    assert found["asks"].status is HealthState.UNHEALTHY
    assert "cancelled" in found["asks"].details["error"]
    assert found["well"].status is HealthState.HEALTHY
