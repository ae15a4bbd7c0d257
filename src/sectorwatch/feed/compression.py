"""Undoing gzip, deflate and zstd within bounds: no few bytes become more than a feed may have."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import zstandard

from sectorwatch.errors import FeedRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ACCEPTED", "MAX_BYTES", "decompress", "encoding_of", "first_bytes"]

MAX_BYTES = 64_000_000
"""More than this, compressed or not, is no feed."""

ACCEPTED = "gzip, deflate, zstd"
"""What is understood, as an `Accept-Encoding`."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_MAX_WINDOW = 1 << 26
_MOST_LAYERS = 2
# A zstd block of four bytes may give 128 KiB, and a decoder gives all there is in what it is fed.
_PIECE = 512


def decompress(data: bytes, encoding: str = "", *, limit: int = MAX_BYTES) -> bytes:
    """What `data` was before it was compressed.

    `encoding` is a `Content-Encoding`: gzip, deflate, zstd, identity or nothing, or two of them in
    the order in which they were applied. Raises FeedRefusedError: `too_large` where `data` is over
    `limit` bytes, `bomb` where it would become more, `truncated` where its end is missing,
    `bad_compression` where it is not compressed that way.
    """
    if len(data) > limit:
        raise FeedRefusedError("too_large", f"{len(data)} bytes are over the limit of {limit}")
    layers = [word.strip().lower() for word in encoding.split(",")]
    layers = [word for word in layers if word not in {"", "identity"}]
    if len(layers) > _MOST_LAYERS:
        raise FeedRefusedError(
            "bad_compression", f"the feed is compressed {len(layers)} times over: {encoding[:80]!r}"
        )
    for layer in reversed(layers):
        undo = _UNDO.get(layer)
        if undo is None:
            raise FeedRefusedError(
                "bad_compression", f"compressed as {layer[:40]!r}; understood are {ACCEPTED}"
            )
        data = undo(data, limit)
    return data


def encoding_of(data: bytes) -> str:
    """How a file's bytes are compressed, by what they begin with.

    >>> encoding_of(zlib.compress(b"{}", wbits=31)), encoding_of(b"{}")
    ('gzip', '')
    """
    if data.startswith(_GZIP):
        return "gzip"
    return "zstd" if data.startswith(_ZSTD) else ""


def first_bytes(data: bytes, size: int) -> bytes:
    """At most `size` bytes from the beginning of what `data`, or its beginning, decompresses to.

    Damage behind the beginning is no concern of this; nothing is raised.
    """
    encoding = encoding_of(data)
    try:
        if encoding == "gzip":
            return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, size)
        if encoding == "zstd":
            return _first_of_zstd(data, size)
    except (zlib.error, zstandard.ZstdError):
        return b""
    return data[:size]


def _first_of_zstd(data: bytes, size: int) -> bytes:
    decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
    out = b""
    for at in range(0, len(data), _PIECE):
        out += decoder.decompress(data[at : at + _PIECE])
        if len(out) >= size or decoder.eof:
            break
    return out[:size]


def _gunzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, "gzip", zlib.MAX_WBITS | 16)


def _inflate_deflate(data: bytes, limit: int) -> bytes:
    # The standard means zlib's format; some servers send the bare stream.
    bare = len(data) < 2 or (data[0] & 0x0F) != 8 or (data[0] << 8 | data[1]) % 31  # noqa: PLR2004 - RFC 1950
    return _inflate(data, limit, "deflate", -zlib.MAX_WBITS if bare else zlib.MAX_WBITS)


def _inflate(data: bytes, limit: int, word: str, bits: int) -> bytes:
    out = bytearray()
    rest = data
    while True:
        decoder = zlib.decompressobj(bits)
        try:
            out += decoder.decompress(rest, limit - len(out) + 1)
        except zlib.error as error:
            raise _bad(word, error) from error
        if len(out) > limit:
            raise _bomb(data, limit)
        if not decoder.eof:
            raise _truncated(data, word)
        # gzip's parts may follow one another, and zeros may fill up a block of a tape.
        rest = decoder.unused_data.lstrip(b"\0")
        if not rest:
            return bytes(out)
        if not rest.startswith(_GZIP) or word != "gzip":
            raise _bad(word, "something follows its end")


def _unzstd(data: bytes, limit: int) -> bytes:
    out = bytearray()
    rest = data
    while rest:
        decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
        at = 0
        try:
            while at < len(rest) and not decoder.eof:
                out += decoder.decompress(rest[at : at + _PIECE])
                at += _PIECE
                if len(out) > limit:
                    raise _bomb(data, limit)
        except zstandard.ZstdError as error:
            raise _bad("zstd", error) from error
        if not decoder.eof:
            raise _truncated(data, "zstd")
        rest = decoder.unused_data + rest[at:]
    if not data:
        raise _truncated(data, "zstd")
    return bytes(out)


_UNDO: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate_deflate,
    "zstd": _unzstd,
}


def _bad(word: str, why: object) -> FeedRefusedError:
    return FeedRefusedError("bad_compression", f"the feed is said to be {word} and is not: {why}")


def _bomb(data: bytes, limit: int) -> FeedRefusedError:
    return FeedRefusedError(
        "bomb", f"{len(data)} compressed bytes become more than the limit of {limit}"
    )


def _truncated(data: bytes, word: str) -> FeedRefusedError:
    return FeedRefusedError("truncated", f"the {word} data ends early, after {len(data)} bytes")
