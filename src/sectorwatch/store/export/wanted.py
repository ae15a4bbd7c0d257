"""What an export is asked for, and what columns it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["COLUMNS", "FORMATS", "KINDS", "Batch", "Column", "Wanted", "texts"]

KINDS = ("tracks", "visits", "demand")
FORMATS = {".parquet": "parquet", ".csv": "csv", ".geojson": "geojson"}
"""Formats by the file's ending."""

Batch = dict[str, "NDArray[Any]"]
"""Columns of equal length by name; what is unknown is masked, in text None."""


class Column(NamedTuple):
    """A column; times are whole seconds since 1970 until they are written.

    An `id` is a number of 63 bits, which only Parquet holds as one: elsewhere it is text.
    """

    name: str
    kind: Literal["id", "text", "time", "int", "float", "bool"]


_FLIGHT = (
    Column("flight_id", "id"),
    Column("callsign", "text"),
    Column("departure", "text"),
    Column("arrival", "text"),
    Column("aircraft", "text"),
)
_SECTOR = (Column("sector", "text"), Column("partition", "text"))
COLUMNS: dict[str, tuple[Column, ...]] = {
    "tracks": (
        *_FLIGHT,
        Column("time_utc", "time"),
        Column("latitude_deg", "float"),
        Column("longitude_deg", "float"),
        Column("altitude_ft", "int"),
        Column("groundspeed_kt", "int"),
        Column("heading_deg", "int"),
        Column("squawk", "text"),
        Column("qnh_mb", "int"),
        Column("airborne", "bool"),
    ),
    "visits": (
        *_FLIGHT,
        *_SECTOR,
        Column("entry_time_utc", "time"),
        Column("entry_latitude_deg", "float"),
        Column("entry_longitude_deg", "float"),
        Column("entry_altitude_ft", "int"),
        Column("exit_time_utc", "time"),
        Column("exit_latitude_deg", "float"),
        Column("exit_longitude_deg", "float"),
        Column("exit_altitude_ft", "int"),
        Column("duration_s", "int"),
    ),
    "demand": (
        *_SECTOR,
        Column("minute_utc", "time"),
        Column("occupancy", "int"),
        Column("entries", "int"),
        Column("in_contact", "int"),
    ),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: a kind's rows of which some part lies in `[from_s, to_s)`.

    `airport` is one that the flight filed, left or reached; `callsign` is one or how it begins;
    `sector` a name, or `partition/name`. `progress` is told how much of the whole is done, 0 to 1.
    """

    kind: Literal["tracks", "visits", "demand"]
    from_s: int
    to_s: int
    out: Path
    form: str
    airport: str | None = None
    callsign: str | None = None
    sector: str | None = None
    force: bool = False
    progress: Callable[[float], None] = lambda _: None

    @property
    def is_filtered(self) -> bool:
        """Whether not all flights are wanted."""
        return self.airport is not None or self.callsign is not None


def texts(values: NDArray[Any], named: Mapping[int, str | None]) -> NDArray[Any]:
    """What each number of `values` is called, as text, None where nobody knows."""
    ids, where = np.unique(values, return_inverse=True)
    names = np.empty(len(ids), object)
    names[:] = [named.get(each) for each in ids.tolist()]
    return names[where]
