"""Writing and reading one segment; loaded only where one is, for it brings `pyarrow` with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sectorwatch.errors import StoreError
from sectorwatch.store.files import (
    FILE_MODE,
    TEMPORARY_SUFFIX,
    disk_errors,
    make_folders,
    publish,
)
from sectorwatch.store.segments import SegmentFile, segment_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from sectorwatch.store.segments import SegmentKind

__all__ = ["read_segment", "write_segment"]

_LEVEL = 9
_TYPES: dict[str, pa.DataType] = {"int64": pa.int64(), "int32": pa.int32(), "bool": pa.bool_()}


def write_segment(
    root: Path, kind: SegmentKind, start_s: int, columns: Mapping[str, NDArray[Any]], edition: int
) -> SegmentFile:
    """Writes `columns`, of shape (n,) with n > 0, as the segment of the period at `start_s`.

    What is unknown is masked (`numpy.ma`). When this returns the file lasts, but nobody knows of it
    before the manifest does. Raises DiskFullError where no space is left; then nothing of it stays.
    """
    order = np.lexsort([columns[name] for name in reversed(kind.sort)])
    table = pa.table(
        [_arrow(columns[name][order], _TYPES[text]) for name, text in kind.columns.items()],
        names=list(kind.columns),
    )
    path = segment_name(kind, start_s, edition)
    final = root / path
    temporary = final.with_name(final.name + TEMPORARY_SUFFIX)
    with disk_errors(f"sealing {path}"):
        make_folders(final.parent, root.parent)
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
            with os.fdopen(handle, "wb") as file:
                pq.write_table(
                    table,
                    file,
                    version="2.6",
                    data_page_version="2.0",
                    compression="zstd",
                    compression_level=_LEVEL,
                    use_dictionary=sorted(kind.repeated),  # type: ignore[arg-type] # the stubs know bool alone
                    column_encoding=dict.fromkeys(sorted(kind.delta), "DELTA_BINARY_PACKED"),
                    row_group_size=kind.row_group,
                    store_schema=False,
                )
            publish(temporary, final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        size = final.stat().st_size
    return SegmentFile(
        path=path,
        kind=kind.name,
        start_s=start_s,
        end_s=start_s + kind.period_s,
        first_s=int(columns[kind.time].min()),
        last_s=int(columns[kind.until].max()),
        row_count=table.num_rows,
        size_bytes=size,
    )


def read_segment(path: Path) -> dict[str, NDArray[Any]]:
    """All columns of a segment by name, what is unknown masked; StoreError if it is damaged."""
    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file).read()
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"the segment {path} cannot be read, restore it from a backup or remove it: {error}"
        ) from error
    return {name: _numpy(table[name]) for name in table.column_names}


def _arrow(values: NDArray[Any], kind: pa.DataType) -> pa.Array[Any]:
    mask = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    return pa.array(np.ma.getdata(values), kind, mask=mask)


def _numpy(column: pa.ChunkedArray[Any]) -> NDArray[Any]:
    if not column.null_count:
        return column.to_numpy()
    filled = column.fill_null(pa.scalar(0, column.type))
    return np.ma.MaskedArray(filled.to_numpy(), column.is_null().to_numpy())
