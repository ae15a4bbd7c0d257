"""`sectorwatch run`: the network, live."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from typing import Annotated

import typer

from sectorwatch.cli.options import Airspaces, Config, DataDir, Host, Port, read_settings

__all__ = ["run"]


def run(
    host: Host = None,
    port: Port = None,
    airspace: Airspaces = None,
    data_dir: DataDir = None,
    feed: Annotated[
        str | None,
        typer.Option(
            "--feed",
            "--feed-url",
            metavar="URL",
            help="Read this data feed, or the feeds that this status.json names, instead of "
            "VATSIM's.",
            show_default=False,
        ),
    ] = None,
    simulated: Annotated[
        bool,
        typer.Option(
            "--simulated",
            help="The network that --feed names is simulated; all that is kept and shown says so.",
            show_default=False,
        ),
    ] = False,
    config: Config = None,
) -> None:
    """Watch the network live, until SIGTERM or Ctrl-C.

    Reads VATSIM's feed every 15 seconds, keeps everything in the data directory and serves the
    API. From elsewhere than this machine the API needs a key, or the setting public_read.
    """
    from sectorwatch.cli.serving import refuse_other_kind, serve  # noqa: PLC0415 - for a quick help

    loaded = read_settings(
        config,
        host=host,
        port=port,
        airspace=airspace or None,
        data_dir=data_dir,
        feed_url=feed,
        simulated=simulated or None,
    )
    refuse_other_kind(loaded.settings.data_dir, simulated=loaded.settings.simulated)
    serve(loaded)
