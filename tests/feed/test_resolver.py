from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from sectorwatch.feed import resolver
from sectorwatch.feed.resolver import DaemonResolver


def test_a_name_is_looked_up() -> None:
    """As the system does it."""

    async def run() -> None:
        found = await DaemonResolver().resolve("localhost", 80)
        assert ("127.0.0.1", 80) in {(one["host"], one["port"]) for one in found}
        assert {one["hostname"] for one in found} == {"localhost"}

    asyncio.run(run())


@pytest.mark.parametrize("host", ["nobody.invalid", "x" * 300, "a..b"])
def test_a_name_that_is_none_is_an_error(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not found, too long, not to be written: all are errors of the system's kind."""
    real = socket.getaddrinfo

    def here_only(name: str, *args: object, **kwargs: object) -> object:
        if name == "nobody.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", here_only)
    with pytest.raises(OSError, match=r".+"):
        asyncio.run(DaemonResolver().resolve(host, 80))


def test_a_lookup_that_hangs_holds_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given up, the program ends at once; and so many may hang, and no more."""
    go = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        go.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    made = DaemonResolver()

    async def run() -> None:
        for _ in range(resolver._MOST_PENDING):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(made.resolve("slow.example"), 0.01)
        with pytest.raises(socket.gaierror, match="too many"):
            await made.resolve("slow.example")

    begun = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - begun < 5
    go.set()
    while made._pending:
        time.sleep(0.001)


def test_addresses_of_both_kinds_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link-local one with the interface that it belongs to."""
    infos = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 443, 0, 0)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 443, 0, 2)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: infos)

    async def run() -> None:
        made = DaemonResolver()
        found = await made.resolve("example.org", 443, socket.AF_UNSPEC)
        assert [one["host"] for one in found] == ["192.0.2.1", "2001:db8::1", "fe80::1%2"]
        await made.close()

    asyncio.run(run())
