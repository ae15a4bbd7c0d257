"""Running an application until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import resource
import signal
import threading
from typing import TYPE_CHECKING, Any

import psutil
import uvloop

from sectorwatch import __version__
from sectorwatch.observe import LogCategory, LogLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.runtime.application import Application

__all__ = ["collect_garbage_seldom", "raise_file_limit", "run_application", "serve"]

SYSTEM = LogCategory.SYSTEM
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_MARGIN_S = 0.2
_FILES = 65_536
_NEW_CONTAINERS = 10_000
"""Some ten steady feeds: the usual 700 are come by within a single one."""


async def serve(
    application: Application,
    *,
    stop: asyncio.Event | None = None,
    on_started: Callable[[], None] | None = None,
    on_stopping: Callable[[], None] | None = None,
) -> None:
    """Start everything, wait for SIGTERM, SIGINT or `stop`, and stop everything.

    A second signal ends the program at once. Raises what kept a service from its first start.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    log = application.telemetry.for_service("runtime").log

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        log.log_operation("stop", category=SYSTEM, what=f"told to by {number.name}")
        stop.set()

    # Signals belong to the main thread; elsewhere (a test) `stop` is what there is. They are heard
    # until the loop is closed: its own end may be what somebody cannot wait for.
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            loop.add_signal_handler(number, on_signal, number)
    application.bus.start()
    try:
        if await _started(application, stop):
            log.log_operation(
                "start", category=SYSTEM, services=application.supervisor.order, **_machine()
            )
            if on_started is not None:
                on_started()
            await stop.wait()
    finally:
        if on_stopping is not None:
            on_stopping()
        await application.supervisor.stop()
        application.bus.stop()
        log.log_operation("stop", category=SYSTEM, what="all services have stopped")
        # The observations' last minute is written here.
        application.close()


async def _started(application: Application, stop: asyncio.Event) -> bool:
    """Start everything; False where `stop` came first, which nobody waits out a start for."""
    starting = asyncio.create_task(application.supervisor.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            return True
        return False
    finally:
        for task in (starting, stopping):
            task.cancel()


def _machine() -> dict[str, Any]:
    """What this runs on, for who reads the log later on another machine."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processors": os.cpu_count(),
        "memory_mb": psutil.virtual_memory().total // 1_000_000,
        "pid": os.getpid(),
    }


def run_application(
    application: Application, *, on_started: Callable[[], None] | None = None
) -> None:
    """Run `application` in this thread until SIGTERM or SIGINT; see `serve`.

    Where stopping takes longer than `stop_timeout_s`, the process ends there and then.
    """
    raise_file_limit()
    collect_garbage_seldom()
    last_resort = _LastResort(application)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(application, on_started=on_started, on_stopping=last_resort.arm))
    finally:
        # Later than the loop's own end, which waits for questions that threads still ask.
        last_resort.disarm()


def collect_garbage_seldom() -> None:
    """Leave what is there now out of all collections to come, and look at new things less often.

    A feed is thousands of values that refer to nothing in a circle and are gone with the next one;
    the airspace and the modules stay. To walk through either again and again finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_CONTAINERS, *gc.get_threshold()[1:])


def raise_file_limit(wanted: int = _FILES) -> int:
    """Let this process open as many files as it may, `wanted` at most; gives how many that are.

    The usual limit of 1,024 is less than the event streams that one instance serves.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


class _LastResort:
    """Ends the process where stopping takes longer than it may.

    Whatever was announced is on the disk by then, so that nothing is lost by it.
    """

    def __init__(self, application: Application) -> None:
        self._log = application.telemetry.for_service("runtime").log
        self._timer = threading.Timer(application.settings.stop_timeout_s - _MARGIN_S, self._end)
        self._timer.daemon = True

    def arm(self) -> None:
        """Stopping begins."""
        self._timer.start()

    def disarm(self) -> None:
        """All has stopped."""
        self._timer.cancel()

    def _end(self) -> None:
        self._log.log_operation(
            "stop", LogLevel.ERROR, what="something does not stop; the process ends without it"
        )
        os._exit(1)
