"""What is unusual and what recurs, beside the forecasts: looked for, told, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sectorwatch.errors import StoreError
from sectorwatch.forecast.anomalies import Detector
from sectorwatch.forecast.patterns import Patterns
from sectorwatch.store.columns import pack_columns, unpack_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sectorwatch.forecast.forecaster import Forecaster
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.runtime.foresight import Foresight, Surroundings
    from sectorwatch.traffic.tick import Tick

__all__ = ["add_anomalies", "add_patterns"]

_KEPT_EVERY_S = 3_600
_ANOMALIES, _PATTERNS = "anomalies", "patterns"


class _Truth:
    """What a forecaster knows of the past, once it does; until then nothing."""

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster

    def bin_mean(self, start_s: NDArray[np.int64]) -> NDArray[np.float32]:
        """As `Past.bin_mean`."""
        past = self._forecaster.past
        if past is None:
            nothing = (self._forecaster.sector_id.size, np.size(start_s))
            return np.full(nothing, np.nan, dtype=np.float32)
        return past.bin_mean(start_s)


def add_anomalies(foresight: Foresight, around: Surroundings) -> None:
    """Each tick that is seen is looked at for what is unusual; what was learned is kept hourly."""
    forecaster, local = foresight.forecaster, foresight.local
    assert forecaster is not None  # noqa: S101 - made before
    assert local is not None  # noqa: S101 - as above
    truth = _Truth(forecaster)
    detector = Detector(around.airspace, around.airports, local, truth)
    foresight.anomalies = detector
    looked_s, kept_s = 0, 0
    is_news_unkept = False
    gauge = around.telemetry.metrics.gauge_callback
    gauge("anomalies_active", lambda: len(detector.active))

    def take_up_anomalies() -> None:
        kept = around.stores.ask().forecasts.state(_ANOMALIES)
        if kept is not None:
            try:
                detector.take_up(unpack_columns(kept[1]))
            except StoreError:
                # It is learned again; what was unusual and goes on is noticed again.
                around.telemetry.log.log_operation("anomalies_forgotten")

    def hear_forecast(_tick: Tick, issued: Issued, _situation: Situation) -> None:
        detector.hear(issued)

    def look_for_anomalies(tick: Tick) -> None:
        nonlocal looked_s, is_news_unkept
        look = detector.look(tick)
        for each in (*look.began, *look.ended):
            around.publish("anomaly", f"unusual/{each.anomaly_id}")
        for each in look.began:
            around.telemetry.log.log_operation(
                "anomaly",
                anomaly_type=each.anomaly_type,
                sector=each.sector_name,
                score=round(each.score, 3),
                anomaly_id=each.anomaly_id,
            )
        looked_s = tick.time_us // 1_000_000
        is_news_unkept |= bool(look.began or look.ended)
        if is_news_unkept or not 0 <= looked_s - kept_s < _KEPT_EVERY_S:
            keep_anomalies()

    def keep_anomalies() -> None:
        nonlocal kept_s, is_news_unkept
        store = around.stores.ask()
        store.forecasts.keep_state(_ANOMALIES, looked_s, pack_columns(detector.to_arrays()))
        # Only now: what the database did not take is kept at the next look.
        kept_s, is_news_unkept = looked_s, False

    foresight.at_start.append(take_up_anomalies)
    foresight.after_issue.append(hear_forecast)
    foresight.on_tick.append(look_for_anomalies)
    foresight.at_stop.append(keep_anomalies)


def add_patterns(foresight: Foresight, around: Surroundings) -> None:
    """Once an hour what recurs is looked for in the last five weeks, and kept."""
    forecaster, local = foresight.forecaster, foresight.local
    assert forecaster is not None  # noqa: S101 - made before
    assert local is not None  # noqa: S101 - as above
    patterns = Patterns(around.airspace, local, _Truth(forecaster))
    foresight.patterns = patterns

    kept = patterns.newest

    def take_up_patterns() -> None:
        nonlocal kept
        state = around.stores.ask().forecasts.state(_PATTERNS)
        if state is not None:
            patterns.take_up(state[1])
            kept = patterns.newest

    def look_for_patterns(tick: Tick, _issued: Issued, _situation: Situation) -> None:
        nonlocal kept
        now_s = tick.time_us // 1_000_000
        patterns.look(now_s)
        found = patterns.newest
        if found is not kept:
            around.stores.ask().forecasts.keep_state(_PATTERNS, now_s, patterns.dump())
            kept = found

    foresight.at_start.append(take_up_patterns)
    foresight.after_issue.append(look_for_patterns)
