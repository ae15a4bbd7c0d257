from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sectorwatch.errors import StoreError
from sectorwatch.store.columns import Packing, pack_columns, unpack_columns

AIRCRAFT = st.one_of(
    st.floats(0, 300, width=32), st.just(float("nan")), st.just(0.0), st.floats(0, 1e6, width=32)
)
PROBABILITY = st.one_of(st.floats(0, 1, width=32), st.just(float("nan")))
SHAPES = array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6)


@given(arrays(np.float32, SHAPES, elements=AIRCRAFT), st.sampled_from(["aircraft", "quantiles"]))
def test_aircraft_keep_three_digits(values: np.ndarray, packing: Packing) -> None:
    """Whatever is 1 or more is right to half a hundredth of itself, less to 0.005; NaN stays."""
    back = unpack_columns(pack_columns({"mean": values}, {"mean": packing}))["mean"]
    assert back.shape == values.shape
    assert np.array_equal(np.isnan(back), np.isnan(values))
    known = ~np.isnan(values)
    error = np.abs(back[known].astype(float) - values[known])
    assert np.all(error <= 0.0051 * np.maximum(values[known], 1.0))
    assert np.all(back[values == 0] == 0)


@given(arrays(np.float32, SHAPES, elements=PROBABILITY))
def test_probabilities_keep_three_digits(values: np.ndarray) -> None:
    """Each is right to half a thousandth; NaN stays."""
    back = unpack_columns(pack_columns({"p": values}, {"p": "probability"}))["p"]
    assert np.allclose(back, values, rtol=0, atol=0.000_51, equal_nan=True)


@given(
    st.sampled_from(["i8", "i4", "i1", "u1", "f4", "f8", "bool"]).flatmap(
        lambda kind: arrays(np.dtype(kind), SHAPES)
    )
)
def test_what_is_plain_comes_back_to_the_last_bit(values: np.ndarray) -> None:
    """Numbers that nobody packs are what they were, in their type and shape."""
    back = unpack_columns(pack_columns({"a": values, "b": np.arange(3)}))
    assert back["a"].dtype == values.dtype
    assert back["a"].tobytes() == values.tobytes()
    assert back["b"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("bad", [-1.0, float("inf"), 1e14])
def test_numbers_that_cannot_be_meant_are_refused(bad: float) -> None:
    """Fewer aircraft than none, or more than there are, are no forecast."""
    with pytest.raises(StoreError, match=r"mean holds .* no such number is meant"):
        pack_columns({"mean": np.array([1.0, bad])}, {"mean": "aircraft"})


def test_what_are_no_numbers_are_refused() -> None:
    """Texts are not packed."""
    with pytest.raises(StoreError, match="no numbers that a blob can hold"):
        pack_columns({"name": np.array(["a"])})


BLOB = pack_columns(
    {"mean": np.linspace(0, 9, 40).reshape(8, 5), "n": np.arange(8)}, {"mean": "aircraft"}
)


@given(st.integers(0, len(BLOB) - 1), st.integers(1, 255))
def test_a_damaged_blob_is_told(place: int, mask: int) -> None:
    """A byte that is not what it was gives the same arrays or an error, never others."""
    damaged = bytearray(BLOB)
    damaged[place] ^= mask
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = unpack_columns(bytes(damaged))
    except StoreError:
        return
    # Names, and numbers of the header that nothing rests on, are not under the checksum.
    whole = unpack_columns(BLOB)
    assert [v.size for v in found.values()] == [v.size for v in whole.values()]


@given(st.integers(0, len(BLOB) - 1))
def test_a_cut_blob_is_told(length: int) -> None:
    """However much of it is left."""
    with pytest.raises(StoreError):
        unpack_columns(BLOB[:length])


def test_a_newer_layout_asks_for_an_upgrade() -> None:
    """What is not known is not guessed."""
    newer = BLOB[:4] + b"\x09\x00" + BLOB[6:]
    with pytest.raises(StoreError, match="layout 9 need a newer sectorwatch"):
        unpack_columns(newer)
