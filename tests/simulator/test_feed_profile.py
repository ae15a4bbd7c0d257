"""The measure of the simulator, on feeds made by hand whose answers are known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from distributions import Sample, ks_distance
from feed_profile import CLASSES, FIELDS, NO_CLASS, QUANTITIES, class_of, measure, snapshots_of
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.airspace.airports import Airports
from sectorwatch.feed.records import Kind, RawFeed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from feed_profile import Profile

NOON = "2026-11-01T12:00:00.0000000Z"
SYDNEY, MELBOURNE = (-33.946, 151.177), (-37.673, 144.843)
MELBOURNE_CLASS = CLASSES.index("150 to 400")
PLAN = {
    "flight_rules": "I", "aircraft": "B738/M-SDE2FGHIRWXY/LB1", "departure": "YSSY",
    "arrival": "YMML", "alternate": "YMAV", "cruise_tas": "447", "altitude": "36000",
    "deptime": "1145", "enroute_time": "0110", "fuel_time": "0300", "remarks": "PBN/A1B1",
    "route": "WOL H65 RAZZI Q29 ML",
}  # fmt: skip


class _Feeds:
    """Feeds made by hand, as a source."""

    name, is_live, is_simulated = "made by hand", False, True

    def __init__(self, feeds: Sequence[dict[str, Any]]) -> None:
        self.feeds = feeds

    def __iter__(self) -> Iterator[RawFeed]:
        yield RawFeed(Kind.TRANSCEIVERS, b"[]", 0)
        for feed in self.feeds:
            yield RawFeed(Kind.FEED, json.dumps(feed).encode(), 1_793_534_400_000_000)

    def now_us(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing to close."""


def feed(
    pilots: Sequence[dict[str, Any]], prefiles: Sequence[dict[str, Any]] = (), time: str = NOON
) -> dict[str, Any]:
    """A data feed."""
    general = {"version": 3, "update_timestamp": time, "connected_clients": 0, "unique_users": 0}
    return {
        "general": general,
        "pilots": pilots,
        "prefiles": prefiles,
        "controllers": [],
        "atis": [],
    }


def pilot(cid: int, at: tuple[float, float], **more: Any) -> dict[str, Any]:
    """A pilot with a plan from Sydney to Melbourne, 381 NM."""
    return {
        "cid": cid, "name": "", "callsign": f"QFA{cid}", "server": "X", "pilot_rating": 0,
        "military_rating": 0, "latitude": at[0], "longitude": at[1], "altitude": 100,
        "groundspeed": 0, "transponder": "2000", "heading": 10, "qnh_i_hg": 29.92, "qnh_mb": 1013,
        "flight_plan": PLAN, "logon_time": NOON, "last_updated": NOON,
    } | more  # fmt: skip


def prefile(cid: int, **plan: Any) -> dict[str, Any]:
    """A prefile for the same."""
    return {
        "cid": cid,
        "name": "",
        "callsign": f"QFA{cid}",
        "flight_plan": PLAN | plan,
        "last_updated": NOON,
    }


@pytest.fixture(scope="module")
def airports() -> Airports:
    """All airports known."""
    return Airports.load()


def profile(airports: Airports, *feeds: dict[str, Any]) -> Profile:
    """What is measured of these feeds."""
    return measure(snapshots_of(_Feeds(feeds)), airports)


def test_a_stage_of_flight_is_told_from_one_feed(airports: Airports) -> None:
    """Each stage, a paused flight in the air and one without a plan, which are in none."""
    near_sydney, near_melbourne, half_way = (-34.4, 150.7), (-37.2, 145.3), (-35.9, 148.1)
    pilots = [
        pilot(1, SYDNEY),
        pilot(2, near_sydney, altitude=12_000, groundspeed=320),
        pilot(3, half_way, altitude=36_010, groundspeed=450),
        pilot(4, near_melbourne, altitude=9_000, groundspeed=280),
        pilot(5, MELBOURNE, altitude=430, groundspeed=12),
        pilot(6, half_way, altitude=2_000, groundspeed=0),
        pilot(7, SYDNEY, flight_plan=None),
    ]
    measured = profile(airports, feed(pilots))
    assert measured.stage.tolist() == [0, 1, 2, 3, 4, -1, -1]
    assert measured.airborne.tolist() == [False, True, True, True, False, False, False]
    assert measured.distance_class.tolist() == [MELBOURNE_CLASS] * 6 + [NO_CLASS]
    assert sorted(measured.sample("stage", MELBOURNE_CLASS).values) == [0, 1, 2, 3, 4]
    assert sorted(measured.sample("altitude", MELBOURNE_CLASS).values) == [9_000, 12_000, 36_010]
    assert sorted(measured.sample("groundspeed", MELBOURNE_CLASS).values) == [280, 320, 450]


def test_far_from_both_airports_a_low_cruise_is_a_cruise(airports: Airports) -> None:
    """No climb is 200 NM long, whatever level was filed."""
    plan = PLAN | {"arrival": "YPPH"}
    low = pilot(1, (-32.0, 134.0), altitude=24_000, groundspeed=400, flight_plan=plan)
    assert profile(airports, feed([low])).stage.tolist() == [2]


def test_completeness_counts_the_fields_that_are_there_and_can_be_read(airports: Airports) -> None:
    """An altitude `VFR` and a time 7000 say nothing, zero fuel is none."""
    plans = [
        PLAN,
        PLAN | {"altitude": "VFR", "deptime": "7000"},
        PLAN | {"alternate": "", "remarks": "", "fuel_time": "0000", "enroute_time": "0000"},
    ]
    pilots = [pilot(n, SYDNEY, flight_plan=plan) for n, plan in enumerate(plans, 1)]
    measured = profile(airports, feed(pilots))
    assert measured.sample("completeness", MELBOURNE_CLASS).values.tolist() == [12, 10, 8]
    missing = [
        name for place, name in enumerate(FIELDS) if not measured.filed.present[2] >> place & 1
    ]
    assert missing == ["altitude", "deptime"]  # plan 0 is none at all


def test_lead_and_overdue_are_minutes_across_midnight(airports: Airports) -> None:
    """A plan has a time and no date: the nearest is meant."""
    early = feed(
        [pilot(1, SYDNEY, flight_plan=PLAN | {"deptime": "2340"})],
        [prefile(2, deptime="0025"), prefile(3, deptime="2350")],
        time="2026-11-01T00:10:00Z",
    )
    measured = profile(airports, early)
    assert measured.sample("overdue", MELBOURNE_CLASS).values.tolist() == [30]
    assert sorted(measured.sample("prefile_lead", MELBOURNE_CLASS).values) == [-20, 15]


def test_a_prefile_of_somebody_online_is_told_apart(airports: Airports) -> None:
    """It was left behind, and says nothing of lead times."""
    measured = profile(airports, feed([pilot(1, SYDNEY)], [prefile(1), prefile(2)]))
    assert measured.prefile_is_ghost.tolist() == [True, False]
    assert len(measured.sample("prefile_lead", MELBOURNE_CLASS).values) == 1


def test_a_flight_weighs_one_in_a_half_hour_however_many_feeds_fall_into_it(
    airports: Airports,
) -> None:
    """Feeds seconds apart are no further evidence."""
    times = (
        "2026-11-01T12:00:00Z",
        "2026-11-01T12:00:15Z",
        "2026-11-01T12:10:00Z",
        "2026-11-01T12:30:00Z",
    )
    feeds = [
        feed([pilot(1, SYDNEY)] + [pilot(2, MELBOURNE)] * (n == 3), time=t)
        for n, t in enumerate(times)
    ]
    sample = profile(airports, *feeds).sample("stage", MELBOURNE_CLASS)
    assert sample.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1, 1])
    assert sample.share(0, 1) == pytest.approx(2 / 3)


def test_a_departure_that_is_the_arrival_or_unknown_is_in_no_class(airports: Airports) -> None:
    """There is no distance to put them into one."""
    plans = [PLAN | {"arrival": code} for code in ("YSSY", "ZZZZ", "")]
    pilots = [pilot(n, SYDNEY, flight_plan=plan) for n, plan in enumerate(plans, 1)]
    assert profile(airports, feed(pilots)).distance_class.tolist() == [NO_CLASS] * 3


def test_nothing_at_all_is_measured_as_nothing(airports: Airports) -> None:
    """No feeds: empty samples, no failure."""
    measured = profile(airports)
    for quantity in QUANTITIES:
        assert not len(measured.sample(quantity, 0).values)
    with pytest.raises(ValueError, match="no quantity"):
        measured.sample("colour", 0)


def test_classes_begin_at_their_edge() -> None:
    """150 NM is of 150 to 400."""
    assert class_of(np.array([149.9, 150.0, 3_000.0, np.nan])).tolist() == [0, 1, 5, NO_CLASS]


def test_quantiles_are_values_that_were_measured() -> None:
    """Nothing between two values is made up."""
    sample = Sample(np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0]))
    assert sample.quantiles([0, 0.5, 0.51, 0.75, 1]) == [1, 1, 2, 2, 3]


_SAMPLES = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(1, 5)), min_size=1, max_size=30
).map(lambda rows: Sample(*np.array(rows, dtype=np.float64).T))


@given(_SAMPLES, _SAMPLES)
def test_the_distance_is_that_of_the_samples_repeated_by_their_weights(
    one: Sample, other: Sample
) -> None:
    """Against the definition itself: the shares up to every whole number, counted."""
    repeated = [np.repeat(each.values, each.weights.astype(int)) for each in (one, other)]
    apart = max(
        abs(np.mean(repeated[0] <= at) - np.mean(repeated[1] <= at)) for at in range(-50, 51)
    )
    assert ks_distance(one, other) == pytest.approx(apart)
    assert ks_distance(one, other) == pytest.approx(ks_distance(other, one))


def test_an_empty_sample_has_no_distance() -> None:
    """It would pass any bound."""
    empty = Sample(np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="no distance"):
        ks_distance(empty, Sample(np.ones(1), np.ones(1)))
