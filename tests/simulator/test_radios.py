"""Handovers as they are staged, and what everybody's radios show of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sectorwatch.airspace import Airspace, load_airspace
from sectorwatch.feed.transceivers import channel_khz
from sectorwatch.simulator.channels import GUARD_KHZ, UNICOM_KHZ
from sectorwatch.simulator.control import ControlRoom, Staffing
from sectorwatch.simulator.controlling import Controlling
from sectorwatch.simulator.masts import Masts
from sectorwatch.simulator.radios import Contact, Radios, station_radios
from simulator.made_pilots import MadePilots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sectorwatch.simulator.radios import RadioSet
    from sectorwatch.simulator.stations import Station

BEGIN_S = int(datetime(2025, 8, 9, 8, tzinfo=UTC).timestamp())
STEP_S = 60
QUIET = Controlling(
    deaf_share=0.0,
    forget_share=0.0,
    late_share=0.0,
    unanswered_share=0.0,
    without_radio=0.0,
    empty_radio=0.0,
    two_radios=0.0,
    idle_elsewhere=0.0,
    untuned=0.0,
    hf_share=0.0,
    monitor_share=0.0,
)


@pytest.fixture(scope="module")
def australia() -> Airspace:
    """The made airspace."""
    return load_airspace(["made:australia"])


@pytest.fixture(scope="module")
def opened(australia: Airspace) -> Callable[..., ControlRoom]:
    """Control rooms over it."""
    return partial(ControlRoom, australia, seed=7, stations=25.0)


@pytest.fixture(scope="module")
def room(opened: Callable[..., ControlRoom]) -> ControlRoom:
    """One with everything that people do."""
    return opened()


def flown(
    room: ControlRoom,
    radios: Radios,
    times: Iterable[int],
    change: Callable[[Staffing], Staffing] = lambda staffing: staffing,
) -> RadioSet:
    """Fly 250 pilots through these times; gives the radios at the last."""
    pilots = MadePilots(room.aerodromes, count=250, begin_s=BEGIN_S)
    for time_s in times:
        said = radios.tune(time_s, pilots.at(time_s), change(room.at(time_s)))
    return said


HOURS = range(BEGIN_S, BEGIN_S + 3 * 3_600, STEP_S)


@pytest.fixture(scope="module")
def truth(room: ControlRoom) -> list[Contact]:
    """Three hours of contacts."""
    radios = Radios(room)
    flown(room, radios, HOURS)
    return radios.truth_until(HOURS[-1])


def stations_of(room: ControlRoom) -> dict[str, list[Station]]:
    """Every session seen in those hours, by callsign."""
    found: dict[str, dict[int, Station]] = defaultdict(dict)
    time_s = HOURS[0]
    while time_s <= HOURS[-1]:
        staffing = room.at(time_s)
        for station in staffing.controllers:
            found[station.callsign][station.session] = station
        time_s = staffing.until_s
    return {callsign: list(sessions.values()) for callsign, sessions in found.items()}


def test_a_pilot_is_worked_by_one_station_at_a_time(truth: list[Contact]) -> None:
    """Contacts of one pilot never overlap, and each takes some time."""
    assert len(truth) > 300
    by_pilot = defaultdict(list)
    for contact in truth:
        assert contact.start_s < contact.end_s
        by_pilot[contact.pilot].append((contact.start_s, contact.end_s))
    for contacts in by_pilot.values():
        contacts.sort()
        for before, after in pairwise(contacts):
            assert before[1] <= after[0]


def test_contact_lies_within_the_session_that_works_the_position(
    room: ControlRoom, truth: list[Contact]
) -> None:
    """Nobody is in contact with a controller who is not there, not yet at work, or relieved."""
    sessions = stations_of(room)
    for contact in truth:
        assert any(
            station.active_s <= contact.start_s and contact.end_s <= station.until_s
            for station in sessions[contact.station]
        )


def test_contacts_are_of_all_kinds(truth: list[Contact]) -> None:
    """Delivery, ground, tower, approach and centre work pilots."""
    kinds = {contact.station.rsplit("_", 1)[-1] for contact in truth}
    assert kinds >= {"GND", "TWR", "APP", "CTR"}


def test_truth_does_not_depend_on_where_masts_stand(
    room: ControlRoom, truth: list[Contact]
) -> None:
    """What was staged is true however far any radio reaches."""
    far = Masts(np.array([60.0]), np.array([-40.0]), np.array([10.0]), np.array([10.0]))

    def moved(staffing: Staffing) -> Staffing:
        stations = tuple(replace(station, masts=far) for station in staffing.controllers)
        return replace(staffing, controllers=stations)

    radios = Radios(room)
    flown(room, radios, HOURS, moved)
    assert radios.truth_until(HOURS[-1]) == truth


def test_a_network_begun_later_agrees(room: ControlRoom, truth: list[Contact]) -> None:
    """Half an hour after its begin the contacts that begin are those of one begun earlier."""
    radios = Radios(room)
    flown(room, radios, HOURS[60:])
    since_s = HOURS[60] + 1_800

    def begun(contacts: list[Contact]) -> set[Contact]:
        return {contact for contact in contacts if contact.start_s >= since_s}

    earlier, later = begun(truth), begun(radios.truth_until(HOURS[-1]))
    assert len(earlier) > 100
    assert len(earlier & later) > 0.97 * max(len(earlier), len(later))


def test_who_is_in_contact_is_on_the_channel(opened: Callable[..., ControlRoom]) -> None:
    """Of people without faults, everybody in contact is tuned to the station that works him."""
    room = opened(numbers=QUIET)
    radios = Radios(room)
    khz_of = {
        station.callsign: station.channel_khz
        for sessions in stations_of(room).values()
        for station in sessions
    }
    pilots = MadePilots(room.aerodromes, count=250, begin_s=BEGIN_S)
    checked = 0
    for time_s in HOURS[:75]:
        states = pilots.at(time_s)
        said = radios.tune(time_s, states, room.at(time_s))
        tuned = {
            states.callsign[pilot]: channel_khz(hz)
            for pilot, hz in zip(said.pilot.tolist(), said.frequency_hz.tolist(), strict=True)
        }
        ended = {contact.pilot for contact in radios.truth if contact.end_s == time_s}
        for contact in radios.truth_until(time_s):
            if contact.end_s == time_s and contact.pilot not in ended:
                assert tuned[contact.pilot] == khz_of[contact.station]
                checked += 1
        assert all(hz is not None for hz in tuned.values())
    assert checked > 1_500


def test_nobody_answers_where_nobody_listens(opened: Callable[..., ControlRoom]) -> None:
    """Pilots who are all deaf are worked by nobody, and all of them on UNICOM."""
    room = opened(numbers=replace(QUIET, deaf_share=1.0))
    radios = Radios(room)
    said = flown(room, radios, HOURS[:90])
    assert radios.truth_until(HOURS[89]) == []
    assert {channel_khz(hz) for hz in said.frequency_hz.tolist()} == {UNICOM_KHZ}


def test_a_controller_who_goes_without_a_word_leaves_pilots_on_his_channel(
    opened: Callable[..., ControlRoom],
) -> None:
    """Contact ends with the session; the channel stays tuned for a while, then UNICOM."""
    room = opened(numbers=replace(QUIET, announced_share=0.0, relief_share=0.0))
    radios = Radios(room)
    flown(room, radios, HOURS)
    sessions = stations_of(room)
    ended = {
        (contact.station, contact.end_s)
        for contact in radios.truth
        if any(contact.end_s == station.until_s for station in sessions[contact.station])
    }
    assert len(ended) > 5
    told = opened(numbers=replace(QUIET, announced_share=1.0, relief_share=0.0, announce_s=900.0))
    radios = Radios(told)
    flown(told, radios, HOURS)
    sessions = stations_of(told)
    cut = sum(
        any(contact.end_s == station.until_s for station in sessions[contact.station])
        for contact in radios.truth
    )
    assert cut < len(radios.truth) / 20


def test_pilots_who_forget_to_switch_are_in_contact_later(
    opened: Callable[..., ControlRoom],
) -> None:
    """Of pilots who all forget, contact begins later, and so there is less of it."""
    usual, forgetful = opened(numbers=QUIET), opened(numbers=replace(QUIET, forget_share=1.0))
    seconds = []
    for room in (usual, forgetful):
        radios = Radios(room)
        flown(room, radios, HOURS[:150])
        seconds.append(sum(c.end_s - c.start_s for c in radios.truth_until(HOURS[149])))
    assert seconds[1] < 0.95 * seconds[0]


def test_radios_show_what_real_ones_show(room: ControlRoom) -> None:
    """One radio or two, UNICOM some Hz off, guard, untuned, below the sea, absent, without any."""
    radios = Radios(room)
    pilots = MadePilots(room.aerodromes, count=4_000, begin_s=BEGIN_S)
    states = pilots.at(BEGIN_S + 1_800)
    said = radios.tune(BEGIN_S + 1_800, states, room.at(BEGIN_S + 1_800))
    count = np.bincount(said.pilot, minlength=len(states))
    shares = [(count[said.in_feed] == number).mean() for number in range(3)]
    assert np.allclose(shares, [0.03, 0.78, 0.19], atol=0.03)
    assert (count[~said.in_feed] == 0).all()
    assert 0.92 < said.in_feed.mean() < 0.98
    hz = said.frequency_hz
    unicom = hz[np.abs(hz - UNICOM_KHZ * 1_000) < 1_000] - UNICOM_KHZ * 1_000
    assert set(unicom.tolist()) >= {1, 10, 20}
    assert (unicom <= 20).all()
    assert 0 in hz
    assert 199_998_000 in hz
    assert (np.abs(hz - GUARD_KHZ * 1_000) <= 20).any()
    assert (said.height_msl_m < 0).any()
    assert (said.height_agl_m >= 0).all()
    airborne = states.airborne[said.pilot]
    expected = states.altitude_ft[said.pilot[airborne]] * 0.3048
    assert np.allclose(said.height_msl_m[airborne], expected)


def test_a_station_has_its_channel_at_every_mast(room: ControlRoom) -> None:
    """At most 43 transceivers; a radio far out has HF as well, some a second channel."""
    seen: set[str] = set()
    for hour in range(0, 24 * 20, 3):
        for station in room.at(BEGIN_S + hour * 3_600).controllers:
            radios = station_radios(station)
            assert 1 <= len(radios) <= 43
            hz = [radio[0] for radio in radios]
            assert station.channel_khz * 1_000 in hz or hz == [199_998_000]
            if station.channel_khz:
                assert channel_khz(station.channel_khz * 1_000) == station.channel_khz
            seen.update({"hf"} if min(hz) < 30_000_000 else ())
            seen.update({"coupled"} if len(set(hz)) > 1 else ())
            seen.update({"untuned"} if hz == [199_998_000] else ())
    assert seen == {"hf", "coupled", "untuned"}


def test_time_runs_forward(room: ControlRoom) -> None:
    """Asked about a moment before the last it refuses, and says so."""
    radios = Radios(room)
    flown(room, radios, [BEGIN_S + 60])
    with pytest.raises(ValueError, match="ask in the order of time"):
        flown(room, radios, [BEGIN_S])


def test_truth_need_not_be_kept(room: ControlRoom) -> None:
    """A network that flies for ever keeps no contact that is over."""
    radios = Radios(room, keep_truth=False)
    flown(room, radios, HOURS[:60])
    assert radios.truth == []
    assert radios.truth_until(HOURS[59])
