"""The threads of alerts: stopped and started again, at their limit, and over another's code."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from observe.alerting.test_rules import HOT, world
from observe.made import ManualClock
from sectorwatch.observe import Alert, AlertManager, AlertSeverity, AlertType, ObserveStore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DOWN, HIGH = AlertType.SERVICE_DOWN, AlertSeverity.HIGH


def wait_for(condition: Any) -> None:
    """Wait until it holds; the test's own limit of time ends it otherwise."""
    while not condition():
        time.sleep(0.005)


def test_started_again_while_a_listener_hangs_others_are_heard_of() -> None:
    """A listener that comes back is called as before, and nobody waits for a thread that ended."""
    alerts = AlertManager()
    held, heard = threading.Event(), list[str]()
    entered = threading.Event()

    def listen(alert: Alert) -> None:
        heard.append(alert.service)
        if alert.service == "first":
            entered.set()
            held.wait(60)

    alerts.listeners.append(listen)
    alerts.start()
    alerts.create_alert(DOWN, HIGH, "down", "first")
    assert entered.wait(60)
    alerts.stop()
    alerts.start()
    alerts.create_alert(DOWN, HIGH, "down", "second")
    try:
        wait_for(lambda: "second" in heard)
        held.set()
        alerts.create_alert(DOWN, HIGH, "down", "third")
        wait_for(lambda: "third" in heard)
        assert alerts._teller._calling is None or alerts._teller._calling[1] > 0
        assert alerts.listeners == [listen]
    finally:
        held.set()
        alerts.stop()


def test_stopped_and_started_during_an_evaluation_there_is_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one that was at it ends when it is through."""
    alerts = AlertManager(period_s=0.01)
    held, entered = threading.Event(), threading.Event()
    look = alerts._evaluate

    def slow() -> None:
        if not entered.is_set():
            entered.set()
            held.wait(60)
        look()

    monkeypatch.setattr(alerts, "_evaluate", slow)
    alerts.start()
    first = alerts._thread
    assert first is not None
    assert entered.wait(60)
    alerts.stop()
    alerts.start()
    try:
        held.set()
        first.join(30)
        assert not first.is_alive()
        assert alerts.state()["evaluating"]
    finally:
        alerts.stop()


def test_where_no_thread_can_be_had_people_are_told_without_the_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine out of threads is when alerts matter."""
    here = world(replace(HOT, for_s=0))
    here.alerts.explain("hot", lambda _labels: "because")

    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError(f"can't start new thread {thread.name}")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    heard: list[Alert] = []
    here.alerts.listeners.append(heard.append)
    for room in "abcdefghijkl":
        here.see(95, room=room)
    assert len(heard) >= 12
    assert here.outbox.told()[0][0] == "firing"
    monkeypatch.undo()
    here.see(95, room="z")
    (last,) = [each for each in here.alerts.get_active_alerts() if each.labels["room"] == "z"]
    assert last.cause == "because"


def test_a_cause_that_is_no_proper_text_keeps_nothing_from_being_written(tmp_path: Path) -> None:
    """Half a character, a secret and a megabyte come to one clean line."""
    clock = ManualClock()
    with_store = ObserveStore(tmp_path / "observe.db", clock=clock)
    here = world(replace(HOT, for_s=0), store=with_store, clock=clock)
    here.alerts.explain(
        "hot", lambda _labels: f"no \udcff file\npostgresql://me:sesame@host/x {'x' * 2_000_000}"
    )
    here.see(95)
    (alert,) = here.alerts.get_active_alerts()
    assert alert.cause.startswith("no ? file ")
    assert "sesame" not in alert.cause
    assert len(alert.cause) <= 1_000
    with_store.close()
    assert with_store.drops.counts() == {}
    with sqlite3.connect(tmp_path / "observe.db") as reader:
        assert reader.execute("SELECT count(*) FROM alert").fetchone() == (1,)
    reader.close()


def test_one_alert_that_cannot_be_written_holds_up_no_other(tmp_path: Path) -> None:
    """It is counted, and stays in memory."""
    clock = ManualClock()
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    alerts = AlertManager(clock=clock, store=store)
    bad = alerts.create_alert(DOWN, HIGH, "down", "bad")
    record = alerts._book.active(bad.id)
    assert record is not None
    record.alert = replace(record.alert, note="\udcff")
    alerts._book.put(record)
    good = alerts.create_alert(DOWN, HIGH, "down", "good")
    store.flush()
    with sqlite3.connect(tmp_path / "observe.db") as reader:
        rows = reader.execute("SELECT service FROM alert").fetchall()
    reader.close()
    assert ("good",) in rows
    assert alerts.drops.counts()["row_unwritable"] >= 1
    assert {each.id for each in alerts.get_active_alerts()} == {bad.id, good.id}
    store.close()


def test_a_fault_while_people_are_told_ends_no_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and rules are looked at again in time."""
    alerts = AlertManager(period_s=0.02)
    failed = threading.Event()

    def fails() -> None:
        failed.set()
        raise ValueError("a fault of ours")

    monkeypatch.setattr(alerts, "_notify", fails)
    alerts.start()
    try:
        alerts._hurry.set()
        assert failed.wait(60)
        wait_for(lambda: alerts.drops.counts().get("evaluation_failed", 0) >= 3)
        assert alerts.state()["evaluating"]
    finally:
        alerts.stop()
