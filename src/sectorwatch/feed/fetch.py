"""One request to a feed's server, within limits, and what can go wrong with it in few words."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

import aiohttp

from sectorwatch.config.loopback import is_loopback
from sectorwatch.errors import FetchError
from sectorwatch.feed.addresses import check_url
from sectorwatch.feed.compression import ACCEPTED, MAX_BYTES
from sectorwatch.feed.resolver import DaemonResolver
from sectorwatch.observe import outgoing_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

__all__ = [
    "BLAME",
    "NEVER_ARRIVED",
    "TRANSIENT",
    "FetchLimits",
    "Fetched",
    "Validators",
    "fetch",
    "open_session",
]

BLAME: dict[str, Literal["network", "server", "us"]] = {
    "dns": "network",
    "unreachable": "network",
    "connect_timeout": "network",
    "connect_refused": "server",
    "tls": "server",
    "disconnected": "server",
    "timeout": "server",
    "truncated": "server",
    "protocol": "server",
    "status": "server",
    "server_error": "server",
    "rate_limited": "server",
    "redirect": "server",
    "empty": "server",
    "too_large": "server",
    "bomb": "server",
    "bad_encoding": "server",
    "bad_status": "server",
    "no_address": "us",
    "circuit_open": "us",
}
"""Every `FetchError.reason`, and whose trouble it is: the way there, the server, or nobody's."""

NEVER_ARRIVED = frozenset({"dns", "unreachable", "connect_timeout", "connect_refused"})
"""Reasons for which no request reached a server."""

TRANSIENT = NEVER_ARRIVED | frozenset(
    {"disconnected", "timeout", "truncated", "protocol", "server_error", "empty"}
)
"""Reasons for which another try soon may go well."""

_LONGEST_RETRY_S = 600.0
_RATE_LIMITED_S = 60.0
_CHUNK = 1 << 16
_LONGEST_VALIDATOR = 1_000
_UNREACHABLE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EHOSTDOWN}
)
# The first that fits: each stands before the more general ones.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientResponseError, "protocol"),
)
_LOST = (aiohttp.ClientConnectionError, ConnectionError)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _NO_CONTENT, _NOT_MODIFIED = 200, 204, 304
_TOO_MANY, _UNAVAILABLE, _SERVER_ERROR = 429, 503, 500


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long and how much a fetch may take; `max_bytes` holds for what came and what it becomes.

    `total_s` is for everything, redirects among it; `read_s` for a silence amid it.
    """

    connect_s: float = 5.0
    read_s: float = 8.0
    total_s: float = 14.0
    max_bytes: int = MAX_BYTES
    max_redirects: int = 3

    @classmethod
    def within(cls, total_s: float) -> FetchLimits:
        """Limits for a fetch that may take `total_s` in all."""
        return cls(connect_s=total_s * 0.4, read_s=total_s * 0.6, total_s=total_s)


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask with whether anything changed."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        """The headers of a conditional request; none where there is nothing to ask with."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered: `body` as it came (None where nothing changed), still compressed."""

    body: bytes | None
    encoding: str
    validators: Validators


def open_session(
    user_agent: str, limits: FetchLimits, *, proxy: str | None = None
) -> aiohttp.ClientSession:
    """A session for `fetch`, to be closed by the caller.

    It keeps no cookies, decompresses nothing by itself, takes no proxy from the environment, and
    opens a connection for each request: one kept for 15 s is mostly one the server has closed.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=4, resolver=DaemonResolver()),
        timeout=aiohttp.ClientTimeout(
            total=None,
            connect=limits.connect_s,
            sock_connect=limits.connect_s,
            sock_read=limits.read_s,
        ),
        headers={
            "User-Agent": user_agent,
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED,
        },
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_asked_once,),
        proxy=proxy,
    )


async def _asked_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """One request is one request: aiohttp would repeat it at once where the connection was lost.

    What it takes for a kept connection gone stale is here a server that hung up on us.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise FetchError(_reason(error), f"{_shown(str(request.url))}: {_words(error)}") from error


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    limits: FetchLimits,
    *,
    validators: Validators | None = None,
    on_status: Callable[[int], None] | None = None,
    is_traced: bool = False,
) -> Fetched:
    """What the server at `url` answers. Raises FetchError, its reason one of `BLAME`.

    `on_status` is told of the status of every answer, redirects among them. A server on this
    machine is told our correlation id, one elsewhere only where `is_traced`.
    """
    validators = validators or Validators()
    try:
        async with asyncio.timeout(limits.total_s):
            for _ in range(limits.max_redirects + 1):
                is_here = is_loopback(url)
                traced = outgoing_headers(is_ours=is_here) if is_here or is_traced else {}
                headers = {**validators.headers(), **traced}
                async with _asked(session, url, headers) as response:
                    if on_status is not None:
                        on_status(response.status)
                    if response.status not in _REDIRECTS:
                        return await _answer(response, url, limits, validators)
                    url = _redirected(response, url)
    except TimeoutError as error:
        raise FetchError(
            "timeout", f"{_shown(url)} took longer than {limits.total_s:g} s"
        ) from error
    raise FetchError("redirect", f"{_shown(url)}: redirected {limits.max_redirects + 1} times over")


@asynccontextmanager
async def _asked(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The response to one GET, whatever goes wrong on the way told as a FetchError."""
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            yield response
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(_reason(error), f"{_shown(url)}: {_words(error)}") from error


def _reason(error: Exception) -> str:
    """The word for what aiohttp or the system raised."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return _payload_reason(error)
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    if isinstance(error, aiohttp.ClientConnectorError):
        return _connect_reason(error)
    return "disconnected" if isinstance(error, _LOST) else "protocol"


def _connect_reason(error: aiohttp.ClientConnectorError) -> str:
    code = error.os_error.errno
    if isinstance(error.os_error, socket.gaierror):
        return "dns"
    if code in _UNREACHABLE:
        return "unreachable"
    if code == errno.ETIMEDOUT:
        return "connect_timeout"
    # Several addresses tried at once give one error without a number.
    return "connect_refused"


def _payload_reason(error: aiohttp.ClientPayloadError) -> str:
    """Whether a body ended before its end, or was never one."""
    words = f"{error} {error.__cause__}".lower()
    return "truncated" if "not enough data" in words or "not completed" in words else "protocol"


async def _answer(
    response: aiohttp.ClientResponse, url: str, limits: FetchLimits, asked: Validators
) -> Fetched:
    status = response.status
    if status == _NOT_MODIFIED and asked.headers():
        return Fetched(None, "", asked)
    if status == _NO_CONTENT:
        raise FetchError("empty", f"{_shown(url)} answered 204, without a feed")
    if status != _OK:
        raise _refused(response, url)
    body = await _body(response, url, limits)
    if not body:
        raise FetchError("empty", f"{_shown(url)} answered 200 with nothing in it")
    headers = response.headers
    return Fetched(
        body=body,
        encoding=",".join(headers.getall("Content-Encoding", [])),
        validators=Validators(
            headers.get("ETag", "")[:_LONGEST_VALIDATOR],
            headers.get("Last-Modified", "")[:_LONGEST_VALIDATOR],
        ),
    )


async def _body(response: aiohttp.ClientResponse, url: str, limits: FetchLimits) -> bytes:
    said = response.content_length
    too_large = FetchError(
        "too_large", f"{_shown(url)} sends more than the limit of {limits.max_bytes} bytes"
    )
    if said is not None and said > limits.max_bytes:
        raise too_large
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limits.max_bytes:
            raise too_large
    return bytes(body)


def _refused(response: aiohttp.ClientResponse, url: str) -> FetchError:
    """The error for a status that is no success."""
    status, retry_after_s = response.status, None
    if status in {_TOO_MANY, _UNAVAILABLE}:
        retry_after_s = _retry_after_s(response.headers)
    if status == _TOO_MANY:
        reason = "rate_limited"
        retry_after_s = _RATE_LIMITED_S if retry_after_s is None else retry_after_s
    else:
        reason = "server_error" if status >= _SERVER_ERROR else "status"
    words = f"{_shown(url)} answered {status}"
    if retry_after_s is not None:
        words += f"; it is left alone for {retry_after_s:g} s"
    return FetchError(reason, words, retry_after_s=retry_after_s)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a `Retry-After` asks for, in either of its forms, capped; None if neither."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), _LONGEST_RETRY_S)
    until = _moment(text)
    if until is None:
        return None
    # Counted from the server's own time: its clock, or ours, may be wrong.
    left_s = until - (_moment(headers.get("Date", "")) or time.time())
    return min(max(0.0, left_s), _LONGEST_RETRY_S)


def _moment(text: str) -> float | None:
    """An HTTP date in seconds since 1970, None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _redirected(response: aiohttp.ClientResponse, url: str) -> str:
    """Where a redirect leads. Raises FetchError where it may not be followed."""
    location = response.headers.get("Location", "")
    if not location:
        raise FetchError("redirect", f"{_shown(url)} redirects to nowhere")
    try:
        target = check_url(urljoin(url, location))
    except ValueError as error:
        raise FetchError("redirect", f"{_shown(url)} redirects: {error}") from error
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise FetchError("redirect", f"{_shown(url)} redirects from https to http")
    return target


def _shown(url: str) -> str:
    """An address for a message: without what may be a password or a key in it."""
    parts = urlsplit(url)
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme}://{host}{parts.path}"


def _words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(
        error, aiohttp.ClientSSLError
    ):
        # What aiohttp says names the host again, and its own settings.
        cause = error.os_error
        if isinstance(cause, socket.gaierror):
            return f"its name was not found ({cause.strerror or cause})"
        known = os.strerror(cause.errno).lower() if cause.errno else str(cause)
        return f"no connection: {known[:150]}"
    text = str(error) or type(error).__name__
    return text.splitlines()[0][:200]
