"""The notifier: who is told, whose address is wrong, the sign of life, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from observe.made import ManualClock, MemorySink
from observe.notifying.answering import TOKEN, Reply, Server, firing
from runtime.world import settings_for, write_feeds
from sectorwatch.config import load_settings
from sectorwatch.feed.archive import ArchiveSource
from sectorwatch.observe import AlertSeverity, AlertType, HealthState, LogLevel, Telemetry
from sectorwatch.observe.notifying import Heartbeat, channels_of
from sectorwatch.runtime import build
from sectorwatch.runtime.bus import EventBus
from sectorwatch.runtime.observation import base_address, notifier_channels
from sectorwatch.runtime.services_notifier import NotifierService

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine takes no part."""
    monkeypatch.setenv("NO_PROXY", "*")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so that another thread does."""
    for _ in range(6_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


def opened(sink: MemorySink, *urls: str) -> Telemetry:
    """Telemetry in memory that tells these addresses."""
    channels = channels_of(urls, base="http://127.0.0.1:8001")
    return Telemetry.open(None, sinks=[sink], level=LogLevel.DEBUG, channels=channels)


def test_an_alert_is_told_through_the_service() -> None:
    """From the outbox to a real server; healthy, with nothing left."""
    sink = MemorySink()
    with Server() as server:
        telemetry = opened(sink, server.discord)

        async def scenario() -> None:
            service = NotifierService(telemetry, EventBus())
            await service.start()
            telemetry.outbox.put(firing("1"))
            await until(lambda: telemetry.outbox.entries(state="sent") != [])
            health = await service.health()
            assert health.status is HealthState.HEALTHY
            assert health.details["pending"] == 0
            assert TOKEN not in repr(health)
            await service.stop()
            # What comes now waits for the next start.
            telemetry.outbox.put(firing("2"))
            assert len(server.requests) == 1
            await service.start()
            await until(lambda: len(server.requests) == 2)
            await service.stop()

        asyncio.run(scenario())
        telemetry.close()
    assert TOKEN.encode() not in b"".join(sink.lines)
    sent = [each for each in sink.entries if each["operation"] == "send_notification"]
    assert {(each["category"], each["service"]) for each in sent} == {("network", "notifier")}


def test_a_wrong_address_is_logged_at_the_start_and_degrades_and_the_others_are_told() -> None:
    """Never an exception; the log says which one, without saying it."""
    sink = MemorySink()
    with Server() as server:
        telemetry = opened(sink, f"nosuch://{TOKEN}/x", "discord://x", server.discord)

        async def scenario() -> None:
            service = NotifierService(telemetry, EventBus())
            await service.start()
            telemetry.outbox.put(firing("1"))
            await until(lambda: len(server.requests) == 1)
            await until(
                lambda: (
                    [each["operation"] for each in sink.entries].count("wrong_notifier_address")
                    >= 2
                )
            )
            health = await service.health()
            assert health.status is HealthState.DEGRADED
            states = {each["name"]: each["state"] for each in health.details["channels"]}
            assert states == {
                "nosuch": "wrong_address",
                "discord": "wrong_address",
                "discord-2": "good",
            }
            await service.stop()

        asyncio.run(scenario())
        telemetry.close()
    assert TOKEN.encode() not in b"".join(sink.lines)


def test_a_hanging_channel_does_not_hold_up_the_end() -> None:
    """The service stops within its time; what was under way is still in the outbox."""
    hang = threading.Event()
    with Server(Reply(hang=hang)) as server:
        telemetry = opened(MemorySink(), server.discord)

        async def scenario() -> None:
            service = NotifierService(telemetry, EventBus())
            await service.start()
            telemetry.outbox.put(firing("1"))
            await until(lambda: len(server.requests) == 1)
            await asyncio.wait_for(service.stop(), 5)

        asyncio.run(scenario())
        assert telemetry.outbox.pending == 1
        hang.set()
        telemetry.close()


def test_the_sign_of_life_follows_ticks_and_nothing_else() -> None:
    """At most once in its time, again at the next tick after a failure, never without one."""
    clock = ManualClock()
    sink = MemorySink()
    telemetry = Telemetry.open(None, sinks=[sink], clock=clock)
    with Server(Reply(200)) as server:
        heart = Heartbeat(
            server.url(f"/{TOKEN}"),
            every_s=60,
            metrics=telemetry.metrics,
            log=telemetry.log,
            clock=clock,
        )
        assert heart.beat_if_due()
        clock.advance(45)
        assert not heart.beat_if_due()
        clock.advance(15)
        server.replies = [Reply(500), Reply(302, headers={"Location": "/x"}), Reply(200)]
        assert not heart.beat_if_due()
        assert heart.state()["failures"] == 1
        clock.advance(15)
        assert not heart.beat_if_due()
        clock.advance(15)
        assert heart.beat_if_due()
        assert heart.state()["failures"] == 0
        assert [each.method for each in server.requests] == ["GET"] * 4
    assert telemetry.metrics.counter("heartbeats_total", {"status": "sent"}).total == 2
    assert telemetry.metrics.counter("heartbeats_total", {"status": "failed"}).total == 2
    assert TOKEN not in repr(heart.state())
    assert TOKEN.encode() not in b"".join(sink.lines)
    telemetry.close()


def test_a_fault_of_ours_does_not_end_the_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread can be had for a moment: the next tick is told all the same."""
    telemetry = Telemetry.open(None, sinks=[])
    with Server(Reply(200)) as server:
        heart = Heartbeat(server.url("/ok"), metrics=telemetry.metrics, log=telemetry.log)
        heart.start()
        tried = threading.Event()

        def none_left(_: threading.Thread) -> None:
            tried.set()
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", none_left)
            heart.ticked()
            assert tried.wait(60)
        asyncio.run(until(lambda: heart.state()["failures"] == 1))
        assert "RuntimeError" in heart.state()["last_error"]
        heart.ticked()
        asyncio.run(until(lambda: len(server.requests) == 1))
        heart.stop()
    telemetry.close()


def test_the_service_hears_of_ticks_from_the_bus() -> None:
    """One sign of life for a committed tick; a failing one degrades the service."""
    telemetry = Telemetry.open(None, sinks=[])
    with Server(Reply(503)) as server:
        heart = Heartbeat(
            server.url("/x"), every_s=60, metrics=telemetry.metrics, log=telemetry.log
        )

        async def scenario() -> None:
            bus = EventBus()
            service = NotifierService(telemetry, bus, heartbeat=heart)
            bus.start()
            await service.start()
            await asyncio.sleep(0.05)
            assert server.requests == []
            bus.announce(1)
            await until(lambda: heart.state()["failures"] == 1)
            health = await service.health()
            assert health.status is HealthState.DEGRADED
            assert "503" in health.details["heartbeat"]["last_error"]
            await service.stop()
            bus.announce(2)
            await asyncio.sleep(0.05)
            assert len(server.requests) == 1
            bus.stop()

        asyncio.run(scenario())
    telemetry.close()


def test_settings_make_the_channels(tmp_path: Path) -> None:
    """Each address once, from the environment or a file of secrets; links begin where it is."""
    secrets = tmp_path / "urls"
    secrets.write_text(f"discord://1/{TOKEN}\nmailto://me:{TOKEN}@example.org?to=a@b.org,c@d.org\n")
    loaded = load_settings(
        env={
            "SECTORWATCH_NOTIFY_URLS_FILE": str(secrets),
            "SECTORWATCH_ALERT_WEBHOOK_URLS": f'["https://example.org/{TOKEN}"]',
            "SECTORWATCH_HEARTBEAT_URL": f"https://example.org/{TOKEN}",
            "SECTORWATCH_HOST": "::1",
        }
    )
    channels = notifier_channels(loaded.settings)
    assert [each.name for each in channels] == ["discord", "mailto", "webhook"]
    assert base_address(loaded.settings) == "http://[::1]:8001"
    assert TOKEN not in repr(loaded) + repr(channels) + repr(loaded.shown())
    shown = {each.name: each.value for each in loaded.shown()}
    assert shown["notify_urls"] == "discord://***,mailto://***"
    assert shown["heartbeat_url"] == "https://***"


def test_an_instance_tells_whoever_is_set_and_gives_signs_of_life(tmp_path: Path) -> None:
    """The whole program over a recording: an alert that is created reaches a real server."""
    with Server() as discord, Server() as life:
        feeds = tmp_path / "feeds"
        write_feeds(feeds, duration_s=120, every_s=30, flights=3)
        settings = settings_for(
            tmp_path / "data", notify_urls=discord.discord, heartbeat_url=life.url("/ok")
        )
        application = build(settings, ArchiveSource([feeds]), sinks=[])

        async def scenario() -> None:
            application.bus.start()
            await application.supervisor.start()
            await until(lambda: len(life.requests) == 1)
            alerts = application.telemetry.alerts
            one = alerts.create_alert(
                AlertType.DATABASE_ISSUE, AlertSeverity.HIGH, "it is away", "store"
            )
            alerts.create_alert(AlertType.CPU_SPIKE, AlertSeverity.MEDIUM, "too little", "store")
            alerts.evaluate()
            await until(lambda: len(discord.requests) == 1)
            alerts.resolve_alert(one.id)
            alerts.evaluate()
            await until(lambda: len(discord.requests) == 2)
            await application.supervisor.stop()
            application.bus.stop()

        asyncio.run(scenario())
        application.close()
    first, second = [each.json for each in discord.requests]
    assert first["content"] == "HIGH: database issue (store)"
    assert first["embeds"][0]["url"].endswith("/api/monitoring/alerts")
    assert second["content"] == "Resolved: database issue (store)"
