"""Training in a process of its own, beside a program that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from forecast.flown_days import END_S, FROM_S
from sectorwatch.forecast.model.model import read_model, write_model
from sectorwatch.forecast.worker import Order, Report, WorkerProcess
from sectorwatch.forecast.worker.bounds import available_mb, why_not
from sectorwatch.forecast.worker.work import prune

if TYPE_CHECKING:
    from sectorwatch.forecast.model.model import Model
    from sectorwatch.forecast.model.table import Table
    from sectorwatch.store import Store


def order_for(store: Store, **changes: object) -> Order:
    """A small training of all that is there."""
    order = Order(
        data_dir=str(store.directory.path),
        database_url=None,
        airspace=("made:australia",),
        zone="Australia/Sydney",
        from_s=FROM_S,
        to_s=END_S,
        rows=6_000,
        rounds=15,
    )
    return msgspec.structs.replace(order, **changes)


def models(store: Store) -> list[str]:
    """What lies in the folder of models."""
    folder = store.directory.path / "models"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_model_is_trained_beside_the_program_that_holds_the_lock(
    flown_days: Store, trained: tuple[Model, Table]
) -> None:
    """It is judged against the one that serves; progress and bounds are told on the way."""
    folder = flown_days.directory.path / "models"
    folder.mkdir()
    write_model(folder / "before.model", trained[0].saying(version="before"))
    first = WorkerProcess.start(order_for(flown_days, champion=str(folder / "before.model")))
    told: list[Report] = []
    while (report := first.poll()).state == "running":
        told.append(report)
        time.sleep(0.05)
    assert report.state == "done", report.words
    assert len({each.words for each in told}) > 3
    assert [each.share for each in told] == sorted(each.share for each in told)
    assert 50 < report.peak_mb < 800
    assert report.champion == "before"
    better = report.figures["gain"] > report.figures["gain_error"]
    assert report.is_taken == (better and report.figures["blocks"] >= 4)
    assert report.version == (
        report.challenger if report.is_taken else f"before_{report.challenger}"
    )
    path = Path(report.path)
    assert models(flown_days) == sorted(["before.model", path.name])
    assert read_model(path).version == report.version


def test_a_worker_that_is_killed_leaves_nothing_behind(flown_days: Store) -> None:
    """The program says what became of it, and the folder is as it was."""
    before = models(flown_days)
    worker = WorkerProcess.start(order_for(flown_days))
    while worker.poll().words == "starting":
        time.sleep(0.02)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    report = worker.wait()
    assert report.state == "failed"
    assert "SIGKILL" in report.words
    assert models(flown_days) == before


def test_a_worker_is_stopped_and_gone(flown_days: Store) -> None:
    """With the program that started it, or before; twice does no harm."""
    before = models(flown_days)
    worker = WorkerProcess.start(order_for(flown_days))
    assert worker.stop().state == "stopped"
    assert worker.stop().state == "stopped"
    assert worker.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    assert models(flown_days) == before


def test_a_training_over_its_memory_fails_and_says_so(flown_days: Store) -> None:
    """It cannot take what it may not have, whatever a library asks for."""
    report = WorkerProcess.start(order_for(flown_days, memory_mb=200)).wait()
    assert report.state == "failed"
    assert "more than the 200 MB" in report.words
    assert "training_memory_mb" in report.words


def test_a_training_over_its_time_is_ended(flown_days: Store) -> None:
    """By its own clock."""
    report = WorkerProcess.start(order_for(flown_days, limit_s=1.2)).wait()
    assert report.state == "failed"
    assert "more than 1 s" in report.words


@pytest.mark.parametrize("order", [None, b"{}", b"\xff"])
def test_a_half_training_without_its_order_fails_and_says_so(
    tmp_path: Path, order: bytes | None
) -> None:
    """What it came to is of no use then, and nothing of it is left."""
    halfway = tmp_path / "halfway.model.part"
    halfway.write_bytes(b"half")
    if order is not None:
        (tmp_path / "order.model.part").write_bytes(order)
    with subprocess.Popen(
        [sys.executable, "-m", "sectorwatch.forecast.worker", str(halfway), "0", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        report = msgspec.json.decode(process.stdout.readline(), type=Report)
    assert report.state == "failed"
    assert "what was ordered cannot be read" in report.words
    assert list(tmp_path.iterdir()) == []


def test_without_free_memory_nothing_is_started(flown_days: Store) -> None:
    """It is skipped, and says how much it wanted and what there was."""
    worker = WorkerProcess.start(order_for(flown_days), available=lambda: 300.0)
    report = worker.poll()
    assert worker.pid is None
    assert report.state == "skipped"
    assert "may take 800 MB and 300 MB are free" in report.words
    assert worker.stop().state == "skipped"


def test_a_container_has_no_more_than_its_limit(tmp_path: Path) -> None:
    """Whatever the machine has; pages of files count as free."""
    assert why_not(800, available_mb()) is None or available_mb() < 950
    mb = 1 << 20
    (tmp_path / "memory.max").write_text(f"{1_000 * mb}\n")
    (tmp_path / "memory.current").write_text(f"{700 * mb}\n")
    (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {200 * mb}\n")
    assert available_mb(tmp_path) == min(500, available_mb())
    (tmp_path / "memory.max").write_text("max\n")
    assert available_mb(tmp_path) > 500 or available_mb() < 500


def test_the_newest_models_are_kept_and_the_one_that_serves(tmp_path: Path) -> None:
    """And nothing of what was cut short."""
    for number in range(8):
        path = tmp_path / f"{number}.model"
        path.write_bytes(b"")
        os.utime(path, (number, number))
    (tmp_path / "9.model.part").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    removed = prune(tmp_path, 5, {"1.model"})
    assert sorted(removed) == ["0.model", "2.model", "9.model.part"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("1.model", "3.model", "4.model", "5.model", "6.model", "7.model", "notes.txt"),
    ]
