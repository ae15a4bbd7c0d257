"""The program, its airspace and its disk in metrics."""

from __future__ import annotations

import platform
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import sectorwatch
from made_ticks import LIVE, SetClock, session, tick
from observe.made import ManualClock
from runtime.world import _airspace
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.observe import MetricsCollector
from sectorwatch.runtime import measures_airspace
from sectorwatch.runtime.measures import measure_breakers, measure_program
from sectorwatch.runtime.measures_airspace import AirspaceMeasures
from sectorwatch.runtime.measures_disk import DiskMeasures
from sectorwatch.store import DataDirectory
from sectorwatch.store.files import tree_bytes
from sectorwatch.traffic.tick import Owner

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.traffic.tick import Tick

AIRSPACE = _airspace(("made:australia",))


@pytest.fixture
def metrics() -> MetricsCollector:
    """A collector whose clock stands still."""
    return MetricsCollector(clock=ManualClock())


def values(metrics: MetricsCollector, name: str, label: str) -> dict[str, float]:
    """What stands last under each value of a label."""
    metrics.collect()
    return {one.tags[label]: one.value for one in metrics.exposed() if one.name == name}


def busy(seq: int, *loads: int) -> Tick:
    """A tick in which the first sectors have so many aircraft, and the first has an owner."""
    occupancy = np.zeros(len(AIRSPACE.sectors), np.int32)
    occupancy[: len(loads)] = loads
    owners: list[Owner | None] = [None] * len(AIRSPACE.sectors)
    owners[0] = Owner("ML_CTR", 1, "128.000", 0, "first")
    live = replace(
        LIVE,
        occupancy=occupancy,
        owners=owners,
        sessions=(session(1, "ML_CTR"), session(2, "SY_CTR")),
        contact=np.array([-1, 5, 5]),
        heard_s=1,
    )
    return tick(seq, live=live)


def test_sectors_and_network_are_what_the_newest_tick_says(metrics: MetricsCollector) -> None:
    """Load, who is staffed, who is online; read once a tick, and nothing before the first."""
    given: list[Tick | None] = [None]
    measures = AirspaceMeasures(AIRSPACE, lambda: given[0], metrics)
    metrics.before_gather.append(measures.take)
    assert values(metrics, "sector_load", "sector") == {}
    given[0] = busy(1, 3, 0, 2)
    names = [sector.name for sector in AIRSPACE.sectors]
    load = values(metrics, "sector_load", "sector")
    assert [load[name] for name in names[:3]] == [3, 0, 2]
    assert set(load) == set(names)
    staffed = values(metrics, "sector_staffed", "sector")
    assert (staffed[names[0]], staffed[names[1]]) == (1, 0)
    online = values(metrics, "network_controllers", "facility")
    assert online == {"FSS": 0, "DEL": 0, "GND": 0, "TWR": 0, "APP": 0, "CTR": 2}
    latest = {one.name: one.value for one in metrics.exposed()}
    assert (latest["network_pilots"], latest["network_airborne"]) == (4, 2)
    assert (latest["visits_open"], latest["flights_in_contact"]) == (5, 2)
    given[0] = busy(2, 1)
    assert values(metrics, "sector_load", "sector")[names[0]] == 1
    assert metrics.dropped == {}


def test_the_division_s_own_sectors_are_measured(metrics: MetricsCollector) -> None:
    """Those named, else those of the home sector's partition; their capacity where it is known."""
    home = AIRSPACE.sectors[0]
    AirspaceMeasures(AIRSPACE, lambda: busy(1), metrics, home=home.name.lower()).take()
    assert set(values(metrics, "sector_load", "partition")) == {home.partition}
    other = MetricsCollector(clock=ManualClock())
    AirspaceMeasures(AIRSPACE, lambda: busy(1), other, named=("no such", home.name)).take()
    assert set(values(other, "sector_load", "sector")) == {home.name}


def test_of_many_sectors_the_busiest_have_the_room(
    metrics: MetricsCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the home sector; who has it keeps it, so that series do not come and go."""
    monkeypatch.setattr(measures_airspace, "MOST_SECTORS", 3)
    partition = AIRSPACE.partitions[1]
    names = [each.name for each in AIRSPACE.sectors]
    home = names[partition.first + partition.count - 1]
    given = [busy(1, *[0] * partition.first, 1, 5, 2)]
    measures = AirspaceMeasures(AIRSPACE, lambda: given[0], metrics, home=home)
    measures.take()
    first = partition.first
    assert set(values(metrics, "sector_load", "sector")) == {
        home,
        names[first + 1],
        names[first + 2],
    }
    given[0] = busy(2, *[9] * (first + 3))
    measures.take()
    assert set(values(metrics, "sector_load", "sector")) == {
        home,
        names[first + 1],
        names[first + 2],
    }


def test_a_fault_in_what_is_measured_is_counted(metrics: MetricsCollector) -> None:
    """Whatever somebody's figures do, all others are collected."""

    def fails() -> None:
        raise ValueError("no")

    metrics.before_gather.append(fails)
    metrics.counter("c").inc()
    metrics.collect()
    assert metrics.get_metric_summary("c")["latest"] == 1
    assert metrics.dropped == {"callback_failed": 1}


def test_the_program_says_what_it_is_and_since_when(metrics: MetricsCollector) -> None:
    """Version and Python as labels, the start by the wall clock, the time since by the other."""
    clock = ManualClock()
    measure_program(metrics, clock)
    clock.advance(90)
    assert values(metrics, "build_info", "version") == {sectorwatch.__version__: 1}
    assert values(metrics, "build_info", "python") == {platform.python_version(): 1}
    latest = {one.name: one.value for one in metrics.exposed()}
    assert latest["uptime"] == pytest.approx(90)
    assert latest["start_time"] == pytest.approx(clock.now_us() / 1e6 - 90)


def test_breakers_show_their_state_and_how_often_they_opened(metrics: MetricsCollector) -> None:
    """Closed, open, trying again."""
    clock = ManualClock()
    breaker = CircuitBreaker("feed", clock, failures_to_open=1, open_s=10)
    measure_breakers(metrics, [breaker])
    seen = [values(metrics, "circuit_breaker_open", "breaker")["feed"]]
    breaker.failed("down")
    seen.append(values(metrics, "circuit_breaker_open", "breaker")["feed"])
    clock.advance(11)
    assert breaker.allows()
    seen.append(values(metrics, "circuit_breaker_open", "breaker")["feed"])
    breaker.failed("down")
    assert seen == [0, 1, 0.5]
    assert values(metrics, "circuit_breaker_openings_total", "breaker") == {"feed": 2}


class Slots:
    """Stands for journal and store: a database that is away, or has two kinds of files."""

    def __init__(self, *, is_away: bool) -> None:
        self.is_away = is_away

    def get(self) -> Any:
        return self

    def ask(self) -> Any:
        if self.is_away:
            raise DatabaseAwayError("away")
        return self

    def files(self) -> list[int]:
        return [1, 2, 3]

    def segment_totals(self) -> dict[str, tuple[int, int]]:
        return {"visits": (2, 500)}


@pytest.mark.parametrize("is_away", [False, True])
def test_every_byte_of_the_data_directory_is_in_one_part(
    tmp_path: Path, metrics: MetricsCollector, *, is_away: bool
) -> None:
    """The parts come to the whole; looked at now and then; a database that is away costs its own."""
    clock = SetClock()
    with DataDirectory.open(tmp_path / "data") as directory:
        for name in ("journal/a", "segments/visits/b", "logs/c", "refused/d", "own/e", "f.txt"):
            path = directory.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * 100)
        for name in ("sectorwatch.db", "sectorwatch.db-wal", "observe.db"):
            (directory.path / name).write_bytes(b"x" * 1_000)
        slots: Any = Slots(is_away=is_away)
        measures = DiskMeasures(
            directory,
            journals=slots,
            stores=slots,
            metrics=metrics,
            budget_bytes=10_000,
            monotonic_s=clock.monotonic_s,
        )
        measures.look()
        found = values(metrics, "disk_used", "part")
        whole = tree_bytes(directory.path)
        assert sum(found.values()) == whole
        assert (found["database"], found["observations"], found["journal"]) == (2_000, 1_000, 100)
        latest = {one.name: one.value for one in metrics.exposed()}
        assert latest["disk_budget_used"] == pytest.approx(whole / 10_000)
        assert latest["journal_files"] == 3
        sealed = values(metrics, "segment_bytes", "kind")
        assert sealed == ({} if is_away else {"visits": 500})
        (directory.path / "f.txt").write_bytes(b"x" * 600)
        measures.look()
        assert values(metrics, "disk_used", "part") == found
        clock.advance(61)
        measures.look()
        assert values(metrics, "disk_used", "part")["other"] == found["other"] + 500
