"""What nobody should send, and somebody will: half a character, no number, numbers without end."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from observe.alerting.test_manager import BEGUN
from observe.alerting.test_rules import HOT, world
from observe.made import ManualClock
from sectorwatch.observe import (
    AlertManager,
    AlertSeverity,
    AlertType,
    Matcher,
    ObserveStore,
    RuleError,
)

if TYPE_CHECKING:
    from pathlib import Path

HALF = "\udcff"


def test_a_label_that_is_no_proper_text_makes_an_alert_that_can_be_shown_and_kept(
    tmp_path: Path,
) -> None:
    """Each part of it is text that JSON can hold."""
    clock = ManualClock()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    here = world(replace(HOT, for_s=0, summary="{room} is hot"), store=store, clock=clock)
    assert here.see(95, room=HALF) == ["firing"]
    (alert,) = here.alerts.get_active_alerts()
    assert (alert.labels["room"], alert.message) == ("?", "? is hot")
    assert orjson.dumps([alert.message, alert.service, alert.metadata, dict(alert.labels)])
    store.close()
    assert here.alerts.drops.counts() == {}
    reader = sqlite3.connect(tmp_path / "observe.db")
    assert reader.execute("SELECT count(*) FROM alert").fetchone() == (1,)
    reader.close()


def test_a_matcher_that_is_no_proper_text_is_refused() -> None:
    """It could not be kept, and nothing else with it."""
    for name, value in ((HALF, "x"), ("service", HALF)):
        with pytest.raises(RuleError, match="text"):
            Matcher(name, "=", value)


def test_a_silence_that_cannot_be_written_holds_up_no_other(tmp_path: Path) -> None:
    """It is counted; alerts and other silences reach the disk."""
    clock = ManualClock()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    alerts = AlertManager(clock=clock, store=store)
    ends = BEGUN + timedelta(hours=1)
    bad = alerts.silence([Matcher("service", "=", "a")], author="me", reason="", ends_at=ends)
    alerts._book.put_silence(replace(bad, author=HALF))
    alerts.silence([Matcher("service", "=", "b")], author="me", reason="", ends_at=ends)
    alerts.create_alert(AlertType.CPU_SPIKE, AlertSeverity.HIGH, "hot", "api")
    store.close()
    assert alerts.drops.counts()["row_unwritable"] >= 1
    reader = sqlite3.connect(tmp_path / "observe.db")
    assert reader.execute("SELECT count(*) FROM alert").fetchone() == (1,)
    assert reader.execute("SELECT count(*) FROM alert_silence").fetchone() == (2,)
    reader.close()


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1e300])
def test_history_of_no_number_of_hours_is_a_history(odd: float) -> None:
    """It never raises."""
    alerts = AlertManager(clock=ManualClock())
    made = alerts.create_alert(AlertType.CPU_SPIKE, AlertSeverity.HIGH, "hot", "api")
    assert alerts.history(hours=odd) == [made]
    assert alerts.history(limit=10**30) == [made]
    assert alerts.history(offset=10**30) == []
    assert alerts.history(service=HALF) == []
    assert alerts.get(HALF) is None
