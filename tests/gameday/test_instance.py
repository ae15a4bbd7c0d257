"""The instance that faults happen to is the program as it is, in a process of its own."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from sectorwatch.errors import ServiceError
from sectorwatch.gameday.instance import Instance
from sectorwatch.gameday.scenario import Scenario
from sectorwatch.gameday.stage import set_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.gameday.stage import Stage

NOTHING = Scenario(
    name="nothing",
    fault="none",
    rule="service_down",
    service="collector",
    causes=("-",),
    growth_s=0,
    growth="-",
    happen=lambda _stage: nullcontext(),
    resolve_s=0,
    resolve="-",
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One instance for all of these."""
    with set_up(NOTHING) as made:
        yield made


def service(stage: Stage, name: str) -> Any:
    """How the supervisor sees a service."""
    [found] = [
        each
        for each in stage.instance.ask("/api/services/status")["services"]
        if each["name"] == name
    ]
    return found


def wait_until(is_so: Any, within_s: float = 60.0) -> None:
    """Look until something is so."""
    until_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.1)


def test_a_fault_is_there_for_the_time_of_its_block(stage: Stage) -> None:
    """The thread really dies and is started again; with the block's end all is well."""
    with stage.instance.suffering("dying_collector"):
        wait_until(lambda: "cannot survive" in (service(stage, "collector")["last_error"] or ""))
    seq = stage.instance.ask("/api/status")["seq"]
    wait_until(lambda: stage.instance.ask("/api/status")["seq"] > seq)


def test_what_it_cannot_do_is_said(stage: Stage) -> None:
    """The instance goes on."""
    with (
        pytest.raises(ServiceError, match="no_such_fault"),
        stage.instance.suffering("no_such_fault"),
    ):
        pass
    assert stage.instance.ask("/api/status")["simulated"] is True
    with pytest.raises(ServiceError, match="answers 404"):
        stage.instance.ask("/api/nowhere")


def test_it_ends_with_whoever_plays(stage: Stage) -> None:
    """Its directory is on this machine's disk until then, and nobody else's data is in it."""
    process = psutil.Process(stage.instance.pid)
    assert (stage.data_dir / "lock").exists()
    stage.instance.stop()
    assert not process.is_running()
    with pytest.raises(ServiceError, match="has ended"), stage.instance.suffering("leak"):
        pass


def test_one_that_does_not_start_says_why(tmp_path: Path) -> None:
    """With the last words of its log."""
    wrong = {"data_dir": str(tmp_path / "data"), "airspace": ["made:nowhere"]}
    instance = Instance(wrong, tmp_path / "log")
    with pytest.raises(ServiceError, match="nowhere"), instance:
        pass
