"""A schedule: who flies from where to where, what was filed, and when it took off and landed.

It is read from Parquet, as `docs/simulator.md` describes the columns, or made from a seed
(`sectorwatch.simulator.gravity`). A row that cannot be flown is left out alone and counted by
reason; a file that is none is an error that says what to do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sectorwatch.airspace import Airports
from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "COLUMNS",
    "EARLIEST_S",
    "LATEST_S",
    "LEFT_OUT",
    "Schedule",
    "ScheduleAirports",
    "read_schedule",
]

Floats = NDArray[np.float64]
Seconds = NDArray[np.int64]
Indices = NDArray[np.int32]

COLUMNS = {
    "flight_id": "whole number",
    "origin": "text",
    "destination": "text",
    "filed_off_at": "time",
    "off_at": "time",
    "on_at": "time",
    "distance_nm": "number",
}
"""What a schedule must have, and of what kind each column is."""

LEFT_OUT = {
    "missing_value": "a value is null",
    "duplicate_id": "another flight, earlier in the files, has this flight_id (its last 56 bits)",
    "unknown_airport": "no airport of this code is known",
    "time_out_of_range": "a time is before 2000 or after 2099",
    "backwards": "it lands before it takes off, or in the same moment",
    "filed_far_off": "it took off more than 48 h from the time filed",
    "too_long": "it flies for more than 24 h",
    "too_short": "it flies for less than 3 min",
    "too_fast": "its mean speed over the ground is above 700 kt",
    "too_slow": "its mean speed over the ground is below 25 kt, and it goes somewhere else",
    "distance_differs": "distance_nm is more than 15 % and 25 NM from the great circle",
}
"""Why a row is left out: the keys of `Schedule.left_out`, tried in this order."""

EARLIEST_S, LATEST_S = 946_684_800, 4_102_444_800
"""2000-01-01 and 2100-01-01: no feed of before, or from then on, is ever accepted."""
_FILED_WITHIN_S = 48 * 3_600
_LONGEST_S, _SHORTEST_S = 24 * 3_600, 180
_FASTEST_KT, _SLOWEST_KT = 700.0, 25.0
_DISTANCE_SHARE, _DISTANCE_SLACK_NM = 0.15, 25.0
_ID_BITS = (1 << 56) - 1  # above them a member's id has the sort of session


@dataclass(frozen=True, eq=False)
class ScheduleAirports:
    """The airports of a schedule, arrays of shape (n,); `elevation_ft` is 0 where unknown."""

    icao: tuple[str, ...]
    latitude: Floats
    longitude: Floats
    elevation_ft: Floats

    def __len__(self) -> int:
        return len(self.icao)

    @classmethod
    def of(cls, codes: Sequence[str], known: Airports) -> ScheduleAirports:
        """The airports with these codes, each of which is known."""
        index = np.array(
            [airport.index for code in codes if (airport := known.get(code)) is not None],
            dtype=np.intp,
        )
        if len(index) != len(codes):
            unknown = [code for code in codes if known.get(code) is None]
            raise ScheduleError(f"no airport {unknown[0]!r} is known: give its ICAO code")
        return cls(
            icao=tuple(codes),
            latitude=known.lat[index],
            longitude=known.lon[index],
            elevation_ft=np.nan_to_num(known.elevation_ft[index], nan=0.0),
        )


@dataclass(frozen=True, eq=False)
class Schedule:
    """Flights in the order in which they take off, arrays of shape (n,).

    `origin` and `destination` are indices into `airports`; times are whole seconds since 1970 UTC.
    `left_out` counts what was read and cannot be flown, by the reasons of `LEFT_OUT`.
    """

    airports: ScheduleAirports
    flight_id: Seconds
    origin: Indices
    destination: Indices
    filed_off_s: Seconds
    off_s: Seconds
    on_s: Seconds
    distance_nm: Floats
    left_out: Mapping[str, int] = field(default_factory=dict)
    name: str = "schedule"

    def __len__(self) -> int:
        return len(self.off_s)

    def rows(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Schedule:
        """The flights at `index` alone, their airports as they were."""
        return Schedule(
            airports=self.airports,
            flight_id=self.flight_id[index],
            origin=self.origin[index],
            destination=self.destination[index],
            filed_off_s=self.filed_off_s[index],
            off_s=self.off_s[index],
            on_s=self.on_s[index],
            distance_nm=self.distance_nm[index],
            left_out=self.left_out,
            name=self.name,
        )

    def taking_off(self, start_s: int, end_s: int) -> Schedule:
        """The flights that take off at `start_s` <= t < `end_s`."""
        first, last = np.searchsorted(self.off_s, [start_s, end_s])
        return self.rows(np.arange(first, last))

    def airport_weights(self) -> Floats:
        """How many flights take off and land at each airport, shape (airports,)."""
        ends = np.concatenate([self.origin, self.destination])
        return np.bincount(ends, minlength=len(self.airports)).astype(np.float64)

    def mean_airborne(self) -> float:
        """How many are in the air in the mean, from the first take-off to the last landing."""
        if not len(self):
            return 0.0
        flown_s = float((self.on_s - self.off_s).sum())
        return flown_s / float(self.on_s.max() - self.off_s[0])

    def between(self, start_s: int, end_s: int) -> Schedule:
        """The flights that are in the air at some moment of `start_s` <= t < `end_s`."""
        return self.rows((self.off_s < end_s) & (self.on_s >= start_s))


def read_schedule(
    paths: Path | str | Iterable[Path | str], *, airports: Airports | None = None
) -> Schedule:
    """The flights in Parquet files, or in folders of them, that can be flown.

    Raises ScheduleError where a path holds no Parquet, where a column is missing or of another
    kind, and where no flight remains.
    """
    given = [Path(paths)] if isinstance(paths, str | Path) else [Path(each) for each in paths]
    files = _files(given)
    table = pa.concat_tables([_read(file) for file in files])
    rows = _columns(table)
    name = ", ".join(str(path) for path in given[:3]) + (" …" if len(given) > 3 else "")  # noqa: PLR2004 - three are enough to know it by
    return _flyable(rows, airports or Airports.load(), name)


class _Rows(NamedTuple):
    flight_id: Seconds
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    codes: tuple[str, ...]
    filed_off_s: Seconds
    off_s: Seconds
    on_s: Seconds
    distance_nm: Floats
    missing: NDArray[np.bool_]


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob("*.parquet"))
            if not inside:
                raise ScheduleError(
                    f"{path} holds no .parquet file: give a schedule, or its folder"
                )
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise ScheduleError(f"there is no {path}: give a schedule in Parquet, or its folder")
    if not files:
        raise ScheduleError("no schedule was given: name at least one Parquet file")
    return files


def _read(path: Path) -> pa.Table:
    """The columns of one file, each of one type. Raises ScheduleError."""
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            for name in COLUMNS:
                if name not in schema.names:
                    raise ScheduleError(
                        f"{path} has no column {name!r}, only {', '.join(schema.names)[:200]}: a "
                        f"schedule needs {', '.join(COLUMNS)}"
                    )
                if schema.names.count(name) > 1:
                    raise ScheduleError(
                        f"{path} has the column {name!r} {schema.names.count(name)} times: which "
                        "one is meant? Leave one of them"
                    )
            table = file.read(columns=list(COLUMNS))
        # Parquet writers do not look whether a text is one.
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ScheduleError(
            f"{path} cannot be read as Parquet ({str(error).splitlines()[0][:200]}): give a "
            "schedule in Parquet"
        ) from error
    return pa.table({name: _typed(path, name, table[name]) for name in COLUMNS})


def _typed(path: Path, name: str, column: Any) -> Any:
    """A column as int64, float64, text, or seconds. Raises ScheduleError for another kind."""
    kind, want = column.type, COLUMNS[name]
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if want == "text" and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return column.cast(pa.string())
    if want == "time" and pa.types.is_timestamp(kind):
        return pc.cast(column, pa.timestamp("us"), safe=False).cast(pa.int64())
    if want == "whole number" and pa.types.is_integer(kind):
        return pc.cast(column, pa.int64(), safe=False)
    if want == "number" and (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return pc.cast(column, pa.float64(), safe=False)
    raise ScheduleError(
        f"column {name!r} of {path} is of type {kind}: it has to be a {want}"
        + (" (a Parquet timestamp in UTC)" if want == "time" else "")
    )


def _columns(table: pa.Table) -> _Rows:
    missing = np.zeros(table.num_rows, dtype=np.bool_)
    for name in COLUMNS:
        missing |= table[name].is_null().to_numpy()
    both = pa.concat_arrays([*table["origin"].chunks, *table["destination"].chunks])
    coded: Any = both.dictionary_encode()
    index = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = tuple(str(code) for code in coded.dictionary.to_pylist())
    column: Any = table.column
    whole = {
        name: column(name).fill_null(0).to_numpy()
        for name in ("flight_id", "filed_off_at", "off_at", "on_at", "distance_nm")
    }
    return _Rows(
        flight_id=whole["flight_id"],
        origin=index[: table.num_rows],
        destination=index[table.num_rows :],
        codes=codes,
        filed_off_s=whole["filed_off_at"] // 1_000_000,
        off_s=whole["off_at"] // 1_000_000,
        on_s=whole["on_at"] // 1_000_000,
        distance_nm=whole["distance_nm"],
        missing=missing,
    )


def _flyable(rows: _Rows, known: Airports, name: str) -> Schedule:
    """What of `rows` can be flown, in the order of take-off; the rest is counted."""
    good = np.ones(len(rows.off_s), dtype=np.bool_)
    left_out: Counter[str] = Counter()

    def leave_out(reason: str, bad: NDArray[np.bool_]) -> None:
        count = int(np.count_nonzero(good & bad))
        if count:
            left_out[reason] = count
            good[bad] = False

    leave_out("missing_value", rows.missing)
    first = np.zeros(len(good), dtype=np.bool_)
    candidates = np.flatnonzero(good)
    first[candidates[np.unique(rows.flight_id[candidates] & _ID_BITS, return_index=True)[1]]] = True
    leave_out("duplicate_id", ~first)
    found = [known.get(code) for code in rows.codes]
    # One entry more, for the index -1 of a missing value.
    is_known = np.array([*(airport is not None for airport in found), False])
    leave_out("unknown_airport", ~(is_known[rows.origin] & is_known[rows.destination]))
    times = (rows.filed_off_s, rows.off_s, rows.on_s)
    inside = [(time >= EARLIEST_S) & (time < LATEST_S) for time in times]
    leave_out("time_out_of_range", ~(inside[0] & inside[1] & inside[2]))
    leave_out("backwards", rows.on_s <= rows.off_s)
    leave_out("filed_far_off", ~(np.abs(rows.off_s - rows.filed_off_s) <= _FILED_WITHIN_S))
    duration_s = rows.on_s - rows.off_s
    leave_out("too_long", duration_s > _LONGEST_S)
    leave_out("too_short", duration_s < _SHORTEST_S)
    circle_nm = _great_circles(rows, found)
    speed_kt = circle_nm / (np.maximum(duration_s, 1) / 3_600)
    leave_out("too_fast", speed_kt > _FASTEST_KT)
    leave_out("too_slow", (speed_kt < _SLOWEST_KT) & (rows.origin != rows.destination))
    slack_nm = np.maximum(_DISTANCE_SHARE * circle_nm, _DISTANCE_SLACK_NM)
    leave_out("distance_differs", ~(np.abs(rows.distance_nm - circle_nm) <= slack_nm))
    if not good.any():
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in left_out.items())
        raise ScheduleError(
            f"{name} has no flight that can be flown"
            + (f" (left out: {reasons})" if reasons else ", it is empty")
            + ": give a schedule with flights between known airports"
        )
    kept = np.flatnonzero(good)
    kept = kept[np.lexsort((rows.flight_id[kept], rows.off_s[kept]))]
    used, ends = np.unique(
        np.concatenate([rows.origin[kept], rows.destination[kept]]), return_inverse=True
    )
    # Two codes may name one airport (its ICAO code and its FAA identifier).
    icao = [airport.icao for number in used if (airport := found[number]) is not None]
    unique = sorted(set(icao))
    place = np.array([unique.index(code) for code in icao], dtype=np.int32)[ends]
    return Schedule(
        airports=ScheduleAirports.of(unique, known),
        flight_id=rows.flight_id[kept],
        origin=place[: len(kept)],
        destination=place[len(kept) :],
        filed_off_s=rows.filed_off_s[kept],
        off_s=rows.off_s[kept],
        on_s=rows.on_s[kept],
        distance_nm=rows.distance_nm[kept],
        left_out=dict(left_out),
        name=name,
    )


def _great_circles(rows: _Rows, found: Sequence[object]) -> Floats:
    """From origin to destination, NM, shape (n,); 0 where one is unknown."""
    places = [
        (getattr(airport, "latitude", 0.0), getattr(airport, "longitude", 0.0)) for airport in found
    ]
    lat, lon = np.array([*places, (0.0, 0.0)]).T
    return distance_nm(
        lat[rows.origin], lon[rows.origin], lat[rows.destination], lon[rows.destination]
    )
