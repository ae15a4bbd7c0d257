from __future__ import annotations

import contextlib
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe.summaries import MAX_BUCKETS, Summaries, bucket_codes, bucket_values

VALUES = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=1e-290, max_value=1e290)
SAMPLES = st.lists(
    st.tuples(st.integers(1, 3), st.floats(0, 7_200), st.floats(-1e6, 1e6)), min_size=1, max_size=60
)


def _summaries(samples: list[tuple[int, float, float]], step_s: int = 60) -> Summaries:
    ids, times, values = (np.array(column) for column in zip(*samples, strict=True))
    return Summaries.of_samples(
        ids.astype(np.int64), times.astype(float), values.astype(float), step_s
    )


def _same(one: Summaries, other: Summaries) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in Summaries.__dataclass_fields__
    )


@given(POSITIVE, st.sampled_from([-1.0, 1.0]))
def test_a_bucket_stands_for_its_values_within_one_percent(magnitude: float, sign: float) -> None:
    """What a bucket gives back is within 1 % of what fell into it, negative or positive."""
    value = np.array([magnitude * sign])
    assert bucket_values(bucket_codes(value))[0] == pytest.approx(value[0], rel=0.0100001)


@given(st.lists(VALUES, min_size=2, max_size=20))
def test_buckets_sort_as_their_values_do(values: list[float]) -> None:
    """The greater value never has the lower code."""
    codes = bucket_codes(np.array(sorted(values)))
    assert (np.diff(codes) >= 0).all()


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_one_percent_of_a_recorded_value(
    values: list[float], share: float
) -> None:
    """Any quantile is near the value of that rank."""
    rows = _summaries([(1, 0.0, value) for value in values])
    (found,) = rows.quantiles([share])
    truth = sorted(values)[int(share * (len(values) - 1))]
    above = sorted(values)[min(len(values) - 1, int(share * (len(values) - 1)) + 1)]
    assert truth * 0.98999 <= found <= above * 1.01001


@given(SAMPLES)
def test_folding_in_parts_gives_what_folding_at_once_gives(
    samples: list[tuple[int, float, float]],
) -> None:
    """Merging loses nothing, however the samples were split."""
    samples = sorted(samples, key=lambda sample: sample[1])
    whole = _summaries(samples)
    parts = Summaries.concat([_summaries([one]) for one in samples]).merged(60)
    assert np.allclose(whole.total, parts.total)
    assert np.array_equal(whole.count, parts.count)
    assert np.array_equal(whole.codes, parts.codes)
    assert np.array_equal(whole.weights, parts.weights)
    assert np.array_equal(whole.low, parts.low)
    assert np.array_equal(whole.high, parts.high)


@given(SAMPLES)
def test_coarser_steps_keep_count_total_and_extremes(
    samples: list[tuple[int, float, float]],
) -> None:
    """Ten-minute steps made of minutes are those made of the samples."""
    fine, coarse = _summaries(samples), _summaries(samples, 600)
    merged = fine.merged(600)
    assert np.array_equal(merged.count, coarse.count)
    assert np.array_equal(merged.low, coarse.low)
    assert np.array_equal(merged.high, coarse.high)
    assert np.allclose(merged.total, coarse.total)
    assert int(merged.weights.sum()) == len(samples)


def test_the_last_value_of_a_step_is_the_youngest() -> None:
    """`last` follows time, then the order in which samples came."""
    rows = _summaries([(1, 61.0, 5.0), (1, 75.0, 6.0), (1, 75.0, 7.0), (1, 62.0, 8.0)])
    assert rows.last.tolist() == [7.0]


@given(SAMPLES)
def test_bytes_give_the_rows_back(samples: list[tuple[int, float, float]]) -> None:
    """Encoding loses nothing, not even the sign of zero."""
    rows = _summaries(samples)
    assert _same(Summaries.decode(rows.encode()), rows)


def test_no_rows_are_bytes_too() -> None:
    """An empty block encodes, decodes, merges and selects to itself."""
    empty = Summaries.empty()
    assert len(Summaries.decode(empty.encode())) == 0
    assert len(empty.merged(60)) == 0
    assert len(Summaries.concat([empty, empty])) == 0


@given(st.data())
def test_damaged_bytes_are_refused_not_read(data: st.DataObject) -> None:
    """A flipped byte, a cut or foreign bytes end in ValueError, or in the very same rows."""
    rows = _summaries([(1, float(i), i * 1.5) for i in range(50)])
    whole = bytearray(rows.encode())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ValueError):
        assert _same(Summaries.decode(bytes(whole)), rows)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\x01" + b"\xff" * 8,
        b"\x09" + bytes(8) + zlib.compress(b""),
        b"\x01" + bytes(8) + zlib.compress(b"too much of it"),
        b"\x01\x01\0\0\0\0\0\0\0" + zlib.compress(bytes(7)),
        b"\x01\x01\0\0\0\0\0\0\0" + zlib.compress(b"\x01" * 64),
    ],
)
def test_foreign_bytes_are_refused(data: bytes) -> None:
    """Whatever is no block says so, and a header cannot make it take memory."""
    with pytest.raises(ValueError, match="not a block of summaries"):
        Summaries.decode(data)


def test_a_sketch_never_has_more_buckets_than_its_limit() -> None:
    """Values over a hundred orders of magnitude: the lowest buckets become one, the rest stay."""
    values = np.logspace(-100, 100, 20_000)
    rows = Summaries.of_samples(np.ones(20_000, np.int64), np.zeros(20_000), values, 60)
    assert rows.sizes.tolist() == [MAX_BUCKETS]
    assert rows.weights.sum() == 20_000
    (p99,) = rows.quantiles([0.99])
    assert p99 == pytest.approx(values[int(0.99 * 19_999)], rel=0.02)
    again = Summaries.concat([rows, rows]).merged(60)
    assert again.sizes.tolist() == [MAX_BUCKETS]
    assert again.weights.sum() == 40_000


def test_rows_can_be_picked_with_their_sketches() -> None:
    """`select`, `of_series`, `part` and `as_one_series` keep each row's own sketch."""
    rows = _summaries([(1, 0.0, 1.0), (2, 0.0, 2.0), (2, 0.0, 200.0), (3, 0.0, 3.0)])
    two = rows.of_series(np.array([2]))
    assert two.count.tolist() == [2]
    assert two.quantiles([0.0, 1.0]) == pytest.approx([2.0, 200.0], rel=0.01)
    ends = np.append(0, np.cumsum(rows.sizes))
    assert rows.part(2, 3, ends).quantiles([0.5]) == pytest.approx([3.0], rel=0.01)
    one = rows.as_one_series().merged(60)
    assert one.count.tolist() == [4]
    assert one.low.tolist() == [1.0]
    assert one.high.tolist() == [200.0]


def test_totals_past_the_largest_double_do_not_warn() -> None:
    """Sums of huge values run over quietly; extremes stay what they are."""
    rows = _summaries([(1, 0.0, 1.7e308), (1, 0.0, 1.7e308)])
    assert rows.total.tolist() == [np.inf]
    assert rows.high.tolist() == [1.7e308]
    assert np.isfinite(rows.quantiles([0.5])).all()
