"""`sectorwatch gameday`: faults caused for real, and what was noticed of them."""

# No `from __future__ import annotations` here: typer reads them when it runs.
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sectorwatch.cli.console import print_json, print_table, say
from sectorwatch.cli.options import Json

if TYPE_CHECKING:
    from sectorwatch.gameday import Outcome, Scenario

__all__ = ["gameday"]

_COLUMNS = (
    "scenario",
    "expected",
    "raised",
    "allowed s",
    "taken s",
    "blamed",
    "cause named",
    "notified s",
    "resolved s",
    "passed",
)


def gameday(
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            metavar="NAME",
            help="Play this one alone; may be given several times.",
            show_default=False,
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Say which scenarios there are, and play none.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            max=16,
            help="Play so many at a time, each with an instance of its own.",
        ),
    ] = 1,
    json: Json = False,
) -> None:
    """Cause faults in an instance of its own, and tell what it noticed, when, and what it blamed.

    Each scenario starts an instance over a simulated network in a temporary directory, waits while
    nothing is wrong, causes one fault for real, watches its API from outside, and ends the fault.
    Nothing of yours is touched. Exit code 0 only where all was noticed as it had to be.
    """
    from sectorwatch.cli.interrupting import interruptible  # noqa: PLC0415 - for a quick --help
    from sectorwatch.gameday import Interrupted, play_all  # noqa: PLC0415 - as above

    wanted = _wanted(scenario or [])
    if listed:
        _list(wanted, as_json=json)
        return
    begun_s = time.monotonic()
    lock = threading.Lock()

    def tell(name: str, what: str) -> None:
        with lock:
            say(f"{time.monotonic() - begun_s:7.1f} s  {name}: {what}")

    try:
        with interruptible() as stop:
            outcomes = play_all(wanted, tell=tell, jobs=jobs, stop=stop)
    except Interrupted:
        say("Interrupted; the instances have ended and their directories are gone.")
        raise typer.Exit(130) from None
    if json:
        print_json([{**asdict(each), "passed": each.passed} for each in outcomes])
    else:
        _print(outcomes)
    if any(each.problems for each in outcomes):
        raise typer.Exit(1)


def _wanted(names: Sequence[str]) -> "list[Scenario]":
    from sectorwatch.gameday import SCENARIOS  # noqa: PLC0415 - for a quick --help

    known = {each.name: each for each in SCENARIOS}
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"{name!r} is none of them: {', '.join(known)}.", param_hint="'--scenario'"
            )
    return [each for each in SCENARIOS if not names or each.name in names]


def _list(wanted: "Sequence[Scenario]", *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "scenario": each.name,
            "fault": each.fault,
            "expected": str(each.alert_type),
            "service": each.service,
            "allowed_s": each.allowed_s,
        }
        for each in wanted
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ("scenario", "fault", "alert", "of", "allowed s")
        print_table("", columns, [tuple(row.values()) for row in rows])


def _print(outcomes: "Sequence[Outcome]") -> None:
    rows = [
        (
            each.scenario,
            each.expected,
            each.raised or "-",
            each.allowed_s,
            _or_dash(each.took_s),
            each.blamed or "-",
            "yes" if each.is_cause_named else "no",
            _or_dash(each.notified_s),
            _or_dash(each.resolved_s),
            "skipped" if each.skipped else "yes" if each.passed else "NO",
        )
        for each in outcomes
    ]
    print_table("", _COLUMNS, rows)
    for each in outcomes:
        for line in _remarks(each):
            print(f"{each.scenario}: {line}")


def _remarks(outcome: "Outcome") -> list[str]:
    lines = [outcome.fault]
    if outcome.cause:
        lines.append(f"likely cause, as the alert says it: {outcome.cause}")
    for other in outcome.others:
        why = other.reason or (
            f"inhibited by {other.inhibited_by}" if other.inhibited_by else "not expected"
        )
        lines.append(
            f"also, after {other.after_s:g} s: {other.alert_type} of {other.service} "
            f"({other.severity}), {why}"
        )
    if outcome.skipped:
        lines.append(f"skipped: {outcome.skipped}")
    lines += [f"NOT as it had to be: {problem}" for problem in outcome.problems]
    return lines


def _or_dash(seconds: float | None) -> object:
    return "-" if seconds is None else seconds
