from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import uvloop

from sectorwatch.observe import MetricsCollector
from sectorwatch.observe.clock import SystemClock
from sectorwatch.observe.profiling import LoopBlock, LoopWatch


def hold_the_loop_up(seconds: float) -> None:
    """Waits where nobody should."""
    time.sleep(seconds)


def burn(seconds: float) -> int:
    """Reckons where nobody should."""
    until_s, turns = time.thread_time() + seconds, 0
    while time.thread_time() < until_s:
        turns += 1
    return turns


def reckon_in_one_call(n: int) -> int:
    """Keeps the interpreter's lock to its end, so that no other thread runs."""
    return sum(range(n))


def watched(
    *, block: str = "", seconds: float = 0.5, blocked_s: float = 0.15
) -> tuple[list[LoopBlock], MetricsCollector]:
    """What is found of a loop in which `block` is done for some time."""
    metrics = MetricsCollector()
    watch = LoopWatch(metrics, period_s=0.02, blocked_s=blocked_s)

    async def scenario() -> None:
        watch.start(asyncio.get_running_loop())
        await asyncio.sleep(0.1)
        match block:
            case "wait":
                hold_the_loop_up(seconds)
            case "burn":
                burn(seconds)
            case "lock":
                # A fast machine makes 160 million of them a second: no less than `seconds`.
                reckon_in_one_call(int(seconds * 200_000_000))
            case "own":
                asyncio.get_running_loop().call_soon(burn, seconds)
        await asyncio.sleep(0.15)
        watch.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
    assert watch.failed == 0
    return watch.blocks, metrics


@pytest.mark.parametrize(
    ("block", "function", "uses_processor"),
    [
        ("wait", "hold_the_loop_up", False),
        ("burn", "burn", True),
        ("own", "burn", True),
        ("lock", "reckon_in_one_call", True),
    ],
)
def test_a_loop_that_stands_still_is_put_down_to_the_function_in_it(
    block: str, function: str, *, uses_processor: bool
) -> None:
    """In a coroutine and in a callback, waiting and reckoning, with the lock or without it."""
    blocks, metrics = watched(block=block)
    [found] = blocks
    assert found.blame is not None
    assert found.blame.function == function
    assert found.blame.file == "test_loop_watch.py"
    assert found.duration_s > 0.4
    assert (found.cpu_s > 0.3) is uses_processor
    assert found.stacks[0][0].endswith(f"test_loop_watch.{function}")
    assert function in found.words()
    assert metrics.get_metric_summary("loop_blocked_seconds")["latest"] == found.duration_s
    assert metrics.get_metric_summary("loop_lag_seconds")["max"] == found.duration_s
    assert metrics.counter("loop_blocks_total").total == 1


def test_a_loop_that_turns_is_not_blamed() -> None:
    """Its lag is measured and small, and there is no block."""
    blocks, metrics = watched(blocked_s=5.0)
    assert blocks == []
    assert metrics.get_metric_summary("loop_lag_seconds")["count"] >= 2


def test_while_the_loop_stands_still_it_can_be_asked_why() -> None:
    """An alert that is raised meanwhile names the function too, and the gauge tells how long."""
    metrics = MetricsCollector()
    watch = LoopWatch(metrics, period_s=0.02, blocked_s=0.1)
    seen: list[LoopBlock | None] = []

    async def scenario() -> None:
        watch.start(asyncio.get_running_loop())
        await asyncio.sleep(0.05)
        threading.Timer(1.4, lambda: seen.append(watch.ongoing)).start()
        hold_the_loop_up(1.5)
        await asyncio.sleep(0.1)
        watch.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
    [ongoing] = seen
    assert ongoing is not None
    assert ongoing.blame is not None
    assert ongoing.blame.function == "hold_the_loop_up"
    assert ongoing.duration_s > 0.3
    assert watch.ongoing is None
    [(blame, (count, total_s))] = watch.blamed().items()
    assert (blame.function, count) == ("hold_the_loop_up", 1)
    assert total_s == watch.blocks[0].duration_s


CHILD = """
import asyncio, sys, time
from sectorwatch.observe import MetricsCollector
from sectorwatch.observe.profiling import LoopWatch

watch = LoopWatch(MetricsCollector(), period_s=0.02, blocked_s=0.15)

async def main():
    watch.start(asyncio.get_running_loop())
    await asyncio.sleep(0.2)
    print("ready", flush=True)
    until = time.time() + 60
    while watch.excused_s < 0.5 and time.time() < until:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    watch.stop()
    print(len(watch.blocks), round(watch.excused_s, 1), flush=True)

asyncio.run(main())
"""


def test_a_process_that_was_stopped_is_not_blamed() -> None:
    """A machine that slept, or a process that somebody held, says nothing of the loop."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "ready"
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(child.pid, signal.SIGCONT)
        blocks, excused_s = child.stdout.readline().split()
    assert blocks == "0"
    assert float(excused_s) >= 0.5


def test_a_loop_that_is_closed_ends_the_watch() -> None:
    """No thread is left of it, and nothing is raised."""
    watch = LoopWatch(MetricsCollector(), period_s=0.01)
    # Another test's program may be watched, too.
    others = set(threading.enumerate())

    async def scenario() -> None:
        watch.start(asyncio.get_running_loop())
        await asyncio.sleep(0.03)

    asyncio.run(scenario())
    deadline = time.monotonic() + 60
    while any(each.name == "observe-loop-watch" for each in set(threading.enumerate()) - others):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    watch.stop()
    assert watch.failed == 0


def test_an_error_that_is_not_the_loops_end_does_not_end_the_watch() -> None:
    """Counted, and the loop is watched on."""

    class Failing(SystemClock):
        times = 0

        def now_us(self) -> int:
            self.times += 1
            if self.times == 1:
                raise RuntimeError("this clock stands still")
            return super().now_us()

    clock = Failing()
    watch = LoopWatch(MetricsCollector(), period_s=0.01, clock=clock)

    async def scenario() -> None:
        watch.start(asyncio.get_running_loop())
        deadline = time.monotonic() + 60
        while clock.times < 3 and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    asyncio.run(scenario())
    watch.stop()
    assert clock.times >= 3
    assert watch.failed == 1
