"""The outside clock: which alerts an instance's API shows, since when, until when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sectorwatch.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ALERTS", "Seen", "Watch"]

ALERTS = "/api/monitoring/alerts"


@dataclass(slots=True)
class Seen:
    """An alert as it was last shown; `at_s` is when it was shown first, `gone_s` when no more."""

    alert: Mapping[str, Any]
    at_s: float
    gone_s: float | None = None


class Watch:
    """Looks at the alerts again and again; `ask` gives an API's answer or raises."""

    def __init__(
        self,
        ask: Callable[[str], Any],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        every_s: float = 0.5,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._sleep = sleep
        self._every_s = every_s
        self._seen: dict[str, Seen] = {}
        self.unanswered = 0
        """How often the API gave no answer."""

    @property
    def seen(self) -> list[Seen]:
        """Every alert shown so far, in the order in which they were first shown."""
        return list(self._seen.values())

    @property
    def active(self) -> list[Seen]:
        """Those that were shown the last time."""
        return [seen for seen in self._seen.values() if seen.gone_s is None]

    def look(self) -> None:
        """Ask once."""
        try:
            shown = {alert["id"]: alert for alert in self._ask(ALERTS)}
        except (OSError, ServiceError):
            # That nobody answers says nothing of which alerts there are.
            self.unanswered += 1
            return
        # Not before the answer is there: nobody outside knew it earlier.
        now_s = self._clock()
        for number, alert in shown.items():
            known = self._seen.get(number)
            if known is None or known.gone_s is not None:
                self._seen[number] = Seen(alert, now_s)
            else:
                known.alert = alert
        for number, known in self._seen.items():
            if number not in shown and known.gone_s is None:
                known.gone_s = now_s

    def until(self, is_so: Callable[[], object], within_s: float) -> bool:
        """Look until `is_so()`, for `within_s` seconds at most; whether it came to be."""
        until_s = self._clock() + within_s
        while True:
            self.look()
            if is_so():
                return True
            if self._clock() >= until_s:
                return False
            self._sleep(self._every_s)
