"""Capacities, capacity warnings and who is usually there, kept up to date with the forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorwatch.forecast.breach import ErrorCorrelation, by_lead
from sectorwatch.forecast.capacity import CapacityRule
from sectorwatch.forecast.good_times import STAY_S, GoodTimeRule, Openings, start_times
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.hysteresis import WarningRule
from sectorwatch.forecast.warnings import CapacityWarnings
from sectorwatch.observe import LogCategory, LogLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.airspace.model import Sector
    from sectorwatch.config import Settings
    from sectorwatch.forecast.capacity import CapacityBook
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.local_time import LocalTime
    from sectorwatch.forecast.scoring.scored import Scored
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.forecast.staffing import Presence
    from sectorwatch.forecast.warnings import CapacityWarning
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.slots import StoreSlot
    from sectorwatch.traffic.tick import Tick

__all__ = ["CAPACITY", "CapacityWatch", "capacity_rule"]

CAPACITY = "capacity"
"""What the name of a hint about a capacity warning begins with; a slash and its number follow."""
_STATE = "capacity_warnings"
_MEASURE_EVERY_S = 3_600


def capacity_rule(settings: Settings) -> CapacityRule:
    """What capacities are learned by."""
    return CapacityRule(
        days=settings.capacity_days,
        quantile=settings.capacity_quantile,
        least_staffed_h=settings.capacity_staffed_h,
    )


class CapacityWatch:
    """Belongs to the forecast's thread; `warnings` and `presence` may be read from any.

    `tell` is called with the number of each warning that was raised or that ended, `recent` gives
    what was scored in the last hours.
    """

    def __init__(
        self,
        settings: Settings,
        sectors: Sequence[Sector],
        book: CapacityBook,
        *,
        local: LocalTime,
        stores: StoreSlot,
        telemetry: Telemetry,
        tell: Callable[[str], None],
        recent: Callable[[], Scored | None] = lambda: None,
    ) -> None:
        self.book = book
        self.openings = Openings(sectors)
        self.rule = GoodTimeRule(least_aircraft=settings.outlook_least_aircraft)
        self.correlation = ErrorCorrelation()
        self.presence: Presence | None = None
        """Of `start_times` of the newest forecast."""
        self._sectors = sectors
        self._warning_rule = WarningRule(
            raise_p=settings.warning_raise_p,
            clear_p=min(settings.warning_clear_p, settings.warning_raise_p),
            issues=settings.warning_issues,
            least_s=settings.warning_least_s,
            most_between_s=max(1_800, 3 * settings.forecast_every_s),
        )
        self.warnings = CapacityWarnings(sectors, self._warning_rule)
        self._local = local
        self._stores = stores
        self._log = telemetry.for_service("forecast").log
        self._tell = tell
        self._recent = recent
        self._measured_s = 0
        self._is_taken_up = False
        self._was_quiet = True
        metrics = telemetry.metrics
        self._raised = metrics.counter("capacity_warnings_raised_total")
        metrics.gauge_callback("capacity_warnings", lambda: float(len(self.warnings.standing())))
        metrics.gauge_callback(
            "sectors_capacity_known",
            lambda: float(sum(source is not None for source in self.book.now.source)),
        )

    def take_up_warnings(self) -> None:
        """Go on with the warnings that stood before a restart."""
        if self._is_taken_up:
            return
        found = self._stores.ask().forecasts.state(_STATE)
        self._is_taken_up = True
        if found is None:
            return
        try:
            self.warnings = CapacityWarnings(self._sectors, self._warning_rule, found[1])
        except ValueError as error:
            self._log.log_operation(
                "take_up_warnings", LogLevel.WARNING, LogCategory.ERROR, why=str(error)
            )

    def learn_capacity(self, tick: Tick) -> None:
        """Take in one past day, if there is one that is not known yet."""
        self.book.refresh(self._stores.ask(), tick.time_us // 1_000_000)

    def warn_of_capacity(self, _tick: Tick, issued: Issued, _situation: Situation) -> None:
        """Raise and end warnings by a new forecast, tell of them, and keep what has to be kept."""
        self.take_up_warnings()
        self._measure_correlation(issued.as_of_s)
        for each in self.warnings.hear(issued, self.book.now, self.correlation.value):
            self._say(each)
        # Where nothing stands and nothing did, there is nothing to keep.
        is_quiet = self.warnings.is_quiet
        if not (is_quiet and self._was_quiet):
            self._stores.ask().forecasts.keep_state(_STATE, issued.as_of_s, self.warnings.state())
        self._was_quiet = is_quiet

    def look_at_presence(self, _tick: Tick, issued: Issued, _situation: Situation) -> None:
        """Count who was there in past weeks at the hours that the forecast is of."""
        self.presence = self.book.days.presence(start_times(issued.as_of_s), STAY_S, self._local)

    def _measure_correlation(self, now_s: int) -> None:
        """Learn once an hour how errors of bins on end go together, of the forecasts scored."""
        if now_s - self._measured_s < _MEASURE_EVERY_S or (scored := self._recent()) is None:
            return
        self._measured_s = now_s
        known = scored.known
        self.correlation.take(by_lead(known.as_of_s, known.row, known.lead_s, known.pit, LEADS))

    def _say(self, warning: CapacityWarning) -> None:
        if warning.ended_s is None:
            self._raised.inc()
        self._log.log_operation(
            "capacity_warning",
            LogLevel.INFO,
            sector=warning.sector,
            raised=warning.ended_s is None,
            probability=warning.p,
            what=warning.words,
        )
        self._tell(warning.warning_id)
