"""A scenario from its stage to its outcome: the fault is real, and so is what is noticed of it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sectorwatch.gameday import SCENARIOS, Interrupted, play_all
from sectorwatch.gameday.places import Cannot

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sectorwatch.gameday.stage import Stage

# Nothing goes before, and nothing is waited for once it was noticed: the suite has little time.
GONE = replace(
    next(each for each in SCENARIOS if each.name == "database-gone"), warm_s=1.0, linger_s=0.0
)


def test_a_database_that_is_gone_is_noticed_blamed_named_told_and_resolved() -> None:
    """By the alerts that the API shows to anybody; in what time is for the benchmark to say."""
    told: list[str] = []
    [outcome] = play_all([GONE], tell=lambda _, what: told.append(what))
    assert (outcome.raised, outcome.blamed) == ("database_issue", "store"), outcome.problems
    assert outcome.is_cause_named
    assert "moved or deleted" in outcome.cause
    assert None not in {outcome.took_s, outcome.notified_s, outcome.resolved_s}
    assert any("causing it" in each for each in told)
    assert "passed" in told[-1]


def test_what_this_machine_cannot_have_is_skipped() -> None:
    """And says why."""

    def cannot(_stage: Stage) -> AbstractContextManager[None]:
        raise Cannot("there is no such disk here")

    [outcome] = play_all([replace(GONE, warm_s=0.0, happen=cannot)], tell=lambda *_: None)
    assert outcome.skipped == "there is no such disk here"
    assert not outcome.problems


def test_it_ends_when_it_is_asked_to() -> None:
    """Before the next instance is started."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        play_all([GONE], tell=lambda *_: None, stop=stop)
