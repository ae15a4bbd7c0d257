"""The past as it was known at any of its moments: what forecasts are trained on and tested by.

Loaded day by day from the store, in little memory. `History.situation` gives what the last snapshot
that had been received by a moment told, and is equal to what `situation_now` gave then. Where
nothing is known, because feeds stalled or files are gone, it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.forecast.bins import STEP_S, bin_means, mark_before
from sectorwatch.forecast.drawn import drawn_since
from sectorwatch.forecast.history_rows import read_rows
from sectorwatch.forecast.now import STALE_AFTER_S, Filed, Online, Plans, assemble, places_of
from sectorwatch.forecast.situation import UNKNOWN
from sectorwatch.forecast.whereabouts import Whereabouts
from sectorwatch.store.segments import DAY_S
from sectorwatch.traffic.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airports
    from sectorwatch.forecast.history_rows import (
        FlightRows,
        MovementRows,
        PlanRows,
        PrefileRows,
        RevisionRows,
    )
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.store import Store
    from sectorwatch.store.queries_history import Ticks
    from sectorwatch.traffic.contract import Space

__all__ = ["History", "Visits"]

_SECOND_US = 1_000_000
_MINUTE_S = 60
_SILENT_AFTER_S = Rules().final_after_s
# How long before a moment a plan may have been filed, a flight may have come online.
_LONGEST_S = 3 * DAY_S


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits, of shape (n,): `flight` is a row of `History.flights`, UNKNOWN for none of them.

    `sector` is an index into the airspace's sectors, `exit_s` UNKNOWN where it lasts.
    """

    flight: NDArray[np.int64]
    sector: NDArray[np.int32]
    entry_s: NDArray[np.int64]
    exit_s: NDArray[np.int64]


class History:
    """A period of the past, `[from_s, to_s)`.

    `occupancy` has shape (sectors, minutes), from `from_s` on, and means nothing where `known`
    (minutes,) is False. `flights`, `revisions`, `plans`, `prefiles` and `movements` are columns of
    all that touches the period; their places are indices into `places`. `since_s` (sectors,) is
    from when on a sector is known to have been there, 0 where all along: one that was drawn or
    renamed later has no past before. `notes` says in words what is not known, and why.
    """

    def __init__(
        self,
        store: Store,
        airspace: Space,
        airports: Airports,
        period: tuple[int, int],
        progress: Callable[[float, str], None] | None,
    ) -> None:
        self.from_s, self.to_s = period
        self.sector_ids = np.array([each.sector_id for each in airspace.sectors], np.int64)
        self.places = places_of(airports)
        self._store = store
        self._airspace = airspace
        self._where = Whereabouts(store)
        tell = progress or (lambda _share, _words: None)
        tell(0.0, "reading demand")
        demand = store.history.demand(self.sector_ids.tolist(), self.from_s, self.to_s)
        self.occupancy: NDArray[np.int16] = demand.occupancy
        self.known: NDArray[np.bool_] = demand.known
        # The last snapshot before the period was still what was known at its start.
        self._ticks: Ticks = store.history.ticks(self.from_s - DAY_S, self.to_s)
        rows = read_rows(store.history, airports, self.from_s, self.to_s, _LONGEST_S, tell)
        self.flights: FlightRows = rows.flights
        self.revisions: RevisionRows = rows.revisions
        self.plans: PlanRows = rows.plans
        self.prefiles: PrefileRows = rows.prefiles
        # For histories looked at as if they had been known otherwise: by row of `flights`, until
        # when somebody on the ground is not seen.
        self.hidden_until_s: NDArray[np.int64] | None = None
        self.movements: MovementRows = rows.movements
        self.airspaces = store.history.airspaces(self.to_s)
        self.since_s = drawn_since(
            store.history, self.sector_ids, airspace.fingerprint, self.from_s, self.to_s
        )
        self.notes: list[str] = [
            f"From {format_s(each.start_s)} to {format_s(each.end_s)} demand is lost: {each.why}."
            for each in demand.lost
        ]
        self.notes += self._notes()
        tell(1.0, "read")

    @classmethod
    def load(
        cls,
        store: Store,
        airspace: Space,
        airports: Airports,
        from_s: int,
        to_s: int,
        *,
        progress: Callable[[float, str], None] | None = None,
    ) -> History:
        """What is kept of a period, cut to whole minutes; `progress` is told a share and in words.

        Raises ValueError where the period ends before it begins, DatabaseAwayError.
        """
        if to_s < from_s:
            raise ValueError(f"the period from {from_s} to {to_s} ends before it begins")
        start_s = -(-from_s // _MINUTE_S) * _MINUTE_S
        end_s = max(start_s, to_s // _MINUTE_S * _MINUTE_S)
        return cls(store, airspace, airports, (start_s, end_s), progress)

    def bin_mean(
        self, start_s: NDArray[np.int64], bin_s: int = 900, *, until_s: int | None = None
    ) -> NDArray[np.float32]:
        """The mean occupancy of the bins that begin at `start_s` (n,), shape (sectors, n).

        A start between two 5-min marks counts as the one before, as for every past. NaN where less
        than half of a bin's minutes are known, or the sector was not there yet; minutes after
        `until_s` count as unknown.
        """
        starts = mark_before(np.asarray(start_s, np.int64))
        means = bin_means(
            self.occupancy,
            self.known,
            (starts - self.from_s) // _MINUTE_S,
            bin_s // _MINUTE_S,
            None if until_s is None else (until_s - self.from_s) // _MINUTE_S,
        )
        means[starts[None, :] < self.since_s[:, None]] = np.nan
        return means

    def known_steps(self, from_s: int, steps: int) -> NDArray[np.bool_]:
        """In which steps of 5 min, from the mark at or before `from_s` on, there was a snapshot.

        They are known from a day before the period on, as flights are.
        """
        edges = from_s // STEP_S * STEP_S + np.arange(steps + 1) * STEP_S
        return np.diff(np.searchsorted(self._ticks.time_us, edges * _SECOND_US)) > 0

    def final_minute_s(self, as_of_s: int) -> int | None:
        """The last minute whose demand was final by then, None where none was."""
        at = self._tick_at(as_of_s)
        final_s = UNKNOWN if at < 0 else int(self._ticks.final_minute_s[at])
        return None if final_s == UNKNOWN else final_s

    def has_snapshot(self, as_of_s: int) -> bool:
        """Whether anything had been received by then, and no more than 5 min before."""
        at = self._tick_at(as_of_s)
        return at >= 0 and as_of_s - self._ticks.time_us[at] // _SECOND_US <= STALE_AFTER_S

    def situation(self, as_of_s: int) -> Situation:
        """What was known at `as_of_s`: what the last snapshot received by then told.

        Asked in ascending order it reads each hour's positions once. `complete` is False where that
        snapshot was old, or its positions are gone. Raises ValueError outside the period.
        """
        if not self.from_s <= as_of_s <= self.to_s:
            raise ValueError(
                f"{as_of_s} is outside the period from {self.from_s} to {self.to_s} that was loaded"
            )
        at = self._tick_at(as_of_s)
        if at < 0:
            return self._assembled(as_of_s, 0, 0, complete=False)
        ticks = self._ticks
        time_s = int(ticks.time_us[at]) // _SECOND_US
        before_s = int(ticks.time_us[at - 1]) // _SECOND_US if at else time_s - STALE_AFTER_S
        complete = as_of_s - time_s <= STALE_AFTER_S
        return self._assembled(as_of_s, time_s, before_s, complete=complete)

    def visits(self, from_s: int, to_s: int) -> Visits:
        """The visits begun in a period to sectors of the airspace, by entry."""
        order = np.argsort(self.sector_ids)
        ids = self.sector_ids[order]
        parts = []
        for flight_id, sector_id, entry_s, exit_s in self._store.history.visits(from_s, to_s):
            at = np.minimum(np.searchsorted(ids, sector_id), max(ids.size - 1, 0))
            ours = ids[at] == sector_id if ids.size else np.zeros(at.shape, np.bool_)
            parts.append(
                (
                    self.flights.row_of(flight_id[ours]),
                    order[at[ours]].astype(np.int32),
                    entry_s[ours],
                    exit_s[ours],
                )
            )
        kinds = (np.int64, np.int32, np.int64, np.int64)
        columns = [
            np.concatenate([np.empty(0, kind), *(part[n] for part in parts)], dtype=kind)
            for n, kind in enumerate(kinds)
        ]
        by_entry = np.lexsort([columns[1], columns[0], columns[2]])
        return Visits(*(column[by_entry] for column in columns))

    def _tick_at(self, as_of_s: int) -> int:
        """The last snapshot received by then; -1 before the first."""
        found = np.searchsorted(self._ticks.received_at_us, as_of_s * _SECOND_US, side="right")
        return int(found) - 1

    def _assembled(self, as_of_s: int, time_s: int, before_s: int, *, complete: bool) -> Situation:
        online, whole = self._online(time_s, before_s)
        sector = online.sector
        return assemble(
            as_of_s,
            self.places,
            online,
            self._filed(time_s),
            np.bincount(sector[sector >= 0], minlength=self.sector_ids.size).astype(np.int32),
            complete=complete and whole,
        )

    def _online(self, time_s: int, before_s: int) -> tuple[Online, bool]:
        """Who was in the snapshot at `time_s`, the one before being that at `before_s`."""
        flights = self.flights
        here, whole = self._where.at(time_s, before_s)
        row = flights.row_of(here.flight_id)
        ended = np.where(row >= 0, flights.ended_s[row], UNKNOWN)
        # Who has no position of this step, and is known to have gone at the last one, had gone.
        gone = (here.time_s <= before_s) & (ended == here.time_s)
        visible = (row >= 0) & ~gone
        if self.hidden_until_s is not None:
            visible &= here.airborne | (self.hidden_until_s[row] <= time_s)
        keep = np.flatnonzero(visible)
        row, here = row[keep], here.take(keep)
        # One that began anew where another ended has that one's place until it moves.
        follower = flights.follower[row]
        following = np.flatnonzero((follower >= 0) & (here.time_s == flights.ended_s[row]))
        filed, _ = self.revisions.at(follower[following], time_s)
        following = following[filed >= 0]
        row[following] = follower[following]
        plan, since_s = self.revisions.at(row, time_s)
        first_seen_s = flights.first_seen_s[row]
        departed_s = flights.departed_s[row]
        departed_s = np.where(departed_s <= time_s, departed_s, UNKNOWN)
        first_moved_s = flights.first_moved_s[row]
        airborne = here.airborne
        latitude, longitude = here.latitude_e5 / 1e5, here.longitude_e5 / 1e5
        sector = np.full((len(self._airspace.partitions), row.size), UNKNOWN, np.int32)
        tracked = np.flatnonzero(airborne & (here.time_s > time_s - _SILENT_AFTER_S))
        if tracked.size:
            sector[:, tracked] = self._airspace.locate(
                longitude[tracked],
                latitude[tracked],
                here.altitude_ft[tracked].astype(np.float64),
            )
        return (
            Online(
                flight_id=flights.flight_id[row],
                cid=flights.cid[row],
                callsign=flights.callsign.take(row),
                first_seen_s=first_seen_s,
                plan_since_s=np.where(plan < 0, UNKNOWN, np.maximum(since_s, first_seen_s)),
                plans=self._plans(plan),
                departed_s=departed_s,
                airborne=airborne,
                waiting=~airborne & ((first_moved_s < 0) | (first_moved_s > time_s)),
                position_s=here.time_s,
                latitude=latitude,
                longitude=longitude,
                altitude_ft=here.altitude_ft,
                groundspeed_kt=here.groundspeed_kt,
                heading_deg=here.heading_deg,
                sector=sector,
            ),
            whole,
        )

    def _filed(self, time_s: int) -> Filed:
        rows = self.prefiles.at(time_s)
        kept = self.prefiles
        return Filed(
            prefile_id=kept.prefile_id[rows],
            cid=kept.cid[rows],
            callsign=kept.callsign.take(rows),
            first_seen_s=kept.first_seen_s[rows],
            received_s=kept.received_s[rows],
            plans=self._plans(kept.plan[rows]),
        )

    def _plans(self, rows: NDArray[np.int64]) -> Plans:
        """What the plans of these rows say; nothing where there is none."""
        plans = self.plans
        none = rows < 0

        def said(values: NDArray[np.int32]) -> NDArray[np.int32]:
            return np.where(none, UNKNOWN, values[rows] if values.size else UNKNOWN)

        return Plans(
            origin=said(plans.origin),
            destination=said(plans.destination),
            route=plans.route.take(rows),
            aircraft=plans.aircraft.take(rows),
            off_minute=said(plans.off_minute),
            cruise_ft=said(plans.cruise_ft),
            tas_kt=said(plans.tas_kt),
            enroute_min=said(plans.enroute_min),
        )

    def _notes(self) -> list[str]:
        notes = []
        fingerprint = self._airspace.fingerprint
        if any(each != fingerprint for _, each in self.airspaces):
            later = int(np.count_nonzero(self.since_s))
            notes.append(
                "Another airspace was flown over in part of this time: a sector of the same name "
                f"counts as the same however it was drawn, and {later} have no past before theirs."
            )
        unknown = int(np.count_nonzero(~self.known))
        if unknown:
            notes.append(f"{unknown} of {self.known.size} minutes are not known.")
        return notes
