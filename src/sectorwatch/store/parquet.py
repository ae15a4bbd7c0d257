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
from sectorwatch.store.steps import first_rows, from_steps, to_steps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from sectorwatch.store.segments import SegmentKind

__all__ = ["read_segment", "write_segment"]

_LEVEL = 9
_ENCODINGS = {"packed": "DELTA_BINARY_PACKED", "split": "BYTE_STREAM_SPLIT"}
_TYPES: dict[str, pa.DataType] = {
    "int64": pa.int64(),
    "int32": pa.int32(),
    "bool": pa.bool_(),
    "string": pa.string(),
}


def write_segment(
    root: Path, kind: SegmentKind, start_s: int, columns: Mapping[str, NDArray[Any]], edition: int
) -> SegmentFile:
    """Writes `columns`, of shape (n,) with n > 0, as the segment of the period at `start_s`.

    What is unknown is masked (`numpy.ma`). When this returns the file lasts, but nobody knows of it
    before the manifest does. Raises DiskFullError where no space is left; then nothing of it stays.
    """
    order = np.lexsort([columns[name] for name in reversed(kind.sort)])
    first = first_rows(columns[kind.sort[0]][order])
    made, encodings, by_dictionary = {}, {}, []
    for name, stored in kind.columns.items():
        values = columns[name][order]
        called = kind.name_in_file(name)
        made[called] = _arrow(to_steps(values, first) if stored.steps else values, stored.type)
        if stored.layout == "dictionary":
            by_dictionary.append(called)
        elif stored.layout != "plain":
            encodings[called] = _ENCODINGS[stored.layout]
    table = pa.table(made)
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
                    use_dictionary=by_dictionary,  # type: ignore[arg-type] # they know bool alone
                    column_encoding=encodings,
                    row_group_size=kind.row_group,
                    store_schema=False,
                    write_page_checksum=True,
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


def read_segment(path: Path, kind: SegmentKind) -> dict[str, NDArray[Any]]:
    """All columns of a segment by name, what is unknown masked; StoreError if it is damaged."""
    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file, page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"the segment {path} cannot be read, restore it from a backup or remove it: {error}"
        ) from error
    columns: dict[str, NDArray[Any]] = {}
    for name, stored in kind.columns.items():
        called = kind.name_in_file(name)
        if stored.added and called not in table.column_names:
            nothing = np.zeros(table.num_rows, stored.dtype)
            columns[name] = np.ma.MaskedArray(nothing, mask=True)
        else:
            columns[name] = _numpy(table[called])
    first = first_rows(columns[kind.sort[0]])
    return {
        name: from_steps(values, first) if kind.columns[name].steps else values
        for name, values in columns.items()
    }


def _arrow(values: NDArray[Any], name: str) -> pa.Array[Any]:
    mask = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    return pa.array(np.ma.getdata(values), _TYPES[name], mask=mask)


def _numpy(column: pa.ChunkedArray[Any]) -> NDArray[Any]:
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), object)
    if not column.null_count:
        return column.to_numpy()
    filled = column.fill_null(pa.scalar(0, column.type))
    return np.ma.MaskedArray(filled.to_numpy(), column.is_null().to_numpy())
