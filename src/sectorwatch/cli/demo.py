"""`sectorwatch demo`: a made recording, so that there is something to look at."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]

_HIGHEST_SPEED = 10_000.0


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
        typer.Option("--speed", metavar="FACTOR", help="Play it so many times as fast as it was."),
    ] = 1.0,
) -> None:
    """Play a small made recording of Australia, until SIGTERM or Ctrl-C.

    Its first 75 minutes come at once, the 45 that remain at their own pace. No settings file is
    read and none of your data touched.
    """
    if not 0 < speed <= _HIGHEST_SPEED:
        raise typer.BadParameter(
            f"{speed:g} plays nothing: give a number above 0, up to {_HIGHEST_SPEED:g}",
            param_hint="'--speed'",
        )
    from sectorwatch.cli.playing import play  # noqa: PLC0415 - `--help` is quick without it

    play(host=host, port=port, data_dir=data_dir, speed=speed)
