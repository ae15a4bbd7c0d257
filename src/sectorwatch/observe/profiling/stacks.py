"""What the processor is spent on: stacks taken a hundred times a second, for seconds.

Each stack counts for what its thread used of the processor since the one before, not for having
been there: a thread that sleeps or waits has a stack too, and costs nothing.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections import Counter as Tally
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import Clock, SystemClock, as_datetime
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.profiling.frames import Blame, OwnCode, codes_of, fold, label_of
from sectorwatch.observe.profiling.threads import group_of, native_threads, thread_cpu_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import CodeType

__all__ = ["BusyError", "FunctionShare", "Profile", "StackSampler"]

_MOST_STACKS = 4_000
_MOST_SHOWN = 50
_KEEP = 20
_LONGEST_S = 30.0
_DAY_S = 86_400.0
_LEAST_SHARE = 0.01
_OTHER = "(other)"
_UNSEEN = "(no Python)"

Stack = tuple["tuple[CodeType, int]", ...]


class BusyError(Exception):
    """A profile is being taken: there is one at a time. Try again when it has ended."""


@dataclass(frozen=True, slots=True)
class FunctionShare:
    """A function's part of the processor that was used: in itself, and with what it called.

    Fractions of all that was used while the profile was taken.
    """

    function: str
    file: str
    line: int
    own_share: float
    total_share: float
    service: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What the processor was spent on for some seconds.

    `functions` have the largest own share first; `blamed` are functions of the program itself,
    each with the share of what it and the libraries it called used. `threads` are shares by group
    of threads, those without Python among them. `stacks` are (folded, seconds of processor).
    """

    number: int
    trigger: str
    began: datetime
    duration_s: float
    samples: int
    rate_hz: float
    cpu_s: float
    cost_s: float
    functions: tuple[FunctionShare, ...]
    blamed: tuple[tuple[Blame, float], ...]
    threads: tuple[tuple[str, float], ...]
    stacks: tuple[tuple[str, float], ...]

    @property
    def percent_of_core(self) -> float:
        """What the process used, in percent of one core."""
        return 100 * self.cpu_s / self.duration_s if self.duration_s > 0 else 0.0

    def folded(self) -> str:
        """A line a stack with its milliseconds, as flame graph tools read it."""
        return "".join(f"{stack} {round(cpu_s * 1e3)}\n" for stack, cpu_s in self.stacks)

    def words(self) -> str:
        """Who used the processor, in a sentence."""
        if not self.blamed:
            threads = ", ".join(f"{name} {share:.0%}" for name, share in self.threads[:3])
            by = f"threads {threads}" if threads else "nothing that can be told"
        else:
            by = ", ".join(f"{share:.0%} by {blame}" for blame, share in self.blamed[:3])
        return (
            f"in {self.duration_s:.1f} s the process used {self.percent_of_core:.0f} % of a core: "
            f"{by}"
        )


class StackSampler:
    """Takes profiles, one at a time, each for some seconds and never longer than 30.

    The last 20 are in `profiles`. `budget_s_a_day` bounds the time spent on those that were not
    asked for by a person.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        own: OwnCode | None = None,
        budget_s_a_day: float = 900.0,
    ) -> None:
        self._clock = clock or SystemClock()
        self._own = own or OwnCode()
        self._budget_s = budget_s_a_day
        self._spent: deque[tuple[float, float]] = deque()
        self._taking = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._lock = threading.Lock()
        self._profiles: deque[Profile] = deque(maxlen=_KEEP)
        self._numbers = itertools.count(1)
        self.on_profile: Callable[[Profile], None] | None = None
        """Called with each profile, in the thread that took it."""
        self.drops = Drops()

    @property
    def profiles(self) -> list[Profile]:
        """The last profiles, newest first."""
        with self._lock:
            return list(reversed(self._profiles))

    def take_up(self, profiles: Sequence[Profile]) -> None:
        """Have the profiles of earlier runs, oldest first, before its own; numbers go on."""
        with self._lock:
            known = {each.number for each in self._profiles}
            both = [*(each for each in profiles if each.number not in known), *self._profiles]
            self._profiles = deque(both, maxlen=_KEEP)
            self._numbers = itertools.count(max((each.number for each in both), default=0) + 1)

    @property
    def is_taking(self) -> bool:
        """Whether a profile is being taken."""
        return self._taking.locked()

    def take(
        self,
        seconds: float,
        *,
        trigger: str = "asked",
        rate_hz: float = 100.0,
        stop: threading.Event | None = None,
    ) -> Profile:
        """Take a profile now, in this thread, which is left out of it; 0.1 to 30 seconds.

        `stop` ends it before. Raises BusyError where one is being taken.
        """
        if not self._taking.acquire(blocking=False):
            raise BusyError("a profile is being taken; try again when it has ended")
        self._idle.clear()
        try:
            profile = self._take(min(max(seconds, 0.1), _LONGEST_S), trigger, rate_hz, stop)
            with self._lock:
                self._profiles.append(profile)
            if self.on_profile is not None:
                self.on_profile(profile)
        finally:
            self._idle.set()
            self._taking.release()
        return profile

    def wait(self, seconds: float) -> bool:
        """Wait until a profile that is being taken is done; whether none is any more."""
        return self._idle.wait(seconds)

    def start(self, seconds: float, *, trigger: str, rate_hz: float = 100.0) -> bool:
        """Take a profile in a thread of its own; False where that may not be now, and counted."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            while self._spent and now_s - self._spent[0][0] > _DAY_S:
                self._spent.popleft()
            if sum(spent_s for _, spent_s in self._spent) + seconds > self._budget_s:
                self.drops.count("profile_budget")
                return False
            if self._taking.locked():
                self.drops.count("profile_busy")
                return False
            self._spent.append((now_s, seconds))
            self._idle.clear()

        def take() -> None:
            try:
                self.take(seconds, trigger=trigger, rate_hz=rate_hz)
            except BusyError:
                self.drops.count("profile_busy")
            except Exception:  # noqa: BLE001 - a profile that fails breaks nobody
                self.drops.count("profile_failed")

        try:
            threading.Thread(target=take, name="observe-profile", daemon=True).start()
        except RuntimeError:
            # No thread can be had: nobody is to wait for it.
            self._idle.set()
            self.drops.count("profile_failed")
            return False
        return True

    def _take(
        self, seconds: float, trigger: str, rate_hz: float, stop: threading.Event | None
    ) -> Profile:
        began_s = self._clock.now_us() / 1e6
        me = threading.get_native_id()
        before_all = _cpu_by_native()
        sampled = _Sampled()
        my_cpu_s, begun_s, cpu_s = time.thread_time(), time.perf_counter(), time.process_time()
        sampled.begin(me)
        period_s, taken = 1 / rate_hz, 0
        due_s = begun_s
        while (now_s := time.perf_counter()) < begun_s + seconds:
            due_s = max(due_s + period_s, now_s)
            time.sleep(max(0.0, due_s - now_s))
            sampled.look(me)
            taken += 1
            if stop is not None and stop.is_set():
                break
        duration_s = time.perf_counter() - begun_s
        cost_s = time.thread_time() - my_cpu_s
        cpu_s = max(time.process_time() - cpu_s - cost_s, 0.0)
        threads = _thread_shares(before_all, _cpu_by_native(), me)
        return self._profile(
            sampled, threads, began_s, trigger, duration_s, taken / duration_s, cpu_s, cost_s, taken
        )

    def _profile(
        self,
        sampled: _Sampled,
        threads: dict[str, float],
        began_s: float,
        trigger: str,
        duration_s: float,
        rate_hz: float,
        cpu_s: float,
        cost_s: float,
        samples: int,
    ) -> Profile:
        own_s: Tally[CodeType] = Tally()
        total_s: dict[CodeType, float] = defaultdict(float)
        lines: dict[CodeType, Tally[int]] = defaultdict(Tally)
        blamed: dict[tuple[str, str], tuple[Blame, float]] = {}
        for (_, codes), spent_s in sampled.stacks.items():
            if not codes:
                continue
            leaf, line = codes[-1]
            own_s[leaf] += spent_s  # type: ignore[assignment]
            lines[leaf][line] += spent_s  # type: ignore[assignment]
            for code in {code for code, _ in codes}:
                total_s[code] += spent_s
            blame = self._own.blame(codes)
            if blame is not None:
                key = (blame.function, blame.file)
                known, before_s = blamed.get(key, (blame, 0.0))
                blamed[key] = (known, before_s + spent_s)
        whole_s = max(cpu_s, sum(sampled.stacks.values()), 1e-9)
        ranked = sorted(total_s, key=lambda code: (-own_s[code], -total_s[code]))
        return Profile(
            number=next(self._numbers),
            trigger=trigger,
            began=as_datetime(began_s),
            duration_s=duration_s,
            samples=samples,
            rate_hz=rate_hz,
            cpu_s=cpu_s,
            cost_s=cost_s,
            functions=tuple(
                FunctionShare(
                    label_of(code),
                    self._own.short(code.co_filename),
                    lines[code].most_common(1)[0][0] if lines[code] else code.co_firstlineno,
                    own_s[code] / whole_s,
                    total_s[code] / whole_s,
                    self._own.service(code.co_filename),
                )
                for code in ranked[:_MOST_SHOWN]
            ),
            blamed=tuple(
                (blame, spent_s / whole_s)
                for blame, spent_s in sorted(blamed.values(), key=lambda each: -each[1])
                if spent_s / whole_s >= _LEAST_SHARE
            )[:_MOST_SHOWN],
            threads=tuple(
                (name, spent_s / whole_s)
                for name, spent_s in sorted(threads.items(), key=lambda each: -each[1])
                if spent_s > 0
            )[:_MOST_SHOWN],
            stacks=_folded(sampled, threads),
        )


class _Sampled:
    """Seconds of processor by thread and stack."""

    def __init__(self) -> None:
        self.stacks: dict[tuple[str, Stack], float] = {}
        self._cpu_s: dict[int, float] = {}

    def begin(self, me: int) -> None:
        """What each thread has used so far does not count."""
        for each in threading.enumerate():
            if each.native_id is not None and each.native_id != me:
                self._cpu_s[each.native_id] = thread_cpu_s(each.native_id) or 0.0

    def look(self, me: int) -> None:
        """Give each thread that ran since the last look its time, by its stack."""
        frames = sys._current_frames()  # noqa: SLF001 - there is no public way
        for each in threading.enumerate():
            number = each.native_id
            if number is None or number == me:
                continue
            now_s = thread_cpu_s(number)
            if now_s is None:
                continue
            used_s = now_s - self._cpu_s.get(number, 0.0)
            if used_s < 0:
                used_s = now_s
            self._cpu_s[number] = now_s
            if used_s > 0:
                key = (group_of(each.name), tuple(codes_of(frames.get(each.ident or 0))))
                if key not in self.stacks and len(self.stacks) >= _MOST_STACKS:
                    key = (_OTHER, ())
                self.stacks[key] = self.stacks.get(key, 0.0) + used_s


def _cpu_by_native() -> dict[int, tuple[str, float]]:
    return {
        number: (group_of(name), thread_cpu_s(number) or 0.0)
        for number, name in native_threads().items()
    }


def _thread_shares(
    before: dict[int, tuple[str, float]], after: dict[int, tuple[str, float]], me: int
) -> dict[str, float]:
    """Seconds of processor by group of threads, those that Python does not know among them."""
    found: dict[str, float] = {}
    for number, (group, now_s) in after.items():
        if number != me:
            was, before_s = before.get(number, (group, 0.0))
            used_s = now_s - before_s if was == group and before_s <= now_s else now_s
            found[group] = found.get(group, 0.0) + used_s
    return found


def _folded(sampled: _Sampled, threads: dict[str, float]) -> tuple[tuple[str, float], ...]:
    """Each stack in a line below its thread's name; threads without Python as one frame each."""
    lines: dict[str, float] = defaultdict(float)
    seen: set[str] = set()
    for (group, codes), spent_s in sampled.stacks.items():
        seen.add(group)
        lines[f"{group};{fold(codes) or _UNSEEN}"] += spent_s
    for group, spent_s in threads.items():
        if group not in seen and spent_s > 0:
            lines[f"{group};{_UNSEEN}"] += spent_s
    return tuple(sorted(lines.items(), key=lambda each: -each[1]))
