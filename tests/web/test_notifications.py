"""Who was told of alerts, over real HTTP: from an outbox with real channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from observe.notifying.answering import TOKEN, Reply, Server, firing
from sectorwatch.observe.notifying import Outbox, channels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from web.system import Client, System


@pytest.fixture
def outbox(system: System, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outbox]:
    """One with two channels: one is told, the other one does not know the address."""
    monkeypatch.setenv("NO_PROXY", "*")
    telemetry = system.application.telemetry
    with Server() as good, Server(Reply(404)) as gone:
        outbox = Outbox(
            channels_of([good.discord, gone.discord], base="http://h"),
            metrics=telemetry.metrics,
            log=telemetry.log,
        )
        for name in ("1", "2", "3"):
            outbox.put(firing(name, service=f"s{name}"))
        monkeypatch.setattr(telemetry, "outbox", outbox)
        yield outbox


def test_who_is_to_be_told_and_who_was(outbox: Outbox, client: Client) -> None:
    """Pending first, then sent or failed with why; no address is in it."""
    before = client.get("/api/monitoring/notifications").json()
    assert [each["state"] for each in before] == ["pending"] * 6
    assert all(each["next_try"] and each["finished"] is None for each in before)
    outbox.deliver()
    said = client.get("/api/monitoring/notifications?channel=discord-2")
    assert TOKEN.encode() not in said.body
    assert [each["service"] for each in said.json()] == ["s3", "s2", "s1"]
    for each in said.json():
        assert each["state"] == "failed"
        assert each["last_error"] == "HTTP 404 Not Found: there is nothing at the address"
        assert each["finished"] is not None
        assert each["next_try"] is None
    sent = client.get("/api/monitoring/notifications?state=sent&limit=2")
    assert [each["service"] for each in sent.json()] == ["s3", "s2"]
    assert sent.json()[0]["title"] == "CRITICAL: service down (s3)"
    assert sent.json()[0]["alerts"] == ["alert_3"]
    assert "state=sent" in sent.headers["link"]
    assert "offset=2" in sent.headers["link"]
