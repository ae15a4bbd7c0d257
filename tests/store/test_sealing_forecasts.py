from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from made_forecasts import SECTOR_IDS, issued
from made_ticks import START_S, demand, tick
from sectorwatch.errors import StoreError
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.kept import encode_issued, keep_issued
from sectorwatch.store import Retention, Store
from sectorwatch.store.parquet import read_segment
from sectorwatch.store.segments import DAY_S, FORECASTS, HOUR_S
from sectorwatch.traffic.tick import Gap

if TYPE_CHECKING:
    from sectorwatch.store import DataDirectory

DAYS = 4
STEP_S = 3 * HOUR_S
GAP_S = (15 * HOUR_S, 21 * HOUR_S)


def counts(minute_s: int) -> tuple[int, int, int]:
    """How many are in each sector at a minute."""
    return minute_s // HOUR_S % 24, 2, 0


def flown(store: Store) -> Store:
    """Four days, a tick every three hours; six hours of the first are a gap."""
    next_s = START_S
    seq = 0
    last_s = START_S
    for now_s in range(START_S, START_S + DAYS * DAY_S + 1, STEP_S):
        if GAP_S[0] < now_s - START_S < GAP_S[1]:
            continue
        is_back = now_s - last_s > STEP_S
        until_s = last_s - 60 if is_back else now_s - 180
        rows = [
            (minute_s, int(number), count, 0)
            for minute_s in range(next_s, until_s + 1, 60)
            for number, count in zip(SECTOR_IDS, counts(minute_s), strict=True)
            if count
        ]
        seq += 1
        store.commit(
            tick(
                seq,
                time_s=now_s,
                count=0,
                demand=demand(*rows),
                final_minute_s=max(until_s, START_S),
                gap=Gap(last_s, now_s) if is_back else None,
            )
        )
        next_s = now_s if is_back else max(next_s, until_s + 60)
        last_s = now_s
    return store


def issue_a_day(store: Store) -> None:
    """An issue every 5 min of the first day, of 4 aircraft everywhere."""
    naive = np.where(np.arange(17) > 8, np.nan, 1.5) * np.ones((3, 1))
    for as_of_s in range(START_S + 2, START_S + DAY_S, 300):
        keep_issued(store.forecasts, issued(as_of_s, 4.0, naive=naive))


def test_a_day_of_forecasts_is_sealed_with_what_then_was(either: Store) -> None:
    """The first issue of each quarter, every lead, beside the mean of the bin's minutes."""
    flown(either)
    issue_a_day(either)
    for day in (0, 3):
        either.forecasts.keep("airports", START_S + day * DAY_S, "", b"of another kind")
    assert "forecasts" not in {each.kind for each in either.seal_due(START_S + 3 * DAY_S - HOUR_S)}
    files = either.seal_due(START_S + DAYS * DAY_S)
    (file,) = [each for each in files if each.kind == "forecasts"]
    assert file.path == "forecasts/date=2023-11-14/forecasts.parquet"
    assert either.forecasts.kept("sectors", 0, START_S + DAYS * DAY_S) == []
    assert len(either.forecasts.kept("airports", 0, START_S + DAYS * DAY_S)) == 1
    rows = read_segment(either.directory.segments / file.path, FORECASTS)
    assert file.row_count == 96 * 3 * LEADS.size
    assert set(rows["as_of_s"].tolist()) == set(range(START_S + 2, START_S + DAY_S, 900))
    assert rows["lead_s"][: LEADS.size].tolist() == LEADS.tolist()
    assert set(rows["mean_e2"].tolist()) == {400}
    assert set(rows["model"].tolist()) == {"m1"}
    assert np.ma.getmaskarray(rows["naive_e2"]).sum() == 96 * 3 * 8
    assert np.ma.getmaskarray(rows["p_over_capacity_e3"]).all()
    start_s = (rows["as_of_s"] + rows["lead_s"]) // 60 * 60
    hour = start_s // HOUR_S % 24
    expected = np.where(
        rows["sector_id"] == SECTOR_IDS[0], hour, np.where(rows["sector_id"] == 6, 2, 0)
    )
    known = ~np.ma.getmaskarray(rows["truth_e2"])
    assert np.array_equal(rows["truth_e2"][known], 100 * expected[known])
    # Of the time without feeds nothing is made, and nothing of it is a truth of nought.
    in_gap = (start_s - START_S >= GAP_S[0]) & (start_s - START_S < GAP_S[1])
    assert np.array_equal(~known, in_gap)


def test_a_restart_does_not_seal_again(directory: DataDirectory) -> None:
    """What is sealed is in one file, and what comes late for it joins it."""
    with Store.open(directory) as store:
        flown(store)
        issue_a_day(store)
        store.seal_due(START_S + DAYS * DAY_S)
    with Store.open(directory) as store:
        assert store.seal_due(START_S + DAYS * DAY_S) == []
        keep_issued(store.forecasts, issued(START_S + 500, 7.0))
        later_s = START_S + (DAYS + 1) * DAY_S
        store.commit(tick(DAYS * 8 + 1, time_s=later_s, count=0))
        files = store.seal_due(later_s)
        (file,) = [each for each in files if each.kind == "forecasts"]
        assert file.path.endswith("forecasts-1.parquet")
        assert file.row_count == 97 * 3 * LEADS.size


def test_a_damaged_forecast_stays_and_is_told(store: Store) -> None:
    """Nothing else waits for it: all other kinds are sealed."""
    flown(store)
    content = encode_issued(issued(START_S))
    store.forecasts.keep("sectors", START_S, "m1", content[:-9])
    with pytest.raises(StoreError, match="damaged"):
        store.seal_due(START_S + DAYS * DAY_S)
    assert len(store.forecasts.kept("sectors", 0, START_S + 1)) == 1
    assert store.segment_totals()["demand"][0] == 2


def test_sealed_forecasts_go_by_age_and_before_demand_by_size(store: Store) -> None:
    """Retention lets go of them like the others; the budget after all else but demand."""
    flown(store)
    issue_a_day(store)
    now_s = START_S + DAYS * DAY_S
    store.seal_due(now_s)
    assert store.enforce(Retention(forecasts_days=30), now_s).segments == []
    freed = store.enforce(Retention(budget_bytes=1), now_s)
    order = [path.partition("/")[0] for path in freed.segments]
    assert order[-3:] == ["forecasts", "demand", "demand"]
    (lost,) = store.lost("forecasts", START_S, START_S + DAY_S)
    assert lost.why.startswith("let go: forecasts are kept from")
