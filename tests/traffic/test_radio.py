"""Who can hear whom, against distances and reaches worked out by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace.geodesy import EARTH_RADIUS_NM
from sectorwatch.feed.records import Transceiver
from sectorwatch.feed.transceivers import channel_khz, channels_khz
from sectorwatch.traffic import radio
from sectorwatch.traffic.radio import Radios, pairs_in_range

if TYPE_CHECKING:
    from collections.abc import Sequence

NM_PER_DEGREE = EARTH_RADIUS_NM * math.pi / 180
FT = 0.3048
Owned = list[tuple[int, "Sequence[Transceiver]"]]


def at(nm: float, height_ft: float, hz: int = 120_500_000) -> Transceiver:
    """A radio on the equator, so many miles east of Greenwich."""
    return Transceiver(0, hz, 0.0, nm / NM_PER_DEGREE, height_ft * FT, 0.0)


def heard(pilots: Owned, masts: Owned) -> list[tuple[int, int, int]]:
    """The pairs that hear each other."""
    found = pairs_in_range(Radios.of(pilots), Radios.of(masts))
    assert found is not None
    return list(zip(*(each.tolist() for each in found), strict=True))


@pytest.mark.parametrize(
    ("height_ft", "mast_ft", "limit_nm"),
    [
        # 1.25 (sqrt 10,000 + sqrt 100), 1.25 (sqrt 36,100 + sqrt 400), and nothing below the sea.
        (10_000, 100, 137.5),
        (36_100, 400, 262.5),
        (10_000, 0, 125.0),
        (10_000, -300, 125.0),
        (0, 6_400, 100.0),
    ],
)
def test_the_line_of_sight_has_a_limit(height_ft: float, mast_ft: float, limit_nm: float) -> None:
    """A twentieth of a mile nearer they hear each other, as much further they do not."""
    mast = at(0.0, mast_ft)
    assert heard([(7, [at(limit_nm - 0.05, height_ft)])], [(3, [mast])]) == [(7, 3, 120_500)]
    assert heard([(7, [at(limit_nm + 0.05, height_ft)])], [(3, [mast])]) == []


def test_short_waves_go_beyond_the_horizon() -> None:
    """Over the ocean on HF: a hop of 4,000 km, whatever the heights."""
    mast = at(0.0, 100, 6_547_000)
    assert heard([(0, [at(2_159, 0, 6_547_000)])], [(0, [mast])])
    assert not heard([(0, [at(2_161, 40_000, 6_547_000)])], [(0, [mast])])


def test_it_is_as_far_across_the_antimeridian() -> None:
    """And over a pole: the great circle counts."""
    east = Transceiver(0, 120_500_000, 0.0, 179.5, 10_000 * FT, 0.0)
    west = Transceiver(0, 120_500_000, 0.0, -179.5, 0.0, 0.0)
    assert heard([(0, [east])], [(0, [west])])
    here, there = (
        Transceiver(0, 120_500_000, 89.5, longitude, 10_000 * FT, 0.0) for longitude in (0.0, 180.0)
    )
    assert heard([(0, [here])], [(0, [there])])


@pytest.mark.parametrize(
    ("pilot_hz", "mast_hz", "are_one"),
    [
        (120_500_010, 120_500_000, True),
        (118_020_000, 118_025_000, True),
        (132_008_333, 132_010_000, True),
        (118_015_000, 118_025_000, False),
        (132_005_000, 132_000_000, False),
        (120_500_000, 120_525_000, False),
        (199_998_000, 199_998_000, False),
        (122_800_002, 122_800_000, False),
        (121_500_000, 121_500_000, False),
    ],
)
def test_channels_are_compared_by_name(pilot_hz: int, mast_hz: int, are_one: bool) -> None:
    """Carriers of one channel are one; the untuned, UNICOM and the emergency channel are none."""
    found = heard([(0, [at(0, 5_000, pilot_hz)])], [(0, [at(0, 100, mast_hz)])])
    assert bool(found) == are_one


def test_many_radios_and_masts_make_one_pair() -> None:
    """Two radios on two channels, five masts on each: heard once, on the lower one."""
    pilot = [at(1, 5_000, 130_900_000), at(1, 5_000, 120_500_000), at(1, 5_000, 120_500_000)]
    masts = [at(nm, 100, hz) for nm in range(5) for hz in (130_900_000, 120_500_000)]
    assert heard([(4, pilot)], [(9, masts)]) == [(4, 9, 120_500)]


def test_each_pilot_hears_all_on_his_channels() -> None:
    """Pairs come by pilot, then by controller; who is out of range of every mast is in none."""
    masts: Owned = [(1, [at(0, 100), at(0, 100, 130_900_000)]), (0, [at(500, 100)])]
    pilots: Owned = [
        (5, [at(510, 5_000)]),
        (2, [at(10, 5_000)]),
        (3, [at(250, 1_000)]),
        (4, [at(10, 5_000, 130_900_000)]),
        (6, []),
    ]
    assert heard(pilots, masts) == [(2, 1, 120_500), (4, 1, 130_900), (5, 0, 120_500)]


def test_more_radios_on_a_channel_than_can_be_meant_are_not_paired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A feed made to cost hours says nothing instead."""
    monkeypatch.setattr(radio, "_MOST_PAIRS", 99)
    many = Radios.of([(number, [at(0, 100)]) for number in range(10)])
    assert pairs_in_range(many, many) is None


places = st.builds(
    lambda latitude, longitude, height_m, hz: Transceiver(
        0, hz, latitude, longitude, height_m, 0.0
    ),
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.sampled_from([-10.0, 0.0, 30.0, 1_000.0, 11_000.0]),
    st.sampled_from([120_500_000, 120_500_010, 130_900_000]),
)
owned = st.lists(st.tuples(st.integers(0, 4), st.lists(places, max_size=3)), max_size=5)


@given(owned, owned)
def test_pairs_are_those_of_a_plain_search(pilots: Owned, masts: Owned) -> None:
    """Each radio against each mast, one by one; in whatever order the stations come."""
    wanted: dict[tuple[int, int], int] = {}
    for pilot, radios in pilots:
        for mast, others in masts:
            for one in radios:
                for other in others:
                    channel = channel_khz(one.frequency_hz)
                    assert channel is not None
                    if channel == channel_khz(other.frequency_hz) and _near(one, other):
                        wanted[pilot, mast] = min(wanted.get((pilot, mast), channel), channel)
    expected = sorted((*pair, channel) for pair, channel in wanted.items())
    assert heard(pilots, masts) == heard(pilots[::-1], masts[::-1]) == expected


def _near(one: Transceiver, other: Transceiver) -> bool:
    a, b = (
        np.array(
            [
                math.cos(math.radians(each.latitude)) * math.cos(math.radians(each.longitude)),
                math.cos(math.radians(each.latitude)) * math.sin(math.radians(each.longitude)),
                math.sin(math.radians(each.latitude)),
            ]
        )
        for each in (one, other)
    )
    nm = EARTH_RADIUS_NM * 2 * math.asin(min(1.0, float(np.linalg.norm(a - b)) / 2))
    reach = sum(1.25 * math.sqrt(max(0.0, each.height_msl_m) / FT) for each in (one, other))
    return nm <= reach


@given(st.lists(st.integers(0, 1_000_000_000)))
def test_channels_of_many_are_those_of_each(frequencies_hz: list[int]) -> None:
    """At once or one by one, a carrier is on the same channel."""
    one_by_one = [channel_khz(hz) for hz in frequencies_hz]
    at_once = channels_khz(np.array(frequencies_hz, np.int64)).tolist()
    assert at_once == [-1 if channel is None else channel for channel in one_by_one]
