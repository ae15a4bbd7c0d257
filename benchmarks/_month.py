"""A month of a whole network on the disk, as the pipeline would have left it, for questions about it.

The flights are real: March 2001 of the big carriers in the United States (16,500 a day, 2,000 in the
air at once), each along its great circle at the times it took off and landed, through the airspace of
today (20 centres, 331 high sectors). Visits, minute demand and network counts are worked out from them
minute by minute; controllers' sessions and owners are drawn. All but the last two days is sealed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from _steady import data

from sectorwatch.airspace import Airports, Airspace, load_airspace
from sectorwatch.airspace.geodesy import distance_nm, intermediate
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.parquet import write_segment
from sectorwatch.store.segments import CONTACTS, COUNTS, DAY_S, DEMAND, NETWORK, VISITS, SegmentKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    Columns = dict[str, NDArray[Any]]

DAYS = 30
START_S = 983_404_800  # 2001-03-01
END_S = START_S + DAYS * DAY_S
STEP_S = 15
_OPEN_DAYS = 2
_CLIMB_FT_A_MIN, _CRUISE_FT = 1_800, 35_000
_SESSIONS_A_DAY = 2_400
# Of feeds: what flies what; the share without a plan; the share by visual rules; seen before, after.
_TYPES = ("B738", "A320", "A20N", "B77W", "C172", "A359", "B737", "E170", "CRJ7", "A321", "PC12")
_NO_PLAN, _VISUAL, _UNFINISHED = 0.058, 0.12, 0.1
_BEFORE_S, _AFTER_S = 1_500, 600
_SUFFIXES = ("DEL", "GND", "TWR", "APP", "CTR")
_FACILITY = {"DEL": 2, "GND": 3, "TWR": 4, "APP": 5, "CTR": 6}


@dataclass(frozen=True)
class Month:
    """The flights of the month, arrays of shape (n,) in order of take-off."""

    flight_id: NDArray[np.int64]
    off_s: NDArray[np.int64]
    on_s: NDArray[np.int64]
    origin: Sequence[str]
    destination: Sequence[str]


def specs() -> list[str]:
    """The airspace that the month was flown through, as SPECs."""
    folder = data() / "airspace" / "perti-us"
    return [
        f"geojson:{folder}/artcc.json?as=artcc&name=ICAOCODE&kind=fir",
        f"geojson:{folder}/high.json?as=high&name=label&floor=FL240",
    ]


def month_on_disk(path: Path, days: int = DAYS) -> Month:
    """Fills a data directory at `path` with the month, or its first `days`; gives its flights."""
    month = _flights(days)
    airspace = load_airspace(specs())
    airports = Airports.load()
    with DataDirectory.open(path) as directory, Store.open(directory) as store:
        store.keep_sectors(airspace.sectors)
        with store.database.write("filling") as connection:
            _ticks(connection, days)
            _flight_rows(connection, month)
            _controllers(connection, airspace, month, days)
        for day in range(days):
            is_open = day >= days - _OPEN_DAYS
            with store.database.write("filling") as connection:
                for kind, columns in _day(month, airspace, airports, START_S + day * DAY_S):
                    if is_open:
                        _fill(connection, _TABLES[kind.name], _rows(columns))
                    else:
                        file = write_segment(
                            directory.segments, kind, START_S + day * DAY_S, columns, 0
                        )
                        store.manifest.add(connection, file)
        store.seal_due(START_S + days * DAY_S)
    return month


_TABLES = {
    "visits": schema.visit,
    "demand": schema.demand,
    "contacts": schema.contact,
    "network": schema.network_count,
}


def _flights(days: int) -> Month:
    table = pq.read_table(data() / "schedules" / "us2001-2001-03.parquet")
    off = table["off_at"].to_numpy().astype("M8[s]").astype(np.int64)
    on = table["on_at"].to_numpy().astype("M8[s]").astype(np.int64)
    chosen = np.flatnonzero((off >= START_S) & (on < START_S + days * DAY_S) & (on > off))
    number = table["flight_id"].to_numpy()[chosen]
    return Month(
        flight_id=np.array([_hash("flight", each) for each in number.tolist()], np.int64),
        off_s=off[chosen],
        on_s=on[chosen],
        origin=np.array(table["origin"].to_pylist(), object)[chosen].tolist(),
        destination=np.array(table["destination"].to_pylist(), object)[chosen].tolist(),
    )


def _day(
    month: Month, airspace: Airspace, airports: Airports, day_s: int
) -> Iterator[tuple[SegmentKind, Columns]]:
    """Visits that began on a day, its minutes of demand, its counts of the network."""
    chosen = np.flatnonzero((month.off_s < day_s + DAY_S) & (month.on_s >= day_s))
    first = np.maximum(-(-month.off_s[chosen] // 60) * 60, day_s)
    last = np.minimum(month.on_s[chosen], day_s + DAY_S - 1)
    count = np.maximum(0, (last - first) // 60 + 1)
    of = np.repeat(np.arange(len(chosen)), count)
    step = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    minute = first[of] + 60 * step
    off, on = month.off_s[chosen][of], month.on_s[chosen][of]
    lat, lon = along(month, airports, chosen, of, (minute - off) / (on - off))
    to_end = np.minimum(minute - off, on - minute) / 60
    altitude = np.minimum(_CRUISE_FT, to_end * _CLIMB_FT_A_MIN)
    found = airspace.locate(lon, lat, altitude)
    parts, demand = [], []
    for row in found:
        begins = (np.diff(row, prepend=-2) != 0) | (np.diff(of, prepend=-1) != 0)
        starts = np.flatnonzero(begins)
        ends = np.append(starts[1:], len(row)) - 1
        inside = row[starts] >= 0
        parts.append((starts[inside], ends[inside], row[starts[inside]]))
        here = row >= 0
        demand.append((minute[here] - day_s) // 60 * len(airspace.sectors) + row[here])
    start, end, sector = (np.concatenate(each) for each in zip(*parts, strict=True))
    ids = np.array([each.sector_id for each in airspace.sectors], np.int64)
    e5 = {
        "latitude_e5": np.rint(lat * 1e5).astype(np.int32),
        "longitude_e5": np.rint(lon * 1e5).astype(np.int32),
        "altitude_ft": altitude.astype(np.int32),
    }
    entry_s = minute[start] - 17
    exit_s = np.minimum(minute[end] + 43, on[end])
    visits = {
        "sector_id": ids[sector],
        "entry_s": entry_s,
        "flight_id": month.flight_id[chosen][of[start]],
        **{f"entry_{name}": values[start] for name, values in e5.items()},
        "exit_s": exit_s,
        **{f"exit_{name}": values[end] for name, values in e5.items()},
    }
    yield VISITS, visits
    size = len(airspace.sectors)
    occupancy = np.bincount(np.concatenate(demand), minlength=1_440 * size)
    entries = np.bincount(
        np.clip((entry_s - day_s) // 60, 0, 1_439) * size + sector, minlength=1_440 * size
    )
    some = np.flatnonzero(occupancy + entries)
    yield (
        DEMAND,
        {
            "sector_id": ids[some % size],
            "minute_s": day_s + 60 * (some // size),
            "occupancy": occupancy[some].astype(np.int32),
            "entries": entries[some].astype(np.int32),
            "in_contact": (occupancy[some] * 0.4).astype(np.int32),
        },
    )
    yield CONTACTS, _contacts(month, day_s)
    time_s = np.arange(day_s, day_s + DAY_S, STEP_S, dtype=np.int64)
    airborne = np.searchsorted(month.off_s, time_s) - np.searchsorted(np.sort(month.on_s), time_s)
    counts = dict.fromkeys(COUNTS, np.zeros(len(time_s), np.int32)) | {
        "pilots": (airborne * 1.35).astype(np.int32),
        "airborne": airborne.astype(np.int32),
        "controllers": (airborne / 9 + 20).astype(np.int32),
    }
    yield NETWORK, {"time_s": time_s, **counts}


def _contacts(month: Month, day_s: int) -> Columns:
    """Contacts of flights that landed on a day: six pieces a flight, every other one in contact."""
    chosen = np.flatnonzero((month.on_s >= day_s) & (month.on_s < day_s + DAY_S))
    chance = np.random.default_rng(day_s)
    piece, flight = np.tile(np.arange(6), len(chosen)), np.repeat(chosen, 6)
    kept = chance.uniform(size=len(piece)) < 0.5
    piece, flight = piece[kept], flight[kept]
    lasts = (month.on_s[flight] - month.off_s[flight]) // 6
    start = month.off_s[flight] + piece * lasts
    return {
        "flight_id": month.flight_id[flight],
        "start_s": start,
        "session_id": chance.choice(_SESSION_IDS, len(piece)),
        "channel_khz": np.full(len(piece), 118_500, np.int32),
        "airborne": np.ones(len(piece), np.bool_),
        "end_s": start + lasts,
    }


def along(
    month: Month,
    airports: Airports,
    chosen: NDArray[np.intp],
    of: NDArray[np.intp],
    gone: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the flights `chosen` are when this part of their way is `gone`, `of` by `of`."""
    ends = []
    for codes in (month.origin, month.destination):
        found = [airports.get(codes[each]) for each in chosen]
        ends.append(np.array([(a.latitude, a.longitude) if a else (0.0, 0.0) for a in found]))
    (lat1, lon1), (lat2, lon2) = ends[0][of].T, ends[1][of].T
    same = distance_nm(lat1, lon1, lat2, lon2) < 1
    lat, lon = intermediate(lat1, lon1, np.where(same, lat1 + 0.1, lat2), lon2, gone)
    return lat, lon


def _ticks(connection: Connection, days: int) -> None:
    count = days * DAY_S // STEP_S
    _fill(
        connection,
        schema.tick,
        (
            (
                number + 1,
                (START_S + STEP_S * number) * 1_000_000,
                (START_S + STEP_S * number) * 1_000_000 + 2_000_000,
                (START_S + STEP_S * number - 180) // 60 * 60,
                1_500,
                None,
            )
            for number in range(count)
        ),
    )


def _flight_rows(connection: Connection, month: Month) -> None:
    chance = np.random.default_rng(2)
    count = len(month.off_s)
    drawn = chance.uniform(size=(3, count)).tolist()
    types = [_TYPES[n] for n in chance.integers(0, len(_TYPES), count)]
    flights, movements = [], []
    for place, (number, off, on) in enumerate(
        zip(month.flight_id.tolist(), month.off_s.tolist(), month.on_s.tolist(), strict=True)
    ):
        origin, destination = month.origin[place], month.destination[place]
        plan: tuple[Any, ...] = (None,) * 5
        if drawn[0][place] > _NO_PLAN:
            rules = "V" if drawn[1][place] < _VISUAL else "I"
            plan = (number % 1000, rules, types[place], origin, destination)
        landed = drawn[2][place] > _UNFINISHED
        callsign = f"AAL{place % 3_000}"
        flights.append(
            (
                *(
                    number,
                    place % 40_000,
                    callsign,
                    off - _BEFORE_S,
                    off - _BEFORE_S,
                    "USA-EAST",
                    0,
                ),
                *plan,
                *(off, origin, on if landed else None, destination if landed else None),
                *(on + _AFTER_S, 0),
            )
        )
        movements.append((number, "departure", off, origin, callsign))
        if landed:
            movements.append((number, "arrival", on, destination, callsign))
    _fill(connection, schema.flight, flights)
    _fill(connection, schema.movement, movements)


def _controllers(connection: Connection, airspace: Airspace, month: Month, days: int) -> None:
    chance = np.random.default_rng(3)
    fields = sorted(set(month.origin))
    centres = [each for each in airspace.sectors if each.name.startswith("KZ")]
    high = [each for each in airspace.sectors if each.dataset == "high"]
    sessions, owned = [], []
    start = np.sort(chance.integers(START_S, START_S + days * DAY_S - 60, days * _SESSIONS_A_DAY))
    length = np.minimum(chance.lognormal(np.log(4_500), 0.7, len(start)), 40_000).astype(int)
    kind = chance.choice(len(_SUFFIXES), len(start), p=(0.1, 0.2, 0.25, 0.2, 0.25))
    busy: dict[int, int] = {}
    for place, (begin, lasts, suffix) in enumerate(
        zip(start.tolist(), length.tolist(), kind.tolist(), strict=True)
    ):
        ends = min(begin + lasts, START_S + days * DAY_S - STEP_S)
        number = _hash("session", place)
        name = _SUFFIXES[suffix]
        if name == "CTR":
            centre = centres[place % len(centres)]
            callsign = f"{centre.name[1:]}_{place % 4}_CTR"
            its = [each for each in high if each.name.startswith(centre.name[1:])]
            for sector in (centre, *its[place % 4 :: 4]):
                if busy.get(sector.sector_id, 0) <= begin:
                    busy[sector.sector_id] = ends
                    owned.append((sector.sector_id, begin, number, callsign, "first", ends))
        else:
            callsign = f"{fields[place % len(fields)][1:]}_{name}"
        facility = 0 if place % 200 == 0 else _FACILITY[name]
        sessions.append(
            (
                *(number, place % 5_000, callsign, "118.500", facility, 5, "USA-EAST", 300),
                *(begin - 60, begin, ends),
            )
        )
    _fill(connection, schema.session, sessions)
    _fill(connection, schema.ownership, owned)


def _rows(columns: Columns) -> Iterator[tuple[Any, ...]]:
    order = {
        "entry_s": schema.visit,
        "minute_s": schema.demand,
        "time_s": schema.network_count,
        "channel_khz": schema.contact,
    }
    table = next(table for name, table in order.items() if name in columns)
    return zip(*(columns[column.name].tolist() for column in table.columns), strict=True)


def _fill(connection: Connection, table: Any, rows: Any) -> None:
    raw: Any = connection.connection.driver_connection
    marks = ", ".join("?" for _ in table.columns)
    raw.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)  # noqa: S608 - our own names


def _hash(*parts: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1


_SESSION_IDS = np.array([_hash("session", n) for n in range(2_000)], np.int64)
