"""The scenarios: each fault that the product says it notices, caused for real."""

from __future__ import annotations

import inspect
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sectorwatch.gameday import faults
from sectorwatch.gameday.places import ballast
from sectorwatch.gameday.scenario import Scenario
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
def database_stopped(stage: Stage) -> Iterator[None]:
    """PostgreSQL goes down at once, as with the machine it is on."""
    assert stage.postgres is not None  # noqa: S101 - set up with one
    stage.postgres.stop()
    try:
        yield
    finally:
        stage.postgres.start()


@contextmanager
def full_disk(stage: Stage) -> Iterator[None]:
    """Somebody's file takes nearly all of the disk."""
    with ballast(stage.data_dir, _LEFT_MB):
        yield


_LINES, _FIRST = inspect.getsourcelines(faults.hoard_answers)
LEAKING_LINE = _FIRST + next(at for at, line in enumerate(_LINES) if "the leaking line" in line)
"""Where the leak takes its memory, in `faults.py`."""

_RESTART = "the pause before the last start, up to 30 s, and a minute without a death"
_LEFT_ALONE = "a server that failed five times is left alone for 30 s, and one of it asked then"

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="service-dies",
        fault="the ingestion thread dies over each feed, again and again",
        rule="service_crashed",
        service="collector",
        causes=("cannot survive",),
        growth_s=3,
        growth="the next feed comes 3 s later at most",
        happen=inside("dying_collector"),
        resolve_s=90,
        resolve=_RESTART,
    ),
    Scenario(
        name="service-stays-down",
        fault="the maintenance thread dies once, and cannot be started again",
        rule="service_crashed",
        service="maintenance",
        causes=("cannot be started again",),
        growth_s=5,
        growth="it looks what is due every 5 s, and dies then",
        happen=inside("maintenance_that_stays_down"),
        resolve_s=90,
        resolve=_RESTART,
    ),
    Scenario(
        name="feed-down",
        fault="the network's server listens no more",
        rule="feed_failing",
        service="collector",
        causes=("does not answer", "our network is fine"),
        growth_s=63,
        growth="the next fetch comes 3 s later at most, and a minute without a feed is none",
        happen=feed_down,
        resolve_s=45,
        resolve=_LEFT_ALONE,
    ),
    Scenario(
        name="feed-slow",
        fault="the network's server answers after 30 s",
        rule="feed_failing",
        service="collector",
        causes=("too slowly", "our network is fine"),
        growth_s=63,
        growth="the next fetch comes 3 s later at most, and a minute from its begin is none",
        happen=serving("slow"),
        resolve_s=60,
        resolve=_LEFT_ALONE + "; one that is under way has 10 s",
    ),
    Scenario(
        name="our-network-away",
        fault="neither the network's server nor anybody else can be reached",
        rule="feed_failing",
        service="collector",
        causes=("our own network is down",),
        growth_s=63,
        growth="the next fetch comes 3 s later at most, and a minute without a feed is none",
        happen=our_network_away,
        resolve_s=45,
        resolve=_LEFT_ALONE,
    ),
    Scenario(
        name="feed-garbage",
        fault="the network's server answers with a page that is no JSON",
        rule="error_rate",
        service="collector",
        causes=("accept", "not with an object"),
        growth_s=25,
        growth="errors of a feed, 3 s apart, are a tenth of all of 5 min after half a minute",
        happen=serving("garbage"),
        resolve_s=300,
        resolve="the share of the last 5 min counts",
    ),
    Scenario(
        name="database-locked",
        fault="another process holds the database locked",
        rule="database_down",
        service="store",
        causes=("locked",),
        growth_s=13,
        growth="asked every 5 s, it is waited for 2 s; then 2 s without an answer are none",
        happen=database_locked,
        resolve_s=30,
        resolve="the breaker's longest pause, 15 s, and the next question",
    ),
    Scenario(
        name="database-gone",
        fault="the database's files are moved away",
        rule="database_down",
        service="store",
        causes=("moved",),
        growth_s=7,
        growth="asked every 5 s; then 2 s without an answer are none",
        happen=database_gone,
        resolve_s=30,
        resolve="the breaker's longest pause, 15 s, and the next question",
    ),
    Scenario(
        name="database-stopped",
        fault="PostgreSQL is stopped",
        rule="database_down",
        service="store",
        causes=("postgresql", "not answer"),
        growth_s=12,
        growth="asked every 10 s; then 2 s without an answer are none",
        happen=database_stopped,
        resolve_s=30,
        resolve="the breaker's longest pause, 15 s, and the next question",
        place="postgresql",
    ),
    Scenario(
        name="error-burst",
        fault="the tracker raises over two of three snapshots",
        rule="error_rate",
        service="tracker",
        causes=("advance", "cannot follow"),
        growth_s=25,
        growth="two of three, 3 s apart, are a tenth of all of 5 min after half a minute",
        happen=inside("failing_tracker"),
        resolve_s=300,
        resolve="the share of the last 5 min counts",
    ),
    Scenario(
        name="slow-operation",
        fault="following a snapshot takes 0.4 s longer than it did",
        rule="operation_slow",
        service="tracker",
        causes=("advance",),
        growth_s=75,
        growth="the median of 90 s is slow after half of them, and looked at every 15 s",
        happen=inside("slow_tracker"),
        resolve_s=75,
        resolve="the median of the last 90 s is well after half of them",
        warm_s=360,
        settings={"slowdown_warm_up_s": 60},
    ),
    Scenario(
        name="leak",
        fault=f"a cache that nobody empties grows by {faults.HOARDED_MB_A_S:g} MB a second",
        rule="memory_leak",
        service="system",
        causes=(f"faults.py:{LEAKING_LINE}",),
        growth_s=165,
        growth="it grows steadily for 150 s, and allocations are then traced for 10 s",
        happen=inside("leak"),
        resolve_s=165,
        resolve="it grows no more in the last 150 s",
        warm_s=100,
    ),
    Scenario(
        name="cpu-spinner",
        fault="a thread computes without end",
        rule="cpu_spike",
        service="system",
        causes=("spin_once",),
        growth_s=40,
        growth="30 s without a pause, looked at every 5 s, and a profile of 4 s",
        happen=inside("cpu_spinner"),
        resolve_s=25,
        resolve="15 s without it, looked at every 5 s",
        warm_s=60,
    ),
    Scenario(
        name="full-disk",
        fault="somebody's file takes all of the disk but 100 MB",
        rule="disk_low",
        service="journal",
        causes=("are free", "disk_reserve_mb"),
        growth_s=5,
        growth="room is looked at every 5 s",
        happen=full_disk,
        resolve_s=10,
        resolve="room is looked at every 5 s",
        place="small disk",
        also={"service_down of journal": "below its reserve nothing is written, and it says so"},
    ),
    Scenario(
        name="blocked-loop",
        fault="a task in the event loop waits for 2 s at a time without letting others go on",
        rule="loop_blocked",
        service="api",
        causes=("block_the_loop",),
        growth_s=5,
        growth="the first time that it stands still is 2 s long",
        happen=inside("blocked_loop"),
        resolve_s=30,
        resolve="what it stood still for at most in 15 s is told every 15 s",
    ),
)
