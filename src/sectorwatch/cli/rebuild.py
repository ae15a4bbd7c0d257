"""`sectorwatch rebuild`: what is derived, made again from what is kept."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from typing import TYPE_CHECKING

import typer

from sectorwatch.cli.console import progress_bar, say
from sectorwatch.cli.options import Airspaces, Config, DataDir, read_settings
from sectorwatch.clock import format_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress as Bar

__all__ = ["rebuild"]


def rebuild(
    airspace: Airspaces = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Make database and segments again from the journal, as far as that goes; the rest stays."""
    settings = read_settings(config, airspace=airspace, data_dir=data_dir).settings
    from sectorwatch.cli.interrupting import interruptible  # noqa: PLC0415
    from sectorwatch.runtime.rebuild import Interrupted  # noqa: PLC0415 - for a quick --help
    from sectorwatch.runtime.rebuild import rebuild as run  # noqa: PLC0415

    try:
        with progress_bar() as bar, interruptible() as interrupted:
            done = run(settings, progress=mover(bar), stop=interrupted)
    except Interrupted:
        say("Interrupted; everything is as it was.")
        raise typer.Exit(130) from None
    for remark in done.remarks:
        say(remark)
    if done.left_out:
        say(f"{done.left_out:,} records were refused, as they were when they came in.")
    say(
        f"Made again from the journal: {format_s(done.from_s)} to {format_s(done.to_s)}, "
        f"{done.snapshots:,} snapshots."
    )
    if done.kept_before_s is not None:
        say(f"What lies before {format_s(done.kept_before_s)} stays as it was.")
    say("Keys, alerts, metrics and forecasts issued were not touched.")


def mover(bar: "Bar") -> "Callable[[str, float], None]":
    """Tells a bar what is being done, and how much of it is."""
    tasks: dict[str, int] = {}

    def move(what: str, part: float) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=1.0)
        bar.update(tasks[what], completed=part)  # type: ignore[arg-type] # a TaskID is an int

    return move
