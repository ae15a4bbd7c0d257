"""When the model is trained anew, in a process of its own, and that the better one serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sectorwatch.clock import format_s
from sectorwatch.errors import ForecastError, ModelFileError
from sectorwatch.forecast.model.model import read_model
from sectorwatch.forecast.worker import Order, Report, WorkerProcess
from sectorwatch.observe import LogLevel
from sectorwatch.runtime.remembering import Remembering
from sectorwatch.store.columns import pack_columns, unpack_columns
from sectorwatch.store.forecasts import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sectorwatch.config import Settings
    from sectorwatch.forecast.forecaster import Forecaster
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.model.model import Model
    from sectorwatch.forecast.situation import Situation
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.foresight import Foresight, Surroundings
    from sectorwatch.runtime.slots import StoreSlot
    from sectorwatch.store import Store
    from sectorwatch.traffic.tick import Tick

__all__ = ["FEWEST_DAYS", "Training", "add_model", "quietest_hour"]

FEWEST_DAYS = 7
"""So many days of history are waited for before the first training."""
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60
_AGAIN_AFTER_S = {"skipped": _HOUR_S, "failed": 6 * _HOUR_S, "stopped": 0}
_LOOK_EVERY_S = 60
_STATE = "model"
_INTERVALS = "intervals"
_KEEP_EVERY_S = 1_800
_TOLD_TENTHS = 10
_DECISIONS = 20


@dataclass(frozen=True, slots=True)
class _Span:
    """What there is to be trained on."""

    from_s: int
    to_s: int


class Training:
    """Looks with each tick whether a training is due, or one that runs has ended.

    The first is due once there are `FEWEST_DAYS` of history; then one every `retrain_every_h`, at
    the hour of the local day that is quietest where that is a day or more. None begins while a
    history is flown or caught up with (`is_busy`). `listeners` are told in words how far it is.
    `look` and `resume` belong to one thread, the rest may be read from any.
    """

    def __init__(
        self,
        settings: Settings,
        forecaster: Forecaster,
        *,
        data_dir: Path,
        stores: StoreSlot,
        telemetry: Telemetry,
        is_busy: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._forecaster = forecaster
        self._data_dir = data_dir
        self._stores = stores
        self._log = telemetry.log
        self._is_busy = is_busy
        self._worker: WorkerProcess | None = None
        self._order: Order | None = None
        self._path = ""
        self._looked_s: int | None = None
        self._pause = range(0)
        self._to_keep: Decision | None = None
        self._told = 0
        self.listeners: list[Callable[[str], None]] = []
        self.report: Report | None = None
        """How the training that runs is doing, or how the last one ended; None before the first."""
        self.decisions: tuple[Decision, ...] = ()
        """The last ones between two models, newest first."""
        self.problem = ""
        """What is wrong with the model that was to serve, in words; empty where nothing is."""
        metrics = telemetry.metrics
        self._ended = {
            state: metrics.counter("forecast_trainings_total", {"result": state})
            for state in ("taken", "kept", "skipped", "failed", "stopped")
        }
        self._took = metrics.gauge("forecast_training_seconds", unit="seconds")
        self._peak = metrics.gauge("forecast_training_memory", unit="bytes")
        self._age = metrics.gauge("forecast_model_age_seconds", unit="seconds")

    @property
    def is_running(self) -> bool:
        """Whether a training runs now."""
        return self._worker is not None

    def resume(self) -> None:
        """Take up the model that served last. Raises DatabaseAwayError."""
        store = self._stores.ask()
        kept = store.forecasts.state(_STATE)
        self.decisions = tuple(store.forecasts.decisions(_DECISIONS))
        # What was wrong at an earlier start may have been mended since.
        self.problem = ""
        named = None if kept is None else self._models / Path(kept[1].decode()).name
        others = sorted(self._models.glob("*.model"), reverse=True)
        for path in dict.fromkeys([*([] if named is None else [named]), *others]):
            model = self._read(path)
            if model is not None:
                self._log.log_operation("take_up_model", model=model.version, file=path.name)
                return

    def look(self, tick: Tick) -> None:
        """Do what is due at a tick. Raises DatabaseAwayError; it is made up for at the next one."""
        now_s = tick.time_us // 1_000_000
        model = self._forecaster.model
        if model is not None:
            self._age.set(max(0, now_s - model.trained_to_s))
        if self._to_keep is not None:
            self._keep(self._stores.ask(), self._to_keep)
        if self._worker is not None:
            self._follow(self._worker.poll(), now_s)
            return
        if self._looked_s is not None and 0 <= now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        span = self._due(tick, now_s)
        if span is not None:
            self._start(span)

    def stop(self) -> None:
        """End a training that runs; what it had is lost."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self.report = worker.stop()
            self._ended["stopped"].inc()

    def about(self) -> dict[str, Any]:
        """How training is doing, for whoever asks."""
        about: dict[str, Any] = {}
        if self.problem:
            about["model_problem"] = self.problem
        report = self.report
        if report is not None:
            about["training"] = {
                "state": report.state,
                "share": round(report.share, 3),
                "words": report.words,
                "seconds": round(report.seconds, 1),
                "peak_mb": round(report.peak_mb),
            }
        return about

    @property
    def _models(self) -> Path:
        return self._data_dir / "models"

    def _read(self, path: Path) -> Model | None:
        """The model of a file, now at work; None where it cannot be used, which is said."""
        try:
            model = read_model(path)
            self._forecaster.take_over(model)
        except (ModelFileError, ForecastError) as error:
            self.problem = str(error)
            self._log.log_operation(
                "take_up_model", LogLevel.WARNING, file=path.name, what=self.problem
            )
            return None
        self._path = str(path)
        return model

    def _due(self, tick: Tick, now_s: int) -> _Span | None:
        """What to train on where a training is due, else None."""
        every_s = int(self._settings.retrain_every_h * _HOUR_S)
        # Nor is it waited where the clock was set back to before what it is waited for.
        if not every_s or now_s in self._pause or tick.final_minute_s is None:
            return None
        if self._is_busy() or not self._is_time(now_s, every_s):
            return None
        to_s = tick.final_minute_s + _MINUTE_S
        known = self._stores.ask().network.known(to_s - _MINUTE_S, to_s)
        from_s = to_s - self._settings.training_days * _DAY_S
        from_s = max(from_s, to_s if known.first_s is None else known.first_s)
        if to_s - from_s < FEWEST_DAYS * _DAY_S:
            return None
        return _Span(from_s // _MINUTE_S * _MINUTE_S, to_s)

    def _is_time(self, now_s: int, every_s: int) -> bool:
        model = self._forecaster.model
        if model is None:
            return True
        since_s = self._since_s(model, now_s)
        if since_s is None:
            return True
        if every_s < _DAY_S:
            return since_s >= every_s
        past, local = self._forecaster.past, self._forecaster.local
        if since_s >= every_s + _DAY_S or past is None:
            return since_s >= every_s
        if since_s < every_s - 2 * _HOUR_S:
            return False
        hour = int(local.hour_of_week(np.array([now_s]))[0]) % 24
        week_s = now_s // _HOUR_S * _HOUR_S - np.arange(1, 7 * 24 + 1) * _HOUR_S
        hours = local.hour_of_week(week_s) % 24
        return hour == quietest_hour(past.bin_mean(week_s, _HOUR_S), hours)

    def _since_s(self, model: Model, now_s: int) -> int | None:
        """How long ago the last training was; None where all were in a future, by this clock.

        A clock that was wrong for a while leaves such behind: they say nothing of when the next one
        is due. One that was set back by less than a day does not.
        """
        tried_s = (model.trained_to_s, *(each.decided_at_s for each in self.decisions))
        past_s = [each for each in tried_s if each <= now_s + _DAY_S]
        return max(0, now_s - max(past_s)) if past_s else None

    def _start(self, span: _Span) -> None:
        settings = self._settings
        url = settings.database_url
        self._order = order = Order(
            data_dir=str(self._data_dir),
            database_url=None if url is None else url.get_secret_value(),
            airspace=settings.airspace,
            positions=settings.positions,
            zone=self._forecaster.local.name,
            navigation=settings.navigation_data or "",
            from_s=span.from_s,
            to_s=span.to_s,
            champion=self._path,
            memory_mb=settings.training_memory_mb,
        )
        self._log.log_operation(
            "train",
            what="begun",
            days=round((span.to_s - span.from_s) / _DAY_S, 1),
            until=format_s(span.to_s),
        )
        self._told = -1
        self._worker = WorkerProcess.start(order)

    def _follow(self, report: Report, now_s: int) -> None:
        """Say how far it is; at its end, have the better model serve."""
        self.report = report
        self._took.set(report.seconds)
        self._peak.set(report.peak_mb * (1 << 20))
        if report.state == "running":
            tenths = int(report.share * _TOLD_TENTHS)
            if tenths > self._told:
                self._told = tenths
                self._tell(f"The forecast's model is being trained: {tenths * 10} %")
            return
        self._worker = None
        self._wait(now_s, report.state)
        is_good = report.state == "done"
        result = ("taken" if report.is_taken else "kept") if is_good else report.state
        self._ended[result].inc()
        self._log.log_operation(
            "train",
            LogLevel.INFO if is_good else LogLevel.WARNING,
            what=report.state,
            result=result,
            words=report.words,
            model=report.version,
            duration_s=round(report.seconds, 1),
            peak_mb=round(report.peak_mb),
        )
        if not is_good:
            self._tell(f"The forecast's model was not trained: {report.words}")
            return
        self._take(report, now_s)

    def _take(self, report: Report, now_s: int) -> None:
        model = self._read(Path(report.path))
        if model is None:
            self._wait(now_s, "failed")
            return
        self.problem = ""
        self._tell(f"Forecasts rest on the model {model.version}: {report.words}")
        decision = Decision(
            now_s, report.challenger, report.champion, report.is_taken, dict(report.figures)
        )
        self._to_keep = decision
        self.decisions = (decision, *self.decisions)[:_DECISIONS]
        self._keep(self._stores.ask(), decision)

    def _keep(self, store: Store, decision: Decision) -> None:
        """Keep which model serves, and why."""
        store.forecasts.keep_state(_STATE, decision.decided_at_s, Path(self._path).name.encode())
        store.forecasts.keep_decision(decision)
        self._to_keep = None

    def _wait(self, now_s: int, state: str) -> None:
        """Let some time go by after a training that ended so."""
        self._pause = range(now_s, now_s + _AGAIN_AFTER_S.get(state, 0))

    def _tell(self, words: str) -> None:
        for listener in self.listeners:
            listener(words)


def add_model(foresight: Foresight, around: Surroundings) -> None:
    """A model that is trained anew now and then; what it notes and its intervals go on."""
    forecaster = foresight.forecaster
    if forecaster is None:
        return
    training = foresight.training = Training(
        around.settings,
        forecaster,
        data_dir=around.data_dir,
        stores=around.stores,
        telemetry=around.telemetry,
        is_busy=around.is_busy,
    )
    remembering = Remembering(
        forecaster,
        around.airports,
        data_dir=around.data_dir,
        stores=around.stores,
        telemetry=around.telemetry,
    )
    kept_s = 0
    is_resumed = False

    def take_up_model() -> None:
        nonlocal is_resumed
        # What fails is tried again; a model taken up twice would forget what it has noted.
        if not is_resumed:
            training.resume()
            is_resumed = True
            remembering.take_up_noted()
        kept = around.stores.ask().forecasts.state(_INTERVALS)
        if kept is not None and forecaster.model is not None:
            forecaster.take_up_intervals(unpack_columns(kept[1]))

    def train(tick: Tick) -> None:
        training.look(tick)

    def keep_intervals(_tick: Tick, issued: Issued, _situation: Situation) -> None:
        nonlocal kept_s
        if abs(issued.as_of_s - kept_s) >= _KEEP_EVERY_S and (arrays := forecaster.intervals()):
            state = pack_columns(arrays)
            around.stores.ask().forecasts.keep_state(_INTERVALS, issued.as_of_s, state)
            kept_s = issued.as_of_s

    def take_up_take_offs(tick: Tick) -> None:
        remembering.take_up_take_offs(tick, foresight.stopping.is_set)

    def end_training() -> None:
        training.stop()

    foresight.at_start.append(take_up_model)
    foresight.on_tick.append(train)
    foresight.before_issue.append(take_up_take_offs)
    foresight.after_issue += [keep_intervals, remembering.keep_noted]
    foresight.at_stop += [end_training, remembering.keep]


def quietest_hour(load: NDArray[Any], hour: NDArray[Any]) -> int:
    """The hour of the day, 0 to 23, in which `load` (sectors, n) of the hours `hour` (n,) is least.

    With the hours on either side, so that a training has time. Unknown load (NaN) does not count: a
    sector that was drawn yesterday has none before, and the others have.

    >>> hours = np.arange(48) % 24
    >>> quietest_hour(np.abs([hours - 4.0]), hours)
    4
    """
    known = np.isfinite(load).any(axis=0)
    count = np.bincount(hour[known], minlength=24)
    total = np.bincount(hour[known], np.nansum(load, axis=0)[known], minlength=24)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.inf)
    around = mean + np.roll(mean, 1) + np.roll(mean, -1)
    return int(np.argmin(around))
