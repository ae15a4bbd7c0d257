"""What is foreseen, in one value: the parts that make it, and what the faces may ask of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.forecaster import Forecaster
from sectorwatch.forecast.kept import newest_issue
from sectorwatch.forecast.local_time import LocalTime, zone_of
from sectorwatch.forecast.past import Past
from sectorwatch.forecast.plans import read_navigation
from sectorwatch.forecast.scoring import Scoring
from sectorwatch.runtime.capacity_watch import CAPACITY, CapacityWatch, capacity_rule
from sectorwatch.runtime.flights_ahead import add_airport_scores, add_airports, add_entries
from sectorwatch.runtime.training import Training, add_model
from sectorwatch.runtime.unusual import add_anomalies, add_patterns

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.airspace import Airports, Airspace
    from sectorwatch.config import Settings
    from sectorwatch.forecast.airports import AirportForecaster, SeriesNames
    from sectorwatch.forecast.anomalies import Detector
    from sectorwatch.forecast.entries import EntryForecasts
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.patterns import Patterns
    from sectorwatch.forecast.scoring import CountScoring
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.slots import StoreSlot
    from sectorwatch.traffic.tick import Tick

__all__ = ["Foresight", "Surroundings", "make_foresight"]

T = TypeVar("T")
_MINUTE_S = 60


@dataclass(kw_only=True)
class Foresight:
    """The parts of foresight; all None, and nothing foreseen, where `forecasting` is off.

    Parts that do something of their own are called one after another in the forecast's own thread:
    `at_start` once; `before_issue` and, behind it, `after_issue` for each forecast; `on_tick` for
    each tick that it sees (not every one: it skips where it is slow); `at_stop` when the service
    stops. They are timed by their own names; one that raises takes nothing from the others.
    Everything may be read from any thread.
    """

    forecaster: Forecaster | None = None
    local: LocalTime | None = None
    capacity: CapacityBook | None = None
    capacity_watch: CapacityWatch | None = None
    scoring: Scoring | None = None
    entries: EntryForecasts | None = None
    airports: AirportForecaster | None = None
    airport_series: SeriesNames | None = None
    airport_scoring: CountScoring | None = None
    anomalies: Detector | None = None
    patterns: Patterns | None = None
    training: Training | None = None
    at_start: list[Callable[[], object]] = field(default_factory=list)
    before_issue: list[Callable[[Tick], object]] = field(default_factory=list)
    after_issue: list[Callable[[Tick, Issued, Situation], object]] = field(default_factory=list)
    on_tick: list[Callable[[Tick], object]] = field(default_factory=list)
    at_stop: list[Callable[[], object]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event, compare=False)
    """Set when the service is to stop: what takes seconds ends at once, to be gone on with."""

    @property
    def is_on(self) -> bool:
        """Whether anything is foreseen."""
        return self.forecaster is not None

    @property
    def latest(self) -> Issued | None:
        """The newest forecast; None before the first."""
        return None if self.forecaster is None else self.forecaster.latest

    def about(self) -> dict[str, Any]:
        """What forecasts rest on now, and how training does."""
        if self.forecaster is None:
            return {}
        training = {} if self.training is None else self.training.about()
        return {**self.forecaster.about(), **training}

    def why_nothing(self, name: str) -> str:
        """Why there is no forecast of the sector `name`, in words."""
        if self.forecaster is None:
            return "Nothing is forecast here: the setting forecasting is false."
        if self.forecaster.latest is None:
            return "Nothing is forecast yet: the first forecast comes with the first feed."
        return f"{name} is not in the newest forecast, which was made before it was drawn so."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What parts of foresight need of the program."""

    settings: Settings
    airspace: Airspace
    airports: Airports
    stores: StoreSlot
    telemetry: Telemetry
    publish: Callable[[str, str], None]
    data_dir: Path
    is_busy: Callable[[], bool]


def make_foresight(
    settings: Settings,
    airspace: Airspace,
    airports: Airports,
    stores: StoreSlot,
    *,
    data_dir: Path,
    telemetry: Telemetry,
    publish: Callable[[str, str], None] = lambda _topic, _name: None,
    is_busy: Callable[[], bool] = lambda: False,
) -> Foresight:
    """The parts of foresight by `settings`, with nothing known yet.

    `publish` tells others that something is new, by a topic and a name; while `is_busy` says so no
    training begins. Raises ConfigError where the navigation data cannot be read.
    """
    if not settings.forecasting:
        return Foresight()
    # A time zone that somebody chose is theirs, UTC too; nobody's choice is where the airspace is.
    is_chosen = "timezone" in settings.model_fields_set
    home = settings.home_sector or ""
    zone = settings.timezone if is_chosen else zone_of(airspace, airports, home)
    local = LocalTime(zone)
    capacity = CapacityBook(airspace.sectors, capacity_rule(settings))
    named = settings.navigation_data
    navigation = None if named is None else read_navigation(Path(named))
    forecaster = Forecaster(
        airspace, airports, local=local, capacity=capacity, navigation=navigation
    )
    scoring = Scoring(forecaster.sector_id, local, telemetry=telemetry.for_service("forecast"))
    foresight = Foresight(forecaster=forecaster, local=local, capacity=capacity, scoring=scoring)
    around = Surroundings(
        airspace=airspace,
        airports=airports,
        stores=stores,
        telemetry=telemetry.for_service("forecast"),
        publish=publish,
        settings=settings,
        data_dir=data_dir,
        is_busy=is_busy,
    )
    # In the order in which they are called: the past is there before what is made of it.
    for add in (
        _add_past,
        add_model,
        _add_scoring,
        _add_capacity,
        add_entries,
        add_airports,
        add_airport_scores,
        add_anomalies,
        add_patterns,
    ):
        add(foresight, around)
    return foresight


def _add_past(foresight: Foresight, around: Surroundings) -> None:
    """Recent truth, kept up with; and what was said last, until there is something newer to say."""
    forecaster = _there(foresight.forecaster)
    readable = _there(foresight.scoring).readable

    def take_up_forecast() -> None:
        kept = newest_issue(around.stores.ask().forecasts, readable)
        if kept is not None and forecaster.latest is None:
            forecaster.latest = kept

    loading: Past | None = None

    def take_up_past(tick: Tick) -> None:
        nonlocal loading
        if tick.final_minute_s is None:
            return
        until_s = tick.final_minute_s + _MINUTE_S
        store = around.stores.ask()
        past = forecaster.past or loading or Past.before(store, around.airspace, until_s)
        loading = past
        if past.catch_up(store, until_s, foresight.stopping.is_set):
            # All of it: a model is not to be asked about weeks that are half there.
            forecaster.past = past

    foresight.at_start.append(take_up_forecast)
    foresight.before_issue.append(take_up_past)


def _add_scoring(foresight: Foresight, around: Surroundings) -> None:
    """Every forecast is kept, and scored when its time comes."""
    scoring, forecaster = _there(foresight.scoring), _there(foresight.forecaster)

    def resume_scores() -> None:
        scoring.resume(around.stores.ask())
        forecaster.promises = scoring.promises()

    def score(tick: Tick) -> None:
        scored = scoring.observe(tick, around.stores.ask())
        if scored is not None:
            forecaster.adapt(scored, tick.time_us // 1_000_000)
            forecaster.promises = scoring.promises()

    def keep_forecast(_tick: Tick, issued: Issued, _situation: Situation) -> None:
        scoring.issued(issued, around.stores.ask())

    def keep_scores() -> None:
        scoring.save(around.stores.ask())

    foresight.at_start.append(resume_scores)
    foresight.on_tick.append(score)
    foresight.after_issue.append(keep_forecast)
    foresight.at_stop.append(keep_scores)


def _add_capacity(foresight: Foresight, around: Surroundings) -> None:
    """What sectors take is learned from the past, a day a tick, and warned of."""
    watch = CapacityWatch(
        around.settings,
        around.airspace.sectors,
        _there(foresight.capacity),
        local=_there(foresight.local),
        stores=around.stores,
        telemetry=around.telemetry,
        tell=lambda number: around.publish("anomaly", f"{CAPACITY}/{number}"),
        recent=_there(foresight.scoring).recent,
    )
    foresight.capacity_watch = watch
    foresight.at_start.append(watch.take_up_warnings)
    foresight.on_tick.append(watch.learn_capacity)
    foresight.after_issue += [watch.warn_of_capacity, watch.look_at_presence]


def _there(part: T | None) -> T:
    """A part of a foresight that is on."""
    assert part is not None  # noqa: S101 - made together with the others
    return part
