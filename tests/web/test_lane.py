"""The fast lane."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.web import create_app
from sectorwatch.web.lane import plain_query

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sectorwatch.runtime import Application
    from web.system import System


@given(st.binary(max_size=60))
def test_a_query_that_is_read_is_read_as_everybody_reads_it(query: bytes) -> None:
    """Whatever the bytes: None, or exactly what the standard library makes of them."""
    found = plain_query(query)
    if found is not None:
        assert list(found.items()) == parse_qsl(query.decode("ascii"), keep_blank_values=True)


@pytest.mark.parametrize(
    "query",
    [b"a=%41", b"a=b+c", b"a=1;b=2", b"a=1&a=2", b"a", b"a=", b"&", b"a=1&", b"a=\xff"],
)
def test_a_query_out_of_the_ordinary_is_left_alone(query: bytes) -> None:
    """The framework reads it."""
    assert plain_query(query) is None


def test_both_ways_give_the_same(system: System) -> None:
    """By the lane or through the framework: the same bytes, ETag and headers."""

    def without_lane(application: Application) -> ASGIApp:
        app = create_app(application)
        app._app._lanes.clear()  # type: ignore[attr-defined]
        app._app._app.state.hot._boot = BOOT  # type: ignore[attr-defined]
        return app

    def with_lane(application: Application) -> ASGIApp:
        app = create_app(application)
        app._app._app.state.hot._boot = BOOT  # type: ignore[attr-defined]
        return app

    paths = [
        "/api/flights",
        "/api/flights?airport=YSSY",
        "/api/flights?callsign=qf&sector=YMML_FIR",
        "/api/flights?airport=NONE",
        "/api/sectors",
        "/api/controllers",
        "/api/atc-positions",
        "/api/flights?sector=NOWHERE",
        "/api/flights?airport=TOOLONGANAME",
        "/api/flights?colour=red",
        "/api/sectors?kind=fir",
    ]
    with (
        system.served_as(factory=without_lane) as slow,
        system.served_as(factory=with_lane) as fast,
    ):
        for path in paths:
            for headers in ({}, {"accept-encoding": "gzip"}):
                fast.get(path)
                answers = [client.ask("GET", path, headers) for client in (slow, fast)]
                for answer in answers:
                    for changing in ("x-correlation-id", "date"):
                        answer.headers.pop(changing)  # type: ignore[attr-defined]
                one, other = answers
                if one.status == 200:
                    assert one == other, path
                else:
                    assert one.status == other.status


BOOT = "00000000"


def test_a_lane_is_taken_when_the_answer_lies_ready(system: System) -> None:
    """The first request after a tick builds; those after it do not pass through the framework."""
    apps: list[ASGIApp] = []

    def watched(application: Application) -> ASGIApp:
        app = create_app(application)
        inner, count = app._app._app, [0]  # type: ignore[attr-defined]

        async def counting(scope: object, receive: object, send: object) -> None:
            count[0] += scope["type"] == "http"  # type: ignore[index]
            await inner(scope, receive, send)

        app._app._app = counting  # type: ignore[attr-defined]
        apps.append(count)  # type: ignore[arg-type]
        return app

    with system.served_as(factory=watched) as client:
        through: list[int] = apps[0]  # type: ignore[assignment]
        for path, expected in [
            ("/api/flights", 1),
            ("/api/flights", 1),
            ("/api/flights?airport=YSSY", 1),
            ("/api/flights?airport=YSSY&limit=2", 2),
            ("/api/flights?airport=%59SSY", 3),
            ("/api/sectors", 4),
            ("/api/sectors", 4),
        ]:
            assert client.get(path).status == 200
            assert through[0] == expected, path
        assert client.get("/api/flights", accept_encoding="gzip").status == 200
        assert through[0] == 5, "the first who takes it compressed has it compressed"
        assert client.get("/api/flights", accept_encoding="gzip").status == 200
        assert client.ask("HEAD", "/api/flights").status == 200
        assert through[0] == 5
        assert client.get("/api/flights", via="1.1 proxy").status == 401
        assert through[0] == 6
        system.tick()
        assert client.get("/api/flights").status == 200
        assert through[0] == 7
