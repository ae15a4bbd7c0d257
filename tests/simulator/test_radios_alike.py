"""The made transceivers feed beside the real one: the same shares of the same oddities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sectorwatch.airspace import load_airspace
from sectorwatch.simulator import MadeTimetable, Network

if TYPE_CHECKING:
    from pathlib import Path

# Wednesday, 2026-11-18, half past three: an hour before the hour that the real feed is of.
START_S = 1_794_960_000 + 15 * 3_600 + 1_800
CONTROL = ("CTR", "FSS", "APP", "DEP", "TWR", "GND", "DEL")


def shares(feed: list[dict[str, Any]]) -> dict[str, float]:
    """What share of the pilots has which radios."""
    stations = [each for each in feed if each["callsign"].rpartition("_")[2] in CONTROL]
    pilots = [each["transceivers"] for each in feed if "_" not in each["callsign"]]
    worked = {
        round(radio["frequency"] / 1e3) for each in stations for radio in each["transceivers"]
    }
    khz = [{round(radio["frequency"] / 1e3) for radio in radios} for radios in pilots]
    columns = {
        "none": [not radios for radios in pilots],
        "two": [len(radios) == 2 for radios in pilots],
        "unicom": [122_800 in each for each in khz],
        "guard": [121_500 in each for each in khz],
        "a station's": [bool(each & worked) for each in khz],
    }
    return {name: sum(column) / len(pilots) for name, column in columns.items()}


def test_pilots_are_tuned_as_real_ones_are(real_data: Path) -> None:
    """UNICOM, guard, a controller's channel, two radios, none: each share within 0.08.

    Radios' own shares come from that feed. Who is on a station's channel follows from how many
    controllers are online, where, and whom they work; that is fitted to nothing.
    """
    [path] = sorted((real_data / "transceivers").glob("*.json"))
    real = shares(orjson.loads(path.read_bytes()))
    network = Network(
        MadeTimetable("world", seed=1, peak_airborne=900),
        load_airspace([f"vatspy:{real_data / 'airspace' / 'vatspy'}"]),
        seed=1,
        start_s=START_S,
        keep_truth=False,
    )
    for time_s in range(START_S, START_S + 3_600, 300):
        radios = network.transceivers(time_s)
    made = shares(orjson.loads(radios))
    assert made == pytest.approx(real, abs=0.08)
