"""A flown history, looked at as if plans had been known at other times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.flown_past import START_S, airports, airspace
from sectorwatch.forecast.backtest.visibility import (
    NETWORK_SHARES,
    as_on_network,
    filed_before,
    visible_shares,
)
from sectorwatch.forecast.history import History
from sectorwatch.forecast.situation import Stage

if TYPE_CHECKING:
    from forecast.flown_past import Flown
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.store import Store

HOUR_S = 3_600
MOMENTS = range(START_S + HOUR_S, START_S + 5 * HOUR_S, 1_800)


@pytest.fixture(scope="module")
def flown(six_hours: tuple[Store, Flown]) -> History:
    """Six hours of made traffic."""
    store, _ = six_hours
    return History.load(store, airspace(), airports(), START_S, START_S + 6 * HOUR_S)


def people(situation: Situation, *stages: Stage) -> set[tuple[int, str]]:
    """Members and callsigns at these stages."""
    return {
        (cid, callsign)
        for cid, callsign, stage in zip(
            situation.cid.tolist(), situation.callsign, situation.stage.tolist(), strict=True
        )
        if stage in stages
    }


def test_visible_is_who_was_known_an_hour_before(flown: History) -> None:
    """The share by arithmetic is that counted in situations an hour apart."""
    known = airborne = 0
    for moment_s in range(START_S, START_S + 5 * HOUR_S + 1, 600):
        then = people(flown.situation(moment_s + HOUR_S), Stage.AIRBORNE)
        now = people(flown.situation(moment_s), *Stage)
        known, airborne = known + len(then & now), airborne + len(then)
    assert visible_shares(flown)[0] == pytest.approx(known / airborne, abs=0.08)


def test_a_plan_is_a_prefile_from_so_long_before_its_time(flown: History) -> None:
    """90 min before: more is known, of each flight once, and what flies is untouched."""
    early = filed_before(flown, 5_400)
    for moment_s in MOMENTS:
        before, after = flown.situation(moment_s), early.situation(moment_s)
        online = (Stage.GROUND, Stage.AIRBORNE)
        assert people(after, *online) == people(before, *online)
        assert not people(after, Stage.PREFILED) & people(after, *online)
        assert len(set(after.flight_id.tolist())) == len(after)
        made = ~np.isin(after.flight_id, before.flight_id) & (after.stage == Stage.PREFILED)
        assert made.any()
        assert (after.filed_off_s[made] - moment_s <= 5_400).all()
    assert visible_shares(early)[1] > visible_shares(flown)[1]
    assert visible_shares(filed_before(flown, 7_200))[1] > visible_shares(early)[1]


def test_as_long_ahead_as_on_the_network(flown: History) -> None:
    """The shares asked for come about, by hiding those who were early and filing for the late."""
    network, leads = as_on_network(flown, shares=(0.8, 0.6, 0.4))
    assert leads.shares == pytest.approx((0.8, 0.6, 0.4), abs=0.05)
    hidden = known = 0
    for moment_s in MOMENTS:
        before, after = flown.situation(moment_s), network.situation(moment_s)
        assert people(after, Stage.AIRBORNE) == people(before, Stage.AIRBORNE)
        assert people(after, Stage.GROUND) <= people(before, Stage.GROUND)
        assert (after.first_seen_s <= moment_s).all()
        hidden += len(people(before, Stage.GROUND) - people(after, Stage.GROUND))
        known += len(people(after, Stage.PREFILED) - people(before, Stage.PREFILED))
    assert hidden > 0
    assert known > 0
    again, same = as_on_network(flown, shares=(0.8, 0.6, 0.4))
    assert same == leads
    assert people(again.situation(MOMENTS[3]), *Stage) == people(
        network.situation(MOMENTS[3]), *Stage
    )
    other, _ = as_on_network(flown, shares=(0.8, 0.6, 0.4), seed=2)
    assert people(other.situation(MOMENTS[3]), *Stage) != people(
        network.situation(MOMENTS[3]), *Stage
    )
    assert flown.hidden_until_s is None


def test_the_shares_of_the_network_are_those_of_the_targets() -> None:
    """Measured on the network's own feeds."""
    assert NETWORK_SHARES == (0.71, 0.40, 0.18)
