"""Heads that are too long or take too long, at a real server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import uvicorn

from sectorwatch.runtime.http_protocol import BoundedHttpProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send


class Short(BoundedHttpProtocol):
    """The same with a head that a test need not make long."""

    longest_head = 2_000
    head_limit_s = 60.0


class Hasty(Short):
    """The same with a limit that a test can wait for."""

    head_limit_s = 0.2


class HastyLater(Short):
    """The same where only the first head may take its time."""

    def on_headers_complete(self) -> None:
        """What comes from now on has to hurry."""
        self.head_limit_s = 0.2
        super().on_headers_complete()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how much it was sent."""
    size = 0
    more = True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = f"{len(scope['headers'])} headers, {size} bytes".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def served(
    scene: Callable[[int], Awaitable[None]], protocol: type[BoundedHttpProtocol] = Short
) -> None:
    """Play a scene with a server's port."""

    async def run() -> None:
        config = uvicorn.Config(app, port=0, http=protocol, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            await scene(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            await task

    asyncio.run(run())


async def exchange(port: int, *parts: bytes) -> bytes:
    """Send the parts one by one, and take what comes until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.002)
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD + b"A: " + b"x" * 3_000 + b"\r\n\r\n"],
        [HEAD + b"".join(b"A%d: x\r\n" % n for n in range(600)) + b"\r\n"],
        [b"GET /" + b"x" * 3_000 + b" HTTP/1.1\r\n\r\n"],
        [HEAD, *[b"A%d: %b\r\n" % (n, b"x" * 100) for n in range(40)]],
        [b"GET /", *[b"x" * 100] * 40],
    ],
    ids=["a long header", "many headers", "a long address", "header by header", "bit by bit"],
)
def test_a_head_that_is_too_long_is_refused(parts: list[bytes]) -> None:
    """431 and an end, whether it comes at once or bit by bit; the next request is served."""

    async def scene(port: int) -> None:
        got = await exchange(port, *parts)
        # Whoever goes on sending may lose the answer with the connection.
        assert got == b"" or got.startswith(b"HTTP/1.1 431 ")
        assert len(parts) > 1 or b'"status": 431' in got
        assert (await exchange(port, HEAD + b"\r\n")).startswith(b"HTTP/1.1 200 ")

    served(scene)


def test_a_long_body_is_no_long_head() -> None:
    """A body of any length may come with the head in one piece, or after it."""

    async def scene(port: int) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9000\r\n\r\n"
        for parts in ([head + b"x" * 9_000], [head, b"x" * 4_500, b"x" * 4_500]):
            got = await exchange(port, *parts)
            assert got.endswith(b"9000 bytes"), got

    served(scene)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", HEAD], ids=["nothing", "a word", "a line"])
def test_a_head_that_does_not_come_ends_the_connection(begun: bytes) -> None:
    """Whoever connects and says nothing, or half of it, is let go of."""

    async def scene(port: int) -> None:
        assert await exchange(port, begun) == b""

    served(scene, Hasty)


def test_a_connection_that_is_used_again_is_bounded_again() -> None:
    """The second request on it may be as long as the first, and no longer; nor may it dawdle."""
    fair = b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 1_500 + b"\r\n\r\n"

    async def scene(port: int) -> None:
        got = await exchange(port, fair, fair, fair, HEAD + b"\r\n")
        assert got.count(b"HTTP/1.1 200 ") == 4
        got = await exchange(port, fair, fair.replace(b"x" * 1_500, b"x" * 2_500))
        assert got.count(b"HTTP/1.1 200 ") == 1
        assert got.count(b"HTTP/1.1 431 ") == 1

    async def dawdling(port: int) -> None:
        got = await exchange(port, fair, b"GET / HT")
        assert got.count(b"HTTP/1.1 200 ") == 1

    served(scene)
    served(dawdling, HastyLater)


def test_what_is_no_request_is_still_400() -> None:
    """Nonsense is not called long."""

    async def scene(port: int) -> None:
        assert (await exchange(port, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")

    served(scene)
