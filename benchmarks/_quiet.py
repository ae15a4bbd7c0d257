"""A quiet world that runs as fast as it may: an instance whose clock follows the pipeline's time.

The instance is the program as `sectorwatch run` starts it, over HTTP, with every service. Its clock
is the network's: between two steps it goes on as real time does, so that what is timed is timed
truly, and at each step it moves on to the next feed's time. What usually waits in a thread of its
own for fifteen seconds is called at each step instead: fetch, health checks, rules, detectors.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sectorwatch.feed.client import Paces
from sectorwatch.feed.pace import Pace
from sectorwatch.observe import timed
from sectorwatch.runtime import build, root, serve, services_observe
from sectorwatch.web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from sectorwatch.config import Settings
    from sectorwatch.runtime import Application

STEP_S = 15
_NEVER_S = 1e9
_STALLED_S = 60.0
_LOOK_S = 0.001
_DISTURBED_S = 0.02
_LONGEST_PAUSE_S = 2.0
_PROBE_S = 0.005
_CALM_PROBES = 5


class QuietClock:
    """Simulated time: real within a step, and moved on to the next moment by `step`."""

    def __init__(self, start_s: int) -> None:
        self._start_us = start_s * 1_000_000
        # What the simulated time was at which moment of the real one, both in seconds.
        self._anchor = (0.0, time.perf_counter())
        self.late_s = 0.0
        """How far real time ran past the steps, all together: a step that took over 15 s."""

    def monotonic_s(self) -> float:
        """Seconds since the start, by simulated time."""
        then_s, real_s = self._anchor
        return then_s + time.perf_counter() - real_s

    def now_us(self) -> int:
        """Microseconds since 1970, by simulated time."""
        return self._start_us + int(self.monotonic_s() * 1e6)

    def step(self, to_s: float) -> None:
        """Go to `to_s` seconds after the start, never back."""
        now_s = self.monotonic_s()
        self.late_s += max(0.0, now_s - to_s)
        self._anchor = (max(now_s, to_s), time.perf_counter())


class InFlight:
    """How many timed operations are under way: the clock moves only where there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def watch(self) -> None:
        """Count every operation of the process from now on."""
        cls: Any = timed.Timed
        for enter, leave in (("__enter__", "__exit__"), ("__aenter__", "__aexit__")):
            setattr(cls, enter, self._entering(getattr(cls, enter), enter == "__aenter__"))
            setattr(cls, leave, self._leaving(getattr(cls, leave), leave == "__aexit__"))

    def _add(self, number: int) -> None:
        with self._lock:
            self.count += number

    def _entering(self, method: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
        def enter(one: Any) -> Any:
            self._add(1)
            return method(one)

        async def aenter(one: Any) -> Any:
            self._add(1)
            return await method(one)

        return aenter if is_async else enter

    def _leaving(self, method: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
        def leave(one: Any, *ended: Any) -> Any:
            self._add(-1)
            return method(one, *ended)

        async def aleave(one: Any, *ended: Any) -> Any:
            self._add(-1)
            return await method(one, *ended)

        return aleave if is_async else leave


class Calm:
    """Holds simulated time where the machine has others to serve, until it is quiet again.

    A third of a second in which this process has to wait for a processor is nothing to a real day, and
    would be a simulated minute. Time goes on after `_LONGEST_PAUSE_S` all the same, and that is counted.
    """

    def __init__(self) -> None:
        self.pauses = self.given_up = 0
        self._waited_s = _waited_s()

    def wait(self) -> None:
        """Come back at once where nothing was waited for since the last call, else once it is calm."""
        before_s, self._waited_s = self._waited_s, _waited_s()
        if self._waited_s - before_s < _DISTURBED_S:
            return
        self.pauses += 1
        until_s = time.monotonic() + _LONGEST_PAUSE_S
        good = 0
        while good < _CALM_PROBES:
            if time.monotonic() > until_s:
                self.given_up += 1
                break
            good = good + 1 if self._probe_s() < _DISTURBED_S / 4 else 0
        self._waited_s = _waited_s()

    def _probe_s(self) -> float:
        """How long a little work has to wait for a processor."""
        time.sleep(_PROBE_S)
        waited_s, cpu_s = _waited_s(), time.thread_time()
        while time.thread_time() - cpu_s < _PROBE_S:
            pass
        return _waited_s() - waited_s


def _waited_s() -> float:
    """Seconds for which threads of this process were ready to run and did not, all together."""
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        # A thread may end meanwhile.
        with suppress(OSError, IndexError, ValueError):
            total += int(path.read_text().split()[1])
    return total / 1e9


class _Turns(Pace):
    """A turn at every `every`th step, whatever the clock says within one."""

    def __init__(self, every: int, instance: QuietInstance, clock: QuietClock) -> None:
        super().__init__(every * float(STEP_S), clock)
        self._every = every
        self._instance = instance
        self._next = 0

    async def turn(self) -> None:
        """Wait for it and take it."""
        while self._instance.steps < self._next:
            await self._instance.stepped()
        self._next = self._instance.steps + self._every


class QuietInstance:
    """An instance by `settings`, from `__enter__` to `__exit__`, moved on by `step`.

    It runs in an event loop and thread of its own, with every service started.
    """

    def __init__(self, settings: Settings, clock: QuietClock) -> None:
        self._settings = settings
        self.clock = clock
        self.in_flight = InFlight()
        self.steps = 0
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="instance")
        self._stepped: asyncio.Event | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.application: Application

    def __enter__(self) -> Self:
        """Start it, and come back once all its services run."""
        self.in_flight.watch()
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        # The first feed is fetched at once.
        self._wait(lambda: self._seq() > 0 and self.is_at_rest())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it in order."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def port(self) -> int:
        """Where its API listens."""
        api = self.application.api
        assert api is not None
        return api.port or 0

    def step(self) -> None:
        """Move on by one feed: fetched, journaled, decoded, followed, committed, announced."""
        before = self._seq()
        self.steps += 1
        self.clock.step(self.steps * STEP_S)
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._wake)
        self._wait(lambda: self._seq() > before and self.is_at_rest())

    def ask_all(self) -> None:
        """Have every service's health looked at, as `monitoring` does every 15 s."""
        assert self._loop is not None
        telemetry = self.application.telemetry

        async def check() -> None:
            with telemetry.timed("check_services", "monitoring", slow_s=10.0):
                await telemetry.health.check_all_services()

        asyncio.run_coroutine_threadsafe(check(), self._loop).result(_STALLED_S)

    def sample(self) -> None:
        """Look at machine and process for real, and at all counters."""
        telemetry = self.application.telemetry
        telemetry.sampler.sample()
        telemetry.metrics.collect()

    def is_at_rest(self) -> bool:
        """Whether nothing is being done that is timed."""
        return self.in_flight.count == 0

    def _seq(self) -> int:
        latest = self.application.latest
        return 0 if latest is None else latest.seq

    def _wait(self, is_so: Callable[[], bool]) -> None:
        until_s = time.monotonic() + _STALLED_S
        while not is_so():
            if time.monotonic() > until_s or not self._thread.is_alive():
                raise TimeoutError(
                    f"step {self.steps} does not come to its end: tick {self._seq()}, "
                    f"{self.in_flight.count} operations under way"
                )
            time.sleep(_LOOK_S)

    def _wake(self) -> None:
        assert self._stepped is not None
        self._stepped.set()
        self._stepped = asyncio.Event()

    async def stepped(self) -> None:
        """Wait for the next step."""
        assert self._stepped is not None
        await self._stepped.wait()

    def _run(self) -> None:
        try:
            with self._driven():
                asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to whoever started it
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._stepped = asyncio.Event()
        self.application = build(
            self._settings, web=create_app, clock=self.clock, sinks=(), origins={}
        )
        telemetry = self.application.telemetry
        for part in (telemetry.optimizer, telemetry.sampler):
            # Called at each step, they need no thread that waits in real time.
            part.start = lambda: None  # type: ignore[method-assign]
        # This one's thread also delivers causes, and its health says whether it lives.
        telemetry.alerts._period_s = _NEVER_S  # noqa: SLF001 - as above
        await serve(self.application, stop=self._stop, on_started=self._ready.set)

    @contextmanager
    def _driven(self) -> Iterator[None]:
        """Have the composition root make services that wait for steps, not for real time."""
        clock = self.clock
        paces = Paces(_Turns(1, self, clock), _Turns(4, self, clock))

        class Stepping:
            """Turns at each step and each fourth."""

            @staticmethod
            def standard(*_: object, **__: object) -> Paces:
                """Both."""
                return paces

        changed: dict[str, Any] = {
            "Paces": Stepping,
            "MonitoringService": partial(
                services_observe.MonitoringService, check_every_s=_NEVER_S
            ),
        }
        before = {name: getattr(root, name) for name in changed}
        vars(root).update(changed)
        try:
            yield
        finally:
            vars(root).update(before)


@contextmanager
def network(start: str, *, seed: int = 1) -> Iterator[str]:
    """A made network over Australia in a process of its own, in lockstep; its address."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "sectorwatch", "simulate", "--made", "australia"),
            *("--serve", "0", "--lockstep", "--cadence", str(STEP_S)),
            *("--seed", str(seed), "--from", start),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)
