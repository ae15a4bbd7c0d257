"""Threads that never hold up the end of the program."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sectorwatch.observe import LogCorrelationContext, correlation_id
from sectorwatch.runtime.threads import Worker, call_in_thread


def test_call_gives_what_the_function_gave() -> None:
    """The result of a call in a thread comes back, with the caller's correlation id there."""

    async def scenario() -> tuple[str, bool]:
        with LogCorrelationContext("tick-7"):
            return await call_in_thread(
                lambda: (correlation_id(), threading.current_thread().daemon), "test"
            )

    assert asyncio.run(scenario()) == ("tick-7", True)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), StopIteration(3)])
def test_call_raises_what_the_function_raised(error: BaseException) -> None:
    """An error in the thread is raised where the call is awaited."""

    def fail() -> None:
        raise error

    async def scenario() -> BaseException | None:
        future = call_in_thread(fail, "test")
        await asyncio.wait({future})
        return future.exception()

    raised = asyncio.run(scenario())
    if isinstance(error, StopIteration):
        assert isinstance(raised, RuntimeError)
    else:
        assert raised is error


def test_loop_may_end_before_the_thread() -> None:
    """A thread that outlives the loop ends quietly, and its late result is dropped."""
    go = threading.Event()
    gone = threading.Event()

    def late() -> None:
        go.wait(60)
        gone.set()

    async def scenario() -> None:
        call_in_thread(late, "late").cancel()

    asyncio.run(scenario())
    go.set()
    assert gone.wait(60)
    for thread in threading.enumerate():
        if thread.name == "late":
            thread.join(60)


def test_cancelled_call_ignores_its_result() -> None:
    """Whoever gave up waiting is not disturbed by the result."""

    async def scenario() -> bool:
        go = threading.Event()
        future = call_in_thread(go.wait, "test")
        future.cancel()
        go.set()
        await asyncio.sleep(0.01)
        return future.cancelled()

    assert asyncio.run(scenario())


def test_worker_works_until_it_is_stopped() -> None:
    """A worker runs until told to stop; then its end is no failure, and it can start again."""
    seen: list[int] = []

    def work(stop: threading.Event) -> None:
        seen.append(1)
        stop.wait(60)

    async def scenario() -> None:
        worker = Worker("test", work)
        for _ in range(2):
            worker.start()
            alive = [worker.is_alive]
            watching = asyncio.create_task(worker.failed())
            await asyncio.sleep(0)
            await worker.stop()
            await asyncio.sleep(0)
            alive.append(worker.is_alive)
            assert alive == [True, False]
            assert not watching.done()
            watching.cancel()

    asyncio.run(scenario())
    assert seen == [1, 1]


def test_worker_that_dies_is_noticed() -> None:
    """What killed a worker is told, and stopping it afterwards is quiet."""

    def work(stop: threading.Event) -> None:
        raise ValueError(f"broken {stop.is_set()}")

    async def scenario() -> BaseException:
        worker = Worker("test", work)
        worker.start()
        error = await worker.failed()
        await worker.stop()
        return error

    error = asyncio.run(scenario())
    assert isinstance(error, ValueError)
    assert str(error) == "broken False"


def test_worker_that_returns_early_is_noticed() -> None:
    """A worker that ends by itself has failed as well."""

    async def scenario() -> BaseException:
        worker = Worker("test", lambda _stop: None)
        worker.start()
        return await worker.failed()

    assert "nobody told it to" in str(asyncio.run(scenario()))


def test_worker_that_never_started() -> None:
    """A worker that was not started says so, and can be stopped."""

    async def scenario() -> BaseException:
        worker = Worker("test", lambda _stop: None)
        await worker.stop()
        return await worker.failed()

    assert "never started" in str(asyncio.run(scenario()))
