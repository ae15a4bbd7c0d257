"""The outbox: order, one word for what nobody was told of, retries, limits, and what survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observe.made import ManualClock, MemorySink
from observe.notifying.answering import (
    TOKEN,
    Group,
    Recording,
    Reply,
    Server,
    alert,
    firing,
    resolved,
)
from sectorwatch.observe import AlertSeverity, MetricsCollector, ObserveStore, StructuredLogger
from sectorwatch.observe.notifying import Channel, Outbox, Outcome, RateLimit, channels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sectorwatch.observe.notifying import Notification

SENT = Outcome("sent", "HTTP 204 No Content")
AWAY = Outcome("retry", "HTTP 503 Service Unavailable: it is in trouble", status=503)
UNLIMITED = RateLimit(1_000_000, 1e9)


def recording(name: str, answer: Callable[[Notification], Outcome]) -> tuple[Channel, Recording]:
    """A channel that answers as a test wants, in this process."""
    sender = Recording(answer)
    return Channel(name, name, f"{name}://***", f"id-{name}", sender), sender


class World:
    """An outbox with a clock that is turned by hand, and what it logged and counted."""

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        clock: ManualClock | None = None,
        path: Path | None = None,
        rate: RateLimit = UNLIMITED,
    ) -> None:
        self.clock = clock or ManualClock()
        self.sink = MemorySink()
        self.store = ObserveStore(path, clock=self.clock)
        self.metrics = MetricsCollector(clock=self.clock, store=self.store)
        self.outbox = Outbox(
            channels,
            metrics=self.metrics,
            log=StructuredLogger(sinks=[self.sink], clock=self.clock),
            store=self.store,
            clock=self.clock,
            rate=rate,
            seed=1,
        )

    def run(self, seconds: float) -> None:
        """Let time pass, trying what is due as the threads would."""
        end_s = self.clock.monotonic_s() + seconds
        while True:
            wait_s = self.outbox.deliver()
            left_s = end_s - self.clock.monotonic_s()
            if left_s <= wait_s:
                self.clock.advance(max(left_s, 0.0))
                return
            self.clock.advance(wait_s)

    def count(self, status: str, channel: str = "a") -> float:
        """`notifications_sent_total` of one kind."""
        tags = {"channel": channel, "status": status}
        return self.metrics.counter("notifications_sent_total", tags).total

    def operations(self) -> list[str]:
        """What was logged, by operation."""
        return [entry["operation"] for entry in self.sink.entries]


def statuses(sender: Recording) -> list[tuple[str, tuple[str, ...]]]:
    """What was told, in order."""
    return [(each.status, tuple(one.id for one in each.alerts)) for each in sender.sent]


def test_every_channel_is_told_once_and_it_is_kept() -> None:
    """Counted, logged, and to be asked for, newest first."""
    (one, first), (two, second) = recording("a", lambda _: SENT), recording("b", lambda _: SENT)
    world = World([one, two])
    world.outbox.put(firing("1", "2"))
    assert world.outbox.pending == 2
    world.run(1)
    assert world.outbox.pending == 0
    assert statuses(first) == statuses(second) == [("firing", ("alert_1", "alert_2"))]
    entries = world.outbox.entries()
    assert [(each.channel, each.state, each.alerts) for each in entries] == [
        ("b", "sent", ("alert_1", "alert_2")),
        ("a", "sent", ("alert_1", "alert_2")),
    ]
    assert entries[0].title == "CRITICAL: 2 alerts, service down (collector)"
    assert world.count("sent") == world.count("sent", "b") == 1
    assert world.operations() == ["send_notification", "send_notification"]


def test_the_same_word_is_taken_once() -> None:
    """A group put again within the hour, before or after it went out, is no second message."""
    channel, sender = recording("a", lambda _: SENT)
    world = World([channel])
    world.outbox.put(firing("1"))
    world.outbox.put(firing("1"))
    world.run(1)
    world.outbox.put(firing("1"))
    world.run(1)
    assert len(sender.sent) == 1
    world.outbox.put(firing("1", severity=AlertSeverity.LOW))
    world.run(1)
    assert len(sender.sent) == 2
    world.outbox.put(firing("1", severity=AlertSeverity.LOW))
    world.outbox.put(resolved("1"))
    world.outbox.put(firing("1", severity=AlertSeverity.LOW))
    world.run(1)
    assert len(sender.sent) == 4
    world.clock.advance(3_601)
    world.outbox.put(firing("1", severity=AlertSeverity.LOW))
    world.run(1)
    assert len(sender.sent) == 5


def test_what_is_over_before_it_was_told_is_told_in_one() -> None:
    """Nobody gets the resolve of what they never heard of, nor two messages of it."""
    is_away = True
    channel, sender = recording("a", lambda _: AWAY if is_away else SENT)
    world = World([channel])
    world.outbox.put(firing("1"))
    world.run(0.5)
    assert len(sender.sent) == 1
    world.outbox.put(resolved("1"))
    assert world.outbox.pending == 1
    is_away = False
    world.run(60)
    assert statuses(sender)[1:] == [("resolved", ("alert_1",))]
    [entry] = world.outbox.entries()
    assert (entry.status, entry.state, entry.attempts) == ("resolved", "sent", 2)


def test_a_group_of_which_part_is_over_still_fires() -> None:
    """Merged, the alerts that fire come first, and the whole is not called resolved."""
    channel, sender = recording("a", lambda _: SENT)
    world = World([channel])
    world.outbox.put(firing("1", "2"))
    world.outbox.put(resolved("1"))
    world.run(1)
    [told] = sender.sent
    assert told.status == "firing"
    assert [(each.id, each.resolved_s is None) for each in told.alerts] == [
        ("alert_2", True),
        ("alert_1", False),
    ]


def test_a_resolve_never_overtakes_its_firing() -> None:
    """While the firing is under way the resolve waits, and goes after it."""
    world: World
    order: list[str] = []

    def answer(told: Notification) -> Outcome:
        if not order:
            world.outbox.put(resolved("1"))
            # Whoever tries meanwhile finds nothing to do.
            assert world.outbox.deliver() > 0
        order.append(told.status)
        return SENT

    channel, _ = recording("a", answer)
    world = World([channel])
    world.outbox.put(firing("1"))
    world.run(1)
    assert order == ["firing", "resolved"]


def test_one_group_that_cannot_be_told_does_not_hold_up_the_others() -> None:
    """A message on which the other side chokes is tried ever more seldom; the rest goes out."""
    channel, sender = recording("a", lambda told: AWAY if told.service == "bad" else SENT)
    world = World([channel])
    world.outbox.put(firing("1", service="bad"))
    world.run(10)
    for number in range(2, 30):
        world.outbox.put(firing(str(number), service=f"s{number}"))
    world.run(600)
    told = [each.service for each in sender.sent]
    assert all(f"s{number}" in told for number in range(2, 30))
    assert 8 <= told.count("bad") <= 13


def test_a_channel_that_is_away_is_asked_ever_more_seldom_and_given_up_after_two_days() -> None:
    """From a second to a quarter of an hour; then the message is failed, counted and logged."""
    times: list[float] = []
    clock = ManualClock()

    def answer(told: Notification) -> Outcome:
        del told
        times.append(clock.monotonic_s())
        return AWAY

    channel, _ = recording("a", answer)
    world = World([channel], clock=clock)
    world.outbox.put(firing("1"))
    world.run(47.9 * 3_600)
    pauses = [after - before for before, after in pairwise(times)]
    assert 1.0 <= pauses[0] <= 1.5
    assert all(each < 900.001 for each in pauses)
    assert pauses[-1] == pytest.approx(900.0)
    assert len(times) < 230
    assert not world.outbox.state()["is_good"]
    world.run(3_600)
    assert world.outbox.pending == 0
    [entry] = world.outbox.entries()
    assert entry.state == "failed"
    assert entry.last_error == f"given up after 48 h: {AWAY.words}"
    assert world.count("failed") == 1
    assert world.outbox.drops.counts() == {"given_up": 1}
    assert "give_up_notification" in world.operations()


def test_a_message_that_is_refused_is_failed_at_once_and_the_next_one_goes_out() -> None:
    """It would be refused for ever."""
    bad = Outcome("refused", "HTTP 400 Bad Request: the message is not accepted", status=400)
    channel, sender = recording("a", lambda told: bad if told.service == "bad" else SENT)
    world = World([channel])
    world.outbox.put(firing("1", service="bad"))
    world.outbox.put(firing("2", service="good"))
    world.run(1)
    assert [each.service for each in sender.sent] == ["bad", "good"]
    assert world.outbox.state()["is_good"]
    assert {each.service: each.state for each in world.outbox.entries()} == {
        "bad": "failed",
        "good": "sent",
    }
    # As long as it refuses, something is wrong with the channel, whatever its address.
    world.outbox.put(firing("3", service="bad"))
    world.run(1)
    assert not world.outbox.state()["is_good"]
    assert world.outbox.state()["channels"][0]["state"] == "refusing"


def test_a_wrong_address_is_said_in_health_and_log_and_ends_with_a_good_message() -> None:
    """Once in the log, not for each message; others are told all the same."""
    wrong = Outcome("wrong_address", "HTTP 404 Not Found: there is nothing at the address")
    is_wrong = True
    (bad, _), (good, sender) = (
        recording("a", lambda _: wrong if is_wrong else SENT),
        recording("b", lambda _: SENT),
    )
    world = World([bad, good])
    world.outbox.put(firing("1"))
    world.outbox.put(firing("2", service="other"))
    world.run(1)
    assert len(sender.sent) == 2
    state = world.outbox.state()
    assert not state["is_good"]
    assert [each["state"] for each in state["channels"]] == ["wrong_address", "good"]
    assert world.operations().count("wrong_notifier_address") == 1
    is_wrong = False
    world.outbox.put(firing("3"))
    world.run(1)
    assert world.outbox.state()["is_good"]


def test_no_more_goes_out_than_the_rate_allows() -> None:
    """Five at once, then one every two seconds; none is lost."""
    channel, sender = recording("a", lambda _: SENT)
    world = World([channel], rate=RateLimit(5, 30))
    for number in range(20):
        world.outbox.put(firing(str(number), service=f"s{number}"))
    world.run(0.5)
    assert len(sender.sent) == 5
    world.run(10)
    assert len(sender.sent) == 10
    world.run(20)
    assert len(sender.sent) == 20


def test_the_other_side_is_left_alone_for_as_long_as_it_asks() -> None:
    """No message of any group goes there before that; another channel notices nothing."""
    replies = [Outcome("retry", "HTTP 429", 64.5, 429)]
    (slow, first), (other, second) = (
        recording("a", lambda _: replies.pop() if replies else SENT),
        recording("b", lambda _: SENT),
    )
    world = World([slow, other])
    world.outbox.put(firing("1"))
    world.outbox.put(firing("2", service="other"))
    world.run(64)
    assert (len(first.sent), len(second.sent)) == (1, 2)
    [entry, _] = world.outbox.entries(state="pending")
    assert entry.next_try is not None
    world.run(1)
    assert (len(first.sent), len(second.sent)) == (3, 2)


def test_the_line_has_an_end() -> None:
    """A channel that is away while thousands come keeps the newest five hundred."""
    channel, _ = recording("a", lambda _: AWAY)
    world = World([channel])
    for number in range(600):
        world.outbox.put(firing(str(number), service=f"s{number}"))
    assert world.outbox.pending == 500
    assert world.outbox.drops.counts() == {"given_up": 100}
    assert len(world.outbox.entries(state="failed", limit=1_000)) == 100


def test_a_clock_that_is_set_changes_nothing_for_what_waits() -> None:
    """Neither is it given up for a jump of a year, nor held back for one of a day."""
    is_away = True
    channel, sender = recording("a", lambda _: AWAY if is_away else SENT)
    world = World([channel])
    world.outbox.put(firing("1"))
    world.run(1)
    world.clock.jump(365 * 86_400)
    world.run(5)
    assert world.outbox.pending == 1
    world.clock.jump(-366 * 86_400)
    is_away = False
    world.run(60)
    assert world.outbox.pending == 0
    assert sender.sent


def test_what_waits_survives_a_restart_with_its_attempts(tmp_path: Path) -> None:
    """It goes on where it was; what was sent is not sent again, whoever puts it."""
    path = tmp_path / "observe.db"
    answers = {"s1": AWAY, "s2": SENT}
    channel, _ = recording("a", lambda told: answers[told.service])
    world = World([channel], path=path)
    world.outbox.put(firing("1", service="s1"))
    world.outbox.put(firing("2", service="s2"))
    world.run(5)
    before = world.outbox.entries(state="pending")
    world.store.close()

    clock = ManualClock(world.clock.wall_s + 10)
    channel, sender = recording("a", lambda _: SENT)
    again = World([channel], path=path, clock=clock)
    assert [each.attempts for each in again.outbox.entries(state="pending")] == [
        each.attempts for each in before
    ]
    again.outbox.put(firing("2", service="s2"))
    again.outbox.put(resolved("1", service="s1"))
    again.run(60)
    assert statuses(sender) == [("resolved", ("alert_1",))]
    assert {each.service for each in again.outbox.entries(state="sent")} == {"s1", "s2"}
    again.store.close()


def test_what_waits_for_a_channel_that_is_gone_is_failed(tmp_path: Path) -> None:
    """It is said, and goes to nobody else."""
    path = tmp_path / "observe.db"
    gone, _ = recording("a", lambda _: AWAY)
    world = World([gone], path=path)
    world.outbox.put(firing("1"))
    world.store.close()
    other, sender = recording("b", lambda _: SENT)
    again = World([other], path=path, clock=ManualClock(world.clock.wall_s + 1))
    again.run(10)
    assert sender.sent == []
    [entry] = again.outbox.entries()
    assert (entry.state, entry.last_error) == ("failed", "the channel is no longer in the settings")
    again.store.close()


def test_old_rows_go_after_thirty_days_and_damaged_ones_are_left_out(tmp_path: Path) -> None:
    """Bytes that are no notification cost themselves alone."""
    path = tmp_path / "observe.db"
    channel, sender = recording("a", lambda _: SENT)
    world = World([channel], path=path)
    world.outbox.put(firing("1"))
    world.run(1)
    assert world.store.flush()
    world.clock.advance(31 * 86_400)
    world.outbox.put(firing("2"))
    world.store.flush()
    world.clock.advance(3_601)
    world.store.flush()
    with world.store.read() as connection:
        rows = connection.execute("SELECT id FROM outbox").fetchall()
    assert rows == [(2,)]
    world.store.submit(lambda writer: writer.execute("UPDATE outbox SET content = x'00ff'"))
    world.store.close()
    again = World([channel], path=path, clock=ManualClock(world.clock.wall_s))
    assert again.outbox.pending == 0
    assert again.outbox.drops.counts() == {"damaged_entry": 1}
    assert len(sender.sent) == 1
    again.store.close()


@pytest.mark.parametrize("column", ["created_s", "due_s", "attempts", "finished_s"])
def test_a_damaged_number_costs_its_entry_alone(tmp_path: Path, column: str) -> None:
    """A flipped bit makes a number something else: the program starts, and tells the others."""
    path = tmp_path / "observe.db"
    channel, _ = recording("a", lambda _: AWAY)
    world = World([channel], path=path)
    world.outbox.put(firing("1"))
    world.outbox.put(firing("2", service="store"))
    set_it = "UPDATE outbox SET name = x'00ff' WHERE id = 1".replace("name", column)
    world.store.submit(lambda writer: writer.execute(set_it))
    world.store.close()
    again = World([channel], path=path, clock=ManualClock(world.clock.wall_s))
    assert again.outbox.pending == 1
    assert again.outbox.drops.counts() == {"damaged_entry": 1}
    assert len(again.outbox.entries()) == 1
    again.store.close()


def test_a_full_disk_is_told_of_all_the_same(tmp_path: Path) -> None:
    """Sending does not wait for the disk; what could not be written is written once it can be."""
    channel, sender = recording("a", lambda _: SENT)
    world = World([channel], path=tmp_path / "observe.db")
    world.store.submit(lambda writer: writer.execute("PRAGMA max_page_count=1"))
    world.outbox.put(firing("1", message="x" * 60_000))
    world.run(1)
    assert len(sender.sent) == 1
    [entry] = world.outbox.entries()
    assert entry.state == "sent"
    world.store.close()


def test_a_disk_that_takes_nothing_costs_no_memory() -> None:
    """What was told and could not be written is forgotten, oldest first, and counted."""
    channel, sender = recording("a", lambda _: SENT)
    world = World([channel])
    world.store.close()
    for number in range(1_200):
        world.outbox.put(firing(str(number), service=f"s{number}"))
        world.outbox.deliver()
    assert len(sender.sent) == 1_200
    assert len(world.outbox.entries(limit=5_000)) == 1_000
    assert world.outbox.drops.counts()["forgotten"] == 200


KILLED = """
import sys, time
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from observe.notifying.answering import firing
from sectorwatch.observe import Telemetry
from sectorwatch.observe.notifying import channels_of

channels = channels_of(["discord+http://127.0.0.1:1/api/webhooks/1/x"], base="http://h")
telemetry = Telemetry.open(Path(sys.argv[1]), sinks=[], channels=channels)
telemetry.start()
telemetry.outbox.put(firing("1", "2"))
while not telemetry.outbox.entries()[0].attempts:
    time.sleep(0.01)
# What is known of the attempt is on its way to the disk by the next one; after that it is there.
while telemetry.outbox.entries()[0].attempts < 2:
    time.sleep(0.01)
telemetry.store.submit(lambda _: print("put", flush=True), synced=True)
time.sleep(60)
"""


def test_what_was_put_survives_kill_9(tmp_path: Path) -> None:
    """A program killed a moment after goes on with it, and with the word that it was tried."""
    path = tmp_path / "observe.db"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), *[each for each in sys.path if each]],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_PROXY": "*"},
    )
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == "put\n"
        child.send_signal(signal.SIGKILL)
    channels = channels_of(["discord+http://127.0.0.1:1/api/webhooks/1/x"], base="http://h")
    store = ObserveStore(path)
    outbox = Outbox(
        channels, metrics=MetricsCollector(), log=StructuredLogger(sinks=[]), store=store
    )
    [entry] = outbox.entries()
    assert entry.state == "pending"
    assert entry.attempts > 0
    assert entry.alerts == ("alert_1", "alert_2")
    assert entry.last_error == "no connection: Connection refused"
    store.close()


@pytest.mark.parametrize("group", [None, 3, Group("firing", ()), Group("odd", (None,))])  # type: ignore[arg-type]
def test_nothing_that_is_put_ever_raises(group: Any) -> None:
    """It is counted and logged; the alert manager goes on."""
    channel, _ = recording("a", lambda _: SENT)
    world = World([channel])
    world.outbox.put(group)
    assert world.outbox.drops.counts() == {"put_failed": 1}
    assert world.operations() == ["put_notification"]


def test_a_hostile_alert_is_bounded() -> None:
    """Megabytes of text, thousands of labels and alerts: what is kept is small."""
    channel, sender = recording("a", lambda _: SENT)
    world = World([channel])
    big = alert("1", message="x" * 5_000_000, metadata={"advice": "\ud800" * 9_000})
    world.outbox.put(Group("firing", (big,) * 5_000))
    world.run(1)
    [told] = sender.sent
    assert len(told.alerts) == 50
    assert told.omitted == 4_950
    assert len(told.to_json()) < 500_000


STEP = st.tuples(
    st.sampled_from(["fire", "resolve", "wait", "toggle"]),
    st.integers(0, 2),
    st.sampled_from(["s1", "s2"]),
)


@settings(max_examples=60)
@given(st.lists(STEP, max_size=30))
def test_in_any_order_of_events_everybody_is_told_how_it_ended(steps: list[Any]) -> None:
    """What was last put of each alert is what was last told of it, once the channel answers."""
    is_away = False
    accepted: list[Notification] = []

    def answer(told: Notification) -> Outcome:
        if is_away:
            return AWAY
        accepted.append(told)
        return SENT

    channel, sender = recording("a", answer)
    world = World([channel])
    last: dict[tuple[str, str], bool] = {}
    generation = 0
    fires: dict[tuple[int, str], str] = {}
    for what, number, service in steps:
        key = (number, service)
        if what == "fire" and key not in fires:
            generation += 1
            fires[key] = f"{service}-{number}-{generation}"
            world.outbox.put(firing(fires[key], service=service))
            last[(service, fires[key])] = True
        elif what == "resolve" and key in fires:
            name = fires.pop(key)
            world.outbox.put(resolved(name, service=service))
            last[(service, name)] = False
        elif what == "wait":
            world.run(number)
        elif what == "toggle":
            is_away = not is_away
    is_away = False
    world.run(3_600)
    assert world.outbox.pending == 0
    heard = {
        (each.service, one.id.removeprefix("alert_")): one.resolved_s is None
        for each in accepted
        for one in each.alerts
    }
    assert heard == last
    assert sender.sent[-1:] == accepted[-1:]


def test_a_channel_that_hangs_holds_up_neither_another_nor_the_end() -> None:
    """A thread for each; stopping does not wait for one that is stuck."""
    hang = threading.Event()
    with Server(Reply(hang=hang)) as stuck, Server(Reply(204)) as good:
        channels = channels_of([stuck.discord, good.discord], base="http://h")
        sink = MemorySink()
        outbox = Outbox(channels, metrics=MetricsCollector(), log=StructuredLogger(sinks=[sink]))
        outbox.start()
        outbox.start()
        outbox.put(firing("1"))
        outbox.put(resolved("1", service="other"))
        wait_for(lambda: len(good.requests) == 2)
        wait_for(lambda: len(stuck.requests) == 1)
        outbox.stop(within_s=0.1)
        outbox.put(firing("2"))
        outbox.start()
        # One that it had when it was stopped may come again.
        wait_for(lambda: len(good.requests) >= 3)
        assert outbox.pending >= 1
        outbox.stop(within_s=0.1)
        hang.set()
    assert TOKEN.encode() not in b"".join(sink.lines)


LAZY = """
import sys
from observe.notifying.answering import firing
from sectorwatch.observe import Telemetry
from sectorwatch.observe.notifying import channels_of

urls = ["discord://1/x", "slack://a/b/c"]
telemetry = Telemetry.open(None, sinks=[], channels=channels_of(urls, base="http://h"))
telemetry.mute()
telemetry.start()
telemetry.outbox.put(firing("1"))
telemetry.close()
print(telemetry.outbox.pending, sorted({"apprise", "requests", "urllib3"} & set(sys.modules)))
"""


def test_what_telling_needs_is_loaded_once_somebody_is_told() -> None:
    """A start has no time for it; and one that is mute tells nobody and keeps what waits."""
    found = subprocess.run(
        [sys.executable, "-c", LAZY],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
    )
    assert found.stdout == "2 []\n"


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so that another thread does."""
    for _ in range(6_000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine takes no part."""
    monkeypatch.setenv("NO_PROXY", "*")
