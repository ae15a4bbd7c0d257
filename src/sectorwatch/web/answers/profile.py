"""What the API answers about profiles: who uses processor, memory and the event loop."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sectorwatch.web.answers.common import MaybeTime, Time

__all__ = [
    "BlamedAnswer",
    "FunctionAnswer",
    "LeakLine",
    "LeakTrendAnswer",
    "LoopAnswer",
    "LoopBlamed",
    "LoopBlockAnswer",
    "MemoryAnswer",
    "ProfileAnswer",
    "Profiles",
    "StackCount",
    "ThreadShare",
]


class FunctionAnswer(msgspec.Struct, frozen=True):
    """A function's part of the processor that was used."""

    function: Annotated[str, Meta(description="Its name with its module's")]
    file: Annotated[str, Meta(description="Its file, from the package on")]
    line: Annotated[int, Meta(description="The line in it that was met most")]
    service: Annotated[str, Meta(description="The service whose code it is; empty: a library's")]
    own_share: Annotated[float, Meta(description="In itself, 0 to 1")]
    total_share: Annotated[float, Meta(description="With all that it called, 0 to 1")]


class BlamedAnswer(msgspec.Struct, frozen=True):
    """A function of the program itself, with what the libraries that it called used."""

    function: Annotated[str, Meta(description="Its name")]
    file: Annotated[str, Meta(description="Its file")]
    line: Annotated[int, Meta(description="A line in it that was met")]
    service: Annotated[str, Meta(description="The service whose code it is")]
    share: Annotated[float, Meta(description="Of the processor that was used, 0 to 1")]


class ThreadShare(msgspec.Struct, frozen=True):
    """A group of threads."""

    thread: Annotated[
        str, Meta(description="Their name without its number; `native` before it: not Python's")
    ]
    share: Annotated[float, Meta(description="Of the processor that was used, 0 to 1")]


class ProfileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the processor was spent on for some seconds."""

    number: Annotated[int, Meta(description="Counted since the program started")]
    trigger: Annotated[str, Meta(description="asked, cpu_spike or periodic")]
    began: Time
    duration_s: Annotated[float, Meta(description="Seconds")]
    samples: Annotated[int, Meta(description="How often stacks were taken")]
    rate_hz: Annotated[float, Meta(description="How often a second")]
    cpu_s: Annotated[float, Meta(description="Seconds of processor that were used")]
    percent_of_core: Annotated[float, Meta(description="The same in percent of one core")]
    cost_s: Annotated[float, Meta(description="Seconds of processor that taking it used")]
    words: Annotated[str, Meta(description="Who used it, in a sentence")]
    functions: Annotated[
        list[FunctionAnswer], Meta(description="The largest own share first, 50 at most")
    ]
    blamed: Annotated[
        list[BlamedAnswer], Meta(description="The program's own functions, the largest share first")
    ]
    threads: Annotated[list[ThreadShare], Meta(description="The largest share first")]


class StackCount(msgspec.Struct, frozen=True):
    """A stack and how often it was met."""

    stack: Annotated[str, Meta(description="Functions from the outermost on, between semicolons")]
    count: Annotated[int, Meta(description="How often it was met")]


class LoopBlockAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A time for which the event loop did not turn."""

    began: Time
    duration_s: Annotated[float, Meta(description="Seconds")]
    cpu_s: Annotated[float, Meta(description="Seconds of processor that its thread used meanwhile")]
    function: Annotated[str | None, Meta(description="What held it up; null: left no stack")]
    file: Annotated[str | None, Meta(description="Its file")]
    line: Annotated[int | None, Meta(description="The line in it")]
    service: Annotated[str | None, Meta(description="The service whose code it is")]
    thread: Annotated[
        str, Meta(description="Another thread that kept the interpreter; empty: the loop's own")
    ]
    stacks: Annotated[list[StackCount], Meta(description="What was met meanwhile")]


class LoopBlamed(msgspec.Struct, frozen=True):
    """A function that held the event loop up, in the last 24 hours."""

    function: Annotated[str, Meta(description="Its name")]
    file: Annotated[str, Meta(description="Its file")]
    service: Annotated[str, Meta(description="The service whose code it is")]
    count: Annotated[int, Meta(description="How often")]
    total_s: Annotated[float, Meta(description="Seconds in all")]


class LoopAnswer(msgspec.Struct, frozen=True):
    """How the event loop turned."""

    blocked_now: Annotated[
        LoopBlockAnswer | None, Meta(description="How it stands still now; null: it turns")
    ]
    excused_s: Annotated[
        float, Meta(description="Seconds in which the whole process could not run: not counted")
    ]
    blamed: Annotated[list[LoopBlamed], Meta(description="The most seconds first")]
    blocks: Annotated[list[LoopBlockAnswer], Meta(description="The last 50, newest first")]


class LeakTrendAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How memory grows, looked back on over minutes, half an hour or hours."""

    scale: Annotated[str, Meta(description="minutes, half an hour or hours")]
    bytes_per_hour: Annotated[float, Meta(description="The robust slope of resident memory")]
    p_growing: Annotated[
        float,
        Meta(
            description="The probability that it grows, by Mann and Kendall's test. Memory "
            "resembles itself from one sample to the next, so this says more than is so: it is "
            "one of several things looked at"
        ),
    ]
    steadiness: Annotated[
        float, Meta(description="1 grows evenly; near 0: in a step, or comes to rest")
    ]
    span_s: Annotated[float, Meta(description="Seconds looked back on")]
    grown_bytes: Annotated[float, Meta(description="What it has grown by")]
    blocks_per_hour: Annotated[float, Meta(description="Growth of small pieces of Python's values")]
    p_blocks_growing: Annotated[float, Meta(description="The probability that these grow")]
    is_leak: Annotated[bool, Meta(description="Whether that is certain, steady, and matters")]


class LeakLine(msgspec.Struct, frozen=True):
    """A line whose allocations are held, more and more."""

    file: Annotated[str, Meta(description="Its file")]
    line: Annotated[int, Meta(description="Its number")]
    source: Annotated[str, Meta(description="What stands there")]
    service: Annotated[str, Meta(description="The service whose code it is")]
    bytes_per_s: Annotated[float, Meta(description="How fast it grows")]
    pieces_per_s: Annotated[float, Meta(description="In how many pieces")]


class MemoryAnswer(msgspec.Struct, frozen=True):
    """Whether memory leaks."""

    state: Annotated[str, Meta(description="none, suspected, looking or leak")]
    words: Annotated[str, Meta(description="The same in a sentence")]
    bytes_per_hour: Annotated[float, Meta(description="How fast it leaks; 0 unless it does")]
    since: Annotated[MaybeTime, Meta(description="Since when that is known")]
    trends: list[LeakTrendAnswer]
    lines: Annotated[list[LeakLine], Meta(description="What the last look found, fastest first")]
    looked: Annotated[MaybeTime, Meta(description="When that was; null: never")]


class Profiles(msgspec.Struct, frozen=True):
    """Profiles of the processor, memory and the event loop."""

    is_taking: Annotated[bool, Meta(description="Whether a profile is being taken")]
    cpu_spike_percent: Annotated[
        float, Meta(description="Percent of a core that a spike takes now, 0 for none")
    ]
    disk_full_in_s: Annotated[
        float | None, Meta(description="Seconds until the disk is full; null: it does not fall")
    ]
    memory: MemoryAnswer
    loop: LoopAnswer
    profiles: Annotated[list[ProfileAnswer], Meta(description="The last 20, newest first")]
