"""Target 11: /api/flights with 2,000 flights, and with a filter that leaves 20 of them.

Ours is a whole instance: uvicorn with what `sectorwatch run` gives it, correlation ids, metrics,
tiers, ETags. Beside it a bare Starlette route returns the same bytes, taken from ours beforehand,
under the same uvicorn. One of a hundred different filters is asked for in turn, so that no answer
is there from the request before. Eight connections are kept busy by this process; both servers are
asked in turn, again and again, and the ratio is of the medians.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop
from _instance import FLIGHTS, GROUPS, Instance, follow_stdin, group
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.requests import Request

CONNECTIONS = 8
ROUNDS = 9
SECONDS = 1.5
WARM_S = 0.3
REACH = {"all": 0.75, "filter": 0.5}


class _Connection(asyncio.Protocol):
    """Asks again as soon as an answer is whole."""

    def __init__(self, requests: Iterator[bytes], done: list[int]) -> None:
        self._requests = requests
        self._done = done
        self._missing = 0
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        size = len(data)
        if not self._missing:
            head, _, _ = data.partition(b"\r\n\r\n")
            lines = head.lower()
            assert lines.startswith(b"http/1.1 200"), head
            length = int(lines.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            self._missing = len(head) + 4 + length
        self._missing -= size
        if self._missing == 0:
            self._done[0] += 1
            self._transport.write(next(self._requests))


async def _load(port: int, paths: Sequence[str]) -> float:
    """Requests a second that a server answers."""
    lines = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode() for path in paths]
    requests, done = itertools.cycle(lines), [0]
    loop = asyncio.get_running_loop()
    transports = [
        (await loop.create_connection(lambda: _Connection(requests, done), "127.0.0.1", port))[0]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(WARM_S)
    before, started = done[0], time.perf_counter()
    await asyncio.sleep(SECONDS)
    rate = (done[0] - before) / (time.perf_counter() - started)
    for transport in transports:
        transport.abort()
    return rate


def _fetch(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as response:
        content: bytes = response.read()
        return content


def run() -> dict[str, Any]:
    """Ask both servers in turn; see `run_all.py` for what the answer holds."""
    filters = [f"/api/flights?airport={group(number)}" for number in range(GROUPS)]
    asked: dict[str, list[str]] = {"all": ["/api/flights"], "filter": filters}
    with tempfile.TemporaryDirectory() as folder, Instance() as ours:
        answers = {kind: _fetch(ours.port, paths[0]) for kind, paths in asked.items()}
        totals = {kind: json.loads(answer)["total"] for kind, answer in answers.items()}
        assert totals == {"all": FLIGHTS, "filter": FLIGHTS // GROUPS}
        for kind, answer in answers.items():
            (Path(folder) / kind).write_bytes(answer)
        with Instance(__file__, folder) as bare:
            sides = {"ours": ours.port, "bare": bare.port}
            paths = {"ours": asked, "bare": {kind: [f"/{kind}"] for kind in asked}}
            rates: dict[tuple[str, str], list[float]] = {}
            for _ in range(ROUNDS):
                for kind, side in itertools.product(asked, sides):
                    rate = uvloop.run(_load(sides[side], paths[side][kind]))
                    rates.setdefault((kind, side), []).append(rate)
    medians = {key: statistics.median(values) for key, values in rates.items()}
    ratios = {kind: medians[kind, "ours"] / medians[kind, "bare"] for kind in asked}
    figures = {
        f"{name}, {len(answers[kind]) / 1_000:,.0f} kB": (
            f"{medians[kind, 'ours']:,.0f} requests/s against {medians[kind, 'bare']:,.0f},"
            f" {ratios[kind]:.2f} times"
        )
        for kind, name in (("all", "all 2,000"), ("filter", "a filter that leaves 20"))
    }
    return {
        "target": "11",
        "what": "`/api/flights` with 2,000 flights; with a filter that leaves 20",
        "against": "a bare Starlette route that returns the same bytes",
        "reach": "≥ 0.75; ≥ 0.5 times its requests/s",
        "figures": figures,
        "ratio": "; ".join(f"{ratio:.2f}" for ratio in ratios.values()) + " times",
        "met": all(ratios[kind] >= reach for kind, reach in REACH.items()),
    }


async def _serve_bare(answers: dict[str, bytes]) -> None:
    def returning(body: bytes) -> Any:
        async def endpoint(request: Request) -> Response:
            del request
            return Response(body, media_type="application/json")

        return endpoint

    routes = [Route(f"/{kind}", returning(body)) for kind, body in answers.items()]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()

    def end() -> None:
        server.should_exit = True

    follow_stdin(lambda: None, lambda: loop.call_soon_threadsafe(end))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody when it is ready
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await task


if __name__ == "__main__":
    if len(sys.argv) == 2:
        uvloop.run(_serve_bare({p.name: p.read_bytes() for p in Path(sys.argv[1]).iterdir()}))
    else:
        print(json.dumps(run(), indent=1, ensure_ascii=False))
