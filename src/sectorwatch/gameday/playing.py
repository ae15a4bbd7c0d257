"""Plays scenarios: sets the stage, waits for calm, causes the fault, watches, ends it, watches."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sectorwatch.errors import SectorwatchError
from sectorwatch.gameday.outcome import Record, failed, is_expected, judged, skipped
from sectorwatch.gameday.places import Cannot
from sectorwatch.gameday.stage import set_up
from sectorwatch.gameday.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.gameday.outcome import Outcome
    from sectorwatch.gameday.scenario import Scenario
    from sectorwatch.gameday.stage import Stage

__all__ = ["Interrupted", "play", "play_all"]

_GRACE = 1.5
"""How much longer than allowed is waited, so that the table says how late it was."""
_LETTER_S = 20.0
"""How long after the alert its notification is waited for."""


class Interrupted(Exception):  # noqa: N818 - nobody made an error
    """Somebody asked for the end; what was under way has been undone."""


def play_all(
    scenarios: Sequence[Scenario],
    *,
    tell: Callable[[str, str], None],
    jobs: int = 1,
    stop: threading.Event | None = None,
) -> list[Outcome]:
    """What came of each scenario, in their order; `jobs` of them are played at a time.

    `tell` is called with a scenario's name and what happens in it, from the threads that play.
    Raises Interrupted once `stop` is set.
    """
    stop = stop or threading.Event()
    # The longest first: else, with several at a time, all would wait for one at the end.
    order = list(scenarios)
    if jobs > 1:
        order.sort(key=lambda each: -each.longest_s)
    with ThreadPoolExecutor(jobs, thread_name_prefix="gameday") as threads:
        playing = {each.name: threads.submit(play, each, tell, stop) for each in order}
        return [playing[each.name].result() for each in scenarios]


def play(
    scenario: Scenario, tell: Callable[[str, str], None], stop: threading.Event | None = None
) -> Outcome:
    """What came of one scenario; raises Interrupted alone, nothing for what goes wrong in it."""
    stop = stop or threading.Event()

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Interrupted

    sleep(0)
    tell(scenario.name, "starting an instance")
    try:
        with set_up(scenario) as stage:
            outcome = _played(scenario, stage, tell, sleep)
    except Cannot as why:
        outcome = skipped(scenario, str(why))
    except (SectorwatchError, OSError) as error:
        outcome = failed(scenario, f"it could not be played to its end: {error}")
    tell(scenario.name, _end_of(outcome))
    return outcome


def _played(
    scenario: Scenario,
    stage: Stage,
    tell: Callable[[str, str], None],
    sleep: Callable[[float], None],
) -> Outcome:
    watch = Watch(stage.instance.ask, sleep=sleep)
    tell(scenario.name, f"waiting {scenario.warm_s:g} s while nothing is wrong")
    watch.until(lambda: False, scenario.warm_s)
    before = list(watch.seen)

    def is_raised() -> bool:
        return any(is_expected(scenario, seen.alert) for seen in watch.active)

    tell(scenario.name, f"causing it: {scenario.fault}")
    record = Record(begun_s=time.monotonic(), before=before)
    with scenario.happen(stage):
        if watch.until(is_raised, scenario.allowed_s * _GRACE):
            tell(scenario.name, f"noticed after {time.monotonic() - record.begun_s:.1f} s")
            watch.until(lambda: _told_s(scenario, stage, "firing", record.begun_s), _LETTER_S)
            watch.until(lambda: False, scenario.linger_s)
        else:
            tell(scenario.name, f"not noticed in {scenario.allowed_s * _GRACE:.0f} s")
        record.notified_s = _told_s(scenario, stage, "firing", record.begun_s)
        record.ended_s = time.monotonic()
    tell(scenario.name, "the fault has ended")
    if watch.until(lambda: not is_raised(), scenario.resolve_allowed_s * _GRACE):
        watch.until(lambda: _told_s(scenario, stage, "resolved", record.ended_s), _LETTER_S)
    record.told_resolved_s = _told_s(scenario, stage, "resolved", record.ended_s)
    record.after = [seen for seen in watch.seen if seen.at_s >= record.begun_s]
    return judged(scenario, record)


def _told_s(scenario: Scenario, stage: Stage, status: str, since_s: float) -> float | None:
    """When the first notification had arrived that says this of the alert expected."""
    return next(
        (
            letter.at_s
            for letter in list(stage.inbox.letters)
            if letter.at_s >= since_s
            and letter.tells_of(scenario.alert_type, scenario.service, status)
        ),
        None,
    )


def _end_of(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"skipped: {outcome.skipped}"
    return "passed" if outcome.passed else f"NOT passed: {'; '.join(outcome.problems)}"
