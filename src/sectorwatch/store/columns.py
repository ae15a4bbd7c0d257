"""Arrays by name as one small blob, and back: what a forecast is kept as.

Layout, little-endian: `SWFC`, layout version (u16), 0 (u16), length of the description (u32), the
description as JSON, then one zstd frame with a checksum. The description has of each array, in
order, its name, its shape and how its numbers are packed; the frame has the numbers, each array's
as byte planes (all lowest bytes, then all second ones), as in `blobs.py`.

Aircraft are packed as 200 times their square root, probabilities as thousandths, both whole and of
16 bits where these suffice, as steps along the last axis, or along the first, for quantiles one
above the other: a mean of 1 to 100 aircraft keeps three digits or more, everywhere far finer than
chance, whose spread grows with the root as well.
"""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import zstandard

from sectorwatch.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["COLUMNS_VERSION", "Packing", "pack_columns", "unpack_columns"]

COLUMNS_VERSION = 1
Packing = Literal["aircraft", "quantiles", "probability", "plain"]
"""How numbers are packed: as said above, NaN staying NaN; `plain` to the last bit.

`quantiles` are aircraft, in steps along the first axis.
"""

_HEADER = struct.Struct("<4sHHI")
_MAGIC = b"SWFC"
_ROOT = 200.0
_PER_ONE = 1_000.0
_UNKNOWN = {2: np.int64(-(2**15)), 4: np.int64(-(2**31))}
_PLAIN = frozenset({"<i8", "<i4", "<i2", "|i1", "|u1", "<f4", "<f8", "|b1"})
_MOST_BYTES = 256_000_000


class _Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    shape: tuple[int, ...]
    packing: Packing
    type: str


class _Codecs(threading.local):
    """zstd contexts may not be shared between threads."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_codecs = _Codecs()
_decoder = msgspec.json.Decoder(list[_Column])


def pack_columns(
    columns: Mapping[str, NDArray[Any]], packings: Mapping[str, Packing] | None = None
) -> bytes:
    """`columns` as a blob; those that `packings` does not name are kept to the last bit.

    Raises StoreError for an array that cannot be packed so.
    """
    described: list[_Column] = []
    parts: list[bytes] = []
    for name, values in columns.items():
        packing: Packing = (packings or {}).get(name, "plain")
        numbers = values if packing == "plain" else _whole(name, values, packing)
        little = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
        if little.dtype.str not in _PLAIN:
            raise StoreError(f"{name} is of {values.dtype}: no numbers that a blob can hold")
        described.append(_Column(name, values.shape, packing, little.dtype.str))
        parts.append(_planes(little))
    description = msgspec.json.encode(described)
    header = _HEADER.pack(_MAGIC, COLUMNS_VERSION, 0, len(description))
    return header + description + _codecs.compressor.compress(b"".join(parts))


def unpack_columns(blob: bytes) -> dict[str, NDArray[Any]]:
    """What `pack_columns` was given, packed floats as float32.

    Raises StoreError where the blob is damaged or of a newer version.
    """
    described, body = _open(blob)
    columns: dict[str, NDArray[Any]] = {}
    start = 0
    for each in described:
        kind = np.dtype(each.type)
        count = int(np.prod(each.shape, dtype=np.int64))
        planes = np.frombuffer(body, np.uint8, count * kind.itemsize, start)
        start += planes.size
        rows = np.ascontiguousarray(planes.reshape(kind.itemsize, count).T)
        numbers = rows.view(kind).reshape(each.shape)
        columns[each.name] = numbers if each.packing == "plain" else _floats(numbers, each.packing)
    return columns


def _open(blob: bytes) -> tuple[list[_Column], bytes]:
    if len(blob) < _HEADER.size or blob[:4] != _MAGIC:
        raise StoreError(f"a blob of {len(blob)} bytes holds no columns: the database is damaged")
    _, version, _, length = _HEADER.unpack_from(blob)
    if version > COLUMNS_VERSION:
        raise StoreError(f"columns in layout {version} need a newer sectorwatch: upgrade it")
    end = _HEADER.size + length
    try:
        described = _decoder.decode(blob[_HEADER.size : end])
        size = sum(map(_bytes_of, described))
        frame = memoryview(blob)[end:]
        # Asked first: a damaged size must not make the next line allocate it.
        said = zstandard.frame_content_size(frame)
        if said != size or not 0 <= size <= _MOST_BYTES:
            raise StoreError(f"{said} bytes of columns where {size} were announced: damaged")
        return described, _codecs.decompressor.decompress(frame, allow_extra_data=False)
    except (msgspec.MsgspecError, zstandard.ZstdError, UnicodeDecodeError) as error:
        raise StoreError(f"columns cannot be read, the database is damaged: {error}") from error


def _bytes_of(column: _Column) -> int:
    is_packed = column.packing != "plain"
    if column.type not in (("<i2", "<i4") if is_packed else _PLAIN):
        raise StoreError(f"{column.name} is said to be of {column.type!r}: damaged")
    if any(length < 0 for length in column.shape):
        raise StoreError(f"{column.name} is said to have shape {column.shape}: damaged")
    size = np.dtype(column.type).itemsize
    for length in column.shape:
        size *= length
    return size


def _planes(values: NDArray[Any]) -> bytes:
    flat = values.reshape(-1)
    return flat.view(np.uint8).reshape(-1, flat.dtype.itemsize).T.tobytes()


def _whole(name: str, values: NDArray[Any], packing: Packing) -> NDArray[Any]:
    known = ~np.isnan(values)
    inside = np.where(known, values, 0.0)
    if inside.size and (inside.min() < 0 or not np.isfinite(inside.max())):
        raise StoreError(f"{name} holds {inside.min()} to {inside.max()}: no such number is meant")
    scaled = inside * _PER_ONE if packing == "probability" else np.sqrt(inside) * _ROOT
    if scaled.size and scaled.max() >= 2**30:
        raise StoreError(f"{name} holds {inside.max()}: no such number is meant")
    whole = np.rint(scaled).astype(np.int64)
    steps = _along(packing, _steps, whole, known)
    size = 2 if steps.size == 0 or np.abs(steps).max() < 2**15 else 4
    # Where a number is unknown its step says so, and the next one is whole.
    steps[~known] = _UNKNOWN[size]
    return steps.astype(f"<i{size}")


def _floats(steps: NDArray[Any], packing: Packing) -> NDArray[np.float32]:
    known = steps != _UNKNOWN[steps.dtype.itemsize]
    whole = _along(packing, _sums, np.where(known, steps, 0).astype(np.int64), known)
    values = whole / _PER_ONE if packing == "probability" else (whole / _ROOT) ** 2
    values[~known] = np.nan
    return values.astype(np.float32)


def _along(
    packing: Packing,
    change: Callable[[NDArray[np.int64], NDArray[np.bool_]], NDArray[np.int64]],
    numbers: NDArray[np.int64],
    known: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """`change`, which goes along the last axis, of `numbers` along the axis of their packing."""
    if not numbers.ndim:
        return numbers
    if packing != "quantiles":
        return change(numbers, known)
    return np.moveaxis(change(np.moveaxis(numbers, 0, -1), np.moveaxis(known, 0, -1)), -1, 0)


def _steps(whole: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    before = np.zeros_like(whole)
    before[..., 1:] = np.where(known[..., :-1], whole[..., :-1], 0)
    return np.where(known, whole - before, 0)


def _sums(steps: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Sums of the steps that begin anew after whatever is unknown."""
    sums = np.cumsum(steps, axis=-1)
    if known.all():
        return sums
    # Up to the last unknown one at or before each place, which is what is to be taken off.
    place = np.where(known, -1, np.arange(steps.shape[-1]))
    last = np.maximum.accumulate(place, axis=-1)
    off = np.take_along_axis(sums, np.maximum(last, 0), axis=-1)
    return sums - np.where(last >= 0, off, 0)
