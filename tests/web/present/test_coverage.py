"""A flight's coverage, of the time of which contact is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.airspace import load_airspace
from sectorwatch.store.known_spans import KnownSpans
from sectorwatch.traffic.tick import Contact, Visit
from sectorwatch.web.present.coverage import flight_contact

if TYPE_CHECKING:
    from sectorwatch.web.answers.coverage import FlightContact

AIRSPACE = load_airspace(("made:australia",))
SECTOR = AIRSPACE.sectors[0]
VISITS = [Visit(1, SECTOR.sector_id, 600, -30.0, 150.0, 9_000)]
CONTACTS = [Contact(1, 41, 600, 124_400, airborne=True, end_s=1_800)]


def shown(*known: tuple[int, int]) -> FlightContact:
    """Forty minutes in a sector, the first twenty in contact, where radios were heard then."""
    times = np.array(known, np.int64).reshape(-1, 2)
    heard = KnownSpans(times[:, 0], times[:, 1])
    return flight_contact(CONTACTS, VISITS, AIRSPACE, SECTOR.partition, 3_000, heard)


def test_where_nobody_listened_coverage_is_unknown_and_not_zero() -> None:
    """A flight of before radios were heard, or while they were not."""
    found = shown()
    assert (found.airborne_minutes, found.coverage, found.known_share) == (40.0, None, 0.0)


def test_coverage_is_that_of_the_time_known() -> None:
    """What is not known counts neither way."""
    found = shown((0, 3_600))
    assert (found.contact_minutes, found.coverage, found.known_share) == (20.0, 0.5, 1.0)
    found = shown((1_200, 1_500), (1_800, 2_400))
    assert (found.contact_minutes, found.coverage, found.known_share) == (5.0, 0.3333, 0.375)


def test_of_a_flight_that_was_never_there_nothing_is_said() -> None:
    """Neither is divided by nothing."""
    nothing = KnownSpans(np.empty(0, np.int64), np.empty(0, np.int64))
    found = flight_contact(CONTACTS, [], AIRSPACE, SECTOR.partition, 3_000, nothing)
    assert (found.airborne_minutes, found.coverage, found.known_share) == (0.0, None, None)
