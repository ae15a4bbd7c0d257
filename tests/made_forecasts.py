"""Forecasts made by hand, for whoever tests what is done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from made_ticks import START_S, demand, tick
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.issued import QUANTILES, Issued
from sectorwatch.traffic.tick import Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sectorwatch.forecast.scoring import Scored, Scoring
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Tick

SECTOR_IDS = np.array([5, 6, 2**62 + 1], np.int64)
STEP_S = 300
HOUR_S = 3_600


def issued(as_of_s: int, mean: Any = 3.0, **more: Any) -> Issued:
    """An issue for `SECTOR_IDS` at every lead; what is left out follows from the mean."""
    sector_id = more.pop("sector_id", SECTOR_IDS)
    shape = sector_id.size, LEADS.size
    of_all = np.broadcast_to(np.asarray(mean, np.float32), shape).copy()
    spread = 1.3 * np.sqrt(of_all)[..., None] * np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    content: dict[str, Any] = {
        "as_of_s": as_of_s,
        "seq": 1,
        "model": "m1",
        "sector_id": sector_id,
        "leads_s": LEADS,
        "basis": np.ones(sector_id.size, np.int8),
        "current": np.rint(of_all[:, 0]).astype(np.int32),
        "capacity": np.full(sector_id.size, np.nan, np.float32),
        "mean": of_all,
        "quantiles": np.maximum(0, of_all[..., None] + spread).astype(np.float32),
        "p_zero": np.exp(-of_all),
        "p_over_capacity": np.full(shape, np.nan, np.float32),
        "plan_mean": of_all,
        "naive": of_all,
    }
    assert spread.shape[-1] == len(QUANTILES)
    return Issued(**content | more)


class Utc:
    """A local time that is UTC."""

    def hour_of_week(self, times_s: Any) -> Any:
        """The hour of the week, Monday from 00:00 being 0."""
        return (np.asarray(times_s) // 3_600 + 72) % 168


def occupancy(minute_s: np.ndarray) -> np.ndarray:
    """Occupancy of the sectors at minutes, shape (3, n): a wave, a constant, and nothing."""
    wave = 8 + np.rint(6 * np.sin(minute_s / 5_000))
    return np.stack([wave, np.full_like(wave, 3), np.zeros_like(wave)]).astype(np.int64)


def fly(hours: float, *, seq: int = 1, gap: tuple[float, float] | None = None) -> Iterator[Tick]:
    """Ticks every 5 min from START_S on; in a `gap`, of hours, there are none."""
    next_s = START_S
    last_s = None
    for number in range(round(hours * HOUR_S / STEP_S) + 1):
        now_s = START_S + number * STEP_S
        if gap and gap[0] * HOUR_S < now_s - START_S < gap[1] * HOUR_S:
            continue
        is_back = gap is not None and last_s is not None and now_s - last_s > STEP_S
        until_s = (last_s // 60 * 60 - 60) if is_back and last_s else now_s - 180
        minutes = np.arange(next_s, until_s + 1, 60)
        counts = occupancy(minutes)
        rows = [
            (int(minute), int(SECTOR_IDS[row]), int(counts[row, at]), 0)
            for at, minute in enumerate(minutes)
            for row in range(3)
            if counts[row, at]
        ]
        yield tick(
            seq,
            time_s=now_s,
            count=1,
            demand=demand(*rows),
            final_minute_s=until_s if until_s >= START_S else None,
            gap=Gap(last_s, now_s) if is_back and last_s else None,
        )
        next_s = now_s if is_back else max(next_s, until_s + 60)
        last_s = now_s
        seq += 1


def forecast(tick: Tick, off: float = 0.0) -> Issued:
    """What will be, `off` by so many aircraft."""
    now_s = tick.time_us // 1_000_000
    start_s = now_s + LEADS
    mean = np.stack([occupancy(each + 60 * np.arange(15)).mean(axis=1) for each in start_s], axis=1)
    return issued(now_s, mean + off, naive=np.float32(mean + 2 * off + 1), seq=tick.seq)


def run(
    scoring: Scoring, ticks: Iterable[Tick], store: Store | None = None, off: float = 0.0
) -> list[Scored]:
    """Issues with every tick; gives what was scored."""
    found = []
    for each in ticks:
        if store is not None:
            store.commit(each)
        scored = scoring.observe(each, store)
        if scored is not None:
            found.append(scored)
        scoring.issued(forecast(each, off), store)
    return found
