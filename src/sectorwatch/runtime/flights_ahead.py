"""What is made of single flights beside the forecasts: entries into sectors, and airports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.forecast.airports import AirportForecaster
from sectorwatch.forecast.entries import EntryForecasts
from sectorwatch.forecast.plans.field_times import field_times

if TYPE_CHECKING:
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.runtime.foresight import Foresight, Surroundings
    from sectorwatch.traffic.tick import Tick

__all__ = ["add_airports", "add_entries"]

_MINUTE_S = 60


def add_entries(foresight: Foresight, around: Surroundings) -> None:
    """When each flight will enter each sector; a sample of it is kept, and scored."""
    forecaster = foresight.forecaster
    assert forecaster is not None  # noqa: S101 - made before
    entries = foresight.entries = EntryForecasts(forecaster.sector_id)

    def resume_entries() -> None:
        entries.resume(around.stores.ask())

    def estimate_entries(_tick: Tick, _issued: Issued, situation: Situation) -> None:
        entries.issue(situation, forecaster.counter.passages(situation, forecaster.learned))

    def keep_entries(tick: Tick, issued: Issued, _situation: Situation) -> None:
        store = around.stores.ask()
        entries.keep(store, model=issued.model, seq=tick.seq)
        entries.score(store, tick.time_us // 1_000_000)

    foresight.at_start.append(resume_entries)
    foresight.after_issue += [estimate_entries, keep_entries]


def add_airports(foresight: Foresight, around: Surroundings) -> None:
    """How many will take off and land where; what is usual is learned a day at each issue."""
    forecaster, local = foresight.forecaster, foresight.local
    assert forecaster is not None  # noqa: S101 - made before
    assert local is not None  # noqa: S101 - as above
    airports = foresight.airports = AirportForecaster(around.airports, local)

    def resume_airports() -> None:
        airports.resume(around.stores.ask())

    def learn_airports(tick: Tick) -> None:
        store, now_s = around.stores.ask(), tick.time_us // 1_000_000
        airports.learn(store, now_s)
        if tick.final_minute_s is not None:
            airports.look_at_level(store, tick.final_minute_s + _MINUTE_S)

    def estimate_airports(_tick: Tick, _issued: Issued, situation: Situation) -> None:
        times = field_times(forecaster.counter, situation, forecaster.learned)
        airports.issue(situation, times)

    foresight.at_start.append(resume_airports)
    foresight.before_issue.append(learn_airports)
    foresight.after_issue.append(estimate_airports)
