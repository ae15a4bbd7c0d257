"""Profiles, leaks and a loop that stands still, as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.clock import format_s
from sectorwatch.web.answers.profile import (
    BlamedAnswer,
    FunctionAnswer,
    LeakLine,
    LeakTrendAnswer,
    LoopAnswer,
    LoopBlamed,
    LoopBlockAnswer,
    MemoryAnswer,
    ProfileAnswer,
    Profiles,
    StackCount,
    ThreadShare,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sectorwatch.observe.profiling import (
        LeakVerdict,
        LoopBlock,
        LoopWatch,
        Profile,
        Resources,
    )

__all__ = ["profile_answer", "profiles_answer"]


def profiles_answer(resources: Resources) -> Profiles:
    """Show all that was found out."""
    spike, disk = resources.spike, resources.disk
    return Profiles(
        is_taking=resources.profiler.is_taking,
        cpu_spike_percent=0.0 if spike is None else round(spike.percent, 1),
        disk_full_in_s=None if disk is None else round(disk.full_in_s, 1),
        memory=_memory(resources.leaks.verdict),
        loop=_loop(resources.loop),
        profiles=[profile_answer(each) for each in resources.profiler.profiles],
    )


def profile_answer(profile: Profile) -> ProfileAnswer:
    """Show one profile."""
    return ProfileAnswer(
        number=profile.number,
        trigger=profile.trigger,
        began=_time(profile.began),
        duration_s=round(profile.duration_s, 3),
        samples=profile.samples,
        rate_hz=round(profile.rate_hz, 1),
        cpu_s=round(profile.cpu_s, 4),
        percent_of_core=round(profile.percent_of_core, 2),
        cost_s=round(profile.cost_s, 4),
        words=profile.words(),
        functions=[
            FunctionAnswer(
                each.function,
                each.file,
                each.line,
                each.service,
                round(each.own_share, 4),
                round(each.total_share, 4),
            )
            for each in profile.functions
        ],
        blamed=[
            BlamedAnswer(each.function, each.file, each.line, each.service, round(share, 4))
            for each, share in profile.blamed
        ],
        threads=[ThreadShare(name, round(share, 4)) for name, share in profile.threads],
    )


def _loop(watch: LoopWatch) -> LoopAnswer:
    blamed = sorted(watch.blamed().items(), key=lambda each: -each[1][1])
    ongoing = watch.ongoing
    return LoopAnswer(
        blocked_now=None if ongoing is None else _block(ongoing),
        excused_s=round(watch.excused_s, 3),
        blamed=[
            LoopBlamed(each.function, each.file, each.service, count, round(total_s, 3))
            for each, (count, total_s) in blamed
        ],
        blocks=[_block(each) for each in watch.blocks],
    )


def _block(block: LoopBlock) -> LoopBlockAnswer:
    blame = block.blame
    return LoopBlockAnswer(
        began=_time(block.began),
        duration_s=round(block.duration_s, 3),
        cpu_s=round(block.cpu_s, 3),
        function=None if blame is None else blame.function,
        file=None if blame is None else blame.file,
        line=None if blame is None else blame.line,
        service=None if blame is None else blame.service,
        thread=block.thread,
        stacks=[StackCount(stack, count) for stack, count in block.stacks],
    )


def _memory(verdict: LeakVerdict) -> MemoryAnswer:
    return MemoryAnswer(
        state=verdict.state,
        words=verdict.words(),
        bytes_per_hour=round(verdict.bytes_per_hour),
        since=None if verdict.since is None else _time(verdict.since),
        trends=[
            LeakTrendAnswer(
                scale=each.scale,
                bytes_per_hour=round(each.bytes_per_hour),
                p_growing=round(each.p_growing, 4),
                steadiness=round(each.steadiness, 3),
                span_s=round(each.span_s),
                grown_bytes=round(each.grown_bytes),
                blocks_per_hour=round(each.blocks_per_hour),
                p_blocks_growing=round(each.p_blocks_growing, 4),
                is_leak=each.is_leak,
            )
            for each in verdict.trends
        ],
        lines=[
            LeakLine(
                each.file,
                each.line,
                each.source,
                each.service,
                round(each.bytes_per_s, 1),
                round(each.pieces_per_s, 2),
            )
            for each in (() if verdict.growth is None else verdict.growth.lines)
        ],
        looked=None if verdict.looked is None else _time(verdict.looked),
    )


def _time(moment: datetime) -> str:
    return format_s(int(moment.timestamp()))
