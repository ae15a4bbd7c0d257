"""Whatever is sent, the API answers, and never with an error of its own."""

from __future__ import annotations

import dataclasses
import json
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorwatch.web import create_app
from web.system import operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from sectorwatch.runtime import Application
    from web.system import Client, System

PATHS = [
    "/api/status",
    "/api/network/status",
    "/api/flights",
    "/api/flights/{}",
    "/api/flights/{}/track",
    "/api/flights/{}/stats",
    "/api/controllers",
    "/api/atc-positions",
    "/api/sectors",
    "/api/sectors/{}",
    "/api/sectors/{}/occupancy",
    "/api/sectors/{}/flights",
    "/api/airports/{}/movements",
    "/api/traffic/summary",
    "/api/airports/{}/outlook",
    "/api/traffic/trends/{}",
    "/api/statistics",
    "/api/statistics/{}",
    "/api/statistics/routes",
    "/api/statistics/busiest_hours",
    "/api/vatsim/ratings",
    "/api/services/status",
    "/api/services/{}/status",
    "/api/events/analytics",
    "/api/errors/analytics",
    "/api/errors/circuit-breakers",
    "/api/logging/analytics",
    "/api/logging/entries",
    "/api/logging/traces",
    "/api/logging/trace/{}",
    "/api/database/status",
    "/api/performance/profile",
    "/api/performance/queries",
    "/livez",
    "/readyz",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/{}",
]
PARAMETERS = [
    "airport", "by", "callsign", "category", "correlation_id", "cursor", "facility", "format", "from", "hours", "kind",
    "level", "limit", "number", "offset", "operation", "partition", "q", "scope", "sector", "service", "since", "staffed", "to",
    "topics", "until", "",
]  # fmt: skip
ODD = st.sampled_from(
    ["", ".", "..", "/", "//", "%", "%00", "\0", "\r\n", "é", "日本", "\U0001f6e9", "' OR 1=1 --",
     "<script>", "YMML_FIR", "YSSY", "QFA", "store", "network", "csv", "9" * 30, "-1", "1e9", "null", "nan", "٣",
     "-1h", "2026-11-01T09:00:00Z", "true", "json", "a" * 500, "\ud7ff", "\u202e"]
)  # fmt: skip
TEXT = ODD | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def never_ours(client: Client, method: str, path: str) -> None:
    """The answer is whole and blames the request, if anybody."""
    answer = client.ask(method, path, operator())
    assert answer.status < 500, (method, path, answer.body[:300])
    if answer.status >= 400 and method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json", path
        assert answer.json()["detail"]


@given(
    path=st.sampled_from(PATHS),
    name=TEXT,
    query=st.lists(st.tuples(st.sampled_from(PARAMETERS), TEXT), max_size=4),
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE"]),
)
@settings(max_examples=600)
def test_no_name_and_no_parameter_breaks_a_route(
    client: Client, path: str, name: str, query: list[tuple[str, str]], method: str
) -> None:
    """Any text in any place of any route is answered with 2xx, 3xx or 4xx."""
    pairs = "&".join(f"{quote(key)}={quote(value)}" for key, value in query)
    filled = path.replace("{}", quote(name, safe=""))
    never_ours(client, method, f"{filled}?{pairs}" if pairs else filled)


@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
@settings(max_examples=200)
def test_no_raw_query_breaks_the_fast_lane(client: Client, query: str) -> None:
    """Half escapes, doubled names, lone signs: the lane and the framework agree that it is odd."""
    never_ours(client, "GET", f"/api/flights?{query.replace('#', '')}")


NAMES = [
    "G/ABC",
    "ÄÖÜ1",
    "日本航空1",
    "X Y",
    "%41",
    "50%",
    "a?b",
    "#1",
    "/",
    "..",
    "\\",
]


@pytest.fixture(scope="module")
def oddly_named(system: System) -> Iterator[Client]:
    """The instance with flights whose callsigns are what somebody could type."""
    tick = system.application.latest
    assert tick is not None
    live = tick.live
    flights = [
        msgspec.structs.replace(flight, callsign=name)
        for flight, name in zip(live.flights, NAMES, strict=False)
    ]
    odd = dataclasses.replace(
        tick, live=dataclasses.replace(live, flights=[*flights, *live.flights[len(NAMES) :]])
    )

    def with_them(application: Application) -> ASGIApp:
        application.pipeline = SimpleNamespace(latest=odd)  # type: ignore[assignment]
        return create_app(application)

    with system.served_as(factory=with_them) as client:
        yield client


@pytest.mark.parametrize("name", NAMES)
def test_a_callsign_may_have_any_letter_in_it(oddly_named: Client, name: str) -> None:
    """Slashes, spaces, percent signs, other alphabets: each flight is found under its own name."""
    path = f"/api/flights/{quote(name, safe='')}"
    found = oddly_named.get(path)
    assert found.status == 200, found.body
    assert found.json()["callsign"] == name
    assert oddly_named.get(f"{path}/track").json()["callsign"]
    assert oddly_named.get(f"{path}/stats").status == 200
    filtered = oddly_named.get(f"/api/flights?callsign={quote(name, safe='')}").json()
    assert name in [flight["callsign"] for flight in filtered["flights"]]


def exchange(client: Client, sent: bytes, *, limit: int = 1_000_000, quiet_s: float = 0.5) -> bytes:
    """Send bytes on a connection of their own, and take what comes until it is closed or quiet."""
    with socket.create_connection((client.host, client.port), timeout=60) as connection:
        got = b""
        try:
            connection.sendall(sent)
            connection.settimeout(quiet_s)
            while len(got) < limit and (part := connection.recv(65_536)):
                got += part
        except (ConnectionError, TimeoutError):
            pass
        return got


@given(st.binary(max_size=200))
@settings(max_examples=25)
def test_bytes_that_are_no_request_are_refused(client: Client, sent: bytes) -> None:
    """400 or nothing; the next one is served."""
    got = exchange(client, sent + b"\r\n\r\n")
    assert got == b"" or got.startswith(b"HTTP/1.1 4")
    assert client.get("/livez").status == 200


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET * HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET http://evil.example/api/flights HTTP/1.1",
        b"CONNECT evil.example:443 HTTP/1.1",
        b"GET /api/flights?\xff\xfe HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET //evil.example/%2e%2e/ HTTP/1.1",
        b"GET /api/flights/%ff%fe HTTP/1.1",
        b"TRACE / HTTP/1.1",
        b"GET /api/flights HTTP/1.0",
        b"GET /api/flights HTTP/9.9",
    ],
)
def test_an_odd_request_line_is_answered_or_refused(client: Client, request_line: bytes) -> None:
    """Never with an error of ours, and never with somebody else's content."""
    got = exchange(client, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = int(got.split(b" ")[1]) if got else 400
    assert status < 500
    assert b"evil.example" not in got.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
    ids=["a path", "a header", "many headers"],
)
def test_what_is_far_too_long_is_not_taken_in(client: Client, head: bytes) -> None:
    """431, or an end while it is still being sent; what is only long is a name nobody has."""
    got = exchange(client, head)
    assert got == b"" or got.startswith(b"HTTP/1.1 431 ")
    assert client.get("/livez").status == 200
    assert client.get("/api/flights/" + "x" * 30_000).status == 422
    assert client.get("/" + "x" * 30_000).status == 404
    assert len(client.get("/" + "x" * 30_000).body) < 1_000


def test_a_body_nobody_asked_for_is_ignored(client: Client) -> None:
    """A GET with one is a GET; a POST with a long one is answered without taking it in."""
    body = b"x" * 500_000
    head = (
        f"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    got = exchange(client, head.encode() + body, quiet_s=60)
    assert got.startswith(b"HTTP/1.1 200")
    assert client.get("/livez").status == 200


def test_json_that_is_sent_is_not_read(client: Client) -> None:
    """What changes state takes no body: a broken one changes nothing about it."""
    answer: Any = client.ask("POST", "/api/services/nobody/restart", operator())
    assert answer.status == 404
    assert json.loads(answer.body)["nearest"]
