"""What a source of evidence tells the optimizer: one finding a thing that could be better."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Difficulty",
    "Effect",
    "EvidenceSource",
    "Finding",
    "Measure",
    "Outcome",
    "OutcomeSource",
    "Priority",
    "RecommendationType",
]


class RecommendationType(StrEnum):
    """What a recommendation is about."""

    RESPONSE_TIME_OPTIMIZATION = "response_time_optimization"
    DATABASE_INDEX = "database_index"
    QUERY_BATCHING = "query_batching"
    CACHING = "caching"
    MEMORY_GROWTH = "memory_growth"
    CPU_HOTSPOT = "cpu_hotspot"
    ERROR_REDUCTION = "error_reduction"
    LOOP_BLOCKING = "loop_blocking"


class Difficulty(StrEnum):
    """How much work it is to apply a recommendation, least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Priority(StrEnum):
    """How much a recommendation matters, least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Measure:
    """The metric, of which less is better, that shows what applying a recommendation did.

    Compared are medians of ten minutes, or their means: of what is 0 or 1 the median says nothing.
    """

    metric: str
    tags: Mapping[str, str] = field(default_factory=dict)
    unit: str = "seconds"
    statistic: Literal["median", "mean"] = "median"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that could be better, with what was seen of it.

    `key` is its identity: the same for as long as it is the same thing, whatever the figures are.
    `expected_improvement` is the fraction (0 to 1) by which what `measure` names would become
    less, as it was measured; None where it was not, and `reason` says why (or how it was measured).
    `cost_share` is the part (0 to 1) of the time of the whole program that goes into it.
    Without a `measure` the operation's response time shows the effect; without a `priority` the
    part of all time that would be saved says it.
    """

    service: str
    operation: str
    type: RecommendationType
    key: str
    description: str
    fix: str
    difficulty: Difficulty
    expected_improvement: float | None
    reason: str
    cost_share: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    measure: Measure | None = None
    priority: Priority | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of a measure: its median before and after, and the fraction that it fell by.

    `low` and `high` hold that fraction with a probability of 95 %; `probability` is that it fell
    at all, `n_before` and `n_after` are how many tens of minutes went in.
    """

    unit: str
    before: float
    after: float
    improvement: float
    low: float
    high: float
    n_before: int
    n_after: int
    basis: str = ""
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a source says became of a finding that it does not give any more.

    `applied` False: its evidence is gone for another cause, such as that nobody asks any more;
    None: it is too early to tell, and it stays open.
    `effect` None leaves the measuring to the optimizer.
    """

    applied: bool | None
    words: str
    effect: Effect | None = None


class EvidenceSource(Protocol):
    """Somebody who looks for things that could be better.

    `collect` is called about once a minute from one thread of its own. It may take some
    hundred milliseconds, and may raise: both are counted. It gives all that it finds now; what it
    gave before and gives no more has ceased.
    """

    name: str

    def collect(self, now_s: float) -> Sequence[Finding]:
        """Everything found now; `now_s` is seconds since 1970."""
        ...


class OutcomeSource(EvidenceSource, Protocol):
    """A source that can tell why a finding of its own has ceased."""

    def outcome(self, key: str, now_s: float) -> Outcome | None:
        """What became of the finding `key`; None: not known, let the measure decide."""
        ...
