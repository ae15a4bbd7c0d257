"""Options that several commands share, and the settings they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sectorwatch.config import Loaded

__all__ = [
    "HIGHEST_SPEED",
    "Airspaces",
    "Config",
    "DataDir",
    "Host",
    "Json",
    "Port",
    "read_settings",
]

HIGHEST_SPEED = 10_000.0
"""How many times as fast as it does a simulated network's time may go."""

Airspaces = Annotated[
    list[str] | None,
    typer.Option(
        "--airspace",
        metavar="SPEC",
        help="Airspace to load, FORMAT:PATH such as vatspy:airspace/vatspy; may be given several "
        "times. Without it, the setting; without that, made:australia.",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings file. Without it SECTORWATCH_CONFIG names one; without that, "
        "sectorwatch.toml here.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where everything is kept. Without it, the setting; without that, ./data.",
        show_default=False,
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="ADDRESS",
        help="The address to listen on. Without it, the setting; without that, 127.0.0.1.",
        show_default=False,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=0,
        max=65_535,
        help="The port to listen on; 0 takes a free one. Without it, the setting; without that, "
        "8001.",
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of tables.", show_default=False)
]


def read_settings(config: Path | None, **options: object) -> Loaded:
    """The settings in force; `options` are those of the command line, None where not given.

    Raises ConfigError, which says what is wrong and where it stands.
    """
    from sectorwatch.config import load_settings  # noqa: PLC0415 - `--help` is quick without it

    return load_settings(options, toml_path=config)
