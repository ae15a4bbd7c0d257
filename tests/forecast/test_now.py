from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecast.flown_past import START_S, airports, airspace, snapshots
from sectorwatch.forecast.now import filed_moment_s, situation_now
from sectorwatch.forecast.situation import UNKNOWN, Stage
from sectorwatch.traffic import Tracker

DAY_S = 86_400


@given(st.integers(0, 2**33), st.integers(0, 1_439))
def test_a_filed_minute_is_the_moment_nearest_to_its_receipt(received_s: int, minute: int) -> None:
    """At that minute of a day, never more than twelve hours away."""
    (moment,) = filed_moment_s(np.array([minute]), np.array([received_s])).tolist()
    assert moment % DAY_S == minute * 60
    assert abs(moment - received_s) <= DAY_S // 2


def test_what_was_not_filed_is_no_moment() -> None:
    """Neither a minute without a plan, nor a plan without a minute."""
    found = filed_moment_s(np.array([UNKNOWN, 5, 5]), np.array([100, UNKNOWN, DAY_S]))
    assert found.tolist() == [UNKNOWN, UNKNOWN, DAY_S + 300]


def test_the_present_is_in_order_and_without_who_has_landed() -> None:
    """Prefiles, then those waiting, then those in the air; each by number; places that exist."""
    tracker = Tracker(airspace(), airports())
    tick = None
    for feed in snapshots(range(START_S, START_S + 5_400, 300)):
        tick = tracker.advance(feed)
    assert tick is not None
    now = situation_now(tick, airspace(), airports())
    assert now.as_of_s == -(-tick.received_at_us // 1_000_000)
    assert now.complete
    assert (np.diff(now.stage) >= 0).all()
    for stage in Stage:
        numbers = now.flight_id[now.stage == stage]
        assert numbers.size
        assert (np.diff(numbers) > 0).all()
    ahead = now.stage == Stage.PREFILED
    assert np.isnan(now.latitude[ahead]).all()
    assert (now.position_s[ahead] == UNKNOWN).all()
    assert (now.departed_s[now.stage != Stage.AIRBORNE] == UNKNOWN).all()
    landed = {each.flight_id for each in tick.live.flights if each.arrived_s is not None}
    assert landed
    assert not landed & set(now.flight_id[now.stage == Stage.GROUND].tolist())
    np.testing.assert_array_equal(now.occupancy, tick.live.occupancy)
    known = now.origin[now.origin != UNKNOWN]
    assert {now.places.icao[at][0] for at in known.tolist()} == {"Y"}
    filed = now.filed_off_s != UNKNOWN
    assert filed.any()
    assert (np.abs(now.filed_off_s - now.plan_since_s)[filed] <= DAY_S // 2).all()
    later = situation_now(
        tick, airspace(), airports(), received_at_us=tick.received_at_us + 400_000_000
    )
    assert not later.complete


def test_a_member_online_under_another_callsign_is_marked() -> None:
    """A prefile of somebody who flies already is not counted twice."""
    tracker = Tracker(airspace(), airports())
    (feed,) = snapshots([START_S + 1_800])
    flying = feed.pilots[0]
    prefile = feed.prefiles[0]
    doubled = type(prefile)(flying.cid, "ANOTHER1", prefile.flight_plan, prefile.time_s)
    object.__setattr__(feed, "prefiles", [*feed.prefiles, doubled])
    tick = tracker.advance(feed)
    assert tick is not None
    now = situation_now(tick, airspace(), airports())
    marked = [now.callsign[at] for at in np.flatnonzero(now.online_elsewhere).tolist()]
    assert "ANOTHER1" in marked
    assert len(marked) < np.count_nonzero(now.stage == Stage.PREFILED)


def test_when_a_plan_was_received_outlives_a_restart() -> None:
    """And a state of before that was remembered is read all the same."""
    feeds = snapshots(range(START_S, START_S + 3_600, 300))
    tracker = Tracker(airspace(), airports())
    for feed in feeds[:-1]:
        tracker.advance(feed)
    again = Tracker.load(tracker.dump(), airspace(), airports())
    one, other = tracker.advance(feeds[-1]), again.advance(feeds[-1])
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.live.plan_since_s, other.live.plan_since_s)
    assert one.live.filed == other.live.filed
    assert (one.live.plan_since_s > START_S).any()
