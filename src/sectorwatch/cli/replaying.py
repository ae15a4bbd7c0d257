"""What `replay` does: a pipeline without services, a bar, and counts at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from sectorwatch.airspace import load_airspace
from sectorwatch.cli.console import print_json, print_table, progress_bar, say
from sectorwatch.cli.interrupting import interruptible
from sectorwatch.cli.log_lines import Remarks
from sectorwatch.cli.serving import refuse_other_kind
from sectorwatch.clock import format_s
from sectorwatch.errors import FeedError, ScheduleError, SectorwatchError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.runtime import collect_garbage_seldom, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.progress import Progress as Bar

    from sectorwatch.config import Loaded, Settings
    from sectorwatch.feed.archive import Progress, Refusal
    from sectorwatch.feed.sources import Source
    from sectorwatch.runtime import ReplayCounts

__all__ = ["KEYS", "replay_and_count", "schedules_among"]

KEYS = (
    "feeds",
    "pilots",
    "controllers",
    "flights",
    "visits",
    "movements",
    "repaired",
    "dropped",
    "seconds",
)
"""What `--json` prints, in this order."""

_SHOWN = 5


def replay_and_count(loaded: Loaded, paths: Sequence[Path], *, as_json: bool) -> None:
    """Put everything in `paths` through the pipeline and print the counts.

    Raises a SectorwatchError where that cannot be done, typer.Exit where it was interrupted.
    """
    refused: list[str] = []
    with progress_bar("feeds") as bar, interruptible() as interrupted:
        source: Source
        if schedules_among(paths):
            source = _flown(loaded, paths, bar)
        else:
            source = archive = ArchiveSource(
                paths, progress=_mover(bar), on_refused=lambda each: refused.append(_words(each))
            )
            if archive.is_mixed:
                # Nor would the public key of made traffic hide who real members are.
                raise FeedError(
                    f"{archive.name} holds a simulated network's journal and real feeds: replay "
                    "each kind in a run of its own, with a --data-dir of its own"
                )
            refuse_other_kind(loaded.settings.data_dir, simulated=archive.is_simulated)
        # Through the bar's console: it steps aside for what is written above it.
        sinks = None if loaded.settings.log_format == "json" else [Remarks(bar.console.print)]
        collect_garbage_seldom()
        counts = replay(_quiet(loaded), source, stop=interrupted, sinks=sinks)
    _tell_of_refusals(counts, refused)
    if interrupted.is_set():
        say("Interrupted; what went through is kept. The same command goes on from there.")
        raise typer.Exit(130)
    answer: dict[str, Any] = {name: getattr(counts, name) for name in KEYS}
    if as_json:
        print_json(answer)
    else:
        _print_counts(answer)
    if not counts.feeds and (refused or counts.refused):
        raise SectorwatchError(
            "not one feed was accepted: what was refused, and why, stands above. Give feeds of "
            "VATSIM's version 3, or a journal"
        )


def schedules_among(paths: Sequence[Path]) -> bool:
    """Whether these are schedules, to be flown. Raises ScheduleError where only some of them are.

    A folder is one where `.parquet` files lie in it and no feeds: a data directory has both.
    """
    schedules = [path for path in paths if _is_schedule(path)]
    if schedules and len(schedules) < len(paths):
        raise ScheduleError(
            f"{schedules[0]} is a schedule, and other sources were given besides: a schedule is "
            "flown alone; replay the others in a run of their own"
        )
    return bool(schedules)


def _is_schedule(path: Path) -> bool:
    if not path.is_dir():
        return path.suffix == ".parquet"
    inside = [file.name for file in path.iterdir()]
    return any(name.endswith(".parquet") for name in inside) and not any(
        name.endswith((".journal", ".json", ".json.gz", ".json.zst")) for name in inside
    )


def _flown(loaded: Loaded, paths: Sequence[Path], bar: Bar) -> Source:
    """The network that flies these schedules, over the airspace that the settings name."""
    from sectorwatch.cli.simulating import Wish, network_of  # noqa: PLC0415 - only where it is asked for
    from sectorwatch.simulator import SimulatedSource  # noqa: PLC0415

    settings = loaded.settings
    refuse_other_kind(settings.data_dir, simulated=True)
    airspace = load_airspace(settings.airspace, settings.capacities, settings.positions)
    network = network_of(Wish(sources=[str(path) for path in paths]), airspace)
    task = bar.add_task("simulate", total=(network.end_s or 0) - network.start_s, feeds="")

    def move(time_s: int) -> None:
        bar.update(task, completed=time_s - network.start_s, feeds=format_s(time_s))

    return SimulatedSource(network, progress=move)


def _print_counts(answer: dict[str, Any]) -> None:
    print_table("", ("what", "count"), [(name, answer[name]) for name in KEYS[:6]])
    for name in ("repaired", "dropped"):
        if answer[name]:
            print_table(f"{name} records", ("reason", "count"), answer[name].items())
    say(f"{answer['seconds']:.1f} s")


def _quiet(loaded: Loaded) -> Settings:
    """The settings, with warnings alone in the log unless somebody chose otherwise."""
    chosen = {"log_level", "environment"} & {
        name for name, origin in loaded.origins.items() if origin != "default"
    }
    return (
        loaded.settings if chosen else loaded.settings.model_copy(update={"log_level": "WARNING"})
    )


def _mover(bar: Bar) -> Callable[[Progress], None]:
    task = bar.add_task("replay", total=None, feeds="")

    def move(progress: Progress) -> None:
        bar.update(
            task,
            completed=progress.done_bytes,
            total=progress.total_bytes,
            feeds=f"{progress.feeds:,} feeds",
        )

    return move


def _words(refusal: Refusal) -> str:
    text = str(refusal.error)
    return text if str(refusal.path) in text else f"{refusal.path}: {text}"


def _tell_of_refusals(counts: ReplayCounts, files: Sequence[str]) -> None:
    for words in files[:_SHOWN]:
        say(f"Refused: {words}")
    if len(files) > _SHOWN:
        say(f"Refused: {len(files) - _SHOWN} more")
    for reason, count in counts.refused.items():
        say(f"Refused: {count} {'feed' if count == 1 else 'feeds'}, {reason}")
