"""Visits and demand of past days for sectors that are drawn anew, from the positions kept.

Hour by hour in order of time, through the rules that made them of snapshots. A day is replaced
whole or not at all: where an hour of it cannot be read, it keeps what it had.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from sectorwatch.clock import format_s
from sectorwatch.errors import DatabaseAwayError, StoreError
from sectorwatch.observe import Telemetry
from sectorwatch.runtime.rebuild import Interrupted, refuse_no_directory
from sectorwatch.runtime.root import tracking
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.blobs import PER_DEGREE
from sectorwatch.store.hours import read_hour
from sectorwatch.store.redrawn import Contacts, Day, read_contacts, replace_day, visit_columns
from sectorwatch.store.sealing import joined_columns
from sectorwatch.store.segments import DAY_S, DEMAND, HOUR_S, VISITS
from sectorwatch.traffic.retrace import Retrace
from sectorwatch.traffic.tick import Positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from sectorwatch.config import Settings
    from sectorwatch.store.hours import Hour
    from sectorwatch.store.sources import Sources
    from sectorwatch.traffic.tick import Demand, Visit

__all__ = ["Redrawn", "redraw"]

_WARM_UP_S = DAY_S
_SETTLED_AFTER_S = 600
"""So long after its end nothing more comes of a day: a minute is final after three minutes."""
_SPARSE_S = 60
_SLOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What was computed again: the days, how many visits they have now, and what to know of it.

    `gone` are sectors that are drawn no more, by name: of theirs nothing was touched.
    """

    days: list[str]
    visits: int
    gone: list[str]
    remarks: list[str]


def redraw(
    settings: Settings,
    *,
    from_s: int | None = None,
    to_s: int | None = None,
    progress: Callable[[str, float], None] = lambda _what, _part: None,
    stop: threading.Event | None = None,
    telemetry: Telemetry | None = None,
) -> Redrawn:
    """Compute visits and demand again for the airspace of `settings`, from the positions kept.

    Of the days (UTC) that the period touches; without one, of all that have positions. Raises
    DataDirectoryError where the directory is in use or none, StoreError where there is nothing in
    the period, Interrupted once `stop` is set: days done by then are done.
    """
    stop = stop or threading.Event()
    telemetry = telemetry or Telemetry.null()
    refuse_no_directory(settings)
    url = settings.database_url
    address = None if url is None else url.get_secret_value()
    with (
        DataDirectory.open(settings.data_dir) as directory,
        Store.open(directory, address, telemetry=telemetry) as store,
    ):
        made_with = tracking(settings, directory, telemetry)
        first_s, last_s = _period(store.sources, from_s, to_s)
        store.keep_sectors(made_with.airspace.sectors)
        ids = [sector.sector_id for sector in made_with.airspace.sectors]
        days = _Days(store.sources, ids, made_with.airspace.fingerprint, first_s, last_s)
        trace = Retrace(made_with.airspace, made_with.airports, made_with.rules, days.in_contact)
        _walk(store.sources, trace, days, progress, stop)
        return Redrawn(
            days=days.done, visits=days.visits, gone=_gone(store, ids), remarks=days.remarks
        )


class _Days:
    """Collects what comes of each day, and replaces the day once nothing more comes of it."""

    def __init__(
        self, sources: Sources, ids: Sequence[int], fingerprint: str, first_s: int, last_s: int
    ) -> None:
        self._sources = sources
        self._ids = ids
        self._fingerprint = fingerprint
        self.first_s = first_s
        self.last_s = last_s
        self._visits: dict[int, list[dict[str, NDArray[Any]]]] = {}
        self._demand: dict[int, list[dict[str, NDArray[Any]]]] = {}
        self._spoiled: dict[int, str] = {}
        self._contacts: dict[int, Contacts] = {}
        self.done: list[str] = []
        self.remarks: list[str] = []
        self.visits = 0

    def in_contact(self, minute_s: int) -> NDArray[np.int64] | None:
        """The flights in contact at a minute, by what is kept; None where nobody knows."""
        day_s = minute_s // DAY_S * DAY_S
        if not self.first_s <= day_s < self.last_s:
            return None
        if day_s not in self._contacts:
            self._contacts[day_s] = self._read_contacts(day_s)
        return self._contacts[day_s].at(minute_s)

    def _read_contacts(self, day_s: int) -> Contacts:
        try:
            found = read_contacts(self._sources, day_s, day_s + DAY_S)
        except DatabaseAwayError:
            raise
        except StoreError as error:
            self._spoiled.setdefault(day_s, f"{error}.")
            nothing = np.empty(0, np.int64)
            return Contacts(nothing, nothing, nothing, frozenset())
        if found.lost is not None:
            self.remarks.append(
                f"{format_s(day_s)[:10]}: who was in contact is not known where contacts are lost, "
                f"for {found.lost}."
            )
        return found

    def spoil(self, hour_s: int, why: str) -> None:
        """Of the day that this hour is in not all can be known."""
        why += ". A visit that lasted across that begins after it, where it ended on a later day."
        self._spoiled.setdefault(hour_s // DAY_S * DAY_S, why)
        if hour_s % DAY_S == 0:
            # Who flew across that midnight cannot be followed to it either.
            self._spoiled.setdefault(hour_s - DAY_S, why)

    def take(self, hour_s: int, visits: Sequence[Visit], demand: Sequence[Demand]) -> None:
        """Take what came of the snapshots of an hour, and be it nothing."""
        self._visits.setdefault(hour_s // DAY_S * DAY_S, [])
        ended = [each for each in visits if each.exit_s is not None]
        _by_day(self._visits, visit_columns(ended), "exit_s")
        for each in demand:
            columns = {name: getattr(each, name) for name in DEMAND.columns}
            columns["in_contact"] = np.ma.masked_less(each.in_contact, 0)
            _by_day(self._demand, columns, "minute_s")

    def settle(self, now_s: int, standing: Sequence[Visit], *, is_end: bool = False) -> None:
        """Replace every day of which nothing more comes at `now_s`; at the end, the rest.

        `standing` are the visits that are open then.
        """
        waiting = sorted({*self._visits, *self._demand, *self._spoiled})
        for day_s in waiting:
            over = day_s + DAY_S + _SETTLED_AFTER_S <= now_s
            if not over and not is_end:
                continue
            if self.first_s <= day_s < self.last_s:
                self._replace(day_s, standing, is_last=is_end and now_s < day_s + DAY_S)
            for kept in (self._visits, self._demand, self._spoiled, self._contacts):
                kept.pop(day_s, None)

    def _replace(self, day_s: int, standing: Sequence[Visit], *, is_last: bool) -> None:
        day = format_s(day_s)[:10]
        if day_s in self._spoiled:
            self.remarks.append(f"{day} keeps what it had: {self._spoiled[day_s]}")
            return
        reopened = {(v.flight_id, v.sector_id, v.entry_s) for v in standing}
        visits = _once(_joined(self._visits.get(day_s, []), VISITS.columns), reopened)
        demand = _joined(self._demand.get(day_s, []), DEMAND.columns)
        kept = Day(day_s, visits, demand, standing if is_last else None)
        try:
            replace_day(self._sources, kept, self._ids, self._fingerprint)
        except DatabaseAwayError:
            raise
        except StoreError as error:
            self.remarks.append(f"{day} keeps what it had: {error}.")
            return
        self.visits += len(visits["exit_s"])
        self.done.append(day)


def _walk(
    sources: Sources,
    trace: Retrace,
    days: _Days,
    progress: Callable[[str, float], None],
    stop: threading.Event,
) -> None:
    hours = range(*_reach(sources, days.first_s, days.last_s), HOUR_S)
    waiting: Positions | None = None
    sparse: set[str] = set()
    now_s = 0
    for number, hour_s in enumerate(hours):
        if stop.is_set():
            raise Interrupted
        hour = read_hour(sources, hour_s)
        if hour.problem is not None:
            days.spoil(hour_s, hour.problem)
        if len(hour.snapshots_us) > 1 and np.median(np.diff(hour.snapshots_us)) > _SPARSE_S * 1e6:
            sparse.add(format_s(hour_s)[:10])
        visits: list[Visit] = []
        demand: list[Demand] = []
        for time_us, positions in _steps(hour, waiting):
            changed, minutes = trace.step(time_us, positions)
            visits += changed
            demand.append(minutes)
            now_s = time_us // 1_000_000
        waiting = _left_over(hour, waiting)
        if hour.problem is not None:
            trace.lose_all()
        if len(hour.snapshots_us):
            days.take(hour_s, visits, demand)
        days.settle(now_s, trace.standing())
        progress("computing again", (number + 1) / len(hours))
    days.settle(now_s, trace.standing(), is_end=True)
    for day in sorted(sparse & set(days.done)):
        days.remarks.append(
            f"{day}: positions are more than {_SPARSE_S} s apart; between them flights are taken "
            "to have flown straight on."
        )


def _steps(hour: Hour, waiting: Positions | None) -> Iterator[tuple[int, Positions]]:
    """Each snapshot of an hour with what it brought: positions not later than it."""
    order, which = _snapshot_of(hour)
    for number, time_us in enumerate(hour.snapshots_us.tolist()):
        first, last = np.searchsorted(which, [number, number + 1])
        positions = _taken(hour, order[first:last])
        if number == 0 and waiting is not None:
            positions = _both(waiting, positions)
        yield time_us, positions


def _left_over(hour: Hour, waiting: Positions | None) -> Positions | None:
    """What is later than the hour's last snapshot, and so belongs to the one after it."""
    order, which = _snapshot_of(hour)
    rows = order[np.searchsorted(which, len(hour.snapshots_us)) :]
    left = _taken(hour, rows)
    if waiting is not None and not len(hour.snapshots_us):
        left = _both(waiting, left)
    return left if len(left.flight_id) else None


def _snapshot_of(hour: Hour) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows in the order of the snapshots that brought them, and which snapshot each is of."""
    seconds = hour.snapshots_us // 1_000_000
    which = np.searchsorted(seconds, hour.positions.time_s, side="left")
    order = np.argsort(which, kind="stable")
    return order, which[order]


def _taken(hour: Hour, rows: NDArray[np.intp]) -> Positions:
    some = hour.positions.take(rows)
    return Positions(
        flight_id=some.flight_id,
        time_s=some.time_s,
        latitude=some.latitude_e5 / PER_DEGREE,
        longitude=some.longitude_e5 / PER_DEGREE,
        altitude_ft=some.altitude_ft,
        groundspeed_kt=some.groundspeed_kt,
        heading_deg=some.heading_deg,
        transponder=some.transponder,
        qnh_mb=some.qnh_mb,
        airborne=some.airborne,
    )


def _both(one: Positions, other: Positions) -> Positions:
    names = Positions.__dataclass_fields__
    return Positions(
        **{name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in names}
    )


def _period(sources: Sources, from_s: int | None, to_s: int | None) -> tuple[int, int]:
    """The midnights around the days that are wanted and there; StoreError where none is."""
    tick = schema.tick.c.snapshot_time_us
    with sources.database.read("asking for days", _SLOW_S) as connection:
        first_us, last_us = connection.execute(select(func.min(tick), func.max(tick))).one()
    if first_us is None:
        raise StoreError("nothing has been taken in yet: there is nothing to compute again")
    there = first_us // 1_000_000, last_us // 1_000_000
    first_s = max(there[0] if from_s is None else from_s, there[0]) // DAY_S * DAY_S
    last_s = min(there[1] + 1 if to_s is None else to_s, there[1] + 1)
    last_s = -(-last_s // DAY_S) * DAY_S
    if first_s >= last_s:
        raise StoreError(
            f"there is nothing in that period: there are snapshots from {format_s(there[0])} to "
            f"{format_s(there[1])}"
        )
    return first_s, last_s


def _reach(sources: Sources, first_s: int, last_s: int) -> tuple[int, int]:
    """The hours to read: from where those began who flew at the begin, until all is settled."""
    flight, tick = schema.flight.c, schema.tick.c.snapshot_time_us
    with sources.database.read("asking who flew", _SLOW_S) as connection:
        begun_s = connection.scalar(
            select(func.min(flight.first_seen_s)).where(
                flight.first_seen_s < first_s,
                flight.ended_s.is_(None) | (flight.ended_s >= first_s),
            )
        )
        last_us = connection.scalar(select(func.max(tick)))
    from_s = max(first_s - _WARM_UP_S, first_s if begun_s is None else begun_s)
    to_s = min(last_s + HOUR_S, last_us // 1_000_000 + 1)
    return from_s // HOUR_S * HOUR_S, to_s


def _by_day(
    into: dict[int, list[dict[str, NDArray[Any]]]], columns: dict[str, NDArray[Any]], time: str
) -> None:
    number = columns[time] // DAY_S
    for each in np.unique(number).tolist():
        rows = np.flatnonzero(number == each)
        part = {name: column[rows] for name, column in columns.items()}
        into.setdefault(each * DAY_S, []).append(part)


def _joined(parts: list[dict[str, NDArray[Any]]], names: Any) -> dict[str, NDArray[Any]]:
    empty = {name: np.empty(0, stored.type) for name, stored in names.items()}
    return {name: joined_columns([empty[name], *(p[name] for p in parts)]) for name in names}


def _once(
    visits: dict[str, NDArray[Any]], reopened: set[tuple[int, int, int]]
) -> dict[str, NDArray[Any]]:
    """Each visit once, as it was said last; without those that were entered again at once."""
    keys = [visits[name].tolist() for name in ("flight_id", "sector_id", "entry_s")]
    last = {key: row for row, key in enumerate(zip(*keys, strict=True)) if key not in reopened}
    rows = np.array(sorted(last.values()), np.intp)
    return {name: column[rows] for name, column in visits.items()}


def _gone(store: Store, ids: Sequence[int]) -> list[str]:
    """Sectors of an earlier airspace, by name."""
    with store.database.read("asking for sectors") as connection:
        table = schema.sector.c
        rows = connection.execute(
            select(table.sector_id, table.dataset, table.kind, table.name).order_by(
                table.dataset, table.kind, table.name
            )
        ).all()
    drawn = set(ids)
    return [f"{r.dataset}:{r.kind}/{r.name}" for r in rows if r.sector_id not in drawn]
