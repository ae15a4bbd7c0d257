"""One attempt at a time, and a limit to it: a channel that hangs holds up nobody."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

from sectorwatch.observe.notifying.outcomes import Outcome
from sectorwatch.observe.redaction import scrub

if TYPE_CHECKING:
    from collections.abc import Callable

    from sectorwatch.observe.notifying.channels import Channel
    from sectorwatch.observe.notifying.notification import Notification

__all__ = ["Attempts", "OneAtATime"]

LIMIT_S = 20.0


class _Attempt:
    """A call in a daemon thread of its own."""

    def __init__(self, name: str, call: Callable[[], Outcome], what: object) -> None:
        self.what = what
        self.outcome: Outcome | None = None
        self._call = call
        context = contextvars.copy_context()
        self.thread = threading.Thread(
            target=lambda: context.run(self._run), name=f"notify-{name}", daemon=True
        )
        self.thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self._call()
        except BaseException as error:  # noqa: BLE001 - whatever it does, telling goes on
            words = f"the attempt failed ({type(error).__name__}: {error})"
            self.outcome = Outcome("retry", scrub(words)[:500])


class OneAtATime:
    """Makes calls that may hang, each within `limit_s`.

    A call that takes longer is left to itself, and no other is begun until it has ended: at most
    one thread hangs. If it went well after all, that counts where the same is wanted again.
    """

    def __init__(self, name: str, *, limit_s: float = LIMIT_S) -> None:
        self._name = name
        self._limit_s = limit_s
        self._left: _Attempt | None = None

    def call(self, call: Callable[[], Outcome], what: object = None) -> Outcome:
        """What `call` gives, of which `what` says what is wanted; never raises, never hangs."""
        left = self._left
        if left is not None:
            if left.thread.is_alive():
                return Outcome("retry", "the attempt before still hangs")
            self._left = None
            if left.outcome is not None and left.outcome.is_sent and left.what == what:
                return left.outcome
        attempt = _Attempt(self._name, call, what)
        attempt.thread.join(self._limit_s)
        if attempt.outcome is None:
            self._left = attempt
            return Outcome("retry", f"it was not done within {self._limit_s:g} s")
        return attempt.outcome


class Attempts:
    """Sends by one channel, one notification at a time, each within `limit_s`."""

    def __init__(self, channel: Channel, *, limit_s: float = LIMIT_S) -> None:
        self._channel = channel
        self._one = OneAtATime(channel.name, limit_s=limit_s)

    def send(self, told: Notification, now_s: float) -> Outcome:
        """What became of sending it; never raises, and returns within the limit."""
        if self._channel.problem:
            return Outcome("wrong_address", self._channel.problem)
        outcome = self._one.call(lambda: self._channel.sender.send(told, now_s), told)
        words = self._channel.masked(outcome.words)[:200]
        return Outcome(outcome.kind, words, outcome.pause_s, outcome.status)
