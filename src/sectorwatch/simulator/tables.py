"""Tables of columns: frozen dataclasses whose fields are arrays with one length, or such tables."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["joined", "taken"]

T = TypeVar("T")


def joined(tables: Sequence[T]) -> T:
    """The rows of all tables one after another; there is at least one table."""
    first: Any = tables[0]
    made: T = type(first)(
        **{
            each.name: _join([getattr(table, each.name) for table in tables])
            for each in fields(first)
        }
    )
    return made


def taken(table: T, index: NDArray[np.intp] | NDArray[np.bool_]) -> T:
    """The rows at `index` alone."""
    given: Any = table
    columns = {each.name: getattr(given, each.name) for each in fields(given)}
    made: T = type(given)(
        **{
            name: taken(column, index) if is_dataclass(column) else column[index]
            for name, column in columns.items()
        }
    )
    return made


def _join(columns: Sequence[Any]) -> Any:
    return joined(columns) if is_dataclass(columns[0]) else np.concatenate(columns)
