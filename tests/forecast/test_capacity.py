"""How many aircraft a sector takes: configured, learned, or not known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from shapely.geometry import box

from made_ticks import START_S, demand, tick
from sectorwatch.airspace.model import Sector, Volume
from sectorwatch.forecast.capacity import CapacityBook, CapacityRule, learned_capacity
from sectorwatch.forecast.staffing import DAY_S, StaffedDay
from sectorwatch.traffic.tick import Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from sectorwatch.store import DataDirectory, Store

SECTORS = [
    Sector("made", "enroute", name, name, (Volume(box(0, 0, 1, 1)),))
    for name in ("ONE_CTR", "TWO_CTR", "SIX_CTR")
]
DAY = 19_700 * DAY_S


def test_it_is_what_was_exceeded_in_a_twentieth_of_the_staffed_time() -> None:
    """By minutes, and only of quarters staffed for most of them."""
    load = np.concatenate([np.full(95, 4.0), np.full(5, 9.0), np.full(50, 30.0)])[None]
    staffed = np.concatenate([np.full(100, 15), np.full(50, 9)])[None]
    found = learned_capacity(load, staffed, np.zeros(150))
    assert found.value[0] == 4.0
    assert found.staffed_h[0] == 25.0
    busier = learned_capacity(load, staffed, np.zeros(150), 0.96)
    assert busier.value[0] == 9.0


def test_what_was_weeks_ago_counts_less() -> None:
    """28 days make half of it."""
    load = np.concatenate([np.full(80, 4.0), np.full(20, 9.0)])[None]
    staffed = np.full((1, 100), 15)
    old = learned_capacity(load, staffed, np.where(np.arange(100) < 80, 0.0, 112.0), 0.9)
    assert learned_capacity(load, staffed, np.zeros(100), 0.9).value[0] == 9.0
    assert old.value[0] == 4.0


def test_the_interval_holds_the_true_quantile_about_as_often_as_it_says() -> None:
    """Of independent looks an hour long, four in five, and a little more at few looks."""
    chance = np.random.default_rng(3)
    hours = chance.gamma(6.0, 1.0, (400, 120))
    load = np.repeat(hours, 4, axis=1)
    found = learned_capacity(load, np.full(load.shape, 15), np.zeros(load.shape[1]))
    true = np.quantile(chance.gamma(6.0, 1.0, 1_000_000), 0.95)
    held = ((found.low <= true) & (true <= found.high)).mean()
    assert 0.74 <= held <= 0.92


def test_nothing_is_learned_of_nothing() -> None:
    """Never staffed, or no day known at all: no number, and zero hours."""
    never = learned_capacity(np.full((2, 96), np.nan), np.zeros((2, 96)), np.zeros(96))
    empty = learned_capacity(np.empty((2, 0)), np.empty((2, 0)), np.empty(0))
    for found in (never, empty):
        assert np.isnan(found.value).all()
        assert found.staffed_h.tolist() == [0, 0]


def staffed(day_s: int, loads: tuple[float, ...], minutes: tuple[int, ...]) -> StaffedDay:
    """A day on which each sector had a load and an owner for some minutes of each quarter."""
    shape = np.ones((1, 96))
    return StaffedDay(
        day_s,
        (np.array(minutes)[:, None] * shape).astype(np.uint8),
        (np.array(loads)[:, None] * shape).astype(np.float16),
        np.full(96, 15, np.uint8),
    )


def test_a_configured_capacity_goes_before_a_learned_one() -> None:
    """And each says in words where it comes from, or why there is none."""
    sectors = [replace(SECTORS[0], capacity=8), *SECTORS[1:]]
    book = CapacityBook(sectors, CapacityRule(least_staffed_h=24))
    assert book.now.source == ["configured", None, None]
    assert "0 h" in book.now.words[1]
    book.days.add(staffed(DAY, (20.0, 6.5, 2.0), (15, 15, 15)))
    book.days.add(staffed(DAY + DAY_S, (20.0, 6.5, 2.0), (15, 15, 15)))
    now = book._work_out(DAY + 2 * DAY_S)
    assert now.source == ["configured", "learned", None]
    assert now.capacity(sectors[0].sector_id) == (8.0, "configured")
    assert now.capacity(sectors[1].sector_id) == (6.5, "learned")
    assert now.capacity(sectors[2].sector_id) == now.capacity(1) == (None, None)
    assert "learned" in now.words[1]
    assert "too quiet" in now.words[2]


def test_p_over_is_known_where_a_capacity_is() -> None:
    """Bin by bin."""
    book = CapacityBook([replace(SECTORS[0], capacity=8), SECTORS[1]])
    quantiles = np.tile(np.array([6.0, 7.0, 8.0, 9.0, 10.0]), (2, 17, 1))
    p = book.now.p_over(quantiles, np.zeros((2, 17)))
    assert p[0] == pytest.approx(np.full(17, 0.5))
    assert np.isnan(p[1]).all()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two days: ONE_CTR with an owner and five inside in the first one, nobody in the second."""
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as opened:
        one = SECTORS[0].sector_id
        for seq in range(1, 2 * 24 + 4):
            now = START_S + (seq - 1) * 3_600
            rows = [(now + 60 * m, one, 5, 0) for m in range(60)] if seq <= 24 else []
            opened.commit(
                tick(
                    seq,
                    time_s=now,
                    count=1,
                    ownerships=[Ownership(one, START_S, 1, "ONE_CTR", "first", START_S + DAY_S)]
                    if seq == 25
                    else [],
                    demand=demand(*((*row, -1) for row in rows)),
                    final_minute_s=now + 3_540,
                )
            )
        yield opened


def test_it_is_learned_from_the_store_a_day_a_call(store: Store) -> None:
    """And again after a start; a day more only when one is over."""
    now_s = START_S + 2 * DAY_S + 3_600
    book = CapacityBook(SECTORS, CapacityRule(days=7, least_staffed_h=4))
    calls = 0
    while book.refresh(store, now_s):
        calls += 1
    assert calls == len(book.days.held) in {2, 3}
    assert book.now.capacity(SECTORS[0].sector_id) == (5.0, "learned")
    assert not book.refresh(store, now_s + 3_600)
