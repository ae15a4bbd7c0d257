"""A moment of the past in the shape of a tick, so that it is shown by what shows the present.

Where the airspace has not changed since, flights are in the sectors that their last positions say,
as they were then. Where it has, in those that were kept of that time; sectors that are not drawn
any more stand behind those of today.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sectorwatch.clock import format_s, format_us
from sectorwatch.errors import StoreError
from sectorwatch.feed.records import Reference
from sectorwatch.store.blobs import StoredPositions
from sectorwatch.store.queries_moments import PastFlights
from sectorwatch.traffic.table import NEVER_S
from sectorwatch.traffic.tick import Live, Owner
from sectorwatch.web.answers.common import GapAnswer
from sectorwatch.web.present.flight_book import by_airport
from sectorwatch.web.present.sectors import Sky, sector_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import Sector
    from sectorwatch.runtime import Application
    from sectorwatch.store import Store
    from sectorwatch.store.queries_moments import Moment, PastOwners
    from sectorwatch.web.answers.sectors import SectorAnswer

__all__ = ["Past", "chosen_flights", "past_of", "past_sectors", "said_of", "sectors_called"]

_REDRAWN = (
    "The airspace was another one then: loads and owners are those of its sectors. One that is not "
    "drawn any more has in_airspace false; one that is new has none of its own unless "
    "'sectorwatch rebuild --sectors' has computed them."
)

_NOBODY = PastFlights(False, [], StoredPositions.join([]), [])


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a moment: `live` is None where that is nothing.

    `statement` says in words what it is and what is missing; without `loads` nothing is known of
    flights, but of controllers. `sky` has the sectors that `live` speaks of.
    """

    moment: Moment
    statement: str
    sky: Sky
    live: Live | None = None
    loads: bool = False


@dataclass(slots=True)
class _Sectors:
    """Today's sectors, and behind them those that are gone as they come up."""

    store: Store
    airspace: Airspace
    sectors: list[Sector] = field(default_factory=list)
    number_of: dict[int, int] = field(default_factory=dict)

    def numbers(self, sector_ids: Sequence[int]) -> list[int]:
        """Where each of these stands; those that today's airspace has not are put behind."""
        if not self.sectors:
            self.sectors = list(self.airspace.sectors)
            self.number_of = {each.sector_id: n for n, each in enumerate(self.sectors)}
        gone = sorted(set(sector_ids) - self.number_of.keys())
        for number, sector in self.store.sectors.kept(gone).items():
            self.number_of[number] = len(self.sectors)
            self.sectors.append(sector)
        return [self.number_of[each] for each in sector_ids]


def past_of(application: Application, at_s: int, *, only_controllers: bool = False) -> Past:
    """Give what is known of the moment `at_s`; with `only_controllers` nothing of flights."""
    store, airspace = application.store.ask(), application.airspace
    moment = store.moments.moment(at_s)
    today = Sky(airspace.sectors, len(airspace.sectors))
    if not moment.known:
        return Past(moment, moment.statement, today)
    owned = store.moments.owners(moment)
    sectors = _Sectors(store, airspace)
    owners = _owners(sectors, owned)
    found = _NOBODY if only_controllers else store.moments.flights(moment)
    said = [moment.statement, *found.unread]
    here = found.positions
    if only_controllers or moment.airspace == airspace.fingerprint:
        sector = _located(airspace, here)
    else:
        said.append(_REDRAWN)
        try:
            sector = _visited(sectors, moment, found, store)
        except StoreError as error:
            said.append(f"In which sectors flights were cannot be said: {error}.")
            sector = np.full((1, len(found.flights)), -1, np.int32)
            found = type(found)(False, found.flights, here, found.unread)
    count = len(sectors.sectors)
    heard = {} if only_controllers else store.contacts.at(at_s)
    latest = application.latest
    live = Live(
        flights=found.flights,
        time_s=here.time_s,
        latitude=here.latitude_e5 / 1e5,
        longitude=here.longitude_e5 / 1e5,
        altitude_ft=here.altitude_ft,
        groundspeed_kt=here.groundspeed_kt,
        heading_deg=here.heading_deg,
        transponder=here.transponder,
        qnh_mb=here.qnh_mb,
        airborne=here.airborne,
        sector=sector,
        occupancy=np.bincount(sector[sector >= 0], minlength=count).astype(np.int32),
        contact=np.array([heard.get(each.flight_id, -1) for each in found.flights], np.int64),
        # That nobody at all was in contact cannot be told from that nobody listened.
        heard_s=at_s if heard else None,
        plan_since_s=np.full(len(found.flights), NEVER_S, np.int64),
        owners=[owners.get(number) for number in range(count)],
        sessions=owned.sessions,
        controllers=(),
        atis=(),
        prefiles=(),
        filed=(),
        reference=Reference() if latest is None else latest.live.reference,
    )
    sky = Sky(sectors.sectors, len(airspace.sectors))
    return Past(moment, " ".join(said), sky, live, found.known)


def _owners(sectors: _Sectors, owned: PastOwners) -> dict[int, Owner]:
    frequency = {each.session_id: each.frequency for each in owned.sessions}
    numbers = sectors.numbers([each.sector_id for each in owned.owners])
    return {
        number: Owner(
            row.callsign,
            row.session_id,
            frequency.get(row.session_id, ""),
            row.start_s,
            row.why,
        )
        for number, row in zip(numbers, owned.owners, strict=True)
    }


def _located(airspace: Airspace, here: StoredPositions) -> NDArray[np.int32]:
    found = airspace.locate(
        here.longitude_e5 / 1e5, here.latitude_e5 / 1e5, here.altitude_ft.astype(np.float64)
    )
    return np.where(here.airborne, found, np.int32(-1))


def _visited(
    sectors: _Sectors, moment: Moment, found: PastFlights, store: Store
) -> NDArray[np.int32]:
    """Which sectors flights were in by the visits that are kept, shape (partitions, n)."""
    flight_id, sector_id = store.moments.visits(moment)
    numbers = np.array(sectors.numbers(sector_id.tolist()), np.int32)
    partitions = {name: row for row, name in enumerate(_partitions(sectors.sectors))}
    row = np.array([partitions[sectors.sectors[n].partition] for n in numbers.tolist()], np.intp)
    ids = found.positions.flight_id
    column = np.searchsorted(ids, flight_id)
    shown = np.append(ids, -1)[column] == flight_id
    sector = np.full((max(len(partitions), 1), len(ids)), -1, np.int32)
    sector[row[shown], column[shown]] = numbers[shown]
    return sector


def _partitions(sectors: Sequence[Sector]) -> list[str]:
    return list(dict.fromkeys(each.partition for each in sectors))


def chosen_flights(
    past: Past, *, airport: str | None, sectors: Sequence[int] | None, callsign: str | None
) -> list[int]:
    """Which flights of a past moment match all that is asked for, as those of the present do."""
    live = past.live
    if live is None or not past.loads:
        return []
    found = set(range(len(live.flights)))
    if airport is not None:
        found &= set(by_airport(live.flights).get(airport.upper(), ()))
    if callsign is not None:
        prefix = callsign.upper()
        found = {n for n in found if live.flights[n].callsign.upper().startswith(prefix)}
    if sectors is not None:
        inside = np.isin(live.sector, np.asarray(sectors, np.int32)).any(axis=0)
        found &= set(np.flatnonzero(inside).tolist())
    return sorted(found, key=lambda n: (live.flights[n].callsign, live.flights[n].flight_id))


def sectors_called(sky: Sky, name: str) -> list[int]:
    """Where the sectors called `name`, or `partition/name`, stand in `sky`, in any case."""
    wanted = name.strip().casefold()
    return [
        number
        for number, sector in enumerate(sky.sectors)
        if wanted in {sector.name.casefold(), f"{sector.partition}/{sector.name}".casefold()}
    ]


def said_of(past: Past, *, flights: bool = False) -> dict[str, Any]:
    """Give what every answer about a past moment begins with, by field.

    An answer about `flights` is not known where controllers are all that is.
    """
    moment, gap = past.moment, past.moment.gap
    return {
        "at": format_s(moment.at_s),
        "known": moment.known and (past.loads or not flights),
        "statement": past.statement,
        "gap": None if gap is None else GapAnswer(format_s(gap.start_s), format_s(gap.end_s)),
        "snapshot_time": format_us(moment.snapshot_us) if moment.known else None,
    }


def past_sectors(past: Past) -> list[SectorAnswer]:
    """Show the sectors of a past moment; where it was not known who was in them, without loads."""
    if past.live is None:
        return []
    shown = sector_answers(past.sky, past.live, drawn=past.sky.drawn)
    if past.loads:
        return shown
    return [msgspec.structs.replace(each, occupancy=None, in_contact=None) for each in shown]
