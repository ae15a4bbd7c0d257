"""Statistics of radio contact: coverage of flights by instrument rules, contacts of a flight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.traffic.coverage import Spans, contact_time_s
from sectorwatch.web.answers.statistics import (
    ContactRow,
    ContactsAnswer,
    CoverageAnswer,
    CoverageRow,
)
from sectorwatch.web.present.statistics import envelope, load_partition, local_days, share_of
from sectorwatch.web.present.statistics_flights import flights_of
from sectorwatch.web.present.statistics_staff import position_type, sessions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.store.known_spans import KnownSpans
    from sectorwatch.web.present.statistics import Question

__all__ = ["contacts", "coverage"]

_DAY_S, _HOUR_S = 86_400, 3_600
# Of a flight that was heard for less, nobody knows whom else it was in contact with.
_HEARD_ENOUGH = 0.9


@dataclass(frozen=True, slots=True)
class _Covered:
    """Flights of a day or of several, shape (n,): seconds in the air while radios were heard."""

    flight_id: NDArray[np.int64]
    airborne_s: NDArray[np.int64]
    contact_s: NDArray[np.int64]

    def joined(self) -> _Covered:
        """Each flight once."""
        ids, at = np.unique(self.flight_id, return_inverse=True)
        sums = (np.bincount(at, each, len(ids)) for each in (self.airborne_s, self.contact_s))
        return _Covered(ids, *(np.rint(each).astype(np.int64) for each in sums))


def coverage(question: Question) -> CoverageAnswer:
    """Measure how much of the time of flights by instrument rules somebody was in contact."""
    in_sectors = question.scope != "network"
    heard = question.queries.heard.known(question.from_s, question.to_s, visits=in_sectors)
    stays = _Stays(question)
    lines = question.queries.heard.contacts(question.from_s, question.to_s)
    days = []
    rows = []
    for date, start_s, end_s in local_days(question):
        contacts = lines.between(start_s, end_s)
        here = Spans(contacts["flight_id"], contacts["start_s"], contacts["end_s"])
        flown = _cut(stays.between(start_s, end_s), heard)
        lasted_s = flown.end_s - flown.start_s
        covered = _Covered(flown.flight_id, lasted_s, contact_time_s(flown, here)).joined()
        days.append(covered)
        share = int(_seconds(heard, start_s, end_s)) / (end_s - start_s)
        rows.append(_coverage_row(date, covered, share))
    parts = [np.concatenate(each) for each in zip(*(_columns(day) for day in days), strict=True)]
    whole = _Covered(parts[0], parts[1], parts[2]).joined()
    said = envelope(
        question, heard, "Flights by instrument rules in the air and in radio contact", len(rows)
    )
    said |= {"partition": stays.partition}
    return CoverageAnswer(**said, period=_coverage_row(None, whole, said["known_share"]), rows=rows)


def _cut(stays: Spans, known: KnownSpans) -> Spans:
    """The parts of stays that lie in what is known."""
    of, start_s, end_s = known.parts(stays.start_s, stays.end_s)
    return Spans(stays.flight_id[of], start_s, end_s)


def _columns(covered: _Covered) -> tuple[NDArray[np.int64], ...]:
    return covered.flight_id, covered.airborne_s, covered.contact_s


def _seconds(known: KnownSpans, start_s: int, end_s: int) -> int:
    return int(known.seconds(np.array([start_s], np.int64), np.array([end_s], np.int64))[0])


def _coverage_row(date: str | None, covered: _Covered, known_share: float) -> CoverageRow:
    airborne_s, contact_s = int(covered.airborne_s.sum()), int(covered.contact_s.sum())
    flights, heard = len(covered.flight_id), int((covered.contact_s > 0).sum())
    is_known = known_share > 0
    return CoverageRow(
        date=date,
        flights=flights if is_known else None,
        flights_in_contact=heard if is_known else None,
        flights_share=share_of(heard, flights) if flights else None,
        airborne_hours=round(airborne_s / _HOUR_S, 3) if is_known else None,
        contact_hours=round(contact_s / _HOUR_S, 3) if is_known else None,
        contact_share=share_of(contact_s, airborne_s) if airborne_s else None,
        known_share=round(known_share, 6),
    )


class _Stays:
    """The time in the air of flights by instrument rules: in sectors, or from take-off to landing.

    In the airspace it is counted in one partition, for else a flight would count once in each.
    """

    def __init__(self, question: Question) -> None:
        queries = question.queries
        self._ids = queries.flights.by_instruments(question.from_s, question.to_s)
        self.partition: str | None = None
        if question.scope == "network":
            # Who took off before the period may be in the air in it.
            flown = queries.flights.flown(question.from_s - _DAY_S, question.to_s)
            flown = flown.take(flown.by_instruments)
            now_s = question.to_s if question.as_of_s is None else question.as_of_s
            until_s = np.where(flown.until_s < 0, now_s, flown.until_s)
            self._spans = Spans(flown.flight_id, flown.departed_s, until_s)
            return
        self.partition, ids = load_partition(question)
        self._visits = queries.heard.visits(question.from_s, question.to_s, ids)

    def between(self, from_s: int, to_s: int) -> Spans:
        """Those of a period, cut to it."""
        if self.partition is None:
            spans = self._spans
            here = (spans.start_s < to_s) & (spans.end_s > from_s)
            spans = Spans(spans.flight_id[here], spans.start_s[here], spans.end_s[here])
        else:
            rows = self._visits.between(from_s, to_s)
            here = _among(rows["flight_id"], self._ids)
            spans = Spans(rows["flight_id"][here], rows["start_s"][here], rows["end_s"][here])
        return Spans(
            spans.flight_id, np.maximum(spans.start_s, from_s), np.minimum(spans.end_s, to_s)
        )


def _among(values: NDArray[np.int64], ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of `values` are among some that are in order."""
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[at] == values
    return found


def contacts(question: Question) -> ContactsAnswer:
    """Count how many positions flights were in contact with, or how many flights positions were."""
    flights = flights_of(question)
    flown = flights.flown
    # Who took off in the period may land after it.
    last_s = question.to_s + _DAY_S
    now_s = last_s if question.as_of_s is None else question.as_of_s
    until_s = np.where(flown.until_s < 0, now_s, flown.until_s)
    heard = question.queries.heard.known(question.from_s, last_s)
    lasted_s = np.maximum(until_s - flown.departed_s, 1)
    flown = flown.take(heard.seconds(flown.departed_s, until_s) >= _HEARD_ENOUGH * lasted_s)
    order = np.argsort(flown.flight_id)
    pairs = _Pairs(question, flown.flight_id[order], last_s)
    by_instruments = flown.by_instruments[order]
    different = np.bincount(pairs.flight, minlength=len(order))
    if question.by == "position":
        rows = _position_rows(question, pairs, by_instruments)
    else:
        rows = _count_rows(different, by_instruments)
    known = heard.without(question.to_s, last_s)
    said = envelope(question, known, "Positions that flights were in contact with", len(rows))
    some = len(order) > 0
    return ContactsAnswer(
        **said,
        flights=len(order),
        flights_unknown=len(flights.timed) - len(order),
        mean_contacts=round(float(different.mean()), 3) if some else None,
        median_contacts=float(np.median(different)) if some else None,
        rows=rows,
    )


class _Pairs:
    """Each flight with each position that it was in contact with in the air, once, shape (n,).

    `flight` and `position` are places among the flights (given by number, in order) and `names`;
    `contact_s` is how long, summed over the flight's contacts with it.
    """

    def __init__(self, question: Question, flights: NDArray[np.int64], last_s: int) -> None:
        sessions = question.queries.staff.sessions(question.from_s, last_s)
        callsigns = [callsign.upper() for callsign in sessions.callsign]
        kinds = dict(zip(callsigns, sessions.facility.tolist(), strict=True))
        self.names = [(each, position_type(each, kind)) for each, kind in kinds.items()]
        number = {name: place for place, name in enumerate(kinds)}
        order = np.argsort(sessions.session_id)
        session = sessions.session_id[order]
        position_of = np.array([number[callsign] for callsign in callsigns], np.int64)[order]
        lines = question.queries.heard.contacts(question.from_s, last_s)
        keys: list[NDArray[np.int64]] = []
        spent: list[NDArray[np.int64]] = []
        size = max(1, len(kinds))
        for start_s in range(question.from_s, last_s, _DAY_S):
            end_s = min(start_s + _DAY_S, last_s)
            rows = lines.between(start_s, end_s)
            # One that goes on past midnight is had twice: it counts where it ends.
            mine = (rows["end_s"] > start_s) & ((rows["end_s"] <= end_s) | (end_s == last_s))
            mine &= _among(rows["flight_id"], flights) & _among(rows["other"], session)
            flight = np.searchsorted(flights, rows["flight_id"][mine])
            position = position_of[np.searchsorted(session, rows["other"][mine])]
            keys.append(flight * size + position)
            spent.append((rows["end_s"] - rows["start_s"])[mine])
        different, at = np.unique(np.concatenate(keys), return_inverse=True)
        self.flight = different // size
        self.position = different % size
        self.contact_s = np.bincount(at, np.concatenate(spent), len(different))


def _count_rows(
    different: NDArray[np.int64], by_instruments: NDArray[np.bool_]
) -> list[ContactRow]:
    counts = np.bincount(different)
    of_these = np.bincount(different, by_instruments, len(counts))
    return [
        ContactRow(
            contacts=number,
            position=None,
            position_type=None,
            flights=int(count),
            share=share_of(count, len(different)),
            instrument_flights=int(of_these[number]),
            contact_hours=None,
        )
        for number, count in enumerate(counts.tolist())
    ]


def _position_rows(
    question: Question, pairs: _Pairs, by_instruments: NDArray[np.bool_]
) -> list[ContactRow]:
    size = len(pairs.names)
    flights = np.bincount(pairs.position, minlength=size)
    of_these = np.bincount(pairs.position, by_instruments[pairs.flight], size)
    spent_s = np.bincount(pairs.position, pairs.contact_s, size)
    here = {callsign.upper() for callsign in sessions_of(question).callsign}
    chosen = [n for n in np.flatnonzero(flights).tolist() if pairs.names[n][0] in here]
    chosen.sort(key=lambda n: (-flights[n], pairs.names[n]))
    return [
        ContactRow(
            contacts=None,
            position=pairs.names[n][0],
            position_type=pairs.names[n][1],
            flights=int(flights[n]),
            share=share_of(flights[n], len(by_instruments)),
            instrument_flights=int(of_these[n]),
            contact_hours=round(float(spent_s[n]) / _HOUR_S, 3),
        )
        for n in chosen
    ]
