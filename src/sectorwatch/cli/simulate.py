"""`sectorwatch simulate`: a schedule flown by the simulator, into a journal or over HTTP."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from pathlib import Path
from typing import Annotated

import typer

from sectorwatch.cli.options import HIGHEST_SPEED, Json

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
            help="End before this. Without it, a quarter of an hour after the last landing; of a "
            "made schedule, a day after the begin.",
            show_default=False,
        ),
    ] = None,
    serve: Annotated[
        int | None,
        typer.Option(
            "--serve",
            metavar="PORT",
            min=0,
            max=65_535,
            help="Serve it over HTTP on this machine instead, as the network does; 0 takes a free "
            "port. A made schedule begins now, and goes on without --to.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option("--speed", metavar="FACTOR", help="How fast its time runs (with --serve)."),
    ] = 1.0,
    lockstep: Annotated[
        bool,
        typer.Option(
            "--lockstep",
            help="Each fetch of the data feed brings the next one, however fast (with --serve).",
        ),
    ] = False,
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
    """Fly a schedule as the network's feed: into a journal, or over HTTP.

    The journal is one like any other, marked as simulated: `replay` takes it.
    """
    sources = [*(schedules or ()), *([f"made:{made}"] if made else ())]
    if not sources:
        raise typer.BadParameter("give a SCHEDULE in Parquet, or --made REGION.")
    if (out is None) == (serve is None):
        raise typer.BadParameter("give either --out JOURNAL, the folder to write into, or --serve.")
    if not 0 < speed <= HIGHEST_SPEED:
        raise typer.BadParameter(
            f"--speed {speed:g} serves nothing new: give one above 0, up to {HIGHEST_SPEED:g}."
        )
    if serve is None and (speed != 1.0 or lockstep):
        raise typer.BadParameter("--speed and --lockstep are for --serve.")
    from sectorwatch.cli.simulating import Wish, serve_it, simulate_into  # noqa: PLC0415 - for a quick --help

    wish = Wish(
        sources=sources,
        start=start,
        end=end,
        cadence_s=cadence_s,
        seed=seed,
        airspace=airspace,
        is_plain=plain,
        is_served=serve is not None,
    )
    if out is not None:
        simulate_into(wish, out, as_json=json)
    else:
        serve_it(wish, port=serve or 0, speed=speed, lockstep=lockstep)
