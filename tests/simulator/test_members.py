"""What people do: each habit alone, switched on for everybody or for many."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import orjson

from sectorwatch.simulator import Behaviour, Network
from sectorwatch.simulator.draws import Draws
from sectorwatch.simulator.members import Sort, members_of
from simulator.flown import START_S, timetable

STEP_S = 120
HOURS = 3


@lru_cache(maxsize=8)
def feeds(**changes: Any) -> tuple[dict[str, Any], ...]:
    """Three hours of a network in which nobody does anything odd but what is given."""
    behaviour = replace(Behaviour.none(), **changes)
    made = Network(timetable(), behaviour=behaviour, start_s=START_S)
    times = range(START_S, START_S + HOURS * 3_600, STEP_S)
    return tuple(orjson.loads(made.feed(time_s)) for time_s in times)


def histories(**changes: Any) -> dict[int, list[dict[str, Any] | None]]:
    """Each member's records in every feed, None where he is not there."""
    made = feeds(**changes)
    found: dict[int, list[dict[str, Any] | None]] = {}
    for number, feed in enumerate(made):
        for pilot in feed["pilots"]:
            found.setdefault(pilot["cid"], [None] * len(made))[number] = pilot
    return found


def _gaps(history: list[dict[str, Any] | None]) -> list[int]:
    """How many feeds each absence between two presences lasts."""
    there = [number for number, record in enumerate(history) if record is not None]
    return [later - sooner - 1 for sooner, later in pairwise(there) if later - sooner > 1]


def test_without_habits_everybody_stays_from_logon_to_logoff() -> None:
    """No gap, one logon time, a plan from the first moment on, that never changes."""
    for history in histories().values():
        records = [record for record in history if record is not None]
        assert _gaps(history) == []
        assert len({record["logon_time"] for record in records}) == 1
        assert all(record["flight_plan"] is not None for record in records)
        assert len({record["flight_plan"]["revision_id"] for record in records}) == 1


def test_who_disconnects_is_back_with_another_logon_time() -> None:
    """Within 15 minutes, further along the way."""
    back = 0
    for history in histories(short_gap_share=1.0).values():
        for gap in _gaps(history):
            assert gap * STEP_S <= 900
            back += 1
            records = [record for record in history if record is not None]
            assert len({record["logon_time"] for record in records}) == 2
            assert len({record["callsign"] for record in records}) == 1
    assert back > 20


def test_some_are_away_for_longer() -> None:
    """Beyond 15 minutes."""
    gaps = [gap for each in histories(long_gap_share=1.0).values() for gap in _gaps(each)]
    assert len(gaps) > 10
    assert min(gaps) * STEP_S > 780


def test_plans_are_amended_in_flight_and_flown_so() -> None:
    """Another level, a revision more, and the aircraft at it within some minutes."""
    amended = reached = 0
    for history in histories(amended_share=1.0).values():
        records = [record for record in history if record is not None]
        levels = [int(record["flight_plan"]["altitude"]) for record in records]
        if len(set(levels)) == 1:
            continue
        amended += 1
        at = next(n for n, level in enumerate(levels) if level != levels[0])
        before, after = records[at - 1], records[min(at + 2, len(records) - 1)]
        assert levels[at] > levels[0]
        assert after["flight_plan"]["revision_id"] == before["flight_plan"]["revision_id"] + 1
        if abs(before["altitude"] - levels[0]) < 300 and at + 3 < len(records):
            next_ft = [each["altitude"] for each in records[at : at + 4]]
            assert max(next_ft) > levels[0] + 300
            # Some begin their descent before they are there.
            if next_ft[-1] > levels[0] + 300:
                assert abs(next_ft[-1] - levels[at]) < 600
                reached += 1
    assert amended > 10
    assert reached > 5


def test_a_prefile_goes_when_its_flight_comes_online() -> None:
    """It stands there before, under the same callsign and with the same plan."""
    seen: dict[tuple[int, str], dict[str, Any]] = {}
    taken = 0
    for feed in feeds(prefile_share=1.0):
        online = {(pilot["cid"], pilot["callsign"]): pilot for pilot in feed["pilots"]}
        prefiled = {(each["cid"], each["callsign"]): each for each in feed["prefiles"]}
        assert not online.keys() & prefiled.keys()
        for key, pilot in online.items():
            if key in seen:
                taken += 1
                assert pilot["flight_plan"] == seen.pop(key)["flight_plan"]
        seen.update(prefiled)
    assert taken > 10


def test_ghosts_of_prefiles_never_come() -> None:
    """They stand there for a while, and nobody of that callsign is ever online."""
    ghosts: set[str] = set()
    online: set[str] = set()
    for feed in feeds(prefile_share=0.0, prefile_ghost_share=0.5):
        ghosts |= {each["callsign"] for each in feed["prefiles"]}
        online |= {pilot["callsign"] for pilot in feed["pilots"]}
    assert len(ghosts) > 10
    assert not ghosts & online


def test_some_file_late() -> None:
    """Online without a plan first, and with one before they take off."""
    late = 0
    for history in histories(prefile_share=0.0, late_filing_share=1.0).values():
        plans = [record["flight_plan"] for record in history if record is not None]
        if plans[0] is None and any(plan is not None for plan in plans):
            late += 1
            first = next(n for n, plan in enumerate(plans) if plan is not None)
            records = [record for record in history if record is not None]
            assert all(record["groundspeed"] < 60 for record in records[: first - 1])
    assert late > 10


def test_who_never_leaves_the_gate_never_moves() -> None:
    """Nor does his flight become one."""
    with_sitters = histories(gate_sitter_share=0.5)
    others = set(histories())
    sitters = [history for cid, history in with_sitters.items() if cid not in others]
    assert len(sitters) > 10
    for history in sitters:
        records = [record for record in history if record is not None]
        assert {record["groundspeed"] for record in records} == {0}
        assert len({(record["latitude"], record["longitude"]) for record in records}) == 1


def test_circuits_stay_at_their_field() -> None:
    """Within 5 NM, not above 2,000 ft over it, and down again in the end."""
    others = set(histories())
    circling = [
        [record for record in history if record is not None]
        for cid, history in histories(circuit_share=0.4).items()
        if cid not in others
    ]
    assert len(circling) > 5
    for records in circling:
        low = min(record["altitude"] for record in records)
        assert max(record["altitude"] for record in records) - low < 2_000
        spread = max(record["latitude"] for record in records) - min(
            record["latitude"] for record in records
        )
        assert spread < 0.2


def test_whom_the_schedule_delays_comes_in_time_and_waits_at_the_gate() -> None:
    """An hour between the time filed and the take-off is an hour more at the gate, and overdue."""
    schedule = timetable().taking_off(START_S + 3_600, START_S + 7_200)
    late = replace(schedule, filed_off_s=schedule.off_s - 3_600)
    tables = [
        members_of(each, Draws(1), Behaviour(filed_minute_step=1))[0] for each in (schedule, late)
    ]
    assert {int(table.sort[0]) for table in tables} == {Sort.SCHEDULED}
    in_time, delayed = tables
    assert (in_time.logon_s - delayed.logon_s == 3_600).all()
    assert (abs(in_time.filed_off_s - delayed.filed_off_s - 3_600) <= 60).all()
    assert (in_time.off_s == delayed.off_s).all()
