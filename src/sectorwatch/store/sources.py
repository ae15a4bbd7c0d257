"""What a question may be put to, and the shapes in which answers come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.database import Database
    from sectorwatch.store.manifest import Manifest
    from sectorwatch.store.reader import SegmentReader

__all__ = ["END_OF_TIME_S", "Page", "Sources", "columns_of", "is_number", "merged"]

END_OF_TIME_S = 2**40
"""Later than anything: for a period that has no end."""

_INT64 = 2**63
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """The database, and the sealed files with their manifest."""

    database: Database
    manifest: Manifest
    reader: SegmentReader


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of what matches; `total` counts all of it, on all pages."""

    total: int
    items: Sequence[T]


def is_number(number: int) -> bool:
    """Whether a column can hold `number`: one that none can is nobody's, and no database's trouble.

    >>> is_number(2**63 - 1), is_number(2**63)
    (True, False)
    """
    return -_INT64 <= number < _INT64


def columns_of(rows: Sequence[Sequence[Any]], count: int) -> list[NDArray[np.int64]]:
    """Rows of `count` whole numbers as columns.

    >>> columns_of([(1, 2), (3, 4)], 2)
    [array([1, 3]), array([2, 4])]
    >>> columns_of([], 2)
    [array([], dtype=int64), array([], dtype=int64)]
    """
    columns = zip(*rows, strict=True) if rows else ((),) * count
    return [np.array(column, np.int64) for column in columns]


def merged(
    parts: Sequence[dict[str, NDArray[Any]]], names: Sequence[str], kinds: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Columns of several answers, one after another; of none, empty ones of these kinds."""
    return {
        name: np.concatenate([np.empty(0, kind), *(part[name] for part in parts)], dtype=kind)
        for name, kind in zip(names, kinds, strict=True)
    }
