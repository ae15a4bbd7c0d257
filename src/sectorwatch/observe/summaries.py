"""Summaries of samples in columns, each with a quantile sketch, and how they merge.

A row sums up one series over one step of time: count, total, lowest, highest, last, and a DDSketch
(Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch", PVLDB 12, 2019): counts
in buckets whose bounds grow by a constant factor, so that any quantile is within 1 % of a value
that was recorded. Merging two rows loses nothing, so partial minutes, minutes and tens of minutes
are all the same thing, and folding fresh samples is the same operation again.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MAX_BUCKETS", "Summaries", "bucket_codes", "bucket_values"]

_RELATIVE_ERROR = 0.01
_GAMMA = (1 + _RELATIVE_ERROR) / (1 - _RELATIVE_ERROR)
_LOG_GAMMA = float(np.log(_GAMMA))
# Bucket 0 holds zero. A value v > 0 has the code ceil(log_gamma(v)) + _MIDDLE, which is positive
# for every double from _SMALLEST up, and -v has its negative: codes sort as the values do.
_MIDDLE = 40_000
_SMALLEST = 1e-300
_CODE_SPAN = 1 << 18
MAX_BUCKETS = 2_048
"""A sketch keeps no more buckets (17 orders of magnitude); past that its lowest become one."""

_HEADER = struct.Struct("<BII")
_VERSION = 1
_INTEGERS = ("series", "start_s", "count", "sizes")
_FLOATS = ("total", "low", "high", "last")
_MAX_ROWS = 50_000_000


def bucket_codes(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The sketch bucket of each value; finite values only."""
    magnitude = np.abs(values)
    nonzero = magnitude >= _SMALLEST
    index = np.ceil(np.log(np.where(nonzero, magnitude, 1.0)) / _LOG_GAMMA).astype(np.int64)
    return np.where(nonzero, np.where(values > 0, index + _MIDDLE, -index - _MIDDLE), 0)


def bucket_values(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The value that stands for each bucket, within 1 % of all that fell into it."""
    with np.errstate(over="ignore"):
        magnitude = np.exp((np.abs(codes) - _MIDDLE) * _LOG_GAMMA) * (2 / (_GAMMA + 1))
    return np.where(codes == 0, 0.0, np.sign(codes) * magnitude)


@dataclass(frozen=True, slots=True, eq=False)
class Summaries:
    """Rows of summaries; row i's sketch is the next `sizes[i]` entries of `codes` and `weights`."""

    series: NDArray[np.int64]
    start_s: NDArray[np.int64]
    count: NDArray[np.int64]
    total: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    last: NDArray[np.float64]
    sizes: NDArray[np.int64]
    codes: NDArray[np.int64]
    weights: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def empty(cls) -> Summaries:
        """No rows."""
        none_i, none_f = np.zeros(0, np.int64), np.zeros(0, np.float64)
        return cls(none_i, none_i, none_i, none_f, none_f, none_f, none_f, none_i, none_i, none_i)

    @classmethod
    def of_samples(
        cls,
        series: NDArray[np.int64],
        time_s: NDArray[np.float64],
        values: NDArray[np.float64],
        step_s: int,
    ) -> Summaries:
        """One row for each series and step of time, of single samples in the order they came."""
        ones = np.ones(len(values), np.int64)
        rows = cls(
            series,
            np.floor(time_s).astype(np.int64),
            ones,
            values,
            values,
            values,
            values,
            ones,
            bucket_codes(values),
            ones,
        )
        return rows.merged(step_s)

    @classmethod
    def concat(cls, parts: Sequence[Summaries]) -> Summaries:
        """All rows of all parts, one after another, not yet merged."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        if len(parts) == 1:
            return parts[0]
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in cls.__dataclass_fields__
            )
        )

    def select(self, rows: NDArray[np.bool_]) -> Summaries:
        """The rows where `rows` is true."""
        entries = np.repeat(rows, self.sizes)
        return Summaries(
            self.series[rows],
            self.start_s[rows],
            self.count[rows],
            self.total[rows],
            self.low[rows],
            self.high[rows],
            self.last[rows],
            self.sizes[rows],
            self.codes[entries],
            self.weights[entries],
        )

    def part(self, begin: int, end: int, ends: NDArray[np.int64]) -> Summaries:
        """Rows `begin` to `end`; `ends` is where each row's sketch ends, after a leading 0."""
        sketches = slice(int(ends[begin]), int(ends[end]))
        rows = slice(begin, end)
        return Summaries(
            self.series[rows],
            self.start_s[rows],
            self.count[rows],
            self.total[rows],
            self.low[rows],
            self.high[rows],
            self.last[rows],
            self.sizes[rows],
            self.codes[sketches],
            self.weights[sketches],
        )

    def of_series(self, ids: NDArray[np.int64]) -> Summaries:
        """The rows of these series."""
        return self.select(np.isin(self.series, ids))

    def as_one_series(self) -> Summaries:
        """The same rows as if they were all of one series, number 0."""
        return Summaries(
            np.zeros_like(self.series),
            self.start_s,
            self.count,
            self.total,
            self.low,
            self.high,
            self.last,
            self.sizes,
            self.codes,
            self.weights,
        )

    def merged(self, step_s: int) -> Summaries:
        """One row for each series and step of `step_s` seconds, ordered by series, then time.

        Of rows of one step the later one's `last` wins, then the one further down.
        """
        if not len(self):
            return self
        start = self.start_s - self.start_s % step_s
        order = np.lexsort((self.start_s, self.series))
        series, start = self.series[order], start[order]
        fresh = np.empty(len(order), np.bool_)
        fresh[0] = True
        np.logical_or(series[1:] != series[:-1], start[1:] != start[:-1], out=fresh[1:])
        first = np.flatnonzero(fresh)
        group_of_row = np.empty(len(order), np.int64)
        group_of_row[order] = np.cumsum(fresh) - 1
        sizes, codes, weights = _merge_sketches(
            np.repeat(group_of_row, self.sizes), self.codes, self.weights, len(first)
        )
        with np.errstate(over="ignore"):
            total = np.add.reduceat(self.total[order], first)
        return Summaries(
            series[first],
            start[first],
            np.add.reduceat(self.count[order], first),
            total,
            np.minimum.reduceat(self.low[order], first),
            np.maximum.reduceat(self.high[order], first),
            self.last[order][np.append(first[1:], len(order)) - 1],
            sizes,
            codes,
            weights,
        )

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """The values below which these shares of all rows' samples lie, within 1 %; needs a row."""
        codes, inverse = np.unique(self.codes, return_inverse=True)
        reached = np.cumsum(np.bincount(inverse, weights=self.weights))
        ranks = np.asarray(shares) * (reached[-1] - 1)
        at = np.minimum(np.searchsorted(reached, ranks, side="right"), len(codes) - 1)
        values = np.clip(bucket_values(codes[at]), self.low.min(), self.high.max())
        return [float(value) for value in values]

    def encode(self) -> bytes:
        """The rows as bytes: columns, integers as differences, compressed, with a checksum."""
        columns = [np.diff(getattr(self, name), prepend=0) for name in _INTEGERS]
        columns += [getattr(self, name).view(np.int64) for name in _FLOATS]
        columns += [np.diff(self.codes, prepend=0), self.weights]
        # Bytes of equal place side by side compress to a half of what whole numbers do.
        body = b"".join(
            np.ascontiguousarray(column, dtype="<i8").view(np.uint8).reshape(-1, 8).T.tobytes()
            for column in columns
        )
        return _HEADER.pack(_VERSION, len(self), len(self.codes)) + zlib.compress(body, 6)

    @classmethod
    def decode(cls, data: bytes) -> Summaries:
        """The rows that `encode` made bytes of.

        Raises ValueError where `data` is something else, or damaged.
        """
        try:
            version, rows, entries = _HEADER.unpack_from(data)
            if version != _VERSION or max(rows, entries) > _MAX_ROWS:
                raise ValueError(f"version {version}, {rows} rows")  # noqa: TRY301 - one way out
            # Never more than the header promises, whatever the compressed bytes would give.
            wanted = 8 * (8 * rows + 2 * entries)
            engine = zlib.decompressobj()
            body = engine.decompress(data[_HEADER.size :], wanted + 1)
            if len(body) != wanted or not engine.eof:
                raise ValueError(f"{len(body)} bytes instead of {wanted}")  # noqa: TRY301 - as above
            columns: list[Any] = []
            at = 0
            for length in [rows] * 8 + [entries] * 2:
                block = np.frombuffer(body, np.uint8, 8 * length, at).reshape(8, length)
                columns.append(
                    np.ascontiguousarray(block.T).reshape(-1).view("<i8").astype(np.int64)
                )
                at += 8 * length
            series, start_s, count, sizes = (np.cumsum(column) for column in columns[:4])
            if sizes.min(initial=0) < 0 or sizes.sum() != entries:
                raise ValueError("sketches of impossible sizes")  # noqa: TRY301 - as above
        except (ValueError, struct.error, zlib.error) as error:
            raise ValueError(f"not a block of summaries: {error}") from error
        total, low, high, last = (column.view(np.float64) for column in columns[4:8])
        codes, weights = np.cumsum(columns[8]), columns[9]
        return cls(series, start_s, count, total, low, high, last, sizes, codes, weights)


def _merge_sketches(
    group: NDArray[np.int64], codes: NDArray[np.int64], weights: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Sizes, codes and weights of one sketch a group, from entries in any order."""
    key = group * _CODE_SPAN + (codes + _CODE_SPAN // 2)
    order = np.argsort(key, kind="stable")
    key = key[order]
    fresh = np.empty(len(key), np.bool_)
    fresh[:1] = True
    np.not_equal(key[1:], key[:-1], out=fresh[1:])
    first = np.flatnonzero(fresh)
    key, weights = key[first], np.add.reduceat(weights[order], first)
    sizes = np.bincount(key // _CODE_SPAN, minlength=groups)
    if sizes.max(initial=0) > MAX_BUCKETS:
        # The place of each entry counted from its sketch's highest bucket: what lies past the
        # limit takes the code of the last one kept.
        ends = np.cumsum(sizes)
        from_top = np.repeat(ends, sizes) - 1 - np.arange(len(key))
        floor = np.repeat(ends - np.minimum(sizes, MAX_BUCKETS), sizes)
        key = np.where(from_top < MAX_BUCKETS, key, key[floor])
        return _merge_sketches(
            key // _CODE_SPAN, key % _CODE_SPAN - _CODE_SPAN // 2, weights, groups
        )
    return sizes, key % _CODE_SPAN - _CODE_SPAN // 2, weights
