"""An issue of forecasts as the store keeps it, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.forecast.issued import QUANTILES, Issued
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorwatch.store.columns import Packing
    from sectorwatch.store.forecasts import ForecastKind, ForecastStore

__all__ = ["decode_issued", "encode_issued", "keep_issued", "kept_issues", "newest_issue"]

_PACKINGS: dict[str, Packing] = {
    "levels": "quantiles",
    "plan_mean": "aircraft",
    "naive": "aircraft",
    "p_zero": "probability",
    "p_over_capacity": "probability",
}


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
    store: ForecastStore, from_s: int, to_s: int, kind: ForecastKind = "sectors"
) -> Sequence[Issued]:
    """The issues of a kind as of a time in the half-open period, oldest first, as kept."""
    return [
        decode_issued(each.content, each.as_of_s, each.seq, each.model)
        for each in store.kept(kind, from_s, to_s)
    ]


def newest_issue(store: ForecastStore) -> Issued | None:
    """The last issue for sectors, None where none is kept. Raises StoreError if it is damaged."""
    newest_s = store.newest("sectors")
    kept = [] if newest_s is None else kept_issues(store, newest_s, newest_s + 1)
    return kept[-1] if kept else None
