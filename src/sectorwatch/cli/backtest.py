"""`sectorwatch backtest`: forecasts as of the past, scored against what happened."""

# No `from __future__ import annotations` here: typer reads them when it runs.
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sectorwatch.cli.console import print_json, print_table, progress_bar, say
from sectorwatch.cli.options import Airspaces, Config, DataDir, Json, read_settings
from sectorwatch.cli.rebuild import mover
from sectorwatch.clock import moment_s

__all__ = ["backtest"]

_TIME = (
    "UTC, such as 2025-08-06T00:00:00Z, or a time before the newest snapshot, such as -7d or -36h"
)
_MARK_MIN, _MOST_MIN = 5, 240
_SHOWN_S = (3_600, 7_200, 14_400)
_HOUR_S, _WEEK_S = 3_600, 7 * 86_400


def backtest(
    sectors: Annotated[
        list[str] | None,
        typer.Option(
            "--sectors",
            metavar="NAME",
            help="Score only this sector, or PARTITION/NAME, or all of a PARTITION; may be given "
            "several times.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help=f"The first forecast: {_TIME}. Without it, a quarter of the history before the "
            "end, four weeks at most.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="TIME",
            help="No forecast at or after it. Without it, the newest that is known.",
            show_default=False,
        ),
    ] = None,
    train_until: Annotated[
        str | None,
        typer.Option(
            "--train-until",
            metavar="TIME",
            help="What is learned first is learned from what came before. Without it, --from.",
            show_default=False,
        ),
    ] = None,
    retrain: Annotated[
        str,
        typer.Option("--retrain", metavar="WHEN", help="Learn anew: weekly, or never."),
    ] = "weekly",
    every_min: Annotated[
        int,
        typer.Option(
            "--every",
            metavar="MIN",
            help="Minutes between forecasts, a multiple of 5; 55 comes to every mark of 5 min.",
        ),
    ] = 55,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAMES",
            help="Only these, with commas between. Without it, all.",
            show_default=False,
        ),
    ] = None,
    visibility: Annotated[
        str,
        typer.Option(
            "--visibility",
            metavar="HOW",
            help="When plans are known: as-flown; or each from so many minutes before its filed "
            "off-block time; or network, as long ahead as on VATSIM.",
        ),
    ] = "as-flown",
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Draw a picture too: .png, .svg.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write the JSON to a file too.", show_default=False
        ),
    ] = None,
    airspace: Airspaces = None,
    data_dir: DataDir = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Forecast as of one moment after another of the past, and score that beside the baselines.

    Nothing but what had been received by a moment is seen at it. It reads beside a running
    instance, and changes nothing.
    """
    _check(retrain, every_min, plot, visibility)
    settings = read_settings(config, airspace=airspace, data_dir=data_dir).settings
    from sectorwatch.airspace import Airports, load_airspace  # noqa: PLC0415 - for a quick --help
    from sectorwatch.forecast.backtest import Wanted, run, write_plot  # noqa: PLC0415
    from sectorwatch.store import DataDirectory, Store  # noqa: PLC0415

    url = settings.database_url
    address = None if url is None else url.get_secret_value()
    loaded = load_airspace(settings.airspace, settings.capacities, settings.positions)
    with (
        DataDirectory.open(settings.data_dir, lock=False) as directory,
        Store.open(directory, address) as store,
        progress_bar() as bar,
    ):
        last_s = store.network.known(0, 0).last_s or 0
        answer = run(
            store,
            loaded,
            Airports.load(),
            Wanted(
                from_s=_moment("--from", start, last_s),
                to_s=_moment("--to", end, last_s),
                train_until_s=_moment("--train-until", train_until, last_s),
                every_s=60 * every_min,
                retrain_s=_WEEK_S if retrain == "weekly" else None,
                methods=_names(methods),
                sectors=tuple(sectors or ()),
                visibility=visibility,
                time_zone=settings.timezone,
                home_sector=settings.home_sector or "",
            ),
            progress=mover(bar),
        )
    if json:
        print_json(answer)
    else:
        _print(answer)
    for remark in answer["remarks"]:
        say(remark)
    if out is not None:
        import orjson  # noqa: PLC0415

        out.write_bytes(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")
    if plot is not None:
        try:
            write_plot(plot, answer)
        except ImportError:
            say(
                f"{plot} was not drawn: that takes matplotlib, pip install 'sectorwatch[backtest]'."
            )


def _check(retrain: str, every_min: int, plot: Path | None, visibility: str) -> None:
    if visibility not in {"as-flown", "network"} and not visibility.isdecimal():
        raise typer.BadParameter(
            f"--visibility {visibility!r}: give as-flown, network, or a number of minutes."
        )
    if retrain not in {"weekly", "never"}:
        raise typer.BadParameter(f"--retrain {retrain!r}: give weekly or never.")
    if every_min % _MARK_MIN or not 0 < every_min <= _MOST_MIN:
        raise typer.BadParameter(
            f"--every {every_min}: give a multiple of {_MARK_MIN} up to {_MOST_MIN}, forecasts are "
            "made at such minutes."
        )
    if plot is not None and plot.suffix.lower() not in {".png", ".svg", ".pdf"}:
        raise typer.BadParameter(f"--plot {plot}: end it with .png, .svg or .pdf.")


def _names(methods: str | None) -> tuple[str, ...]:
    """The methods named. Raises BadParameter where one is none."""
    from sectorwatch.forecast.backtest import METHODS  # noqa: PLC0415

    if methods is None:
        return tuple(METHODS)
    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    for name in names:
        if name not in METHODS:
            raise typer.BadParameter(f"--methods {name!r}: there are {', '.join(METHODS)}.")
    if not names:
        raise typer.BadParameter(f"--methods names none: there are {', '.join(METHODS)}.")
    return names


def _moment(name: str, text: str | None, last_s: int) -> int | None:
    if text is None:
        return None
    try:
        return moment_s(text, now_s=last_s)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{name} {text!r}: give {_TIME}.") from error


def _print(answer: Mapping[str, Any]) -> None:
    print(
        f"{answer['moments']:,} moments every {answer['every_s'] // 60} min from {answer['from']} "
        f"to {answer['to']}, local time {answer['time_zone']}."
    )
    seen = answer["visibility"]
    shares = " / ".join(_percent(seen[f"visible_{hours}h"]) for hours in (1, 2, 4))
    print(f"Of those airborne in 1 / 2 / 4 h, {shares} are known now ({seen['plans']}).\n")
    for each in answer["sets"]:
        _print_set(each)


def _print_set(each: Mapping[str, Any]) -> None:
    title = (
        f"{each['name']}: {each['sectors']} sectors, mean demand {each['mean_demand']:.2f}; "
        "error relative to last week's bin"
    )
    rows = []
    for method in each["methods"]:
        by_lead = {row["lead_s"]: row for row in method["leads"]}
        shown = [by_lead[lead_s] for lead_s in _SHOWN_S]
        ratios = "ratio_to_weekly_naive", "ratio_median_to_weekly_naive"
        cells = [_cell(row[key]) for key in (*ratios, "mae") for row in shown]
        cells += [_cell(shown[0][key]) for key in ("mase", "bias", "pinball_loss")]
        cells += [_percent(row["coverage_80"]) for row in shown]
        rows.append([method["label"], *cells])
    print_table(
        title,
        [
            "method",
            *(f"ratio {lead_s // _HOUR_S} h" for lead_s in _SHOWN_S),
            *(f"of median {lead_s // _HOUR_S} h" for lead_s in _SHOWN_S),
            *(f"MAE {lead_s // _HOUR_S} h" for lead_s in _SHOWN_S),
            *("MASE 1 h", "bias 1 h", "pinball 1 h"),
            *(f"in 80 % {lead_s // _HOUR_S} h" for lead_s in _SHOWN_S),
        ],
        rows,
    )
    _print_alerts(each)
    for method in each["methods"]:
        if method["method"] != "model" or not method["coverage_by_block"]:
            continue
        print_table(
            f"{each['name']}: what the 80 % interval held, by the local time of day",
            [row["local_time"] for row in method["coverage_by_block"]],
            [[_percent(row["coverage_80"]) for row in method["coverage_by_block"]]],
        )
        print_table(
            f"{each['name']}: by size decile (mean demand)",
            [
                f"{row['decile']} ({_cell(row['mean_demand'])})"
                for row in method["coverage_by_size_decile"]
            ],
            [[_percent(row["coverage_80"]) for row in method["coverage_by_size_decile"]]],
        )


def _print_alerts(each: Mapping[str, Any]) -> None:
    known = each["capacity"]
    rows = []
    for method in each["methods"]:
        score = method["alerts"]
        if score is None:
            continue
        lead = score["median_lead_s"]
        rows.append(
            [
                method["label"],
                score["warnings"],
                _percent(score["precision"]),
                score["breaches"],
                _percent(score["recall"]),
                "" if lead is None else f"{lead / 60:.0f} min",
            ]
        )
    if rows:
        print_table(
            f"{each['name']}: warnings of more than capacity for half an hour "
            f"({known['configured']} configured, {known['learned']} learned)",
            ["method", "warnings", "right", "breaches", "foreseen", "median lead"],
            rows,
        )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
