"""One channel's line: what waits for it, in which order, when it may be tried, when it is given up.

Nothing here waits or asks anybody; the outbox holds its lock around every call.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.observe.notifying.notification import merged
from sectorwatch.observe.notifying.outcomes import LONGEST_PAUSE_S

if TYPE_CHECKING:
    from sectorwatch.observe.notifying.channels import Channel
    from sectorwatch.observe.notifying.notification import Notification
    from sectorwatch.observe.notifying.outcomes import Outcome

__all__ = ["GIVE_UP_S", "Delivery", "Lane", "RateLimit"]

GIVE_UP_S = 48 * 3_600.0
_FIRST_PAUSE_S = 1.0
_MOST_DOUBLINGS = 20
MOST_WAITING = 500


@dataclass(slots=True)
class Delivery:
    """One notification for one channel. `state`: pending, sent, failed.

    `due_s` and `expires_s` are of the monotonic clock; `created_s`, `finished_s` of the wall's.
    """

    id: int
    channel: str
    channel_id: str
    told: Notification
    digest: str
    created_s: float
    due_s: float
    expires_s: float
    state: str = "pending"
    attempts: int = 0
    last_error: str = ""
    finished_s: float | None = None
    is_under_way: bool = False


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many messages at once, and so many more a minute from then on."""

    burst: int = 5
    per_minute: float = 30.0


class Lane:
    """The deliveries that wait for one channel, oldest first."""

    def __init__(
        self, channel: Channel, *, rate: RateLimit | None = None, seed: int | None = None
    ) -> None:
        self.channel = channel
        self.waiting: list[Delivery] = []
        self.busy: Delivery | None = None
        self.last_error = ""
        self.is_wrong = bool(channel.problem)
        self.is_refusing = False
        self.failures = 0
        self.paused_until_s = 0.0
        self._rate = rate or RateLimit()
        self._tokens = float(self._rate.burst)
        self._filled_s: float | None = None
        # Jitter keeps many instances from asking at once; nobody has to be unable to guess it.
        self._random = random.Random(seed)  # noqa: S311

    @property
    def state(self) -> str:
        """How the channel is by its last attempt, in a word."""
        if self.is_wrong:
            return "wrong_address"
        if self.is_refusing:
            return "refusing"
        return "failing" if self.failures else "good"

    def take_in(self, delivery: Delivery) -> Delivery | None:
        """Put a delivery in line; gives the one that it became one with, if there is such.

        That is the last one of its group, if it has not gone out and says that alerts fire: a
        firing that nobody has been told of and what came of it are told together.
        """
        for earlier in reversed(self.waiting):
            if earlier.told.group != delivery.told.group:
                continue
            if earlier.is_under_way or earlier.told.status != "firing":
                break
            earlier.told = merged(earlier.told, delivery.told)
            # The last word of it: what comes again after a restart is known by that.
            earlier.digest = delivery.digest
            return earlier
        self.waiting.append(delivery)
        return None

    def overflow(self) -> Delivery | None:
        """The oldest one not under way, taken out of the line where that has grown too long."""
        if len(self.waiting) <= MOST_WAITING:
            return None
        oldest = next(each for each in self.waiting if not each.is_under_way)
        self.waiting.remove(oldest)
        return oldest

    def expired(self, now_s: float) -> list[Delivery]:
        """Those that were tried long enough, taken out of the line."""
        old = [each for each in self.waiting if each.expires_s <= now_s and not each.is_under_way]
        for each in old:
            self.waiting.remove(each)
        return old

    def next(self, now_s: float) -> tuple[Delivery | None, float]:
        """The delivery to try now, marked as under way; else None and the seconds to wait.

        Of each group only the oldest may go; of those the one that is due the longest.
        """
        if self.busy is not None:
            return None, _FIRST_PAUSE_S
        groups: set[tuple[str, str]] = set()
        first: Delivery | None = None
        for each in self.waiting:
            if each.told.group in groups:
                continue
            groups.add(each.told.group)
            if first is None or each.due_s < first.due_s:
                first = each
        if first is None:
            return None, LONGEST_PAUSE_S
        wait_s = max(first.due_s, self.paused_until_s) - now_s
        if wait_s <= 0:
            wait_s = self._token_in_s(now_s)
        if wait_s > 0:
            return None, wait_s
        self._tokens -= 1
        first.is_under_way = True
        self.busy = first
        return first, 0.0

    def settle(self, delivery: Delivery, outcome: Outcome, now_s: float, wall_s: float) -> bool:
        """Note what became of an attempt; whether the delivery is done with, sent or failed."""
        delivery.is_under_way = False
        delivery.attempts += 1
        if self.busy is delivery:
            self.busy = None
        if outcome.pause_s is not None:
            self.paused_until_s = now_s + outcome.pause_s
        if outcome.is_sent:
            self.failures, self.last_error = 0, ""
            self.is_wrong = self.is_refusing = False
            delivery.last_error = ""
            self._finish(delivery, "sent", wall_s)
            return True
        self.last_error = delivery.last_error = outcome.words
        self.is_wrong = outcome.kind == "wrong_address"
        self.is_refusing = outcome.kind == "refused"
        if outcome.kind == "refused" or (self.is_wrong and outcome.pause_s is None):
            # The channel works, or never will: others need not wait for this one.
            self._finish(delivery, "failed", wall_s)
            return True
        self.failures += 1
        delivery.due_s = now_s + max(outcome.pause_s or 0.0, self._pause_s(delivery.attempts))
        if outcome.pause_s is None:
            self.paused_until_s = now_s + self._pause_s(self.failures)
        return False

    def _finish(self, delivery: Delivery, state: str, wall_s: float) -> None:
        delivery.state, delivery.finished_s = state, wall_s
        if delivery in self.waiting:
            self.waiting.remove(delivery)

    def _pause_s(self, attempts: int) -> float:
        pause_s = _FIRST_PAUSE_S * float(1 << min(max(attempts - 1, 0), _MOST_DOUBLINGS))
        return min(LONGEST_PAUSE_S, pause_s * self._random.uniform(1.0, 1.5))

    def _token_in_s(self, now_s: float) -> float:
        """Seconds until another message may go; 0 for now."""
        per_s = self._rate.per_minute / 60.0
        if self._filled_s is not None:
            grown = max(0.0, now_s - self._filled_s) * per_s
            self._tokens = min(float(self._rate.burst), self._tokens + grown)
        self._filled_s = now_s
        # A hair less than one will do: seconds do not add up to the last bit.
        return 0.0 if self._tokens >= 1.0 - 1e-9 else (1.0 - self._tokens) / per_s
