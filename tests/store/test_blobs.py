from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_ticks import START_S, positions
from sectorwatch.errors import StoreError
from sectorwatch.store.blobs import (
    StoredPositions,
    decode_positions,
    encode_positions,
    flight_rows,
    to_e5,
)
from sectorwatch.traffic.tick import Positions

INT32 = st.integers(-(2**31), 2**31 - 1)
ROW = st.tuples(
    st.integers(0, 2**63 - 1),
    st.integers(START_S - 10_000, START_S + 10_000),
    st.floats(-90, 90),
    st.floats(-180, 179.99999),
    *[INT32] * 5,
    st.booleans(),
)


def made(rows: list[tuple[int | float | bool, ...]]) -> Positions:
    """Rows as columns, by flight."""
    kinds = ["i8", "i8", "f8", "f8", "i4", "i4", "i4", "i4", "i4", "?"]
    columns = list(zip(*sorted(rows), strict=True)) or [()] * len(kinds)
    return Positions(*(np.array(c, k) for c, k in zip(columns, kinds, strict=True)))


@given(st.lists(ROW, max_size=40, unique_by=lambda row: row[0]))
def test_positions_come_back(rows: list[tuple[int | float | bool, ...]]) -> None:
    """Every column comes back exactly, coordinates in whole 1e-5 degrees."""
    given_positions = made(rows)
    back = decode_positions(encode_positions(given_positions, START_S))
    assert np.array_equal(back.latitude_e5, to_e5(given_positions.latitude))
    assert np.array_equal(back.longitude_e5, to_e5(given_positions.longitude))
    for name, column in back.columns().items():
        if not name.endswith("_e5"):
            wanted = getattr(given_positions, name)
            assert column.dtype == wanted.dtype
            assert np.array_equal(column, wanted), name


@given(st.lists(ROW, max_size=20, unique_by=lambda row: row[0]), st.integers(0, 25))
def test_one_flight_is_found_alone(rows: list[tuple[int | float | bool, ...]], which: int) -> None:
    """A flight's row is the same as in the whole, one that is not there gives none."""
    whole = made(rows)
    blob = encode_positions(whole, START_S)
    flight_id = int(whole.flight_id[which]) if which < len(whole.flight_id) else 2**63 - 2
    found = flight_rows(blob, flight_id).columns()
    everything = decode_positions(blob)
    expected = everything.take(np.flatnonzero(everything.flight_id == flight_id)).columns()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_blobs_are_small() -> None:
    """Two thousand flights take less than 45 kB, most of it flight numbers and coordinates."""
    many = positions(2_000, START_S, first_id=2**62)
    assert len(encode_positions(many, START_S)) < 45_000


def test_parts_are_joined() -> None:
    """Blobs are joined in order, and none of them is no positions."""
    assert len(StoredPositions.join([]).flight_id) == 0
    one = decode_positions(encode_positions(positions(3, START_S), START_S))
    two = decode_positions(encode_positions(positions(2, START_S + 15), START_S + 15))
    both = StoredPositions.join([one, two])
    assert both.time_s.tolist() == [START_S - 3] * 3 + [START_S + 12] * 2


def test_order_is_made_where_it_is_missing() -> None:
    """Positions that came in another order are found by their flight all the same."""
    ordered = positions(6, START_S)
    shuffled = Positions(
        *(getattr(ordered, name)[[3, 0, 5, 1, 4, 2]] for name in Positions.__dataclass_fields__)
    )
    assert encode_positions(shuffled, START_S) == encode_positions(ordered, START_S)


def test_damage_is_told() -> None:
    """A blob that was cut, flipped or is something else raises, and never gives wrong numbers."""
    blob = encode_positions(positions(50, START_S), START_S)
    good = decode_positions(blob).columns()
    for damaged in (b"", b"SWPB", b"x" * 100, blob[:-1], blob + b"x", blob[:30]):
        with pytest.raises(StoreError):
            decode_positions(damaged)
    for place in range(20, len(blob)):
        flipped = blob[:place] + bytes([blob[place] ^ 4]) + blob[place + 1 :]
        try:
            found = decode_positions(flipped).columns()
        except StoreError:
            continue
        assert all(np.array_equal(found[name], good[name]) for name in good)


def test_newer_layout_and_absurd_counts_are_refused() -> None:
    """A layout from the future says to upgrade; a count that cannot be is damage."""
    blob = encode_positions(positions(5, START_S), START_S)
    with pytest.raises(StoreError, match="layout 2 need a newer"):
        decode_positions(blob[:4] + struct.pack("<H", 2) + blob[6:])
    with pytest.raises(StoreError, match="damaged"):
        decode_positions(blob[:8] + struct.pack("<I", 2**31) + blob[12:])


def test_absurdly_many_positions_are_refused() -> None:
    """More than a million positions in one step cannot be meant."""
    with pytest.raises(StoreError, match="cannot be meant"):
        encode_positions(positions(1_000_001, START_S), START_S)
