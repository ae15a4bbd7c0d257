"""What a hint of the bus about a capacity warning becomes on the streams."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from forecast.made_issues import AS_OF_S, issued, sector
from sectorwatch.config import Settings
from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.observe import Telemetry
from sectorwatch.runtime import Event
from sectorwatch.runtime.capacity_watch import CapacityWatch
from sectorwatch.runtime.foresight import Foresight
from sectorwatch.store import DataDirectory, Store
from sectorwatch.web.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECTORS = [sector("YSSY_CTR", "YSSY_CTR", capacity=8)]


class Hub:
    """What was put on the streams."""

    open = 1

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def publish(self, topic: str, data: bytes) -> None:
        """Take it."""
        self.told.append((topic, json.loads(data)))


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[tuple[CapacityWatch, list[str]]]:
    """A watch that has raised a warning, and the hints that it gave."""
    hints: list[str] = []
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        book = CapacityBook(SECTORS)
        found = CapacityWatch(
            Settings(),
            SECTORS,
            book,
            local=LocalTime("UTC"),
            stores=SimpleNamespace(ask=lambda: store),  # type: ignore[arg-type]
            telemetry=Telemetry.null(),
            tell=lambda number: hints.append(f"capacity/{number}"),
        )
        for step in range(2):
            made = issued(
                SECTORS, np.array([[12.0]]), as_of_s=AS_OF_S + 300 * step, capacity=book.now
            )
            found.warn_of_capacity(None, made, None)  # type: ignore[arg-type]
        yield found, hints


def told(watch: CapacityWatch, *names: str) -> list[tuple[str, Any]]:
    """What is said at hints of these names."""
    hub = Hub()
    application = SimpleNamespace(foresight=Foresight(capacity_watch=watch))
    telling = Telling(application, hub)  # type: ignore[arg-type]
    for name in names:
        asyncio.run(telling.hear(Event("anomaly", 0, name, 0, "")))
    return hub.told


def test_a_warning_goes_out_as_the_outlook_shows_it(
    watch: tuple[CapacityWatch, list[str]],
) -> None:
    """Under the topic of what is unusual, told apart by its kind."""
    found, hints = watch
    ((topic, event),) = told(found, *hints)
    assert topic == "anomaly"
    assert (event["kind"], event["state"]) == ("capacity_warning", "began")
    warning = event["warning"]
    assert warning["sector_name"] == "YSSY_CTR"
    assert warning["id"] == found.warnings.standing()[0].warning_id
    assert warning["ended"] is None
    assert "above its configured capacity of 8" in warning["description"]


def test_a_hint_of_what_is_not_there_says_nothing(
    watch: tuple[CapacityWatch, list[str]],
) -> None:
    """One that is long over, and a name of another kind."""
    assert told(watch[0], "capacity/1", "capacity/", "other/5", "") == []
