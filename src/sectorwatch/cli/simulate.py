"""`sectorwatch simulate`: a schedule flown by the simulator, into a journal."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from pathlib import Path
from typing import Annotated

import typer

from sectorwatch.cli.options import Json

__all__ = ["simulate"]

_TIME = "UTC, such as 2026-11-01T21:00:00Z"


def simulate(
    schedules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SCHEDULE",
            help="A schedule in Parquet, a folder of them, or made:REGION (australia, us, world).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="JOURNAL",
            help="The folder to write the journal into; must not be there yet.",
            show_default=False,
        ),
    ] = None,
    made: Annotated[
        str | None,
        typer.Option(
            "--made",
            metavar="REGION",
            help="Make the schedule from the seed, for this region; the same as made:REGION.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help=f"Begin here ({_TIME}). Without it, half an hour before the first take-off; of a "
            "made schedule, today at 00:00.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="End before this. Without it, half an hour after the last landing; of a made "
            "schedule, a day after the begin.",
            show_default=False,
        ),
    ] = None,
    cadence_s: Annotated[
        int, typer.Option("--cadence", metavar="SECONDS", min=1, help="Seconds from feed to feed.")
    ] = 15,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Whoever gives the same gets the same.")
    ] = 1,
    airspace: Annotated[
        list[str] | None,
        typer.Option(
            "--airspace",
            metavar="SPEC",
            help="Airspace that controllers work, FORMAT:PATH; may be given several times. Without "
            "it, made:australia for a made schedule of Australia, else nobody controls.",
            show_default=False,
        ),
    ] = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="Nobody does anything odd, and nobody flies but the schedule's flights."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Fly a schedule as the network's feed, and write the feeds into a journal.

    The journal is one like any other, marked as simulated: `replay` takes it.
    """
    from sectorwatch.cli.simulating import Wish, simulate_into  # noqa: PLC0415 - for a quick --help

    sources = [*(schedules or ()), *([f"made:{made}"] if made else ())]
    if not sources:
        raise typer.BadParameter("give a SCHEDULE in Parquet, or --made REGION.")
    if out is None:
        raise typer.BadParameter("give --out JOURNAL, the folder to write into.")
    wish = Wish(
        sources=sources,
        start=start,
        end=end,
        cadence_s=cadence_s,
        seed=seed,
        airspace=airspace,
        is_plain=plain,
    )
    simulate_into(wish, out, as_json=json)
