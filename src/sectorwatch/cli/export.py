"""`sectorwatch export`: tracks, visits or demand as a file that others read."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sectorwatch.cli.console import progress_bar, say
from sectorwatch.cli.options import Config, DataDir, read_settings
from sectorwatch.clock import format_s, moment_s

if TYPE_CHECKING:
    from sectorwatch.store import Store

__all__ = ["Format", "Kind", "export"]

_MOST_REMARKS = 10
_TIME = (
    "UTC, such as 2025-08-06T21:00:00Z, or a time before the newest snapshot, such as -4h or -7d"
)


class Kind(StrEnum):
    """What is exported."""

    TRACKS = "tracks"
    VISITS = "visits"
    DEMAND = "demand"


class Format(StrEnum):
    """How it is written."""

    PARQUET = "parquet"
    CSV = "csv"
    GEOJSON = "geojson"


def export(
    kind: Annotated[Kind, typer.Argument(metavar="WHAT", help="tracks, visits or demand.")],
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help=f"Begin of the period: {_TIME}.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="Where to; its ending says how: .parquet, .csv, .geojson."
        ),
    ],
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="End of the period, itself not in it. Without it, all there is.",
            show_default=False,
        ),
    ] = None,
    airport: Annotated[
        str | None,
        typer.Option(
            "--airport",
            metavar="ICAO",
            help="Only flights that filed, left or reached it (tracks, visits).",
            show_default=False,
        ),
    ] = None,
    callsign: Annotated[
        str | None,
        typer.Option(
            "--callsign",
            metavar="NAME",
            help="Only flights of this callsign, or that begins so (tracks, visits).",
            show_default=False,
        ),
    ] = None,
    sector: Annotated[
        str | None,
        typer.Option(
            "--sector",
            metavar="NAME",
            help="Only this sector, or PARTITION/NAME (visits, demand).",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="parquet, csv or geojson, whatever the file's ending.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file where there is one.")
    ] = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Write history to a file: beside a running instance, or without one."""
    chosen = _format(form, out)
    if kind is Kind.DEMAND and (airport or callsign):
        raise typer.BadParameter("demand is of sectors: it takes --sector alone.")
    if kind is Kind.TRACKS and sector:
        raise typer.BadParameter("tracks take --airport and --callsign; visits take --sector.")
    settings = read_settings(config, data_dir=data_dir).settings
    from sectorwatch.store import DataDirectory, Store  # noqa: PLC0415 - for a quick --help
    from sectorwatch.store.export import Wanted  # noqa: PLC0415
    from sectorwatch.store.export import export as run  # noqa: PLC0415

    url = settings.database_url
    address = None if url is None else url.get_secret_value()
    with (
        DataDirectory.open(settings.data_dir, lock=False) as directory,
        Store.open(directory, address) as store,
        progress_bar() as bar,
    ):
        from_s, to_s = _period(store, start, end)
        task = bar.add_task(kind.value, total=1.0)
        wanted: dict[str, Any] = {"airport": airport, "callsign": callsign, "sector": sector}
        done = run(
            store,
            Wanted(
                kind.value,
                from_s,
                to_s,
                out,
                chosen,
                force=force,
                progress=lambda part: bar.update(task, completed=part),
                **wanted,
            ),
        )
    for remark in done.remarks[:_MOST_REMARKS]:
        say(remark)
    if len(done.remarks) > _MOST_REMARKS:
        say(f"And {len(done.remarks) - _MOST_REMARKS} more of that kind.")
    say(
        f"{done.rows:,} rows of {kind.value} from {format_s(from_s)} to {format_s(to_s)} "
        f"in {out} ({done.bytes:,} bytes)."
    )


def _format(form: Format | None, out: Path) -> str:
    from sectorwatch.store.export import FORMATS  # noqa: PLC0415

    chosen = form.value if form is not None else FORMATS.get(out.suffix.lower())
    if chosen is None:
        raise typer.BadParameter(
            f"--out {out}: end it with {', '.join(FORMATS)}, or give --format."
        )
    return chosen


def _period(store: "Store", start: str, end: str | None) -> tuple[int, int]:
    """The period in seconds since 1970. Raises BadParameter where it is none."""
    last_s = store.network.known(0, 0).last_s or 0
    times = []
    for name, text in (("--from", start), ("--to", end)):
        if text is None:
            times.append(last_s + 1)
            continue
        try:
            times.append(moment_s(text, now_s=last_s))
            # So long ago may be before the first year, which no calendar shows.
            format_s(times[-1])
        except (ValueError, OverflowError) as error:
            raise typer.BadParameter(f"{name} {text!r}: give {_TIME}.") from error
    if times[0] >= times[1]:
        raise typer.BadParameter(
            f"--from {format_s(times[0])} is not before --to {format_s(times[1])}."
        )
    return times[0], times[1]
