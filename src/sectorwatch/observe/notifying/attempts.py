"""One attempt at a time, and a limit to it: a channel that hangs holds up nobody."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

from sectorwatch.observe.notifying.outcomes import Outcome
from sectorwatch.observe.redaction import scrub

if TYPE_CHECKING:
    from sectorwatch.observe.notifying.channels import Channel
    from sectorwatch.observe.notifying.notification import Notification

__all__ = ["Attempts"]


class _Attempt:
    """A send in a daemon thread of its own."""

    def __init__(self, channel: Channel, told: Notification, now_s: float) -> None:
        self.told = told
        self.outcome: Outcome | None = None
        self._channel = channel
        self._now_s = now_s
        context = contextvars.copy_context()
        self.thread = threading.Thread(
            target=lambda: context.run(self._run), name=f"notify-{channel.name}", daemon=True
        )
        self.thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self._channel.sender.send(self.told, self._now_s)
        except BaseException as error:  # noqa: BLE001 - whatever a channel does, telling goes on
            words = self._channel.masked(scrub(f"{type(error).__name__}: {error}"))[:200]
            self.outcome = Outcome("retry", f"the attempt failed: {words}")


class Attempts:
    """Sends by one channel, each within `limit_s`.

    An attempt that takes longer is left to itself, and no other is begun until it has ended: at
    most one thread hangs. If it went well after all, that counts where the same is to be sent.
    """

    def __init__(self, channel: Channel, *, limit_s: float = 20.0) -> None:
        self._channel = channel
        self._limit_s = limit_s
        self._left: _Attempt | None = None

    def send(self, told: Notification, now_s: float) -> Outcome:
        """What became of sending it; never raises, and returns within the limit."""
        if self._channel.problem:
            return Outcome("wrong_address", self._channel.problem)
        left = self._left
        if left is not None:
            if left.thread.is_alive():
                return Outcome("retry", "the attempt before still hangs")
            self._left = None
            if left.outcome is not None and left.outcome.is_sent and left.told == told:
                return left.outcome
        attempt = _Attempt(self._channel, told, now_s)
        attempt.thread.join(self._limit_s)
        if attempt.outcome is None:
            self._left = attempt
            return Outcome("retry", f"it was not done within {self._limit_s:g} s")
        return attempt.outcome
