"""Every scenario of `sectorwatch gameday`, four at a time: what was noticed, when, what was blamed.

Each has an instance of its own, in its own process and directory, over its own simulated network;
times are from the injection, by a clock outside of it. What is allowed was stated before.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sectorwatch.gameday import SCENARIOS, Outcome, play_all

LONG = True
JOBS = 4
NOTE = (
    "each scenario: seconds from injection to the alert by an outside clock (of those allowed: two evaluation periods of 15 s, "
    "the rule's `for`, the fault's own growth), to its notification, and from the fault's end to its resolution; the service "
    "blamed. A cause is named where the alert's likely cause has the function, line, stack or error of the fault in it."
)


def run() -> dict[str, Any]:
    """Play all of them."""
    outcomes = play_all(SCENARIOS, tell=_tell, jobs=JOBS)
    played = [each for each in outcomes if not each.skipped]
    passed = [each for each in played if each.passed]
    return {
        "target": "fault detection",
        "what": f"{len(outcomes)} faults caused for real in a running instance (`sectorwatch gameday`), {JOBS} at a time",
        "against": "",
        "reach": "each noticed within the time stated for it, named, blamed on the right service, resolved; no false alarm",
        "figures": {each.scenario: _words(each) for each in outcomes},
        "ratio": f"{len(passed)} of {len(played)}",
        "met": len(passed) == len(outcomes),
        "note": NOTE,
    }


def _words(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"skipped: {outcome.skipped}"
    if outcome.took_s is None:
        return f"{outcome.expected} of {outcome.service} NOT raised in {outcome.allowed_s:.0f} s"
    told = (
        "nobody (medium severity)" if outcome.notified_s is None else f"{outcome.notified_s:.0f} s"
    )
    resolved = "NOT" if outcome.resolved_s is None else f"after {outcome.resolved_s:.0f} s"
    words = (
        f"{outcome.raised} of {outcome.blamed} in {outcome.took_s:.0f} of {outcome.allowed_s:.0f} s, told {told}, "
        f"cause {'named' if outcome.is_cause_named else 'NOT named'}, resolved {resolved}"
    )
    return words if outcome.passed else f"{words}; NOT passed: {'; '.join(outcome.problems)}"


def _tell(name: str, what: str) -> None:
    print(f"{name}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1, ensure_ascii=False))
