"""Whether the event loop turns, and if not, what holds it up.

A thread of its own asks the loop for an answer several times a second. What remains unanswered
for long is looked into while it lasts: the stack of the loop's thread says what it is at.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter as Tally
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime
from sectorwatch.observe.profiling.frames import Blame, OwnCode, codes_of, fold
from sectorwatch.observe.profiling.threads import thread_cpu_s, thread_state

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from datetime import datetime
    from types import CodeType

    from sectorwatch.observe.metrics import MetricsCollector

__all__ = ["LoopBlock", "LoopWatch"]

_LOOK_EVERY_S = 0.05
_LOOKS = 60
_KEEP = 50
_KEEP_BLAMED = 500
_PUBLISH_EVERY_S = 15.0
_TELL_EVERY_S = 1.0
# Of a time in which this thread could not run either, the process must have used as much of the
# processor for something in it to have held the lock; a process that was stopped uses none.
_HELD = 0.5
_STARVED = 0.5
# What turns a loop: asyncio's own leaves more of it on the stack than uvloop's.
_RUNNERS = (
    "/asyncio/runners.py",
    "/asyncio/base_events.py",
    "/asyncio/events.py",
    "/selectors.py",
)


@dataclass(frozen=True, slots=True)
class LoopBlock:
    """One time that the event loop stood still.

    `blame` is the function it was put down to, `thread` the thread that ran meanwhile where that
    was not the loop's own; `stacks` are folded, with how often each was met.
    """

    began: datetime
    duration_s: float
    cpu_s: float
    blame: Blame | None
    thread: str = ""
    stacks: tuple[tuple[str, int], ...] = ()

    def words(self) -> str:
        """What happened, in a sentence."""
        by = str(self.blame) if self.blame else "something that leaves no stack"
        where = f" in thread {self.thread}" if self.thread else ""
        how = "using the processor" if self.cpu_s >= self.duration_s / 2 else "waiting in it"
        return (
            f"the event loop stood still for {self.duration_s:.2f} s, held up by {by}{where}, {how}"
        )


@dataclass(slots=True)
class _Look:
    """What was seen of a block so far."""

    loop_cpu_s: float
    cpu_s: dict[int, float]
    stacks: Tally[tuple[tuple[CodeType, int], ...]] = field(default_factory=Tally)
    runnable: int = 0
    looks: int = 0


class LoopWatch:
    """Watches one event loop at a time; what it finds is in `blocks`, and in the metrics.

    Asks every `period_s`. From `blocked_s` without an answer on, stacks are taken. It takes no
    notice of time in which the whole process stood still or got no processor: the watching thread
    is late itself then, and what the process used meanwhile tells that from a lock that was held.
    """

    def __init__(
        self,
        metrics: MetricsCollector,
        *,
        period_s: float = 0.1,
        blocked_s: float = 0.25,
        clock: Clock | None = None,
        own: OwnCode | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._period_s = period_s
        self._blocked_s = blocked_s
        self._own = own or OwnCode()
        self._lag = metrics.timing("loop_lag_seconds")
        self._longest = metrics.gauge("loop_blocked_seconds", unit="seconds")
        self._total = metrics.counter("loop_blocks_total")
        self._lock = threading.Lock()
        self._blocks: deque[LoopBlock] = deque(maxlen=_KEEP)
        self._blamed: deque[tuple[float, Blame, float]] = deque(maxlen=_KEEP_BLAMED)
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._longest_s = 0.0
        self._published_s = 0.0
        self._ongoing: LoopBlock | None = None
        self.excused_s = 0.0
        """Seconds that were not held against the loop: the process could not run at all."""
        self.failed = 0

    @property
    def blocks(self) -> list[LoopBlock]:
        """The last times that the loop stood still, newest first."""
        with self._lock:
            return list(reversed(self._blocks))

    @property
    def ongoing(self) -> LoopBlock | None:
        """How the loop stands still at this moment; None while it turns."""
        return self._ongoing

    def blamed(self, within_s: float = 86_400.0) -> dict[Blame, tuple[int, float]]:
        """How often, and for how many seconds in all, by the function that was blamed.

        Of the last `within_s` seconds, and of the last 500 times.
        """
        since_s = self._clock.monotonic_s() - within_s
        found: dict[tuple[str, str], tuple[Blame, int, float]] = {}
        with self._lock:
            blamed = [each for each in self._blamed if each[0] >= since_s]
        for _, blame, lag_s in blamed:
            # Another line of the same function is the same trouble.
            key = (blame.file, blame.function)
            known, n, total_s = found.get(key, (blame, 0, 0.0))
            found[key] = (known, n + 1, total_s + lag_s)
        return {blame: (n, total_s) for blame, n, total_s in found.values()}

    def all_blamed(self) -> list[tuple[float, Blame, float]]:
        """When (monotonic), by whom and for how long, of the last 500 times."""
        with self._lock:
            return list(self._blamed)

    def take_up(
        self, blocks: Sequence[LoopBlock], blamed: Sequence[tuple[float, Blame, float]]
    ) -> None:
        """Have what earlier runs found, oldest first, before its own."""
        with self._lock:
            self._blocks = deque([*blocks, *self._blocks], maxlen=_KEEP)
            self._blamed = deque([*blamed, *self._blamed], maxlen=_KEEP_BLAMED)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch `loop`, which runs in the calling thread, until `stop`."""
        self.stop()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run,
            args=(loop, threading.current_thread(), self._stopped),
            name="observe-loop-watch",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; waits a second at most."""
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=1)

    def _run(
        self, loop: asyncio.AbstractEventLoop, of: threading.Thread, stopped: threading.Event
    ) -> None:
        self._published_s = time.perf_counter()
        while not stopped.is_set():
            try:
                self._ask(loop, of, stopped)
            except Exception:  # noqa: BLE001 - whatever goes wrong here, the loop is watched on
                if loop.is_closed():
                    return
                self.failed += 1
                stopped.wait(1.0)

    def _ask(
        self, loop: asyncio.AbstractEventLoop, of: threading.Thread, stopped: threading.Event
    ) -> None:
        """Ask once, and see it through until there is an answer."""
        answers: list[float] = []
        excused_s = 0.0
        began_s = self._clock.now_us() / 1e6
        asked_s = time.perf_counter()
        loop.call_soon_threadsafe(lambda: answers.append(time.perf_counter()))
        seen: _Look | None = None
        cpu_s, loop_cpu_s = time.process_time(), thread_cpu_s(of.native_id or 0) or 0.0
        wait_s, held_s = self._period_s, 0.0
        while not stopped.is_set():
            waiting_cpu_s = thread_cpu_s(of.native_id or 0) or 0.0
            late_s, used_s = self._wait(stopped, wait_s)
            # Late, and nothing in the process used the time: it was stopped, or not let run.
            if late_s > self._blocked_s / 2 and used_s < _HELD * late_s:
                excused_s += late_s - used_s
            if answers:
                # It answered, and then kept the interpreter's lock: nobody could ask again.
                held_s = min(late_s, (thread_cpu_s(of.native_id or 0) or 0.0) - waiting_cpu_s)
                if held_s >= self._blocked_s and seen is None:
                    seen = _Look(waiting_cpu_s, {})
                    self._look(seen, of)
                break
            now_s = time.perf_counter()
            waited_s = now_s - asked_s - excused_s
            if seen is None:
                seen = _Look(loop_cpu_s, _cpu_of_all())
            if waited_s >= self._blocked_s or late_s > self._blocked_s / 2:
                self._look(seen, of)
                self._tell(seen, of, began_s, waited_s)
                # Short ones closely, long ones as often again as they last.
                wait_s = max(_LOOK_EVERY_S, waited_s / _LOOKS)
            else:
                wait_s = _LOOK_EVERY_S
        self._ongoing = None
        if not answers:
            return
        lag_s = max(held_s, answers[0] - asked_s - excused_s, 0.0)
        self.excused_s += excused_s
        self._lag.observe(lag_s)
        if lag_s >= self._blocked_s:
            if seen is None:
                seen = _Look(loop_cpu_s, {})
            self._ended(seen, of, began_s, lag_s, time.process_time() - cpu_s)
        self._publish()

    def _wait(self, stopped: threading.Event, wait_s: float) -> tuple[float, float]:
        """Wait, and give how much too long that took and what the process used in all of it."""
        before_s, cpu_s = time.perf_counter(), time.process_time()
        stopped.wait(wait_s)
        late_s = time.perf_counter() - before_s - wait_s
        return late_s, time.process_time() - cpu_s

    def _look(self, seen: _Look, of: threading.Thread) -> None:
        stack = tuple(codes_of(sys._current_frames().get(of.ident or 0)))  # noqa: SLF001
        seen.stacks[stack] += 1
        seen.looks += 1
        seen.runnable += thread_state(of.native_id or 0) == "R"

    def _tell(self, seen: _Look, of: threading.Thread, began_s: float, waited_s: float) -> None:
        """While it lasts, say so: an alert must not wait for the end of it."""
        self._longest_s = max(self._longest_s, waited_s)
        if time.perf_counter() - self._published_s >= _TELL_EVERY_S:
            self._ongoing = self._judged(seen, of, began_s, waited_s)
            self._longest.set(self._longest_s)
            self._published_s = time.perf_counter()

    def _ended(
        self, seen: _Look, of: threading.Thread, began_s: float, lag_s: float, cpu_s: float
    ) -> None:
        block = self._judged(seen, of, began_s, lag_s)
        # Ready to run and not running while nothing else of ours ran: others had the processors,
        # and what the loop used would have passed for a turn.
        if (
            block.cpu_s < min(_STARVED * lag_s, self._blocked_s)
            and seen.runnable > seen.looks / 2
            and cpu_s < _STARVED * lag_s
        ):
            self.excused_s += lag_s
            return
        self._total.inc()
        self._longest_s = max(self._longest_s, lag_s)
        self._longest.set(self._longest_s)
        blame = block.blame
        with self._lock:
            self._blocks.append(block)
            if blame is not None:
                self._blamed.append((self._clock.monotonic_s(), blame, lag_s))

    def _judged(self, seen: _Look, of: threading.Thread, began_s: float, lag_s: float) -> LoopBlock:
        """What it comes to that the loop did not turn for `lag_s` seconds."""
        cpu_s = (thread_cpu_s(of.native_id or 0) or 0.0) - seen.loop_cpu_s
        ours = {codes: count for codes, count in seen.stacks.items() if _is_at_work(codes)}
        thread, busiest = "", None
        if sum(ours.values()) * 2 < seen.looks and cpu_s < _STARVED * lag_s:
            # The loop was at nothing: another thread kept the lock of the interpreter.
            thread, busiest = _busiest(seen.cpu_s, of)
        # A call that kept that lock to its end, and was over when this thread could look, has
        # left no stack; to blame what stands there afterwards would be a guess.
        stacks = {_inside(codes): count for codes, count in ours.items()}
        most = max(stacks, key=lambda codes: stacks[codes], default=())
        return LoopBlock(
            began=as_datetime(began_s),
            duration_s=lag_s,
            cpu_s=cpu_s,
            blame=self._own.blame(busiest or most),
            thread=thread,
            stacks=tuple(
                (fold(codes), count)
                for codes, count in sorted(stacks.items(), key=lambda each: -each[1])[:10]
            ),
        )

    def _publish(self) -> None:
        now_s = time.perf_counter()
        if now_s - self._published_s >= _PUBLISH_EVERY_S:
            self._longest.set(self._longest_s)
            self._longest_s = 0.0
            self._published_s = now_s


def _cpu_of_all() -> dict[int, float]:
    """What each of Python's threads has used so far, by the kernel's number."""
    numbers = [each.native_id for each in threading.enumerate() if each.native_id is not None]
    return {number: thread_cpu_s(number) or 0.0 for number in numbers}


def _busiest(
    before_s: dict[int, float], of: threading.Thread
) -> tuple[str, list[tuple[CodeType, int]] | None]:
    """The thread that used most of the processor since, and its stack."""
    frames = sys._current_frames()  # noqa: SLF001 - there is no public way
    used = [
        ((thread_cpu_s(each.native_id) or 0.0) - before_s.get(each.native_id, 0.0), each)
        for each in threading.enumerate()
        if each.native_id is not None and each is not of and each is not threading.current_thread()
    ]
    if not used:
        return "", None
    seconds, busiest = max(used, key=lambda each: each[0])
    if seconds <= 0:
        return "", None
    return busiest.name, codes_of(frames.get(busiest.ident or 0))


def _is_at_work(codes: tuple[tuple[CodeType, int], ...]) -> bool:
    """Whether there is more on the stack than the runner that turns the loop."""
    return bool(codes) and not _is_runner(codes[-1][0])


def _inside(codes: tuple[tuple[CodeType, int], ...]) -> tuple[tuple[CodeType, int], ...]:
    """The frames within the loop's turn: what is below is how the program was started."""
    for at in range(len(codes) - 1, -1, -1):
        if _is_runner(codes[at][0]):
            return codes[at + 1 :]
    return codes


def _is_runner(code: CodeType) -> bool:
    return code.co_filename.endswith(_RUNNERS)
