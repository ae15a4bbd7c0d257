"""When forecasts are due, what they may take, and that what fails takes nothing with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from made_ticks import LIVE, START_S, tick
from runtime.world import _airports, _airspace
from sectorwatch.clock import SystemClock
from sectorwatch.config import Settings
from sectorwatch.errors import DatabaseAwayError, StoreError
from sectorwatch.feed.breaker import CircuitBreaker
from sectorwatch.observe import LogLevel, PerformanceMetric, Telemetry
from sectorwatch.runtime.foresight import Foresight, make_foresight
from sectorwatch.runtime.issuing import Issuing
from sectorwatch.runtime.slots import StoreSlot
from sectorwatch.store import DataDirectory, Store

if TYPE_CHECKING:
    from sectorwatch.forecast.issued import Issued
    from sectorwatch.forecast.past import Past
    from sectorwatch.traffic.tick import Tick

AIRSPACE = _airspace(("made:australia",))
EVERY_S = 300


def made(settings: Settings) -> Foresight:
    """The parts of foresight over a database that is away."""

    def away() -> Store:
        raise DatabaseAwayError("there is none in this test")

    breaker = CircuitBreaker("database", SystemClock())
    return make_foresight(
        settings,
        AIRSPACE,
        _airports(),
        StoreSlot(away, breaker),
        data_dir=Path("nowhere"),
        telemetry=Telemetry.null(),
    )


@dataclass
class Now:
    """What a pipeline shows of itself: the newest tick, and where it comes from."""

    latest: Tick | None = None
    source: Any = None
    is_finished: bool = False
    time_us: int = 0

    def now_us(self) -> int:
        """The source's time."""
        return self.time_us


@dataclass
class Scene:
    """A forecast's works with a clock that is set by hand; each look takes `cost_s`."""

    cost_s: float = 0.0
    clock_s: float = 1_000.0
    waits_s: float = 0.0
    waited_s: float = 0.0
    now: Now = field(default_factory=Now)
    telemetry: Telemetry = field(default_factory=Telemetry.open)

    def __post_init__(self) -> None:
        self.foresight = made(Settings())
        forecaster = self.foresight.forecaster
        assert forecaster is not None
        self.forecaster = forecaster
        # What the database is needed for is tested where there is one.
        self.foresight.at_start.clear()
        self.foresight.on_tick.clear()
        self.foresight.before_issue.clear()
        self.foresight.after_issue.clear()
        self.foresight.before_issue.append(self.spend)
        self.restart()

    def restart(self) -> None:
        """Begin anew with the same parts."""
        self.issuing = Issuing(
            self.foresight,
            self.forecaster,
            pipeline=self.now,  # type: ignore[arg-type]
            telemetry=self.telemetry,
            every_s=EVERY_S,
            monotonic_s=lambda: self.clock_s,
            worked_s=lambda: self.clock_s - self.waited_s,
        )

    def spend(self, _: Tick) -> None:
        """Let the time go by that a forecast takes."""
        self.clock_s += self.cost_s + self.waits_s
        self.waited_s += self.waits_s

    def at(self, seq: int, after_s: int) -> bool:
        """Whether something is issued by a tick so long after the start."""
        loads = np.zeros(len(AIRSPACE.sectors), np.int32)
        loads[0] = 3
        live = replace(LIVE, occupancy=loads)
        self.now.latest = tick(seq, time_s=START_S + after_s, live=live)
        return self.issuing.look() is not None


@pytest.fixture
def scene() -> Scene:
    """Works in which nothing takes time."""
    return Scene()


def test_a_forecast_is_as_of_each_mark_by_what_was_received_till_then(scene: Scene) -> None:
    """The first one at once; then one for each five minutes, of the last tick before its mark."""
    assert scene.issuing.look() is None
    found = []
    for number in range(11):
        if scene.at(number, 7 + 60 * number):
            latest = scene.foresight.latest
            assert latest is not None
            found.append((latest.as_of_s - START_S, latest.seq))
    # Each feed is received two seconds after its time.
    assert found == [(9, 0), (300, 4), (600, 9)]
    assert scene.issuing.issued == 3
    assert scene.issuing.skipped == 0
    assert scene.issuing.behind_s() == 0
    latest = scene.foresight.latest
    assert latest is not None
    assert latest.current[0] == 3


def test_where_the_tick_before_a_mark_is_not_known_it_is_as_of_the_newest(scene: Scene) -> None:
    """After a gap, and where ticks were skipped: nothing is said as of before it was known."""
    assert scene.at(1, 0)
    assert scene.at(2, 1_000)
    assert scene.foresight.latest is not None
    assert scene.foresight.latest.as_of_s == START_S + 1_002
    assert scene.at(4, 1_205)
    assert scene.foresight.latest.as_of_s == START_S + 1_207
    assert scene.foresight.latest.seq == 4
    # One that is received right on the mark was known at it.
    assert scene.at(5, 1_498)
    assert (scene.foresight.latest.as_of_s, scene.foresight.latest.seq) == (START_S + 1_500, 5)


def test_ticks_that_come_fast_are_not_slowed(scene: Scene) -> None:
    """A forecast of a second is followed by nine without; what is left out is counted."""
    scene.cost_s = 1.0
    assert scene.at(1, 0)
    for number in range(2, 10):
        scene.clock_s += 1.0
        assert not scene.at(number, 300 * number)
    assert scene.issuing.behind_s() > 0
    scene.clock_s += 1.0
    assert scene.at(10, 3_000)
    assert scene.issuing.issued == 2
    assert scene.issuing.skipped == 9


def test_a_time_that_runs_back_is_a_mark_like_another(scene: Scene) -> None:
    """A clock that was set back takes no forecasts away and counts none as left out."""
    assert scene.at(1, 3_000)
    assert scene.at(2, 600)
    assert scene.issuing.skipped == 0


def test_what_hangs_on_a_forecast_hears_of_it_in_order(scene: Scene) -> None:
    """Before it, after it, and of every tick that is seen; each is timed under its own name."""
    heard: list[str] = []

    def capacity(_: Tick) -> None:
        heard.append("before")

    def warnings(*_: object) -> None:
        heard.append("after")

    def detector(_: Tick) -> None:
        heard.append("tick")

    scene.foresight.before_issue.append(capacity)
    scene.foresight.after_issue.append(warnings)
    scene.foresight.on_tick.append(detector)
    scene.at(1, 0)
    scene.at(2, 15)
    assert heard == ["before", "after", "tick", "tick"]
    for name, times in (("issue", 1), ("capacity", 1), ("warnings", 1), ("detector", 2)):
        took = scene.telemetry.performance.get_metric_summary(
            name, "forecast", PerformanceMetric.RESPONSE_TIME
        )
        assert took["count"] == times, name


def test_told_to_stop_it_begins_nothing_more(scene: Scene) -> None:
    """No forecast behind what it was told in, and no part that makes up for it the next time."""
    heard: list[str] = []

    def load(_: Tick) -> None:
        heard.append("load")
        scene.foresight.stopping.set()

    def detector(_: Tick) -> None:
        heard.append("tick")

    scene.foresight.before_issue.append(load)
    scene.foresight.on_tick.append(detector)
    assert not scene.at(1, 0)
    assert heard == ["load"]
    assert scene.issuing.errors == {}
    scene.foresight.before_issue.remove(load)

    def keep(*_: object) -> None:
        heard.append("keep")

    scene.foresight.after_issue.append(keep)
    scene.clock_s += 20
    scene.foresight.stopping = threading.Event()
    assert scene.at(2, 15)
    assert heard == ["load", "keep", "tick"]
    scene.foresight.stopping.set()
    assert not scene.at(3, 30)
    assert heard == ["load", "keep", "tick"]


def test_weeks_that_are_loaded_are_let_go_of_at_a_stop_and_gone_on_with(tmp_path: Path) -> None:
    """Until all are there, forecasts are made without; what was read is not read again."""
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        slot = StoreSlot(lambda: store, CircuitBreaker("database", SystemClock()))
        slot.start()
        foresight = make_foresight(
            Settings(),
            AIRSPACE,
            _airports(),
            slot,
            data_dir=directory.path,
            telemetry=Telemetry.null(),
        )
        [take_up_past] = (
            each
            for each in foresight.before_issue
            if getattr(each, "__name__", "") == "take_up_past"
        )
        forecaster = foresight.forecaster
        assert forecaster is not None
        now = tick(1, time_s=START_S, final_minute_s=START_S - 60)
        foresight.stopping.set()

        def past_behind_a_tick() -> Past | None:
            take_up_past(now)
            return forecaster.past

        assert past_behind_a_tick() is None
        foresight.stopping = threading.Event()
        past = past_behind_a_tick()
        assert past is not None
        assert past_behind_a_tick() is past


def test_a_part_that_fails_takes_nothing_from_the_others(scene: Scene) -> None:
    """It is logged, counted, and forgotten when it is well."""
    well: list[int] = []
    ill = [True]

    def breaks(*_: object) -> None:
        if ill[0]:
            raise ValueError("no such sector: 7")

    scene.foresight.after_issue += [breaks, lambda tick, *_: well.append(tick.seq)]
    assert scene.at(1, 0)
    assert scene.at(2, 300)
    assert len(well) == 2
    assert scene.issuing.errors == {"breaks": "ValueError: no such sector: 7"}
    lines = scene.telemetry.log.search(service="forecast", level=LogLevel.ERROR)
    assert [line["operation"] for line in lines] == ["breaks"] * 2
    scene.telemetry.metrics.collect()
    counted = scene.telemetry.metrics.get_metrics(
        "forecast_failures_total", tags={"part": "beside"}
    )
    assert counted[-1].value == 2
    ill[0] = False
    assert scene.at(3, 600)
    assert scene.issuing.errors == {}


def test_a_forecast_that_fails_is_tried_again_by_the_same_tick(scene: Scene) -> None:
    """After a pause; it has been due all the while, and the one before it stays."""
    assert scene.at(1, 0)
    whole = scene.now.latest
    assert whole is not None
    later_us = whole.received_at_us + 300_000_000
    broken = replace(whole, seq=3, received_at_us=later_us, live=None)  # type: ignore[arg-type]
    scene.now.latest = broken
    assert scene.issuing.look() is None
    assert "issue" in scene.issuing.errors
    assert scene.foresight.latest is not None
    assert scene.foresight.latest.seq == 1
    scene.now.latest = replace(broken, live=whole.live)
    scene.clock_s += 14
    assert scene.issuing.look() is None
    assert scene.issuing.behind_s() == 14
    scene.clock_s += 2
    assert scene.issuing.look() is not None
    assert scene.issuing.errors == {}


def test_what_the_database_was_away_for_is_done_when_it_is_back(scene: Scene) -> None:
    """Nothing that was issued goes unkept, nor is it a fault of the forecast's."""
    is_away = [True]
    kept: list[int] = []
    begun: list[int] = []

    def keep(_tick: Tick, issued: Issued, _: object) -> None:
        if is_away[0]:
            raise DatabaseAwayError("it is away")
        kept.append(issued.as_of_s - START_S)

    def take_up() -> None:
        if is_away[0]:
            raise DatabaseAwayError("it is away")
        begun.append(1)

    scene.foresight.at_start[:] = [take_up]
    scene.foresight.after_issue.append(keep)
    scene.restart()
    scene.issuing.begin()
    assert scene.at(1, 0)
    assert scene.at(3, 300)
    assert scene.issuing.waiting == 2
    assert scene.issuing.errors == {}
    is_away[0] = False
    assert not scene.at(4, 315)
    assert kept == [2, 302]
    assert scene.issuing.waiting == 0
    assert scene.at(6, 600)
    assert kept == [2, 302, 602]
    assert begun == [1]


def test_what_cannot_be_kept_once_the_database_is_back_holds_up_nothing(scene: Scene) -> None:
    """It is said and left out, as one that fails at once; what waits behind it is kept."""
    is_away = [True]
    kept: list[int] = []

    def keep(_tick: Tick, issued: Issued, _: object) -> None:
        if is_away[0]:
            raise DatabaseAwayError("it is away")
        if issued.as_of_s - START_S == 2:
            raise StoreError("this one holds what cannot be meant")
        kept.append(issued.as_of_s - START_S)

    scene.foresight.after_issue.append(keep)
    scene.restart()
    scene.issuing.begin()
    assert scene.at(1, 0)
    assert scene.at(3, 300)
    assert scene.issuing.waiting == 2
    is_away[0] = False
    assert not scene.at(4, 315)
    assert kept == [302]
    assert scene.issuing.waiting == 0
    assert scene.at(6, 600)
    assert kept == [302, 602]


def test_age_is_by_the_source_and_ends_with_a_recording(scene: Scene) -> None:
    """A stalled feed's forecast grows old; nothing is old when there is nothing more to come."""
    assert scene.issuing.age_s() is None
    scene.at(1, 0)
    scene.now.source = scene.now
    scene.now.time_us = (START_S + 400) * 1_000_000
    age_s = scene.issuing.age_s()
    assert age_s is not None
    assert 390 <= age_s <= 400
    scene.now.is_finished = True
    assert scene.issuing.age_s() is None


def test_off_there_is_nothing_and_it_says_so() -> None:
    """The null form: no forecaster, no forecast, and words for whoever asks."""
    foresight = made(Settings(forecasting=False))
    assert foresight == Foresight()
    assert not foresight.is_on
    assert foresight.latest is None
    assert "forecasting is false" in foresight.why_nothing("YSSY_CTR")


def test_the_zone_is_the_one_chosen_else_where_the_airspace_is() -> None:
    """UTC too, where somebody chose it."""
    chosen = made(Settings(timezone="UTC"))
    found = made(Settings())
    assert chosen.local is not None
    assert found.local is not None
    assert chosen.local.name == "UTC"
    assert found.local.name.startswith("Australia/")


def test_what_others_keep_the_machine_busy_with_is_not_its_own(scene: Scene) -> None:
    """Waiting for the processor is no work: a history flown on a busy machine has forecasts too."""
    scene.cost_s, scene.waits_s = 0.5, 20.0
    assert scene.at(1, EVERY_S)
    assert scene.issuing.wait_s() == 0
    assert scene.at(2, 2 * EVERY_S)
    scene.waits_s = 0.0
    assert scene.at(3, 3 * EVERY_S)
    assert scene.issuing.wait_s() == pytest.approx(4.5)


def test_a_slow_piece_of_work_takes_no_two_marks_from_a_time_at_its_own_pace(scene: Scene) -> None:
    """A load of weeks, say, while ticks come each fifteen seconds: the next mark has its forecast."""
    found = []
    slow = {9: 100.0, 339: 200.0}

    def piece(tick: Tick) -> None:
        scene.clock_s += slow.get(tick.time_us // 1_000_000 - START_S, 0.0)

    scene.foresight.on_tick.append(piece)
    begun_s = scene.clock_s
    for number in range(120):
        after_s = 9 + 15 * number
        scene.clock_s = max(scene.clock_s, begun_s + after_s)
        if scene.clock_s >= begun_s + after_s + 15:
            # It was at work: this tick went by.
            continue
        if scene.at(number, after_s):
            latest = scene.foresight.latest
            assert latest is not None
            found.append((latest.as_of_s - START_S) // EVERY_S)
            assert scene.clock_s - begun_s - latest.as_of_s + START_S < EVERY_S
    assert found == [0, 1, 2, 3, 4, 5]
    assert scene.issuing.skipped == 0


def test_what_a_slow_piece_took_is_made_up_for_while_a_history_is_flown(scene: Scene) -> None:
    """Marks that go by in a moment get no more than one forecast in five minutes until then."""
    scene.cost_s = 100.0
    assert scene.at(0, 0)
    scene.cost_s = 1.0
    looked, count = scene.clock_s, 0
    for number in range(1, 3_000):
        scene.clock_s += 1.0
        count += scene.at(number, EVERY_S * number)
        if scene.clock_s - looked > 900:
            break
    # One each five minutes, each of a second.
    assert 2 <= count <= 3
    assert scene.issuing.wait_s() > 0
    scene.clock_s += 200
    assert scene.issuing.wait_s() == 0


def test_a_forecast_that_fails_is_no_way_round_the_tenth(scene: Scene) -> None:
    """What it took counts as well, as often as it is tried again."""
    scene.cost_s = 5.0
    assert scene.at(1, 0)
    whole = scene.now.latest
    assert whole is not None
    scene.clock_s += 60
    later_us = whole.received_at_us + 300_000_000
    scene.now.latest = replace(whole, seq=3, received_at_us=later_us, live=None)  # type: ignore[arg-type]
    assert scene.issuing.look() is None
    assert "issue" in scene.issuing.errors
    assert scene.issuing.wait_s() == pytest.approx(45.0)
