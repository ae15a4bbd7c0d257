"""The scenarios: each fault that the product says it notices, caused for real."""

from __future__ import annotations

import inspect
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sectorwatch.gameday import faults
from sectorwatch.gameday.places import ballast
from sectorwatch.gameday.scenario import Scenario
from sectorwatch.observe import AlertType
from sectorwatch.store import DataDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sectorwatch.gameday.stage import Stage
    from sectorwatch.simulator.server import Fault

__all__ = ["SCENARIOS"]

_LEFT_MB = 100.0
"""Half of what `disk_reserve_mb` keeps free, as shipped."""


def inside(fault: str) -> Callable[[Stage], AbstractContextManager[None]]:
    """A fault that happens within the instance."""

    def happen(stage: Stage) -> AbstractContextManager[None]:
        return stage.instance.suffering(fault)

    return happen


def serving(fault: Fault) -> Callable[[Stage], AbstractContextManager[None]]:
    """The network's server does something wrong at every address."""

    @contextmanager
    def happen(stage: Stage) -> Iterator[None]:
        stage.server.fault = fault
        try:
            yield
        finally:
            stage.server.fault = None

    return happen


@contextmanager
def feed_down(stage: Stage) -> Iterator[None]:
    """The network's server listens no more."""
    stage.server.stop()
    try:
        yield
    finally:
        stage.server.start()


@contextmanager
def our_network_away(stage: Stage) -> Iterator[None]:
    """Nobody can be reached: neither the network's server nor anybody else."""
    for beacon in stage.beacons:
        beacon.put_out()
    try:
        with feed_down(stage):
            yield
    finally:
        for beacon in stage.beacons:
            beacon.light()


@contextmanager
def database_locked(stage: Stage) -> Iterator[None]:
    """Another process holds the database for itself, as a forgotten shell does."""
    path = DataDirectory.open(stage.data_dir, lock=False).database
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@contextmanager
def database_gone(stage: Stage) -> Iterator[None]:
    """Somebody moves the database's files away."""
    path = DataDirectory.open(stage.data_dir, lock=False).database
    away = stage.data_dir.parent / "moved-away"
    away.mkdir()
    moved = [each for each in path.parent.iterdir() if each.name.startswith(path.name)]
    for each in moved:
        each.rename(away / each.name)
    try:
        yield
    finally:
        for each in moved:
            (away / each.name).rename(each)


@contextmanager
def full_disk(stage: Stage) -> Iterator[None]:
    """Somebody's file takes nearly all of the disk."""
    with ballast(stage.data_dir, _LEFT_MB):
        yield


_LINES, _FIRST = inspect.getsourcelines(faults.hoard_answers)
LEAKING_LINE = _FIRST + next(at for at, line in enumerate(_LINES) if "the leaking line" in line)
"""Where the leak takes its memory, in `faults.py`."""

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="service-dies",
        fault="the ingestion thread dies over each feed, again and again",
        alert_type=AlertType.SERVICE_DOWN,
        service="collector",
        causes=("cannot survive",),
        for_s=0,
        growth_s=6,
        growth="two feeds, 3 s apart: one that it dies over, one more where it was started anew",
        happen=inside("dying_collector"),
        resolve_s=60,
        resolve="the pause before the last start, up to 30 s",
    ),
    Scenario(
        name="service-stays-down",
        fault="the maintenance thread dies once, and cannot be started again",
        alert_type=AlertType.SERVICE_DOWN,
        service="maintenance",
        causes=("cannot be started again",),
        for_s=0,
        growth_s=5,
        growth="it looks what is due every 5 s, and dies then",
        happen=inside("maintenance_that_stays_down"),
        resolve_s=60,
        resolve="the pause before the last start, up to 30 s",
    ),
    Scenario(
        name="feed-down",
        fault="the network's server listens no more",
        alert_type=AlertType.API_TIMEOUT,
        service="collector",
        causes=("does not answer", "our network is fine"),
        for_s=60,
        growth_s=3,
        growth="the next fetch comes 3 s later at most",
        happen=feed_down,
        resolve_s=60,
        resolve="a server that failed five times is left alone for 30 s",
    ),
    Scenario(
        name="feed-slow",
        fault="the network's server answers after 30 s",
        alert_type=AlertType.API_TIMEOUT,
        service="collector",
        causes=("too slowly", "our network is fine"),
        for_s=60,
        growth_s=13,
        growth="the next fetch comes 3 s later at most, and may take 10 s",
        happen=serving("slow"),
        resolve_s=60,
        resolve="a server that failed five times is left alone for 30 s",
    ),
    Scenario(
        name="our-network-away",
        fault="neither the network's server nor anybody else can be reached",
        alert_type=AlertType.API_TIMEOUT,
        service="collector",
        causes=("our own network is down",),
        for_s=60,
        growth_s=3,
        growth="the next fetch comes 3 s later at most",
        happen=our_network_away,
        resolve_s=60,
        resolve="a server that failed five times is left alone for 30 s",
    ),
    Scenario(
        name="feed-garbage",
        fault="the network's server answers with a page that is no JSON",
        alert_type=AlertType.HIGH_ERROR_RATE,
        service="collector",
        causes=("accept", "json"),
        for_s=60,
        growth_s=15,
        growth="five feeds, 3 s apart",
        happen=serving("garbage"),
        resolve_s=300,
        resolve="errors of the last 5 min count",
    ),
    Scenario(
        name="database-locked",
        fault="another process holds the database locked",
        alert_type=AlertType.DATABASE_ISSUE,
        service="store",
        causes=("locked",),
        for_s=0,
        growth_s=13,
        growth="the next tick comes 3 s later at most, and waits 10 s for the lock",
        happen=database_locked,
        resolve_s=30,
        resolve="the breaker's longest pause, 15 s",
    ),
    Scenario(
        name="database-gone",
        fault="the database's files are moved away",
        alert_type=AlertType.DATABASE_ISSUE,
        service="store",
        causes=("moved",),
        for_s=0,
        growth_s=3,
        growth="the next tick comes 3 s later at most",
        happen=database_gone,
        resolve_s=30,
        resolve="the breaker's longest pause, 15 s",
    ),
    Scenario(
        name="error-burst",
        fault="the tracker raises over two of three snapshots",
        alert_type=AlertType.HIGH_ERROR_RATE,
        service="tracker",
        causes=("advance", "cannot follow"),
        for_s=60,
        growth_s=15,
        growth="five snapshots, 3 s apart",
        happen=inside("failing_tracker"),
        resolve_s=300,
        resolve="errors of the last 5 min count",
    ),
    Scenario(
        name="slow-operation",
        fault="following a snapshot takes 0.4 s longer than it did",
        alert_type=AlertType.PERFORMANCE_DEGRADATION,
        service="tracker",
        causes=("advance",),
        for_s=60,
        growth_s=60,
        growth="twenty snapshots, 3 s apart, until it is certain",
        happen=inside("slow_tracker"),
        resolve_s=120,
        resolve="twenty snapshots at its own pace again",
        warm_s=90,
    ),
    Scenario(
        name="leak",
        fault=f"a cache that nobody empties grows by {faults.HOARDED_MB_A_S:g} MB a second",
        alert_type=AlertType.MEMORY_LEAK,
        service="system",
        causes=(f"faults.py:{LEAKING_LINE}",),
        for_s=60,
        growth_s=300,
        growth="a trend over minutes, to be told from a program that warms up",
        happen=inside("leak"),
        resolve_s=300,
        resolve="the trend over the same minutes",
    ),
    Scenario(
        name="cpu-spinner",
        fault="a thread computes without end",
        alert_type=AlertType.CPU_SPIKE,
        service="system",
        causes=("spin_once",),
        for_s=60,
        growth_s=60,
        growth="the mean over a minute",
        happen=inside("cpu_spinner"),
        resolve_s=60,
        resolve="the mean over a minute",
    ),
    Scenario(
        name="full-disk",
        fault="somebody's file takes all of the disk but 100 MB",
        alert_type=AlertType.RESOURCE_EXHAUSTION,
        service="journal",
        causes=("disk_reserve_mb",),
        for_s=0,
        growth_s=3,
        growth="the next feed comes 3 s later at most",
        happen=full_disk,
        resolve_s=30,
        resolve="the next feed that is written",
        place="small disk",
    ),
    Scenario(
        name="blocked-loop",
        fault="a task in the event loop waits for 2 s at a time without letting others go on",
        alert_type=AlertType.PERFORMANCE_DEGRADATION,
        service="api",
        causes=("block_the_loop",),
        for_s=30,
        growth_s=15,
        growth="a period in which it did not turn",
        happen=inside("blocked_loop"),
        resolve_s=60,
        resolve="a period in which it turned",
    ),
)
