"""Capacities, warnings and presence beside the forecasts, over a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from forecast.made_issues import AS_OF_S, issued, sector
from made_ticks import START_S, demand, tick
from sectorwatch.config import Settings
from sectorwatch.errors import DatabaseAwayError
from sectorwatch.forecast.breach import ADJACENT_CORRELATION
from sectorwatch.forecast.capacity import CapacityBook
from sectorwatch.forecast.horizon import LEADS
from sectorwatch.forecast.local_time import LocalTime
from sectorwatch.forecast.scoring.scored import Scored
from sectorwatch.observe import Telemetry
from sectorwatch.runtime.capacity_watch import CapacityWatch, capacity_rule
from sectorwatch.store import DataDirectory, Store
from sectorwatch.traffic.tick import Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorwatch.forecast.situation import Situation

DAY_S = 86_400
SECTORS = [sector("YSSY_CTR", "YSSY_CTR", capacity=8), sector("YMML_CTR", "YMML_CTR")]
BUSY = np.array([[12.0], [4.0]])


class Slot:
    """The store of a test, which may be away."""

    def __init__(self, store: Store) -> None:
        self.store: Store | None = store

    def ask(self) -> Store:
        """Give it, or say that it is away."""
        if self.store is None:
            raise DatabaseAwayError("it is away")
        return self.store


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    """A store with two days: YMML_CTR had an owner in both, and six inside."""
    with DataDirectory.open(tmp_path / "data") as directory, Store.open(directory) as store:
        number = SECTORS[1].sector_id
        for seq in range(1, 2 * 24 + 3):
            now = START_S + (seq - 1) * 3_600
            owner = Ownership(number, START_S, 1, "YMML_CTR", "first")
            store.commit(
                tick(
                    seq,
                    time_s=now,
                    count=1,
                    ownerships=[owner] if seq == 1 else [],
                    demand=demand(*((now + 60 * m, number, 6, 0) for m in range(60))),
                    final_minute_s=now + 3_540,
                )
            )
        yield Slot(store)


class Watched:
    """A watch, with whom it told of."""

    def __init__(self, slot: Slot, settings: Settings, scored: Scored | None = None) -> None:
        self.told: list[str] = []
        self.book = CapacityBook(SECTORS, capacity_rule(settings))
        self.watch = CapacityWatch(
            settings,
            SECTORS,
            self.book,
            local=LocalTime("Australia/Melbourne"),
            stores=slot,  # type: ignore[arg-type]
            telemetry=Telemetry.null(),
            tell=self.told.append,
            recent=lambda: scored,
        )

    def hear(self, mean: object, step: int, situation: Situation | None = None) -> None:
        """Take in an issue."""
        made = issued(
            SECTORS, np.asarray(mean), as_of_s=AS_OF_S + 300 * step, capacity=self.book.now
        )
        self.watch.warn_of_capacity(None, made, situation)  # type: ignore[arg-type]


@pytest.fixture
def settings() -> Settings:
    """With little staffed time to tell by."""
    return Settings(capacity_staffed_h=10)


def test_a_warning_is_told_and_survives_a_restart(slot: Slot, settings: Settings) -> None:
    """Under the same number, and it ends once."""
    before = Watched(slot, settings)
    before.hear(BUSY, 0)
    before.hear(BUSY, 1)
    (standing,) = before.watch.warnings.standing()
    assert before.told == [standing.warning_id]
    after = Watched(slot, settings)
    after.watch.take_up_warnings()
    assert after.watch.warnings.standing() == [standing]
    for step in range(2, 9):
        after.hear(BUSY * 0.2, step)
    assert after.told == [standing.warning_id]
    assert after.watch.warnings.standing() == []
    assert Watched(slot, settings).watch.warnings.ended() == []
    last = Watched(slot, settings)
    last.watch.take_up_warnings()
    assert last.watch.warnings.ended() == after.watch.warnings.ended()


def test_one_issue_before_a_restart_counts(slot: Slot, settings: Settings) -> None:
    """The second one after it raises the warning."""
    Watched(slot, settings).hear(BUSY, 0)
    after = Watched(slot, settings)
    after.hear(BUSY, 1)
    assert len(after.told) == 1


def test_a_database_that_is_away_loses_no_warning(slot: Slot, settings: Settings) -> None:
    """What stood before is taken up once it is there, and nothing is raised twice."""
    before = Watched(slot, settings)
    before.hear(BUSY, 0)
    before.hear(BUSY, 1)
    store, slot.store = slot.store, None
    after = Watched(slot, settings)
    with pytest.raises(DatabaseAwayError):
        after.hear(BUSY, 2)
    slot.store = store
    after.hear(BUSY, 3)
    assert after.told == []
    assert len(after.watch.warnings.standing()) == 1


def test_what_was_kept_and_cannot_be_read_is_let_go(slot: Slot, settings: Settings) -> None:
    """Warnings begin anew."""
    slot.ask().forecasts.keep_state("capacity_warnings", AS_OF_S, b"\xffnonsense")
    watched = Watched(slot, settings)
    watched.hear(BUSY, 0)
    watched.hear(BUSY, 1)
    assert len(watched.told) == 1


def test_past_days_teach_capacity_and_presence(slot: Slot, settings: Settings) -> None:
    """A day a tick; then who was there in past weeks at these hours is known."""
    watched = Watched(slot, settings)
    now = tick(99, time_s=START_S + 2 * DAY_S + 3_600, count=1)
    for _ in range(3):
        watched.watch.learn_capacity(now)
    assert watched.book.now.capacity(SECTORS[1].sector_id) == (6.0, "learned")
    later = issued(SECTORS, BUSY, as_of_s=START_S + 8 * DAY_S)
    watched.watch.look_at_presence(now, later, None)  # type: ignore[arg-type]
    presence = watched.watch.presence
    assert presence is not None
    assert presence.of.tolist() == [1] * 9
    assert presence.here.tolist() == [[0] * 9, [1] * 9]


def test_correlation_is_learned_from_what_was_scored(slot: Slot, settings: Settings) -> None:
    """Once an hour, of the forecasts whose truth is known."""
    leads = np.tile(LEADS, 600)
    count = leads.size
    pit = np.repeat(np.random.default_rng(4).uniform(size=600), LEADS.size)
    nothing = np.zeros(count, np.float32)
    scored = Scored(
        as_of_s=np.repeat(np.arange(600), LEADS.size),
        lead_s=leads,
        row=np.zeros(count, np.intp),
        series_id=np.zeros(count, np.int64),
        basis=np.zeros(count, np.int8),
        current=np.zeros(count, np.int32),
        capacity=nothing,
        mean=nothing,
        quantiles=np.zeros((count, 5), np.float32),
        p_zero=nothing,
        p_over_capacity=nothing,
        plan_mean=nothing,
        naive=nothing,
        truth=np.where(leads == LEADS[-1], np.nan, 1.0).astype(np.float32),
        pit=pit.astype(np.float32),
    )
    watched = Watched(slot, settings, scored)
    watched.hear(BUSY, 0)
    learned = watched.watch.correlation.value
    assert learned > ADJACENT_CORRELATION
    watched.hear(BUSY, 1)
    assert watched.watch.correlation.value == learned
    watched.hear(BUSY, 13)
    assert watched.watch.correlation.value > learned
