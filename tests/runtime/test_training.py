"""When a model is trained, what serves afterwards, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec import structs

from forecast.made_model import made_model
from made_ticks import START_S, tick
from runtime.world import _airports, _airspace
from sectorwatch.clock import SystemClock
from sectorwatch.config import Settings
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.forecast.model.model import write_model
from sectorwatch.forecast.worker import Order, Report
from sectorwatch.observe import LogLevel, Telemetry
from sectorwatch.runtime import training as module
from sectorwatch.runtime.foresight import Foresight, make_foresight
from sectorwatch.runtime.slots import StoreSlot
from sectorwatch.runtime.training import quietest_hour
from sectorwatch.store import DataDirectory, Store
from sectorwatch.web.present.airport_accuracy import model_decision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.runtime.training import Training

AIRSPACE = _airspace(("made:australia",))
DAY_S, HOUR_S = 86_400, 3_600


@dataclass
class Process:
    """A training that goes as a test says: the real one takes minutes and a week of history."""

    orders: list[Order] = field(default_factory=list)
    report: Report = field(default_factory=lambda: Report(state="running"))
    stopped: int = 0

    def start(self, order: Order) -> Process:
        """Note the order."""
        self.orders.append(order)
        return self

    def poll(self) -> Report:
        """What the test says."""
        return self.report

    def stop(self) -> Report:
        """End it."""
        self.stopped += 1
        return Report(state="stopped")


@dataclass
class Scene:
    """A database whose feeds begin at the start, and a training beside it."""

    store: Store
    foresight: Foresight
    telemetry: Telemetry
    process: Process
    slot: StoreSlot
    is_busy: bool = False

    @property
    def training(self) -> Training:
        """What is tested."""
        assert self.foresight.training is not None
        return self.foresight.training

    def at(self, after_s: float) -> None:
        """Look by a tick so long after the start."""
        time_s = START_S + int(after_s)
        self.training.look(
            tick(int(after_s), time_s=time_s, final_minute_s=time_s // 60 * 60 - 180)
        )

    def lines(self, level: LogLevel) -> list[str]:
        """What was logged of training at that level, as words."""
        found = self.telemetry.log.search(service="forecast", level=level)
        return [str(line.get("words", line.get("what"))) for line in found]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Weekly training would be seen to by the clock of its ticks."""
    process = Process()
    monkeypatch.setattr(module, "WorkerProcess", process)
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        store.commit(tick(1, final_minute_s=START_S - 60))
        slot = StoreSlot(lambda: store, CircuitBreaker("database", SystemClock()))
        slot.start()
        telemetry = Telemetry.open()
        made: list[Scene] = []
        foresight = make_foresight(
            Settings(),
            AIRSPACE,
            _airports(),
            slot,
            data_dir=directory.path,
            telemetry=telemetry,
            is_busy=lambda: made[0].is_busy,
        )
        made.append(Scene(store, foresight, telemetry, process, slot))
        yield made[0]


def test_the_first_training_waits_for_a_week(scene: Scene) -> None:
    """Then it is begun at once, of all there is, with what this instance is made of."""
    scene.at(6.9 * DAY_S)
    assert scene.process.orders == []
    scene.at(7.1 * DAY_S)
    [order] = scene.process.orders
    assert (order.from_s, order.champion) == (START_S, "")
    assert order.to_s - order.from_s >= 7 * DAY_S
    assert order.airspace == ("made:australia",)
    assert order.zone.startswith("Australia/")
    assert order.memory_mb == 800
    assert scene.training.is_running


def test_no_more_days_than_are_wished_for_are_trained_on(scene: Scene) -> None:
    """The last of them."""
    scene.at(100 * DAY_S)
    [order] = scene.process.orders
    assert order.to_s - order.from_s == 56 * DAY_S


def test_none_begins_while_a_history_is_flown(scene: Scene) -> None:
    """It would take the processor from it; nor one after another while one runs."""
    scene.is_busy = True
    scene.at(20 * DAY_S)
    assert scene.process.orders == []
    scene.is_busy = False
    scene.at(20 * DAY_S + 120)
    scene.at(20 * DAY_S + 240)
    assert len(scene.process.orders) == 1


def test_how_far_it_is_is_told(scene: Scene) -> None:
    """Every tenth, in words, to whoever listens; and to who asks how the service is."""
    told: list[str] = []
    scene.training.listeners.append(told.append)
    scene.at(8 * DAY_S)
    for number, share in enumerate((0.0, 0.04, 0.31, 0.33)):
        scene.process.report = Report(state="running", share=share, words="learning", peak_mb=300)
        scene.at(8 * DAY_S + 60 * number)
    assert told == [f"The forecast's model is being trained: {n} %" for n in (0, 30)]
    said = scene.training.about()["training"]
    assert (said["state"], said["share"], said["peak_mb"]) == ("running", 0.33, 300)


def test_too_little_memory_is_said_and_tried_again_in_an_hour(scene: Scene) -> None:
    """A warning in the log and the words in the details; the forecast goes on without."""
    scene.at(8 * DAY_S)
    scene.process.report = Report(state="skipped", words="800 MB are wanted and 100 MB are free")
    scene.at(8 * DAY_S + 60)
    assert not scene.training.is_running
    assert "100 MB are free" in scene.training.about()["training"]["words"]
    assert scene.lines(LogLevel.WARNING) == ["800 MB are wanted and 100 MB are free"]
    scene.process.report = Report(state="running")
    scene.at(8 * DAY_S + 1_800)
    assert len(scene.process.orders) == 1
    scene.at(8 * DAY_S + 3_700)
    assert len(scene.process.orders) == 2
    scene.telemetry.metrics.collect()
    counted = scene.telemetry.metrics.get_metrics(
        "forecast_trainings_total", tags={"result": "skipped"}
    )
    assert counted[-1].value == 1


def test_a_file_that_is_no_model_is_said_and_serves_nobody(scene: Scene, tmp_path: Path) -> None:
    """After a training, and at a start; another is made later."""
    models = tmp_path / "data/models"
    models.mkdir()
    cut = models / "20260101T0000Z.model"
    cut.write_bytes(b"SWMODEL\0 and then nothing")
    scene.training.resume()
    assert str(cut) in scene.training.about()["model_problem"]
    assert scene.foresight.about()["basis"] == "insufficient_history"
    scene.at(8 * DAY_S)
    scene.process.report = Report(state="done", path=str(cut), version="20260101T0000Z")
    scene.at(8 * DAY_S + 60)
    assert scene.foresight.about()["model"] is None
    assert scene.store.forecasts.decisions() == []
    scene.at(8 * DAY_S + 3_700)
    assert len(scene.process.orders) == 1
    scene.at(8 * DAY_S + 6.1 * HOUR_S)
    assert len(scene.process.orders) == 2


def test_the_model_of_a_training_serves_and_is_there_after_a_restart(
    scene: Scene, tmp_path: Path
) -> None:
    """From then on, with the verdict kept; the next one is told which it has to beat."""
    forecaster = scene.foresight.forecaster
    assert forecaster is not None
    path = tmp_path / "data/models/20231122T0000Z.model"
    path.parent.mkdir()
    model = made_model(AIRSPACE, forecaster.local, to_s=START_S + 8 * DAY_S, version=path.stem)
    write_model(path, model)
    scene.at(8 * DAY_S)
    scene.process.report = Report(
        state="done",
        path=str(path),
        version=path.stem,
        challenger=path.stem,
        is_taken=True,
        figures={"challenger.mae": 0.5},
        words="there was no model before it",
    )
    told: list[str] = []
    scene.training.listeners.append(told.append)
    scene.at(8 * DAY_S + 60)
    assert scene.foresight.about()["model"] == path.stem
    assert told == [f"Forecasts rest on the model {path.stem}: there was no model before it"]
    [decision] = scene.store.forecasts.decisions()
    assert (decision.challenger, decision.champion, decision.is_taken) == (path.stem, "", True)
    assert scene.training.decisions == (decision,)
    shown = model_decision(decision)
    assert (shown.challenger, shown.taken) == (path.stem, True)
    assert shown.figures == {"challenger.mae": 0.5}
    # A day later; which hour is quietest is not known here.
    scene.at(9 * DAY_S - 3 * HOUR_S)
    assert len(scene.process.orders) == 1
    scene.at(9 * DAY_S + 300)
    assert [order.champion for order in scene.process.orders] == ["", str(path)]
    again = make_foresight(
        Settings(),
        AIRSPACE,
        _airports(),
        scene.slot,
        data_dir=tmp_path / "data",
        telemetry=Telemetry.null(),
    )
    assert again.training is not None
    again.training.resume()
    assert again.about()["model"] == path.stem


def test_a_clock_that_was_set_back_holds_nothing_up(scene: Scene, tmp_path: Path) -> None:
    """Neither a pause nor a training in what is the future now; the next one counts as always."""
    scene.at(400 * DAY_S)
    scene.process.report = Report(state="skipped", words="too little memory")
    scene.at(400 * DAY_S + 60)
    scene.at(400 * DAY_S + 180)
    assert len(scene.process.orders) == 1
    # A year was gone on with from there, and then the clock was set right.
    scene.at(402 * DAY_S)
    finish(scene, tmp_path, 402 * DAY_S)
    assert len(scene.process.orders) == 2
    scene.at(403 * DAY_S - 4 * HOUR_S)
    assert len(scene.process.orders) == 2
    scene.at(20 * DAY_S)
    assert len(scene.process.orders) == 3
    # The one before stays, which was trained in that future: a day is waited all the same.
    scene.process.report = structs.replace(scene.process.report, is_taken=False)
    scene.at(20 * DAY_S + 60)
    assert not scene.training.is_running
    for after_s in (120, 3_600, DAY_S - 3 * HOUR_S):
        scene.at(20 * DAY_S + after_s)
        assert len(scene.process.orders) == 3
    scene.at(21 * DAY_S + 120)
    assert len(scene.process.orders) == 4


def test_a_clock_that_is_set_right_by_minutes_makes_no_training_due(
    scene: Scene, tmp_path: Path
) -> None:
    """The one of a moment ago is of a moment ago."""
    scene.at(20 * DAY_S)
    finish(scene, tmp_path, 20 * DAY_S)
    scene.at(20 * DAY_S - 600)
    assert len(scene.process.orders) == 1


def test_what_was_wrong_with_a_model_is_over_when_it_is_mended(
    scene: Scene, tmp_path: Path
) -> None:
    """At the next start of the service; nobody is told of it any more."""
    path = tmp_path / "data/models/20231122T0000Z.model"
    path.parent.mkdir()
    path.write_bytes(b"SWMODEL\0 and then nothing")
    scene.training.resume()
    assert "model_problem" in scene.training.about()
    forecaster = scene.foresight.forecaster
    assert forecaster is not None
    write_model(path, made_model(AIRSPACE, forecaster.local, to_s=START_S, version=path.stem))
    scene.training.resume()
    assert "model_problem" not in scene.training.about()
    assert scene.foresight.about()["model"] == path.stem


def finish(scene: Scene, tmp_path: Path, after_s: int) -> None:
    """Have the training that runs end well, with a model until then."""
    forecaster = scene.foresight.forecaster
    assert forecaster is not None
    path = tmp_path / "data/models/20231122T0000Z.model"
    path.parent.mkdir(exist_ok=True)
    model = made_model(AIRSPACE, forecaster.local, to_s=START_S + after_s, version=path.stem)
    write_model(path, model)
    scene.process.report = Report(
        state="done", path=str(path), version=path.stem, challenger=path.stem, is_taken=True
    )
    scene.at(after_s + 60)
    assert not scene.training.is_running


def test_the_end_of_the_service_ends_a_training(scene: Scene) -> None:
    """And again there is nothing to end."""
    scene.at(8 * DAY_S)
    scene.training.stop()
    scene.training.stop()
    assert scene.process.stopped == 1
    assert not scene.training.is_running


def test_never_is_never(scene: Scene) -> None:
    """With retrain_every_h = 0 no model is trained at all."""
    scene.training._settings = Settings(retrain_every_h=0)
    scene.at(50 * DAY_S)
    assert scene.process.orders == []


def test_the_quietest_hour_is_that_of_what_is_known() -> None:
    """Hours of which nothing is known are not quiet."""
    hours = np.arange(7 * 24) % 24
    load: Any = np.where((hours >= 2) & (hours <= 5), 1.0, 9.0)
    load[hours == 15] = np.nan
    assert quietest_hour(load[None], hours) in {3, 4}
    drawn_yesterday = np.where(np.arange(load.size) < 24, load, np.nan)
    assert quietest_hour(np.stack([drawn_yesterday, load]), hours) in {3, 4}
