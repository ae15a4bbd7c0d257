"""What is made of single flights beside the forecasts: entries into sectors, and airports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.forecast.airports import AirportForecaster, SeriesNames, airport_scoring
from sectorwatch.forecast.entries import EntryForecasts
from sectorwatch.forecast.plans import entries_of
from sectorwatch.forecast.plans.field_times import field_times

if TYPE_CHECKING:
    from sectorwatch.forecast.airports import AirportOutlook
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.runtime.foresight import Foresight, Surroundings
    from sectorwatch.traffic.tick import Tick

__all__ = ["add_airport_scores", "add_airports", "add_entries"]

_MINUTE_S = 60
_MOST_WAITING = 100
"""So many outlooks wait for the database, as many as forecasts do."""


def add_entries(foresight: Foresight, around: Surroundings) -> None:
    """When each flight will enter each sector; a sample of it is kept, and scored."""
    forecaster = foresight.forecaster
    assert forecaster is not None  # noqa: S101 - made before
    entries = foresight.entries = EntryForecasts(forecaster.sector_id)

    def resume_entries() -> None:
        entries.resume(around.stores.ask())

    def estimate_entries(tick: Tick, issued: Issued, situation: Situation) -> None:
        outlook = entries_of(forecaster.carried(situation))
        entries.issue(situation, outlook, model=issued.model, seq=tick.seq)

    def keep_entries(tick: Tick, _issued: Issued, _situation: Situation) -> None:
        store = around.stores.ask()
        entries.keep(store)
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
        airports.issue(situation, field_times(forecaster.carried(situation)))

    foresight.at_start.append(resume_airports)
    foresight.before_issue.append(learn_airports)
    foresight.after_issue.append(estimate_airports)


def add_airport_scores(foresight: Foresight, around: Surroundings) -> None:
    """Each forecast of airports is kept, and scored when its time comes."""
    airports, local = foresight.airports, foresight.local
    assert airports is not None  # noqa: S101 - made before
    assert local is not None  # noqa: S101 - as above
    names = foresight.airport_series = SeriesNames(around.airports)
    scoring = foresight.airport_scoring = airport_scoring(names, local, telemetry=around.telemetry)
    to_keep: dict[int, AirportOutlook] = {}

    def resume_airport_scores() -> None:
        scoring.resume(around.stores.ask())

    def note_airports(_tick: Tick, issued: Issued, _situation: Situation) -> None:
        outlook = airports.latest
        if outlook is not None and outlook.as_of_s == issued.as_of_s:
            to_keep[issued.as_of_s] = outlook
        while len(to_keep) > _MOST_WAITING:
            del to_keep[next(iter(to_keep))]

    def keep_airports(tick: Tick, issued: Issued, _situation: Situation) -> None:
        # The one of that moment: where the database was away there is a newer one by now.
        outlook = to_keep.get(issued.as_of_s)
        if outlook is not None:
            store = around.stores.ask()
            said = airports.issued(store, outlook, model=issued.model, seq=tick.seq)
            # Where nobody is to come anywhere there is nothing to be held against anything.
            if said.sector_id.size:
                scoring.issued(said, store)
            del to_keep[issued.as_of_s]

    def score_airports(tick: Tick) -> None:
        scoring.observe(tick.final_minute_s, around.stores.ask())

    def keep_airport_scores() -> None:
        scoring.save(around.stores.ask())

    foresight.at_start.append(resume_airport_scores)
    foresight.after_issue += [note_airports, keep_airports]
    foresight.on_tick.append(score_airports)
    foresight.at_stop.append(keep_airport_scores)
