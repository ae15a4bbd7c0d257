"""Coverage and contacts asked of tables and sealed files, against counts made straight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_ticks import START_S, demand, flight, session, tick
from sectorwatch.store.known_spans import KnownSpans
from sectorwatch.store.queries_contacts import SessionContact
from sectorwatch.store.segments import DAY_S
from sectorwatch.traffic.tick import Contact, Ownership, Visit

if TYPE_CHECKING:
    from sectorwatch.store import Store
    from sectorwatch.store.queries_coverage import FlightCoverage

SYDNEY = (-33.94612, 151.17723, 9_000)
NOON_S = START_S + 12 * 3_600
HOUR_S = 3_600
OTHERS = 99
ALWAYS = KnownSpans(np.array([0]), np.array([2**40]))


def stay(flight_id: int, sector_id: int, entry_s: int, exit_s: int | None) -> Visit:
    """A visit from and until so many seconds after noon."""
    if exit_s is None:
        return Visit(flight_id, sector_id, NOON_S + entry_s, *SYDNEY)
    return Visit(flight_id, sector_id, NOON_S + entry_s, *SYDNEY, NOON_S + exit_s, *SYDNEY)


def heard(
    flight_id: int, session_id: int, start_s: int, end_s: int | None, *, airborne: bool = True
) -> Contact:
    """A contact, likewise."""
    until_s = None if end_s is None else NOON_S + end_s
    return Contact(flight_id, session_id, NOON_S + start_s, 124_550, airborne, until_s)


VISITS = [
    stay(1, 5, 0, 600),
    stay(1, 6, 600, 1_200),
    stay(2, 5, 300, None),
    stay(3, OTHERS, 0, 900),
    stay(4, 6, 100, 400),
]
CONTACTS = [
    heard(1, 41, -300, 0, airborne=False),
    # Two controllers at once from 300 on: the union is 60 to 900.
    heard(1, 41, 60, 500),
    heard(1, 42, 300, 900),
    heard(2, 42, 700, None),
    heard(3, 42, 0, 900),
    heard(4, 41, 0, 100, airborne=False),
]
DEMAND = demand(
    *((NOON_S + 60 * m, 5, 2, 0, 1) for m in range(10)),
    *((NOON_S + 60 * m, 6, 3, 0, 3) for m in range(55, 65)),
    *((NOON_S + 60 * m, 6, 1, 0) for m in range(70, 75)),
    (NOON_S, OTHERS, 9, 0, 9),
)
OWNERS = [
    Ownership(5, NOON_S - 60, 42, "ML_CTR", "first", NOON_S + 300),
    Ownership(5, NOON_S + 480, 43, "BN_CTR", "first"),
    Ownership(6, NOON_S + 3_600, 42, "ML_CTR", "first", NOON_S + 4_260),
    Ownership(OTHERS, NOON_S, 44, "ELSE_CTR", "first"),
]


def fill(store: Store) -> None:
    """All of that, and a last snapshot 20 min after noon."""
    store.commit(
        tick(
            1,
            time_s=NOON_S + 1_200,
            flights=[flight(number, f"QFA{number}", NOON_S - 600) for number in range(1, 5)],
            visits=VISITS,
            contacts=CONTACTS,
            demand=DEMAND,
            sessions=[session(41, "ML_APP", NOON_S), session(42, "ML_CTR", NOON_S)],
            ownerships=OWNERS,
        )
    )


@pytest.fixture(params=["tables", "sealed"])
def asked(request: pytest.FixtureRequest, either: Store) -> Store:
    """The same in tables, and as far as it ended in sealed files."""
    fill(either)
    if request.param == "sealed":
        ended = [stay(2, 5, 300, 1_200)]
        either.commit(
            tick(2, time_s=NOON_S + 3 * DAY_S, visits=ended, contacts=[heard(2, 42, 700, 1_200)])
        )
        assert {each.kind for each in either.seal_due(NOON_S + 3 * DAY_S)} >= {
            "visits",
            "contacts",
            "demand",
        }
    return either


def test_coverage_of_sectors_by_hour_and_owner(asked: Store) -> None:
    """Minutes of demand: with contact, without, and unknown; by who owned the sector then."""
    found = asked.coverage.of_sectors(NOON_S, NOON_S + 2 * HOUR_S, [6, 5], OWNERS)
    assert found.hour_s.tolist() == [NOON_S, NOON_S + HOUR_S]
    assert found.minutes.airborne.tolist() == [[15, 15], [20, 0]]
    assert found.minutes.in_contact.tolist() == [[15, 15], [10, 0]]
    assert found.minutes.unknown.tolist() == [[0, 5], [0, 0]]
    assert found.minutes.sum(1).airborne.tolist() == [30, 20]
    assert list(found.owners) == ["BN_CTR", "ELSE_CTR", "ML_CTR"]
    # ML: minutes 0 to 4 of sector 5, 60 to 64 and 70 of sector 6. BN: 8 and 9 of sector 5.
    assert found.owned.airborne.tolist() == [4, 0, 10 + 15]
    assert found.owned.in_contact.tolist() == [2, 0, 5 + 15]
    assert found.owned.unknown.tolist() == [0, 0, 1]


def test_a_period_is_cut_to_the_minute(asked: Store) -> None:
    """What lies outside does not count."""
    found = asked.coverage.of_sectors(NOON_S + 120, NOON_S + 240, [5])
    assert found.minutes.airborne.tolist() == [[4]]
    assert found.minutes.in_contact.tolist() == [[2]]


def test_coverage_of_flights_is_a_union_in_the_air(asked: Store) -> None:
    """To the second; the longest without contact first, and only in these sectors."""
    found = asked.coverage.of_flights(NOON_S, NOON_S + HOUR_S, [5, 6], ALWAYS)
    assert found.total == 3
    assert [(each.flight.callsign, each.airborne_s, each.contact_s) for each in found.items] == [
        ("QFA2", 900, 500),
        ("QFA1", 1_200, 840),
        ("QFA4", 300, 0),
    ]
    page = asked.coverage.of_flights(NOON_S, NOON_S + HOUR_S, [5, 6], ALWAYS, limit=1, offset=1)
    assert [each.flight.callsign for each in page.items] == ["QFA1"]
    cut = asked.coverage.of_flights(NOON_S + 800, NOON_S + 1_000, [6], ALWAYS)
    assert [(each.airborne_s, each.contact_s) for each in cut.items] == [(200, 100)]


def test_coverage_of_flights_is_of_the_time_that_is_known(asked: Store) -> None:
    """Where nobody listened a flight was neither in contact nor without."""
    known = KnownSpans(NOON_S + np.array([0, 450]), NOON_S + np.array([60, 850]))
    found = asked.coverage.of_flights(NOON_S, NOON_S + HOUR_S, [5, 6], known)
    shown = [
        (each.flight.callsign, each.airborne_s, each.known_s, each.contact_s)
        for each in found.items
    ]
    assert shown == [
        ("QFA2", 900, 400, 150),
        ("QFA1", 1_200, 460, 400),
        ("QFA4", 300, 0, 0),
    ]


def test_what_midnight_parts_is_put_together(store: Store) -> None:
    """A visit sealed with one day, contacts with the next and in the table: each second once."""
    night_s = START_S + DAY_S - NOON_S
    visits = [stay(1, 5, night_s - 600, night_s - 60), stay(1, 6, night_s - 60, night_s + 300)]
    contacts = [
        heard(1, 41, night_s - 300, night_s - 200),
        heard(1, 42, night_s - 250, night_s + 100),
        heard(1, 43, night_s + 50, night_s + 3 * DAY_S),
    ]
    store.commit(
        tick(1, time_s=START_S + DAY_S, flights=[flight(1, "QFA1", NOON_S)], visits=visits)
    )
    store.commit(tick(2, time_s=START_S + 3 * DAY_S, contacts=contacts))
    assert len([f for f in store.seal_due(START_S + 3 * DAY_S) if f.kind == "contacts"]) == 1
    store.commit(tick(3, time_s=START_S + 4 * DAY_S))
    assert len([f for f in store.seal_due(START_S + 4 * DAY_S) if f.kind == "contacts"]) == 1
    (found,) = store.coverage.of_flights(NOON_S, START_S + 2 * DAY_S, [5, 6], ALWAYS).items
    assert (found.airborne_s, found.contact_s) == (900, 600)


def test_contacts_by_session(asked: Store) -> None:
    """Seconds over all flights, and how many came into contact in the period."""
    assert asked.contacts.by_session(NOON_S, NOON_S + 1_200) == {
        41: SessionContact(440, 100, 1),
        42: SessionContact(600 + 500 + 900, 0, 3),
    }
    assert asked.contacts.by_session(NOON_S - 100, NOON_S + 400) == {
        41: SessionContact(340, 200, 1),
        42: SessionContact(100 + 400, 0, 2),
    }


def test_contacts_of_a_flight_and_of_a_moment(asked: Store) -> None:
    """As the tracker gave them; at a moment the one begun last."""
    assert asked.contacts.of_flight(1) == CONTACTS[:3]
    assert asked.contacts.of_flight(77) == asked.contacts.of_flight(2**70) == []
    assert asked.contacts.at(NOON_S + 400) == {1: 42, 3: 42}
    assert asked.contacts.at(NOON_S + 100) == {1: 41, 3: 42}
    assert asked.contacts.at(NOON_S - 1_000) == {}


def test_a_file_that_is_cut_is_left_out_and_said(store: Store) -> None:
    """Of each kind: the rest is answered, and of which times nothing is left is told."""
    fill(store)
    store.commit(tick(2, time_s=NOON_S + 3 * DAY_S))
    store.seal_due(NOON_S + 3 * DAY_S)
    assert store.coverage.lost(START_S, NOON_S + DAY_S) == []
    for kind in ("demand", "contacts", "visits"):
        (file,) = (store.directory.segments / kind).glob("*/*.parquet")
        file.write_bytes(file.read_bytes()[:-100])
    found = store.coverage.of_sectors(NOON_S, NOON_S + HOUR_S, [5, 6], OWNERS)
    assert found.minutes.airborne.sum() == found.owned.airborne.sum() == 0
    # What lasts is in the tables still.
    assert store.contacts.by_session(NOON_S, NOON_S + 1_200) == {42: SessionContact(500, 0, 1)}
    assert [each.flight.callsign for each in _flights(store)] == ["QFA2"]
    assert store.contacts.of_flight(1) == []
    assert store.contacts.at(NOON_S + 800) == {2: 42}
    for flights, kinds in ((False, ("demand", "contacts")), (True, ("visits", "contacts"))):
        lost = store.coverage.lost(NOON_S, NOON_S + HOUR_S, flights=flights)
        assert {(each.start_s, each.end_s) for each in lost} == {(NOON_S, NOON_S + HOUR_S)}
        assert all(any(kind in each.why for each in lost) for kind in kinds)


def _flights(store: Store) -> list[FlightCoverage]:
    return list(store.coverage.of_flights(NOON_S, NOON_S + HOUR_S, [5, 6], ALWAYS).items)


def test_nothing_is_covered_where_nothing_is_kept(store: Store) -> None:
    """Before the first snapshot every answer is there, and empty."""
    found = store.coverage.of_sectors(NOON_S, NOON_S + HOUR_S, [5])
    assert found.minutes.airborne.tolist() == [[0]]
    assert store.coverage.of_sectors(NOON_S, NOON_S + HOUR_S, []).minutes.airborne.shape == (0, 1)
    assert store.coverage.of_flights(NOON_S, NOON_S + HOUR_S, [5], ALWAYS).items == []
    assert store.contacts.by_session(NOON_S, NOON_S + HOUR_S) == {}
    assert np.array_equal(found.owned.airborne, [])
