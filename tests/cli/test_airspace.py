from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import orjson
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.calling import Command

SQUARES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": name, "low": low, "high": "FL300"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, 0], [x + 2, 0], [x + 2, 2], [x, 2], [x, 0]]],
            },
        }
        for name, x, low in (("WEST", 0, "GND"), ("EAST", 1.5, "GND"), ("LOST", 9, "high up"))
    ],
}
SPEC = "geojson:squares.geojson?name=name&floor=low&ceiling=high"


@pytest.fixture
def squares(tmp_path: Path) -> None:
    """Two squares that overlap, and one whose floor cannot be read."""
    (tmp_path / "squares.geojson").write_bytes(orjson.dumps(SQUARES))


@pytest.mark.usefixtures("squares")
def test_a_check_says_what_a_data_set_holds_and_what_is_wrong(sectorwatch: Command) -> None:
    """What was got round is counted and shown; it is no failure."""
    result = sectorwatch("airspace", "check", SPEC, "--json")
    found = result.json()
    assert result.code == 0
    [partition] = found["partitions"]
    assert (partition["sectors"], partition["overlaps_partial"]) == (2, 1)
    assert found["problem_counts"] == {"bad_level": 1}


@pytest.mark.usefixtures("squares")
def test_a_check_is_readable(sectorwatch: Command) -> None:
    """The same as tables, nothing folded where no terminal is."""
    result = sectorwatch("airspace", "check", SPEC)
    for words in ("squares:enroute: sectors that overlap in part", "WEST", "bad_level", "LOST",
                  "'high up' is no level such as 24500, FL245, GND or UNL"):  # fmt: skip
        assert words in result.out
    assert "docs/airspace.md" in result.err


def test_the_made_airspace_says_that_it_is_made(sectorwatch: Command) -> None:
    """Nobody should take its sectors for real."""
    result = sectorwatch("airspace", "check", "made:australia", "--all")
    assert result.code == 0
    assert "it is made, not real" in result.out
    assert "made:enroute: places amid sectors that none has" in result.out


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("vatspy:nowhere", "nowhere/VATSpy.dat is not there"),
        ("vatspi:nowhere", "did you mean vatspy?"),
        ("nowhere", "there is no colon in it"),
        ("geojson:squares.geojson?name=colour", "no feature has a property 'colour'"),
    ],
)
@pytest.mark.usefixtures("squares")
def test_what_cannot_be_read_fails_in_words(sectorwatch: Command, spec: str, words: str) -> None:
    """Code 1, the value, and what to do."""
    result = sectorwatch("airspace", "check", spec)
    assert (result.code, result.out) == (1, "")
    assert words in result.err


VATSPY = {
    "Boundaries.geojson": orjson.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"id": "XXXX"},
                    "geometry": {
                        "type": "Polygon",
                        "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]],
                    },
                }
            ],
        }
    ),
    "VATSpy.dat": b"[FIRs]\nXXXX|Made Centre|XX|XXXX\n",
}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A server on loopback that has a made VATSpy data set."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in VATSPY.items():
        (folder / name).write_bytes(content)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_data_set_is_fetched_and_can_be_used(
    sectorwatch: Command, mirror: str, tmp_path: Path
) -> None:
    """It lands in airspace/NAME, with its licence beside it, and the SPEC to use it is printed."""
    options = [f"--address={name}={mirror}/{name}" for name in VATSPY]
    result = sectorwatch("airspace", "fetch", "vatspy", *options)
    assert (result.code, result.out) == (0, "vatspy:airspace/vatspy\n")
    assert "CC BY-SA 4.0" in result.err
    assert (tmp_path / "airspace/vatspy/source.json").is_file()
    assert sectorwatch("airspace", "check", result.out.strip()).code == 0


def test_a_fetch_that_fails_leaves_nothing(
    sectorwatch: Command, mirror: str, tmp_path: Path
) -> None:
    """An address that is wrong is named."""
    options = [f"--address={name}={mirror}/gone/{name}" for name in VATSPY]
    result = sectorwatch("airspace", "fetch", "vatspy", "--to", "here", *options)
    assert result.code == 1
    assert f"{mirror}/gone/Boundaries.geojson answered 404" in result.err
    assert not (tmp_path / "here").exists()


def test_an_unknown_name_is_said_with_those_that_are_known(sectorwatch: Command) -> None:
    """Nothing is asked of anybody."""
    result = sectorwatch("airspace", "fetch", "mars")
    assert result.code == 1
    assert "'mars' cannot be fetched; known are vatspy, vatsys-australia" in result.err


@pytest.mark.real_data
def test_the_world_is_checked(sectorwatch: Command, real_data: Path) -> None:
    """VATSpy's real data, with all their traps, can be read and are told of."""
    result = sectorwatch("airspace", "check", f"vatspy:{real_data}/airspace/vatspy", "--json")
    kinds = result.json()["problem_counts"]
    assert result.code == 0
    assert sum(kinds[kind] for kind in ("identical_copy", "misplaced_copy", "repeated_name")
               if kind in kinds) == 6  # fmt: skip
