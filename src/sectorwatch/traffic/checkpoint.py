"""The tracker's memory as bytes: `SWTS`, format (u16), CRC-32 of the rest (u32), then MessagePack.

Arrays are raw and little-endian, plans are raw JSON as they came and are decoded again, so that
what a plan means stands in one place.
"""

from __future__ import annotations

import struct
import zlib

import msgspec

from sectorwatch.errors import TrackerStateError
from sectorwatch.traffic.contacts import ContactState  # noqa: TC001 - msgspec reads it at run time
from sectorwatch.traffic.controllers import ControllerLogState  # noqa: TC001 - msgspec reads it at run time
from sectorwatch.traffic.table import TableState  # noqa: TC001 - msgspec reads it at run time
from sectorwatch.traffic.visits import VisitState  # noqa: TC001 - msgspec reads it at run time

__all__ = ["FORMAT", "Checkpoint", "decode_checkpoint", "encode_checkpoint"]

FORMAT = 3

_MAGIC = b"SWTS"
_HEADER = struct.Struct("<4sHI")
_AGAIN = "the journal makes it again (sectorwatch rebuild)"


class Checkpoint(msgspec.Struct, array_like=True):
    """All that a tracker remembers between two snapshots."""

    airspace: str
    rules: str
    seq: int
    time_us: int | None
    next_minute_s: int
    first_minute_s: int
    table: TableState
    visits: VisitState
    controllers: ControllerLogState
    contacts: ContactState
    prefiles: list[tuple[bytes, int, int, str, int, int]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Checkpoint)


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as bytes."""
    body = _encoder.encode(checkpoint)
    return _HEADER.pack(_MAGIC, FORMAT, zlib.crc32(body)) + body


def decode_checkpoint(data: bytes, airspace: str, rules: str) -> Checkpoint:
    """The checkpoint in `data`, made over the airspace and by the rules with these fingerprints.

    Raises TrackerStateError where it is none, damaged, or of another format, airspace or rules.
    """
    if len(data) < _HEADER.size or data[:4] != _MAGIC:
        raise TrackerStateError(
            f"{len(data)} bytes that start with {data[:4]!r} are no tracker state: {_AGAIN}"
        )
    _, version, checksum = _HEADER.unpack_from(data)
    if version != FORMAT:
        raise TrackerStateError(
            f"the tracker state has format {version}, this sectorwatch reads format {FORMAT}: "
            + ("upgrade it, or let " if version > FORMAT else "let ")
            + "the journal make it again (sectorwatch rebuild)"
        )
    body = memoryview(data)[_HEADER.size :]
    if zlib.crc32(body) != checksum:
        raise TrackerStateError(f"the tracker state of {len(data)} bytes is damaged: {_AGAIN}")
    try:
        checkpoint = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise TrackerStateError(f"the tracker state cannot be read ({error}): {_AGAIN}") from error
    if checkpoint.airspace != airspace:
        raise TrackerStateError(
            f"the tracker state is of airspace {checkpoint.airspace}, and {airspace} is loaded: "
            "load that one again, or let the journal make the state anew (sectorwatch rebuild)"
        )
    if checkpoint.rules != rules:
        raise TrackerStateError(
            f"the tracker state was made by rules {checkpoint.rules}, and {rules} are in force: "
            "take those rules again, or let the journal make the state anew (sectorwatch rebuild)"
        )
    return checkpoint
