"""Where processor, memory, disk and the event loop's time go, and what is to blame."""

from __future__ import annotations

from sectorwatch.observe.profiling.evidence import ProfileEvidence
from sectorwatch.observe.profiling.frames import Blame
from sectorwatch.observe.profiling.leak_watch import LeakVerdict
from sectorwatch.observe.profiling.loop_watch import LoopBlock, LoopWatch
from sectorwatch.observe.profiling.resources import ResourceLimits, Resources
from sectorwatch.observe.profiling.stacks import BusyError, FunctionShare, Profile, StackSampler

__all__ = [
    "Blame",
    "BusyError",
    "FunctionShare",
    "LeakVerdict",
    "LoopBlock",
    "LoopWatch",
    "Profile",
    "ProfileEvidence",
    "ResourceLimits",
    "Resources",
    "StackSampler",
]
