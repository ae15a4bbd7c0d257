"""Every oddity of the real feed that the data's list names comes in a run that is long enough."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
import pytest

from sectorwatch.simulator import Behaviour, MadeTimetable, Network
from simulator.flown import START_S, snapshot_of

HOURS = 20


@lru_cache(maxsize=1)
def feeds() -> tuple[dict[str, Any], ...]:
    """A feed an hour of a busy network."""
    timetable = MadeTimetable("us", seed=2, peak_airborne=1_500)
    network = Network(timetable, seed=2, start_s=START_S)
    made = []
    for hour in range(HOURS):
        raw = network.feed(START_S + hour * 3_600)
        snapshot_of(raw)
        made.append(orjson.loads(raw))
    return tuple(made)


def pilots() -> list[dict[str, Any]]:
    """Every pilot record."""
    return [pilot for feed in feeds() for pilot in feed["pilots"]]


def plans() -> list[dict[str, Any]]:
    """Every plan, filed beforehand or not."""
    records = [each for feed in feeds() for each in (*feed["pilots"], *feed["prefiles"])]
    return [each["flight_plan"] for each in records if each["flight_plan"] is not None]


def test_some_have_no_plan_and_some_plans_lack_keys() -> None:
    """About as many as in the real feeds."""
    share = sum(each["flight_plan"] is None for each in pilots()) / len(pilots())
    assert 0.03 < share < 0.12
    assert any("aircraft_short" not in plan and "revision_id" not in plan for plan in plans())
    assert any("military_rating" not in each for each in pilots())


def test_observers_stand_among_the_controllers() -> None:
    """With facility 0, a frequency that is none, and mostly a pilot's callsign."""
    watching = [each for feed in feeds() for each in feed["controllers"] if not each["facility"]]
    assert any(each["callsign"].endswith("_OBS") for each in watching)
    assert any(not each["callsign"].endswith("_OBS") for each in watching)
    assert {each["frequency"] for each in watching} == {"199.998"}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("altitude", ("VFR", "VFR/065", "", "FL{}", "F{}", "{}")),
        ("deptime", ("7000", "5772193")),
        ("enroute_time", ("0000", "0060", "01224292762")),
        ("arrival", ("ZZZZ", "AFIL", "6N7", "")),
    ],
)
def test_plans_say_odd_things(field: str, values: tuple[str, ...]) -> None:
    """Each of them somewhere."""
    found = {plan[field] for plan in plans()}
    for value in values:
        if "{}" in value:
            assert any(value.format(level) in found for level in range(300, 420, 10)), value
        else:
            assert value in found, value


def test_some_fly_from_a_place_back_to_it() -> None:
    """Circuits and flights by eye, under visual rules."""
    round_trips = [plan for plan in plans() if plan["departure"] == plan["arrival"]]
    assert 0.002 < len(round_trips) / len(plans()) < 0.05
    assert {plan["flight_rules"] for plan in round_trips} == {"V"}


def test_names_are_odd() -> None:
    """Numbers, C1 bytes, control characters, padding."""
    names = {(each["cid"], each["name"]) for each in pilots()}
    assert any(name == str(cid) for cid, name in names)
    text = "".join(name for _, name in names)
    assert "\u0080" in text
    assert "\u0007" in text
    assert any(name != name.strip() for _, name in names)


def test_callsigns_are_odd() -> None:
    """Such as G-RKNM and LTC__CTR, among a great many of airlines."""
    callsigns = {each["callsign"] for each in pilots()}
    assert any("-" in callsign for callsign in callsigns)
    assert any("__" in callsign for callsign in callsigns)


def test_numbers_are_extreme() -> None:
    """Heading 360, a QNH that is none, below the sea, squawk 9999."""
    found = pilots()
    assert any(each["heading"] == 360 for each in found)
    assert any(each["qnh_i_hg"] < 0 for each in found)
    assert any(each["altitude"] < 0 for each in found)
    assert any(each["transponder"] == "9999" for each in found)


def test_somebody_is_faster_than_sound() -> None:
    """At over 50,000 ft."""
    network = Network(
        MadeTimetable("us", seed=1), behaviour=Behaviour(supersonic_share=0.05), start_s=START_S
    )
    fastest = [network.states(START_S + minute * 600) for minute in range(6)]
    assert max(int(states.groundspeed_kt.max()) for states in fastest) > 1_000
    assert max(int(states.altitude_ft.max()) for states in fastest) > 50_000


def test_somebody_is_at_0_north_0_east_when_he_comes() -> None:
    """For some seconds."""
    network = Network(
        MadeTimetable("australia", seed=1),
        behaviour=Behaviour(null_island_share=0.5),
        start_s=START_S,
    )
    lost = 0
    for step in range(40):
        states = network.states(START_S + step * 15)
        lost += int(((states.latitude == 0) & (states.longitude == 0)).sum())
    assert lost > 3


def test_times_have_up_to_seven_digits_and_may_be_late_or_stale() -> None:
    """Later than the feed, and minutes older."""
    digits, lags = set(), []
    for feed in feeds():
        now = feed["general"]["update_timestamp"]
        for each in feed["pilots"]:
            text = each["last_updated"]
            digits.add(len(text.partition(".")[2].rstrip("Z")))
            lags.append(_second(now) - _second(text))
    assert {5, 6, 7} <= digits
    assert any("." not in each["logon_time"] for each in pilots())
    assert min(lags) < 0
    assert max(lags) > 20
    assert sum(0 <= lag <= 5 for lag in lags) > 0.97 * len(lags)


def test_members_are_there_twice() -> None:
    """Two callsigns at once, or twice among the prefiles, or online and prefiled."""
    twice = prefiled_twice = both = 0
    for feed in feeds():
        cids = [each["cid"] for each in feed["pilots"]]
        prefiled = [each["cid"] for each in feed["prefiles"]]
        twice += len(cids) - len(set(cids))
        prefiled_twice += len(prefiled) - len(set(prefiled))
        both += len(set(cids) & set(prefiled))
    assert twice
    assert prefiled_twice
    assert both


def test_some_sessions_last_for_more_than_a_day() -> None:
    """Of people who sit at a gate overnight."""
    assert any(
        _second(feed["general"]["update_timestamp"]) - _second(each["logon_time"]) > 86_400
        for feed in feeds()
        for each in feed["pilots"]
    )


def test_no_record_is_older_than_its_logon() -> None:
    """Of whoever watches in a network of observers, second by second as they come."""
    timetable = MadeTimetable("australia", seed=1, peak_airborne=150)
    behaviour = replace(Behaviour.none(), observer_share=1.0)
    network = Network(timetable, behaviour=behaviour, start_s=START_S)
    records = [
        each
        for time_s in range(START_S, START_S + 600, 5)
        for each in orjson.loads(network.feed(time_s))["controllers"]
    ]
    assert len({each["callsign"] for each in records}) > 10
    assert all(_second(each["last_updated"]) >= _second(each["logon_time"]) for each in records)


def _second(text: str) -> float:
    hours, minutes, seconds = text[11:].rstrip("Z").split(":")
    return int(text[8:10]) * 86_400 + int(hours) * 3_600 + int(minutes) * 60 + float(seconds)
