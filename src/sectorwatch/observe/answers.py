"""Answers that are worth keeping: the requests of the last while, put to caches of several sizes.

An answer is the same for the same question at the same version of what it is made from. So what a
cache would have had ready can be replayed afterwards, and what it would have saved is the time that
those answers took.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.observe.clock import Clock, SystemClock
from sectorwatch.observe.tuning.findings import Difficulty, Finding, RecommendationType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["AnswerLog", "NullAnswers", "Replayed", "replay"]

_KEPT = 8_192
_SIZES = (16, 64, 256)
_NEAR = 0.9
_LEAST_HITS = 10
_LEAST_RATE = 0.2
_LEAST_SAVED = 0.25
_LEAST_MEAN_S = 0.005
_QUICK = 0.1

Asked = tuple[float, str, int, int, float]
"""Monotonic time, route, the question's hash, the version, seconds."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a cache of `size` answers would have done for one route."""

    route: str
    size: int
    requests: int
    hits: int
    total_s: float
    saved_s: float

    @property
    def hit_rate(self) -> float:
        """The fraction of requests whose answer would have been there."""
        return self.hits / self.requests if self.requests else 0.0

    @property
    def saved(self) -> float:
        """The fraction of the route's time that would have been saved."""
        return self.saved_s / self.total_s if self.total_s > 0 else 0.0


class AnswerLog:
    """The last few thousand requests, of which nothing is kept but numbers; a source of findings.

    `service` is whose routes they are.
    """

    name = "answers"

    def __init__(self, clock: Clock, *, service: str = "api", keep: int = _KEPT) -> None:
        self._monotonic_s: Callable[[], float] = clock.monotonic_s
        self._service = service
        self._asked: deque[Asked] = deque(maxlen=keep)

    def record(self, route: str, question: int, version: int, seconds: float) -> None:
        """Keep one request that was answered well; `question` is a hash of all that was asked."""
        self._asked.append((self._monotonic_s(), route, question, version, seconds))

    def replayed(self) -> list[Replayed]:
        """For each route the smallest cache that would have saved nearly as much as the largest."""
        asked = list(self._asked)
        best: dict[str, Replayed] = {}
        for size in sorted(_SIZES, reverse=True):
            for one in replay(asked, size):
                largest = best.get(one.route)
                if largest is None or one.saved_s >= _NEAR * largest.saved_s:
                    best[one.route] = one
        return sorted(best.values(), key=lambda each: each.saved_s, reverse=True)

    def collect(self, now_s: float) -> list[Finding]:
        """The routes whose answers are worth keeping."""
        del now_s
        asked = list(self._asked)
        if not asked:
            return []
        over_s = max(asked[-1][0] - asked[0][0], 1.0)
        return [
            self._finding(one, over_s)
            for one in self.replayed()
            if one.hits >= _LEAST_HITS
            and one.hit_rate >= _LEAST_RATE
            and one.saved >= _LEAST_SAVED
            and one.total_s / one.requests >= _LEAST_MEAN_S
        ]

    def _finding(self, one: Replayed, over_s: float) -> Finding:
        return Finding(
            service=self._service,
            operation=one.route,
            type=RecommendationType.CACHING,
            key=f"caching:{one.route}",
            description=(
                f"Of the last {one.requests} answers of {one.route}, {one.hits} were to a question "
                "that had been answered before and nothing had changed since."
            ),
            fix=(
                f"Keep its last {one.size} answers until the next version of what they are made "
                "from, by path and parameters."
            ),
            difficulty=Difficulty.LOW,
            expected_improvement=one.saved,
            reason=(
                f"Replayed through a cache of {one.size} answers over the requests of "
                f"{over_s / 60:.0f} min: the time of the answers that it would have had, less what "
                "the quickest answers take."
            ),
            cost_share=min(1.0, one.total_s / over_s),
            evidence={
                "requests": one.requests,
                "replayed_hits": one.hits,
                "replayed_hit_rate": one.hit_rate,
                "cache_size": one.size,
                "total_s": one.total_s,
                "saved_s": one.saved_s,
                "over_s": over_s,
            },
        )


class NullAnswers(AnswerLog):
    """Keeps none."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), keep=0)

    def record(self, route: str, question: int, version: int, seconds: float) -> None:
        """Take no notice."""


def replay(asked: Iterable[Asked], size: int) -> list[Replayed]:
    """What a cache that keeps the last `size` answers of each route would have done for it.

    >>> asked = [(0.0, "/a", 7, 1, 0.1), (1.0, "/a", 7, 1, 0.1), (2.0, "/a", 7, 2, 0.1)]
    >>> [(one.requests, one.hits) for one in replay(asked, 16)]
    [(3, 1)]
    """
    asked = list(asked)
    # What a hit costs: the quickest tenth of all answers are about as quick as one that lies ready.
    quick_s = sorted(each[4] for each in asked)[int(_QUICK * len(asked))] if asked else 0.0
    kept: dict[str, OrderedDict[int, int]] = {}
    figures: dict[str, list[float]] = {}
    for _, route, question, version, seconds in asked:
        answers = kept.setdefault(route, OrderedDict())
        figure = figures.setdefault(route, [0, 0, 0.0, 0.0])
        figure[0] += 1
        figure[2] += seconds
        if answers.get(question) == version:
            figure[1] += 1
            figure[3] += max(0.0, seconds - quick_s)
        answers[question] = version
        answers.move_to_end(question)
        if len(answers) > size:
            answers.popitem(last=False)
    return [
        Replayed(route, size, int(requests), int(hits), total_s, saved_s)
        for route, (requests, hits, total_s, saved_s) in figures.items()
    ]
