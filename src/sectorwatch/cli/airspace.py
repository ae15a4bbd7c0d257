"""`sectorwatch airspace`: looks at a data set, and downloads one."""

# No `from __future__ import annotations` here: typer reads them when it runs.
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sectorwatch.cli.console import print_json, print_table, printable, progress_bar, say
from sectorwatch.cli.options import Json

if TYPE_CHECKING:
    from sectorwatch.airspace.check import DataSetCheck, Gap, Overlap, PartitionCheck

__all__ = ["app"]

app = typer.Typer(help="Airspace data sets.", no_args_is_help=True, rich_markup_mode=None)

_FIGURES = (
    ("sectors", "sectors"),
    ("volumes", "volumes"),
    ("area_nm2", "area, NM²"),
    ("without_limits", "volumes without floor and ceiling"),
    ("without_positions", "sectors that nobody works"),
    ("hidden", "sectors never seen"),
    ("overlaps_nested", "overlaps, nested"),
    ("overlaps_partial", "overlaps, partial"),
    ("overlaps_slivers", "overlaps, slivers"),
    ("gaps_wide", "gaps"),
    ("gaps_slivers", "gaps, slivers"),
)
_LISTED = 20


@app.command("check")
def check(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC", help="FORMAT:PATH, such as vatspy:airspace/vatspy."),
    ],
    json: Json = False,
    all_: Annotated[
        bool, typer.Option("--all", help="List everything, not the 20 worst of a kind.")
    ] = False,
) -> None:
    """Read a data set; say what it holds and what is wrong in it.

    Fails only where it cannot be read at all: what is wrong in it is got round, and counted.
    """
    from sectorwatch.airspace.check import check as look_at  # noqa: PLC0415 - for a quick --help
    from sectorwatch.airspace.formats import read_dataset  # noqa: PLC0415 - as above

    with progress_bar(sized=False) as bar:
        bar.add_task(f"reading {spec}", total=None)
        found = look_at(read_dataset(spec))
    listed = None if all_ else _LISTED
    if json:
        print_json(found.as_dict(listed))
    else:
        _print(found, listed)


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which: vatspy or vatsys-australia.")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="The folder to put it in, new or from an earlier fetch. Without it, "
            "airspace/NAME here.",
            show_default=False,
        ),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            "--address",
            metavar="FILE=URL",
            help="Fetch one of its files from elsewhere, a mirror say; may be given several times.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Download a data set; its licence is its owners', and named in source.json beside it."""
    addresses = dict(_pair(text) for text in address or ())
    import asyncio  # noqa: PLC0415 - for a quick --help

    from sectorwatch.airspace.fetch import DOWNLOADS  # noqa: PLC0415 - as above
    from sectorwatch.airspace.fetch import fetch as download  # noqa: PLC0415 - as above

    target = to or Path("airspace") / name
    with progress_bar("size", sized=False) as bar:
        tasks: dict[str, Any] = {}

        def on_progress(file: str, size_bytes: int) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=None, size="")
            bar.update(tasks[file], size=f"{size_bytes:,} bytes")

        dataset = asyncio.run(download(name, target, addresses=addresses, progress=on_progress))
    print(dataset.spec)
    say(
        f"{len(dataset.sectors):,} sectors in {target}. Licence: {DOWNLOADS[name].licence}. "
        f"Use it: sectorwatch run --airspace {dataset.spec}"
    )


def _pair(text: str) -> tuple[str, str]:
    file, is_there, url = text.partition("=")
    if not (file and is_there and url):
        raise typer.BadParameter(
            f"{text!r} is not FILE=URL, such as VATSpy.dat=https://example.org/VATSpy.dat",
            param_hint="'--address'",
        )
    return file, url


def _print(found: "DataSetCheck", listed: int | None) -> None:
    made = "; it is made, not real" if found.is_made else ""
    print(f"{found.spec}: data set {found.name!r}{made}")
    print(
        f"{found.positions:,} positions work its sectors; {found.position_only:,} more have no "
        "airspace of their own\n"
    )
    figures = found.as_dict(0)["partitions"]
    print_table(
        "What it holds",
        ("partition", *(each["name"] for each in figures)),
        [(words, *(each[name] for each in figures)) for name, words in _FIGURES],
    )
    for partition in found.partitions:
        _print_lists(partition, listed)
    if found.facts:
        facts = [each for each in found.facts.items() if each[0] not in found.problem_counts]
        print_table("In its files", ("what", "count"), facts)
    if found.problem_counts:
        print_table("Problems got round", ("kind", "count"), found.problem_counts.items())
        print_table(
            _title("Problems in words", len(found.problems), listed),
            ("kind", "name", "what"),
            [(each.kind, each.name, each.message) for each in found.problems[:listed]],
        )
        say("docs/airspace.md says what each kind means, and what becomes of it.")


def _print_lists(partition: "PartitionCheck", listed: int | None) -> None:
    name = partition.name
    # One inside another is how data sets are drawn; what lies across another's border is not.
    across = [pair for pair in partition.overlaps if not pair.nested]
    if across:
        print_table(
            _title(f"{name}: sectors that overlap in part", len(across), listed),
            ("one", "another", "NM²", "width"),
            [(o.first, o.second, o.area_nm2, _width(o)) for o in across[:listed]],
        )
    if partition.gaps:
        print_table(
            _title(f"{name}: places amid sectors that none has", len(partition.gaps), listed),
            ("longitude", "latitude", "NM²", "from ft", "to ft", "width"),
            [
                (
                    f"{gap.longitude:.5f}",
                    f"{gap.latitude:.5f}",
                    gap.area_nm2,
                    f"{gap.floor_ft:,.0f}" if math.isfinite(gap.floor_ft) else "surface",
                    f"{gap.ceiling_ft:,.0f}" if math.isfinite(gap.ceiling_ft) else "unlimited",
                    _width(gap),
                )
                for gap in partition.gaps[:listed]
            ],
        )
    if partition.hidden:
        hidden = partition.hidden[:listed]
        print(f"{_title(f'{name}: sectors never seen', len(partition.hidden), listed)}:")
        print(f"  {printable(', '.join(hidden))}")
        print("  smaller ones have all of theirs\n")


def _title(what: str, count: int, listed: int | None) -> str:
    return what if listed is None or count <= listed else f"{what} ({listed} of {count:,})"


def _width(found: "Overlap | Gap") -> str:
    return "sliver" if found.sliver else ""
