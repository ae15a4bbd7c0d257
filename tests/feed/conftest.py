"""A real HTTP server on loopback that does exactly what a test tells it, however bad."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager


@dataclass
class Request:
    """What a client asked."""

    path: str
    headers: dict[str, str]
    at_s: float


class Reply:
    """The way back to the client, for a script to misuse."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer

    async def raw(self, data: bytes) -> None:
        """These bytes and no others."""
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, body: bytes = b"", *, status: str = "200 OK", **headers: str) -> None:
        """A proper answer. Underscores in headers' names stand for dashes."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def reset(self) -> None:
        """End the connection by a reset instead of an end."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Server:
    """Where it is, and what it was asked."""

    port: int
    requests: list[Request] = field(default_factory=list)

    def url(self, path: str = "/feed", scheme: str = "http") -> str:
        """The address of a path on it."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def asked(self, path: str = "/feed") -> list[Request]:
        """The requests for a path."""
        return [request for request in self.requests if request.path == path]


Script = "Callable[[Request, Reply], Awaitable[None]]"


@asynccontextmanager
async def _serving(script: Callable[[Request, Reply], Awaitable[None]]) -> AsyncIterator[Server]:
    tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            # Cancelled at the end of the test; said aloud, asyncio would log it as a mishap.
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines if ": " in line)
                request = Request(first.split(" ")[1], headers, time.monotonic())
                server.requests.append(request)
                await script(request, Reply(writer))
        finally:
            tasks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    server = Server(listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def serving() -> Callable[
    [Callable[[Request, Reply], Awaitable[None]]], AbstractAsyncContextManager[Server]
]:
    """A function: a script, called for each request, becomes a running server."""
    return _serving
