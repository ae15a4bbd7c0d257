"""Reports: what services say of themselves from time to time, one line each.

What happens a thousand times an hour (an answer out of memory, a commit, a fetch) is worth no line
of its own; how often it happened, and how well, is.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.drops import Drops
from sectorwatch.observe.enums import LogCategory, LogLevel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sectorwatch.observe.logs import StructuredLogger

__all__ = ["Reports", "Since"]


class Reports:
    """Who has something to report, by service and category; whoever comes again takes the place."""

    def __init__(self, log: StructuredLogger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._reports: dict[tuple[str, LogCategory], Callable[[], Mapping[str, Any] | None]] = {}
        self.drops = Drops()

    def add(
        self,
        service: str,
        category: LogCategory,
        report: Callable[[], Mapping[str, Any] | None],
    ) -> None:
        """Have `report` asked; what it gives becomes a line, None none. It may be slow or raise."""
        with self._lock:
            self._reports[service, category] = report

    def say(self) -> None:
        """Write what everybody has to report now; never raises."""
        with self._lock:
            reports = list(self._reports.items())
        for (service, category), report in reports:
            try:
                context = report()
            except Exception:  # noqa: BLE001 - one that fails takes nobody else's turn
                self.drops.count("report_failed")
                continue
            if context is not None:
                self._log.log_operation(
                    "report", LogLevel.INFO, category, **{**context, "service": service}
                )


class Since:
    """How much running totals grew since they were last asked for.

    >>> since = Since()
    >>> since(commits=7), since(commits=10)
    ({'commits': 7}, {'commits': 3})
    """

    def __init__(self) -> None:
        self._before: dict[str, float] = {}

    def __call__(self, **totals: float) -> dict[str, float]:
        """The growth of each; a total that began anew counts from there."""
        grown = {}
        for name, total in totals.items():
            before = self._before.get(name, 0)
            grown[name] = total - before if total >= before else total
            self._before[name] = total
        return grown
