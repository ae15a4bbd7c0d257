"""What could be better by what profiles, leaks and the event loop showed: for the optimizer."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sectorwatch.observe.profiling.leaks import LONGEST_SCALE
from sectorwatch.observe.tuning.effects import Steps, effect_of
from sectorwatch.observe.tuning.findings import (
    Difficulty,
    Effect,
    Finding,
    Measure,
    Outcome,
    RecommendationType,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.observe.profiling.frames import Blame
    from sectorwatch.observe.profiling.leak_watch import LeakWatch
    from sectorwatch.observe.profiling.loop_watch import LoopWatch
    from sectorwatch.observe.profiling.stacks import Profile

__all__ = ["ProfileEvidence"]

_DAY_S = 86_400.0
_HOUR_S = 3_600.0
_SYSTEM = "system"
# What is met in few profiles may be what happened to run; and what is saved must be felt.
_FEWEST_PROFILES = 6
_LEAST_SHARE = 0.2
_LEAST_CORE = 0.02
_MANY_PROFILES = 36
_MOST_PROFILES = 200
_SURE = 0.95
# A small leak is told from the warm-up of a first day only once a day is known.
_LEAK_KNOWN_S = 30 * _HOUR_S
_FEWEST_BLOCKS = 3
_LEAST_BLOCKED_S = 1.0
_MOST = 5
_TOO_EARLY = Outcome(applied=None, words="this run has not been watched for long enough")


class _Seen(NamedTuple):
    """What one profile showed: when (monotonic), seconds of processor and passed, and by whom."""

    at_s: float
    cpu_s: float
    passed_s: float
    blamed: tuple[tuple[Blame, float], ...]

    def share_of(self, file: str, function: str) -> float:
        """A function's share of the processor."""
        return next(
            (share for of, share in self.blamed if (of.file, of.function) == (file, function)), 0.0
        )


def _seen(at_s: float, profile: Profile) -> _Seen:
    return _Seen(at_s, profile.cpu_s, profile.duration_s, profile.blamed[:20])


class ProfileEvidence:
    """Functions that burn the processor, lines that hold memory, what stops the event loop.

    `profiles` are kept for a day; those that somebody asked for do not count, for they show the
    moment that he was looking at.
    """

    name = "profiling"

    def __init__(self, leaks: LeakWatch, loop: LoopWatch, monotonic_s: Callable[[], float]) -> None:
        self._leaks = leaks
        self._loop = loop
        self._monotonic_s = monotonic_s
        self._began_s = monotonic_s()
        self._profiles: deque[_Seen] = deque(maxlen=_MOST_PROFILES)
        # Those of earlier runs: the program may have been mended since.
        self._before: deque[_Seen] = deque(maxlen=_MOST_PROFILES)
        self._met: set[str] = set()

    def take(self, profile: Profile) -> None:
        """Take a profile into account; called from the thread that took it."""
        if profile.trigger == "periodic":
            self._profiles.append(_seen(self._monotonic_s(), profile))

    def take_up(self, profiles: Sequence[tuple[float, Profile]]) -> None:
        """Have those of earlier runs, each with when (monotonic) it was taken, oldest first."""
        self._before.extend(
            _seen(at_s, each) for at_s, each in profiles if each.trigger == "periodic"
        )

    def outcome(self, key: str, now_s: float) -> Outcome | None:
        """What became of a finding: code that runs is not mended; another run may be of other code.

        Whether that is better is measured where this source has it in figures of its own; that
        memory does not leak is known once it was looked at for more than a day.
        """
        del now_s
        if key in self._met:
            return Outcome(
                applied=False,
                words="it is not met any more, in the same run of the program that met it:"
                " nothing was mended",
            )
        kind, _, rest = key.partition(":")
        if kind == "memory":
            knows = self._monotonic_s() - self._began_s >= _LEAK_KNOWN_S and any(
                each.scale == LONGEST_SCALE for each in self._leaks.verdict.trends
            )
            return None if knows else _TOO_EARLY
        file, _, function = rest.rpartition(":")
        if kind == "cpu":
            return self._became_of_share(file, function)
        return self._became_of_blocks(file, function)

    def _became_of_share(self, file: str, function: str) -> Outcome:
        before, after = (
            Steps(
                np.array([each.at_s for each in seen]),
                # Like load is where the program was about as busy.
                np.array([each.cpu_s for each in seen]),
                np.array([each.share_of(file, function) for each in seen]),
            )
            for seen in (list(self._before), list(self._profiles))
        )
        if len(after) < _FEWEST_PROFILES:
            return _TOO_EARLY
        effect = effect_of(before, after, "share of processor")
        if effect is not None and effect.low > 0 and effect.probability >= _SURE:
            basis = f"{effect.n_before} profiles of earlier runs"
            return Outcome(
                applied=True,
                words=f"measured: {effect.improvement:.0%} less of the processor than in {basis}",
                effect=replace(effect, basis=basis),
            )
        if effect is None:
            return Outcome(applied=False, words="what it used in earlier runs is not known")
        if len(after) < _MANY_PROFILES:
            return _TOO_EARLY
        return Outcome(applied=False, words="it is not met any more, but uses no less measurably")

    def _became_of_blocks(self, file: str, function: str) -> Outcome:
        times = [
            at_s
            for at_s, blame, _ in self._loop.all_blamed()
            if (blame.file, blame.function) == (file, function) and at_s < self._began_s
        ]
        if not times:
            return Outcome(applied=False, words="how often it was met before is not known any more")
        # At most that often: the program may have been down meanwhile.
        a_second = len(times) / max(self._began_s - times[0], _DAY_S)
        passed_s = self._monotonic_s() - self._began_s
        chance = math.exp(-a_second * passed_s)
        if chance > 1 - _SURE:
            return _TOO_EARLY
        # None at all in so long: fewer than this many more, with 95 %.
        most = -math.log(1 - _SURE) / passed_s
        an_hour = a_second * _HOUR_S
        return Outcome(
            applied=True,
            words=f"measured: not once in {passed_s / _HOUR_S:.0f} h, {len(times)} times before",
            effect=Effect(
                unit="blocks/hour",
                before=an_hour,
                after=0.0,
                improvement=1.0,
                low=1 - most / a_second,
                high=1.0,
                n_before=len(times),
                n_after=0,
                basis="earlier runs",
                probability=1 - chance,
            ),
        )

    def collect(self, now_s: float) -> Sequence[Finding]:
        """Everything found now."""
        del now_s
        return [*self._hotspots(), *self._growth(), *self._blocking()]

    def _hotspots(self) -> list[Finding]:
        since_s = self._monotonic_s() - _DAY_S
        profiles = [each for each in list(self._profiles) if each.at_s >= since_s]
        is_ours = len(profiles) >= _FEWEST_PROFILES
        if not is_ours:
            # So shortly after a start, what was seen before it stands.
            profiles = [each for each in list(self._before) if each.at_s >= since_s] + profiles
        cpu_s = sum(each.cpu_s for each in profiles)
        passed_s = sum(each.passed_s for each in profiles)
        if len(profiles) < _FEWEST_PROFILES or cpu_s <= 0:
            return []
        used_s: dict[tuple[str, str], float] = {}
        met: dict[tuple[str, str], int] = {}
        blames: dict[tuple[str, str], Blame] = {}
        for _, of_profile_s, _, blamed in profiles:
            for blame, share in blamed:
                if not blame.service:
                    continue
                key = (blame.file, blame.function)
                blames[key] = blame
                met[key] = met.get(key, 0) + 1
                used_s[key] = used_s.get(key, 0.0) + share * of_profile_s
        found = []
        for key in sorted(used_s, key=lambda each: -used_s[each])[:_MOST]:
            share, of_core = used_s[key] / cpu_s, used_s[key] / passed_s
            if share < _LEAST_SHARE or of_core < _LEAST_CORE or met[key] < _FEWEST_PROFILES:
                continue
            blame = blames[key]
            if is_ours:
                self._met.add(f"cpu:{blame.file}:{blame.function}")
            found.append(
                Finding(
                    service=blame.service,
                    operation=blame.function,
                    type=RecommendationType.CPU_HOTSPOT,
                    key=f"cpu:{blame.file}:{blame.function}",
                    description=f"{blame.function} ({blame.file}:{blame.line}) and what it calls "
                    f"in libraries use {share:.0%} of the processor that the program uses, "
                    f"{of_core:.1%} of a core, in {met[key]} of {len(profiles)} profiles.",
                    fix="Have it called less often, do less in it, or keep what it gave; the "
                    "folded profile (/api/performance/profile?format=folded) says for whom.",
                    difficulty=Difficulty.MEDIUM,
                    expected_improvement=share,
                    reason=f"its share of the processor, measured in {len(profiles)} profiles of "
                    f"{passed_s / len(profiles):.0f} s: what would be saved if it cost nothing",
                    cost_share=min(1.0, of_core),
                    evidence={
                        "file": blame.file,
                        "line": blame.line,
                        "profiles": len(profiles),
                        "met": met[key],
                        "share": round(share, 4),
                        "percent_of_core": round(100 * of_core, 2),
                    },
                    measure=Measure("process_cpu", unit="percent"),
                )
            )
        return found

    def _growth(self) -> list[Finding]:
        verdict = self._leaks.verdict
        if verdict.state != "leak":
            return []
        lines = verdict.holding[:3]
        measure = Measure("memory_leak_bytes_per_hour", unit="bytes/hour")
        evidence = {
            "bytes_per_hour": round(verdict.bytes_per_hour),
            "trends": [
                {
                    "scale": each.scale,
                    "p_growing": round(each.p_growing, 4),
                    "steadiness": round(each.steadiness, 3),
                }
                for each in verdict.trends
            ],
        }
        rate = f"Memory grows by {verdict.bytes_per_hour / 1e6:.0f} MB an hour"
        self._met |= {f"memory:{each.file}:{each.source}" for each in lines} or {"memory:native"}
        if not lines:
            return [
                Finding(
                    service=_SYSTEM,
                    operation="memory",
                    type=RecommendationType.MEMORY_GROWTH,
                    key="memory:native",
                    description=f"{rate}, and no line of Python holds it.",
                    fix="Look for a library that keeps what it was given: a connection, a cursor "
                    "or a buffer that is never closed. A restart gives it back meanwhile.",
                    difficulty=Difficulty.HIGH,
                    expected_improvement=None,
                    reason="the lines that hold it are not known",
                    evidence=evidence,
                    measure=measure,
                )
            ]
        return [
            Finding(
                service=each.service or _SYSTEM,
                operation=f"{each.file}:{each.line}",
                type=RecommendationType.MEMORY_GROWTH,
                # Lines move when others change; what stands in them is the same.
                key=f"memory:{each.file}:{each.source}",
                description=f"{rate}; {each}.",
                fix="Bound what is kept there: by number, by age, or by letting go of it when it "
                "has been used.",
                difficulty=Difficulty.LOW,
                expected_improvement=min(
                    1.0, each.bytes_per_s * _HOUR_S / max(verdict.bytes_per_hour, 1.0)
                ),
                reason="this line's part of the growth, measured by tracing allocations",
                evidence={
                    **evidence,
                    "file": each.file,
                    "line": each.line,
                    "source": each.source,
                    "bytes_per_second": round(each.bytes_per_s, 1),
                },
                measure=measure,
            )
            for each in lines
        ]

    def _blocking(self) -> list[Finding]:
        blamed = self._loop.blamed(_DAY_S)
        whole_s = sum(total_s for _, total_s in blamed.values())
        now_s = self._monotonic_s()
        lately = [each for each in self._loop.all_blamed() if each[0] >= now_s - _DAY_S]
        began_s = min(self._began_s, lately[0][0]) if lately else self._began_s
        passed_s = max(1.0, min(_DAY_S, now_s - began_s))
        self._met |= {
            f"loop:{each.file}:{each.function}" for at_s, each, _ in lately if at_s >= self._began_s
        }
        blocks = self._loop.blocks
        found = []
        for blame, (count, total_s) in sorted(blamed.items(), key=lambda each: -each[1][1])[:_MOST]:
            if count < _FEWEST_BLOCKS and total_s < _LEAST_BLOCKED_S:
                continue
            stack = next(
                (
                    each.stacks[0][0]
                    for each in blocks
                    if each.stacks
                    and each.blame is not None
                    and (each.blame.file, each.blame.function) == (blame.file, blame.function)
                ),
                None,
            )
            found.append(
                Finding(
                    service=blame.service or _SYSTEM,
                    operation=blame.function,
                    type=RecommendationType.LOOP_BLOCKING,
                    key=f"loop:{blame.file}:{blame.function}",
                    description=f"{blame.function} ({blame.file}:{blame.line}) held the event loop "
                    f"up {count} times for {total_s:.1f} s in all: nobody was answered meanwhile.",
                    fix="Have it done in a thread (asyncio.to_thread), or in pieces with an await "
                    "between them.",
                    difficulty=Difficulty.LOW,
                    expected_improvement=total_s / whole_s,
                    reason="its part of the time for which the event loop stood still, measured",
                    cost_share=min(1.0, total_s / passed_s),
                    evidence={
                        "file": blame.file,
                        "line": blame.line,
                        "count": count,
                        "seconds": round(total_s, 3),
                        "stack": stack,
                    },
                    measure=Measure("loop_blocked_seconds"),
                )
            )
        return found
