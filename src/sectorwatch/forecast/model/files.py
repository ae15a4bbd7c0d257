"""A model as one file: a header that is decoded by its types, and plain arrays. Nothing in it runs.

Layout, little-endian: `SWMODEL` and a zero byte, layout version (u16), 0 (u16), length of the rest
after the checksum (u64), BLAKE2b of that rest (32 bytes), then the rest: one zstd frame. The frame
holds the header's length (u32), the header as msgpack, and the arrays one after another, each from
a multiple of 8 bytes on, as the header lists them.

A file is believed only as far as it is checked: its length, its checksum, its size when unpacked,
each array's type, shape and place. What its arrays mean is checked by who reads them.
"""

from __future__ import annotations

import hashlib
import math
import struct
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import zstandard
from msgspec import Meta

from sectorwatch.errors import ModelFileError
from sectorwatch.store.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["LAYOUT", "Header", "pack", "read_file", "unpack", "write_file"]

LAYOUT = 1
"""The version of the layout; a file of another one is not read."""
MOST_PACKED_BYTES = 128_000_000
MOST_BYTES = 256_000_000
"""Unpacked; what is usual in a sector takes 110 kB of it, and 50 kB packed."""
_MOST_HEADER_BYTES = 4_000_000
_MOST_ARRAYS = 400
_MAGIC = b"SWMODEL\0"
_HEAD = struct.Struct("<8sHHQ32s")
_LENGTH = struct.Struct("<I")
_DIGEST_BYTES = 32
_ALIGNED = 8
_TYPES = {
    name: np.dtype(name)
    for name in ("<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1")
}
_Word = Annotated[str, Meta(max_length=100)]


class _Array(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    name: _Word
    type: _Word
    shape: Annotated[tuple[Annotated[int, Meta(ge=0, le=MOST_BYTES)], ...], Meta(max_length=8)]
    at: Annotated[int, Meta(ge=0, le=MOST_BYTES)]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model says of itself; `figures` are those by which it was chosen.

    `fingerprint` is that of the airspace it was trained for, `features` the names of what its trees
    ask for, in order, `without` those of them that were kept from it, `zone` the local time that
    hours are counted in.
    """

    version: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._-]+$")]
    trained_from_s: Annotated[int, Meta(ge=0, le=1 << 40)]
    trained_to_s: Annotated[int, Meta(ge=0, le=1 << 40)]
    fingerprint: _Word
    zone: _Word
    features: Annotated[tuple[_Word, ...], Meta(max_length=200)]
    forests: Annotated[tuple[_Word, ...], Meta(max_length=12)]
    without: Annotated[tuple[_Word, ...], Meta(max_length=200)] = ()
    rows: Annotated[int, Meta(ge=0, le=1 << 40)] = 0
    figures: Annotated[dict[_Word, float], Meta(max_length=500)] = {}


class _Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: Header
    arrays: Annotated[tuple[_Array, ...], Meta(max_length=_MOST_ARRAYS)]


_decoder = msgspec.msgpack.Decoder(_Listed, strict=True)


def write_file(path: Path, header: Header, arrays: Mapping[str, NDArray[Any]]) -> int:
    """Puts a model at `path`, whole or not at all; gives its size in bytes.

    Raises DiskFullError or StoreError where the disk does not take it, ModelFileError where it
    would be too large to be read again.
    """
    content = pack(header, arrays)
    write_durably(path, content)
    return len(content)


def read_file(
    path: Path, what: str = "model", otherwise: str = "another is made with the next training"
) -> tuple[Header, dict[str, NDArray[Any]]]:
    """The header and the arrays of the model at `path`, read-only, by name.

    Raises ModelFileError, which names the file, `what` it is, what is wrong with it, and what
    happens `otherwise`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_PACKED_BYTES + _HEAD.size + 1)
    except OSError as error:
        raise ModelFileError(
            f"the {what} {path} cannot be read ({error.strerror}): {otherwise}"
        ) from error
    try:
        return unpack(content)
    except ModelFileError as error:
        raise ModelFileError(
            f"the {what} {path} cannot be used: {error}. Remove it, or restore it from a backup; "
            f"{otherwise}"
        ) from error


def pack(header: Header, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A model as bytes.

    Raises ValueError for an array of a type that has no place in one, ModelFileError where it is
    too large to be read again.
    """
    listed: list[_Array] = []
    size = 0
    for name, array in arrays.items():
        kind = array.dtype.newbyteorder("<")
        if kind.str not in _TYPES:
            raise ValueError(f"{name} is an array of {array.dtype}, which is kept in no model")
        size += -size % _ALIGNED
        listed.append(_Array(name, kind.str, array.shape, size))
        size += array.nbytes
    said = msgspec.msgpack.encode(_Listed(header, tuple(listed)))
    whole = _begin(len(said)) + size
    if whole > MOST_BYTES or len(said) > _MOST_HEADER_BYTES:
        raise ModelFileError(_too_large(whole, MOST_BYTES))
    # An array at a time: a running program has no room for all of them once more.
    compressor = zstandard.ZstdCompressor(level=5).compressobj(size=whole)
    filling = bytes(_begin(len(said)) - _LENGTH.size - len(said))
    parts = [compressor.compress(_LENGTH.pack(len(said)) + said + filling)]
    at = 0
    for each, array in zip(listed, arrays.values(), strict=True):
        plain = np.ascontiguousarray(array).astype(each.type, copy=False)
        parts.append(compressor.compress(bytes(each.at - at)))
        parts.append(compressor.compress(plain.reshape(-1).view(np.uint8).data))
        at = each.at + array.nbytes
    parts.append(compressor.flush())
    rest = b"".join(parts)
    # Who writes what nobody will read says so now, and not at the next start.
    if len(rest) > MOST_PACKED_BYTES:
        raise ModelFileError(_too_large(len(rest), MOST_PACKED_BYTES))
    return _HEAD.pack(_MAGIC, LAYOUT, 0, len(rest), _digest(rest)) + rest


def unpack(content: bytes) -> tuple[Header, dict[str, NDArray[Any]]]:
    """The header and the arrays that `pack` made `content` of.

    Raises ModelFileError for anything else.
    """
    whole = memoryview(_undone(content))
    if len(whole) < _LENGTH.size:
        raise ModelFileError("it holds no header")
    (size,) = _LENGTH.unpack_from(whole)
    begin = _begin(size)
    if size > _MOST_HEADER_BYTES or begin > len(whole):
        raise ModelFileError(f"its header is said to have {size} bytes, more than there are")
    try:
        said = _decoder.decode(whole[_LENGTH.size : _LENGTH.size + size])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFileError(f"its header is none ({error})") from error
    arrays: dict[str, NDArray[Any]] = {}
    for each in said.arrays:
        kind = _TYPES.get(each.type)
        if kind is None:
            raise ModelFileError(f"{each.name!r} is an array of {each.type!r}")
        count = math.prod(each.shape)
        at = begin + each.at
        if at + count * kind.itemsize > len(whole):
            raise ModelFileError(f"{each.name!r} ends behind the end of the file")
        if each.name in arrays:
            raise ModelFileError(f"{each.name!r} is there twice")
        flat = np.frombuffer(whole, dtype=kind, count=count, offset=at)
        if kind.kind == "b" and (flat.view(np.uint8) > 1).any():
            raise ModelFileError(f"{each.name!r} holds what is neither true nor false")
        arrays[each.name] = flat.reshape(each.shape)
    return said.header, arrays


def _undone(content: bytes) -> bytes:
    if len(content) < _HEAD.size:
        raise ModelFileError(f"it has {len(content)} bytes, too few for a model")
    magic, layout, _, length, digest = _HEAD.unpack_from(content)
    if magic != _MAGIC:
        raise ModelFileError("it is no model of sectorwatch")
    if layout != LAYOUT:
        raise ModelFileError(f"it has layout {layout}; this sectorwatch reads {LAYOUT}")
    rest = memoryview(content)[_HEAD.size :]
    if length > MOST_PACKED_BYTES:
        raise ModelFileError(f"{length} bytes are over the limit of {MOST_PACKED_BYTES}")
    if len(rest) != length:
        raise ModelFileError(f"it is said to have {length} bytes and has {len(rest)}: it was cut")
    if _digest(rest) != digest:
        raise ModelFileError("its checksum does not fit what is in it: it is damaged")
    try:
        said = zstandard.frame_content_size(rest)
        if not 0 <= said <= MOST_BYTES:
            raise ModelFileError(f"unpacked it would have {said} bytes, over {MOST_BYTES}")
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(
            rest, max_output_size=MOST_BYTES
        )
    except zstandard.ZstdError as error:
        raise ModelFileError(f"it cannot be unpacked ({error})") from error


def _too_large(size: int, limit: int) -> str:
    return (
        f"a model of {size} bytes is over the limit of {limit}: it is of too many sectors; use an "
        "airspace of fewer"
    )


def _begin(header_bytes: int) -> int:
    """Where arrays begin behind a header of so many bytes."""
    return -(-(_LENGTH.size + header_bytes) // _ALIGNED) * _ALIGNED


def _digest(rest: bytes | memoryview) -> bytes:
    return hashlib.blake2b(rest, digest_size=_DIGEST_BYTES).digest()
