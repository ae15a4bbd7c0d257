"""`sectorwatch rebuild`: what is derived, made again from what is kept."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from typing import TYPE_CHECKING, Annotated

import typer

from sectorwatch.cli.console import progress_bar, say
from sectorwatch.cli.options import Airspaces, Config, DataDir, read_settings
from sectorwatch.clock import SystemClock, format_s, moment_s
from sectorwatch.errors import StoreError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from rich.progress import Progress as Bar

    from sectorwatch.config import Settings

__all__ = ["rebuild"]

_MOST_NAMED = 20


def rebuild(
    sectors: Annotated[
        bool,
        typer.Option(
            "--sectors",
            help="Only visits and demand, from the positions kept: for sectors drawn anew.",
        ),
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="With --sectors: the day (UTC) that this is in is the first.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="With --sectors: the day before which this ends is the last.",
            show_default=False,
        ),
    ] = None,
    airspace: Airspaces = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Make database and segments again from the journal, as far as that goes; the rest stays."""
    if (start or end) and not sectors:
        raise typer.BadParameter("--from and --to go with --sectors: the journal says how far.")
    settings = read_settings(config, airspace=airspace, data_dir=data_dir).settings
    from sectorwatch.cli.interrupting import interruptible  # noqa: PLC0415 - for a quick --help
    from sectorwatch.runtime.rebuild import Interrupted  # noqa: PLC0415

    try:
        with progress_bar() as bar, interruptible() as interrupted:
            if sectors:
                words = _redraw(settings, start, end, mover(bar), interrupted)
            else:
                words = _rebuild(settings, mover(bar), interrupted)
    except Interrupted:
        say(
            "Interrupted; days that were done are done."
            if sectors
            else "Interrupted; everything is as it was."
        )
        raise typer.Exit(130) from None
    for each in words:
        say(each)


def _rebuild(
    settings: "Settings", progress: "Callable[[str, float], None]", stop: "threading.Event"
) -> list[str]:
    from sectorwatch.runtime.rebuild import rebuild as run  # noqa: PLC0415

    done = run(settings, progress=progress, stop=stop)
    words = list(done.remarks)
    if done.left_out:
        words.append(f"{done.left_out:,} records were refused, as they were when they came in.")
    words.append(
        f"Made again from the journal: {format_s(done.from_s)} to {format_s(done.to_s)}, "
        f"{done.snapshots:,} snapshots."
    )
    if done.kept_before_s is not None:
        words.append(f"What lies before {format_s(done.kept_before_s)} stays as it was.")
    words.append("Keys, alerts, metrics and forecasts issued were not touched.")
    return words


def _redraw(
    settings: "Settings",
    start: str | None,
    end: str | None,
    progress: "Callable[[str, float], None]",
    stop: "threading.Event",
) -> list[str]:
    from sectorwatch.runtime.redraw import redraw  # noqa: PLC0415

    times = [_moment(name, text) for name, text in (("--from", start), ("--to", end))]
    done = redraw(settings, from_s=times[0], to_s=times[1], progress=progress, stop=stop)
    words = list(done.remarks)
    if done.gone:
        named = ", ".join(done.gone[:_MOST_NAMED]) + (
            ", ..." if len(done.gone) > _MOST_NAMED else ""
        )
        words.append(
            f"{len(done.gone)} sectors are drawn no more: {named}. Nothing of theirs was deleted; "
            "their history can still be asked for by name."
        )
    if not done.days:
        raise StoreError(" ".join(["no day could be computed again:", *words]))
    first, last = done.days[0], done.days[-1]
    words.append(
        f"Computed again: {len(done.days)} {'day' if first == last else 'days'} from {first} to "
        f"{last}, {done.visits:,} visits. Owners of sectors stay as they were."
    )
    return words


def _moment(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return moment_s(text, now_s=SystemClock().now_us() // 1_000_000)
    except ValueError as error:
        raise typer.BadParameter(
            f"{name} {text!r}: give UTC, such as 2025-08-06T00:00:00Z, or so long ago, such as -7d."
        ) from error


def mover(bar: "Bar") -> "Callable[[str, float], None]":
    """Tells a bar what is being done, and how much of it is."""
    tasks: dict[str, int] = {}

    def move(what: str, part: float) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=1.0)
        bar.update(tasks[what], completed=part)  # type: ignore[arg-type] # a TaskID is an int

    return move
