"""Controllers come and go as real ones do, and work what the airspace's own lists give them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sectorwatch.airspace import Airspace, load_airspace
from sectorwatch.airspace.geodesy import distance_nm
from sectorwatch.airspace.model import DataSet
from sectorwatch.feed.compression import decompress
from sectorwatch.simulator import Behaviour, Network
from sectorwatch.simulator.channels import GUARD_KHZ, UNICOM_KHZ
from sectorwatch.simulator.control import ControlRoom
from sectorwatch.simulator.masts import MOST_MASTS
from simulator.flown import timetable

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.simulator.control import Staffing
    from sectorwatch.simulator.stations import Station

MONDAY_S = int(datetime(2025, 8, 4, tzinfo=UTC).timestamp())
HOUR_S = 3_600
# 19 o'clock in the east of Australia.
EVENING_S = MONDAY_S + 9 * HOUR_S


@dataclass(frozen=True)
class Online:
    """A controller as `Airspace.owners` wants to see one."""

    callsign: str
    frequency: str
    is_atc: bool


@pytest.fixture(scope="module")
def australia() -> Airspace:
    """The made airspace."""
    return load_airspace(["made:australia"])


@pytest.fixture(scope="module")
def room(australia: Airspace) -> ControlRoom:
    """Its control room."""
    return ControlRoom(australia, seed=7, stations=15.0)


def says(staffing: Staffing) -> list[tuple[Any, ...]]:
    """All that a feed would show of a staffing."""
    return [
        (
            each.callsign,
            each.frequency,
            each.facility,
            each.rating,
            each.cid,
            each.name,
            each.server,
            each.visual_range,
            each.logon_s,
            each.text_atis,
            each.atis_code,
            each.sectors,
            tuple(each.masts.latitude.tolist()),
        )
        for each in (*staffing.controllers, *staffing.atis)
    ]


def atc(staffing: Staffing) -> list[Station]:
    """Those who control."""
    return [each for each in staffing.controllers if each.facility]


@settings(max_examples=8)
@given(hours=st.lists(st.integers(0, 24 * 20), min_size=1, max_size=6))
def test_a_moment_is_staffed_alike_whatever_was_asked_before(
    australia: Airspace, room: ControlRoom, hours: list[int]
) -> None:
    """Staffing depends on seed and time alone: asked in any order, by any room, it is the same."""
    for hour in hours:
        room.at(MONDAY_S + hour * HOUR_S)
    last_s = MONDAY_S + hours[-1] * HOUR_S
    fresh = ControlRoom(australia, seed=7, stations=15.0)
    assert says(room.at(last_s)) == says(fresh.at(last_s))


def test_another_seed_is_another_staffing(australia: Airspace, room: ControlRoom) -> None:
    """Seeds differ."""
    other = ControlRoom(australia, seed=8, stations=15.0)
    assert says(room.at(EVENING_S)) != says(other.at(EVENING_S))


def test_nothing_changes_before_it_is_said_to(room: ControlRoom) -> None:
    """`until_s` is when who is online, or who works what, changes next, and no sooner."""
    other = ControlRoom(room.airspace, seed=7, stations=15.0)
    staffing = room.at(EVENING_S)
    for _ in range(40):
        other.at(EVENING_S - HOUR_S)  # So that it does not give what it gave before.
        last = other.at(staffing.until_s - 1)
        assert says(last) == says(staffing)
        staffing = room.at(staffing.until_s)


def test_nobody_is_online_twice(room: ControlRoom) -> None:
    """Callsigns and members are unique among controllers; an ATIS is its tower's or approach's."""
    for hour in range(24 * 7):
        staffing = room.at(MONDAY_S + hour * HOUR_S)
        callsigns = [each.callsign for each in (*staffing.controllers, *staffing.atis)]
        assert len(callsigns) == len(set(callsigns))
        members = [each.cid for each in staffing.controllers]
        assert len(members) == len(set(members))
        assert {each.cid for each in staffing.atis} <= set(members)


def test_as_many_are_online_as_were_asked_for_and_most_in_the_evening(room: ControlRoom) -> None:
    """The mean over two weeks is that asked for; evenings and weekends have the most."""
    online = np.array(
        [len(atc(room.at(MONDAY_S + hour * HOUR_S))) for hour in range(24 * 14)], dtype=np.float64
    ).reshape(2, 7, 24)
    assert 12.0 < online.mean() < 18.0
    evening, small_hours = online[:, :, 9:12].mean(), online[:, :, 17:20].mean()
    assert evening > 4 * small_hours
    assert online[:, 5:].mean() > 1.15 * online[:, :5].mean()


@pytest.mark.parametrize("spec", ["made:australia", "vatspy", "vatsys", "geojson"])
def test_a_sector_is_worked_by_the_first_of_its_own_list(
    spec: str, request: pytest.FixtureRequest
) -> None:
    """Who works a sector is who `Airspace.owners` says owns it, but for who has just come."""
    if spec != "made:australia":
        folder = request.getfixturevalue("real_data") / "airspace"
        spec = {
            "vatspy": f"vatspy:{folder / 'vatspy'}",
            "vatsys": f"vatsys:{folder / 'vatsys-australia'}",
            "geojson": f"geojson:{folder / 'perti-us' / 'artcc.json'}?name=ICAOCODE",
        }[spec]
    airspace = load_airspace([spec])
    room = ControlRoom(airspace, seed=3, stations=60.0)
    compared = 0
    for hour in (0, 9, 18, 130):
        time_s = MONDAY_S + hour * HOUR_S
        staffing = room.at(time_s)
        working = {int(index) for index in staffing.worked_by if index >= 0}
        workers = [each for index, each in enumerate(staffing.controllers) if index in working]
        owners = airspace.owners([Online(e.callsign, e.frequency, e.facility > 0) for e in workers])
        position = room.workers(staffing.worked_by >= 0)
        for owner, works in zip(owners, position.tolist(), strict=True):
            found = None if works < 0 else staffing.controllers[staffing.worked_by[works]].callsign
            assert found == (None if owner is None else workers[owner.controller].callsign)
            compared += found is not None
    assert compared > 20


def test_a_sector_without_a_list_is_worked_by_its_name(australia: Airspace) -> None:
    """Where nobody says who works a sector, a callsign is made of its name."""
    dataset = australia.datasets[0]
    bare = DataSet(
        "bare",
        "bare",
        tuple(
            replace(sector, dataset="bare", name=f"Süd {number}", positions=())
            for number, sector in enumerate(dataset.sectors)
            if sector.kind == "enroute"
        ),
    )
    room = ControlRoom(Airspace([bare]), seed=1, stations=8.0)
    assert "S-D-3_CTR" in room.positions.callsign
    worked = [each.sectors for each in room.at(EVENING_S).controllers if each.sectors]
    assert worked


def test_sectors_are_bandboxed_while_quiet_and_split_while_busy(room: ControlRoom) -> None:
    """One centre works several sectors; those that open beside it take theirs."""
    index = {sector.name: number for number, sector in enumerate(room.airspace.sectors)}
    centre = room.positions.callsign.index("YBBN_CTR")
    sydney = room.positions.callsign.index("YSSY_CTR")
    alone: set[bool] = set()
    split: set[bool] = set()
    for half in range(2 * 24 * 10):
        staffing = room.at(MONDAY_S + half * 1_800)
        if staffing.worked_by[centre] < 0:
            continue
        sectors = set(staffing.controllers[staffing.worked_by[centre]].sectors)
        (split if staffing.worked_by[sydney] >= 0 else alone).add(index["YSSY_CTR"] in sectors)
    assert alone == {True}
    assert split == {False}
    assert room.positions.parent[sydney] == centre


def test_positions_are_handed_over_between_members(room: ControlRoom) -> None:
    """Two members are online on one position for a while, and one of them works it."""
    together = 0
    callsigns: set[str] = set()
    for minute in range(0, 60 * 24 * 3, 6):
        staffing = room.at(MONDAY_S + minute * 60)
        by_position: dict[int, list[int]] = {}
        for number, each in enumerate(atc(staffing)):
            by_position.setdefault(each.position, []).append(number)
        for position, numbers in by_position.items():
            if len(numbers) > 1:
                together += 1
                callsigns.update(staffing.controllers[number].callsign for number in numbers)
                assert int(staffing.worked_by[position]) in {-1, *numbers}
    assert together > 10
    assert any("__" in callsign for callsign in callsigns)
    assert any("_R_" in callsign for callsign in callsigns)


def test_members_take_breaks(room: ControlRoom) -> None:
    """Some go and come back to the same position within 20 minutes, with another logon time."""
    last: dict[tuple[int, int], tuple[int, int]] = {}
    breaks = 0
    for minute in range(0, 60 * 24 * 4, 6):
        time_s = MONDAY_S + minute * 60
        for each in atc(room.at(time_s)):
            seen_s, logon_s = last.get((each.cid, each.position), (0, each.logon_s))
            if logon_s != each.logon_s and time_s - seen_s <= 1_800:
                breaks += 1
            last[each.cid, each.position] = time_s, each.logon_s
    assert breaks > 3


def test_some_fly_and_control_at_once() -> None:
    """A controller's number and name are then those of a pilot who is online as well."""
    made = Network(
        timetable(),
        load_airspace(["made:australia"]),
        start_s=EVENING_S,
        stations=40.0,
        behaviour=Behaviour.none(),
    )
    assert made.room is not None
    made.room.numbers = replace(made.room.numbers, also_pilot_share=0.5)
    found = 0
    for hour in range(3):
        feed = orjson.loads(made.feed(EVENING_S + hour * HOUR_S))
        pilots = {each["cid"]: each["name"] for each in feed["pilots"]}
        for each in feed["controllers"]:
            if each["cid"] in pilots and each["facility"]:
                assert each["name"] == pilots[each["cid"]]
                found += 1
    assert found >= 3


def test_all_kinds_of_people_are_there(room: ControlRoom) -> None:
    """Towers, grounds, ATIS, radio, observers, supervisors, students, texts that are null."""
    seen: set[str] = set()
    texts: set[int] = set()
    for hour in range(0, 24 * 40, 3):
        staffing = room.at(MONDAY_S + hour * HOUR_S)
        for each in (*staffing.controllers, *staffing.atis):
            seen.add(each.callsign.rsplit("_", 1)[-1])
            seen.update({"_T_"} if "_T_" in each.callsign else ())
            texts.add(-1 if each.text_atis is None else len(each.text_atis))
            if each.callsign.endswith(("_OBS", "_SUP")):
                assert each.facility == 0
                assert each.position == -1
    assert seen >= {"FSS", "DEL", "GND", "TWR", "APP", "CTR", "ATIS", "OBS", "SUP", "_T_"}
    assert texts >= {-1, 1, 2, 3, 4}


def test_neighbours_never_share_a_channel_and_distant_stations_may(real_data: Path) -> None:
    """Within 150 NM no two positions of a world's airspace are on one channel."""
    spec = f"vatspy:{real_data / 'airspace' / 'vatspy'}"
    positions = ControlRoom(load_airspace([spec]), seed=5).positions
    khz = positions.channel_khz
    assert not {UNICOM_KHZ, GUARD_KHZ} & set(khz.tolist())
    assert ((khz >= 118_000) & (khz < 137_000)).all()
    shared = 0
    for channel in np.unique(khz).tolist():
        users = np.flatnonzero(khz == channel)
        lat, lon = positions.latitude[users], positions.longitude[users]
        apart = distance_nm(lat[:, None], lon[:, None], lat[None], lon[None])
        np.fill_diagonal(apart, np.inf)
        assert apart.min() > 150.0
        shared += len(users) > 1
    assert shared > 100
    assert (khz % 25 == 0).mean() > 0.9
    assert (khz % 25 != 0).any()


def test_a_data_set_s_own_channels_are_kept(real_data: Path) -> None:
    """Where vatSys names a frequency, the position is on it."""
    spec = f"vatsys:{real_data / 'airspace' / 'vatsys-australia'}"
    airspace = load_airspace([spec])
    assert airspace.sectors[0].positions[0].frequency_mhz == "128.850"
    positions = ControlRoom(airspace, seed=5).positions
    assert positions.channel_khz[positions.callsign.index("ML-ASP_CTR")] == 128_850


def test_masts_stand_in_what_is_worked(room: ControlRoom) -> None:
    """A centre has several masts, at most 43, all of them in the sectors that it works."""
    most = 0
    for hour in range(24 * 3):
        for each in atc(room.at(MONDAY_S + hour * HOUR_S)):
            assert 1 <= len(each.masts) <= MOST_MASTS
            assert (each.masts.height_msl_m > 0).all()
            most = max(most, len(each.masts))
            if not each.sectors:
                continue
            area = shapely.union_all(
                [
                    volume.polygon
                    for sector in each.sectors
                    for volume in room.airspace.sectors[sector].volumes
                ]
            ).buffer(1e-6)
            assert shapely.contains_xy(area, each.masts.longitude, each.masts.latitude).all()
    assert most > 15


def test_sessions_are_as_old_as_real_ones(room: ControlRoom, real_data: Path) -> None:
    """How long controllers have been online agrees with the real feeds (KS below 0.10)."""
    real: list[float] = []
    hours: set[str] = set()
    for path in sorted((real_data / "feed").glob("*.json.gz")):
        feed = orjson.loads(decompress(path.read_bytes(), "gzip"))
        now = datetime.fromisoformat(feed["general"]["update_timestamp"][:19])
        if f"{now:%F %H}" in hours:
            continue  # Feeds of one hour have the same sessions.
        hours.add(f"{now:%F %H}")
        real += [
            (now - datetime.fromisoformat(each["logon_time"][:19])).total_seconds()
            for each in feed["controllers"]
            if each["facility"] > 0 and each["frequency"] != "199.998"
        ]
    made = [
        float(time_s - each.logon_s)
        for hour in range(0, 24 * 28, 3)
        for time_s in [MONDAY_S + hour * HOUR_S]
        for each in atc(room.at(time_s))
    ]
    assert min(len(real), len(made)) > 1_000
    both = np.sort(np.concatenate([real, made]))
    shares = [
        np.searchsorted(np.sort(each), both, side="right") / len(each) for each in (real, made)
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.10
