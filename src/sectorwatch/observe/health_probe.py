"""Asking a service how it is: any kind of function, within a time limit, off the event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any

from sectorwatch.observe.enums import HealthState
from sectorwatch.observe.results import HealthStatus

__all__ = ["HealthCheck", "Probe"]

HealthCheck = Callable[[], Any]
"""A function, async or not, that says how a service is.

None or True: healthy; False: unhealthy; a `HealthState` or its name; a mapping of details, in which
"status" is such a name; a `HealthStatus`. One that raises is unhealthy, with the error in details.
"""

Running = asyncio.Task[Any] | threading.Thread


class Probe:
    """Asks one service, never twice at once where the first question was not answered in time."""

    def __init__(self) -> None:
        self._hanging: Running | None = None

    async def ask(self, check: HealthCheck, limit_s: float) -> tuple[HealthState, dict[str, Any]]:
        """What a check says. Raises what it raises, and TimeoutError."""
        if self._hanging is not None and _is_running(self._hanging):
            raise TimeoutError("the check before this one still hangs: its service does not answer")
        self._hanging = None
        threads: list[threading.Thread] = []
        task = asyncio.ensure_future(_called(check, threads))
        try:
            done, _ = await asyncio.wait({task}, timeout=limit_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            # Not awaited: one that ignores being cancelled would hold this up too.
            task.cancel()
            task.add_done_callback(_look_at_exception)
            self._hanging = threads[0] if threads else task
            raise TimeoutError(f"the check did not answer within {limit_s:g} s")
        if task.cancelled():
            # Something of its own was: nobody who asks is to end by that.
            raise RuntimeError("the check was cancelled by what it waited for")
        return _read(task.result())


def _is_running(one: Running) -> bool:
    return one.is_alive() if isinstance(one, threading.Thread) else not one.done()


def _look_at_exception(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from warning of an exception that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


async def _called(check: HealthCheck, threads: list[threading.Thread]) -> Any:
    if inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(
        getattr(check, "__call__", None)  # noqa: B004 - an object whose call is async
    ):
        return await check()
    answer = await _in_thread(check, threads)
    return await answer if inspect.isawaitable(answer) else answer


async def _in_thread(check: HealthCheck, threads: list[threading.Thread]) -> Any:
    """Call a function in a daemon thread: one that hangs must not keep the program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(answer: Any, error: BaseException | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)

    def run() -> None:
        answer, failure = None, None
        try:
            answer = check()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            failure = error if isinstance(error, Exception) else RuntimeError(repr(error))
        try:
            loop.call_soon_threadsafe(settle, answer, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    thread = threading.Thread(target=run, name="observe-health-check", daemon=True)
    threads.append(thread)
    thread.start()
    return await future


def _read(answer: Any) -> tuple[HealthState, dict[str, Any]]:
    """State and details from any of the forms that a check may answer in.

    Raises ValueError where it is none of them.
    """
    if isinstance(answer, HealthStatus):
        return answer.status, dict(answer.details)
    if isinstance(answer, bool) or answer is None:
        return HealthState.UNHEALTHY if answer is False else HealthState.HEALTHY, {}
    if isinstance(answer, str):
        return HealthState(answer), {}
    if isinstance(answer, dict):
        details = dict(answer)
        state = details.pop("status", HealthState.HEALTHY)
        return HealthState(state), details
    raise ValueError(
        f"the check answered {answer!r:.100}: give None, a bool, a HealthState or a dict of details"
    )
