"""When a forecast is due, that it is issued, and what hangs on it."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sectorwatch.clock import format_s
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.observe import LogCorrelationContext, LogLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.forecast.forecaster import Forecaster
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.foresight import Foresight
    from sectorwatch.runtime.pipeline import Pipeline
    from sectorwatch.traffic.tick import Tick

__all__ = ["Issuing"]

T = TypeVar("T")

_SHARE = 0.1
_AFTER_FAILURE_S = 15.0
_SLOW_S = 2.0
_OLDEST_S = 300
# Some two hours of forecasts, and what hangs on them.
_MOST_WAITING = 100


class Issuing:
    """Issues a forecast as of each mark of `every_s`, once a tick was received behind it.

    Marks are multiples of `every_s` by when feeds were received. What is known at one is what the
    last tick before it told, as in a back-test; where that one was not seen (at the start, after a
    gap, where ticks are skipped) the forecast is as of when the newest was received. Where ticks
    come faster than forecasts can be made in a tenth of the processor's time (a history that is
    flown, or caught up with), marks are left out and counted. What took more than that is made up
    for by pauses, but no pause takes two marks from a time that goes at its own pace: one forecast
    in `every_s` of the machine's time is made in any case. Nothing is raised: what fails is logged,
    counted, and tried again; what the database was away for is done when it is back. All but the
    figures belongs to one thread.
    """

    def __init__(
        self,
        foresight: Foresight,
        forecaster: Forecaster,
        *,
        pipeline: Pipeline,
        telemetry: Telemetry,
        every_s: int,
        monotonic_s: Callable[[], float] = time.monotonic,
        worked_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self._foresight = foresight
        self._forecaster = forecaster
        self._pipeline = pipeline
        self._telemetry = telemetry
        self._log = telemetry.for_service("forecast").log
        self._every_s = every_s
        self._monotonic_s = monotonic_s
        self._worked_s = worked_s
        self._balanced_s = 0.0
        """When what was worked until now is a tenth of the time that went by."""
        self._again_s = 0.0
        self._tried_s = 0.0
        """When a forecast was begun last, whatever came of it."""
        self._due_since_s: float | None = None
        self._seen: Tick | None = None
        self._mark: int | None = None
        self._to_begin = list(foresight.at_start)
        self._waiting: deque[tuple[Any, ...]] = deque(maxlen=_MOST_WAITING)
        self._is_away = False
        self.issued = 0
        self.skipped = 0
        self.errors: dict[str, str] = {}
        """What failed the last time it was tried, by name: `issue`, or a part of foresight."""
        metrics = telemetry.metrics
        self._failures = {
            name: metrics.counter("forecast_failures_total", {"part": name})
            for name in ("issue", "beside")
        }
        metrics.counter_callback("forecasts_issued_total", lambda: self.issued)
        metrics.counter_callback("forecasts_skipped_total", lambda: self.skipped)
        metrics.gauge_callback("forecast_age_seconds", self.age_s, unit="seconds")

    def age_s(self) -> float | None:
        """Seconds from the moment that the newest forecast is of to the source's now."""
        issued, source = self._forecaster.latest, self._pipeline.source
        if issued is None or source is None or self._pipeline.is_finished:
            return None
        return max(0.0, source.now_us() / 1e6 - issued.as_of_s)

    def behind_s(self) -> float:
        """How many seconds of the machine's time a forecast has been due and not issued."""
        since_s = self._due_since_s
        return 0.0 if since_s is None else max(0.0, self._monotonic_s() - since_s)

    @property
    def waiting(self) -> int:
        """How much that was to be kept waits for the database."""
        return len(self._waiting)

    def wait_s(self) -> float:
        """How long it is until there is time for more; a forecast that is late waits no longer."""
        return max(0.0, max(self._balanced_s, self._again_s) - self._monotonic_s())

    def begin(self) -> None:
        """Have each part take up what it had before; one that fails does so at the next look."""
        with LogCorrelationContext():
            self._begin()

    def end(self) -> None:
        """Have each part keep what it is not to lose; once, when no more is looked at."""
        with LogCorrelationContext():
            self._catch_up()
            for part in self._foresight.at_stop:
                self._beside(part)

    def _begin(self) -> None:
        self._to_begin = [part for part in self._to_begin if not self._beside(part)]

    def look(self, correlation_id: str | None = None, span: int = 0) -> Issued | None:
        """Do what is due by the newest tick; gives what was issued, None where nothing was."""
        tick = self._pipeline.latest
        if tick is None or (self._seen is not None and tick.seq == self._seen.seq):
            return None
        mark = _received_s(tick) // self._every_s
        is_due = mark != self._mark
        if is_due and self._due_since_s is None:
            self._due_since_s = self._monotonic_s()
        begun_s, worked_s = self._monotonic_s(), self._worked_s()
        if begun_s < self._again_s or not (begun_s >= self._balanced_s or self._is_late(begun_s)):
            return None
        with LogCorrelationContext(correlation_id, span=span):
            issued = self._do(mark if is_due else None, tick)
        # What it worked, not what it waited: on a machine that others keep busy it takes no more.
        took_s = (self._worked_s() - worked_s) / _SHARE
        self._balanced_s = max(self._balanced_s, begun_s) + took_s
        if is_due:
            self._tried_s = begun_s
            if issued is None:
                # The same tick is tried again, which may be the last one for long.
                self._again_s = self._monotonic_s() + _AFTER_FAILURE_S
        return issued

    def _is_late(self, now_s: float) -> bool:
        """Whether a forecast is due, and the last one so long ago that no pause counts."""
        return self._due_since_s is not None and now_s - self._tried_s >= self._every_s

    def _do(self, mark: int | None, tick: Tick) -> Issued | None:
        """Issue what was due at a mark, and tell of the tick, unless it is to be tried again.

        Told to stop, it begins no part any more that has nothing to keep.
        """
        is_stopping = self._foresight.stopping.is_set
        self._catch_up()
        issued = None
        if mark is not None:
            issued = self._issue_as_of(mark, tick, is_stopping)
            if issued is None:
                return None
        for part in self._foresight.on_tick:
            if is_stopping():
                return issued
            self._beside(part, tick)
        self._seen = tick
        return issued

    def _catch_up(self) -> None:
        """Do what waits for the database, in order; it may have to go on waiting.

        What fails otherwise is not tried again, as ever: it would hold up all that waits behind it.
        """
        while self._waiting:
            self._beside(*self._waiting[0])
            if self._is_away:
                return
            self._waiting.popleft()

    def _issue_as_of(self, mark: int, tick: Tick, is_stopping: Callable[[], bool]) -> Issued | None:
        """Issue what was due at a mark, now that `tick` was received behind it."""
        self._begin()
        before, mark_s = self._seen, mark * self._every_s
        if before is not None and _is_last_by(mark_s, before, tick):
            issued = self._issue(before, mark_s, is_stopping)
        else:
            issued = self._issue(tick, _received_s(tick), is_stopping)
        if issued is not None:
            if self._mark is not None and mark > self._mark:
                self.skipped += mark - self._mark - 1
            self._mark = mark
            self._due_since_s = None
        return issued

    def _issue(self, tick: Tick, as_of_s: int, is_stopping: Callable[[], bool]) -> Issued | None:
        for part in self._foresight.before_issue:
            self._beside(part, tick)
            if is_stopping():
                return None
        begun_s = self._monotonic_s()
        issued = self._try("issue", "issue", partial(self._forecaster.issue, tick, as_of_s))
        situation = self._forecaster.situation
        if issued is None or situation is None:
            return None
        took_s = self._monotonic_s() - begun_s
        self.issued += 1
        self._log.log_operation(
            "issue",
            LogLevel.DEBUG,
            seq=tick.seq,
            as_of=format_s(issued.as_of_s),
            model=issued.model,
            duration_s=round(took_s, 3),
        )
        for each in self._foresight.after_issue:
            if not self._beside(each, tick, issued, situation) and self._is_away:
                self._waiting.append((each, tick, issued, situation))
        return issued

    def _beside(self, part: Callable[..., object], *about: object) -> bool:
        """Call a part of foresight, under its own name; whether it went well."""
        name = getattr(part, "__name__", type(part).__name__)
        self._is_away = False
        self._try(name, "beside", partial(part, *about))
        return name not in self.errors and not self._is_away

    def _try(self, name: str, kind: str, call: Callable[[], T]) -> T | None:
        """What `call` gives, timed; None where it raises, which is logged, counted and kept."""
        try:
            with self._telemetry.timed(name, "forecast", slow_s=_SLOW_S):
                given = call()
        except DatabaseAwayError:
            # Logged, and no fault of a forecast's: the store's health is about that.
            self._is_away = True
            return None
        except Exception as error:  # noqa: BLE001 - the top of the loop: said, and tried again
            self._failures[kind].inc()
            self.errors[name] = f"{type(error).__name__}: {error}"
            return None
        self.errors.pop(name, None)
        return given


def _received_s(tick: Tick) -> int:
    """When a tick's feed was received, rounded up: all of it was known then."""
    return -(-tick.received_at_us // 1_000_000)


def _is_last_by(mark_s: int, before: Tick, tick: Tick) -> bool:
    """Whether what `before` told is what was known at the mark, and not of too long ago."""
    is_next = tick.seq == before.seq + 1 and _received_s(tick) > mark_s
    return is_next and 0 <= mark_s - _received_s(before) <= _OLDEST_S
