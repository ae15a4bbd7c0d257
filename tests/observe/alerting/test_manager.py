from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from observe.made import START_S, ManualClock
from sectorwatch.observe import (
    Alert,
    AlertManager,
    AlertSeverity,
    AlertState,
    AlertType,
    HealthChecker,
    Matcher,
    Notice,
    ObserveStore,
    RuleError,
)

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = datetime.fromtimestamp(START_S, UTC)
DOWN, SLOW = AlertType.SERVICE_DOWN, AlertType.PERFORMANCE_DEGRADATION
HIGH, LOW = AlertSeverity.HIGH, AlertSeverity.LOW


class Outbox:
    """Takes notices; raises `failure` instead where that is set."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.failure: Exception | None = None

    def put(self, notice: Notice) -> None:
        """Take one."""
        if self.failure is not None:
            raise self.failure
        self.notices.append(notice)

    def told(self) -> list[tuple[str, str, list[str]]]:
        """What came since this was last asked: status, service, messages."""
        found = [(str(n.status), n.service, [a.message for a in n.alerts]) for n in self.notices]
        self.notices.clear()
        return found


@pytest.fixture
def clock() -> ManualClock:
    """One clock for all of a test."""
    return ManualClock()


@pytest.fixture
def alerts(clock: ManualClock) -> AlertManager:
    """A manager with nothing behind it."""
    return AlertManager(clock=clock)


@pytest.fixture
def outbox(alerts: AlertManager) -> Outbox:
    """The outbox of `alerts`."""
    box = Outbox()
    alerts.outbox = box
    return box


def test_an_alert_has_what_it_was_given(alerts: AlertManager) -> None:
    """The fields of the specification, and those beyond it as they are at the beginning."""
    made = alerts.create_alert(DOWN, HIGH, "Service is down", "data_service", {"tries": 3})
    assert made.id.startswith("alert_")
    assert len(made.id) == len("alert_") + 12
    assert made.timestamp == made.updated == BEGUN
    assert (made.type, made.severity, made.message) == (DOWN, HIGH, "Service is down")
    assert (made.service, made.metadata, made.labels) == ("data_service", {"tries": 3}, {})
    assert (made.state, made.count, made.rule) == (AlertState.FIRING, 1, "")
    assert (made.resolved_at, made.acknowledged_at, made.value, made.threshold) == (None,) * 4
    assert alerts.get(made.id) == made
    assert alerts.get("alert_0") is None


def test_there_is_one_alert_of_a_type_service_and_labels(
    alerts: AlertManager, clock: ManualClock
) -> None:
    """Created again it is counted, says the latest, and its severity never sinks."""
    first = alerts.create_alert(SLOW, HIGH, "slow", "api", {"a": 1})
    clock.advance(5)
    again = alerts.create_alert(SLOW, LOW, "slower", "api", {"b": 2})
    assert (again.id, again.count, again.severity) == (first.id, 2, HIGH)
    assert (again.message, again.metadata) == ("slower", {"a": 1, "b": 2})
    assert (again.timestamp, again.updated) == (BEGUN, BEGUN + timedelta(seconds=5))
    others = [
        alerts.create_alert(DOWN, HIGH, "down", "api"),
        alerts.create_alert(SLOW, HIGH, "slow", "store"),
        alerts.create_alert(SLOW, HIGH, "slow", "api", {"operation": "GET /", "metric_type": "x"}),
        alerts.create_alert(SLOW, HIGH, "slow", "api", {"labels": {"route": "/x"}}),
    ]
    assert others[2].labels == {"operation": "GET /", "metric_type": "x"}
    assert others[3].labels == {"route": "/x"}
    assert len({first.id, *(each.id for each in others)}) == 5


def test_those_that_go_on_are_listed_oldest_first(alerts: AlertManager, clock: ManualClock) -> None:
    """Firing and acknowledged ones, not those that ended."""
    made = []
    for service in ("b", "a", "c"):
        made.append(alerts.create_alert(DOWN, HIGH, "down", service))
        clock.advance(1)
    alerts.acknowledge(made[0].id, "Ann")
    alerts.resolve_alert(made[2].id)
    assert [each.service for each in alerts.get_active_alerts()] == ["b", "a"]


def test_resolving_says_whether_it_went_on(alerts: AlertManager, clock: ManualClock) -> None:
    """False for an unknown or resolved id; what is created afterwards is a new alert."""
    assert alerts.resolve_alert("alert_nobody") is False
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    alerts.acknowledge(made.id, "Ann", "looking")
    clock.advance(60)
    assert alerts.resolve_alert(made.id, by="Ann") is True
    assert alerts.resolve_alert(made.id) is False
    over = alerts.get(made.id)
    assert over is not None
    assert (over.state, over.resolved_by) == (AlertState.RESOLVED, "Ann")
    assert over.resolved_at == BEGUN + timedelta(seconds=60)
    anew = alerts.create_alert(DOWN, HIGH, "down", "api")
    assert anew.id != made.id
    assert (anew.state, anew.count, anew.acknowledged_by) == (AlertState.FIRING, 1, "")
    assert [each.id for each in alerts.history()] == [anew.id, made.id]


def test_an_acknowledgement_says_who_and_when(alerts: AlertManager, clock: ManualClock) -> None:
    """Author, note and time; a second one replaces the first; None for an id that is not there."""
    assert alerts.acknowledge("alert_nobody", "Ann") is None
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    clock.advance(1)
    alerts.acknowledge(made.id, "Ann\nB", "looking")
    mine = alerts.acknowledge(made.id, "Bo", "it is the disk")
    assert mine is not None
    assert (mine.acknowledged_by, mine.note) == ("Bo", "it is the disk")
    assert (mine.state, mine.acknowledged_at) == (
        AlertState.ACKNOWLEDGED,
        BEGUN + timedelta(seconds=1),
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("no_such_type", HIGH, "m", "s"), "bad_type"),
        ((None, HIGH, "m", "s"), "bad_type"),
        ((DOWN, [], "m", "s"), "bad_severity"),
        ((DOWN, HIGH, "m" * 1_000_000, "s"), "long_message"),
        ((DOWN, HIGH, None, "s"), "long_message"),
        ((DOWN, HIGH, "m", "s" * 1_000), "bad_service"),
        ((DOWN, HIGH, "m", 7), "bad_service"),
        ((DOWN, HIGH, "m", "s", {"x": float("nan"), "y": [float("inf")]}), "bad_value"),
        ((DOWN, HIGH, "m", "s", {"x": "y" * 4_000, **{str(n): "z" * 900 for n in range(99)}}), "long_metadata"),
        ((DOWN, HIGH, "m", "s", 5), "bad_metadata"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_repaired_and_counted(
    alerts: AlertManager, given: tuple[Any, ...], reason: str
) -> None:
    """An alert comes of it all the same, within bounds, and it can be kept."""
    made = alerts.create_alert(*given)
    assert alerts.drops.counts() == {reason: 2 if reason == "bad_value" else 1}
    assert len(made.message) <= 1_000
    assert len(made.service) <= 100
    assert isinstance(made.type, AlertType)
    assert isinstance(made.severity, AlertSeverity)
    assert len(str(made.metadata)) < 20_000
    assert alerts.get_active_alerts() == [made]


def test_secrets_are_not_kept(alerts: AlertManager) -> None:
    """Neither by their key nor in running text."""
    made = alerts.create_alert(DOWN, HIGH, "password=hunter2", "s", {"token": "abc"})
    assert made.message == "password=[redacted]"
    assert made.metadata == {"token": "[redacted]"}


def test_alerts_beyond_the_limit_are_counted(alerts: AlertManager) -> None:
    """An explosion of them is bounded; each call gets its alert, and those kept stay."""
    made = [alerts.create_alert(DOWN, HIGH, "down", f"s{n}") for n in range(510)]
    assert len({each.id for each in made}) == 510
    assert len(alerts.get_active_alerts()) == 500
    assert alerts.drops.counts() == {"alert_limit": 10}


def test_listeners_hear_of_every_change_and_none_breaks_the_rest(alerts: AlertManager) -> None:
    """One that raises is counted."""
    heard: list[Alert] = []

    def fails(alert: Alert) -> None:
        raise RuntimeError(alert.id)

    alerts.listeners += [fails, heard.append]
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    alerts.create_alert(DOWN, HIGH, "down", "api")
    alerts.acknowledge(made.id, "Ann")
    alerts.resolve_alert(made.id)
    assert [each.state.value for each in heard] == ["firing", "acknowledged", "resolved"]
    assert alerts.drops.counts() == {"listener_failed": 3}


def test_a_listener_that_hangs_is_left_to_itself(alerts: AlertManager, clock: ManualClock) -> None:
    """The others go on; it is called no more."""
    hangs, ended, heard = threading.Event(), threading.Event(), threading.Event()

    def hang(alert: Alert) -> None:
        del alert
        hangs.set()
        ended.wait(60)

    alerts.listeners.append(hang)
    alerts.start()
    try:
        alerts.create_alert(DOWN, HIGH, "down", "api")
        assert hangs.wait(60)
        clock.advance(10)
        alerts.listeners.append(lambda _: heard.set())
        while hang in alerts.listeners:
            alerts.evaluate()
        alerts.create_alert(DOWN, HIGH, "down", "store")
        assert heard.wait(60)
        assert alerts.drops.counts()["listener_hangs"] == 1
    finally:
        ended.set()
        alerts.stop()


def test_created_from_many_threads_there_is_still_one(alerts: AlertManager) -> None:
    """No count is lost."""
    threads = [
        threading.Thread(
            target=lambda: [alerts.create_alert(DOWN, HIGH, "down", "api") for _ in range(50)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.count for each in alerts.get_active_alerts()] == [200]


def test_history_can_be_asked_by_time_service_and_type(
    alerts: AlertManager, clock: ManualClock
) -> None:
    """The youngest first, in pages; what ended before the hours asked for is left out."""
    for hour in range(6):
        made = alerts.create_alert(SLOW if hour % 2 else DOWN, HIGH, f"{hour}", f"s{hour % 3}")
        clock.advance(1_800)
        alerts.resolve_alert(made.id)
        clock.advance(1_800)

    def messages(**asked: Any) -> list[str]:
        return [each.message for each in alerts.history(**asked)]

    assert messages() == ["5", "4", "3", "2", "1", "0"]
    assert messages(hours=2) == ["5", "4"]
    assert messages(service="s0") == ["3", "0"]
    assert messages(alert_type=SLOW) == ["5", "3", "1"]
    assert messages(limit=2, offset=1) == ["4", "3"]
    assert messages(limit=0) == []


# Silences.


def test_a_silenced_alert_is_listed_and_marked(
    alerts: AlertManager, clock: ManualClock, outbox: Outbox
) -> None:
    """Nobody is told of it while the silence lasts, and then they are."""
    until = BEGUN + timedelta(hours=1)
    made = alerts.silence(
        [Matcher("service", "=", "api")], author="Ann", reason="me", ends_at=until
    )
    alerts.create_alert(DOWN, HIGH, "down", "api")
    alerts.create_alert(DOWN, HIGH, "gone", "store")
    alerts.evaluate()
    assert [each.silenced_by for each in alerts.get_active_alerts()].count((made.id,)) == 1
    assert outbox.told() == [("firing", "store", ["gone"])]
    assert alerts.silences() == [made]
    clock.advance(3_600)
    alerts.evaluate()
    assert outbox.told() == [("firing", "api", ["down"])]
    assert all(not each.silenced_by for each in alerts.get_active_alerts())
    assert (alerts.silences(), alerts.silences(expired=True)) == ([], [made])


def test_a_silence_marks_what_goes_on_already_and_ends_when_told(alerts: AlertManager) -> None:
    """At once, both; ending one that is over says False."""
    alerts.create_alert(DOWN, HIGH, "down", "api")
    until = BEGUN + timedelta(hours=1)
    made = alerts.silence(
        [Matcher("type", "=~", "service_.*")], author="A", reason="", ends_at=until
    )
    assert [each.silenced_by for each in alerts.get_active_alerts()] == [(made.id,)]
    assert alerts.end_silence(made.id) is True
    assert [each.silenced_by for each in alerts.get_active_alerts()] == [()]
    assert alerts.end_silence(made.id) is False
    assert alerts.end_silence("silence_nobody") is False


@pytest.mark.parametrize(
    ("matchers", "ends_at", "said"),
    [
        ([], BEGUN + timedelta(1), "0 matchers"),
        ([Matcher("a", "=", "b")] * 21, BEGUN + timedelta(1), "21 matchers"),
        ([Matcher("a", "=", "b")], BEGUN, "over already"),
        ([Matcher("a", "=", "b")], datetime(2030, 1, 1), "no zone"),  # noqa: DTZ001 - the point
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(
    alerts: AlertManager, matchers: list[Matcher], ends_at: datetime, said: str
) -> None:
    """With what is wrong."""
    with pytest.raises(RuleError, match=said):
        alerts.silence(matchers, author="A", reason="r", ends_at=ends_at)


# Inhibition.


def _graph(clock: ManualClock) -> HealthChecker:
    health = HealthChecker(clock=clock)
    for name, below in (("api", ["tracker"]), ("tracker", ["store"]), ("store", []), ("log", [])):
        health.register(name, lambda: None, depends_on=below)
    return health


def test_what_depends_on_a_service_that_is_down_is_not_told(clock: ManualClock) -> None:
    """It says whom to blame: the deepest that is down; and what it affects in turn."""
    alerts = AlertManager(clock=clock, health=_graph(clock))
    alerts.outbox = outbox = Outbox()
    alerts.create_alert(SLOW, HIGH, "slow", "api")
    alerts.create_alert(DOWN, HIGH, "tracker down", "tracker")
    store = alerts.create_alert(DOWN, HIGH, "store down", "store")
    alerts.create_alert(SLOW, HIGH, "log slow", "log")
    alerts.evaluate()
    found = {each.service: each for each in alerts.get_active_alerts()}
    assert {name: each.inhibited_by for name, each in found.items()} == {
        "api": "store", "tracker": "store", "store": "", "log": "",
    }  # fmt: skip
    assert found["store"].affects == ("api", "tracker")
    assert found["api"].cause == "store is down, and api depends on it"
    assert outbox.told() == [
        ("firing", "log", ["log slow"]),
        ("firing", "store", ["store down"]),
    ]
    alerts.resolve_alert(store.id)
    alerts.evaluate()
    assert outbox.told() == [
        ("resolved", "store", ["store down"]),
        ("firing", "tracker", ["tracker down"]),
    ]


# Telling.


def test_people_are_told_once_then_of_more_then_again_and_of_the_end(
    alerts: AlertManager, clock: ManualClock, outbox: Outbox
) -> None:
    """By groups of service and type, from HIGH up; a resolved notice follows what was told."""
    first = alerts.create_alert(SLOW, HIGH, "one", "api", {"operation": "1"})
    alerts.create_alert(SLOW, LOW, "small", "api", {"operation": "0"})
    alerts.evaluate()
    alerts.evaluate()
    assert outbox.told() == [("firing", "api", ["one"])]
    clock.advance(3_600)
    alerts.create_alert(SLOW, AlertSeverity.CRITICAL, "two", "api", {"operation": "2"})
    alerts.evaluate()
    assert outbox.told() == [("firing", "api", ["two", "one"])]
    clock.advance(12 * 3_600 - 1)
    alerts.evaluate()
    assert outbox.told() == []
    clock.advance(1)
    alerts.evaluate()
    assert outbox.told() == [("firing", "api", ["two", "one"])]
    # A silence that comes later keeps nobody from hearing of the end.
    until = BEGUN + timedelta(days=9)
    alerts.silence([Matcher("service", "=", "api")], author="A", reason="", ends_at=until)
    alerts.resolve_alert(first.id)
    alerts.evaluate()
    alerts.evaluate()
    assert outbox.told() == [("resolved", "api", ["one"])]


def test_what_is_acknowledged_is_not_told_again_but_its_end_is(
    alerts: AlertManager, clock: ManualClock, outbox: Outbox
) -> None:
    """Somebody is at it."""
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    alerts.evaluate()
    alerts.acknowledge(made.id, "Ann")
    clock.advance(48 * 3_600)
    alerts.evaluate()
    assert len(outbox.told()) == 1
    alerts.resolve_alert(made.id)
    alerts.evaluate()
    assert outbox.told() == [("resolved", "api", ["down"])]


def test_an_outbox_that_fails_is_asked_again(alerts: AlertManager, outbox: Outbox) -> None:
    """Nothing counts as told that it did not take."""
    outbox.failure = OSError("full")
    alerts.create_alert(DOWN, HIGH, "down", "api")
    alerts.evaluate()
    outbox.failure = None
    alerts.evaluate()
    alerts.evaluate()
    assert outbox.told() == [("firing", "api", ["down"])]
    assert alerts.drops.counts() == {"outbox_failed": 1}


# What is kept.


def test_alerts_and_silences_survive_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    """With their ids; who was told is not told anew, and hears of the end."""
    path = tmp_path / "observe.db"
    store = ObserveStore(path, clock=clock)
    alerts = AlertManager(clock=clock, store=store, health=_graph(clock))
    alerts.outbox = outbox = Outbox()
    down = alerts.create_alert(DOWN, HIGH, "down", "store")
    slow = alerts.create_alert(SLOW, HIGH, "slow", "api", {"operation": "x", "n": 1.5})
    over = alerts.create_alert(SLOW, HIGH, "over", "log")
    until = BEGUN + timedelta(hours=9)
    silence = alerts.silence([Matcher("a", "!~", "b.*")], author="A", reason="r", ends_at=until)
    alerts.end_silence(silence.id)
    kept = alerts.silence([Matcher("a", "=", "b")], author="A", reason="r", ends_at=until)
    alerts.evaluate()
    assert outbox.told() == [("firing", "log", ["over"]), ("firing", "store", ["down"])]
    alerts.resolve_alert(over.id)
    before = alerts.get_active_alerts()
    store.close()

    clock.advance(600)
    again = AlertManager(clock=clock, store=ObserveStore(path, clock=clock), health=_graph(clock))
    again.outbox = outbox
    assert again.get_active_alerts() == before
    assert (again.silences(), again.silences(expired=True)[0].id) == ([kept], silence.id)
    again.evaluate()
    # The end of one was still owed; the other two are known, and one of them is inhibited.
    assert outbox.told() == [("resolved", "log", ["over"])]
    assert {each.id: each.inhibited_by for each in again.get_active_alerts()} == {
        down.id: "", slow.id: "store",
    }  # fmt: skip
    assert [each.id for each in again.history()] == [
        each.id for each in sorted([down, slow, over], key=lambda each: each.id)
    ]
    again.resolve_alert(down.id)
    again.evaluate()
    assert outbox.told() == [("resolved", "store", ["down"]), ("firing", "api", ["slow"])]


_KILLED = """
import sys, time
from pathlib import Path
from sectorwatch.observe import AlertSeverity, AlertType, AlertManager, ObserveStore
store = ObserveStore(Path(sys.argv[1]))
store.start()
alerts = AlertManager(store=store)
made = alerts.create_alert(AlertType.SERVICE_DOWN, AlertSeverity.HIGH, "down", "api")
while store.state()["queued"]:
    time.sleep(0.001)
# The job that was taken is committed before the next is begun.
store.submit(lambda _: print(made.id, flush=True), synced=True)
time.sleep(60)
"""


def test_what_was_created_survives_kill_9(tmp_path: Path) -> None:
    """Within the moment that a write takes, not a minute."""
    path = tmp_path / "observe.db"
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        id_ = killed.stdout.readline().strip()
        os.kill(killed.pid, signal.SIGKILL)
    alerts = AlertManager(store=ObserveStore(path))
    assert [each.id for each in alerts.get_active_alerts()] == [id_]


def test_a_damaged_file_costs_nothing_that_goes_on(tmp_path: Path, clock: ManualClock) -> None:
    """It is put aside, and what is known is written into the new one."""
    path = tmp_path / "observe.db"
    store = ObserveStore(path, clock=clock)
    alerts = AlertManager(clock=clock, store=store)
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    store.flush()
    store.close()
    damaged = path.read_bytes()
    path.write_bytes(damaged[:100] + b"\xff" * (len(damaged) - 100))
    store = ObserveStore(path, clock=clock)
    alerts = AlertManager(clock=clock, store=store)
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    store.flush()
    store.close()
    again = AlertManager(clock=clock, store=ObserveStore(path, clock=clock))
    assert [each.id for each in again.get_active_alerts()] == [made.id]
    assert store.drops.counts()["damaged_file_put_aside"] == 1


def test_rows_that_cannot_be_read_are_left_out_and_counted(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The others are taken up."""
    path = tmp_path / "observe.db"
    store = ObserveStore(path, clock=clock)
    alerts = AlertManager(clock=clock, store=store)
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    store.close()
    with sqlite3.connect(path) as connection:
        for id_, data in (("x", "no JSON"), ("y", "{}"), ("z", '{"alert": {"type": "?"}}')):
            connection.execute(
                "INSERT INTO alert VALUES (?,'service_down','s','firing',0,1,NULL,?)", (id_, data)
            )
        connection.execute("INSERT INTO alert_silence VALUES ('s', 1, 2, '{}')")
    connection.close()
    again = AlertManager(clock=clock, store=ObserveStore(path, clock=clock))
    assert [each.id for each in again.get_active_alerts()] == [made.id]
    assert again.drops.counts() == {"row_unreadable": 4}


def test_without_room_on_the_disk_it_goes_on_in_memory(tmp_path: Path, clock: ManualClock) -> None:
    """What could not be written is written once there is room."""
    path = tmp_path / "observe.db"
    store = ObserveStore(path, clock=clock)
    alerts = AlertManager(clock=clock, store=store)
    full = sqlite3.OperationalError("database or disk is full")

    def refuse(*_: object) -> None:
        raise full

    working = alerts._book._write
    alerts._book._write = refuse  # type: ignore[method-assign, assignment]
    made = alerts.create_alert(DOWN, HIGH, "down", "api")
    over = alerts.create_alert(DOWN, HIGH, "down", "store")
    alerts.resolve_alert(over.id)
    assert store.drops.counts()["write_failed_disk_full"] == 3
    assert [each.id for each in alerts.get_active_alerts()] == [made.id]
    assert {each.id for each in alerts.history()} == {made.id, over.id}
    assert alerts.get(over.id) is not None
    alerts._book._write = working  # type: ignore[method-assign]
    assert store.flush()
    store.close()
    again = AlertManager(clock=clock, store=ObserveStore(path, clock=clock))
    assert {each.id for each in again.history()} == {made.id, over.id}


def test_history_is_let_go_after_90_days_and_silences_30_after_their_end(
    tmp_path: Path, clock: ManualClock
) -> None:
    """What goes on stays, however old."""
    store = ObserveStore(tmp_path / "observe.db", clock=clock)
    alerts = AlertManager(clock=clock, store=store)
    stays = alerts.create_alert(DOWN, HIGH, "stays", "a")
    goes = alerts.create_alert(DOWN, HIGH, "goes", "b")
    alerts.resolve_alert(goes.id)
    until = BEGUN + timedelta(days=1)
    alerts.silence([Matcher("a", "=", "b")], author="A", reason="r", ends_at=until)
    for days in (20, 12, 59):
        for _ in range(2):
            clock.advance(days * 43_200)
            store.flush()
        if days == 20:
            assert len(alerts.silences(expired=True)) == 1
    assert alerts.silences(expired=True) == []
    store.close()
    again = AlertManager(clock=clock, store=ObserveStore(tmp_path / "observe.db", clock=clock))
    assert [each.id for each in again.history(hours=9_000)] == [stays.id]
