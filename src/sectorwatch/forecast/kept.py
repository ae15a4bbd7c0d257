"""An issue of forecasts as the store keeps it, and back; what is damaged there is left out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.errors import StoreError
from sectorwatch.forecast.issued import QUANTILES, Issued
from sectorwatch.observe import LogCategory, LogLevel, Telemetry
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.store.columns import Packing
    from sectorwatch.store.forecasts import ForecastKind, ForecastStore, Kept

__all__ = [
    "Readable",
    "decode_issued",
    "encode_issued",
    "keep_issued",
    "kept_issues",
    "newest_issue",
]

T = TypeVar("T")
_PACKINGS: dict[str, Packing] = {
    "levels": "quantiles",
    "plan_mean": "aircraft",
    "naive": "aircraft",
    "p_zero": "probability",
    "p_over_capacity": "probability",
}


class Readable:
    """Of the rows that are kept those that can be read; each other one is told and counted once."""

    def __init__(self, telemetry: Telemetry | None = None) -> None:
        telemetry = telemetry or Telemetry.null()
        self._log = telemetry.log
        self._damaged = telemetry.metrics.counter("forecast_rows_damaged_total")
        self._told: set[tuple[str, int]] = set()

    def read(self, what: str, time_s: int, read: Callable[[], T]) -> T | None:
        """What `read` makes of a row, of `what` and when; None where it raises StoreError."""
        try:
            return read()
        except StoreError as error:
            if (what, time_s) not in self._told:
                self._told.add((what, time_s))
                self._damaged.inc()
                self._log.log_operation(
                    "damaged_row",
                    LogLevel.WARNING,
                    LogCategory.DATABASE,
                    what=f"{what}: left out, all else is taken",
                    of=format_s(time_s),
                    why=str(error),
                )
            return None


def encode_issued(issued: Issued) -> bytes:
    """`issued` as a blob of some tens of kilobytes; aircraft keep three digits.

    Raises StoreError where it holds numbers that cannot be meant.
    """
    return pack_columns(
        {
            "sector_id": issued.sector_id.astype(np.int64),
            "leads_s": issued.leads_s.astype(np.int32),
            "basis": issued.basis.astype(np.int8),
            "current": issued.current.astype(np.int32),
            "capacity": issued.capacity.astype(np.float32),
            # The mean, then the quantiles upward: each is little more than the one before.
            "levels": np.concatenate([issued.mean[None], np.moveaxis(issued.quantiles, -1, 0)]),
            "p_zero": issued.p_zero,
            "p_over_capacity": issued.p_over_capacity,
            "plan_mean": issued.plan_mean,
            "naive": issued.naive,
        },
        _PACKINGS,
    )


def decode_issued(content: bytes, as_of_s: int, seq: int, model: str) -> Issued:
    """What `encode_issued` was given. Raises StoreError where it is damaged, newer or foreign."""
    columns = unpack_columns(content)
    try:
        issued = Issued(
            as_of_s=as_of_s,
            seq=seq,
            model=model,
            sector_id=columns["sector_id"],
            leads_s=columns["leads_s"].astype(np.int64),
            basis=columns["basis"],
            current=columns["current"],
            capacity=columns["capacity"],
            mean=columns["levels"][0],
            quantiles=np.moveaxis(columns["levels"][1:], 0, -1),
            p_zero=columns["p_zero"],
            p_over_capacity=columns["p_over_capacity"],
            plan_mean=columns["plan_mean"],
            naive=columns["naive"],
        )
    except KeyError as error:
        raise StoreError(f"the forecast of {as_of_s} has no column {error}") from error
    shape = issued.sector_id.size, issued.leads_s.size
    cells = (issued.mean, issued.p_zero, issued.p_over_capacity, issued.plan_mean, issued.naive)
    if issued.quantiles.shape != (*shape, len(QUANTILES)) or any(c.shape != shape for c in cells):
        raise StoreError(f"the forecast of {as_of_s} does not fit together: the row is damaged")
    return issued


def keep_issued(store: ForecastStore, issued: Issued, kind: ForecastKind = "sectors") -> bool:
    """Keeps one issue; False where one of that kind and moment is kept already."""
    content = encode_issued(issued)
    return store.keep(kind, issued.as_of_s, issued.model, content, seq=issued.seq)


def kept_issues(
    store: ForecastStore,
    from_s: int,
    to_s: int,
    kind: ForecastKind = "sectors",
    *,
    readable: Readable,
) -> Sequence[Issued]:
    """The issues of a kind as of a time in the half-open period, oldest first, as kept."""
    found = (
        readable.read(f"a forecast of {kind}", each.as_of_s, partial(decode_issued, *_row(each)))
        for each in store.kept(kind, from_s, to_s)
    )
    return [each for each in found if each is not None]


def newest_issue(store: ForecastStore, readable: Readable) -> Issued | None:
    """The last issue for sectors, None where none is kept, or it cannot be read."""
    newest_s = store.newest("sectors")
    if newest_s is None:
        return None
    kept = kept_issues(store, newest_s, newest_s + 1, readable=readable)
    return kept[-1] if kept else None


def _row(kept: Kept) -> tuple[bytes, int, int, str]:
    return kept.content, kept.as_of_s, kept.seq, kept.model
