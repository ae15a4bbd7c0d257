"""Which stage of an operation takes its time: from the spans that ended within it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sectorwatch.observe.spans import Ended

__all__ = ["Stage", "Staged", "stages_of"]

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of an operation: `share` of its time, `calls` a run, `per_run_s` seconds a run."""

    operation: str
    service: str
    share: float
    calls: float
    per_run_s: float


@dataclass(frozen=True, slots=True)
class Staged:
    """An operation that has stages, the dearest first.

    `mean_s` is one run, `busy` its part of the time that the spans cover.
    """

    operation: str
    service: str
    runs: int
    mean_s: float
    busy: float
    stages: tuple[Stage, ...]


def stages_of(spans: Iterable[Ended], newest_s: float = float("inf")) -> dict[Key, Staged]:
    """Every operation within which others ended, by (operation, service).

    Of the spans of the newest so many seconds. Stages that run beside each other may come to more
    than the whole.
    """
    spans = list(spans)
    if not spans:
        return {}
    from_s = max(one[5] + one[6] for one in spans) - newest_s
    spans = [one for one in spans if one[5] >= from_s]
    keys: dict[int, Key] = {one[1]: (one[4], one[3]) for one in spans}
    runs: dict[Key, int] = defaultdict(int)
    total_s: dict[Key, float] = defaultdict(float)
    within: dict[Key, dict[Key, list[float]]] = defaultdict(dict)
    for _, _, parent, service, operation, _, duration_s, _, _ in spans:
        key = (operation, service)
        runs[key] += 1
        total_s[key] += duration_s
        outer = keys.get(parent)
        if outer is not None and outer != key:
            entry = within[outer].setdefault(key, [0.0, 0.0])
            entry[0] += 1
            entry[1] += duration_s
    begun_s = min(one[5] for one in spans)
    covered_s = max(max(one[5] + one[6] for one in spans) - begun_s, 1e-9)
    found = {}
    for outer, inner in within.items():
        if total_s[outer] <= 0:
            continue
        stages = [
            Stage(
                operation,
                service,
                share=spent_s / total_s[outer],
                calls=n / runs[outer],
                per_run_s=spent_s / runs[outer],
            )
            for (operation, service), (n, spent_s) in inner.items()
        ]
        found[outer] = Staged(
            *outer,
            runs=runs[outer],
            mean_s=total_s[outer] / runs[outer],
            busy=total_s[outer] / covered_s,
            stages=tuple(sorted(stages, key=lambda one: -one.share)),
        )
    return found
