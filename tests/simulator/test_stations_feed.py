from __future__ import annotations

from functools import lru_cache

import orjson

from sectorwatch.airspace import Airspace, load_airspace
from sectorwatch.feed.transceivers import decode_transceivers
from sectorwatch.simulator import Network
from simulator.flown import START_S, snapshot_of, timetable


@lru_cache(maxsize=1)
def _airspace() -> Airspace:
    return load_airspace(["made:australia"])


def _network(start_s: int) -> Network:
    return Network(timetable(), _airspace(), seed=1, start_s=start_s, stations=8.0)


def test_controllers_and_their_texts_come_through_the_real_decoder() -> None:
    """Somebody controls in the evening, with an ATIS or two, and no record is dropped."""
    made = _network(START_S)
    snapshots = [snapshot_of(made.feed(START_S + hour * 3_600)) for hour in range(5)]
    assert all(snapshot.dropped == {} for snapshot in snapshots)
    assert max(sum(each.is_atc for each in snapshot.controllers) for snapshot in snapshots) >= 3
    assert any(snapshot.atis for snapshot in snapshots)
    for snapshot in snapshots:
        clients = len(snapshot.pilots) + len(snapshot.controllers) + len(snapshot.atis)
        assert snapshot.connected_clients == clients


def test_transceivers_are_those_of_pilots_online_and_of_controllers_with_masts() -> None:
    """Nobody has a radio who is not in the data feed; some pilots have none."""
    made = _network(START_S)
    for step in range(4):
        time_s = START_S + step * 60
        feed = orjson.loads(made.feed(time_s))
        raw = made.transceivers(time_s)
        snapshot = decode_transceivers(raw, time_s * 1_000_000, time_s * 1_000_000)
        assert snapshot.dropped == {}
        online = {
            each["callsign"] for name in ("pilots", "controllers", "atis") for each in feed[name]
        }
        heard = {station.callsign for station in snapshot.stations}
        assert heard <= online
        assert len(heard) > 0.5 * len(online)


def test_controllers_are_the_same_whenever_the_network_began() -> None:
    """Who is online, on which frequency, since when, with which text."""
    earlier, later = _network(START_S - 7_200), _network(START_S)
    for time_s in range(START_S - 7_200, START_S, 1_800):
        earlier.feed(time_s)
    for time_s in (START_S, START_S + 45, START_S + 3_600):
        one, other = (orjson.loads(each.feed(time_s)) for each in (earlier, later))
        for name in ("controllers", "atis"):
            one[name], other[name] = (
                sorted(each[name], key=lambda record: record["callsign"]) for each in (one, other)
            )
            assert one[name] == other[name]
        assert one["general"] == other["general"]


def test_contacts_are_staged_between_pilots_and_stations_that_were_there() -> None:
    """The truth names callsigns of the feeds, and its intervals have a length."""
    made = _network(START_S)
    callsigns: set[str] = set()
    for step in range(0, 3_600, 60):
        time_s = START_S + step
        feed = orjson.loads(made.feed(time_s))
        made.transceivers(time_s)
        callsigns |= {each["callsign"] for name in ("pilots", "controllers") for each in feed[name]}
    contacts = made.truth_until(START_S + 3_540)
    assert contacts
    assert all(each.start_s <= each.end_s for each in contacts)
    assert {each.pilot for each in contacts} | {each.station for each in contacts} <= callsigns
