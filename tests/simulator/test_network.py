from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from sectorwatch.simulator import Behaviour, Network
from sectorwatch.simulator.draws import Draws
from sectorwatch.simulator.names import callsigns
from simulator.flown import START_S, network, snapshot_of, timetable

if TYPE_CHECKING:
    from sectorwatch.simulator.schedule import Schedule


def test_the_real_pipeline_takes_every_record() -> None:
    """Accepted, masked and decoded; nothing is dropped, and what is repaired is meant."""
    made = network()
    for minute in range(0, 120, 10):
        snapshot = snapshot_of(made.feed(START_S + minute * 60))
        assert len(snapshot.pilots) > 20
        assert snapshot.dropped == {}
        assert set(snapshot.repaired) <= {"heading_360", "qnh_range", "time_late"}


def test_the_header_counts_clients_and_members() -> None:
    """`connected_clients` is everybody in the feed, `unique_users` the members among them."""
    feed = orjson.loads(network().feed(START_S))
    clients = [*feed["pilots"], *feed["controllers"], *feed["atis"]]
    assert feed["general"]["connected_clients"] == len(clients)
    assert feed["general"]["unique_users"] == len({each["cid"] for each in clients})


def test_callsigns_are_unique_by_themselves() -> None:
    """Of three days of flights and of those beside them: none has to be changed for another's."""
    made = network()
    rows = made.movements(START_S + 3_600)
    ours = callsigns(rows.members, rows.flights.type, made.airports, Draws(1), Behaviour())
    assert len(ours) > 200
    assert len(set(ours.tolist())) == len(ours)


def test_callsigns_are_unique_among_pilots() -> None:
    """At any moment nobody flies under another's callsign."""
    made = network()
    for hour in range(0, 30, 3):
        callsigns = list(made.states(START_S + hour * 3_600).callsign)
        assert len(set(callsigns)) == len(callsigns)


def test_a_network_begun_later_agrees_with_one_begun_earlier() -> None:
    """The same bytes at the same moment, whatever was asked before."""
    earlier, later = network(start_s=START_S - 86_400), network(start_s=START_S)
    for time_s in range(START_S - 86_400, START_S, 7_200):
        earlier.feed(time_s)
    for time_s in (START_S, START_S + 15, START_S + 3_600):
        one, other = (orjson.loads(each.feed(time_s)) for each in (earlier, later))
        for name in ("pilots", "controllers", "prefiles"):
            one[name] = sorted(one[name], key=lambda each: (each["cid"], each["callsign"]))
            other[name] = sorted(other[name], key=lambda each: (each["cid"], each["callsign"]))
        assert one == other
        assert earlier.transceivers(time_s) is not None


def test_two_processes_make_the_same_bytes() -> None:
    """Nothing depends on the process: no hash of Python's, no order of a set."""
    script = (
        "import hashlib\n"
        "from simulator.flown import START_S, network\n"
        "print(hashlib.sha256(network().feed(START_S)).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for number in ("1", "2")
    }
    assert digests == {hashlib.sha256(network().feed(START_S)).hexdigest()}


def test_another_seed_makes_another_network() -> None:
    """Who flies is the timetable's; what they do is the seed's."""
    assert network(seed=2).feed(START_S) != network(seed=1).feed(START_S)


def test_a_moment_at_which_nobody_flies_is_a_feed_without_pilots() -> None:
    """A schedule that has not begun, or is over, is no error."""
    schedule = timetable().taking_off(START_S, START_S + 3_600)
    made = Network(schedule, start_s=START_S - 10 * 86_400)
    assert snapshot_of(made.feed(START_S - 10 * 86_400)).pilots == []
    assert len(snapshot_of(made.feed(START_S + 1_800)).pilots) > 3


def test_in_an_outage_nobody_is_there_and_most_come_back() -> None:
    """Everybody is gone at once; some minutes later they are back, newly logged on."""
    behaviour = Behaviour(outages=((START_S + 600, 180),), outage_days=0.0)
    made = network(behaviour=behaviour)
    before = snapshot_of(made.feed(START_S + 585))
    assert snapshot_of(made.feed(START_S + 600)).pilots == []
    assert snapshot_of(made.feed(START_S + 765)).pilots == []
    after = snapshot_of(made.feed(START_S + 2_400))
    stayed = {(each.cid, each.callsign): each.logon_time for each in before.pilots}
    back = [each for each in after.pilots if (each.cid, each.callsign) in stayed]
    assert len(back) > 0.5 * len(stayed)
    assert all(each.logon_time > "2026-11-20T07:13:00" for each in back)
    assert len(back) < len(stayed)


@pytest.fixture(scope="module")
def quiet() -> Schedule:
    """Three hours of flights, for people who do nothing odd."""
    return timetable().taking_off(START_S, START_S + 3 * 3_600)


def test_who_came_back_from_an_outage_has_logged_on_then_for_as_long_as_they_stay() -> None:
    """Those at a gate overnight too, a day later."""
    behaviour = replace(
        Behaviour.none(),
        gate_sitter_share=1.0,
        overnight_share=1.0,
        outages=((START_S, 120),),
        outage_quit_share=0.0,
        outage_return_mean_s=60.0,
    )
    made = network(start_s=START_S - 600, behaviour=behaviour)
    logons = [
        {pilot.cid: pilot.logon_time for pilot in snapshot_of(made.feed(time_s)).pilots}
        for time_s in (
            START_S - 600,
            START_S + 1_800,
            START_S + 86_400 - 300,
            START_S + 86_400 + 300,
        )
    ]
    stayed = set.intersection(*map(set, logons))
    assert stayed
    for cid in stayed:
        before, *after = (each[cid] for each in logons)
        assert before < "2026-11-20T07:00:00" < after[0]
        assert len(set(after)) == 1


def test_everybody_is_in_the_air_from_off_to_on_exactly(quiet: Schedule) -> None:
    """To the second, where nobody does anything odd."""
    made = Network(quiet, behaviour=Behaviour.none(), start_s=START_S)
    order = np.argsort(quiet.flight_id)
    for time_s in sorted({*quiet.off_s.tolist(), *(quiet.on_s - 1).tolist(), *quiet.on_s.tolist()})[
        ::5
    ]:
        states = made.states(int(time_s))
        place = order[np.searchsorted(quiet.flight_id[order], states.member)]
        due = (quiet.off_s[place] <= time_s) & (quiet.on_s[place] > time_s)
        assert (states.airborne == due).all()
        in_air = (quiet.off_s <= time_s) & (quiet.on_s > time_s)
        assert int(states.airborne.sum()) == int(in_air.sum())
