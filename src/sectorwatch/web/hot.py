"""Hot answers: bytes encoded once a tick, whoever asks how often.

An answer that changes once a tick is built by the first request after the tick, in a worker
thread, and handed out as bytes until the next one; with its ETag, and compressed once for those
who take it compressed.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from starlette.requests import Request

__all__ = ["HotAnswers", "encode", "respond"]

_COMPRESS_FROM = 2_000
_GZIP_WINDOW = 31


@dataclass(slots=True)
class _Entry:
    version: Hashable
    body: bytes
    etag: str
    gzip: bytes | None = None


class HotAnswers:
    """Bytes by name, each with the version (a tick's number) it was built for."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.hits = 0
        self.misses = 0

    async def get(
        self, request: Request, name: str, version: Hashable, build: Callable[[], bytes]
    ) -> Response:
        """Answer with the bytes of `name` at `version`, building them in a thread if need be."""
        entry = self._entries.get(name)
        if entry is None or entry.version != version:
            entry = await self._build(name, version, build)
        else:
            self.hits += 1
        gzip: bytes | None = None
        if len(entry.body) >= _COMPRESS_FROM and _takes_gzip(request):
            if entry.gzip is None:
                entry.gzip = await asyncio.to_thread(_gzip, entry.body)
            gzip = entry.gzip
        return respond(request, entry.body, etag=entry.etag, gzip=gzip)

    async def _build(self, name: str, version: Hashable, build: Callable[[], bytes]) -> _Entry:
        # One builder at a time: a hundred who ask right after a tick wait for one encoding.
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            entry = self._entries.get(name)
            if entry is not None and entry.version == version:
                self.hits += 1
                return entry
            self.misses += 1
            body = await asyncio.to_thread(build)
            entry = _Entry(version, body, _etag(body))
            self._entries[name] = entry
            return entry


def encode(value: object) -> bytes:
    """Encode an answer."""
    return msgspec.json.encode(value)


def respond(
    request: Request, body: bytes, *, etag: str | None = None, gzip: bytes | None = None
) -> Response:
    """Answer with JSON bytes: 304 where the client holds them already.

    `gzip` is the same body compressed, for a client that takes it.
    """
    tag = etag or _etag(body)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding, Authorization"}
    if _holds(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    if gzip is not None:
        headers["Content-Encoding"] = "gzip"
        body = gzip
    return Response(body, headers=headers, media_type="application/json")


def _etag(body: bytes) -> str:
    # Weak: the same content may go out compressed or not.
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def _holds(if_none_match: str | None, etag: str) -> bool:
    if not if_none_match:
        return False
    if if_none_match.strip() == "*":
        return True
    opaque = etag.removeprefix("W/")
    return any(part.strip().removeprefix("W/") == opaque for part in if_none_match.split(","))


def _takes_gzip(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in {"gzip", "*"} and weight.replace(" ", "") not in {"q=0", "q=0.0"}:
            return True
    return False


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(body) + packer.flush()
