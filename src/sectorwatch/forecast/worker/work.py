"""The training itself, in the worker's own process: from the store to a model file.

It reads the store beside the running program, as `keys add` does: the lock of the data directory
belongs to that program, and SQLite as well as PostgreSQL let readers see one moment while it
writes. It writes one file, at the very end, under a temporary name first.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from sectorwatch.errors import ModelFileError, SectorwatchError, TrainingError
from sectorwatch.forecast.worker.bounds import available_mb, bind, end_with, peak_mb, why_not
from sectorwatch.forecast.worker.order import Order, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.forecast.model.model import Model

    Progress = Callable[[float, str], None]

__all__ = ["SUFFIX", "main", "models_dir", "prune"]

SUFFIX = ".model"
_PART = f"{SUFFIX}.part"
_TOLD_EVERY_S = 0.5
T = TypeVar("T")


def models_dir(data_dir: Path) -> Path:
    """Where model files lie."""
    return data_dir / "models"


def main() -> None:
    """Carry out the order that comes as the first line of standard input.

    First the walk through the past; then this process begins anew, within the same bounds, for the
    trees: of what the walk took not all would be given back. What has come to be is told it by
    the command line: a file, when the training began, and the most memory that it took.
    """
    if len(sys.argv) > 1:
        path, began_s, walked_mb = sys.argv[1:4]
        teller = _Teller(float(began_s), float(walked_mb))
        end_with(sys.stdin.buffer)
        teller.tell(_second_half(Path(path), teller.progress))
        return
    teller = _Teller(time.monotonic(), 0.0)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    end_with(sys.stdin.buffer)
    reason = why_not(order.memory_mb, available_mb())
    if reason is not None:
        teller.tell(Report(state="skipped", words=reason))
        return
    bind(order.memory_mb, order.limit_s, order.niceness)
    found = _guarded(lambda: _walked(order, teller.progress), order.memory_mb)
    if isinstance(found, Report):
        teller.tell(found)
        return
    sys.stdout.buffer.flush()
    # The bounds, the clock that ends it and the streams stay as they are.
    told = str(found), repr(teller.began_s), repr(peak_mb())
    command = [sys.executable, "-m", "sectorwatch.forecast.worker", *told]
    os.execv(sys.executable, command)  # noqa: S606 - itself, with a path of its own making


class _Teller:
    """Tells on standard output how far it is, a line each."""

    def __init__(self, began_s: float, before_mb: float) -> None:
        self.began_s = began_s
        self._before_mb = before_mb
        self._told_s = 0.0

    def tell(self, report: Report) -> None:
        spent_s = time.monotonic() - self.began_s
        most_mb = max(peak_mb(), self._before_mb)
        report = msgspec.structs.replace(report, seconds=spent_s, peak_mb=most_mb)
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()

    def progress(self, share: float, words: str) -> None:
        if time.monotonic() - self._told_s >= _TOLD_EVERY_S:
            self._told_s = time.monotonic()
            self.tell(Report(state="running", share=share, words=words))


def _guarded(work: Callable[[], T], memory_mb: int) -> T | Report:
    """What `work` gives; a report of why it does not."""
    over = _over(memory_mb)
    state: Literal["skipped", "failed"] = "failed"
    words = over
    try:
        return work()
    except TrainingError as error:
        state, words = "skipped", str(error)
    except SectorwatchError as error:
        words = str(error)
    except MemoryError:
        # Nothing is made in here: what failed still holds all the memory that there is.
        pass
    except Exception as error:  # noqa: BLE001 - a library says want of memory in words of its own
        wants = "memory" in str(error).lower() or "alloc" in str(error).lower()
        words = over if wants else f"{type(error).__name__}: {error}"
    return Report(state=state, words=words)


def prune(folder: Path, keep: int, besides: set[str]) -> list[str]:
    """Removes all but the newest `keep` models of `folder`, and none of the names `besides`.

    Also what a training that was killed while it wrote has left. Gives the names removed.
    """
    removed = []
    kept = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: (path.stat().st_mtime, path.name))
    stray = folder.glob(f"*{_PART}")
    for path in [*kept[: max(len(kept) - keep, 0)], *stray]:
        if path.name not in besides:
            path.unlink(missing_ok=True)
            removed.append(path.name)
    return removed


def _over(memory_mb: int) -> str:
    return (
        f"training took more than the {memory_mb} MB that it may have: the model before it "
        "goes on. Set a higher training_memory_mb, or fewer training_days"
    )


def _order_beside(halfway: Path) -> Path:
    """Where the order lies that a half training is of."""
    return halfway.with_name(f"order{_PART}")


def _walked(order: Order, progress: Progress) -> Path:
    """Through the past of the order; where what it gave lies."""
    # What is loaded only now counts against the bounds.
    from sectorwatch.airspace import Airports, load_airspace  # noqa: PLC0415
    from sectorwatch.forecast.history import History  # noqa: PLC0415
    from sectorwatch.forecast.local_time import LocalTime  # noqa: PLC0415
    from sectorwatch.forecast.model.training import (  # noqa: PLC0415
        WALKED,
        Recipe,
        halfway_of,
        prepare,
    )
    from sectorwatch.forecast.plans import read_navigation  # noqa: PLC0415
    from sectorwatch.store import DataDirectory, Store  # noqa: PLC0415
    from sectorwatch.store.files import make_folders  # noqa: PLC0415

    progress(0.0, "loading the airspace")
    airspace = load_airspace(order.airspace, positions=order.positions)
    airports, local = Airports.load(), LocalTime(order.zone)
    with (
        DataDirectory.open(order.data_dir, lock=False) as directory,
        Store.open(directory, order.database_url) as store,
    ):
        prepared = prepare(
            lambda from_s, to_s: History.load(store, airspace, airports, from_s, to_s),
            airspace,
            airports,
            order.from_s,
            order.to_s,
            local=local,
            navigation=read_navigation(Path(order.navigation)) if order.navigation else None,
            recipe=Recipe(rows=order.rows).with_rounds(order.rounds),
            progress=lambda share, words: progress(0.95 * WALKED * share, words),
        )
        folder = models_dir(directory.path)
        make_folders(folder, directory.path)
    path = folder / f"halfway{_PART}"
    halfway_of(prepared, airspace, local, order.from_s, order.to_s).save(path)
    # The database is not asked again, and its password is not to lie about.
    kept = msgspec.structs.replace(order, database_url=None)
    _order_beside(path).write_bytes(msgspec.json.encode(kept))
    return path


def _second_half(halfway: Path, progress: Progress) -> Report:
    """What becomes of a half training, by the order that lies beside it."""
    lies = _order_beside(halfway)
    try:
        order = msgspec.json.decode(lies.read_bytes(), type=Order)
    except (OSError, msgspec.DecodeError) as error:
        halfway.unlink(missing_ok=True)
        words = f"what was ordered cannot be read any more: {error}; the model before it goes on"
        return Report(state="failed", words=words)
    finally:
        lies.unlink(missing_ok=True)
    return _guarded(lambda: _finished(order, halfway, progress), order.memory_mb)


def _finished(order: Order, path: Path, progress: Progress) -> Report:
    """The model of what was walked through, beside the one that serves."""
    from sectorwatch.forecast.model.champion import compare  # noqa: PLC0415
    from sectorwatch.forecast.model.halfway import Halfway  # noqa: PLC0415
    from sectorwatch.forecast.model.model import write_model  # noqa: PLC0415
    from sectorwatch.forecast.model.training import WALKED, Recipe, finished  # noqa: PLC0415

    folder = path.parent
    recipe = Recipe(rows=order.rows).with_rounds(order.rounds)
    try:
        halfway = Halfway.load(path)
    finally:
        path.unlink(missing_ok=True)
    challenger, held = finished(
        halfway,
        recipe,
        lambda share, words: progress(0.95 * (WALKED + (1 - WALKED) * share), words),
    )
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
