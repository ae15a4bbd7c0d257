"""`sectorwatch replay`: feeds from the disk, as fast as they go."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from pathlib import Path
from typing import Annotated

import typer

from sectorwatch.cli.options import Airspaces, Config, DataDir, Json, read_settings

__all__ = ["replay"]


def replay(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE",
            help="Feed files (.json, .json.gz, .json.zst), folders of them, journals; or schedules "
            "(.parquet), which are flown.",
            show_default=False,
        ),
    ],
    airspace: Airspaces = None,
    data_dir: DataDir = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Put feeds through the same pipeline as live ones, and count them.

    Sources are taken in the order of their snapshots' times. What the data directory holds already
    is accepted and skipped, so that a second run changes nothing.
    """
    from sectorwatch.cli.replaying import replay_and_count  # noqa: PLC0415 - for a quick --help

    loaded = read_settings(config, airspace=airspace or None, data_dir=data_dir)
    replay_and_count(loaded, sources, as_json=json)
