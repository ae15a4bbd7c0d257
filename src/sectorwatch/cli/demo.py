"""`sectorwatch demo`: a simulated network, so that there is something to look at."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from pathlib import Path
from typing import Annotated

import typer

from sectorwatch.cli.options import HIGHEST_SPEED

__all__ = ["demo"]

_MOST_DAYS = 400


def demo(
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65_535, help="The port to listen on; 0 takes a free one."
        ),
    ] = 8001,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            metavar="DIR",
            help="Keep what comes in there, and go on with it the next time. Without it, a "
            "temporary directory that is removed at the end.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            "--speed", metavar="FACTOR", help="Let time go so many times as fast as it does."
        ),
    ] = 1.0,
    history_days: Annotated[
        float,
        typer.Option(
            "--history-days",
            metavar="N",
            min=0,
            max=_MOST_DAYS,
            help="Fly so many days before now first, as fast as it goes.",
        ),
    ] = 28.0,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="N", min=0, max=2**63 - 1, help="Another seed is another network."
        ),
    ] = 1,
) -> None:
    """Fly a simulated network over Australia, until SIGTERM or Ctrl-C.

    Its history of some weeks is flown first, through the same pipeline as everything, while it can
    be looked at already. No settings file is read and none of your data touched.
    """
    if not 0 < speed <= HIGHEST_SPEED:
        raise typer.BadParameter(
            f"{speed:g} plays nothing: give a number above 0, up to {HIGHEST_SPEED:g}",
            param_hint="'--speed'",
        )
    from sectorwatch.cli.playing import Demo, play  # noqa: PLC0415 - `--help` is quick without it

    play(
        Demo(speed=speed, history_days=history_days, seed=seed),
        host=host,
        port=port,
        data_dir=data_dir,
    )
