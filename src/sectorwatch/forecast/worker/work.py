"""The training itself, in the worker's own process: from the store to a model file.

It reads the store beside the running program, as `keys add` does: the lock of the data directory
belongs to that program, and SQLite as well as PostgreSQL let readers see one moment while it
writes. It writes one file, at the very end, under a temporary name first.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sectorwatch.errors import ModelFileError, SectorwatchError, TrainingError
from sectorwatch.forecast.worker.bounds import available_mb, bind, end_with, peak_mb, why_not
from sectorwatch.forecast.worker.order import Order, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.forecast.model.model import Model

__all__ = ["SUFFIX", "main", "models_dir", "prune"]

SUFFIX = ".model"
_TOLD_EVERY_S = 0.5


def models_dir(data_dir: Path) -> Path:
    """Where model files lie."""
    return data_dir / "models"


def main() -> None:
    """Carry out the order that comes as the first line of standard input."""
    began_s = time.monotonic()
    last_told_s = 0.0

    def tell(report: Report) -> None:
        spent_s = time.monotonic() - began_s
        report = msgspec.structs.replace(report, seconds=spent_s, peak_mb=peak_mb())
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()

    def progress(share: float, words: str) -> None:
        nonlocal last_told_s
        if time.monotonic() - last_told_s >= _TOLD_EVERY_S:
            last_told_s = time.monotonic()
            tell(Report(state="running", share=share, words=words))

    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    end_with(sys.stdin.buffer)
    reason = why_not(order.memory_mb, available_mb())
    if reason is not None:
        tell(Report(state="skipped", words=reason))
        return
    bind(order.memory_mb, order.limit_s, order.niceness)
    try:
        report = _carried_out(order, progress)
    except TrainingError as error:
        report = Report(state="skipped", words=str(error))
    except SectorwatchError as error:
        report = Report(state="failed", words=str(error))
    except MemoryError:
        report = Report(state="failed", words=_over(order))
    except Exception as error:  # noqa: BLE001 - a library says want of memory in words of its own
        wants = "memory" in str(error).lower() or "alloc" in str(error).lower()
        words = _over(order) if wants else f"{type(error).__name__}: {error}"
        report = Report(state="failed", words=words)
    tell(report)


def prune(folder: Path, keep: int, besides: set[str]) -> list[str]:
    """Removes all but the newest `keep` models of `folder`, and none of the names `besides`.

    Also what a training that was killed while it wrote has left. Gives the names removed.
    """
    removed = []
    kept = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: (path.stat().st_mtime, path.name))
    stray = folder.glob(f"*{SUFFIX}.part")
    for path in [*kept[: max(len(kept) - keep, 0)], *stray]:
        if path.name not in besides:
            path.unlink(missing_ok=True)
            removed.append(path.name)
    return removed


def _over(order: Order) -> str:
    return (
        f"training took more than the {order.memory_mb} MB that it may have: the model before it "
        "goes on. Set a higher training_memory_mb, or fewer training_days"
    )


def _carried_out(order: Order, progress: Callable[[float, str], None]) -> Report:
    # What is loaded only now counts against the bounds.
    from sectorwatch.airspace import Airports, load_airspace  # noqa: PLC0415
    from sectorwatch.forecast.history import History  # noqa: PLC0415
    from sectorwatch.forecast.local_time import LocalTime  # noqa: PLC0415
    from sectorwatch.forecast.model.champion import compare  # noqa: PLC0415
    from sectorwatch.forecast.model.model import write_model  # noqa: PLC0415
    from sectorwatch.forecast.model.training import Recipe, train  # noqa: PLC0415
    from sectorwatch.forecast.plans import read_navigation  # noqa: PLC0415
    from sectorwatch.store import DataDirectory, Store  # noqa: PLC0415
    from sectorwatch.store.files import make_folders  # noqa: PLC0415

    progress(0.0, "loading the airspace")
    airspace = load_airspace(order.airspace, positions=order.positions)
    airports = Airports.load()
    with (
        DataDirectory.open(order.data_dir, lock=False) as directory,
        Store.open(directory, order.database_url) as store,
    ):
        challenger, held = train(
            lambda from_s, to_s: History.load(store, airspace, airports, from_s, to_s),
            airspace,
            airports,
            order.from_s,
            order.to_s,
            local=LocalTime(order.zone),
            navigation=read_navigation(Path(order.navigation)) if order.navigation else None,
            recipe=Recipe(rows=order.rows).with_rounds(order.rounds),
            progress=lambda share, words: progress(0.95 * share, words),
        )
        folder = models_dir(directory.path)
        make_folders(folder, directory.path)
    progress(0.96, "comparing it with the model that serves")
    champion, problem = _champion(order)
    verdict = compare(champion, challenger, held)
    chosen = challenger
    if champion is not None and not verdict.won:
        chosen = champion.carrying(challenger, held)
    chosen = chosen.saying(figures=verdict.figures)
    path = folder / f"{chosen.version}{SUFFIX}"
    write_model(path, chosen)
    prune(folder, order.keep, {path.name, Path(order.champion).name})
    return Report(
        state="done",
        share=1.0,
        words=f"{challenger.version}: {verdict.words}{problem}",
        path=str(path),
        version=chosen.version,
        challenger=challenger.version,
        champion="" if champion is None else champion.version,
        is_taken=verdict.won,
        figures=verdict.figures,
    )


def _champion(order: Order) -> tuple[Model | None, str]:
    """The model that serves, and what is wrong with its file where something is."""
    from sectorwatch.forecast.model.model import read_model  # noqa: PLC0415

    if not order.champion:
        return None, ""
    try:
        return read_model(Path(order.champion)), ""
    except ModelFileError as error:
        return None, f" ({error})"
