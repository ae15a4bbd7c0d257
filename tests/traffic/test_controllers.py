"""Controllers' sessions and the owners of sectors, on made feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.traffic import Tracker
from sectorwatch.traffic.ids import session_id
from traffic import made
from traffic.ledger import Ledger, collect
from traffic.made import DAY_S, FIELDS, SMALL_WORLD, advance, controller, snapshot

if TYPE_CHECKING:
    from sectorwatch.feed.records import Controller

WORLD = made.airspace(*SMALL_WORLD)
WEST = controller("WEST_CTR")


def track(*online: list[Controller], step_s: int = 15) -> Ledger:
    """The rows of feeds with these controllers online, one feed after another."""
    tracker = Tracker(WORLD, FIELDS)
    feeds = [snapshot(DAY_S + step_s * k, controllers=each) for k, each in enumerate(online)]
    return collect(WORLD, [advance(tracker, feed) for feed in feeds])


def owned(ledger: Ledger, name: str) -> list[tuple[str, int, int | None]]:
    """(callsign, start, end) of a sector's owners, seconds since the first feed."""
    (sector,) = [sector for sector in WORLD.sectors if sector.name == name]
    rows = [row for row in ledger.ownerships.values() if row.sector_id == sector.sector_id]
    rows.sort(key=lambda row: row.start_s)
    return [
        (row.callsign, row.start_s - DAY_S, None if row.end_s is None else row.end_s - DAY_S)
        for row in rows
    ]


def test_a_session_is_from_the_first_to_the_last_feed_that_had_it() -> None:
    """Its number hashes member, callsign, logon time and when it was first seen."""
    (session,) = track([], [WEST], [WEST], []).sessions.values()
    assert session.session_id == session_id(900, "WEST_CTR", DAY_S - 3600, DAY_S + 15)
    assert (session.first_seen_s, session.ended_s) == (DAY_S + 15, DAY_S + 30)
    assert (session.frequency, session.facility, session.rating) == ("130.900", 6, 5)


def test_pilots_and_observers_are_no_controllers() -> None:
    """What the feed lists as controllers without a facility or a frequency has no session."""
    others = [
        controller("QFA12", facility=0, frequency="199.998"),
        controller("WEST_OBS", cid=901),
        controller("EAST_CTR", cid=902, frequency="199.998"),
    ]
    tracker = Tracker(WORLD, FIELDS)
    tick = advance(tracker, snapshot(DAY_S, controllers=[*others, WEST]))
    assert [session.callsign for session in tick.live.sessions] == ["WEST_CTR"]
    assert [each.callsign for each in tick.live.controllers] == ["WEST_CTR"]
    assert (tick.network.controllers, tick.network.observers) == (1, 3)


def test_a_changed_session_is_a_new_row_of_the_same() -> None:
    """Another frequency is the same session with another frequency."""
    ledger = track([WEST], [controller("WEST_CTR", frequency="120.500")])
    (session,) = ledger.sessions.values()
    assert (session.frequency, session.first_seen_s) == ("120.500", DAY_S)


def test_a_new_logon_is_a_new_session() -> None:
    """The same member on the same position, logged on again."""
    again = controller("WEST_CTR", logon_time_s=DAY_S + 10)
    ledger = track([WEST], [again])
    ended = sorted(session.ended_s or 0 for session in ledger.sessions.values())
    assert ended == [0, DAY_S]


def test_a_record_missing_by_mistake_ends_nothing_for_good() -> None:
    """Back on the same connection the session goes on from where it began."""
    (session,) = track([WEST], [], [WEST]).sessions.values()
    assert (session.first_seen_s, session.ended_s) == (DAY_S, None)


def test_back_from_a_long_break_begins_another_session() -> None:
    """The one before stays as it was, though the connection is the same: nobody controlled."""
    untuned = controller("WEST_CTR", frequency="199.998")
    later = [[WEST], [WEST], *[[untuned]] * 62, [WEST], []]
    found = [(s.first_seen_s, s.ended_s) for s in track(*later).sessions.values()]
    assert sorted(found) == [(DAY_S, DAY_S + 15), (DAY_S + 64 * 15, DAY_S + 64 * 15)]


def test_sessions_go_on_in_a_tracker_that_was_dumped_and_loaded() -> None:
    """With their numbers, whether they were online at that moment or missing by mistake."""
    east = controller("EAST_CTR", cid=901)
    tracker = Tracker(WORLD, FIELDS)
    first = advance(tracker, snapshot(DAY_S, controllers=[WEST, east])).sessions
    advance(tracker, snapshot(DAY_S + 15, controllers=[WEST]))
    tracker = Tracker.load(tracker.dump(), WORLD, FIELDS)
    tick = advance(tracker, snapshot(DAY_S + 30, controllers=[WEST, east]))
    numbers = {session.session_id for session in first}
    assert {session.session_id for session in tick.live.sessions} == numbers
    assert {session.first_seen_s for session in tick.live.sessions} == {DAY_S}


def test_a_record_that_stands_there_twice_is_one_session() -> None:
    """Duplicates have one number."""
    assert len(track([WEST, WEST]).sessions) == 1


def test_owners_follow_who_is_online() -> None:
    """A sector is owned from the first feed that shows its owner to the first that does not."""
    relief = controller("WEST__CTR", cid=901)
    ledger = track([], [WEST], [WEST, relief], [relief], [])
    assert owned(ledger, "WEST") == [("WEST_CTR", 15, 45), ("WEST__CTR", 45, 60)]
    assert owned(ledger, "EAST") == []


def test_the_present_names_the_owner_and_why() -> None:
    """Live owners stand beside the sectors, in their order."""
    tracker = Tracker(WORLD, FIELDS)
    advance(tracker, snapshot(DAY_S))
    tick = advance(tracker, snapshot(DAY_S + 15, controllers=[WEST]))
    names = [sector.name for sector in WORLD.sectors]
    assert [names[k] for k, owner in enumerate(tick.live.owners) if owner is not None] == ["WEST"]
    owner = tick.live.owners[names.index("WEST")]
    assert owner is not None
    assert (owner.callsign, owner.since_s, owner.frequency) == ("WEST_CTR", DAY_S + 15, "130.900")
    assert owner.session_id == tick.live.sessions[0].session_id
    assert owner.why == "WEST_CTR works WEST"


def test_an_owner_on_another_frequency_owns_on() -> None:
    """The row of who owns it stays; the present shows the new frequency."""
    tracker = Tracker(WORLD, FIELDS)
    ticks = [
        advance(tracker, snapshot(DAY_S, controllers=[WEST])),
        advance(
            tracker, snapshot(DAY_S + 15, controllers=[controller("WEST_CTR", frequency="120.5")])
        ),
    ]
    assert owned(collect(WORLD, ticks), "WEST") == [("WEST_CTR", 0, None)]
    (owner,) = [owner for owner in ticks[1].live.owners if owner is not None]
    assert (owner.frequency, owner.since_s) == ("120.5", DAY_S)


def test_over_a_gap_nobody_is_known_to_own_anything() -> None:
    """Owned until the last feed before the gap and from the first after it; the session goes on."""
    ledger = track([WEST], [WEST], step_s=900)
    assert owned(ledger, "WEST") == [("WEST_CTR", 0, 0), ("WEST_CTR", 900, None)]
    (session,) = ledger.sessions.values()
    assert session.ended_s is None


def test_two_owners_within_one_second_leave_one_row() -> None:
    """Feeds of the same second: who owned it last in that second did."""
    tracker = Tracker(WORLD, FIELDS)
    ticks = [
        advance(tracker, snapshot(DAY_S, controllers=[WEST])),
        advance(tracker, snapshot(DAY_S + 0.5, controllers=[controller("WEST__CTR", cid=901)])),
    ]
    assert owned(collect(WORLD, ticks), "WEST") == [("WEST__CTR", 0, None)]
