from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from end_to_end.instance import instance
from sectorwatch.recordings import AUSTRALIA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.calling import Command
    from end_to_end.instance import Instance


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where temporary directories are made for the demo."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def demo(temporary: Path) -> Iterator[Instance]:
    """`sectorwatch demo` with its beginning played; somebody's settings lie in its folder."""
    (temporary / "sectorwatch.toml").write_text('airspace = ["vatspy:nowhere"]\n')
    env = {"TMPDIR": str(temporary), "SECTORWATCH_DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    with instance("demo", "--port", 0, "--speed", 1_000, cwd=temporary, env=env) as made:
        made.wait_for("/api/status", lambda status: status["seq"] >= 300)
        yield made


def test_it_says_that_it_is_made(demo: Instance) -> None:
    """On the terminal, and in what it answers."""
    assert demo.lines == [f"sectorwatch is at http://127.0.0.1:{demo.port}\n"]
    assert any("nothing in it is real" in line for line in demo.words)
    status = demo.get("/api/status").json()
    assert status["simulated"] is True
    assert status["airspace_made"] is True
    assert "a made recording" in status["statement"]
    assert status["feed"]["source"] == "a made recording of Australia"


def test_there_is_something_to_see(demo: Instance) -> None:
    """What the README asks of it has content."""
    assert demo.get("/api/sectors/YSSY_CTR").json()["sector"]["kind"] == "enroute"
    assert demo.get("/api/flights?airport=YSSY").json()["total"] > 0
    assert demo.get("/api/airports/YSSY/movements").status == 200
    callsign = demo.get("/api/flights").json()["flights"][0]["callsign"]
    assert demo.get(f"/api/flights/{callsign}/track").status == 200


def test_when_the_recording_ends_it_goes_on_serving_and_says_so(demo: Instance) -> None:
    """All 480 snapshots are in, and the last one is served."""
    demo.wait_for("/api/status", lambda status: status["seq"] == 480)
    assert any("The recording has ended" in line for line in demo.words)
    demo.wait_for("/api/status", lambda status: "It has ended" in status["statement"])
    assert demo.get("/api/network/status").json()["pilots"] > 0


def test_it_stops_and_leaves_nothing(demo: Instance, temporary: Path) -> None:
    """Its temporary directory goes with it; what lay beside stays."""
    assert [path for path in temporary.iterdir() if path.name.startswith("sectorwatch-demo-")]
    assert demo.stop() < 5
    assert demo.process.returncode == 0
    assert [path.name for path in temporary.iterdir()] == ["sectorwatch.toml"]


def test_a_directory_that_is_given_is_kept_and_gone_on_with(tmp_path: Path) -> None:
    """The second demo begins where the first one was."""
    words = ("demo", "--port", 0, "--data-dir", "kept")
    with instance(*words, cwd=tmp_path) as made:
        first = made.wait_for("/api/status", lambda status: status["seq"] >= 100)
        made.stop()
    with instance(*words, cwd=tmp_path) as made:
        again = made.wait_for("/api/status", lambda status: status["seq"] >= first["seq"])
        assert again["feed"]["refused"] == {}
        made.stop()


def test_made_and_real_traffic_are_kept_apart(sectorwatch: Command, tmp_path: Path) -> None:
    """`run` on a demo's directory is refused before anything is asked or written."""
    assert sectorwatch("replay", min(AUSTRALIA.iterdir()), "--data-dir", "d").code == 0
    result = sectorwatch("run", "--data-dir", "d")
    assert (result.code, result.out) == (1, "")
    assert "d holds a made network's traffic" in result.err
    assert not (tmp_path / "d/logs").exists()
