"""What could be better by what profiles, leaks and the event loop showed: for the optimizer."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sectorwatch.observe.tuning.findings import (
    Difficulty,
    Finding,
    Measure,
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
_FEWEST_BLOCKS = 3
_LEAST_BLOCKED_S = 1.0
_MOST = 5


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
        # When, seconds of processor, seconds passed, and by whom.
        self._profiles: deque[tuple[float, float, float, tuple[tuple[Blame, float], ...]]] = deque(
            maxlen=200
        )

    def take(self, profile: Profile) -> None:
        """Take a profile into account; called from the thread that took it."""
        if profile.trigger == "periodic":
            self._profiles.append(
                (self._monotonic_s(), profile.cpu_s, profile.duration_s, profile.blamed[:20])
            )

    def collect(self, now_s: float) -> Sequence[Finding]:
        """Everything found now."""
        del now_s
        return [*self._hotspots(), *self._growth(), *self._blocking()]

    def _hotspots(self) -> list[Finding]:
        since_s = self._monotonic_s() - _DAY_S
        profiles = [each for each in list(self._profiles) if each[0] >= since_s]
        cpu_s = sum(each[1] for each in profiles)
        passed_s = sum(each[2] for each in profiles)
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
        lines = () if verdict.growth is None else verdict.growth.lines[:3]
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
        passed_s = max(1.0, min(_DAY_S, self._monotonic_s() - self._began_s))
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
