"""Looks names up without ever holding the program's end back.

The event loop's own way waits, when it ends, for lookups that hang, and a lookup hangs for half a
minute where the network is gone: just when somebody stops the program to look after it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp.abc import AbstractResolver, ResolveResult

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DaemonResolver"]

_MOST_PENDING = 8
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

_Info = tuple[int, int, int, str, tuple[Any, ...]]


class DaemonResolver(AbstractResolver):
    """Asks the system in a thread that nobody waits for; at most eight at once."""

    def __init__(self) -> None:
        self._pending = 0
        self._lock = threading.Lock()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises OSError, as the system does."""
        with self._lock:
            if self._pending >= _MOST_PENDING:
                raise socket.gaierror(socket.EAI_AGAIN, "too many lookups of names hang already")
            self._pending += 1
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[_Info]] = loop.create_future()

        def settle(infos: Sequence[_Info], error: OSError | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(infos)
            else:
                answer.set_exception(error)

        def ask() -> None:
            infos: Sequence[_Info] = ()
            failed: OSError | None = None
            try:
                infos = socket.getaddrinfo(
                    host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
                )
            except (OSError, UnicodeError) as error:
                # A name that cannot be written as one is a name that is not found.
                failed = error if isinstance(error, OSError) else socket.gaierror(str(error))
            with self._lock:
                self._pending -= 1
            with suppress(RuntimeError):  # The loop is closed: nobody wants to know any more.
                loop.call_soon_threadsafe(settle, infos, failed)

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        return [_result(host, info) for info in await answer]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, info: _Info) -> ResolveResult:
    family, _, proto, _, address = info
    # A link-local address is none without the interface it belongs to.
    scope = f"%{address[3]}" if family == socket.AF_INET6 and address[3] else ""
    return ResolveResult(
        hostname=host,
        host=f"{address[0]}{scope}",
        port=address[1],
        family=family,
        proto=proto,
        flags=_NUMERIC,
    )
