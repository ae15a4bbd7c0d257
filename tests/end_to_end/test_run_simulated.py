"""`sectorwatch run --simulated` on a made network over real HTTP, as fast as it keeps up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from end_to_end.instance import failing, instance
from runtime.world import contents, settings_for
from sectorwatch.airspace import load_airspace
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.feed.journal_reader import journal_headers
from sectorwatch.observe import Telemetry
from sectorwatch.recordings import MASKING_KEY
from sectorwatch.runtime import replay
from sectorwatch.simulator import MadeTimetable, Network, SimulatedSource
from sectorwatch.simulator.server import NetworkServer
from sectorwatch.store import DataDirectory, schema
from sectorwatch.store.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from end_to_end.instance import Instance

# A moment long ago, so that nothing here can pass by the wall clock.
START_S = 981_108_000
FEEDS = 60
HURRY = {
    "SECTORWATCH_FETCH_INTERVAL_S": "0",
    "SECTORWATCH_TRANSCEIVERS_INTERVAL_S": "0.2",
    "SECTORWATCH_LOG_LEVEL": "WARNING",
}


def network() -> Network:
    """A made network, 15 minutes long."""
    return Network(
        MadeTimetable("australia", seed=5, peak_airborne=60),
        load_airspace(["made:australia"]),
        seed=5,
        start_s=START_S,
        end_s=START_S + 15 * FEEDS,
        stations=15.0,
    )


@pytest.fixture(scope="module")
def server() -> Iterator[NetworkServer]:
    """That network in lockstep."""
    with NetworkServer(network(), lockstep=True) as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it runs."""
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def running(server: NetworkServer, home: Path) -> Iterator[Instance]:
    """The program on that network, all of it taken in."""
    words = ("run", "--simulated", "--port", 0, "--feed", server.url)
    with instance(*words, cwd=home, env=HURRY) as made:
        made.wait_for("/api/status", lambda status: status["seq"] >= FEEDS)
        yield made


def test_every_feed_is_taken_however_fast(running: Instance) -> None:
    """None is left out, none refused, though they are of another century."""
    feed = running.get("/api/status").json()["feed"]
    assert feed["new"] == FEEDS
    assert feed["refused"] == {}
    assert feed["age_s"] < 60


def test_it_says_that_it_is_simulated(running: Instance, home: Path) -> None:
    """The status, the first words, and the journal."""
    status = running.get("/api/status").json()
    assert status["simulated"] is True
    assert "simulated" in "".join(running.words)
    headers = list(journal_headers(home / "data" / "journal"))
    assert headers
    assert all(header.simulated for header in headers)


def test_flights_controllers_and_transceivers_came_through(running: Instance) -> None:
    """What the network has is served."""
    assert running.get("/api/flights").json()["flights"]
    controllers = running.get("/api/controllers").json()["controllers"]
    assert controllers


def test_real_traffic_does_not_get_into_its_directory(running: Instance, home: Path) -> None:
    """Without the setting its directory is refused, and so are its feeds in another one."""
    assert running.port
    code, _, words = failing("run", "--port", 0, "--data-dir", home / "data", cwd=home)
    assert code == 1
    assert "a made network's traffic" in words


def test_its_feeds_are_refused_where_the_real_network_is_meant(
    server: NetworkServer, tmp_path: Path, running: Instance
) -> None:
    """A forgotten setting mixes nothing: the feed is refused, and why is said."""
    assert running.port
    with instance("run", "--port", 0, "--feed", server.url, cwd=tmp_path) as real:
        status = real.wait_for("/api/status", lambda status: status["feed"]["refused"])
    assert status["feed"]["refused"] == {"made": 1}
    assert status["simulated"] is False
    assert status["seq"] == 0


def test_a_network_elsewhere_is_not_asked_so_often(tmp_path: Path) -> None:
    """Only this machine may be asked more often than every 15 s."""
    code, _, words = failing("run", cwd=tmp_path, env={"SECTORWATCH_FETCH_INTERVAL_S": "5"})
    assert code == 1
    assert "status.vatsim.net" in words
    assert "not on this machine" in words


def test_flown_served_and_replayed_the_tables_are_equal(
    running: Instance, home: Path, tmp_path: Path
) -> None:
    """The network itself, a run over HTTP, and that run's journal: the same rows three times.

    When transceivers were fetched is the client's affair, and so is who was in contact: that is
    equal in the run and in its journal's replay.
    """
    running.stop()
    settings = settings_for(tmp_path / "replayed")
    replay(settings, ArchiveSource([home / "data" / "journal"]), telemetry=Telemetry.null())
    served, replayed = contents(home / "data"), contents(tmp_path / "replayed")
    assert served == replayed
    assert served["contact"]
    with DataDirectory.open(tmp_path / "flown") as directory:
        write_durably(directory.masking_key, f"{MASKING_KEY.hex()}\n".encode())
    source = SimulatedSource(network())
    replay(settings_for(tmp_path / "flown"), source, telemetry=Telemetry.null())
    flown = contents(tmp_path / "flown")
    assert without_contact(flown) == without_contact(served)


def without_contact(rows: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on transceivers, nor on when a feed was received."""
    column = [each.name for each in schema.demand.columns].index("in_contact")
    received = {"plan_revision": "received_at_us", "prefile": "received_at_us"}
    left = {name: each for name, each in rows.items() if name != "contact"}
    left["demand"] = sorted(row[:column] + row[column + 1 :] for row in rows["demand"])
    for name, dropped in received.items():
        at = [each.name for each in schema.metadata.tables[name].columns].index(dropped)
        left[name] = sorted((row[:at] + row[at + 1 :] for row in rows[name]), key=repr)
    return left
