"""The tracker's memory as bytes, and what is said of bytes that are none."""

from __future__ import annotations

import struct
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.errors import TrackerStateError
from sectorwatch.traffic import Tracker
from sectorwatch.traffic.checkpoint import FORMAT, decode_checkpoint
from traffic import made
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, Record, advance, snapshot

WORLD = made.airspace(*SMALL_WORLD)


def kept() -> bytes:
    """A tracker's state after one feed."""
    tracker = Tracker(WORLD, FIELDS)
    advance(tracker, snapshot(DAY_S, Record(0.5, flight_plan=made.plan())))
    return tracker.dump()


KEPT = kept()


def signed(body: bytes, version: int = FORMAT) -> bytes:
    """A state with this body, its checksum right."""
    return struct.pack("<4sHI", b"SWTS", version, zlib.crc32(body)) + body


def test_a_state_says_where_it_stands() -> None:
    """Number and time of the last tick are in it."""
    tracker = Tracker.load(KEPT, WORLD, FIELDS)
    assert (tracker.seq, tracker.time_us) == (1, DAY_S * 1_000_000)


def test_an_empty_tracker_can_be_kept() -> None:
    """Before the first feed there is a state, too."""
    data = Tracker(WORLD, FIELDS).dump()
    assert Tracker.load(data, WORLD, FIELDS).time_us is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes that start with b'' are no tracker state"),
        (b"PK\3\4" + KEPT[4:], "are no tracker state"),
        (signed(KEPT[10:], FORMAT + 1), f"format {FORMAT + 1}.*upgrade it"),
        (signed(KEPT[10:], 0), "format 0"),
        (KEPT[:-1], "is damaged"),
        (signed(KEPT[10:-1]), "cannot be read"),
        (signed(msgspec.msgpack.encode(["x", 1])), "cannot be read"),
    ],
)
def test_what_is_no_state_is_refused(data: bytes, words: str) -> None:
    """With the value that was wrong, and the way out."""
    with pytest.raises(TrackerStateError, match=words) as caught:
        Tracker.load(data, WORLD, FIELDS)
    assert "sectorwatch rebuild" in str(caught.value)


@given(st.integers(0, len(KEPT) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_noticed(at: int, difference: int) -> None:
    """Wherever it is."""
    data = bytearray(KEPT)
    data[at] ^= difference
    with pytest.raises(TrackerStateError):
        Tracker.load(bytes(data), WORLD, FIELDS)


def test_parts_that_do_not_agree_are_refused() -> None:
    """A column of another length is no column of this state."""
    table, visits = 6, 7
    for where, at, name in ((table, 3, "latitude"), (visits, 2, "entry_s")):
        for size in (-8, 0):
            body = msgspec.msgpack.decode(KEPT[10:])
            columns = body[where][at]
            columns[name] = columns[name][:size]
            with pytest.raises(TrackerStateError, match="does not agree with itself"):
                Tracker.load(signed(msgspec.msgpack.encode(body)), WORLD, FIELDS)
            del columns[name]
            with pytest.raises(TrackerStateError, match="does not agree with itself"):
                Tracker.load(signed(msgspec.msgpack.encode(body)), WORLD, FIELDS)


def test_it_is_read_by_fingerprints() -> None:
    """The airspace is asked for first, then the rules."""
    with pytest.raises(TrackerStateError, match="airspace"):
        decode_checkpoint(KEPT, "other", "other")
    with pytest.raises(TrackerStateError, match="rules"):
        decode_checkpoint(KEPT, WORLD.fingerprint, "other")
