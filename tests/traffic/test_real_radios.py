"""A real transceivers feed: who hears whom, without the data feed of that moment, which is lost."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sectorwatch.feed.transceivers import channel_khz, decode_transceivers
from sectorwatch.traffic.radio import COMMON_CHANNELS_KHZ, Radios, pairs_in_range

if TYPE_CHECKING:
    from pathlib import Path

    from sectorwatch.feed.records import Station

pytestmark = pytest.mark.real_data

CONTROLLER = re.compile(r"_(DEL|GND|TWR|APP|DEP|CTR|FSS)$")
OTHER = re.compile(r"_(ATIS|OBS|SUP)$")


@pytest.fixture(scope="module")
def stations(real_data: Path) -> list[Station]:
    """Everybody's radios on 21 April 2021."""
    (path,) = (real_data / "transceivers").glob("*.json")
    return list(decode_transceivers(path.read_bytes(), 0, 0).stations)


@pytest.fixture(scope="module")
def heard(stations: list[Station]) -> set[tuple[str, str, int]]:
    """Who is in contact with whom, on which channel; by their callsigns who they are."""
    pilots = [s for s in stations if not CONTROLLER.search(s.callsign)]
    pilots = [s for s in pilots if not OTHER.search(s.callsign)]
    masts = [s for s in stations if CONTROLLER.search(s.callsign)]
    found = pairs_in_range(
        Radios.of((number, each.transceivers) for number, each in enumerate(pilots)),
        Radios.of((number, each.transceivers) for number, each in enumerate(masts)),
    )
    assert found is not None
    rows = zip(*(each.tolist() for each in found), strict=True)
    return {(pilots[one].callsign, masts[other].callsign, khz) for one, other, khz in rows}


def test_a_real_network_is_in_contact_here_and_there(heard: set[tuple[str, str, int]]) -> None:
    """62 controllers' stations with 120 pilots or more, each pair once, few pilots with two."""
    by_pilot = Counter(pilot for pilot, _, _ in heard)
    assert 115 <= len(by_pilot) <= 140
    assert sum(count > 1 for count in by_pilot.values()) < 25
    assert len({station for _, station, _ in heard}) >= 40


def test_both_really_are_on_the_channel(
    stations: list[Station], heard: set[tuple[str, str, int]]
) -> None:
    """And it is nobody's common one."""
    tuned = {
        each.callsign: {channel_khz(radio.frequency_hz) for radio in each.transceivers}
        for each in stations
    }
    for pilot, station, khz in heard:
        assert khz in tuned[pilot] & tuned[station]
        assert khz not in COMMON_CHANNELS_KHZ


def test_a_ground_controller_hears_his_own_airport_alone(
    stations: list[Station], heard: set[tuple[str, str, int]]
) -> None:
    """Several towers and grounds share a channel; the horizon keeps them apart."""
    shared = Counter(
        khz
        for each in stations
        if each.callsign.endswith(("_GND", "_DEL"))
        for khz in {channel_khz(radio.frequency_hz) for radio in each.transceivers}
    )
    assert any(count > 1 for count in shared.values())
    where = {each.callsign: each.transceivers for each in stations}
    for pilot, station, _ in heard:
        if station.endswith(("_GND", "_DEL")) and where[pilot][0].height_agl_m < 10:
            near = min(abs(m.latitude - where[pilot][0].latitude) for m in where[station])
            assert near < 0.6, (pilot, station)


def test_the_ocean_is_worked_on_short_waves(heard: set[tuple[str, str, int]]) -> None:
    """Shanwick on 6,547 kHz has flights far beyond any horizon."""
    assert sum(khz == 6_547 for _, station, khz in heard if station == "EGGX_FSS") == 8
