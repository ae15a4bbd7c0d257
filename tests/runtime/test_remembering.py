"""What the model that serves has noted since its training is there after a restart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.flown_past import START_S, airports, airspace, fly, snapshots
from forecast.made_model import made_model
from sectorwatch.clock import SystemClock
from sectorwatch.config import Settings
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.forecast.departed import pairs_flown
from sectorwatch.forecast.history import History
from sectorwatch.forecast.model.conformal import Conformal
from sectorwatch.forecast.model.model import write_model
from sectorwatch.observe import LogLevel, Telemetry
from sectorwatch.runtime.foresight import Foresight, make_foresight
from sectorwatch.runtime.slots import StoreSlot
from sectorwatch.store import DataDirectory, Store
from sectorwatch.store.columns import pack_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sectorwatch.forecast.features import Memory
    from sectorwatch.traffic.tick import Tick

MINUTES = range(0, 100, 2)
HOUR_S = 3_600


def _goes_well(part: Callable[[], object]) -> bool:
    try:
        part()
    except Exception:  # noqa: BLE001 - as the program does: what fails is tried again
        return False
    return True


@dataclass
class Instance:
    """A program between a start and its end, with a model that was trained until the start."""

    foresight: Foresight
    telemetry: Telemetry
    to_begin: list[Callable[[], object]] = field(init=False)

    def __post_init__(self) -> None:
        self.to_begin = list(self.foresight.at_start)
        self.begin()

    @property
    def memory(self) -> Memory:
        """What its model remembers."""
        assert self.foresight.forecaster is not None
        memory = self.foresight.forecaster.memory
        assert memory is not None
        return memory

    def look(self, tick: Tick) -> None:
        """Forecast by a tick, with all that hangs on it."""
        forecaster = self.foresight.forecaster
        assert forecaster is not None
        for before in self.foresight.before_issue:
            before(tick)
        issued = forecaster.issue(tick)
        assert forecaster.situation is not None
        for after in self.foresight.after_issue:
            after(tick, issued, forecaster.situation)

    def begin(self) -> None:
        """Have the parts take up what they had before that could not until now."""
        self.to_begin = [part for part in self.to_begin if not _goes_well(part)]

    def stop(self) -> None:
        """End it as it should be."""
        for part in self.foresight.at_stop:
            part()


class _Away(StoreSlot):
    away = 0

    def ask(self) -> Store:
        self.away -= 1
        if self.away >= 0:
            raise DatabaseAwayError("it is away")
        return super().ask()


@dataclass
class Scene:
    """A hundred minutes of traffic in a database, and the program over them, again and again."""

    store: Store
    folder: Path
    ticks: list[Tick]

    def at(self, minute: int) -> Tick:
        """The tick of that minute."""
        return self.ticks[minute // 2]

    def start(self, away: int = 0) -> Instance:
        """Start it; the database is `away` for so many of the first questions."""
        slot = _Away(lambda: self.store, CircuitBreaker("database", SystemClock()))
        slot.away = away
        slot.start()
        telemetry = Telemetry.open()
        foresight = make_foresight(
            Settings(),
            airspace(),
            airports(),
            slot,
            data_dir=self.folder,
            telemetry=telemetry,
        )
        return Instance(foresight, telemetry)

    def model(self, version: str) -> None:
        """Have this model be the one that serves."""
        path = self.folder / f"models/{version}.model"
        path.parent.mkdir(exist_ok=True)
        local = make_foresight(
            Settings(),
            airspace(),
            airports(),
            StoreSlot(lambda: self.store, CircuitBreaker("database", SystemClock())),
            data_dir=self.folder,
            telemetry=Telemetry.null(),
        ).local
        assert local is not None
        write_model(path, made_model(airspace(), local, to_s=START_S, version=version))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Flown once; each test has a model of its own."""
    folder = tmp_path_factory.mktemp("remembering") / "data"
    with DataDirectory.open(folder) as opened, Store.open(opened) as store:
        flown = fly(store, snapshots(START_S + 60 * minute for minute in MINUTES))
        yield Scene(store, opened.path, list(flown.ticks.values()))


@pytest.fixture(autouse=True)
def _no_models(scene: Scene) -> None:
    for path in (scene.folder / "models").glob("*"):
        path.unlink()


def took_off(scene: Scene) -> np.ndarray:
    """When anybody took off for a known airport, as a training finds it; in order."""
    to_s = scene.ticks[-1].time_us // 1_000_000
    history = History.load(scene.store, airspace(), airports(), START_S, to_s)
    off = history.flights.departed_s >= 0
    known = pairs_flown(history, off, to_s) != 0
    return np.sort(history.flights.departed_s[off][known])


def assert_same(ours: Memory, theirs: Memory) -> None:
    """All that lasts of both."""
    found, expected = ours.to_arrays(), theirs.to_arrays()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_a_stop_loses_nothing(scene: Scene) -> None:
    """Running means, what plans lacked, and take-offs: the next start goes on from all of it."""
    scene.model("first")
    one = scene.start()
    for minute in (4, 60, 80):
        one.look(scene.at(minute))
    one.stop()
    memory = one.memory
    assert memory.departures.until_s > START_S + HOUR_S
    assert memory.plan_usual.to_arrays()["weights"].any()
    assert memory.unseen.to_arrays()["surplus.weights"].any()
    assert_same(scene.start().memory, memory)


def test_who_is_killed_loses_an_hour_at_most_and_no_take_off(scene: Scene) -> None:
    """It is written down hourly; take-offs are in the database, landed again or not."""
    scene.model("first")
    one = scene.start()
    for minute in (4, 30, 60):
        one.look(scene.at(minute))
    weights = one.memory.plan_usual.to_arrays()["weights"].sum()
    two = scene.start()
    kept = two.memory.plan_usual.to_arrays()["weights"].sum()
    assert 0 < kept < weights
    two.look(scene.at(96))
    off_s = took_off(scene)
    until_s = scene.at(96).final_minute_s
    assert until_s is not None
    found = two.memory.departures.to_arrays()["time_s"]
    assert found[found <= until_s].tolist() == off_s[off_s <= until_s].tolist()
    assert np.setdiff1d(one.memory.departures.to_arrays()["time_s"], found).size == 0


def test_without_what_was_written_take_offs_are_known_all_the_same(scene: Scene) -> None:
    """Of a model that served before there was such a file, or whose file was lost."""
    scene.model("first")
    one = scene.start()
    one.look(scene.at(90))
    until_s = scene.at(90).final_minute_s
    assert until_s is not None
    found = one.memory.departures.to_arrays()["time_s"]
    expected = took_off(scene)
    assert found[found <= until_s].tolist() == expected[expected <= until_s].tolist()
    # Each once, however often it is looked.
    for minute in (92, 96):
        one.look(scene.at(minute))
    assert np.unique(one.memory.departures.to_arrays()["time_s"]).size >= found.size
    assert one.memory.departures.to_arrays()["time_s"].size <= expected.size


@pytest.mark.parametrize("change", ["foreign", "cut"])
def test_what_is_of_another_model_is_refused_and_said(scene: Scene, change: str) -> None:
    """The model serves without; the next writing is its own."""
    scene.model("first")
    one = scene.start()
    one.look(scene.at(30))
    one.stop()
    path = scene.folder / "models/noted.memory"
    if change == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        (scene.folder / "models/first.model").unlink()
        scene.model("second")
    two = scene.start()
    assert not two.memory.plan_usual.to_arrays()["weights"].any()
    [line] = two.telemetry.log.search(service="forecast", level=LogLevel.WARNING)
    assert "lost until the next training" in str(line)
    two.look(scene.at(40))
    three = scene.start()
    assert_same(three.memory, two.memory)
    assert not three.telemetry.log.search(service="forecast", level=LogLevel.WARNING)


def test_intervals_that_cannot_be_used_cost_nothing_else(scene: Scene) -> None:
    """What fails at the start is tried again: the model and what it noted are not taken up anew."""
    scene.model("first")
    one = scene.start()
    for minute in (4, 60, 80):
        one.look(scene.at(minute))
    one.stop()
    scene.store.forecasts.keep_state("intervals", START_S, b"of another sectorwatch")
    two = scene.start()
    two.look(scene.at(90))
    noted = {name: each.copy() for name, each in two.memory.noted().items()}
    two.begin()
    for name, each in two.memory.noted().items():
        np.testing.assert_array_equal(each, noted[name], err_msg=name)


def test_a_database_that_is_back_gives_the_model_and_what_hangs_on_it(scene: Scene) -> None:
    """Intervals belong to the model: they wait for it where it could not be taken up at once."""
    scene.model("first")
    one = scene.start()
    one.look(scene.at(60))
    one.stop()
    adapted = Conformal.untaught()
    adapted.adapt(
        np.full(900, 3.0, np.float32),
        np.full(900, 900),
        np.tile(np.arange(1, 6, dtype=np.float32), (900, 1)),
        np.zeros(900, np.float32),
        np.full(900, 9.0, np.float32),
        3_600,
    )
    name = np.frombuffer(b"first", dtype=np.uint8)
    state = pack_columns({**adapted.to_arrays(), "version": name})
    scene.store.forecasts.keep_state("intervals", START_S, state)
    two = scene.start(away=2)  # for the last forecast, and for which model served
    assert two.foresight.forecaster is not None
    assert two.foresight.forecaster.model is None
    two.begin()
    found = two.foresight.forecaster.intervals()
    for each, value in adapted.to_arrays().items():
        np.testing.assert_array_equal(found[each], value, err_msg=each)
    assert_same(two.memory, one.memory)


def test_what_was_written_by_a_clock_far_ahead_hides_no_take_offs(scene: Scene) -> None:
    """Those that the file has not are looked for since the training, as without it."""
    scene.model("first")
    one = scene.start()
    tick = scene.at(30)
    one.look(replace(tick, received_at_us=tick.received_at_us + 400 * 86_400_000_000))
    one.stop()
    two = scene.start()
    two.look(scene.at(96))
    until_s = scene.at(96).final_minute_s
    assert until_s is not None
    found, off_s = two.memory.departures.to_arrays()["time_s"], took_off(scene)
    assert found[found <= until_s].tolist() == off_s[off_s <= until_s].tolist()


def test_take_offs_are_looked_for_since_a_memory_took_note(scene: Scene) -> None:
    """Without a past nothing is noted: what was written down says nothing of that time."""
    scene.model("first")
    one = scene.start()
    one.foresight.before_issue.pop(0)  # the past, as where it cannot be read
    one.look(scene.at(60))
    one.stop()
    assert not (scene.folder / "models/noted.memory").exists()


def test_who_took_off_and_landed_while_nothing_was_forecast_is_known(scene: Scene) -> None:
    """As when forecasts were stopped for a while, or a long past is caught up with in a hurry."""
    scene.model("first")
    one = scene.start()
    for minute in (4, 96):
        one.look(scene.at(minute))
    until_s = scene.at(96).final_minute_s
    assert until_s is not None
    found, off_s = one.memory.departures.to_arrays()["time_s"], took_off(scene)
    assert found[found <= until_s].tolist() == off_s[off_s <= until_s].tolist()
