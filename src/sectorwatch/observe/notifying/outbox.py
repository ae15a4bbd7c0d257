"""What is to be told, kept until it has been: on disk at once, tried by each channel for two days.

At least once: a notification is sent again only where nobody can know whether it arrived, which is
after a time-out and after a kill between its sending and the next commit. It goes out without
waiting for the disk, since a full disk is one of the things that have to be told.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.clock import Clock, SystemClock, wall_of
from sectorwatch.observe.correlation import LogCorrelationContext
from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import LogCategory, LogLevel
from sectorwatch.observe.notifying import wording
from sectorwatch.observe.notifying.attempts import LIMIT_S, Attempts
from sectorwatch.observe.notifying.kept import KeptDeliveries, OutboxEntry
from sectorwatch.observe.notifying.lane import GIVE_UP_S, Delivery, Lane
from sectorwatch.observe.notifying.notification import notification_of
from sectorwatch.observe.notifying.outcomes import LONGEST_PAUSE_S, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sectorwatch.observe.logs import StructuredLogger
    from sectorwatch.observe.metrics import MetricsCollector
    from sectorwatch.observe.notifying.channels import Channel
    from sectorwatch.observe.notifying.lane import RateLimit
    from sectorwatch.observe.notifying.notification import AlertGroup, Notification
    from sectorwatch.observe.store import ObserveStore
    from sectorwatch.observe.timed import Timed

__all__ = ["Outbox", "OutboxEntry"]

_SAME_S = 3_600.0
_MOST_REMEMBERED = 2_000
_STOP_S = 1.5
_OLDEST_WAITING_S = 300.0


class Outbox:
    """Takes groups of alerts and tells every channel of them, each in a thread of its own.

    `start` begins; before it, and after `stop`, what is put waits. `put` never raises, never waits.
    Without a `store` the last thousand are remembered until the program ends. `attempt_limit_s`
    bounds one attempt, however long the other side dawdles.
    """

    def __init__(
        self,
        channels: Sequence[Channel] = (),
        *,
        metrics: MetricsCollector,
        log: StructuredLogger,
        store: ObserveStore | None = None,
        clock: Clock | None = None,
        rate: RateLimit | None = None,
        attempt_limit_s: float = 20.0,
        timed: Callable[..., Timed] | None = None,
        seed: int | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._wall_s = wall_of(self._clock)
        self._metrics = metrics
        self._log = log.for_service("notifier")
        self._store = store
        self._timed = timed
        self._lock = threading.RLock()
        self._lanes = {each.id: Lane(each, rate=rate, seed=seed) for each in channels}
        self._attempts = {each.id: Attempts(each, limit_s=attempt_limit_s) for each in channels}
        self._wakes = {each.id: threading.Event() for each in channels}
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._said: OrderedDict[tuple[str, str, str], tuple[str, float]] = OrderedDict()
        self.drops = Drops()
        self._kept = KeptDeliveries(self._lanes, self._lock, clock=self._clock, drops=self.drops)
        if store is not None:
            store.attach(self._kept)
            self._said.update(self._kept.said)
        metrics.gauge_callback("notifications_pending", lambda: float(self.pending))

    # --- what others say and ask -------------------------------------------------------------

    def put(self, notice: AlertGroup) -> None:
        """Tell every channel of a group of alerts; never raises, never waits.

        The last word of a group said again within the hour is taken once. A resolve whose firing
        has not gone out is told together with it, in one notification.
        """
        try:
            self.tell(notification_of(notice, self._wall_s()))
        except Exception as error:  # noqa: BLE001 - telling never breaks what it tells of
            self.drops.count("put_failed")
            self._log.log_operation(
                "put_notification",
                LogLevel.ERROR,
                LogCategory.ERROR,
                error_message=f"{type(error).__name__}: {error}"[:200],
            )

    def tell(self, told: Notification) -> None:
        """As `put`, of what is ready to be told."""
        changed: list[Delivery] = []
        lost: list[Delivery] = []
        now_s, wall_s = self._clock.monotonic_s(), self._wall_s()
        with self._lock:
            for lane in self._lanes.values():
                if not self._is_new(lane, told, wall_s):
                    continue
                delivery = Delivery(
                    id=self._kept.next_id(),
                    channel=lane.channel.name,
                    channel_id=lane.channel.id,
                    told=told,
                    digest=told.digest,
                    created_s=wall_s,
                    due_s=now_s,
                    expires_s=now_s + GIVE_UP_S,
                )
                changed.append(lane.take_in(delivery) or delivery)
                if (oldest := lane.overflow()) is not None:
                    lost.append(oldest)
            for each in lost:
                each.state, each.finished_s = "failed", wall_s
                each.last_error = "too many waited"
            self._kept.mark([*changed, *lost])
        self._keep()
        for each in lost:
            self._given_up(each)
        for each in changed:
            self._wakes[each.channel_id].set()

    @property
    def pending(self) -> int:
        """How many notifications wait, counted for each channel."""
        with self._lock:
            return sum(len(lane.waiting) for lane in self._lanes.values())

    @property
    def channels(self) -> list[Channel]:
        """Who is told."""
        return [lane.channel for lane in self._lanes.values()]

    def check(self, channel: Channel) -> str:
        """What is wrong with a channel's address, "" for nothing; noted in `state`, may be slow."""
        problem = channel.check()
        if problem:
            with self._lock:
                lane = self._lanes[channel.id]
                lane.is_wrong, lane.last_error = True, problem
        return problem

    def entries(
        self,
        *,
        state: str | None = None,
        channel: str | None = None,
        hours: float = 720,
        limit: int = 100,
        offset: int = 0,
    ) -> list[OutboxEntry]:
        """What was told and what is to be told, newest first; sent and failed ones of 30 days."""
        since_s = self._wall_s() - hours * 3_600
        found = self._kept.entries(
            self._store, state=state, channel=channel, since_s=since_s, most=limit + offset
        )
        return found[offset : offset + limit]

    def state(self) -> dict[str, Any]:
        """How it is, for a health check: each channel, what waits, and since when.

        `is_good` is False where a channel's address is wrong, where it refused the last message,
        or where something waits for over 5 min.
        """
        now_s = self._clock.monotonic_s()
        with self._lock:
            channels = [
                {
                    "name": lane.channel.name,
                    "address": lane.channel.address,
                    "state": lane.state,
                    "pending": len(lane.waiting),
                    "last_error": lane.last_error or lane.channel.problem,
                }
                for lane in self._lanes.values()
            ]
            waiting = [each.expires_s for lane in self._lanes.values() for each in lane.waiting]
        # By the clock that nobody sets.
        oldest_s = max(0.0, now_s + GIVE_UP_S - min(waiting)) if waiting else 0.0
        is_bad = any(each["state"] in {"wrong_address", "refusing"} for each in channels)
        return {
            "is_good": not is_bad and oldest_s < _OLDEST_WAITING_S,
            "channels": channels,
            "pending": len(waiting),
            "oldest_pending_s": round(oldest_s, 1),
            "dropped": self.drops.counts(),
        }

    # --- its threads -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to tell, with a thread for each channel; a second time does nothing."""
        with self._lock:
            if any(each.is_alive() for each in self._threads) and not self._stop.is_set():
                return
            stop = self._stop = threading.Event()
            self._threads = [
                threading.Thread(
                    target=self._run,
                    args=(lane, stop),
                    name=f"notifier-{lane.channel.name}",
                    daemon=True,
                )
                for lane in self._lanes.values()
            ]
            for thread in self._threads:
                thread.start()

    def stop(self, *, within_s: float = _STOP_S) -> None:
        """Tell nobody any more; an attempt under way has until `within_s` to end, then is left."""
        self._stop.set()
        for wake in self._wakes.values():
            wake.set()
        end_s = SystemClock.monotonic_s() + within_s
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, end_s - SystemClock.monotonic_s()))
        self._threads = []

    def deliver(self, channel_id: str | None = None) -> float:
        """Try what is due now, here and now; gives the seconds until something may be due again.

        Of one channel, or of all. What the threads do; a program without them may call it.
        """
        wait_s = LONGEST_PAUSE_S
        for lane in self._lanes.values():
            if channel_id in (None, lane.channel.id):
                while (wait_lane_s := self._deliver_next(lane)) == 0.0:
                    pass
                wait_s = min(wait_s, wait_lane_s)
        return wait_s

    def _run(self, lane: Lane, stop: threading.Event) -> None:
        wake = self._wakes[lane.channel.id]
        while not stop.is_set():
            wake.clear()
            try:
                wait_s = self._deliver_next(lane)
            except Exception:  # noqa: BLE001 - a fault of ours must not end all telling
                self.drops.count("worker_failed")
                wait_s = 1.0
            # The clock that says what is due may be another than the one that waits here.
            if wait_s > 0 and not stop.is_set():
                wake.wait(min(wait_s, 60.0))

    def _deliver_next(self, lane: Lane) -> float:
        """Try the next one of a channel; the seconds to wait, 0 for none."""
        now_s, wall_s = self._clock.monotonic_s(), self._wall_s()
        with self._lock:
            old = lane.expired(now_s)
            for each in old:
                each.state, each.finished_s = "failed", wall_s
                each.last_error = f"given up after 48 h: {each.last_error or 'never tried'}"
            self._kept.mark(old)
            delivery, wait_s = lane.next(now_s)
        if old:
            self._keep()
            for each in old:
                self._given_up(each)
        if delivery is None:
            return wait_s
        with LogCorrelationContext(delivery.told.correlation_id or None):
            self._attempt(lane, delivery)
        return 0.0

    def _attempt(self, lane: Lane, delivery: Delivery) -> None:
        name = lane.channel.name
        began_s = SystemClock.monotonic_s()
        outcome = Outcome("retry", "the attempt failed")
        try:
            with self._timing(name) as run:
                outcome = self._attempts[lane.channel.id].send(delivery.told, self._wall_s())
                if run is not None:
                    run.note(answer=outcome.words)
        finally:
            took_s = SystemClock.monotonic_s() - began_s
            with self._lock:
                was_wrong = lane.is_wrong
                done = lane.settle(delivery, outcome, self._clock.monotonic_s(), self._wall_s())
                self._kept.mark([delivery])
            self._keep()
        self._metrics.timing("notification_send_seconds", {"channel": name}).observe(took_s)
        status = "sent" if outcome.is_sent else "failed" if done else "retry"
        self._count(name, status)
        grave = LogLevel.INFO if outcome.is_sent else LogLevel.ERROR if done else LogLevel.WARNING
        self._log.log_operation(
            "send_notification",
            grave,
            LogCategory.NETWORK,
            channel=name,
            outcome=status,
            title=wording.title(delivery.told),
            alerts=[each.id for each in delivery.told.alerts],
            attempt=delivery.attempts,
            answer=outcome.words,
            duration=took_s,
        )
        if lane.is_wrong and not was_wrong:
            self._log.log_operation(
                "wrong_notifier_address",
                LogLevel.ERROR,
                LogCategory.NETWORK,
                channel=name,
                address=lane.channel.address,
                what=f"{outcome.words}: correct it in the settings; nobody is told there",
            )

    def _timing(self, channel: str) -> AbstractContextManager[Timed | None]:
        if self._timed is None:
            return nullcontext()
        return self._timed("send_notification", "notifier", slow_s=LIMIT_S, channel=channel)

    # --- what is remembered ------------------------------------------------------------------

    def _is_new(self, lane: Lane, told: Notification, wall_s: float) -> bool:
        """Whether the last word of its group, within the hour, was another one."""
        key = (lane.channel.id, *told.group)
        digest, said_s = self._said.get(key, ("", 0.0))
        if digest == told.digest and abs(wall_s - said_s) < _SAME_S:
            return False
        self._said[key] = (told.digest, wall_s)
        self._said.move_to_end(key)
        while len(self._said) > _MOST_REMEMBERED:
            self._said.popitem(last=False)
        return True

    def _given_up(self, delivery: Delivery) -> None:
        self.drops.count("given_up")
        self._count(delivery.channel, "failed")
        self._log.log_operation(
            "give_up_notification",
            LogLevel.ERROR,
            LogCategory.NETWORK,
            channel=delivery.channel,
            title=wording.title(delivery.told),
            attempts=delivery.attempts,
            what=delivery.last_error,
        )

    def _count(self, channel: str, status: str) -> None:
        self._metrics.counter(
            "notifications_sent_total", {"channel": channel, "status": status}
        ).inc()

    def _keep(self) -> None:
        """Have what changed written, soon; never called with the lock held."""
        if self._store is not None:
            self._store.submit(self._kept.write, synced=True)
