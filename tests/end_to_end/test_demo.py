from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from asking import TRACED, filled
from end_to_end.instance import instance
from sectorwatch.clock import format_s, parse_us
from sectorwatch.observe import LogCategory
from sectorwatch.recordings import AUSTRALIA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.calling import Command
    from end_to_end.instance import Instance

TOUR = (Path(__file__).resolve().parents[2] / "docs" / "tour.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where temporary directories are made for the demo."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def demo(temporary: Path) -> Iterator[Instance]:
    """`sectorwatch demo` with a day of history; somebody's settings lie in its folder."""
    (temporary / "sectorwatch.toml").write_text('airspace = ["vatspy:nowhere"]\n')
    env = {"TMPDIR": str(temporary), "SECTORWATCH_DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    words = ("demo", "--port", 0, "--history-days", 1, "--speed", 100, "--seed", 7)
    with instance(*words, cwd=temporary, env=env) as made:
        made.wait_for("/api/status", lambda status: (status["history"] or {}).get("complete"), 300)
        yield made


def test_it_says_that_it_is_simulated(demo: Instance) -> None:
    """On the terminal, in what it answers, and on its page."""
    assert demo.lines == [f"sectorwatch is at http://127.0.0.1:{demo.port}\n"]
    assert any("nothing in it is real" in line for line in demo.words)
    status = demo.get("/api/status").json()
    assert status["simulated"] is True
    assert status["airspace_made"] is True
    assert "simulated, not the real network" in status["statement"]
    assert b"Simulated: this shows" in demo.get("/docs").body


def test_every_endpoint_answers_and_those_of_traffic_have_content(demo: Instance) -> None:
    """Whatever the document names can be asked for; what is about traffic says something."""
    callsign = flown_last_evening(demo)
    demo.get("/api/status", correlation_id=TRACED)
    paths = demo.get("/openapi.json").json()["paths"]
    asked: dict[str, Any] = {}
    for path, operations in paths.items():
        if "get" not in operations or path == "/api/events/stream":
            continue
        url = filled(path, callsign=callsign, sector="YSSY_CTR", topic="airports")
        answer = demo.get(url)
        assert answer.status == 200, (url, answer.body)
        assert answer.body, url
        if answer.headers["content-type"].startswith("application/json"):
            asked[path] = answer.json()
    assert asked["/api/flights"]["snapshot_time"]
    assert len(asked["/api/flights/{callsign}/track"]["points"]) > 1
    assert len(evening(demo, "/api/controllers")["controllers"]) > 3
    assert any(sector["owner"] for sector in evening(demo, "/api/sectors")["sectors"])
    assert asked["/api/sectors/{name}"]["sector"]["kind"] == "enroute"
    assert any(each["occupancy"] for each in asked["/api/sectors/{name}/occupancy"]["minutes"])
    assert asked["/api/airports/{icao}/movements"]["movements"]
    assert asked["/api/network/status"]["history"]
    assert asked["/api/coverage"]["sectors"]
    predicted = demo.wait_for("/api/ml/predictions", lambda answer: answer["horizons"])
    assert len(predicted["horizons"]) == 17
    assert max(each["mean"] for each in predicted["horizons"]) > 0
    # Forecasts were issued while the history was flown, and their time has come.
    accuracy = demo.wait_for(
        "/api/ml/accuracy?horizon=1",
        lambda found: (
            any(each["scored"] for each in found["horizons"]) and found["airports"]["scored"]
        ),
    )
    assert accuracy["horizons"][0]["lead_min"] == 60
    assert accuracy["horizons"][0]["mean_absolute_error"] >= 0
    forecasts = demo.get("/api/status").json()["forecasts"]
    assert forecasts["basis"] == "insufficient_history"
    assert forecasts["training"] is None


def test_all_nine_categories_of_the_log_are_there(demo: Instance) -> None:
    """Written by the program itself, of what it did within its first minute."""
    answer = demo.wait_for(
        "/api/logging/analytics", lambda found: len(found["entries_by_category"]) == 9
    )
    assert set(answer["entries_by_category"]) == {category.value for category in LogCategory}
    assert answer["total_entries"] == sum(answer["entries_by_category"].values())
    assert answer["average_performance"] > 0
    lines = demo.get("/api/logging/entries?limit=1000").json()["entries"]
    assert {line["category"] for line in lines} == set(answer["entries_by_category"])


def evening(demo: Instance, path: str) -> Any:
    """What `path` said of the last evening: at night hardly anybody is online, as in reality."""
    now = parse_us(demo.get("/api/status").json()["feed"]["snapshot_time"]) // 1_000_000
    ten = now // 86_400 * 86_400 + 10 * 3_600
    at = format_s(ten if ten < now else ten - 86_400)
    return demo.get(f"{path}?at={at}").json()


def flown_last_evening(demo: Instance) -> str:
    """The callsign of somebody who was in the air then."""
    flights = evening(demo, "/api/flights")["flights"]
    assert len(flights) > 40
    return next(str(each["callsign"]) for each in flights if each["airborne"])


def test_everything_on_the_tour_can_be_asked(demo: Instance) -> None:
    """Whatever docs/tour.md has a newcomer ask for is answered, and with something in it."""
    callsign = flown_last_evening(demo)
    asked = re.findall(
        r"^curl (?:-N )?(?:-H 'X-Correlation-ID: (\S+)' )?'?http://127\.0\.0\.1:8001(/\S*?)'?"
        r"(?: -o /dev/null)?$",
        TOUR,
        re.MULTILINE,
    )
    assert len(asked) == TOUR.count("\ncurl ") > 35
    for correlation_id, path in asked:
        if "/events/stream" in path:
            continue
        if path.startswith("/api/logging/trace/"):
            # Whole once the answer has left; nobody types as fast as this.
            demo.wait_for(path, lambda found: found.get("spans"))
        answer = demo.get(path.replace("CALLSIGN", callsign), correlation_id=correlation_id)
        assert answer.status == 200, (path, answer.body)
        assert len(answer.body) > 40, (path, answer.body)


def test_its_history_is_told_as_it_is_flown(demo: Instance) -> None:
    """All rows of the past came by the pipeline: a snapshot nearly each five minutes."""
    status = demo.get("/api/status").json()
    assert status["history"]["share"] == 1.0
    assert status["feed"]["new"] >= 300
    assert status["feed"]["refused"] == {}


def test_it_stops_and_leaves_nothing(demo: Instance, temporary: Path) -> None:
    """Its temporary directory goes with it; what lay beside stays."""
    assert [path for path in temporary.iterdir() if path.name.startswith("sectorwatch-demo-")]
    assert demo.stop() < 5
    assert demo.process.returncode == 0
    assert [path.name for path in temporary.iterdir()] == ["sectorwatch.toml"]


def test_a_directory_that_is_given_is_kept_and_gone_on_with(
    sectorwatch: Command, tmp_path: Path
) -> None:
    """The second demo begins where the first one was."""
    words = ("demo", "--port", 0, "--data-dir", "kept", "--history-days", 0.1)
    with instance(*words, cwd=tmp_path) as made:
        first = made.wait_for("/api/status", lambda status: status["seq"] >= 20)
        made.stop()
    with instance(*words, cwd=tmp_path) as made:
        again = made.wait_for("/api/status", lambda status: status["seq"] > first["seq"])
        assert again["feed"]["refused"] == {}
        made.stop()
    # What the tour says can be done with it then.
    wanted = re.findall(
        r"sectorwatch ((?:export|rebuild) .*--data-dir demo-data.*)$", TOUR, re.MULTILINE
    )
    assert len(wanted) == 3
    for line in wanted:
        assert sectorwatch(*line.replace("demo-data", "kept").split()).code == 0, line
    assert b"LineString" in (tmp_path / "tracks.geojson").read_bytes()
    assert len((tmp_path / "demand.csv").read_text().splitlines()) > 10


def test_made_and_real_traffic_are_kept_apart(sectorwatch: Command, tmp_path: Path) -> None:
    """`run` on a demo's directory is refused before anything is asked or written."""
    assert sectorwatch("replay", min(AUSTRALIA.iterdir()), "--data-dir", "d").code == 0
    result = sectorwatch("run", "--data-dir", "d")
    assert (result.code, result.out) == (1, "")
    assert "d holds a made network's traffic" in result.err
    assert not (tmp_path / "d/logs").exists()
