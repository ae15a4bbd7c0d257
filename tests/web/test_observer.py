"""What happens around every request."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import socket
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from sectorwatch.observe import LogLevel, PerformanceMetric, Telemetry
from sectorwatch.web import create_app
from sectorwatch.web.observer import RequestObserver

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sectorwatch.runtime import Application
    from web.system import Client, System

EVERYWHERE = [
    "/api/status",
    "/api/flights",
    "/metrics",
    "/docs",
    "/nothing",
    "/api/flights?limit=x",
]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_has_an_id_and_protecting_headers(client: Client, path: str) -> None:
    """Good or bad, from the fast lane or not: an id, no sniffing, no referrer, nothing embedded."""
    answers = [client.get(path) for _ in range(2)]
    ids = {answer.headers["x-correlation-id"] for answer in answers}
    assert len(ids) == 2
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_the_callers_own_id_is_kept(client: Client, path: str) -> None:
    """An id, or the trace of a traceparent; the id where both came; neither where it is no id."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    given = {
        "tick-7": {"x-correlation-id": "tick-7"},
        trace: {"traceparent": parent},
        "own.1": {"traceparent": parent, "x-correlation-id": "own.1"},
    }
    for expected, headers in given.items():
        assert client.ask("GET", path, headers).headers["x-correlation-id"] == expected
    for odd in ("a b", "x" * 65, "<script>", "", "é"):
        headers = {"x-correlation-id": odd}
        assert len(client.ask("GET", path, headers).headers["x-correlation-id"]) == 32
    for bad in ("00-0-0-0", f"00-{'0' * 32}-00f067aa0ba902b7-01", "nonsense"):
        assert client.ask("GET", path, {"traceparent": bad}).headers["x-correlation-id"] != trace


def test_an_id_goes_along_into_threads(system: System) -> None:
    """A line written in another thread on behalf of a request carries the request's id."""
    log = system.application.telemetry.log

    class Keys:
        def verify(self, key: str) -> frozenset[str]:
            del key
            log.log_operation("look_up", LogLevel.WARNING, thread=threading.current_thread().name)
            return frozenset({"operator"})

    def with_them(application: Application) -> ASGIApp:
        return create_app(dataclasses.replace(application, keys=Keys()))  # type: ignore[arg-type]

    with system.served_as(factory=with_them, base_url="https://sectors.example") as client:
        headers = {"Authorization": "Bearer any", "X-Correlation-ID": "find-me"}
        assert client.ask("GET", "/api/status", headers).status == 200
    (line,) = log.search(correlation_id="find-me")
    assert line["operation"] == "look_up"
    assert "AnyIO" in line["thread"]


@pytest.mark.parametrize(
    "path", ["/api/status", "/api/flights", "/metrics", "/docs", "/api/sectors/YMML_FIR"]
)
def test_a_head_is_a_get_without_its_body(client: Client, path: str) -> None:
    """The same status and headers, its length included."""
    head, get = client.ask("HEAD", path), client.get(path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers.get("etag") == get.headers.get("etag") or path == "/api/status"
    assert int(head.headers["content-length"]) > 0


def test_a_head_of_what_is_not_there_says_so(client: Client) -> None:
    """404 without a body, and a HEAD of what only changes state is refused."""
    assert client.ask("HEAD", "/nothing").status == 404
    assert client.ask("HEAD", "/nothing").body == b""
    assert client.ask("HEAD", "/api/services/collector/restart").status == 405


@pytest.mark.parametrize("path", ["/api/flights", "/api/sectors/YMML_FIR", "/docs"])
def test_options_says_what_there_is(client: Client, path: str) -> None:
    """204 with Allow, and nothing that lets a page of another origin in."""
    answer = client.ask(
        "OPTIONS",
        path,
        {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"},
    )
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.ask("OPTIONS", "/nothing").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/flights",
        "/api/flights?airport=YSSY",
        "/api/flights?airport=YSSY&limit=3",
        "/api/controllers",
        "/api/atc-positions",
        "/api/sectors",
        "/api/sectors?staffed=true",
        "/api/sectors/YMML_FIR",
        "/api/sectors/YMML_FIR/flights",
        "/api/sectors/YMML_FIR/occupancy",
        "/api/network/status",
        "/api/vatsim/ratings",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_is_held_is_not_sent_again_until_it_changes(client: Client, path: str) -> None:
    """An ETag, 304 for it by every way in, and the same ETag each time while no tick comes."""
    first = client.get(path)
    etag = first.headers["etag"]
    for _ in range(2):
        again = client.get(path, if_none_match=etag)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["x-correlation-id"]
    assert client.get(path, if_none_match='W/"other"').body == first.body


def test_a_tick_changes_what_was_held(system: System) -> None:
    """The list, a filter and a sector are new after a tick, and say so."""
    client = system.client
    paths = [
        "/api/flights",
        "/api/flights?airport=YSSY",
        "/api/sectors",
        "/api/sectors/YMML_FIR/flights",
    ]
    before = {path: client.get(path) for path in paths}
    system.tick()
    for path in paths:
        after = client.get(path, if_none_match=before[path].headers["etag"])
        assert after.status == 200
        assert after.json()["snapshot_time"] > before[path].json()["snapshot_time"]
        assert client.get(path).body == after.body


@pytest.mark.parametrize(
    "path",
    [
        "/api/flights",
        "/api/flights?airport=YSSY",
        "/api/sectors",
        "/api/sectors/YMML_FIR/occupancy",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_is_long_goes_out_compressed_to_who_takes_it(client: Client, path: str) -> None:
    """The same content and ETag, in fewer bytes; who takes none gets it plain."""
    plain = client.get(path)
    for _ in range(2):
        packed = client.get(path, accept_encoding="gzip, br")
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 2
        assert packed.headers["etag"] == plain.headers["etag"]
        assert "Accept-Encoding" in packed.headers["vary"]
    assert "content-encoding" not in client.get(path, accept_encoding="gzip;q=0").headers


def _measured(client: Client) -> tuple[str, set[str]]:
    """What `/metrics` says, and the routes whose requests it has timed."""
    text = client.get("/metrics").body.decode()
    told = "sectorwatch_api_request_duration"
    lines = [line for line in text.splitlines() if line.startswith(told)]
    return text, {line.split('route="')[1].split('"')[0] for line in lines if 'route="' in line}


def test_requests_are_measured_by_route_not_by_name(system: System) -> None:
    """A thousand callsigns are one series, also where they are wrong."""
    client = system.client
    for name in ("A1", "B2", "C3/D4"):
        client.get(f"/api/flights/{name}")
    client.get("/api/flights")
    client.get("/nothing-of-the-kind")
    # A method that HTTP has and we have not.
    client.ask("PROPFIND", "/api/flights")
    wanted = {"/api/flights/{callsign}", "/api/flights", "unmatched"}
    # A request is measured once its answer has left, which its client may be quicker to read.
    system.wait_for(lambda: wanted <= _measured(client)[1])
    system.wait_for(lambda: 'method="other"' in _measured(client)[0])
    text, routes = _measured(client)
    assert not [route for route in routes if "A1" in route or "nothing" in route]
    assert "PROPFIND" not in text


def observed(app: object, scope: Scope, telemetry: Telemetry | None = None) -> list[Message]:
    """What an application behind an observer sends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def run() -> None:
        observer = RequestObserver(app, telemetry=telemetry or Telemetry.null(), slow_s=1.0)  # type: ignore[arg-type]
        await observer(scope, receive, send)

    asyncio.run(run())
    return sent


SCOPE: dict[str, object] = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "raw_path": b"/",
    "root_path": "",
    "headers": [],
}


def test_an_answer_that_breaks_off_is_not_made_another() -> None:
    """What is out is out: the server cuts the connection, and no second answer is begun."""

    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("halfway")

    sent = observed(breaks, dict(SCOPE))
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_an_error_before_the_answer_is_told_as_a_problem() -> None:
    """Whatever stands behind it, the caller gets a 500 with an id."""

    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        raise ValueError("at once")

    start, body = observed(breaks, dict(SCOPE))
    assert start["status"] == 500
    assert b"at once" not in body["body"]
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"


def test_a_request_that_fails_counts_as_a_failed_operation_of_its_route() -> None:
    """A 5xx and an error are failures of the route, a 404 is an answer; bytes are counted."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["path"] == "/raises":
            raise ValueError("at once")
        status = int(scope["path"][1:])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"12345"})

    telemetry = Telemetry.open(sinks=[])
    for path in ("/200", "/404", "/503", "/raises"):
        observed(app, {**SCOPE, "path": path}, telemetry)
    summary = telemetry.performance.get_metric_summary
    failed = summary("unmatched", "api", PerformanceMetric.ERROR_RATE)
    assert (failed["count"], failed["avg"]) == (4, 0.5)
    assert summary("unmatched", "api", PerformanceMetric.RESPONSE_TIME)["count"] == 4
    telemetry.metrics.collect()
    assert telemetry.metrics.get_metric_summary("api_response_bytes_total")["sum"] > 15
    telemetry.close()


@pytest.mark.parametrize(
    ("route", "status", "share"), [("/readyz", 503, 0), ("/readyz", 500, 1), ("/other", 503, 1)]
)
def test_a_probe_that_says_not_ready_has_not_failed(route: str, status: int, share: float) -> None:
    """Whoever starts us asks until the answer is yes: that is no burst of errors."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        scope["route"] = SimpleNamespace(path_format=route)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    telemetry = Telemetry.open(sinks=[])
    observed(app, dict(SCOPE), telemetry)
    kind = PerformanceMetric.ERROR_RATE
    assert telemetry.performance.get_metric_summary(route, "api", kind)["avg"] == share
    telemetry.close()


def test_what_is_no_request_passes_through() -> None:
    """The server's own start and stop are nobody's request."""
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope["type"])

    assert observed(app, {"type": "lifespan"}) == []
    assert seen == ["lifespan"]


def test_a_connection_serves_one_request_after_another(client: Client) -> None:
    """Kept open, pipelined, a HEAD among them: each answer is whole and in its place."""
    with socket.create_connection((client.host, client.port), timeout=60) as connection:
        ask = "{} {} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(
            (
                ask.format("GET", "/livez")
                + ask.format("HEAD", "/livez")
                + ask.format("GET", "/nothing")
                + ask.format("GET", "/livez").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
            ).encode()
        )
        got = b""
        while part := connection.recv(65_536):
            got += part
    assert got.count(b"HTTP/1.1 200") == 3
    assert got.count(b"HTTP/1.1 404") == 1
    assert got.count(b'{"status":"alive"}') == 2
