"""Asks the network for its feeds: as seldom as it wishes, as long as it answers, and no longer.

A fetch waits for its turn (at most one a 15 s, transceivers once a minute), asks an address in
`status.json` whether anything changed, tries again where that may help, and leaves a server that
keeps failing alone for a while. What it brings is handed on as it came, decompressed.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import stamina

import sectorwatch
from sectorwatch.clock import Clock, SystemClock
from sectorwatch.config.loopback import NETWORK_INTERVAL_S, is_loopback
from sectorwatch.errors import FeedRefusedError, FetchError
from sectorwatch.feed.addresses import STATUS_URL, AddressBook
from sectorwatch.feed.breaker import BreakerState, CircuitBreaker
from sectorwatch.feed.compression import decompress
from sectorwatch.feed.fetch import (
    BLAME,
    NEVER_ARRIVED,
    TRANSIENT,
    FetchLimits,
    Validators,
    fetch,
    open_session,
)
from sectorwatch.feed.pace import Pace
from sectorwatch.feed.reachability import Reachability
from sectorwatch.feed.records import Kind, RawFeed
from sectorwatch.feed.trouble import FeedTrouble
from sectorwatch.observe import (
    LogCategory,
    LogCorrelationContext,
    LogLevel,
    Telemetry,
    correlation_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import aiohttp

    from sectorwatch.feed.addresses import FeedAddresses
    from sectorwatch.feed.quarantine import Quarantine

__all__ = ["USER_AGENT", "Paces", "Retries", "VatsimClient"]

USER_AGENT = f"sectorwatch/{sectorwatch.__version__} (VATSIM division traffic monitor)"
SERVICE = "data_service"

_KINDS = {Kind.FEED: "feed", Kind.TRANSCEIVERS: "transceivers"}
# A server that answers "not modified" for two minutes on end may be a cache that hangs.
_UNCHANGED_BEFORE_ASKING_ANEW = 8
_ROOM_AGAIN_S = 0.005
_JITTER_S = 0.25


@dataclass(frozen=True, slots=True)
class Paces:
    """The turns of one process. Made once and given to every client, they outlive restarts."""

    feed: Pace
    transceivers: Pace

    @classmethod
    def standard(cls, clock: Clock, *, feed_s: float = 15.0, transceivers_s: float = 60.0) -> Paces:
        """As VATSIM asks of its readers: one fetch a 15 s, transceivers once a minute.

        Below 15 s the client asks nobody but this machine.
        """
        return cls(
            Pace(feed_s, clock, jitter_s=min(_JITTER_S, feed_s)),
            Pace(transceivers_s, clock, jitter_s=min(_JITTER_S, transceivers_s)),
        )

    def of(self, kind: Kind) -> Pace:
        """The turns for a kind of feed."""
        return self.feed if kind is Kind.FEED else self.transceivers


@dataclass(frozen=True, slots=True)
class Retries:
    """How often one fetch is tried, and how long is waited between: from `first_s`, doubling.

    A try that may have reached a server waits for its turn besides.
    """

    attempts: int = 3
    first_s: float = 1.0
    most_s: float = 5.0
    jitter_s: float = 1.0


class VatsimClient:
    """Fetches the data feed and the transceivers feed, for one event loop at a time.

    `url` is that of a `status.json` or of a data feed itself. Each kind of feed has a circuit
    breaker, and so has the lookup of addresses (`breakers`). What a server sent that could not be
    decompressed goes to `quarantine`. `reachability_hosts` (`ADDRESS:PORT`) are tried while the
    data feed fails, so that `trouble` can tell the network's from our own; in words the network is
    `source`. With `is_traced` other machines get a W3C `traceparent` too. Raises ValueError where
    `url` or one of the hosts is no address.
    """

    def __init__(
        self,
        *,
        url: str = STATUS_URL,
        transceivers_url: str | None = None,
        clock: Clock | None = None,
        paces: Paces | None = None,
        limits: FetchLimits | None = None,
        retries: Retries | None = None,
        quarantine: Quarantine | None = None,
        telemetry: Telemetry | None = None,
        reachability_hosts: Sequence[str] = (),
        source: str = "VATSIM",
        rng: random.Random | None = None,
        user_agent: str = USER_AGENT,
        proxy: str | None = None,
        open_s: float = 30.0,
        is_traced: bool = False,
    ) -> None:
        self._is_traced = is_traced
        self._clock = clock or SystemClock()
        self._book = AddressBook(url, self._clock, transceivers_url=transceivers_url)
        self._paces = paces or Paces.standard(self._clock)
        self._limits = limits or FetchLimits()
        if (
            min(self._paces.feed.interval_s, self._paces.transceivers.interval_s)
            < NETWORK_INTERVAL_S
        ):
            # Nor may this machine send us on to somebody else.
            self._limits = replace(self._limits, max_redirects=0)
        self._retries = retries or Retries()
        self._quarantine = quarantine
        self._telemetry = (telemetry or Telemetry.null()).for_service(SERVICE)
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._user_agent = user_agent
        self._proxy = proxy
        self._breakers = {
            what: CircuitBreaker(
                f"vatsim_{what}", self._clock, open_s=open_s, on_change=self._log_breaker
            )
            for what in ("feed", "transceivers", "status")
        }
        self.trouble = FeedTrouble(
            Reachability(reachability_hosts, self._clock),
            self._clock,
            limit_s=self._limits.total_s,
            telemetry=self._telemetry,
            source=source,
        )
        """Whether the data feed fails to come, since when, and why."""
        self._validators: dict[str, Validators] = {}
        self._unchanged: dict[str, int] = {}
        self._last_success_us: dict[Kind, int] = {}
        self._session: aiohttp.ClientSession | None = None
        # Its own hooks would print where structlog is not set up, and count beside us: every
        # failed try is logged and counted here.
        stamina.instrumentation.set_on_retry_hooks(())

    @property
    def breakers(self) -> tuple[CircuitBreaker, ...]:
        """The circuit breakers, for whoever shows their state."""
        return tuple(self._breakers.values())

    @property
    def addresses(self) -> FeedAddresses | None:
        """The addresses in use, None before any is known."""
        return self._book.addresses

    def last_success_us(self, kind: Kind) -> int | None:
        """When a server last answered well for a kind of feed, None before it ever did."""
        return self._last_success_us.get(kind)

    async def run(
        self, sink: Callable[[RawFeed], None], *, has_room: Callable[[], bool] | None = None
    ) -> None:
        """Fetch both feeds at their pace, for as long as it is let, and hand each to `sink`.

        Failures are counted and logged, and never end it. Nothing is fetched while `has_room` says
        that `sink` could not keep it, for networks that wait for their readers.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for kind in (Kind.FEED, Kind.TRANSCEIVERS):
                    tasks.create_task(self._poll(kind, sink, has_room), name=f"poll-{_KINDS[kind]}")
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the connections; the next fetch opens new ones."""
        self.trouble.forget()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def fetch(self, kind: Kind) -> RawFeed | None:
        """The feed as it is now, None where it is what it was.

        Waits for its turn, and tries again where that may help. Raises FetchError.
        """
        retries = self._retries
        try:
            async for attempt in stamina.retry_context(
                on=self._is_worth_another,
                attempts=retries.attempts,
                timeout=None,
                wait_initial=retries.first_s,
                wait_max=retries.most_s,
                wait_jitter=retries.jitter_s,
            ):
                with attempt:
                    return await self._try_once(kind)
        except FetchError:
            # A turn given back for another try is not for the next fetch.
            self._paces.of(kind).take()
            raise
        raise AssertionError("stamina ends with a result or an error")

    async def _poll(
        self,
        kind: Kind,
        sink: Callable[[RawFeed], None],
        has_room: Callable[[], bool] | None,
    ) -> None:
        while True:
            if has_room is not None and not has_room():
                await asyncio.sleep(_ROOM_AGAIN_S)
                continue
            if kind is Kind.TRANSCEIVERS and not self._has_transceivers():
                # Nobody has said yet where they are; the other task finds out.
                await asyncio.sleep(min(1.0, self._paces.feed.interval_s))
                continue
            with suppress(FetchError):
                raw = await self.fetch(kind)
                if raw is not None:
                    sink(raw)

    def _has_transceivers(self) -> bool:
        addresses = self._book.addresses
        return addresses is not None and bool(addresses.transceivers)

    @staticmethod
    def _is_worth_another(error: Exception) -> bool:
        return (
            isinstance(error, FetchError)
            and error.reason in TRANSIENT
            and error.retry_after_s is None
        )

    async def _try_once(self, kind: Kind) -> RawFeed | None:
        pace = self._paces.of(kind)
        await pace.turn()
        with LogCorrelationContext():
            return await self._fetched(kind, pace)

    async def _fetched(self, kind: Kind, pace: Pace) -> RawFeed | None:
        begun_s = self._clock.monotonic_s()
        try:
            raw = await self._look_up() if kind is Kind.FEED else None
            if raw is None:
                raw = await self._ask(kind)
        except FetchError as error:
            self._book.fetched(well=False)
            if error.reason in NEVER_ARRIVED:
                pace.give_back(self._retries.first_s)
            if error.retry_after_s is not None:
                pace.hold(error.retry_after_s)
            self._failed(_KINDS[kind], error)
            if kind is Kind.FEED:
                await self.trouble.failed(error, self._clock.monotonic_s() - begun_s)
            raise
        if kind is Kind.FEED:
            self.trouble.went_well(self._clock.monotonic_s() - begun_s)
        self._book.fetched(well=True)
        self._last_success_us[kind] = self._clock.now_us()
        self._count(_KINDS[kind], "unchanged" if raw is None else "new")
        return raw

    async def _ask(self, kind: Kind) -> RawFeed | None:
        """The feed from one of its addresses."""
        addresses = self._book.addresses
        url = None if addresses is None else addresses.choose(kind, self._rng)
        if url is None:
            raise FetchError("no_address", f"nobody has said where the {_KINDS[kind]} feed is")
        self._check_pace(kind, url)
        payload = await self._get(url, _KINDS[kind])
        return None if payload is None else self._raw(kind, payload)

    def _raw(self, kind: Kind, payload: bytes) -> RawFeed:
        return RawFeed(kind, payload, self._clock.now_us(), correlation_id=correlation_id())

    def _check_pace(self, kind: Kind, url: str) -> None:
        """Nobody's servers are hurried but those on this machine, whatever a status.json names."""
        interval_s = self._paces.of(kind).interval_s
        if interval_s < NETWORK_INTERVAL_S and not is_loopback(url):
            raise FetchError(
                "no_address",
                f"the {_KINDS[kind]} feed is said to be elsewhere than on this machine, where a "
                f"fetch every {interval_s:g} s is more than is allowed: set 15 s or more",
            )

    async def _look_up(self) -> RawFeed | None:
        """Look the addresses up where that is due; the feed, where the feed was what was found."""
        if not self._book.is_due():
            return None
        try:
            self._check_pace(Kind.FEED, self._book.url)
            payload = await self._get(self._book.url, "status", conditional=False)
            if payload is not None and self._book.learn(payload):
                return self._raw(Kind.FEED, payload)
            self._count("status", "new")
        except FetchError as error:
            self._book.missed()
            if self._book.addresses is None:
                raise
            self._failed("status", error)
        return None

    async def _get(self, url: str, what: str, *, conditional: bool = True) -> bytes | None:
        """What is at `url`, None where nothing changed; the breaker is asked, and told."""
        breaker = self._breakers[what]
        if not breaker.allows():
            raise FetchError(
                "circuit_open",
                f"the {what} server is left alone for {breaker.wait_s():.0f} s more: it failed "
                f"{breaker.state.failures} times in a row, last with {breaker.state.last_failure}",
            )
        anew = self._unchanged.get(url, 0) >= _UNCHANGED_BEFORE_ASKING_ANEW
        validators = self._validators.get(url) if conditional and not anew else None
        try:
            async with self._telemetry.timed(f"fetch_{what}", SERVICE):
                payload = await self._receive(url, what, validators)
        except FetchError as error:
            breaker.failed(error.reason)
            raise
        except BaseException:
            breaker.gave_up()
            raise
        breaker.succeeded()
        self._unchanged[url] = self._unchanged.get(url, 0) + 1 if payload is None else 0
        return payload

    async def _receive(self, url: str, what: str, validators: Validators | None) -> bytes | None:
        fetched = await fetch(
            self._opened(),
            url,
            self._limits,
            validators=validators,
            on_status=partial(self._count_status, what),
            is_traced=self._is_traced,
        )
        if fetched.body is None:
            return None
        body = fetched.body
        try:
            # In a thread: what is large takes longer than the event loop should stand still.
            payload = await asyncio.to_thread(
                decompress, body, fetched.encoding, limit=self._limits.max_bytes
            )
        except FeedRefusedError as error:
            reason = error.reason if error.reason in BLAME else "bad_encoding"
            if self._quarantine is not None:
                self._quarantine.keep_aside(reason, body, self._clock.now_us(), what=what)
            raise FetchError(reason, str(error)) from error
        self._validators[url] = fetched.validators
        metrics = self._telemetry.metrics
        metrics.counter("feed_received_bytes_total", {"what": what}, "bytes").inc(len(body))
        metrics.counter("feed_decoded_bytes_total", {"what": what}, "bytes").inc(len(payload))
        return payload

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = open_session(self._user_agent, self._limits, proxy=self._proxy)
        return self._session

    def _count(self, what: str, result: str) -> None:
        tags = {"what": what, "result": result}
        self._telemetry.metrics.counter("feed_fetches_total", tags).inc()

    def _count_status(self, what: str, status: int) -> None:
        tags = {"what": what, "status": str(status)}
        self._telemetry.metrics.counter("feed_responses_total", tags).inc()

    def _failed(self, what: str, error: FetchError) -> None:
        blame = BLAME.get(error.reason, "server")
        self._count(what, error.reason)
        if error.reason == "circuit_open":
            return  # The breaker said so when it opened.
        tags = {"what": what, "reason": error.reason, "blame": blame}
        self._telemetry.metrics.counter("feed_fetch_failures_total", tags).inc()
        self._telemetry.log.log_operation(
            f"fetch_{what}",
            level=LogLevel.WARNING,
            category=LogCategory.NETWORK,
            reason=error.reason,
            blame=blame,
            error=str(error),
        )

    def _log_breaker(self, state: BreakerState) -> None:
        self._telemetry.log.log_operation(
            "circuit_breaker",
            level=LogLevel.WARNING if state.state == "open" else LogLevel.INFO,
            category=LogCategory.NETWORK,
            breaker=state.name,
            state=state.state,
            failures=state.failures,
            last_failure=state.last_failure,
        )
