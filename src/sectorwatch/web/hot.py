"""Hot answers: bytes encoded once a tick, whoever asks how often.

An answer that changes once a tick is built by the first request after the tick, in a worker
thread, and handed out as bytes until the next one; with its ETag, and compressed once for those
who take it compressed.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import zlib
from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

__all__ = ["Encoded", "EncodedResponse", "HotAnswers", "encode"]

Headers = list[tuple[bytes, bytes]]

_COMPRESS_FROM = 2_000
_GZIP_WINDOW = 31
_MOST_ANSWERS = 512
_MOST_BYTES = 48_000_000
_NO_WEIGHT = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})


def encode(value: object) -> bytes:
    """Encode an answer."""
    return msgspec.json.encode(value)


class Encoded:
    """An answer as bytes, with its headers laid out beforehand.

    `etag` is worked out of the body where none is given.
    """

    __slots__ = ("_packed", "_plain", "_seen", "body", "gzip")

    def __init__(
        self,
        body: bytes,
        *,
        etag: str | None = None,
        content_type: str = "application/json",
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        self.gzip: bytes | None = None
        # Weak: the same content may go out compressed or not.
        tag = etag or f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._seen: Headers = [
            (b"etag", tag.encode()),
            (b"cache-control", b"no-cache"),
            (b"vary", b"Accept-Encoding, Authorization"),
            *((name.lower().encode(), text.encode()) for name, text in (more or {}).items()),
        ]
        self._plain = [*self._seen, (b"content-type", content_type.encode()), _length(body)]
        self._packed: Headers = []

    def pack(self) -> None:
        """Compress it, where that is worth it; takes a while where it is long."""
        if self.gzip is None and len(self.body) >= _COMPRESS_FROM:
            packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW)
            packed = packer.compress(self.body) + packer.flush()
            self._packed = [
                *self._plain[:-1],
                (b"content-encoding", b"gzip"),
                _length(packed),
            ]
            self.gzip = packed

    def is_ready(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether it can go out at once to who sent these: it need not be compressed first."""
        if self.gzip is not None or len(self.body) < _COMPRESS_FROM:
            return True
        return not _takes_gzip(headers)

    def pick(self, headers: Sequence[tuple[bytes, bytes]]) -> tuple[int, Headers, bytes]:
        """Give status, headers and body for a request with these headers.

        304 without a body where the client holds it already; compressed where it takes that and
        `pack` was called.
        """
        holds = _header(headers, b"if-none-match")
        if holds and _holds(holds, self._seen[0][1]):
            return 304, self._seen, b""
        if self.gzip is not None and _takes_gzip(headers):
            return 200, self._packed, self.gzip
        return 200, self._plain, self.body

    async def send(self, scope: Scope, send: Send) -> None:
        """Answer a request with it."""
        status, headers, body = self.pick(scope["headers"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class EncodedResponse(Response):
    """An `Encoded` as what a route returns."""

    def __init__(self, encoded: Encoded) -> None:
        self.encoded = encoded
        self.status_code = 200
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with it."""
        del receive
        await self.encoded.send(scope, send)


class HotAnswers:
    """Answers by name, all of one version (a tick's number); the next version clears them.

    It belongs to the event loop. At most so many answers and bytes are held; beyond that the
    oldest go, and are built again by who asks for them.
    """

    def __init__(self, *, most: int = _MOST_ANSWERS, most_bytes: int = _MOST_BYTES) -> None:
        self._boot = secrets.token_hex(4)
        self._version: Hashable = None
        self._answers: dict[str, Encoded] = {}
        self._bytes = 0
        self._building: dict[str, asyncio.Task[Encoded]] = {}
        self._most = most
        self._most_bytes = most_bytes
        self.hits = 0
        self.misses = 0

    def asked(self) -> tuple[int, int]:
        """Count what was asked for so far: what was there, and what had to be built."""
        return self.hits, self.misses

    def ready(self, name: str, version: Hashable) -> Encoded | None:
        """Give the answer of this name, None where it is not built for `version` yet."""
        if version != self._version:
            return None
        found = self._answers.get(name)
        self.hits += found is not None
        return found

    def etag_of(self, version: Hashable, question: object) -> str:
        """Name the answer to a question at a version, where that and nothing else makes it.

        Another run of the program gives other names.
        """
        asked = hashlib.blake2b(repr(question).encode("utf-8", "replace"), digest_size=8)
        return f'W/"{self._boot}-{version}-{asked.hexdigest()}"'

    async def get(
        self,
        headers: Sequence[tuple[bytes, bytes]],
        name: str,
        version: Hashable,
        build: Callable[[], Encoded],
    ) -> EncodedResponse:
        """Answer a request that has these headers, building the answer in a thread if need be.

        One builds: a hundred who ask right after a tick wait for one encoding.
        """
        found = self.ready(name, version)
        if found is None:
            key = f"{version}/{name}"
            task = self._building.get(key)
            if task is None:
                self.misses += 1
                task = asyncio.create_task(self._build(name, version, build), name="hot")
                self._building[key] = task
                task.add_done_callback(lambda done: self._built(key, done))
            else:
                self.hits += 1
            # Whoever goes away while it is built takes it from nobody.
            found = await asyncio.shield(task)
        if not found.is_ready(headers):
            await run_in_threadpool(found.pack)
        return EncodedResponse(found)

    def _built(self, key: str, task: asyncio.Task[Encoded]) -> None:
        self._building.pop(key, None)
        if not task.cancelled():
            # Read, so that asyncio does not report what nobody waited for to the end.
            task.exception()

    async def _build(self, name: str, version: Hashable, build: Callable[[], Encoded]) -> Encoded:
        if version != self._version:
            self._version = version
            self._answers.clear()
            self._bytes = 0
        made = await run_in_threadpool(build)
        if version == self._version:
            self._answers[name] = made
            # Compressed it may take as much again, at most.
            self._bytes += 2 * len(made.body)
            while len(self._answers) > self._most or self._bytes > self._most_bytes:
                oldest = next(iter(self._answers))
                self._bytes -= 2 * len(self._answers.pop(oldest).body)
        return made


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


def _header(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    for name, value in headers:
        if name == wanted:
            return value
    return b""


def _holds(if_none_match: bytes, etag: bytes) -> bool:
    if if_none_match.strip() == b"*":
        return True
    opaque = etag.removeprefix(b"W/")
    return any(part.strip().removeprefix(b"W/") == opaque for part in if_none_match.split(b","))


def _takes_gzip(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    accepted = _header(headers, b"accept-encoding")
    if not accepted:
        return False
    weights = {}
    for part in accepted.decode("latin-1").lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = weight.replace(" ", "") not in _NO_WEIGHT
    return weights.get("gzip", weights.get("*", False))
