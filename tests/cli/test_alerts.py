"""`sectorwatch alerts test`: each channel is told, and what became of it is said in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from observe.notifying.answering import TOKEN, Reply, Server

if TYPE_CHECKING:
    from cli.calling import Command


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine takes no part."""
    monkeypatch.setenv("NO_PROXY", "*")


def test_each_channel_is_told_and_what_became_of_it_is_said(
    sectorwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good and bad beside each other; code 1, and no address anywhere."""
    with (
        Server() as discord,
        Server(Reply(404)) as gone,
        Server() as hook,
        Server(Reply(200)) as alertmanager,
    ):
        monkeypatch.setenv("SECTORWATCH_NOTIFY_URLS", f"{discord.discord},{gone.discord}")
        monkeypatch.setenv("SECTORWATCH_ALERT_WEBHOOK_URLS", hook.url(f"/{TOKEN}"))
        monkeypatch.setenv("SECTORWATCH_ALERTMANAGER_URL", alertmanager.url(""))
        result = sectorwatch("alerts", "test")
        assert result.code == 1
        assert "sent in 0." in result.out
        assert "not sent: HTTP 404 Not Found: there is nothing at the address" in result.out
        assert TOKEN not in result.out + result.err
        rows = {each["channel"]: each for each in sectorwatch("alerts", "test", "--json").json()}
        assert {name: row["sent"] for name, row in rows.items()} == {
            "discord": True,
            "discord-2": False,
            "webhook": True,
            "alertmanager": True,
        }
        assert rows["discord-2"]["status"] == 404
        assert [each.json["status"] for each in hook.requests[:2]] == ["firing", "resolved"]
        assert alertmanager.requests[0].path == "/api/v2/alerts"
        assert "This is a test" in discord.requests[0].json["embeds"][0]["description"]


def test_one_channel_can_be_told_alone(
    sectorwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name or its number; one that there is not is bad usage, and those there are named."""
    with Server() as first, Server() as second:
        monkeypatch.setenv("SECTORWATCH_NOTIFY_URLS", f"{first.discord} {second.discord}")
        assert sectorwatch("alerts", "test", "--channel", "discord-2").code == 0
        assert sectorwatch("alerts", "test", "--channel", "2").code == 0
        assert (len(first.requests), len(second.requests)) == (0, 2)
        wrong = sectorwatch("alerts", "test", "--channel", "slack")
        assert wrong.code == 2
        assert "'slack' is no channel" in wrong.err
        assert "discord-2" in wrong.err


def test_no_channel_is_said(sectorwatch: Command) -> None:
    """With the setting that makes one."""
    result = sectorwatch("alerts", "test")
    assert result.code == 1
    assert "no channel is configured: set notify_urls" in result.err


def test_the_check_of_settings_finds_addresses_that_cannot_be_used(
    sectorwatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once, none printed; a good one passes without being asked."""
    monkeypatch.setenv("SECTORWATCH_NOTIFY_URLS", f"discord://x/{TOKEN},nosuch://{TOKEN}/y")
    monkeypatch.setenv("SECTORWATCH_ALERTMANAGER_URL", f"ftp://{TOKEN}")
    result = sectorwatch("config", "check")
    assert result.code == 1
    for name in ("discord (discord://***)", "nosuch (nosuch://***)", "alertmanager (ftp://***)"):
        assert name in result.err
    assert TOKEN not in result.err
    monkeypatch.setenv("SECTORWATCH_NOTIFY_URLS", f"discord://1/{TOKEN}")
    monkeypatch.setenv("SECTORWATCH_ALERTMANAGER_URL", "http://127.0.0.1:1")
    assert sectorwatch("config", "check").code == 0
