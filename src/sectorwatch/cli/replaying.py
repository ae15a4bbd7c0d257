"""What `replay` does: a pipeline without services, a bar, and counts at the end."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from sectorwatch.cli.console import print_json, print_table, progress_bar, say
from sectorwatch.cli.log_lines import Remarks
from sectorwatch.errors import SectorwatchError
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.runtime import replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rich.progress import Progress as Bar

    from sectorwatch.config import Loaded, Settings
    from sectorwatch.feed.archive import Progress, Refusal
    from sectorwatch.runtime import ReplayCounts

__all__ = ["KEYS", "replay_and_count"]

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

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOWN = 5


def replay_and_count(loaded: Loaded, paths: Sequence[Path], *, as_json: bool) -> None:
    """Put everything in `paths` through the pipeline and print the counts.

    Raises a SectorwatchError where that cannot be done, typer.Exit where it was interrupted.
    """
    refused: list[str] = []
    with progress_bar("feeds") as bar, _interruptible() as interrupted:
        source = ArchiveSource(
            paths, progress=_mover(bar), on_refused=lambda each: refused.append(_words(each))
        )
        # Through the bar's console: it steps aside for what is written above it.
        sinks = None if loaded.settings.log_format == "json" else [Remarks(bar.console.print)]
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


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one ends the program at once."""
    interrupted = threading.Event()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def on_signal(number: int, _frame: object) -> None:
        interrupted.set()
        signal.signal(number, signal.SIG_DFL)

    for number in _SIGNALS:
        signal.signal(number, on_signal)
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
