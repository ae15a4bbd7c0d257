"""Writing an export as Parquet, CSV or GeoJSON, batch by batch."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from sectorwatch.errors import StoreError
from sectorwatch.store.export.wanted import COLUMNS
from sectorwatch.store.geojson import METRES_A_FOOT, line_geometry
from sectorwatch.store.steps import first_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sectorwatch.store.export.wanted import Batch, Column, Wanted

__all__ = ["Sink", "guarded", "open_sink"]

_TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "text": pa.string(),
    "time": pa.timestamp("ms", tz="UTC"),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
}
_AS_TEXT = {"id", "text", "time"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ROUND = 5


class Sink(Protocol):
    """Takes batches, and is finished once."""

    def write(self, batch: Batch) -> None:
        """Write what a batch holds."""

    def finish(self) -> None:
        """Write what comes at the end."""


def open_sink(wanted: Wanted, file: IO[bytes]) -> Sink:
    """What writes `wanted` to `file`. Raises StoreError for a format that cannot hold it."""
    columns = COLUMNS[wanted.kind]
    if wanted.form == "parquet":
        return _ParquetSink(columns, file)
    if wanted.form == "csv":
        return _CsvSink(columns, file)
    if wanted.kind == "demand":
        raise StoreError(
            "demand has no place of its own to draw: write it as .parquet or .csv, and take the "
            "sectors' shapes from /api/sectors/{name}"
        )
    return _GeoJsonSink(wanted.kind, file)


def guarded(text: str | None) -> str | None:
    """A text that no spreadsheet takes for a formula: a quote before what would begin one.

    >>> guarded("=1+1"), guarded("QFA12"), guarded(None)
    ("'=1+1", 'QFA12', None)
    """
    return f"'{text}" if text is not None and text.startswith(_FORMULA) else text


class _ParquetSink:
    def __init__(self, columns: Sequence[Column], file: IO[bytes]) -> None:
        self._columns = columns
        schema = pa.schema([(each.name, _TYPES[each.kind]) for each in columns])
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")

    def write(self, batch: Batch) -> None:
        arrays = [_arrow(batch[each.name], each) for each in self._columns]
        self._writer.write_table(pa.table(dict(zip(_names(self._columns), arrays, strict=True))))

    def finish(self) -> None:
        self._writer.close()


class _CsvSink:
    def __init__(self, columns: Sequence[Column], file: IO[bytes]) -> None:
        self._columns = columns
        kinds = [(c.name, pa.string() if c.kind in _AS_TEXT else _TYPES[c.kind]) for c in columns]
        options = pc.WriteOptions(quoting_style="needed")
        self._writer = pc.CSVWriter(file, pa.schema(kinds), write_options=options)

    def write(self, batch: Batch) -> None:
        arrays: list[pa.Array[Any]] = []
        for column in self._columns:
            values = batch[column.name]
            if column.kind == "time":
                arrays.append(pa.array(_iso(values), pa.string()))
            elif column.kind == "id":
                arrays.append(pa.array(values.astype(str).tolist(), pa.string()))
            elif column.kind == "text":
                arrays.append(pa.array([guarded(text) for text in values.tolist()], pa.string()))
            else:
                arrays.append(_arrow(values, column))
        self._writer.write_table(pa.table(dict(zip(_names(self._columns), arrays, strict=True))))

    def finish(self) -> None:
        self._writer.close()


class _GeoJsonSink:
    """A collection of features, one a line: a track, or a stay from entry to exit."""

    def __init__(self, kind: str, file: IO[bytes]) -> None:
        self._file = file
        self._features = _track_features if kind == "tracks" else _visit_features
        self._encoder = msgspec.json.Encoder()
        self._between = b"\n"
        file.write(b'{"type":"FeatureCollection","features":[')

    def write(self, batch: Batch) -> None:
        for geometry, properties in self._features(batch):
            feature = {"type": "Feature", "geometry": geometry, "properties": properties}
            self._file.write(self._between + self._encoder.encode(feature))
            self._between = b",\n"

    def finish(self) -> None:
        self._file.write(b"\n]}\n")


def _track_features(batch: Batch) -> Iterator[tuple[Any, dict[str, Any]]]:
    first = first_rows(batch["flight_id"])
    for rows in np.split(np.arange(len(batch["flight_id"])), first[1:]):
        points = _points(batch, "", rows)
        named = _named(batch, ("callsign", "departure", "arrival", "aircraft"), rows[0])
        yield line_geometry(points), {**named, "times": _iso(batch["time_utc"][rows])}


def _visit_features(batch: Batch) -> Iterator[tuple[Any, dict[str, Any]]]:
    entry = _points(batch, "entry_", slice(None))
    exits = _points(batch, "exit_", slice(None))
    times = {end: _iso(batch[f"{end}_time_utc"]) for end in ("entry", "exit")}
    names = ("callsign", "departure", "arrival", "aircraft", "sector", "partition")
    lasted = _listed(batch["duration_s"])
    left = ~np.ma.getmaskarray(batch["exit_longitude_deg"])
    for row in range(len(entry)):
        points = np.stack([entry[row], exits[row]]) if left[row] else entry[row : row + 1]
        yield (
            line_geometry(points),
            {
                **_named(batch, names, row),
                "entry_time": times["entry"][row],
                "exit_time": times["exit"][row],
                "duration_s": lasted[row],
            },
        )


def _named(batch: Batch, names: Sequence[str], row: Any) -> dict[str, Any]:
    number = str(batch["flight_id"][row])
    return {"flight_id": number, **{name: batch[name][row] for name in names}}


def _points(batch: Batch, prefix: str, rows: Any) -> NDArray[np.float64]:
    columns = [
        batch[f"{prefix}longitude_deg"][rows],
        batch[f"{prefix}latitude_deg"][rows],
        batch[f"{prefix}altitude_ft"][rows] * METRES_A_FOOT,
    ]
    return np.column_stack([np.ma.getdata(each) for each in columns]).round(_ROUND)


def _iso(times_s: NDArray[Any]) -> list[str | None]:
    words = np.datetime_as_string(np.ma.getdata(times_s).astype("M8[s]")).tolist()
    unknown = np.ma.getmaskarray(times_s).tolist()
    return [
        None if not_known else f"{text}Z" for text, not_known in zip(words, unknown, strict=True)
    ]


def _listed(values: NDArray[Any]) -> list[Any]:
    return np.ma.asarray(values).tolist()  # type: ignore[no-any-return]


def _names(columns: Sequence[Column]) -> list[str]:
    return [each.name for each in columns]


def _arrow(values: NDArray[Any], column: Column) -> pa.Array[Any]:
    mask = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    plain = np.ma.getdata(values)
    if column.kind == "time":
        plain = (plain * 1_000).astype("M8[ms]")
        return pa.array(plain, pa.timestamp("ms"), mask=mask).cast(_TYPES["time"])
    return pa.array(plain, _TYPES[column.kind], mask=mask)
