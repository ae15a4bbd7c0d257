"""Coverage and contacts as answers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.store.queries_contacts import SessionContact
from sectorwatch.traffic.coverage import Spans, contact_time_s
from sectorwatch.web.answers.coverage import (
    ContactAnswer,
    Coverage,
    FlightContact,
    FlightCoverage,
    HourCoverage,
    PositionCoverage,
    PositionLoad,
    SectorCoverage,
    TotalCoverage,
)
from sectorwatch.web.present.flights import maybe_time
from sectorwatch.web.present.history import missing_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from sectorwatch.airspace import Airspace
    from sectorwatch.airspace.model import Sector
    from sectorwatch.store import Store
    from sectorwatch.store.known_spans import KnownSpans
    from sectorwatch.store.queries_coverage import FlightCoverage as KeptFlight
    from sectorwatch.store.queries_coverage import Minutes
    from sectorwatch.store.sources import Page
    from sectorwatch.traffic.tick import Contact, Live, Ownership, Session, Visit

__all__ = [
    "contact_answers",
    "coverage_answer",
    "flight_contact",
    "positions_in_contact",
    "sectors_in_contact",
]

_MINUTE_S = 60
_HOUR_S = 3_600
_EVERYBODY = 1_000_000


def coverage_answer(
    store: Store,
    airspace: Airspace,
    partition: str,
    start_s: int,
    end_s: int,
    *,
    by: Collection[str],
    flights: Page[KeptFlight] | None,
) -> Coverage:
    """Show coverage of a partition's sectors by what is asked for."""
    known = store.network.known(start_s, end_s)
    # What lasts, lasts until the last snapshot, and no longer.
    until_s = end_s if known.last_s is None else min(end_s, known.last_s)
    sectors = [sector for sector in airspace.sectors if sector.partition == partition]
    ids = [sector.sector_id for sector in sectors]
    here = set(ids)
    owners = [row for row in store.controllers.owners(start_s, end_s) if row.sector_id in here]
    found = store.coverage.of_sectors(start_s, end_s, ids, owners if "position" in by else ())
    staffed = _staffed_s(owners, ids, found.hour_s, start_s, until_s)
    by_sector, by_hour = found.minutes.sum(1), found.minutes.sum(0)
    total = _figures(by_sector.sum(0), np.array(staffed.sum()), 0)
    positions = None
    if "position" in by:
        positions = _positions(store, start_s, end_s, until_s, owners, (found.owners, found.owned))
    lost = store.coverage.lost(start_s, end_s)
    if flights is not None:
        lost = sorted({*lost, *store.coverage.lost(start_s, end_s, flights=True)})
    return Coverage(
        start=format_s(start_s),
        end=format_s(end_s),
        partition=partition,
        partitions=[part.name for part in airspace.partitions],
        final_until=maybe_time(known.final_minute_s),
        statement=_statement(total["known_share"], is_whole=not lost),
        missing=missing_answer(lost),
        total=TotalCoverage(**total),
        sectors=_sectors(sectors, by_sector, staffed.sum(1)) if "sector" in by else None,
        positions=positions,
        hours=(
            [
                HourCoverage(format_s(hour), **_figures(by_hour, staffed.sum(0), number))
                for number, hour in enumerate(found.hour_s.tolist())
            ]
            if "hour" in by
            else None
        ),
        flights=None if flights is None else [_flight(each) for each in flights.items],
        flights_total=None if flights is None else flights.total,
    )


def contact_answers(
    contacts: Sequence[Contact], sessions: Mapping[int, str]
) -> list[ContactAnswer]:
    """Show contacts; `sessions` maps a session's number to its callsign."""
    return [
        ContactAnswer(
            position=sessions.get(row.session_id),
            session_id=str(row.session_id),
            channel=f"{row.channel_khz / 1_000:.3f}",
            airborne=row.airborne,
            start=format_s(row.start_s),
            end=maybe_time(row.end_s),
            duration_s=None if row.end_s is None else row.end_s - row.start_s,
        )
        for row in contacts
    ]


def flight_contact(
    contacts: Sequence[Contact],
    visits: Sequence[Visit],
    airspace: Airspace,
    partition: str,
    now_s: int,
    known: KnownSpans,
) -> FlightContact:
    """Show a flight's contact in the sectors of a partition; what lasts, lasts until now.

    `known` is when radios were heard: of other times nobody knows, which is not no contact.
    """
    here = {each.sector_id for each in airspace.sectors if each.partition == partition}
    inside = [visit for visit in visits if visit.sector_id in here]
    stays = _spans([(v.entry_s, now_s if v.exit_s is None else v.exit_s) for v in inside])
    heard = _spans(
        [(c.start_s, now_s if c.end_s is None else c.end_s) for c in contacts if c.airborne]
    )
    of, start_s, end_s = known.parts(stays.start_s, stays.end_s)
    listened = Spans(stays.flight_id[of], start_s, end_s)
    airborne_s = int((stays.end_s - stays.start_s).sum())
    known_s = int((end_s - start_s).sum())
    contact_s = int(contact_time_s(listened, heard).sum())
    return FlightContact(
        partition,
        airborne_minutes=_minutes(airborne_s),
        contact_minutes=_minutes(contact_s),
        coverage=_share(contact_s, known_s),
        known_share=_share(known_s, airborne_s),
    )


def sectors_in_contact(live: Live, count: int) -> NDArray[np.int64] | None:
    """How many of those inside each of `count` sectors are in contact now; None if unknown."""
    if live.heard_s is None:
        return None
    inside = live.sector[:, live.contact >= 0]
    return np.bincount(inside[inside >= 0], minlength=count)


def positions_in_contact(live: Live, sector: int) -> list[PositionLoad] | None:
    """Who is in contact with how many of those inside a sector now; None where that is unknown."""
    if live.heard_s is None:
        return None
    inside = (live.sector == sector).any(axis=0) & (live.contact >= 0)
    names = {session.session_id: session.callsign for session in live.sessions}
    counts = Counter(names.get(each, str(each)) for each in live.contact[inside].tolist())
    return [PositionLoad(*each) for each in sorted(counts.items(), key=lambda e: (-e[1], e[0]))]


def _figures(minutes: Minutes, staffed_s: NDArray[Any], at: int) -> dict[str, Any]:
    """The figures that all have, of the one that stands at `at`."""
    columns = (minutes.airborne, minutes.in_contact, minutes.unknown, staffed_s)
    airborne, in_contact, unknown, seconds = (int(np.ravel(each)[at]) for each in columns)
    return {
        "airborne_minutes": airborne + unknown,
        "contact_minutes": in_contact,
        "uncovered_demand_minutes": airborne - in_contact,
        "coverage": _share(in_contact, airborne),
        "known_share": _share(airborne, airborne + unknown),
        "staffed_minutes": _minutes(seconds),
    }


def _sectors(
    sectors: Sequence[Sector], minutes: Minutes, staffed_s: NDArray[np.int64]
) -> list[SectorCoverage]:
    shown = [
        SectorCoverage(sector.name, **_figures(minutes, staffed_s, number))
        for number, sector in enumerate(sectors)
    ]
    return sorted(shown, key=lambda each: (-each.uncovered_demand_minutes, each.sector))


def _positions(
    store: Store,
    start_s: int,
    end_s: int,
    until_s: int,
    owners: Sequence[Ownership],
    owned: tuple[Sequence[str], Minutes],
) -> list[PositionCoverage]:
    heard = store.contacts.by_session(start_s, end_s)
    online = store.controllers.sessions(from_s=start_s, to_s=end_s, limit=_EVERYBODY).items
    online_s: Counter[str] = Counter()
    staffed_s: Counter[str] = Counter()
    contact: dict[str, list[int]] = {}
    for session in online:
        online_s[session.callsign] += _within(_life(session, until_s), start_s, until_s)
        one = heard.get(session.session_id, SessionContact(0, 0, 0))
        sums = contact.setdefault(session.callsign, [0, 0, 0])
        for place, value in enumerate((one.airborne_s, one.ground_s, one.contacts)):
            sums[place] += value
    for row in owners:
        end = until_s if row.end_s is None else row.end_s
        staffed_s[row.callsign] += _within((row.start_s, end), start_s, until_s)
    place_of = {callsign: number for number, callsign in enumerate(owned[0])}
    shown = []
    for callsign, (airborne_s, ground_s, contacts) in contact.items():
        at = place_of.get(callsign)
        figures = _figures(owned[1], np.zeros(len(place_of)), at) if at is not None else _NOTHING
        seconds = online_s[callsign]
        shown.append(
            PositionCoverage(
                position=callsign,
                online_minutes=_minutes(seconds),
                contact_minutes=_minutes(airborne_s),
                ground_minutes=_minutes(ground_s),
                contacts=contacts,
                mean_flights=round(airborne_s / seconds, 2) if seconds else None,
                staffed_minutes=_minutes(staffed_s[callsign]),
                airborne_minutes=figures["airborne_minutes"],
                uncovered_demand_minutes=figures["uncovered_demand_minutes"],
                coverage=figures["coverage"],
                known_share=figures["known_share"],
            )
        )
    return sorted(shown, key=lambda each: (-each.contact_minutes, each.position))


def _flight(kept: KeptFlight) -> FlightCoverage:
    return FlightCoverage(
        flight_id=str(kept.flight.flight_id),
        callsign=kept.flight.callsign,
        first_seen=format_s(kept.flight.first_seen_s),
        airborne_minutes=_minutes(kept.airborne_s),
        contact_minutes=_minutes(kept.contact_s),
        uncovered_minutes=_minutes(kept.known_s - kept.contact_s),
        coverage=_share(kept.contact_s, kept.known_s),
        known_share=round(kept.known_s / kept.airborne_s, 4),
    )


def _staffed_s(
    owners: Sequence[Ownership],
    ids: Sequence[int],
    hour_s: NDArray[np.int64],
    start_s: int,
    until_s: int,
) -> NDArray[np.int64]:
    """Seconds that each sector had an owner in each hour, shape (sectors, hours)."""
    number = {sector_id: place for place, sector_id in enumerate(ids)}
    staffed = np.zeros((len(ids), hour_s.size), np.int64)
    for row in owners:
        first = max(row.start_s, start_s)
        last = min(until_s if row.end_s is None else row.end_s, until_s)
        if last > first:
            begin, end = (int((each - hour_s[0]) // _HOUR_S) for each in (first, last - 1))
            hours = slice(begin, end + 1)
            spent = np.minimum(hour_s[hours] + _HOUR_S, last) - np.maximum(hour_s[hours], first)
            staffed[number[row.sector_id], hours] += spent
    return staffed


def _life(session: Session, until_s: int) -> tuple[int, int]:
    return session.first_seen_s, until_s if session.ended_s is None else session.ended_s


def _within(span: tuple[int, int], start_s: int, end_s: int) -> int:
    return max(0, min(span[1], end_s) - max(span[0], start_s))


def _spans(rows: list[tuple[int, int]]) -> Spans:
    table = np.array([(0, *row) for row in rows], np.int64).reshape(-1, 3)
    return Spans(*table.T)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _minutes(seconds: int) -> float:
    return round(seconds / _MINUTE_S, 1)


def _statement(known_share: float | None, *, is_whole: bool) -> str:
    said = _said_of(known_share)
    return said if is_whole else f"{said} Of some times nothing is left: see missing."


def _said_of(known_share: float | None) -> str:
    if known_share is None:
        return "Nothing was airborne in these sectors, or nothing is kept of the period."
    if not known_share:
        return "No radios were heard in the period: of contact nothing is known."
    if known_share < 1:
        return "Contact is known of a part of the time alone; coverage is of that part."
    return "Contact is known of all of it."


_NOTHING: dict[str, Any] = {
    "airborne_minutes": 0,
    "uncovered_demand_minutes": 0,
    "coverage": None,
    "known_share": None,
}
