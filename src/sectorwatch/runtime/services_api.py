"""The service that serves the API."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from sectorwatch.errors import ConfigError, DatabaseAwayError, ServiceError
from sectorwatch.observe import HealthState, LogCategory, LogLevel
from sectorwatch.runtime.http_protocol import BoundedHttpProtocol
from sectorwatch.runtime.service import Health, Service, end_of
from sectorwatch.runtime.threads import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

    from sectorwatch.config import Settings
    from sectorwatch.observe import Telemetry
    from sectorwatch.runtime.keyring import KeyRing

__all__ = ["ApiService"]

_BACKLOG = 1_024
_GRACE_S = 1
_SERVER_ERROR = 500


class _Server(uvicorn.Server):
    """uvicorn, without its own handling of signals: the program has one place for them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class ApiService(Service):
    """Serves an ASGI application over HTTP; a restart builds the application anew."""

    name = "api"
    uses = ("logging", "store", "tracker")

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing,
        factory: Callable[[], ASGIApp],
        *,
        telemetry: Telemetry,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._factory = factory
        self._log = telemetry.for_service(self.name).log
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port: int | None = None
        """The port it listens on, None while it does not."""

    async def start(self) -> None:
        """Begin to listen. Raises ConfigError where it would serve nobody, or the port is taken."""
        await call_in_thread(self._check_keys, "api-keys")
        listener = _listen(self._settings.host, self._settings.port)
        path = urlsplit(self._settings.base_url or "").path.rstrip("/")
        try:
            config = uvicorn.Config(
                self._factory(),
                http=BoundedHttpProtocol,
                log_config=None,
                access_log=False,
                server_header=False,
                root_path=path,
                proxy_headers=bool(self._settings.trusted_proxies),
                forwarded_allow_ips=list(self._settings.trusted_proxies),
                timeout_graceful_shutdown=_GRACE_S,
            )
            self._server = _Server(config)
            self._task = asyncio.create_task(self._serve(self._server, listener), name="api")
            await _started(self._server, self._task)
        except BaseException:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._log.log_operation(
            "listen", category=LogCategory.NETWORK, host=self._settings.host, port=self.port
        )

    async def stop(self) -> None:
        """Let requests that are under way end, for a second at most, and listen no more."""
        server, task = self._server, self._task
        self._server = self._task = self.port = None
        if server is None or task is None:
            return
        server.should_exit = True
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()

    async def health(self) -> Health:
        """Whether it answers a request of our own."""
        if self.port is None:
            return Health(HealthState.UNHEALTHY, {"error": "it does not listen"})
        status = await _status_of(self._settings.host, self.port, "/livez")
        good = 0 < status < _SERVER_ERROR
        about = {"port": self.port, "livez": status}
        if self._server is not None:
            about["connections"] = len(self._server.server_state.connections)
            about["requests"] = self._server.server_state.total_requests
        return Health(HealthState.HEALTHY if good else HealthState.UNHEALTHY, about)

    async def failed(self) -> BaseException:
        """Wait until the server ends by itself."""
        return await end_of(self._task, "the API")

    async def _serve(self, server: _Server, listener: socket.socket) -> None:
        try:
            await server.serve(sockets=[listener])
        except SystemExit as error:
            # So it says that the application's own start failed; the program goes on.
            raise ServiceError("the API's application did not start; its log says why") from error

    def _check_keys(self) -> None:
        """Refuse to listen where others can reach us and nobody could be let in."""
        self._log.log_operation(
            "check_keys",
            category=LogCategory.SECURITY,
            host=self._settings.host,
            public_read=self._settings.public_read,
            behind_proxy=bool(self._settings.base_url),
        )
        if _is_loopback(self._settings.host) or self._settings.public_read:
            return
        try:
            if self._keys.any_added():
                return
        except DatabaseAwayError:
            # Nobody gets in while keys cannot be looked up; that is safe, and will pass.
            self._log.log_operation(
                "check_keys", LogLevel.WARNING, LogCategory.SECURITY, what="the database is away"
            )
            return
        raise ConfigError(
            f"host is {self._settings.host}, which others can reach, and there is no key to let "
            "them in: add one with `sectorwatch keys add`, or set public_read, or listen on "
            "127.0.0.1"
        )


async def _started(server: _Server, task: asyncio.Task[None]) -> None:
    while not server.started:
        if task.done():
            await task
            raise ServiceError("the API ended before it began to listen; its log says why")
        # uvicorn tells nobody when it is ready.
        await asyncio.sleep(0.01)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ConfigError in words a person can act on."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"host {host!r} is no address of this machine ({error})") from error
    family, _, _, _, address = found[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(_why_not(error, host, port)) from error
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    where = f"port {port} of {host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken: stop what listens there, or choose another port with --port"
    if error.errno == errno.EACCES:
        return f"{where} may not be used by this user: choose a port above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: choose another with --host"
    return f"{where} cannot be listened on ({error.strerror}): choose another with --host, --port"


async def _status_of(host: str, port: int, path: str) -> int:
    """The status of our own answer to a GET, 0 where there is none."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - asked here, not listened on
    reader, writer = await asyncio.open_connection(own.strip("[]"), port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        line = await reader.readline()
        words = line.split()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
