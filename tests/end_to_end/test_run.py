from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from asking import TRACED, filled
from end_to_end.instance import instance
from end_to_end.network import Network, serving
from sectorwatch import __version__
from sectorwatch.recordings import AUSTRALIA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.calling import Command
    from end_to_end.instance import Instance


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A made network on loopback."""
    with serving(Network()) as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the instance runs in; its data are in `data`."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def running(network: Network, home: Path) -> Iterator[Instance]:
    """`sectorwatch run` on that network, its first snapshot taken in."""
    with instance("run", "--port", 0, "--feed", f"{network.url}/status.json", cwd=home) as made:
        made.wait_for("/api/status", lambda status: status["seq"] >= 1)
        yield made


def test_it_says_where_it_is(running: Instance) -> None:
    """One line on standard output; what runs there knows its version."""
    assert running.lines == [f"sectorwatch is at http://127.0.0.1:{running.port}\n"]
    status = running.get("/api/status").json()
    assert status["version"] == __version__
    assert status["simulated"] is False
    assert status["feed"]["new"] >= 1
    assert status["feed"]["refused"] == {}


def test_the_network_is_asked_as_it_wishes(running: Instance, network: Network) -> None:
    """At most one fetch of the feed per 15 s, by a name that says who we are."""
    assert running.port
    fetched = network.asked.count("/feed.json")
    assert 1 <= fetched <= 2 + (time.monotonic() - network.begun_s) / 15
    assert all(agent.startswith("sectorwatch/") for agent in network.agents)


def test_every_endpoint_answers(running: Instance) -> None:
    """Each GET of the OpenAPI document gives 200 with content, for names that exist."""
    callsign = running.get("/api/flights").json()["flights"][0]["callsign"]
    sector = running.get("/api/sectors").json()["sectors"][0]["name"]
    paths = running.get("/openapi.json").json()["paths"]
    asked = 0
    running.get("/api/status", correlation_id=TRACED)
    for path, methods in paths.items():
        if "get" not in methods or path == "/api/events/stream":
            continue
        answer = running.get(filled(path, callsign=callsign, sector=sector))
        assert answer.status == 200, (path, answer.body[:300])
        assert answer.body
        assert answer.headers["x-correlation-id"]
        asked += 1
    assert asked >= 20


def test_a_tick_is_followed_from_its_fetch_to_who_was_told(running: Instance) -> None:
    """One correlation id for the request to the network and for all that was made of its answer."""
    # A tick is served a moment before it is told of, and its trace is whole after that.
    asked = "/api/logging/traces?operation=tick"
    traces = running.wait_for(asked, lambda found: found["traces"])["traces"]
    made_of = running.get(f"/api/logging/trace/{traces[-1]['correlation_id']}").json()
    roots = [span["operation"] for span in made_of["spans"]]
    assert roots[-1] == "tick"
    assert "fetch_feed" in roots
    assert {"collector", "journal", "store", "tracker"} <= set(made_of["services"])


def test_what_it_serves_is_what_the_network_said(running: Instance, network: Network) -> None:
    """Every pilot of the feed is there, under no name and another number."""
    sent = network.sent[-1]
    flights = running.wait_for(
        "/api/flights", lambda answer: answer["total"] == len(sent["pilots"])
    )
    assert {each["callsign"] for each in flights["flights"]} == {
        pilot["callsign"] for pilot in sent["pilots"]
    }
    assert not {each["cid"] for each in flights["flights"]} & {
        pilot["cid"] for pilot in sent["pilots"]
    }


def test_what_changes_state_needs_a_key_made_beside_it(
    running: Instance, home: Path, sectorwatch: Command
) -> None:
    """`keys add` works on the data directory of a running instance, and so does `revoke`."""
    path = "/api/services/tracker/restart"
    assert running.get(path, method="POST").status == 401
    beside = ("--data-dir", home / "data")
    key = sectorwatch("keys", "add", "test", "--scope", "operator", *beside).out.strip()
    answer = running.get(path, method="POST", key=key)
    assert answer.status == 200, answer.body
    assert sectorwatch("keys", "revoke", key, *beside).code == 0
    assert running.get(path, method="POST", key=key).status == 401


def test_the_first_operator_key_is_in_its_file(running: Instance, home: Path) -> None:
    """The owner of the machine has a key from the start, that nobody else can read."""
    file = home / "data/operator.key"
    assert file.stat().st_mode & 0o777 == 0o600
    key = file.read_text().strip()
    assert running.get("/api/services/tracker/restart", method="POST", key=key).status == 200


def test_a_second_instance_is_refused(
    running: Instance, home: Path, network: Network, sectorwatch: Command
) -> None:
    """The message names the directory and the process that has it."""
    for words in (("run", "--feed", network.url), ("demo",), ("replay", AUSTRALIA)):
        result = sectorwatch(*words, "--data-dir", home / "data")
        assert (result.code, result.out) == (1, "")
        by = f"{home}/data is in use by process {running.process.pid}"
        assert by in result.err or "holds the real network's traffic" in result.err
        assert "Traceback" not in result.err


def test_a_port_that_is_taken_is_refused(
    running: Instance, network: Network, sectorwatch: Command
) -> None:
    """The message names the port, and the network was not asked for nothing."""
    before = len(network.asked)
    words = ("run", "--port", running.port, "--feed", f"{network.url}/other.json")
    result = sectorwatch(*words)
    assert (result.code, result.out) == (1, "")
    assert f"port {running.port} of 127.0.0.1 is taken" in result.err.splitlines()[-1]
    assert "/other.json" not in network.asked[before:]


def test_others_are_let_in_by_key_and_a_restart_goes_on(
    tmp_path: Path, network: Network, sectorwatch: Command
) -> None:
    """On another address than loopback it wants a key that somebody added, and asks for it.

    SIGTERM ends it within 5 s with code 0; started again it has all it had.
    """
    words = ("run", "--port", 0, "--feed", f"{network.url}/status.json")
    open_to_all = (*words, "--host", "0.0.0.0")  # noqa: S104 - that is the question
    refused = sectorwatch(*open_to_all)
    assert (refused.code, refused.out) == (1, "")
    assert "host is 0.0.0.0" in refused.err.splitlines()[-1]
    assert "keys add" in refused.err.splitlines()[-1]
    key = sectorwatch("keys", "add", "staff", "--scope", "staff").out.strip()
    with instance(*open_to_all, cwd=tmp_path) as made:
        # By its own address on some network the machine is a stranger to itself.
        address = _address()
        locally = address == "127.0.0.1"
        assert made.get("/api/flights", host=address).status == (200 if locally else 401)
        assert made.get("/api/flights", host=address, key=key).status == 200
        before = made.wait_for("/api/status", lambda status: status["seq"] >= 1)
        assert made.stop() < 5
    assert made.process.returncode == 0
    with instance(*words, cwd=tmp_path) as made:
        after = made.wait_for("/api/status", lambda status: status["seq"] >= before["seq"])
        assert after["feed"]["snapshot_time"] >= before["feed"]["snapshot_time"]
        assert made.get("/api/flights").json()["total"] > 0


def test_a_database_that_is_down_at_the_start_is_said_and_waited_for(
    network: Network, tmp_path: Path
) -> None:
    """What comes in goes to the journal meanwhile; the message names the database."""
    env = {"SECTORWATCH_DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/none"}
    words = ("run", "--port", 0, "--feed", f"{network.url}/status.json")
    with instance(*words, cwd=tmp_path, env=env) as made:
        made.wait_for("/api/status", lambda status: status["feed"]["new"] >= 1)
        assert made.get("/livez").status == 200
        assert made.get("/readyz").status == 503
        assert made.stop() < 5
    said = next(line for line in made.words if line.startswith("sectorwatch: "))
    assert "127.0.0.1:1/none did not answer" in said
    assert "journal" in said
    assert "secret" not in "".join(made.words)
    assert any((tmp_path / "data/journal").iterdir())


def _address() -> str:
    """An address of this machine that is not loopback, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: it only asks which address would be used.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
