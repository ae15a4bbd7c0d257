"""Alertmanager, the real one: its webhook's body is ours, and it takes what we push."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from observe.made import START_S, ManualClock, MemorySink
from observe.notifying.answering import Reply, Server, alert, told
from sectorwatch.observe import Alert, AlertSeverity, AlertState, MetricsCollector, StructuredLogger
from sectorwatch.observe.notifying import AlertmanagerPush
from sectorwatch.observe.notifying.alertmanager import fingerprint, labels_of, webhook_body
from sectorwatch.observe.notifying.notification import notification_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
BASE = "http://127.0.0.1:8001"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine takes no part."""
    monkeypatch.setenv("NO_PROXY", "*")


def pushing(url: str, active: Callable[[], list[Alert]], clock: Any = None) -> AlertmanagerPush:
    """What tells an Alertmanager, without its thread."""
    return AlertmanagerPush(
        url,
        active=active,
        base=BASE,
        metrics=MetricsCollector(),
        log=StructuredLogger(sinks=[MemorySink()]),
        clock=clock,
    )


@contextlib.contextmanager
def alertmanager(folder: Path, receiver: str) -> Iterator[str]:
    """A real one that posts to `receiver` at once; gives its address. Skips where there is none."""
    if PROGRAM is None:
        pytest.skip("Alertmanager is not installed (Debian's prometheus-alertmanager)")
    config = folder / "alertmanager.json"
    config.write_text(
        json.dumps(
            {
                "route": {
                    "receiver": "sectorwatch",
                    "group_by": ["alertname", "service"],
                    "group_wait": "300ms",
                    "group_interval": "100ms",
                },
                "receivers": [
                    {
                        "name": "sectorwatch",
                        "webhook_configs": [{"url": receiver, "send_resolved": True}],
                    }
                ],
            }
        )
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = subprocess.Popen(
        [
            PROGRAM,
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--web.external-url={BASE}",
            "--web.route-prefix=/",
            "--cluster.listen-address=",
            "--log.level=error",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{address}/-/ready"))
        yield address
    finally:
        program.kill()
        program.wait(10)


def answers(url: str) -> bool:
    """Whether there is a good answer."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own
            return int(answer.status) == 200
    except OSError:
        return False


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so that another program does."""
    for _ in range(6_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def comparable(value: Any) -> Any:
    """A body with its times as moments: a fraction may be written in more than one way."""
    if isinstance(value, dict):
        return {name: comparable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if isinstance(value, str) and value[:4].isdigit() and value.endswith("Z"):
        return datetime.fromisoformat(value)
    return value


def test_the_webhook_is_what_a_real_alertmanager_posts(tmp_path: Path) -> None:
    """The same alerts told to it and by it, and by us: equal in every key, value and type.

    Firing and resolved, two in a group, with labels that have to be quoted.
    """
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=90)
    both = [
        alert(
            name,
            timestamp=began + timedelta(seconds=int(name)),
            severity=AlertSeverity.HIGH,
            message=f'died: "{name}"\\ äöü',
            service='col"lec\\tor',
            labels={"service": 'col"lec\\tor', "part": name, "a-b": "x", "9": "y", "empty": ""},
            affects=("api", "tracker"),
            cause="no answer",
        )
        for name in ("1", "2")
    ]
    with Server(Reply(200)) as receiver, alertmanager(tmp_path, receiver.url("/hook")) as address:
        active = list(both)
        push = pushing(address, lambda: active)
        assert push.push().is_sent
        until(lambda: receiver.requests)
        real = receiver.requests[0].json
        assert receiver.requests[0].headers["Content-Type"] == "application/json"

        class Fires:
            status = "firing"
            alerts = tuple(both)

        ours = webhook_body(notification_of(Fires(), began.timestamp() + 90), base=BASE)
        ours = json.loads(json.dumps(ours))
        in_order = sorted(real["alerts"], key=lambda each: str(each["labels"]["part"]))
        assert comparable(ours) == comparable({**real, "alerts": in_order})
        assert {name: type(each) for name, each in ours.items()} == {
            name: type(each) for name, each in real.items()
        }

        # One ends: it is told as resolved by both, with the moment that it ended.
        active.remove(both[0])
        assert push.push().is_sent
        seen = len(receiver.requests)
        until(
            lambda: any(
                one["status"] == "resolved"
                for each in receiver.requests[seen - 1 :]
                for one in each.json["alerts"]
            )
        )
        ended = next(
            one
            for each in receiver.requests
            for one in each.json["alerts"]
            if one["status"] == "resolved"
        )
        when = datetime.fromisoformat(ended["endsAt"])
        ours = webhook_body(
            notification_of(
                type("Ended", (), {"status": "resolved", "alerts": (both[0],)})(), when.timestamp()
            ),
            base=BASE,
        )
        assert comparable(ours["alerts"]) == comparable([ended])
        assert ours["status"] == "resolved"


def test_alertmanager_is_told_again_and_again_and_of_the_end() -> None:
    """What stops being told ends there by itself; an end is told for a quarter of an hour."""
    clock = ManualClock()
    active = [alert("1"), alert("2", state=AlertState.PENDING), alert("3", silenced_by=("s",))]
    with Server(Reply(200)) as server:
        push = pushing(server.url("/am/"), lambda: active, clock)
        assert push.push().is_sent
        [body] = [each.json for each in server.requests]
        assert server.requests[0].path == "/am/api/v2/alerts"
        [one] = body
        assert one["labels"]["alertname"] == "service_down"
        assert one["startsAt"] == "2025-08-06T21:00:00Z"
        assert one["endsAt"] == "2025-08-06T21:04:00Z"
        # Silenced after it was told, it is told still: there it has not ended.
        active[0] = alert("1", silenced_by=("s",))
        clock.advance(60)
        push.push()
        assert [each["endsAt"] for each in server.requests[1].json] == ["2025-08-06T21:05:00Z"]
        active.clear()
        for _ in range(16):
            push.push()
            clock.advance(60)
        ends = [[each["endsAt"] for each in one.json] for one in server.requests[2:]]
        assert ends == [["2025-08-06T21:01:00Z"]] * 15 + [[]]
        server.replies = [Reply(503)]
        assert push.push().kind == "retry"
        assert push.state()["failures"] == 1
        assert "503" in push.state()["last_error"]


def test_the_thread_tells_at_once_what_changes() -> None:
    """Woken by a change of an alert, without waiting for its minute; it ends when told to."""
    active: list[Alert] = []
    with Server(Reply(200)) as server:
        push = pushing(server.url(""), lambda: active)
        push.start()
        push.start()
        until(lambda: len(server.requests) == 1)
        active.append(alert("1"))
        push.wake()
        until(lambda: len(server.requests) == 2)
        push.stop()
        assert [len(each.json) for each in server.requests] == [0, 1]


def test_labels_keep_the_rules_of_prometheus() -> None:
    """Names of letters, digits and underscores alone, none empty; three are always ours."""
    one = told(labels={"a b": "1", "9x": "2", "": "3", "alertname": "mine", "none": ""}).alerts[0]
    assert labels_of(one) == {
        "_": "3",
        "_9x": "2",
        "a_b": "1",
        "alertname": "service_down",
        "service": "collector",
        "severity": "critical",
    }
    assert fingerprint({}) == "cbf29ce484222325"
    assert webhook_body(told(resolved_s=START_S + 5), base=BASE)["alerts"][0]["endsAt"] == (
        "2025-08-06T21:00:05Z"
    )
